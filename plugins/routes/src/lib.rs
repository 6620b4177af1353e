//! `kubectl lab routes`: every host's routes against what they ought to be, packets traced
//! there and back, and a matrix of who reaches whom.
//!
//! The card, then the stages in order: collect, model, judge or trace, rows.

mod collect;
mod datapath;
mod expect;
mod explain;
mod fixes;
mod judge;
mod matrix;
mod model;
mod owner;
mod reach;
mod report_matrix;
mod report_routes;
mod report_trace;
mod rows;
mod settings;
mod tables;
mod trace;

use lab_plugin::{Argument, Call, Card, Command, Failure, Finding, Kind, Plugin};

use collect::Scope;
use datapath::View;
use judge::Facts;
use trace::{Endpoint, Ends, Unresolved};

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
                Command::new(&["routes", "trace"], "Follow a packet over every host, there and back")
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
                        Argument::flag("from", Kind::Text, "Only from here: pod, node or host")
                            .objects("v1", "Pod")
                            .repeated(),
                    )
                    .argument(
                        Argument::flag("to", Kind::Text, "Only to here: pod, node, host or address")
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
    let judged = report_routes::report(&view, &strays, call.flag("all"))?;
    let matrix = matrix::matrix(&view, |_| true, |_| true);
    let facts = Facts { view: &view, judged: &judged, strays: &strays, matrix: &matrix };
    judge::findings(&facts).into_iter().try_for_each(Finding::report)
}

fn run_matrix(call: &Call) -> Result<(), Failure> {
    let (from, to) = (call.texts("from"), call.texts("to"));
    let named = !from.is_empty() || !to.is_empty();
    let scope = if named { Scope::Full } else { Scope::Pairs };
    let cluster = model::build(collect::collect(scope)?);
    if named {
        let ends = |names: &[&str]| match names {
            [] => Ok(report_matrix::all_pods(&cluster)),
            names => names
                .iter()
                .map(|name| Endpoint::resolve(&cluster, name).map_err(unresolved))
                .collect(),
        };
        return report_matrix::report_named(&cluster, &ends(&from)?, &ends(&to)?, call.flag("all"));
    }
    let view = View::of_ranges(&cluster);
    let matrix = matrix::matrix(&view, |_| true, |_| true);
    report_matrix::report(&view, &matrix, call.flag("all"))?;
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
    report_trace::report(&view, &ends, &path)
}

fn unresolved(Unresolved(why): Unresolved) -> Failure {
    Failure::InvalidInput(why)
}
