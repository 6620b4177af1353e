//! `kubectl lab reach`: probes between hosts, pods and Services, beside what the routing tables
//! predict.
//!
//! The card, then the stages in order: collect, ends and plan, rounds, judge, rows.

pub mod collect;
pub mod ends;
pub mod explain;
pub mod judge;
pub mod measure;
pub mod parse;
pub mod path;
pub mod plan;
pub mod predict;
pub mod report;
pub mod rounds;
pub mod rows;
pub mod services;

use std::time::Duration;

use lab_forwarding::collect::{self as forwarding, Scope};
use lab_forwarding::model;
use lab_forwarding::trace::Unresolved;
use lab_plugin::{
    Argument, Call, Card, Command, Failure, Finding, Kind, Plugin, Table, log, partial,
};

use ends::{Source, Target};
use judge::Facts;
use rounds::Options;
use rows::{CountRow, PairRow};

/// The plugin.
pub struct Reach;

lab_plugin::export!(Reach);

/// A command may take this long: the program's own deadline is 30 s when nothing is said.
const LONGEST: Duration = Duration::from_secs(25);
const MOST_PACKETS: i64 = 20;
const MOST_PAIRS: i64 = 10_000;
const SHORTEST_INTERVAL: Duration = Duration::from_millis(200);
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

impl Plugin for Reach {
    fn describe() -> Card {
        let card = Card::new("Probe who reaches whom, and compare with what the routes predict")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(command());
        explain::EXPLANATIONS
            .iter()
            .fold(card, |card, explained| card.explain(explained.code, explained.text))
            .ask(
                "hosts",
                &forwarding::COMMANDS,
                "routing tables, devices and the agents' settings, for the prediction",
            )
            .ask(
                "hosts",
                &collect::PROBES,
                "probes: a few small packets, or a connection over which nothing is sent",
            )
            .ask("cluster", &forwarding::KINDS, "who owns which address, and how Cilium is set up")
            .ask("cluster", &collect::KINDS, "addresses, ports and endpoints of Services by name")
    }

    fn run(call: &Call) -> Result<(), Failure> {
        let options = options(call)?;
        let most = bounded(call, "pairs", 1..=MOST_PAIRS)?;
        let from = named(call, "start", "source");
        let to = named(call, "target", "to");
        let cluster = model::build(forwarding::collect(Scope::Full)?);
        let sources = if from.is_empty() {
            ends::all_sources(&cluster, &collect::asked()?)
        } else {
            resolved(&from, |name| Source::resolve(&cluster, name))?
        };
        let targets = if to.is_empty() {
            ends::all_targets(&cluster)
        } else {
            let needed = to.iter().any(|name| ends::needs_services(&cluster, name));
            let services = if needed { collect::services() } else { services::Services::default() };
            resolved(&to, |name| Target::resolve(&cluster, &services, name))?
        };
        let plan = plan::plan(&sources, &targets, usize::try_from(most).unwrap_or(usize::MAX));
        if plan.left_out > 0 {
            log::warn(&format!(
                "{} of {} pairs are left out: probe more with --pairs, or name ends",
                plan.left_out,
                plan.left_out + plan.pairs.len()
            ));
        }
        let ends = (&sources[..], &targets[..]);
        let probes = rounds::probe(&cluster, ends, &plan.pairs, options, collect::ask)?;
        let facts =
            Facts { cluster: &cluster, sources: &sources, targets: &targets, probes: &probes };
        for (subject, failure) in report::unmeasured(&facts) {
            // The host itself answered: what is missing are these probes.
            partial(&format!("probes from {subject}"), &failure);
        }
        let mut summary = Table::<CountRow>::new("summary");
        for row in report::count_rows(&facts, plan.left_out) {
            summary.push(&row.verdict.1.clone(), row)?;
        }
        summary.commit()?;
        let all = call.flag("all") || !(from.is_empty() || to.is_empty());
        let mut pairs = Table::<PairRow>::new("pairs");
        report::pair_rows(&facts, all, |key, row| pairs.push(key, row))?;
        pairs.commit()?;
        judge::findings(&facts).into_iter().try_for_each(Finding::report)
    }
}

fn command() -> Command {
    let end = |argument: Argument| argument.objects("v1", "Pod");
    Command::new(&["reach"], "Probe every pair of hosts and pods, or those that are named")
        .argument(end(Argument::positional(
            "start",
            Kind::Text,
            "Where probes run: namespace/pod, node or host",
        )))
        .argument(end(Argument::positional(
            "target",
            Kind::Text,
            "What is probed: pod, node, host, address or service/NAMESPACE/NAME, each also with :PORT",
        )))
        .argument(
            end(Argument::flag("source", Kind::Text, "Also probe from here: pod, node or host"))
                .repeated(),
        )
        .argument(end(Argument::flag("to", Kind::Text, "Also probe this, as TARGET")).repeated())
        .argument(Argument::flag("all", Kind::Boolean, "Also show pairs that are as they should be"))
        .argument(Argument::flag("mtu", Kind::Boolean, "Also find the path MTU and the hops"))
        .argument(
            Argument::flag("count", Kind::Integer, "Pings or connections for each pair, up to 20")
                .default("2"),
        )
        .argument(
            Argument::flag("interval", Kind::Duration, "Time between two pings, 200ms to 5s")
                .default("1s"),
        )
        .argument(
            Argument::flag("pairs", Kind::Integer, "Probe at most so many pairs").default("200"),
        )
        .example("kubectl lab reach", "from every host and a pod of each node, to every node and a pod of each")
        .example("kubectl lab reach default/curl-pod k8s-w0 --mtu", "one pair, with path MTU and hops")
        .example("kubectl lab reach --to service/default/webpod", "whether everyone gets a connection")
}

fn options(call: &Call) -> Result<Options, Failure> {
    let count = bounded(call, "count", 1..=MOST_PACKETS)?;
    let count = u32::try_from(count).unwrap_or(1);
    let interval = call.duration("interval").unwrap_or(Duration::from_secs(1));
    if !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval) {
        return Err(Failure::InvalidInput(
            "`--interval` takes 200ms to 5s, so that probes stay probes".to_owned(),
        ));
    }
    if interval.saturating_mul(count) > LONGEST {
        return Err(Failure::InvalidInput(format!(
            "{count} pings every {interval:?} take longer than {LONGEST:?}: choose a smaller \
             `--count` or `--interval`"
        )));
    }
    Ok(Options { count, interval, with_path: call.flag("mtu") })
}

fn bounded(call: &Call, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64, Failure> {
    let value = call.integer(name).unwrap_or(*range.start());
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = range.into_inner();
    Err(Failure::InvalidInput(format!("`--{name}` takes {least} to {most}, not {value}")))
}

/// What stands by place, then what stands behind the flag.
fn named<'c>(call: &'c Call, place: &str, flag: &str) -> Vec<&'c str> {
    call.text(place).into_iter().chain(call.texts(flag)).collect()
}

fn resolved<T>(
    names: &[&str],
    resolve: impl Fn(&str) -> Result<T, Unresolved>,
) -> Result<Vec<T>, Failure> {
    let resolve = |name: &&str| resolve(name).map_err(|Unresolved(why)| Failure::InvalidInput(why));
    names.iter().map(resolve).collect()
}
