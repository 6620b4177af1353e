//! `status/config-drift`: settings that were changed, and agents that were not restarted since.

use std::collections::BTreeMap;

use lab_plugin::Finding;

use crate::model::Cluster;
use crate::model::settings::{Settings, Verdict};

/// Where the wanted value stands, that value, and the one in force.
type Group = (String, Option<String>, String);

/// Adds one finding for each setting, and one where agents count drift that is not seen here.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let settings = Settings::of(cluster);
    let mut has_drift = false;
    for key in settings.keys() {
        // By what is wanted and what is in force instead, so that equal nodes are told once.
        let mut groups: BTreeMap<Group, Vec<(&str, String)>> = BTreeMap::new();
        for (at, node) in cluster.nodes.iter().enumerate() {
            let Some(own) = settings.on_node(at, key).filter(|own| own.verdict == Verdict::Drift)
            else {
                continue;
            };
            let wanted = own.wanted().map(str::to_owned);
            let (source, place) = match &own.overruling {
                Some((_, origin)) => (origin.to_string(), origin.place(&node.name)),
                None => ("cilium-config".to_owned(), "cilium-config".to_owned()),
            };
            let Some(was) = own.started_with.or(own.in_force.map(|(_, text)| text)) else {
                continue;
            };
            groups.entry((source, wanted, was)).or_default().push((&node.name, place));
        }
        for ((_, wanted, was), nodes) in groups {
            has_drift = true;
            let (nodes, mut places): (Vec<&str>, Vec<String>) = nodes.into_iter().unzip();
            let now = match &wanted {
                Some(wanted) => format!("it is written as {}", quoted(wanted)),
                None => "it is not written any more".to_owned(),
            };
            let message =
                format!("{now}, and still {} on {}", quoted(&was), super::some_of(&nodes));
            let written = wanted.as_deref().unwrap_or("not there");
            found.push(
                Finding::warn("status/config-drift", key, message)
                    .evidence(places.swap_remove(0), format!("{key}: {written}"))
                    .evidence(format!("agent of {}", nodes[0]), format!("{key}: {was}"))
                    .fix(super::restart(&cluster.namespace)),
            );
        }
    }
    if !has_drift {
        counted(cluster, found);
    }
}

fn quoted(value: &str) -> String {
    if value.is_empty() { "empty".to_owned() } else { format!("`{value}`") }
}

/// Agents check this themselves since 1.17, and tell no more than a number.
fn counted(cluster: &Cluster, found: &mut Vec<Finding>) {
    const METRIC: &str = "cilium_drift_checker_config_delta";
    for node in &cluster.nodes {
        let Some(number) = node.metric_sum(METRIC).filter(|number| *number >= 1.0) else {
            continue;
        };
        found.push(
            Finding::warn(
                "status/config-drift",
                node.name.clone(),
                format!(
                    "its agent counts {number} settings that differ from those it started with"
                ),
            )
            .evidence(
                format!("{}: cilium-dbg metrics list", node.name),
                format!("{METRIC} {number}"),
            )
            .fix(super::restart(&cluster.namespace)),
        );
    }
}
