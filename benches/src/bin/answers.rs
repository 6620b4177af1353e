//! The plugin `each` as a component in the program's engine, over hosts that answer at once and
//! at length.
//!
//! A process of its own, because what is measured is its largest resident size: engine,
//! component, answers under way, the finished report, and drawing it.
#![expect(clippy::print_stdout, reason = "the program is a command")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{
    About, Answer, AnyConsent, Backend, Change, Chunk, Gate, Host, HostKind, Outcome, Page,
    Question, Selection,
};
use lab_benches::arguments::ended;
use lab_engine::{ArtifactCache, Call, Component, Engine, Limits, Run, RunError, Silent};
use lab_output::Needs;
use lab_render::{Format, Options, render};
use lab_types::{Failure, Value};

const HELP: &str = "\
Run `each` over hosts that all answer the same number of bytes

Usage: answers WASM CACHE HOSTS BYTES DIFFERENT

  CACHE       a folder for the compiled component, so that only the first run compiles
  DIFFERENT   how many different answers there are

Prints how many rows came of it.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [wasm, cache, numbers @ ..] = args.as_slice() else {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    };
    ended(run(wasm, cache, numbers))
}

fn run(wasm: &str, cache: &str, numbers: &[String]) -> Result<(), String> {
    let numbers: Result<Vec<usize>, _> = numbers.iter().map(|number| number.parse()).collect();
    let [hosts, bytes, different] = numbers.ok().and_then(|it| it.try_into().ok()).ok_or(HELP)?;
    let code = std::fs::read(wasm).map_err(|error| format!("{wasm}: {error}"))?;
    let engine = Engine::new().map_err(|error| error.to_string())?;
    let cache = ArtifactCache::new(Path::new(cache));
    let component =
        Component::load(&engine, &cache, "each", &code).map_err(|crash| crash.message)?;
    drop(code);
    // As the program makes it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let card = runtime.block_on(component.describe()).map_err(|crash| crash.message)?;
    let run = Run {
        backend: Arc::new(Talkative { hosts, bytes, different: different.max(1) }),
        gate: Gate::new(&card).asking(Arc::new(AnyConsent)),
        settings: BTreeMap::new(),
        limits: Limits::default(),
        live: false,
        recorded: false,
        needs: Needs::default(),
        reader: None,
        listener: Arc::new(Silent),
        stop: Arc::default(),
    };
    let command = Value::Texts(vec!["journalctl".to_owned()]);
    let call =
        Call { path: vec!["each".to_owned()], values: vec![("command".to_owned(), command)] };
    let finished = runtime.block_on(component.run(call, run));
    finished.result.map_err(|error| match error {
        RunError::Failed(failure) => failure.to_string(),
        RunError::Crashed(crash) => crash.details,
    })?;
    for format in [Format::Table, Format::Json] {
        let options = Options { format, width: Some(80), ..Options::default() };
        let (mut out, mut err) = (std::io::sink(), std::io::sink());
        render(&finished.report, &options, &mut out, &mut err)
            .map_err(|error| format!("{error:?}"))?;
    }
    let rows: usize = finished.report.tables.iter().map(|table| table.rows().len()).sum();
    println!("{rows}");
    Ok(())
}

/// Hosts that have much to say.
struct Talkative {
    hosts: usize,
    bytes: usize,
    different: usize,
}

impl Talkative {
    fn answer(&self, host: &str) -> Vec<u8> {
        let number: usize = host.trim_start_matches('w').parse().unwrap_or_default();
        let line = format!("answer {:05}: what a host has to say\n", number % self.different);
        let mut text = line.repeat(self.bytes / line.len() + 1).into_bytes();
        text.truncate(self.bytes);
        text.shrink_to_fit();
        text
    }
}

fn nothing<T>() -> Answer<T> {
    Err(Failure::unavailable("these hosts only run commands"))
}

impl Backend for Talkative {
    fn about(&self) -> About {
        About { source: "hosts made up".to_owned(), ..About::default() }
    }
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        let host = |number| Host {
            name: format!("w{number}"),
            kind: HostKind::Node,
            addresses: Vec::new(),
        };
        Box::pin(async move { Ok((0..self.hosts).map(host).collect()) })
    }
    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        Box::pin(async { nothing() })
    }
    fn get<'a>(&'a self, _: &'a Selection, _: &'a str) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async { nothing() })
    }
    fn list<'a>(
        &'a self,
        _: &'a Selection,
        _: u32,
        _: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        Box::pin(async { nothing() })
    }
    fn logs<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Option<&'a str>,
        _: u32,
        _: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async { nothing() })
    }
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        Box::pin(async move {
            let out = self.answer(question.place.host().unwrap_or_default());
            Ok(Outcome { code: 0, out, err: Vec::new(), truncated: false })
        })
    }
    fn start(&self, _: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        Box::pin(async { nothing() })
    }
    fn watch(&self, _: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        Box::pin(async { nothing() })
    }
}
