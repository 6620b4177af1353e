//! Whose a destination is, in words for a column.

use lab_model::Prefix;

use crate::model::Cluster;

/// The owner of a destination, and whether it has to do with the cluster.
pub fn owner(cluster: &Cluster, destination: &Prefix) -> (String, bool) {
    if destination.is_default() {
        return ("external".to_owned(), false);
    }
    let name = |host: usize| &cluster.hosts[host].name;
    let first = cluster.cidrs.partition_point(|cidr| cidr.prefix < *destination);
    if let Some(cidr) = cluster.cidrs.get(first).filter(|cidr| cidr.prefix == *destination) {
        return (format!("podCIDR of {}", name(cidr.host)), true);
    }
    if destination.is_host() {
        let address = destination.address();
        if let Some(pod) = cluster.pod_at(address) {
            return (format!("pod {}", pod.name), true);
        }
        for host in cluster.owners(address) {
            if cluster.hosts[host].routers.contains(&address) {
                return (format!("cilium_host of {}", name(host)), true);
            }
        }
    }
    if let Some(cidr) = cluster.cidrs.iter().find(|cidr| cidr.prefix.covers(destination)) {
        return (format!("in the podCIDR of {}", name(cidr.host)), true);
    }
    let held = cluster.cidrs.iter().filter(|cidr| destination.covers(&cidr.prefix)).count();
    if held > 0 {
        return (format!("podCIDRs ({held})"), true);
    }
    if cluster.pools.iter().any(|pool| pool.overlaps(destination)) {
        return ("pod range without an owner".to_owned(), true);
    }
    if cluster.service_cidrs.iter().any(|range| range.overlaps(destination)) {
        return ("service CIDR".to_owned(), true);
    }
    let unused = cluster
        .hosts
        .iter()
        .find(|host| host.node_pod_cidrs.iter().any(|range| range.overlaps(destination)));
    if let Some(host) = unused {
        return (format!("Node.spec.podCIDR of {}, unused", host.name), true);
    }
    let node = cluster
        .nodes()
        .any(|(_, node)| node.internal.iter().any(|address| destination.contains(*address)));
    if node { ("node network".to_owned(), true) } else { ("external".to_owned(), false) }
}
