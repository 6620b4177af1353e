//! The model against what ought to be: findings, each with what was seen and a way to cure it.
//!
//! One file for each family of checks. A check never sees a column and never asks a host; what
//! is not known fires nothing.

mod agents;
mod clocks;
mod components;
mod controllers;
mod crashes;
mod drift;
mod fallbacks;
mod maps;
mod modules;
mod peers;
mod reverse_paths;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use lab_plugin::Finding;

use crate::model::Cluster;

/// Findings of one code at most; the rest is counted. A cluster in which every node is wrong has
/// one thing to say, not a thousand.
const PER_CODE: usize = 20;
/// Lines of evidence at most, where one finding is about many.
const LINES: usize = 5;

/// What the user wants to be told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Share of entries from which on a BPF map is nearly full; 0 to 1.
    pub map_pressure: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { map_pressure: 0.8 }
    }
}

/// Every finding.
pub fn all(cluster: &Cluster, options: Options) -> Vec<Finding> {
    let mut found = Vec::new();
    if !cluster.has_cilium {
        return found;
    }
    crashes::check(cluster, &mut found);
    agents::check(cluster, &mut found);
    components::check(cluster, &mut found);
    versions::check(cluster, &mut found);
    drift::check(cluster, &mut found);
    fallbacks::check(cluster, &mut found);
    modules::check(cluster, &mut found);
    controllers::check(cluster, &mut found);
    maps::check(cluster, options, &mut found);
    peers::check(cluster, &mut found);
    reverse_paths::check(cluster, &mut found);
    clocks::check(cluster, &mut found);
    bounded(found)
}

/// Findings about settings alone.
pub fn of_settings(cluster: &Cluster) -> Vec<Finding> {
    let mut found = Vec::new();
    drift::check(cluster, &mut found);
    bounded(found)
}

/// Cuts what is told too often; the last one of a code says how many there are.
fn bounded(mut found: Vec<Finding>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    found.retain(|it| seen.insert((it.code.clone(), it.subject.clone(), it.message.clone())));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for finding in &found {
        *counts.entry(finding.code.clone()).or_default() += 1;
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for mut finding in found {
        let n_told = told.entry(finding.code.clone()).or_default();
        *n_told += 1;
        if *n_told > PER_CODE {
            continue;
        }
        let more = counts[&finding.code].saturating_sub(PER_CODE);
        if *n_told == PER_CODE && more > 0 {
            finding.message = format!("{}; and {more} more of the same kind", finding.message);
        }
        kept.push(finding);
    }
    kept
}

/// Names in a sentence; many are counted.
fn some_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if first.len() < 4 => format!("{} and {last}", first.join(", ")),
        [first, second, third, rest @ ..] => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        // Never reached: two or more names are covered above.
        _ => names.join(", "),
    }
}

/// Adds evidence up to the bound, and says how much is left out.
fn evidence(mut finding: Finding, lines: impl IntoIterator<Item = (String, String)>) -> Finding {
    let mut n_more = 0_usize;
    for (at, (place, text)) in lines.into_iter().enumerate() {
        if at < LINES {
            finding = finding.evidence(place, text);
        } else {
            n_more += 1;
        }
    }
    if n_more > 0 {
        finding = finding.evidence("and more", n_more.to_string());
    }
    finding
}

/// The command that restarts every agent, one after another.
fn restart(namespace: &str) -> String {
    format!("kubectl --namespace {namespace} rollout restart daemonset/cilium")
}
