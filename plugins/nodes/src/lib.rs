//! `kubectl lab nodes`: every host in one row, its addresses, what the cluster has in common,
//! and what is in use.
//!
//! The card, then the stages in order: collect, model, judge, rows.

pub mod collect;
pub mod explain;
pub mod judge;
#[cfg(test)]
mod made;
pub mod model;
pub mod parse;
pub mod report_cluster;
pub mod report_nodes;
pub mod report_top;
pub mod rows;

use std::collections::BTreeSet;
use std::time::Duration;

use lab_plugin::{Argument, Call, Card, Command, Fact, Failure, Finding, Kind, Plugin, Table};

use collect::Scope;
use report_nodes::Show;
use rows::{AddressRow, FactRow, HostRow, KubeletRow, SettingRow, TopPodRow, TopRow};

/// The plugin.
pub struct Nodes;

lab_plugin::export!(Nodes);

impl Plugin for Nodes {
    fn describe() -> Card {
        let card = Card::new("Show every host: state, addresses, ranges, versions and use")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(
                Command::new(&["nodes"], "Show every host in one row")
                    .example("kubectl lab nodes", "state, addresses, podCIDRs, versions and use")
                    .example("kubectl lab nodes -o wide", "also kernel, system and amounts"),
            )
            .command(
                Command::new(&["nodes", "addr"], "Show the addresses of every host's devices")
                    .argument(Argument::flag(
                        "all",
                        Kind::Boolean,
                        "Also show IPv6 and devices without an address",
                    ))
                    .example("kubectl lab nodes addr", "`ip -br -4 addr` of all hosts at once"),
            )
            .command(
                Command::new(
                    &["nodes", "cluster"],
                    "Show the cluster's ranges and settings, with the place each was read from",
                )
                .example("kubectl lab nodes cluster", "every table")
                .example("kubectl lab nodes cluster --only facts", "ranges and endpoints alone"),
            )
            .command(top(&["nodes", "top"], "Show CPU and memory in use on every node"))
            .command(top(&["nodes", "top", "pods"], "Show CPU and memory in use by every pod"));
        explain::EXPLANATIONS
            .iter()
            .fold(card, |card, explained| card.explain(explained.code, explained.text))
            .asks("hosts", &collect::COMMANDS)
            .asks("cluster", &collect::KINDS)
    }

    fn run(call: &Call) -> Result<(), Failure> {
        match call.path().get(1..).unwrap_or_default() {
            ["addr"] => run_addresses(call),
            ["cluster"] => run_cluster(),
            ["top"] => run_top(call),
            ["top", "pods"] => run_top_pods(call),
            _ => run_nodes(),
        }
    }
}

fn top(path: &[&str], about: &str) -> Command {
    let line = format!("kubectl lab {}", path.join(" "));
    Command::new(path, about)
        .argument(
            Argument::flag("watch", Kind::Boolean, "Ask again and again until stopped").short('w'),
        )
        .argument(
            Argument::flag("every", Kind::Duration, "Time between two looks with --watch")
                .default("15s"),
        )
        .example(&line, "what the metrics API says now")
        .live()
}

fn run_nodes() -> Result<(), Failure> {
    let cluster = model::build::build(&collect::collect(Scope::Nodes)?);
    let mut table = Table::<HostRow>::new("nodes");
    for (idx, host) in cluster.hosts.iter().enumerate() {
        table.push(&host.name, report_nodes::host_row(&cluster, idx, host))?;
    }
    table.commit()?;
    judge::hosts(&cluster).into_iter().try_for_each(Finding::report)
}

fn run_addresses(call: &Call) -> Result<(), Failure> {
    let cluster = model::build::build(&collect::collect(Scope::Addresses)?);
    let show = if call.flag("all") { Show::All } else { Show::Ipv4 };
    let mut table = Table::<AddressRow>::new("addresses");
    report_nodes::address_rows(&cluster, show, |key, row| table.push(key, row))?;
    table.commit()?;
    judge::addresses(&cluster).into_iter().try_for_each(Finding::report)
}

fn run_cluster() -> Result<(), Failure> {
    let inputs = collect::collect(Scope::Cluster)?;
    let cluster = model::build::build(&inputs);
    let documents = model::facts::documents(&inputs.cluster);
    let facts = model::facts::facts(&inputs, &cluster, &documents);
    let mut table = Table::<FactRow>::new("facts");
    for stated in &facts {
        let key = format!("{}/{}", stated.fact, stated.source);
        table.push(&key, report_cluster::fact_row(stated))?;
    }
    table.commit()?;
    let mut table = Table::<KubeletRow>::new("kubelets");
    for setting in judge::kubelet_settings(&cluster) {
        for (place, row) in report_cluster::kubelet_rows(&setting).into_iter().enumerate() {
            table.push(&format!("{}/{place}", setting.name), row)?;
        }
    }
    table.commit()?;
    let mut table = Table::<SettingRow>::new("settings");
    for row in documents.iter().flat_map(report_cluster::setting_rows) {
        table.push(&format!("{}/{}", row.object, row.key), row)?;
    }
    table.commit()?;
    judge::cluster(&cluster, &facts).into_iter().try_for_each(Finding::report)
}

/// The time between two looks; none without `--watch`.
fn every(call: &Call) -> Option<Duration> {
    let every = call.duration("every").unwrap_or(Duration::from_secs(15));
    call.flag("watch").then_some(every)
}

fn run_top(call: &Call) -> Result<(), Failure> {
    let names = collect::shown_nodes()?;
    let nodes = collect::nodes();
    let mut table = Table::<TopRow>::new("top");
    let mut missing = None;
    collect::repeat(every(call), || {
        let metrics = collect::node_usage();
        for row in report_top::node_rows(&names, &nodes, &metrics) {
            table.push(&row.host.clone(), row)?;
        }
        missing = without(&metrics);
        table.commit()
    })?;
    missing.into_iter().try_for_each(Finding::report)
}

fn run_top_pods(call: &Call) -> Result<(), Failure> {
    let mut table = Table::<TopPodRow>::new("pods");
    let mut missing = None;
    let mut shown = BTreeSet::new();
    collect::repeat(every(call), || {
        let metrics = collect::pod_usage();
        let mut now = BTreeSet::new();
        for row in report_top::pod_rows(&collect::pods(), &metrics) {
            let key = format!("{}/{}", row.namespace, row.pod);
            table.push(&key, row)?;
            now.insert(key);
        }
        let gone: Vec<String> = shown.difference(&now).cloned().collect();
        if !gone.is_empty() {
            table.remove(&gone)?;
        }
        shown = now;
        missing = without(&metrics);
        table.commit()
    })?;
    missing.into_iter().try_for_each(Finding::report)
}

/// The finding that there is nothing to show.
fn without<T>(metrics: &Fact<T>) -> Option<Finding> {
    match metrics {
        Fact::Known(_) => None,
        Fact::Unknown(why) => Some(judge::no_metrics(why)),
        Fact::Absent => Some(judge::no_metrics("the cluster has no metrics.k8s.io/v1beta1")),
    }
}
