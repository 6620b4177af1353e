//! Addresses as rows of `ipam addresses` and `ipam who`.

use std::net::IpAddr;

use lab_plugin::{Health, Level, Timestamp};

use crate::judge::said;
use crate::model::{Address, By, Cluster, Owner, Verdict};
use crate::rows::{AddressRow, WhoRow};
use crate::space::canonical;

const fn level(verdict: Verdict) -> Level {
    match verdict {
        Verdict::Ok => Level::Good,
        Verdict::Suspect => Level::Info,
        Verdict::Ended => Level::Warn,
        _ => Level::Bad,
    }
}

fn owner(cluster: &Cluster, address: &Address) -> String {
    match &address.owner {
        Owner::Pod(at) | Owner::Ended(at) => cluster.pods[*at as usize].path(),
        Owner::Router => "router".to_owned(),
        Owner::Health => "health".to_owned(),
        Owner::Ingress => "ingress".to_owned(),
        Owner::Named(word) => cluster.words.get(*word as usize).cloned().unwrap_or_default(),
        Owner::Nobody => "held by nobody".to_owned(),
    }
}

fn row(cluster: &Cluster, address: &Address) -> AddressRow {
    let range = address.range.and_then(|at| cluster.ranges.get(at as usize));
    let uid = match &address.owner {
        Owner::Pod(at) | Owner::Ended(at) => Some(cluster.pods[*at as usize].uid.to_string()),
        _ => None,
    };
    AddressRow {
        ip: address.ip.to_string(),
        host: address.node.map(|node| cluster.node_name(node).to_owned()),
        pool: range.and_then(|range| range.pool.clone()),
        owner: owner(cluster, address),
        since: address.since.map(Timestamp),
        sources: address.sources.words(),
        verdict: Health(level(address.verdict), address.verdict.word().to_owned()),
        cidr: range.and_then(|range| range.prefix).map(|prefix| prefix.to_string()),
        uid: uid.filter(|uid| !uid.is_empty()),
    }
}

/// One row for each address that anybody holds, in order.
pub fn address_rows(cluster: &Cluster) -> impl Iterator<Item = AddressRow> {
    let all = cluster.groups().filter_map(|claims| cluster.address(claims));
    let is_shown = |address: &Address| {
        address.node.is_none_or(|node| !cluster.hidden.contains(cluster.node_name(node)))
    };
    all.filter(is_shown).map(|address| row(cluster, &address))
}

/// Addresses that are handed out and held by nobody.
pub fn unheld(cluster: &Cluster) -> impl Iterator<Item = IpAddr> {
    let odd = cluster.odd_groups().filter_map(|claims| cluster.address(claims));
    odd.filter(|address| address.verdict == Verdict::Suspect).map(|address| address.ip)
}

/// Everything that is known of one address; nothing is one row too.
pub fn who_rows(cluster: &Cluster, asked: IpAddr) -> Vec<WhoRow> {
    let ip = canonical(asked);
    let mut rows = Vec::new();
    let mut add = |what, name: &str, host: Option<&str>, (source, line): (String, String)| {
        rows.push(WhoRow {
            ip: ip.to_string(),
            what,
            name: name.to_owned(),
            host: host.map(str::to_owned),
            source,
            line,
        });
    };
    let from = cluster.claims.partition_point(|claim| claim.ip < ip);
    let claims: Vec<_> = cluster.claims[from..].iter().take_while(|claim| claim.ip == ip).collect();
    for claim in &claims {
        let (what, name, node) = match claim.by {
            By::Pod(at) | By::EndedPod(at) => {
                let pod = &cluster.pods[at as usize];
                let what = if matches!(claim.by, By::Pod(_)) { "pod" } else { "ended-pod" };
                (what, pod.path(), Some(pod.node.to_string()))
            }
            By::Endpoint(at) => {
                let endpoint = &cluster.endpoint_list[at as usize];
                let node = endpoint.node.and_then(|ip| cluster.node_with(ip));
                let node = node.map(|node| cluster.node_name(node).to_owned());
                ("endpoint", endpoint.path(), node)
            }
            By::Router(node) => of_node(cluster, "router", node),
            By::Health(node) => of_node(cluster, "health", node),
            By::Ingress(node) => of_node(cluster, "ingress", node),
            By::NodeAddress(node) => of_node(cluster, "node", node),
            By::Used(node, word) => named(cluster, "used", node, word),
            By::Agent(node, word) => named(cluster, "allocated", node, word),
            By::AgentEndpoint(node, word) => named(cluster, "agent-endpoint", node, word),
        };
        add(what, &name, node.as_deref(), said(cluster, claim));
    }
    // Pods on the host's network share the address of their node: named once each.
    for pod in cluster.pods.iter().filter(|pod| pod.host_network && pod.ips.contains(&ip)) {
        let line = format!("spec.hostNetwork: true, status.podIPs: {ip}");
        add(
            "host-network-pod",
            &pod.path(),
            Some(&pod.node),
            (format!("Pod {}", pod.path()), line),
        );
    }
    for (name, _) in cluster.extra_hosts.iter().filter(|(_, own)| own.contains(&ip)) {
        add("host", name, Some(name), (format!("host {name}"), format!("address: {ip}")));
    }
    for service in cluster.services.known().into_iter().flatten() {
        for (_, what) in service.ips.iter().filter(|(own, _)| *own == ip) {
            let line = format!("{what}: {ip}");
            add("service", &service.path, None, (format!("Service {}", service.path), line));
        }
    }
    if let Some(at) = cluster.listed.get(&ip)
        && let Some(range) = cluster.ranges.get(*at as usize)
    {
        let host = cluster.node_name(range.node);
        let pool = range.pool.as_deref().unwrap_or_default();
        let line = format!("{}: {ip}", range.field);
        add("list", pool, Some(host), (format!("CiliumNode {host}"), line));
    }
    for (prefix, holders) in cluster.blocks.index.holding(ip) {
        let ranges = holders.iter().filter_map(|holder| {
            cluster.ranges.get(*cluster.blocks.at.get(*holder as usize)? as usize)
        });
        for range in ranges {
            let host = cluster.node_name(range.node);
            let line = format!("{}: {prefix}", range.field);
            add("range", &prefix.to_string(), Some(host), (format!("CiliumNode {host}"), line));
        }
    }
    for pool in cluster.pools.iter().filter(|pool| pool.prefix.contains(ip)) {
        add("pool", &pool.name, None, (pool.place.clone(), pool.line.clone()));
    }
    for (what, stated) in [
        ("service-range", &cluster.service_ranges),
        ("kubernetes-cluster-cidr", &cluster.cluster_cidrs),
    ] {
        for range in stated.iter().filter(|range| range.prefix.contains(ip)) {
            let name = range.prefix.to_string();
            add(what, &name, None, (range.place.clone(), range.line.clone()));
        }
    }
    for route in cluster.extra_routes.iter().filter(|route| route.dst.contains(ip)) {
        let place = format!("{}: ip route", route.host);
        let what = if route.gateways.is_empty() { "network" } else { "route" };
        add(what, &route.dst.to_string(), Some(&route.host), (place, route.line.clone()));
    }
    if rows.is_empty() {
        rows.push(nothing(cluster, ip));
    }
    rows
}

/// What is said of an address that nothing is known of, and what that rests on.
fn nothing(cluster: &Cluster, ip: IpAddr) -> WhoRow {
    let read = [
        ("pods", cluster.pods_known.known().is_some()),
        ("CiliumEndpoints", cluster.endpoints.known().is_some()),
        ("CiliumNodes", cluster.cilium_nodes_known.known().is_some()),
        ("nodes", cluster.nodes_known.known().is_some()),
        ("Services", cluster.services.known().is_some()),
    ];
    let unread: Vec<&str> = read.iter().filter(|(_, is)| !is).map(|(what, _)| *what).collect();
    let line = if unread.is_empty() {
        "no pod, endpoint, node, Service, range or pool has it".to_owned()
    } else {
        format!("nothing that could be read has it; not read: {}", unread.join(", "))
    };
    WhoRow {
        ip: ip.to_string(),
        what: if unread.is_empty() { "not-in-cluster" } else { "unknown" },
        name: String::new(),
        host: None,
        source: String::new(),
        line,
    }
}

fn of_node(
    cluster: &Cluster,
    what: &'static str,
    node: u32,
) -> (&'static str, String, Option<String>) {
    let name = cluster.node_name(node).to_owned();
    (what, name.clone(), Some(name))
}

fn named(
    cluster: &Cluster,
    what: &'static str,
    node: u32,
    word: u32,
) -> (&'static str, String, Option<String>) {
    let owner = cluster.words.get(word as usize).cloned().unwrap_or_default();
    (what, owner, Some(cluster.node_name(node).to_owned()))
}
