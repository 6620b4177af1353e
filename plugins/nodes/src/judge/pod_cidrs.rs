//! `nodes/pod-cidr-differs`, `nodes/pod-cidr-outside`: Kubernetes' podCIDR beside Cilium's.

use lab_model::Prefix;
use lab_model::cilium::IpamMode;
use lab_plugin::Finding;

use crate::model::{Cluster, Host, Node};

/// Adds the findings of podCIDRs.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    differences(cluster, found);
    outside(cluster, found);
}

fn differences(cluster: &Cluster, found: &mut Vec<Finding>) {
    let differ = |(host, node): &(&Host, &Node)| {
        let Some(cilium) = host.cilium_pod_cidrs.known() else { return false };
        !node.pod_cidrs.is_empty() && !cilium.is_empty() && !is_same(&node.pod_cidrs, cilium)
    };
    let nodes: Vec<(&Host, &Node)> = cluster.shown_nodes().filter(differ).collect();
    let Some((first, node)) = nodes.first() else { return };
    let names: Vec<String> = nodes.iter().map(|(host, _)| host.name.clone()).collect();
    let Some(ipam) = cluster.ipam.known() else { return };
    let (is_error, message) = match ipam {
        IpamMode::Kubernetes => (
            true,
            format!(
                "{} must have the podCIDR of the Node, and have another",
                super::some_of(&names)
            ),
        ),
        mode => (
            false,
            format!(
                "with ipam={mode} the podCIDRs of the CiliumNodes count, not those of the Nodes"
            ),
        ),
    };
    let code = "nodes/pod-cidr-differs";
    let finding = if is_error {
        Finding::bad(code, "podCIDR", message)
    } else {
        Finding::info(code, "podCIDR", message)
    };
    let cilium = first.cilium_pod_cidrs.known().map(Vec::as_slice).unwrap_or_default();
    let finding = finding
        .evidence("cilium-config", format!("ipam: {ipam}"))
        .evidence(
            format!("Node {}", first.name),
            format!("spec.podCIDRs: {}", super::list(&node.pod_cidrs)),
        )
        .evidence(
            format!("CiliumNode {}", first.name),
            format!("spec.ipam.podCIDRs: {}", super::list(cilium)),
        );
    found.push(if is_error {
        finding.fix(format!(
            "restart the agent, which writes its CiliumNode anew: kubectl --namespace kube-system \
             delete pod --selector k8s-app=cilium --field-selector spec.nodeName={}",
            first.name
        ))
    } else {
        finding.fix(
            "none is needed; write routes, firewall rules and policies for the CiliumNodes' podCIDRs",
        )
    });
}

fn is_same(one: &[Prefix], other: &[Prefix]) -> bool {
    one.len() == other.len() && one.iter().all(|prefix| other.contains(prefix))
}

/// podCIDRs that pods use and no pool holds: left over from another pool or IPAM mode.
fn outside(cluster: &Cluster, found: &mut Vec<Finding>) {
    if cluster.pools.is_empty() {
        return;
    }
    for (host, _) in cluster.shown_nodes() {
        let Some(cidrs) = host.cilium_pod_cidrs.known() else { continue };
        for cidr in cidrs {
            let of_family =
                || cluster.pools.iter().filter(|(pool, _)| pool.family() == cidr.family());
            if of_family().next().is_none() || of_family().any(|(pool, _)| pool.covers(cidr)) {
                continue;
            }
            let message = format!("its podCIDR {cidr} lies in no pool");
            let mut finding = Finding::warn("nodes/pod-cidr-outside", host.name.clone(), message)
                .evidence(
                    format!("CiliumNode {}", host.name),
                    format!("spec.ipam.podCIDRs: {cidr}"),
                );
            for (pool, place) in of_family().take(4) {
                finding = finding.evidence(place.clone(), pool.to_string());
            }
            found.push(finding.fix(format!(
                "drain the node, kubectl delete ciliumnode {0}, restart its agent, and recreate \
                 its pods; or put the range back into the pools",
                host.name
            )));
        }
    }
}
