//! `nodes/internal-ip-shared`, `nodes/internal-ip-missing`, `nodes/internal-ip-elsewhere`,
//! `nodes/hostname`: whether a node is found where the API says, and answers by its name.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_plugin::{Fact, Finding};

use crate::model::{Cluster, Host, Node};

/// Adds the findings of addresses and names.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    shared(cluster, found);
    for (host, node) in cluster.shown_nodes() {
        if node.internal.is_empty() {
            found.push(missing(host));
        }
        found.extend(elsewhere(cluster, host, node));
    }
    found.extend(cluster.hosts.iter().filter_map(|host| misnamed(cluster, host)));
}

/// All nodes are looked at, shown or not: one that is hidden still takes the packets.
fn shared(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut by_ip = BTreeMap::<IpAddr, Vec<&Node>>::new();
    for node in cluster.all_nodes() {
        node.internal.iter().for_each(|ip| by_ip.entry(*ip).or_default().push(node));
    }
    for (ip, nodes) in by_ip.iter().filter(|(_, nodes)| nodes.len() > 1) {
        let names: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
        let message = format!("{} all have this InternalIP", super::some_of(&names));
        let mut finding = Finding::bad("nodes/internal-ip-shared", ip.to_string(), message);
        for node in nodes.iter().take(4) {
            finding = finding.evidence(format!("Node {}", node.name), format!("InternalIP {ip}"));
        }
        found.push(finding.fix(pin(cluster, &names, Some(*ip))).fix(
            "check the result: kubectl get nodes -o wide, then restart the agents of those nodes",
        ));
    }
}

fn missing(host: &Host) -> Finding {
    let message = "its Node has no InternalIP, so nothing in the cluster can reach it";
    Finding::bad("nodes/internal-ip-missing", host.name.clone(), message)
        .evidence(format!("Node {}", host.name), "status.addresses has no InternalIP")
        .fix(node_ip(&candidates(host, None)))
}

fn elsewhere(cluster: &Cluster, host: &Host, node: &Node) -> Option<Finding> {
    let lost = node.internal.iter().find(|ip| host.is_local(**ip) == Some(false))?;
    let own: Vec<String> =
        host.global_addresses().map(|(device, it)| format!("{} {}", device.name, it.ip)).collect();
    let message = format!("its InternalIP {lost} is on none of its devices");
    Some(
        Finding::warn("nodes/internal-ip-elsewhere", host.name.clone(), message)
            .evidence(format!("Node {}", host.name), format!("InternalIP {lost}"))
            .evidence(format!("{}: ip -j addr", host.name), own.join(", "))
            .fix(pin(cluster, std::slice::from_ref(&host.name), Some(*lost))),
    )
}

/// How to pin the address of the first of these nodes.
fn pin(cluster: &Cluster, names: &[String], not: Option<IpAddr>) -> String {
    let host = cluster.hosts.iter().find(|host| names.contains(&host.name));
    node_ip(&host.map(|host| candidates(host, not)).unwrap_or_default())
}

/// Addresses a node could be known by: not the one in question, and not Cilium's.
fn candidates(host: &Host, not: Option<IpAddr>) -> Vec<String> {
    let all = host.global_addresses().filter(|(_, address)| {
        Some(address.ip) != not && !host.routers.contains(&address.ip) && address.ip.is_ipv4()
    });
    all.map(|(_, address)| address.ip.to_string()).collect()
}

fn node_ip(candidates: &[String]) -> String {
    let address = match candidates {
        [one] => one.clone(),
        [] => "ITS-OWN-ADDRESS".to_owned(),
        several => format!("ONE-OF-{}", several.join("-OR-")),
    };
    format!(
        "add --node-ip={address} to KUBELET_EXTRA_ARGS in /etc/default/kubelet, on each node its \
         own address, then: systemctl restart kubelet"
    )
}

/// A host that calls itself something else may be another machine than the one meant.
fn misnamed(cluster: &Cluster, host: &Host) -> Option<Finding> {
    let own = host.hostname.known()?;
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let expected = match cluster.node(host) {
        Fact::Known(node) => node.hostname.clone(),
        _ => None,
    };
    let is_known = |name: &str| short(name) == short(own);
    if is_known(&host.name) || expected.as_deref().is_some_and(is_known) {
        return None;
    }
    let other = cluster.names.iter().find(|name| short(&name.name) == short(own));
    let message = match other {
        Some(other) => format!("it calls itself {own}, the name of another host ({})", other.name),
        None => format!("it calls itself {own}"),
    };
    let code = "nodes/hostname";
    let finding = if other.is_some() {
        Finding::warn(code, host.name.clone(), message)
    } else {
        Finding::info(code, host.name.clone(), message)
    };
    Some(
        finding.evidence(format!("{}: hostname", host.name), own.clone()).fix(format!(
            "hostnamectl set-hostname {} (on it), or ask it by its own name",
            host.name
        )),
    )
}
