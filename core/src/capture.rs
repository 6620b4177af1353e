//! `kubectl lab capture`: asks for a capture, and what is done with one: show, verify, add.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use lab_backend::Addition as Added;
use lab_backend::Backend;
use lab_backend::Capture as Opened;
use lab_backend::Forms;
use lab_backend::Host;
use lab_backend::HostKind;
use lab_backend::Plan;
use lab_backend::Recorder;
use lab_backend::Redaction;
use lab_backend::Writer;
use lab_cli::Addition;
use lab_cli::Capture;
use lab_cli::Captured;
use lab_cli::Format;
use lab_cli::Run as Command;
use lab_cli::Settings;
use lab_cli::exit;
use lab_cli::settings::LogLevel;
use lab_engine::Listener;
use lab_output::Needs;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Table;
use lab_types::Card;
use lab_types::Failure;
use lab_types::FailureKind;
use tokio::sync::Notify;

use crate::contents;
use crate::named_files;
use crate::run::Circumstances;
use crate::run::Installed;
use crate::run::Ready;
use crate::run::card;
use crate::run::outcome;
use crate::source;
use crate::source::Clusters;
use crate::terminal;
use crate::terminal::Console;
use crate::view;

/// How long a command that was told to stop may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// Longest input that is added at once; a list of 20,000 pods is about 150 MB.
const LONGEST: u64 = 256 << 20;

type Recording = Arc<Recorder<Arc<dyn Backend>>>;

/// Asks, and writes down the answers.
pub(crate) async fn capture(
    capture: Capture,
    settings: Settings,
    installed: Installed,
    clusters: Arc<Clusters>,
) -> Result<u8, Failure> {
    let settings = &settings;
    // Mistakes that would show only after everything was asked.
    let redaction = redaction(settings, &capture.redact)?;
    Writer::check(&capture.file)?;
    let named = match &capture.what {
        Captured::Command(command) => {
            let card = card(&installed.cards, &command.plugin)?;
            Some(named_files::read(card, command.clone(), settings)?)
        }
        Captured::Cards { .. } => None,
    };
    let console = Arc::new(Console::new(settings));
    let source = source::open(settings, &clusters, &console).await?;
    let recorder = Recorder::new(source).redacting(redaction);
    // What the cards name is asked first; a plugin that asks on its own need not ask it again.
    let recorder = match capture.what {
        Captured::Cards { .. } => recorder.once(),
        Captured::Command(_) => recorder,
    };
    let recorder = Arc::new(recorder);
    let session = Session { settings, installed: &installed, console, recorder };
    let mut report = Report::default();
    match &capture.what {
        Captured::Command(command) => {
            let command = match named {
                Some(named) => named.with_releases(&clusters).await?,
                None => command.clone(),
            };
            report.partials = session.run(&command, None).await?;
        }
        Captured::Cards { plugins, runs, live, for_ } => {
            report.partials = session.everything(plugins, runs).await?;
            if let Some(time) = for_ {
                let streams = live.iter().map(|command| session.run(command, Some(*time)));
                for (command, ended) in live.iter().zip(join_all(streams).await) {
                    let subject = command.path.join(" ");
                    match ended {
                        Ok(partials) => report.partials.extend(partials),
                        // The rest is worth keeping.
                        Err(why) => report.partials.push(Partial { subject, why }),
                    }
                }
            }
        }
    }
    session.console.clear();
    let writer = session.recorder.writer().await?;
    writer.write(&capture.file)?;
    let hosts = session.recorder.hosts().await?;
    let hosts: Vec<String> = hosts.into_iter().map(|host| host.name).collect();
    let n_hosts = lab_render::count(hosts.len(), "host");
    terminal::remark(&format!("wrote {}: {n_hosts}", capture.file.display()));
    if let Captured::Cards { plugins, .. } = &capture.what {
        session.tell_unasked(plugins)?;
    }
    terminal::draw(&report, &view::options(settings, view::now(), hosts.clone()))?;
    Ok(exit::code(
        &outcome(&report.findings, &report.partials, &hosts, false),
        settings.fail_on.value,
    ))
}

/// Whether a command's program is not on its host: an answer like any other, and kept as one.
fn is_absent(subject: &str, why: &Failure) -> bool {
    let program = subject.split(' ').next().unwrap_or_default();
    why.kind == FailureKind::NotFound && why.message.starts_with(&format!("`{program}` is not "))
}

/// Says which commands have no program, each with its hosts.
fn tell_absent<'a>(subjects: impl Iterator<Item = &'a str>) {
    let mut hosts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (command, host) in subjects.filter_map(|subject| subject.rsplit_once(" on ")) {
        hosts.entry(command).or_default().push(host);
    }
    for (command, hosts) in hosts {
        terminal::remark(&format!("no program for `{command}` on {}", hosts.join(", ")));
    }
}

struct Session<'a> {
    settings: &'a Settings,
    installed: &'a Installed,
    console: Arc<Console>,
    recorder: Recording,
}

impl Session<'_> {
    fn chosen(&self, plugins: &[String]) -> Result<Vec<&Card>, Failure> {
        plugins.iter().map(|name| card(&self.installed.cards, name)).collect()
    }

    /// Asks what the cards name, and lets plugins ask what their cards do not name in full.
    async fn everything(
        &self,
        plugins: &[String],
        runs: &[Command],
    ) -> Result<Vec<Partial>, Failure> {
        let plan = Plan::of(self.chosen(plugins)?);
        let progress = |done, total| self.console.progress("hosts", done, Some(total));
        let concurrency = self.settings.hosts.concurrency.value;
        let collected = plan.collect(&*self.recorder, concurrency, &progress).await?;
        // A plugin may be content with one object where the whole list is not to be had.
        let lacks_kinds = |name: &str| {
            let plan = plan_of(&self.installed.cards, name);
            collected.failures.iter().any(|(subject, why)| {
                matches!(why.kind, FailureKind::Denied | FailureKind::Unavailable)
                    && plan.names(subject)
            })
        };
        for command in runs {
            let name = command.plugin.as_str();
            if !plan_of(&self.installed.cards, name).unknown().is_empty() || lacks_kinds(name) {
                // What it found does not matter here, nor that it may have failed: what it
                // asked is recorded.
                let _ = self.run(command, None).await;
            }
        }
        let partial = |(subject, why)| Partial { subject, why };
        let (absent, failures): (Vec<_>, Vec<_>) =
            collected.failures.into_iter().partition(|(subject, why)| is_absent(subject, why));
        tell_absent(absent.iter().map(|(subject, _)| subject.as_str()));
        Ok(failures.into_iter().map(partial).collect())
    }

    /// Runs a command, for some time if it is one that does not end.
    async fn run(
        &self,
        command: &Command,
        time: Option<Duration>,
    ) -> Result<Vec<Partial>, Failure> {
        let ready = Ready::load(&command.plugin, self.installed).await?;
        let stop = Arc::new(Notify::new());
        let backend = Forms::around(self.recorder.clone(), ready.card());
        let circumstances = Circumstances {
            settings: self.settings,
            console: self.console.clone(),
            stop: stop.clone(),
            reader: None,
            needs: Needs::default(),
        };
        let run = ready.run(command, backend, &circumstances);
        tokio::pin!(run);
        let finished = match time {
            None => run.await,
            Some(time) => tokio::select! {
                finished = &mut run => finished,
                () = tokio::time::sleep(time) => {
                    stop.notify_one();
                    match tokio::time::timeout(GRACE, run).await {
                        Ok(finished) => finished,
                        // What it asked until now is recorded all the same.
                        Err(_) => return Ok(Vec::new()),
                    }
                }
            },
        };
        finished.result.map_err(|error| ready.failure(error, self.settings))?;
        Ok(finished.report.partials)
    }

    /// Names the commands whose words nobody knew.
    fn tell_unasked(&self, plugins: &[String]) -> Result<(), Failure> {
        let plan = Plan::of(self.chosen(plugins)?);
        let unasked = plan.unasked(&self.recorder.asked());
        if !unasked.is_empty() {
            let list: Vec<String> = unasked.iter().map(|scope| format!("`{scope}`")).collect();
            terminal::remark(&format!(
                "not asked, because only a command with its own words knows them: {}",
                list.join(", ")
            ));
            terminal::remark(
                "hint: capture such a command with `kubectl lab capture FILE -- COMMAND`",
            );
        }
        Ok(())
    }
}

fn plan_of(cards: &[(String, Card)], name: &str) -> Plan {
    Plan::of(card(cards, name).ok())
}

/// Patterns of the settings and of flags, each understood by itself so that a mistake has its
/// place.
pub(crate) fn redaction(settings: &Settings, flags: &[String]) -> Result<Redaction, Failure> {
    let of_file = settings.redact.iter().map(|one| (one.origin.to_string(), &one.value));
    let of_flags = flags.iter().map(|pattern| ("--redact".to_owned(), pattern));
    let mut patterns = Vec::new();
    for (origin, pattern) in of_file.chain(of_flags) {
        Redaction::new(&[pattern]).map_err(|failure| failure.context(&origin))?;
        patterns.push(pattern);
    }
    Redaction::new(&patterns)
}

/// `capture show FILE`.
pub(crate) fn show(file: &Path, settings: &Settings) -> Result<u8, Failure> {
    let contents = Opened::open(file)?.contents()?;
    draw(contents::tables(&contents)?, settings)?;
    Ok(exit::CLEAN)
}

/// `capture verify FILE`.
pub(crate) fn verify(file: &Path, settings: &Settings) -> Result<u8, Failure> {
    let capture = Opened::open(file)?;
    let faults = capture.verify();
    if !faults.is_empty() {
        draw(vec![contents::faults(&faults)?], settings)?;
        return Ok(exit::FINDINGS);
    }
    if settings.log >= LogLevel::Normal {
        terminal::remark(&format!("{}: nothing is wrong with it", file.display()));
    }
    // An empty table says nothing more to people; programs want their document.
    if !matches!(settings.view.output.value, Format::Table | Format::Wide) {
        draw(vec![contents::faults(&faults)?], settings)?;
    }
    Ok(exit::CLEAN)
}

fn draw(tables: Vec<Table>, settings: &Settings) -> Result<(), Failure> {
    let view = view::view(settings)?;
    let report = Report { tables, ..Report::default() };
    let report = view::apply(&view, report, settings, view::now())?;
    terminal::draw(&report, &view::options(settings, view::now(), Vec::new())).map(|_| ())
}

/// `capture add FILE`.
pub(crate) fn add(
    file: &Path,
    addition: &Addition,
    redact: &[String],
    settings: &Settings,
) -> Result<u8, Failure> {
    let redaction = redaction(settings, redact)?;
    let input = terminal::input(LONGEST)?;
    let (what, added) = match addition {
        Addition::Output { host, is_extra, in_agent, addresses, argv } => {
            let kind = if *is_extra { HostKind::Extra } else { HostKind::Node };
            let host = Host { name: host.clone(), kind, addresses: addresses.clone() };
            let lines = input.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
            let what = format!(
                "`{}` on {}, {}",
                argv.join(" "),
                host.name,
                lab_render::count(lines, "line")
            );
            let (in_agent, argv) = (*in_agent, argv.clone());
            (what, Added::Command { host, in_agent, argv, out: input })
        }
        Addition::Objects(namespace) => {
            let text = String::from_utf8(input).map_err(|_| {
                Failure::invalid("the objects are not understood: they are no text")
                    .hint("paste what `kubectl get … -o json` or `-o yaml` printed")
            })?;
            ("objects".to_owned(), Added::Objects { text, namespace: namespace.clone() })
        }
    };
    Opened::add_to(file, &[added], Some(redaction))?;
    if settings.log >= LogLevel::Normal {
        terminal::remark(&format!("added to {}: {what}", file.display()));
    }
    Ok(exit::CLEAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_an_answer_and_a_pod_that_is_gone_is_none() {
        let absent =
            |message: &str| is_absent("nft -j list ruleset on w1", &Failure::not_found(message));
        assert!(absent("`nft` is not on router"));
        assert!(absent("`nft` is not in container `cilium-agent` of pod kube-system/cilium-x"));
        assert!(!absent("pods \"cilium-x\" not found"));
        let silent = Failure::unavailable("`nft` is not to be asked");
        assert!(!is_absent("nft -j list ruleset on w1", &silent));
    }
}
