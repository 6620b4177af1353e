//! `nodes/not-ready`, `nodes/condition`: what a node's kubelet says of itself.

use lab_plugin::{Finding, Level};

use crate::model::Cluster;

/// Conditions that are bad news when they are true.
const PRESSURES: [&str; 3] = ["MemoryPressure", "DiskPressure", "PIDPressure"];

/// Adds one finding for each node that is not ready, and for each condition.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    for (host, node) in cluster.shown_nodes() {
        let place = format!("Node {}", host.name);
        let describe = format!("kubectl describe node {}", host.name);
        let (level, message, seen) = match node.condition("Ready") {
            Some(("True", _)) => (None, "", String::new()),
            Some(("False", why)) => (
                Some(Level::Bad),
                "its kubelet says that it is not ready",
                format!("Ready=False {why}"),
            ),
            Some((status, why)) => (
                Some(Level::Bad),
                "its kubelet is not heard any more",
                format!("Ready={status} {why}"),
            ),
            None => (
                Some(Level::Unknown),
                "nothing says whether it is ready",
                "no condition Ready".to_owned(),
            ),
        };
        if let Some(level) = level {
            found.push(
                Finding::new(level, "nodes/not-ready", host.name.clone(), message)
                    .evidence(place.clone(), seen)
                    .fix(describe.clone())
                    .fix("journalctl --unit kubelet --since -10min (on the node)"),
            );
        }
        for kind in PRESSURES {
            let Some(("True", why)) = node.condition(kind) else { continue };
            let message = format!("{kind}: its kubelet evicts pods and takes no new ones");
            found.push(
                Finding::warn("nodes/condition", host.name.clone(), message)
                    .evidence(place.clone(), format!("{kind}=True {why}"))
                    .fix(describe.clone()),
            );
        }
        if let Some(("True", why)) = node.condition("NetworkUnavailable") {
            let message = "NetworkUnavailable: no network plugin has reported itself there";
            found.push(
                Finding::bad("nodes/condition", host.name.clone(), message)
                    .evidence(place, format!("NetworkUnavailable=True {why}"))
                    .fix(format!(
                        "kubectl --namespace kube-system get pods --selector k8s-app=cilium \
                         --field-selector spec.nodeName={}",
                        host.name
                    )),
            );
        }
    }
}
