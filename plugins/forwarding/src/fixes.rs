//! Cures, as commands that can be pasted.
//!
//! Apart from the checks, because several findings are cured the same way. Every address in a
//! command comes from the cluster; nothing is left to be filled in but what cannot be known.

use lab_model::Prefix;
use lab_model::iproute2::Route;
use lab_model::walk::HostIdx;

use crate::model::{Cluster, PodCidr};
use crate::settings::Mode;
use crate::tables;

/// `ip route add` on one host for each range, each towards the node that owns it.
pub fn static_routes(cluster: &Cluster, host: HostIdx, cidrs: &[PodCidr]) -> Vec<String> {
    let mut lines = Vec::new();
    for cidr in cidrs.iter().filter(|cidr| cidr.host != host) {
        let Some(line) = towards_owner(cluster, host, cidr) else { continue };
        lines.push(format!("ip route add {line}"));
    }
    lines
}

/// The podCIDRs of others to which a host has no route of its own. Request and answer are looked
/// up apart, so a router needs every range, not only those that were seen to be lost.
pub fn lacking(cluster: &Cluster, host: HostIdx) -> Vec<PodCidr> {
    let Ok(fib) = &cluster.hosts[host].fib else { return Vec::new() };
    let lacks = |cidr: &&PodCidr| cidr.host != host && tables::exact(fib, &cidr.prefix).is_none();
    cluster.cidrs.iter().filter(lacks).copied().collect()
}

/// `RANGE via GATEWAY dev DEVICE`, as this host reaches the owner of the range.
pub fn towards_owner(cluster: &Cluster, host: HostIdx, cidr: &PodCidr) -> Option<String> {
    let v4 = cidr.prefix.address().is_ipv4();
    let owner = cluster.hosts[cidr.host].internal.iter().find(|ip| ip.is_ipv4() == v4)?;
    let towards =
        cluster.hosts[host].fib.as_ref().ok().and_then(|fib| tables::towards(fib, *owner));
    let gateway = towards.and_then(|(gateway, _)| gateway).unwrap_or(*owner);
    let device = towards.and_then(|(_, device)| device);
    let device = device.map(|device| format!(" dev {device}")).unwrap_or_default();
    Some(format!("{} via {gateway}{device}", cidr.prefix))
}

/// Deletes exactly this route.
pub fn delete_route(route: &Route) -> String {
    let gateway = route.gateway.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
    let device = route.device.map(|device| format!(" dev {device}")).unwrap_or_default();
    format!("ip route del {}{gateway}{device}", destination(&route.dst))
}

fn destination(prefix: &Prefix) -> String {
    if prefix.is_host() { prefix.address().to_string() } else { prefix.to_string() }
}

/// Tunnel mode for the whole cluster.
pub fn tunnel_mode(cluster: &Cluster) -> String {
    format!(
        "tunnel mode: helm upgrade cilium cilium/cilium --namespace kube-system --version {} \
         --reuse-values --set routingMode=tunnel --set tunnelProtocol=vxlan \
         --set autoDirectNodeRoutes=false --set installNoConntrackIptablesRules=false && \
         kubectl --namespace kube-system rollout restart daemonset/cilium \
         (UDP 8472 must be open between the nodes)",
        version(cluster)
    )
}

/// BGP between nodes and a router.
pub fn bgp(cluster: &Cluster, router: &str) -> String {
    format!(
        "BGP: helm upgrade cilium cilium/cilium --namespace kube-system --version {} \
         --reuse-values --set bgpControlPlane.enabled=true --set autoDirectNodeRoutes=false, a \
         CiliumBGPClusterConfig, CiliumBGPPeerConfig and CiliumBGPAdvertisement that advertise \
         PodCIDR to {router}, and a BGP daemon there; nodes learn nothing back, so keep their \
         route to {router}",
        version(cluster)
    )
}

fn version(cluster: &Cluster) -> &str {
    cluster.version.as_deref().unwrap_or("THE-VERSION-THAT-RUNS")
}

/// Restarts one node's agent.
pub fn restart_agent(node: &str) -> String {
    format!(
        "kubectl --namespace kube-system delete pod --selector k8s-app=cilium \
         --field-selector spec.nodeName={node}"
    )
}

/// Whether tunnel mode is a cure: routing is native now.
pub fn is_native(cluster: &Cluster) -> bool {
    cluster.nodes().any(|(_, node)| {
        node.settings.as_ref().is_some_and(|settings| settings.mode == Mode::Native)
    })
}
