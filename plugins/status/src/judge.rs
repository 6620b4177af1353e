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

use lab_plugin::Finding;
use lab_plugin::findings::{bounded, evidence, some_of};

use crate::model::Cluster;

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

/// The command that restarts every agent, one after another.
fn restart(namespace: &str) -> String {
    format!("kubectl --namespace {namespace} rollout restart daemonset/cilium")
}
