//! `nodes/pods-full`: nodes that soon take no more pods.

use lab_plugin::Finding;

use crate::model::Cluster;

/// Adds one finding for each node with nine tenths of its pods in use.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    for (host, node) in cluster.shown_nodes() {
        let (Some(used), Some(most)) = (host.pods.known().copied(), node.allocatable.pods) else {
            continue;
        };
        if most == 0 || u64::from(used) * 10 < u64::from(most) * 9 {
            continue;
        }
        let message = format!("{used} of {most} pods are in use");
        let code = "nodes/pods-full";
        let finding = if used >= most {
            Finding::bad(code, host.name.clone(), message)
        } else {
            Finding::warn(code, host.name.clone(), message)
        };
        found.push(
            finding
                .evidence(format!("Node {}", host.name), format!("status.allocatable.pods: {most}"))
                .evidence("Pods that have not ended", used.to_string())
                .fix(format!(
                    "kubectl get pods --all-namespaces --field-selector spec.nodeName={}",
                    host.name
                ))
                .fix("raise maxPods in the kubelet's configuration, if its podCIDR has room"),
        );
    }
}
