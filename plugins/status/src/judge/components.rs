//! `status/component-not-ready`: operator, relay or Envoy with fewer pods than there ought to be.

use lab_plugin::Finding;

use crate::model::Cluster;

/// Adds one finding for each; agents are told node by node.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    for it in cluster.workloads.iter().filter(|it| it.name != "cilium") {
        let Some(desired) = it.desired.filter(|desired| it.ready < *desired) else { continue };
        let crashes =
            |name: &str| cluster.pods.iter().any(|pod| pod.component == name && pod.is_crashing());
        if crashes(&it.name) {
            continue;
        }
        let message = format!("{} of {desired} pods are ready", it.ready);
        let object = format!("{} {}/{}", it.kind, it.namespace, it.name);
        let finding = if it.name == "cilium-operator" && it.ready == 0 {
            Finding::bad(
                "status/component-not-ready",
                it.name.clone(),
                format!("{message}: new nodes get no podCIDR, and nothing is cleaned up"),
            )
        } else {
            Finding::warn("status/component-not-ready", it.name.clone(), message)
        };
        let pods = cluster
            .pods
            .iter()
            .filter(|pod| pod.component == it.name && pod.is_ready != Some(true));
        let lines = std::iter::once((object, format!("desired {desired}, ready {}", it.ready)))
            .chain(pods.map(|pod| (format!("Pod {}", pod.path()), pod.state())));
        found.push(super::evidence(finding, lines).fix(format!(
            "kubectl --namespace {} describe {} {}",
            it.namespace,
            it.kind.to_ascii_lowercase(),
            it.name
        )));
    }
}
