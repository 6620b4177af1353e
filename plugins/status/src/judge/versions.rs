//! `status/version-skew`: agents of several versions, or an operator of another one.

use std::collections::BTreeMap;

use lab_charts::version::Version;
use lab_plugin::Finding;

use crate::model::Cluster;

/// Adds one finding for agents among themselves, and one for the operator.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let line = |text: &str| text.parse::<Version>().ok().map(|version| version.line());
    let mut by_version: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in &cluster.nodes {
        if let Some(version) = node.version() {
            by_version.entry(version).or_default().push(&node.name);
        }
    }
    let Some(most) =
        by_version.iter().max_by_key(|(_, nodes)| nodes.len()).map(|(version, _)| *version)
    else {
        return;
    };
    let rollout =
        format!("kubectl --namespace {} rollout status daemonset/cilium", cluster.namespace);
    if by_version.len() > 1 {
        let minors = by_version.keys().filter_map(|text| line(text));
        let (least, greatest) = (minors.clone().min(), minors.max());
        let is_far = matches!((least, greatest), (Some(least), Some(greatest))
            if least.0 != greatest.0 || greatest.1 - least.1 > 1);
        let texts: Vec<&str> = by_version.keys().copied().collect();
        let message = format!("agents run {} at once", super::some_of(&texts));
        let finding = if is_far {
            Finding::bad(
                "status/version-skew",
                "agents",
                format!("{message}: more than one minor version apart, which nobody tests"),
            )
        } else {
            Finding::warn("status/version-skew", "agents", message)
        };
        let lines =
            by_version.iter().map(|(text, nodes)| ((*text).to_owned(), super::some_of(nodes)));
        found.push(super::evidence(finding, lines).fix(rollout.clone()));
    }
    let operators = cluster.workloads.iter().filter(|it| it.name == "cilium-operator");
    for operator in operators {
        let Some(own) = operator.version.as_deref().filter(|own| *own != most) else { continue };
        let message = format!("the operator is {own} and most agents are {most}");
        let finding = if line(own) == line(most) {
            Finding::info("status/version-skew", "cilium-operator", message)
        } else {
            Finding::warn("status/version-skew", "cilium-operator", message)
        };
        found.push(
            finding
                .evidence(format!("Deployment {}/{}", operator.namespace, operator.name), own)
                .evidence("most agents", most)
                .fix(rollout.clone()),
        );
    }
}
