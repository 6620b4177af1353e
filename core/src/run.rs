//! One run, from arguments to exit code: the story of the program on one page.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use lab_backend::Backend;
use lab_backend::Forms;
use lab_backend::Gate;
use lab_backend::Recorder;
use lab_cli::Action;
use lab_cli::Run as Command;
use lab_cli::Settings;
use lab_cli::exit;
use lab_cli::settings::System;
use lab_engine::ArtifactCache;
use lab_engine::Call;
use lab_engine::Component;
use lab_engine::Crash;
use lab_engine::Engine;
use lab_engine::Finished;
use lab_engine::Limits;
use lab_engine::Run;
use lab_engine::RunError;
use lab_output::Report;
use lab_types::Card;
use lab_types::Failure;
use tokio::sync::Notify;

use crate::capture;
use crate::plugins;
use crate::source;
use crate::source::Clusters;
use crate::terminal;
use crate::terminal::Console;
use crate::terminal::Drawn;
use crate::texts;
use crate::view;

pub(crate) type Cards = [(String, Card)];

/// Runs the program; the answer is its exit code.
pub(crate) fn run(argv: &[OsString]) -> u8 {
    match act(argv) {
        Ok(code) => code,
        Err(failure) => {
            terminal::complain(&failure);
            exit::FAILED
        }
    }
}

fn act(argv: &[OsString]) -> Result<u8, Failure> {
    let cards = plugins::cards()?;
    let typed = lab_cli::parse(argv, &cards)?;
    let say = |text: String| match terminal::print(&text) {
        Ok(()) => Ok(exit::CLEAN),
        Err(error) => Err(Failure::other(format!("cannot write: {error}"))),
    };
    match typed.action {
        Action::Help(text) => say(text),
        Action::Version => say(format!("kubectl-lab {}\n", env!("CARGO_PKG_VERSION"))),
        Action::Completion(shell) => say(lab_cli::completion::script(shell).to_owned()),
        Action::Complete(words) => say(lab_cli::completion::answer(&words, &cards, &System)),
        Action::PluginList => say(texts::plugin_list(&cards)),
        Action::PluginInfo(name) => {
            let card = card(&cards, &name)?;
            say(texts::plugin_info(&name, card))
        }
        Action::Explain(code) => say(texts::explain(code.as_deref(), &cards)),
        Action::ConfigPath => match lab_cli::settings::config_path(&System) {
            Some(path) => say(format!("{}\n", path.display())),
            None => Err(Failure::not_found("there is no folder for the configuration file")
                .hint("set `KUBECTL_LAB_CONFIG` to its path")),
        },
        Action::ConfigView => say(Settings::load(&typed.globals, &System)?.view()),
        Action::Run(command) => {
            let settings = Settings::load(&typed.globals, &System)?;
            let stop = Arc::new(Notify::new());
            let told = command.live.then(|| stop.clone());
            let clusters = Clusters::default();
            block_on(told, &clusters, show(&command, &settings, &cards, stop, &clusters))
        }
        Action::Capture(what) => {
            let settings = Settings::load(&typed.globals, &System)?;
            let clusters = Clusters::default();
            let capture = capture::capture(&what, &settings, &cards, &clusters);
            block_on(None, &clusters, capture)
        }
        Action::CaptureShow(file) => {
            capture::show(&file, &Settings::load(&typed.globals, &System)?)
        }
        Action::CaptureVerify(file) => {
            capture::verify(&file, &Settings::load(&typed.globals, &System)?)
        }
        Action::CaptureAdd { file, addition, redact } => {
            let settings = Settings::load(&typed.globals, &System)?;
            capture::add(&file, &addition, &redact, &settings)
        }
    }
}

/// The card of a plugin.
pub(crate) fn card<'a>(cards: &'a Cards, name: &str) -> Result<&'a Card, Failure> {
    let known = cards.iter().find(|(known, _)| known == name);
    let (_, card) = known.ok_or_else(|| Failure::not_found(format!("no plugin `{name}`")))?;
    Ok(card)
}

/// Runs a future to its end, or to the first signal. A live command is told to stop by the
/// first one, and shows what it has; the second one ends it. Either way what was made in a cluster
/// is taken away before the end, unless yet another signal says not to wait.
fn block_on(
    live: Option<Arc<Notify>>,
    clusters: &Clusters,
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    let cannot = |error| Failure::other(format!("cannot start: {error}"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(cannot)?;
    let code = runtime.block_on(async {
        let code = tokio::select! {
            result = work => result,
            code = async {
                if let Some(stop) = live {
                    signal().await;
                    stop.notify_one();
                }
                signal().await
            } => Ok(code),
        };
        tokio::select! {
            () = clusters.close() => {}
            _ = signal() => {}
        }
        code
    });
    // Tasks that still run belong to nobody; waiting for them would only delay the end.
    runtime.shutdown_background();
    code
}

#[cfg(unix)]
async fn signal() -> u8 {
    use tokio::signal::unix::SignalKind;
    let Ok(mut terminate) = tokio::signal::unix::signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => exit::INTERRUPTED,
        _ = terminate.recv() => exit::TERMINATED,
    }
}

#[cfg(not(unix))]
async fn signal() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => exit::INTERRUPTED,
        Err(_) => std::future::pending().await,
    }
}

/// Runs a command and draws what it found.
async fn show(
    command: &Command,
    settings: &Settings,
    cards: &Cards,
    stop: Arc<Notify>,
    clusters: &Clusters,
) -> Result<u8, Failure> {
    // Mistakes in what is asked of the rows show before anything is collected.
    let view = view::view(settings)?;
    let console = Arc::new(Console::new(settings));
    let ready = Ready::load(&command.plugin, cards).await?;

    let source = source::open(settings, clusters, &console).await?;
    let redaction = capture::redaction(settings, &[])?;
    let recorder = Arc::new(Recorder::new(source.clone()).redacting(redaction));
    let backend: Arc<dyn Backend> =
        if settings.record.is_some() { recorder.clone() } else { source };
    let about = backend.about();
    if terminal::watched(settings) && about.created.is_some() {
        let created = about.created.as_deref().unwrap_or_default();
        terminal::remark(&format!("from {}, made {created}", about.source));
    }
    let now = about.created.as_deref().and_then(milliseconds).unwrap_or_else(now);

    let asked = Forms::around(backend.clone(), ready.card);
    let mut finished = ready.run(command, asked, settings, &console, &stop).await;
    if let Some(path) = &settings.record {
        recorder.finish(path).await?;
    }
    if let (Some(path), Ok(())) = (&settings.against, &finished.result) {
        let other = Forms::around(source::open_other(path, settings)?, ready.card);
        let before = ready.run(command, other, settings, &console, &stop).await;
        finished = Finished {
            report: lab_output::against(before.report, finished.report),
            result: before.result,
        };
    }
    console.clear();

    let hosts = backend.hosts().await.unwrap_or_default();
    let hosts: Vec<String> = hosts.into_iter().map(|host| host.name).collect();
    let failed = finished.result.map_err(|error| ready.failure(error, settings)).err();
    let report = finished.report;
    let outcome = outcome(&report, &hosts, failed.is_some());
    // What was found before a failure is not thrown away.
    if failed.is_none() || report.tables.iter().any(|table| !table.rows().is_empty()) {
        let report = view::apply(&view, report, settings, now)?;
        match terminal::draw(&report, &view::options(settings, now, hosts))? {
            Drawn::Whole => {}
            Drawn::PipeClosed => return Ok(exit::CLEAN),
        }
    }
    if let Some(failure) = failed {
        terminal::complain(&failure);
    }
    Ok(exit::code(&outcome, settings.fail_on.value))
}

/// What decides the exit code.
pub(crate) fn outcome(report: &Report, hosts: &[String], failed: bool) -> exit::Outcome {
    let silent = |name: &String| report.partials.iter().any(|partial| partial.subject == *name);
    let answered = hosts.iter().filter(|name| !silent(name)).count();
    exit::Outcome {
        findings: report.findings.iter().map(|finding| finding.level).collect(),
        answered,
        unanswered: report.partials.len(),
        failed,
        signal: None,
    }
}

/// A plugin ready to run, with its card.
pub(crate) struct Ready<'a> {
    name: &'a str,
    card: &'a Card,
    component: Component,
    // Kept for its clock: without it no deadline passes.
    _engine: Engine,
}

impl<'a> Ready<'a> {
    pub(crate) async fn load(name: &'a str, cards: &'a Cards) -> Result<Self, Failure> {
        let card = card(cards, name)?;
        let plugin = plugins::builtin()
            .iter()
            .find(|plugin| plugin.name == name)
            .ok_or_else(|| Failure::not_found(format!("no plugin `{name}`")))?;
        let engine = Engine::new()
            .map_err(|error| Failure::other(format!("cannot start the engine: {error}")))?;
        let cache = dirs::cache_dir().map_or_else(ArtifactCache::none, |folder| {
            ArtifactCache::new(folder.join("kubectl-lab").join("plugins"))
        });
        let broken = |crash: Crash| Failure::other(format!("plugin {name}: {}", crash.message));
        let component = Component::load(&engine, &cache, name, plugin.wasm).map_err(broken)?;
        // A card that lags behind its plugin would refuse its questions: a bug of the build,
        // looked for only when there is compiling to do anyway.
        if component.compiled() && component.describe().await.map_err(broken)? != *card {
            // Else the next run would find an artifact and look no further.
            cache.forget(&engine, plugin.wasm);
            return Err(Failure::other(format!("plugin {name}: its stored card is out of date"))
                .hint("`cargo bless` writes it anew"));
        }
        Ok(Self { name, card, component, _engine: engine })
    }

    pub(crate) fn card(&self) -> &Card {
        self.card
    }

    pub(crate) async fn run(
        &self,
        command: &Command,
        backend: Arc<dyn Backend>,
        settings: &Settings,
        console: &Arc<Console>,
        stop: &Arc<Notify>,
    ) -> Finished {
        let call = Call { path: command.path.clone(), values: command.values.clone() };
        let run = Run {
            backend,
            gate: Gate::new(self.card),
            settings: settings.plugins.get(self.name).cloned().unwrap_or_default(),
            limits: Limits { concurrency: settings.hosts.concurrency.value, ..Limits::default() },
            live: command.live,
            listener: console.clone(),
            stop: stop.clone(),
        };
        self.component.run(call, run).await
    }

    pub(crate) fn failure(&self, error: RunError, settings: &Settings) -> Failure {
        match error {
            RunError::Failed(failure) => failure.context(self.name),
            RunError::Crashed(crash) => {
                if settings.log > lab_cli::settings::LogLevel::Normal {
                    crash.details.lines().for_each(terminal::remark);
                }
                let version = env!("CARGO_PKG_VERSION");
                let message = format!("plugin {} {version} {}", self.name, crash.message);
                let home = self.card.homepage.as_deref().unwrap_or("its author");
                Failure::other(message)
                    .hint(format!("this is a bug of the plugin: report it with `-v` to {home}"))
            }
        }
    }
}

/// Unix time in milliseconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Unix time of an RFC 3339 text.
fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
