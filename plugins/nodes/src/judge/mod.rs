//! The model against what ought to be: findings, each with what was seen and a way to cure it.
//!
//! One file for each family of checks. A check never sees a column and never asks a host; what
//! is not known fires nothing.

mod addresses;
mod agents;
mod capacity;
mod hosts_file;
mod kubelets;
mod pod_cidrs;
mod ranges;
mod ready;
#[cfg(test)]
mod tests;

use lab_plugin::{Fact, Finding, Level};

use crate::model::Cluster;
use crate::model::facts::Stated;

pub use hosts_file::{Agreement, agreement};
pub use kubelets::{Setting as KubeletSetting, settings as kubelet_settings};

/// Findings about every host.
pub fn hosts(cluster: &Cluster) -> Vec<Finding> {
    let mut found = Vec::new();
    ready::check(cluster, &mut found);
    addresses::check(cluster, &mut found);
    hosts_file::check(cluster, &mut found);
    agents::check(cluster, &mut found);
    pod_cidrs::check(cluster, &mut found);
    kubelets::check(cluster, &mut found);
    capacity::check(cluster, &mut found);
    unanswered(cluster, &mut found);
    if let Some(why) = &cluster.no_metrics {
        found.push(no_metrics(why));
    }
    found
}

/// Findings about addresses alone.
pub fn addresses(cluster: &Cluster) -> Vec<Finding> {
    let mut found = Vec::new();
    addresses::check(cluster, &mut found);
    unanswered(cluster, &mut found);
    found
}

/// Findings about what the cluster has in common.
pub fn cluster(cluster: &Cluster, facts: &[Stated]) -> Vec<Finding> {
    let mut found = Vec::new();
    ranges::check(cluster, facts, &mut found);
    pod_cidrs::check(cluster, &mut found);
    kubelets::check(cluster, &mut found);
    kubelets::check_settings(cluster, &mut found);
    found
}

/// There is no CPU and memory in use to show.
pub fn no_metrics(why: &str) -> Finding {
    let message = "CPU and memory in use are not known";
    Finding::info("nodes/no-metrics", "metrics.k8s.io", message)
        .evidence("metrics.k8s.io/v1beta1", why)
        .fix("kubectl get apiservice v1beta1.metrics.k8s.io")
        .fix(
            "install metrics-server: kubectl apply -f https://github.com/kubernetes-sigs/\
             metrics-server/releases/latest/download/components.yaml",
        )
}

fn unanswered(cluster: &Cluster, found: &mut Vec<Finding>) {
    for host in &cluster.hosts {
        let Fact::Unknown(why) = &host.devices else { continue };
        if cluster.node(host).known().is_some_and(|node| node.is_windows) {
            continue;
        }
        let message = "its addresses are not known, so they are not compared with the API's";
        found.push(
            Finding::new(Level::Unknown, "nodes/unanswered", host.name.clone(), message)
                .evidence(host.name.clone(), why.clone())
                .fix(format!(
                    "ask it alone and see why: kubectl lab nodes -v --host {}",
                    host.name
                )),
        );
    }
}

/// `a, b and 3 more`: names for a message.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        0..=SHOWN => names.join(", "),
        many => format!("{} and {} more", names[..SHOWN].join(", "), many - SHOWN),
    }
}

/// `a, b`: values for evidence.
fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
