//! A plugin as a component in the program's engine, without the program around it.
//!
//! Prints for each run the microseconds from opening the capture to the finished report:
//! instantiating is in it, compiling is not.
#![expect(clippy::print_stdout, reason = "the program is a command")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use lab_backend::{Capture, Forms, Gate};
use lab_benches::arguments::ended;
use lab_engine::{ArtifactCache, Call, Component, Engine, Limits, Run, RunError, Silent};
use lab_output::Needs;
use lab_types::{Kind, Value};

const HELP: &str = "\
Run a component over a capture, several times in one process

Usage: component WASM CAPTURE RUNS [WORD…]

  WORD…   the command, `routes matrix` when none is given

Prints the microseconds of each run, one a line.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [wasm, capture, runs, words @ ..] = args.as_slice() else {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    };
    ended(run(wasm, capture, runs, words))
}

fn run(wasm: &str, capture: &str, runs: &str, words: &[String]) -> Result<(), String> {
    let runs: u32 = runs.parse().map_err(|_| format!("`{runs}` is no number of runs"))?;
    let default = ["routes", "matrix"].map(str::to_owned);
    let path = if words.is_empty() { default.to_vec() } else { words.to_vec() };
    let bytes = std::fs::read(wasm).map_err(|error| format!("{wasm}: {error}"))?;
    let engine = Engine::new().map_err(|error| error.to_string())?;
    let component = Component::load(&engine, &ArtifactCache::none(), &path[0], &bytes)
        .map_err(|crash| crash.message)?;
    // As the program makes it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let card = runtime.block_on(component.describe()).map_err(|crash| crash.message)?;
    let known = card.commands.iter().find(|command| command.path == path);
    let known = known.ok_or_else(|| format!("the card has no command `{}`", path.join(" ")))?;
    let mut values = Vec::new();
    for argument in &known.arguments {
        let Some(text) = &argument.default else { continue };
        let value = match argument.kind {
            Kind::Integer => text.parse().ok().map(Value::Integer),
            Kind::Text => Some(Value::Text(text.clone())),
            _ => None,
        };
        let value = value.ok_or_else(|| {
            format!("the default of `{}` is neither a number nor a text", argument.name)
        })?;
        values.push((argument.name.clone(), value));
    }
    for _ in 0..runs {
        let start = Instant::now();
        let backend = Capture::open(capture).map_err(|failure| failure.to_string())?;
        let run = Run {
            backend: Forms::around(Arc::new(backend), &card),
            gate: Gate::new(&card),
            settings: BTreeMap::new(),
            limits: Limits::default(),
            live: false,
            recorded: true,
            needs: Needs::default(),
            reader: None,
            listener: Arc::new(Silent),
            stop: Arc::default(),
        };
        let call = Call { path: path.clone(), values: values.clone() };
        let finished = runtime.block_on(component.run(call, run));
        let took = start.elapsed();
        finished.result.map_err(|error| match error {
            RunError::Failed(failure) => failure.to_string(),
            RunError::Crashed(crash) => crash.details,
        })?;
        println!("{}", took.as_micros());
    }
    Ok(())
}
