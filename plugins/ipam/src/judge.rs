//! The model against what ought to be: findings, each with what was seen and a way to cure it.
//!
//! One file for each family of checks. A check never sees a column and never asks a host; what
//! is not known fires nothing.

mod addresses;
mod capacity;
mod nodes;
mod overlaps;
mod ranges;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use lab_plugin::Finding;

use crate::model::Cluster;

pub use addresses::said;

/// Findings of one code at most; the rest is counted. A cluster in which every pod is wrong has
/// one thing to say, not thirty thousand.
const PER_CODE: usize = 20;
/// Lines of evidence at most, where one finding is about many.
const LINES: usize = 5;

/// What the user wants to be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Percent of use from which on a range is nearly full.
    pub warn_at: f64,
    /// Addresses that nobody has had for a while.
    pub cooled: BTreeSet<IpAddr>,
}

impl Default for Options {
    fn default() -> Self {
        Self { warn_at: 85.0, cooled: BTreeSet::new() }
    }
}

/// Findings about ranges alone.
pub fn of_ranges(cluster: &Cluster) -> Vec<Finding> {
    let mut found = Vec::new();
    ranges::check(cluster, &mut found);
    overlaps::check(cluster, &mut found);
    bounded(found)
}

/// Every finding.
pub fn all(cluster: &Cluster, options: &Options) -> Vec<Finding> {
    let mut found = Vec::new();
    nodes::check(cluster, &mut found);
    ranges::check(cluster, &mut found);
    overlaps::check(cluster, &mut found);
    capacity::check(cluster, options, &mut found);
    addresses::check(cluster, options, &mut found);
    bounded(found)
}

/// Findings about addresses one by one.
pub fn of_addresses(cluster: &Cluster, options: &Options) -> Vec<Finding> {
    let mut found = Vec::new();
    addresses::check(cluster, options, &mut found);
    bounded(found)
}

/// Findings about one address.
pub fn of_address(cluster: &Cluster, ip: IpAddr) -> Vec<Finding> {
    addresses::of(cluster, &Options::default(), ip)
}

/// Cuts what is told too often; the last one of a code says how many there are. What is true of
/// each address of a pod is told once of the pod.
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
fn some_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if first.len() < 4 => format!("{} and {last}", first.join(", ")),
        [first, second, third, ..] => {
            format!("{first}, {second}, {third} and {} more", names.len() - 3)
        }
        // Never reached: two or more names are covered above.
        _ => names.join(", "),
    }
}

/// Things in a list.
fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
