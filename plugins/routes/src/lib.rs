//! `kubectl lab routes`: every host's routes against what they ought to be, packets traced
//! there and back, and a matrix of who reaches whom.
//!
//! The card, then the stages in order: collect, model, judge or trace, rows.

pub mod expect;
pub mod explain;
pub mod judge;
pub mod report_matrix;
pub mod report_routes;
pub mod report_trace;
pub mod rows;

use std::mem::ManuallyDrop;

use lab_forwarding::collect::{self, Scope};
use lab_forwarding::datapath::View;
use lab_forwarding::trace::{Endpoint, Ends, Unresolved};
use lab_forwarding::{matrix, model};
use lab_plugin::{Argument, Call, Card, Command, Failure, Finding, Kind, Plugin, Table};

use judge::Facts;
use rows::{CountRow, HopRow, PairRow, WayRow};

/// The plugin.
pub struct Routes;

lab_plugin::export!(Routes);

impl Plugin for Routes {
    fn describe() -> Card {
        let card = Card::new("Compare every host's routes with what they ought to be")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(
                Command::new(&["routes"], "Show every host's routes and judge them")
                    .argument(Argument::flag(
                        "all",
                        Kind::Boolean,
                        "Also show routes that have nothing to do with the cluster",
                    ))
                    .example("kubectl lab routes", "what is there, what is missing, and the cure")
                    .example("kubectl lab routes -o wide", "with each route's own line"),
            )
            .command(
                Command::new(
                    &["routes", "trace"],
                    "Follow a packet over every host, there and back",
                )
                .argument(
                    Argument::positional(
                        "source",
                        Kind::Text,
                        "Where it starts: namespace/pod, node, host or address",
                    )
                    .objects("v1", "Pod")
                    .required(),
                )
                .argument(
                    Argument::positional(
                        "destination",
                        Kind::Text,
                        "Where it goes: namespace/pod, node, host or address",
                    )
                    .objects("v1", "Pod")
                    .required(),
                )
                .example(
                    "kubectl lab routes trace default/curl-pod k8s-w0",
                    "every hop, the way back, and the smallest MTU",
                ),
            )
            .command(
                Command::new(&["routes", "matrix"], "Show which node's pods reach which")
                    .argument(
                        Argument::flag("source", Kind::Text, "Only from here: pod, node or host")
                            .objects("v1", "Pod")
                            .repeated(),
                    )
                    .argument(
                        Argument::flag(
                            "to",
                            Kind::Text,
                            "Only to here: pod, node, host or address",
                        )
                        .objects("v1", "Pod")
                        .repeated(),
                    )
                    .argument(Argument::flag("all", Kind::Boolean, "Also show pairs that arrive"))
                    .example("kubectl lab routes matrix", "a summary, and the pairs that are lost")
                    .example(
                        "kubectl lab routes matrix --to 10.10.1.200",
                        "from every node's pods to one address",
                    ),
            );
        explain::EXPLANATIONS
            .iter()
            .fold(card, |card, explained| card.explain(explained.code, explained.text))
            .ask("hosts", &collect::COMMANDS, "routing tables, devices and the agents' settings")
            .ask("cluster", &collect::KINDS, "who owns which address, and how Cilium is set up")
    }

    fn run(call: &Call) -> Result<(), Failure> {
        match call.path().last() {
            Some(&"trace") => run_trace(call),
            Some(&"matrix") => run_matrix(call),
            _ => run_routes(call),
        }
    }
}

fn run_routes(call: &Call) -> Result<(), Failure> {
    let cluster = model::build(collect::collect(Scope::Full)?);
    let view = View::of_ranges(&cluster);
    let strays = judge::judge_strays(&cluster);
    let owners = report_routes::owners(&cluster);
    let mut table = Table::new("routes");
    let all = call.flag("all");
    let judged =
        report_routes::report(&view, &owners, &strays, all, |key, row| table.push(key, row))?;
    table.commit()?;
    let matrix = matrix::matrix(&view, |_| true, |_| true);
    let facts = Facts { view: &view, judged: &judged, strays: &strays, matrix: &matrix };
    judge::findings(&facts).into_iter().try_for_each(Finding::report)
}

fn run_matrix(call: &Call) -> Result<(), Failure> {
    let (from, to) = (call.texts("source"), call.texts("to"));
    let is_named = !from.is_empty() || !to.is_empty();
    let scope = if is_named { Scope::Full } else { Scope::Pairs };
    // Never taken apart: the component ends with the run, and its memory goes as a whole.
    let cluster = ManuallyDrop::new(model::build(collect::collect(scope)?));
    if is_named {
        let ends = |names: &[&str]| match names {
            [] => Ok(report_matrix::all_pods(&cluster)),
            names => names
                .iter()
                .map(|name| Endpoint::resolve(&cluster, name).map_err(unresolved))
                .collect(),
        };
        let (from, to) = (ends(&from)?, ends(&to)?);
        let (counts, rows) = report_matrix::named(&cluster, &from, &to, call.flag("all"));
        summarize(counts)?;
        let mut pairs = Table::<PairRow>::new("pairs");
        for row in rows {
            pairs.push(&format!("{}/{}", row.from, row.to), row)?;
        }
        return pairs.commit();
    }
    let view = View::of_ranges(&cluster);
    let matrix = matrix::matrix(&view, |_| true, |_| true);
    summarize(report_matrix::count_rows(&matrix.counts()))?;
    let mut pairs = Table::<PairRow>::new("pairs");
    report_matrix::pair_rows(&view, &matrix, call.flag("all"), |key, row| pairs.push(key, row))?;
    pairs.commit()?;
    let facts = Facts { view: &view, judged: &[], strays: &[], matrix: &matrix };
    let mut found = Vec::new();
    judge::check_ways(&facts, &mut found);
    found.into_iter().try_for_each(Finding::report)
}

fn run_trace(call: &Call) -> Result<(), Failure> {
    let name = |argument: &str| {
        call.text(argument)
            .ok_or_else(|| Failure::InvalidInput(format!("`{argument}` was not given")))
    };
    let (source, destination) = (name("source")?, name("destination")?);
    let cluster = model::build(collect::collect(Scope::Full)?);
    let view = View::new(&cluster);
    let ends = Ends {
        source: Endpoint::resolve(&cluster, source).map_err(unresolved)?,
        destination: Endpoint::resolve(&cluster, destination).map_err(unresolved)?,
    };
    let path = ends.walk(&view).map_err(unresolved)?;
    let mut ways = Table::<WayRow>::new("ways");
    for row in report_trace::way_rows(&view, &ends, &path) {
        ways.push(row.way, row)?;
    }
    ways.commit()?;
    let mut hops = Table::<HopRow>::new("hops");
    for row in report_trace::path_rows(&view, &path) {
        hops.push(&format!("{}/{}/{}", row.way, row.branch, row.hop), row)?;
    }
    hops.commit()
}

fn summarize(counts: Vec<CountRow>) -> Result<(), Failure> {
    let mut summary = Table::<CountRow>::new("summary");
    for row in counts {
        summary.push(&row.disposition.1.clone(), row)?;
    }
    summary.commit()
}

fn unresolved(Unresolved(why): Unresolved) -> Failure {
    Failure::InvalidInput(why)
}
