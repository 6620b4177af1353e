//! One run, from arguments to exit code: the story of the program on one page.

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use lab_backend::Backend;
use lab_backend::Forms;
use lab_backend::Gate;
use lab_backend::Recorder;
use lab_cli::Action;
use lab_cli::Run as Command;
use lab_cli::Settings;
use lab_cli::exit;
use lab_cli::settings::Source;
use lab_cli::settings::System;
use lab_engine::Call;
use lab_engine::Component;
use lab_engine::Crash;
use lab_engine::Engine;
use lab_engine::Finished;
use lab_engine::Limits;
use lab_engine::Reader;
use lab_engine::Run;
use lab_engine::RunError;
use lab_output::Finding;
use lab_output::Needs;
use lab_output::Partial;
use lab_types::Card;
use lab_types::Failure;
use lab_types::FailureKind;
use tokio::sync::Notify;

use crate::capture;
use crate::consent;
use crate::doctor;
use crate::live::Closed;
use crate::live::Live;
use crate::named_files;
use crate::plugins;
use crate::plugins::Builtin;
use crate::signals::block_on;
use crate::source;
use crate::source::Clusters;
use crate::terminal;
use crate::terminal::Console;
use crate::terminal::Drawn;
use crate::texts;
use crate::view;

type Cards = Vec<(String, Card)>;

/// Runs the program; the answer is its exit code.
pub(crate) fn run(argv: &[OsString], plugins: &'static [Builtin]) -> u8 {
    match act(argv, plugins) {
        Ok(code) => code,
        Err(failure) => {
            terminal::complain(&failure);
            exit::FAILED
        }
    }
}

fn act(argv: &[OsString], plugins: &'static [Builtin]) -> Result<u8, Failure> {
    let cards = plugins::cards(plugins)?;
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
        Action::Doctor(asked) if asked.rbac => say(doctor::roles(&asked, &typed.globals, &cards)?),
        Action::Doctor(asked) => {
            let installed = Installed { plugins, cards };
            let globals = typed.globals;
            block_on(None, &Clusters::default(), || doctor::examine(asked, globals, installed))
        }
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
            let settings = Arc::new(Settings::load(&typed.globals, &System)?);
            let installed = Installed { plugins, cards };
            let stop = Arc::new(Notify::new());
            let live = command.live.then(|| stop.clone());
            let clusters = Arc::new(Clusters::default());
            let told = clusters.clone();
            block_on(live, &told, || show(command, settings, installed, stop, clusters))
        }
        Action::Capture(what) => {
            let settings = Settings::load(&typed.globals, &System)?;
            let installed = Installed { plugins, cards };
            let clusters = Arc::new(Clusters::default());
            let told = clusters.clone();
            block_on(None, &told, || capture::capture(what, settings, installed, clusters))
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
pub(crate) fn card<'a>(cards: &'a [(String, Card)], name: &str) -> Result<&'a Card, Failure> {
    let known = cards.iter().find(|(known, _)| known == name);
    let (_, card) = known.ok_or_else(|| Failure::not_found(format!("no plugin `{name}`")))?;
    Ok(card)
}

/// Runs a command and draws what it found.
async fn show(
    command: Command,
    settings: Arc<Settings>,
    installed: Installed,
    stop: Arc<Notify>,
    clusters: Arc<Clusters>,
) -> Result<u8, Failure> {
    // Mistakes in what is asked of the rows show before anything is collected.
    let view = view::view(&settings)?;
    let console = Arc::new(Console::new(&settings));
    let ready = Ready::load(&command.plugin, &installed).await?;
    let named = named_files::read(ready.card, command.clone(), &settings)?;

    let source = source::open(&settings, &clusters, &console).await?;
    let command = named.with_releases(&clusters).await?;
    let redaction = capture::redaction(&settings, &[])?;
    let recorder = Arc::new(Recorder::new(source.clone()).redacting(redaction));
    let backend: Arc<dyn Backend> =
        if settings.record.is_some() { recorder.clone() } else { source };
    let about = backend.about();
    if terminal::watched(&settings) && about.created.is_some() {
        let created = about.created.as_deref().unwrap_or_default();
        terminal::remark(&format!("from {}, made {created}", about.source));
    }
    let created = about.created.as_deref().and_then(milliseconds);
    let asked = Forms::around(backend.clone(), ready.card);
    // Two moments are compared in everything, and a live picture changes what it shows.
    let is_drawn_once = !command.live && settings.against.is_none();
    let needs = if is_drawn_once { view.needs(view::shown(&settings)) } else { Needs::default() };
    let mut circumstances =
        Circumstances { settings: &settings, console, stop, reader: None, needs };
    if command.live && settings.against.is_none() {
        let most = Limits::default().rows;
        let (console, stop) = (circumstances.console.clone(), circumstances.stop.clone());
        let live = Live::new(view, settings.clone(), console, stop, created, most);
        circumstances.reader = Some(Arc::new(live));
        let failed = ready.watch(&command, asked, &circumstances).await;
        if let Some(path) = &settings.record {
            recorder.finish(path).await?;
        }
        let Some(live) = circumstances.reader else { return Ok(exit::FAILED) };
        return last(&live, failed, &settings, created, backend.as_ref()).await;
    }

    let mut finished = ready.run(&command, asked, &circumstances).await;
    if let Some(path) = &settings.record {
        recorder.finish(path).await?;
    }
    if let (Some(path), Ok(())) = (&settings.against, &finished.result) {
        let other = Forms::around(source::open_other(path, &settings)?, ready.card);
        let before = ready.run(&command, other, &circumstances).await;
        finished = Finished {
            report: lab_output::against(before.report, finished.report),
            result: before.result,
        };
    }
    circumstances.console.clear();

    let now = created.unwrap_or_else(view::now);
    let hosts = names(backend.as_ref()).await;
    let failed = finished.result.map_err(|error| ready.failure(error, &settings)).err();
    let report = finished.report;
    let outcome = outcome(&report.findings, &report.partials, &hosts, failed.is_some());
    // What was found before a failure is not thrown away.
    if failed.is_none() || report.tables.iter().any(|table| !table.rows().is_empty()) {
        // Never taken apart: the process ends here, and its memory goes as a whole.
        let report = ManuallyDrop::new(view::apply(&view, report, &settings, now)?);
        match terminal::draw(&report, &view::options(&settings, now, hosts))? {
            Drawn::Whole => {}
            Drawn::PipeClosed => return Ok(exit::CLEAN),
        }
    }
    if let Some(failure) = failed {
        terminal::complain(&failure);
    }
    Ok(exit::code(&outcome, settings.fail_on.value))
}

/// Draws what a live command leaves behind.
async fn last(
    live: &Live,
    failed: Option<Failure>,
    settings: &Settings,
    created: Option<i64>,
    backend: &dyn Backend,
) -> Result<u8, Failure> {
    let rest = live.finish()?;
    match rest.closed {
        Some(Closed::Unread) => return Ok(exit::CLEAN),
        Some(Closed::Failed(failure)) => return Err(failure),
        Some(Closed::Enough) | None => {}
    }
    let hosts = names(backend).await;
    let outcome = outcome(&rest.findings, &rest.partials, &hosts, failed.is_some());
    let options = view::options(settings, created.unwrap_or_else(view::now), hosts);
    match terminal::draw(&rest.report, &options)? {
        Drawn::Whole => {}
        Drawn::PipeClosed => return Ok(exit::CLEAN),
    }
    if let Some(remark) = &rest.remark {
        terminal::remark(remark);
    }
    if let Some(failure) = failed {
        terminal::complain(&failure);
    }
    Ok(exit::code(&outcome, settings.fail_on.value))
}

pub(crate) async fn names(backend: &dyn Backend) -> Vec<String> {
    let hosts = backend.hosts().await.unwrap_or_default();
    hosts.into_iter().map(|host| host.name).collect()
}

/// What decides the exit code.
pub(crate) fn outcome(
    findings: &[Finding],
    partials: &[Partial],
    hosts: &[String],
    failed: bool,
) -> exit::Outcome {
    let silent = |name: &String| partials.iter().any(|partial| partial.subject == *name);
    let answered = hosts.iter().filter(|name| !silent(name)).count();
    exit::Outcome {
        findings: findings.iter().map(|finding| finding.level).collect(),
        answered,
        unanswered: partials.len(),
        failed,
        signal: None,
    }
}

/// The plugins there are.
pub(crate) struct Installed {
    pub(crate) plugins: &'static [Builtin],
    pub(crate) cards: Cards,
}

/// What a run needs besides the command and whoever answers.
pub(crate) struct Circumstances<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) console: Arc<Console>,
    pub(crate) stop: Arc<Notify>,
    pub(crate) reader: Option<Arc<Live>>,
    /// Which columns anybody will look at.
    pub(crate) needs: Needs,
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
    pub(crate) async fn load(name: &'a str, installed: &'a Installed) -> Result<Self, Failure> {
        let card = card(&installed.cards, name)?;
        let plugin = installed
            .plugins
            .iter()
            .find(|plugin| plugin.name == name)
            .ok_or_else(|| Failure::not_found(format!("no plugin `{name}`")))?;
        let engine = Engine::new()
            .map_err(|error| Failure::other(format!("cannot start the engine: {error}")))?;
        let cache = plugins::artifact_cache();
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
        circumstances: &Circumstances<'_>,
    ) -> Finished {
        let Circumstances { settings, console, stop, reader, needs } = circumstances;
        let call = Call { path: command.path.clone(), values: command.values.clone() };
        let consent = consent::of(settings, console, backend.as_ref());
        let run = Run {
            backend,
            gate: Gate::new(self.card).asking(consent),
            settings: settings.plugins.get(self.name).cloned().unwrap_or_default(),
            limits: Limits { concurrency: settings.hosts.concurrency.value, ..Limits::default() },
            live: command.live,
            recorded: settings.source != Source::Live,
            needs: needs.clone(),
            reader: reader.clone().map(|live| live as Arc<dyn Reader>),
            listener: console.clone(),
            stop: stop.clone(),
        };
        let ended = self.component.run(call, run);
        match settings.live.run_for.filter(|_| command.live) {
            Some(time) => {
                let over = async {
                    tokio::time::sleep(time).await;
                    stop.notify_one();
                    std::future::pending().await
                };
                tokio::select! {
                    finished = ended => finished,
                    finished = over => finished,
                }
            }
            None => ended.await,
        }
    }

    /// Runs a live command and shows it meanwhile; the answer is why it failed.
    async fn watch(
        &self,
        command: &Command,
        backend: Arc<dyn Backend>,
        circumstances: &Circumstances<'_>,
    ) -> Option<Failure> {
        let ended = self.run(command, backend.clone(), circumstances);
        let live = circumstances.reader.clone();
        let shown = async {
            // In a task of its own: it draws also while the plugin computes.
            let ticks = live.clone().map(|live| tokio::spawn(async move { live.follow().await }));
            let _ticks = ticks.map(AbortOnDrop);
            if let Some(live) = &live {
                live.asks(names(backend.as_ref()).await);
            }
            std::future::pending::<Finished>().await
        };
        let finished = tokio::select! {
            finished = ended => finished,
            finished = shown => finished,
        };
        match finished.result {
            // One that was told to stop, and had to be stopped, has shown what it had.
            Err(RunError::Failed(failure)) if failure.kind == FailureKind::Stopped => None,
            result => result.err().map(|error| self.failure(error, circumstances.settings)),
        }
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

/// A task that ends with whoever started it.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Unix time of an RFC 3339 text.
fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
