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

use std::collections::BTreeSet;
use std::net::IpAddr;

use lab_plugin::Finding;
use lab_plugin::findings::{bounded, evidence, some_of};

use crate::model::Cluster;

pub use addresses::said;

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

/// Things in a list.
fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
