//! Asks: objects of the cluster, agents and hosts, and logs where something has gone wrong.
//!
//! The only stage that waits. An answer becomes records the moment it comes and its text is
//! dropped. A failed answer stays a value; it never ends the run.

mod logs;
mod objects;

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::Problem;
use lab_model::cilium::{parse_agent_endpoints, parse_agent_fields};
use lab_plugin::hosts::{self, Kind};
use lab_plugin::{Batch, Fact, Failure, Outcome, Place, inbox, log, partial};

use crate::inputs::{Answers, Inputs};
use crate::parse::shared::Shared;
use crate::parse::{agent_status, clock, metrics, modules, peers, reverse_path, started_with};

pub use objects::KINDS;

// Waiting is asking: the stages after this one do not name the inbox.
pub use lab_plugin::inbox::pause;

/// One command and where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Status,
    Metrics,
    Quantiles,
    Modules,
    Settings,
    StartedWith,
    Peers,
    Endpoints,
    ReversePath,
    Clock,
}

const EVERY: [Question; 10] = [
    Question::Status,
    Question::Metrics,
    Question::Quantiles,
    Question::Modules,
    Question::Settings,
    Question::StartedWith,
    Question::Peers,
    Question::Endpoints,
    Question::ReversePath,
    Question::Clock,
];

/// Commands with the reason for each, as the card declares them: first the form that is asked,
/// behind it those in which captures and sysdumps may have the same answer.
pub const COMMANDS: [(&str, &str); 10] = [
    (
        "agent: cilium-dbg status -o json | cilium-dbg status --verbose | cilium-dbg status",
        "what every agent says of itself",
    ),
    (
        "agent: cilium-dbg metrics list -o json | cilium-dbg metrics list",
        "pressure of BPF maps, identities and counters of every agent",
    ),
    (
        "agent: cilium-dbg metrics list",
        "quantiles of histograms (`status metrics` only), and metrics of agents that write no document",
    ),
    (
        "agent: cilium-dbg shell -- db/show health | cilium-dbg statedb dump | cilium-dbg status --verbose",
        "health of every module of an agent",
    ),
    (
        "agent: cilium-dbg config --all -o json | cilium-dbg config --all",
        "the settings that are in force in every agent",
    ),
    (
        "agent: grep -r . /tmp/cilium/config-map",
        "the settings that every agent read when it started",
    ),
    ("agent: cilium-health status -o json", "which nodes each agent reaches, where it probes them"),
    ("agent: cilium-dbg endpoint list -o json", "endpoints (`status endpoints` only)"),
    (
        "host: grep -r . /proc/sys/net/ipv4/conf --include=rp_filter",
        "devices on which the kernel would drop pods' packets",
    ),
    ("host: date +%s.%N", "clocks of nodes are compared"),
];

impl Question {
    fn command(self) -> (&'static str, &'static str) {
        let (forms, _) = COMMANDS[EVERY.iter().position(|known| *known == self).unwrap_or(0)];
        let first = forms.split_once(" | ").map_or(forms, |(first, _)| first);
        first.split_once(": ").unwrap_or_default()
    }

    /// Whether a host without an answer is told; the others are worth knowing and no more. An agent
    /// cannot write a number that is none into a document, and then its table is asked for.
    fn is_needed(self) -> bool {
        matches!(
            self,
            Self::Status | Self::Quantiles | Self::Settings | Self::Peers | Self::Endpoints
        )
    }
}

/// Metrics that tell how an agent is; of hundreds no others are kept for that.
const OF_STATUS: [&str; 6] = [
    "cilium_bpf_map_pressure",
    "cilium_drift_checker_config_delta",
    "cilium_drop_count_total",
    "cilium_hive_status",
    "cilium_identity",
    "cilium_unreachable_nodes",
];

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// How every agent is.
    Status,
    /// What every agent runs with.
    Config,
    /// What every agent counts.
    Metrics,
    /// What every agent connects.
    Endpoints,
}

impl Scope {
    fn questions(self) -> &'static [Question] {
        match self {
            Self::Status => &[
                Question::Status,
                Question::Metrics,
                Question::Modules,
                Question::Settings,
                Question::StartedWith,
                Question::ReversePath,
                Question::Clock,
            ],
            Self::Config => &[Question::Status, Question::Settings, Question::StartedWith],
            Self::Metrics => &[Question::Metrics, Question::Quantiles],
            Self::Endpoints => &[Question::Endpoints],
        }
    }
}

/// Asks what a command needs and hands over what came.
///
/// # Errors
/// Only when the hosts themselves cannot be listed.
pub fn collect(scope: Scope) -> Result<Inputs, Failure> {
    let mut inputs = objects::objects(scope);
    for host in hosts::list()? {
        if host.kind == Kind::Node && !objects::is_windows(&inputs, &host.name) {
            let ips = host.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok());
            inputs.hosts.push((host.name.clone(), ips.collect()));
        }
    }
    let names = || inputs.hosts.iter().map(|(name, _)| name.as_str());
    let questions = scope.questions();
    let all = names().flat_map(|name| questions.iter().map(move |question| (name, *question)));
    let mut taken = Taken { scope, shared: Shared::default(), answers: BTreeMap::new() };
    ask(&all.collect::<Vec<_>>(), &mut taken);
    if scope == Scope::Status {
        let more = names().flat_map(|name| follow_up(name, taken.answers.get(name)));
        let more: Vec<(&str, Question)> = more.collect();
        ask(&more, &mut taken);
    }
    inputs.answers = taken.answers;
    inputs.now = inbox::now();
    if scope == Scope::Status {
        logs::collect(&mut inputs);
    }
    Ok(inputs)
}

/// What first answers make worth asking.
fn follow_up<'n>(name: &'n str, answers: Option<&Answers>) -> Vec<(&'n str, Question)> {
    let Some(answers) = answers else { return Vec::new() };
    let Some(status) = answers.status.known() else { return Vec::new() };
    let mut more = Vec::new();
    if status.probes_peers == Some(true) {
        more.push((name, Question::Peers));
    }
    if answers.metrics.known().is_none() {
        more.push((name, Question::Quantiles));
    }
    more
}

/// What has been taken so far.
struct Taken {
    scope: Scope,
    shared: Shared,
    answers: BTreeMap<String, Answers>,
}

fn ask(questions: &[(&str, Question)], taken: &mut Taken) {
    let mut batch = Batch::new();
    for (host, question) in questions {
        let (place, command) = question.command();
        let place = match place {
            "agent" => Place::agent(host),
            _ => Place::host(host),
        };
        batch.add(&place, &command.split(' ').collect::<Vec<_>>());
    }
    for (index, answer) in batch.as_they_come() {
        let Some((host, question)) = questions.get(index as usize) else { continue };
        take(host, *question, answer, taken);
    }
}

fn take(host: &str, question: Question, answer: Result<Outcome, Failure>, taken: &mut Taken) {
    let Taken { scope, shared, answers } = taken;
    let into = answers.entry(host.to_owned()).or_default();
    match question {
        Question::Status => {
            into.status = read(host, question, answer, agent_status::parse);
            if let Fact::Known(status) = &mut into.status {
                // Those that work are counted, and no more is said of them.
                let failing = status.failing().cloned().collect();
                status.controllers = status.controllers.is_some().then_some(failing);
            }
        }
        Question::Metrics => {
            let exact = samples(*scope, shared, read(host, question, answer, metrics::parse));
            into.metrics = merged(exact, std::mem::replace(&mut into.metrics, Fact::Absent));
        }
        Question::Quantiles => {
            let text = samples(*scope, shared, read(host, question, answer, metrics::parse));
            into.metrics = merged(std::mem::replace(&mut into.metrics, Fact::Absent), text);
        }
        Question::Modules => into.modules = read(host, question, answer, modules::parse),
        Question::Settings => {
            let mut fields = read(host, question, answer, parse_agent_fields);
            into.settings = match fields.take() {
                Some(known) => Fact::Known(shared.fields(known)),
                None => fields.map(|_| BTreeMap::new()),
            };
        }
        Question::StartedWith => {
            let files = read(host, question, answer, started_with::parse);
            into.started_with = files.map(|files| shared.files(files));
        }
        Question::Peers => into.peers = read(host, question, answer, peers::parse),
        Question::Endpoints => into.endpoints = read(host, question, answer, parse_agent_endpoints),
        Question::ReversePath => {
            into.reverse_path = read(host, question, answer, reverse_path::parse);
        }
        Question::Clock => {
            let now = inbox::now();
            let time = read(host, question, answer, |text| (clock::parse(text), Vec::new()));
            into.clock = match (time, now) {
                (Fact::Known(Some(time)), Some(now)) => Fact::Known(time.saturating_sub(now)),
                (Fact::Unknown(why), _) => Fact::Unknown(why),
                _ => Fact::Unknown("nobody knows when it was recorded".to_owned()),
            };
        }
    }
}

type Samples = Fact<Vec<metrics::Sample>>;

/// Those that are wanted, with what agents have in common kept once.
fn samples(scope: Scope, shared: &mut Shared, mut read: Samples) -> Samples {
    if let Fact::Known(samples) = &mut read {
        if scope == Scope::Status {
            samples.retain(|sample| OF_STATUS.contains(&&*sample.name));
        }
        shared.samples(samples);
    }
    read
}

/// Exact numbers with the text's quantiles; either alone where the other is missing.
fn merged(exact: Samples, text: Samples) -> Samples {
    match (exact, text) {
        (Fact::Known(exact), Fact::Known(text)) => Fact::Known(metrics::merge(exact, text)),
        (Fact::Known(one), _) | (_, Fact::Known(one)) => Fact::Known(one),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::Unknown(why),
        _ => Fact::Absent,
    }
}

/// One answer; what could not be read of it is told, and the host is named.
fn read<T>(
    host: &str,
    question: Question,
    answer: Result<Outcome, Failure>,
    parse: impl FnOnce(&str) -> (T, Vec<Problem>),
) -> Fact<T> {
    let (_, command) = question.command();
    let unread = |failure: Failure| {
        let why = format!("`{command}`: {}", failure.message());
        if question.is_needed() {
            partial(host, &failure.context(format!("`{command}`")));
        } else {
            log::debug(&format!("{host}: {why}"));
        }
        Fact::Unknown(why)
    };
    let outcome = answer.and_then(|outcome| outcome.success().map(|_| outcome.text().into_owned()));
    let text = match outcome {
        Ok(text) => text,
        Err(failure) => return unread(failure),
    };
    let (value, problems) = parse(&text);
    let Some(problem) = problems.first() else { return Fact::Known(value) };
    // An entry that cannot be read costs itself; a document that cannot costs everything.
    if problem.place.starts_with("entry") || problem.place.starts_with("line") {
        for problem in &problems {
            log::warn(&format!("{host}: `{command}`: {problem}"));
        }
        partial(host, &Failure::Other(format!("`{command}`: {problem}")));
        return Fact::Known(value);
    }
    unread(Failure::Other(problem.to_string()))
}
