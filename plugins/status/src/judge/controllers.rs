//! `status/controller-failing`: tasks of agents that fail again and again.

use std::collections::BTreeMap;

use lab_plugin::Finding;

use crate::model::{Cluster, Node};
use crate::parse::agent_status::Controller;

/// From so many failures in a row on it is no passing trouble.
const MANY: u64 = 10;

/// Adds one finding for each kind of controller.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut kinds: BTreeMap<String, Vec<(&Node, &Controller)>> = BTreeMap::new();
    for node in &cluster.nodes {
        let Some(status) = node.answers.status.known() else { continue };
        for it in status.failing() {
            kinds.entry(kind(&it.name)).or_default().push((node, it));
        }
    }
    for (kind, mut all) in kinds {
        all.sort_by_key(|(_, it)| std::cmp::Reverse(it.consecutive_failures));
        let Some((node, worst)) = all.first() else { continue };
        let mut names: Vec<&str> = all.iter().map(|(node, _)| node.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let message = format!(
            "fails on {}, {} times in a row: {}",
            super::some_of(&names),
            worst.consecutive_failures,
            worst.message
        );
        let finding = if worst.consecutive_failures >= MANY {
            Finding::bad("status/controller-failing", kind, message)
        } else {
            Finding::warn("status/controller-failing", kind, message)
        };
        let lines = all.iter().map(|(node, it)| {
            let last = it.last_failure.as_deref().unwrap_or("unknown");
            (
                format!("{}: controller {}", node.name, it.name),
                format!(
                    "{} failures in a row, {} in all, last {last}: {}",
                    it.consecutive_failures, it.failures, it.message
                ),
            )
        });
        let pod = node.agent.known().map_or("ds/cilium", |pod| pod.name.as_str());
        found.push(super::evidence(finding, lines).fix(format!(
            "kubectl --namespace {} exec {pod} --container cilium-agent -- cilium-dbg status --all-controllers",
            cluster.namespace
        )));
    }
}

/// A name without numbers of endpoints and names of pods: `sync-policymap-1556`,
/// `sync-to-k8s-ciliumendpoint (1556)`, `resolve-labels-default/curl-pod`.
fn kind(name: &str) -> String {
    let name = name.split(" (").next().unwrap_or(name);
    if name.starts_with("resolve-labels-") {
        return "resolve-labels".to_owned();
    }
    let parts = name.split('-').filter(|part| !part.bytes().all(|byte| byte.is_ascii_digit()));
    parts.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn controllers_of_one_kind_have_one_name() {
        assert_eq!(super::kind("sync-policymap-1556"), "sync-policymap");
        assert_eq!(super::kind("sync-to-k8s-ciliumendpoint (389)"), "sync-to-k8s-ciliumendpoint");
        assert_eq!(super::kind("resolve-labels-default/curl-pod"), "resolve-labels");
        assert_eq!(
            super::kind("endpoint-1556-regeneration-recovery"),
            "endpoint-regeneration-recovery"
        );
        assert_eq!(super::kind("k8s-heartbeat"), "k8s-heartbeat");
    }
}
