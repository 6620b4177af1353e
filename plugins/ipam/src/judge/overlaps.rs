//! Ranges that have addresses in common: with each other, with nodes, with Services, and with
//! what hosts beside the cluster are connected to.

use std::net::IpAddr;

use lab_model::Prefix;
use lab_plugin::Finding;

use super::{evidence, some_of};
use crate::inputs::ExtraRoute;
use crate::model::{Cluster, Pool};
use crate::space::index::Index;

/// Adds the findings of overlaps.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    nodes(cluster, found);
    pools(cluster, found);
    node_networks(cluster, found);
    services(cluster, found);
    extra_routes(cluster, found);
}

/// A holder of a range: its node's name and where the range is written.
fn holder(cluster: &Cluster, holder: u32) -> Option<(u32, (String, String))> {
    let range = cluster.ranges.get(*cluster.blocks.at.get(holder as usize)? as usize)?;
    let kind = if range.field.starts_with("Node ") { "Node" } else { "CiliumNode" };
    let place = format!("{kind} {}", cluster.node_name(range.node));
    let field = range.field.trim_start_matches("Node ");
    Some((range.node, (place, format!("{field}: {}", range.prefix?))))
}

/// `ipam/overlap-nodes`: two nodes hand out the same addresses.
fn nodes(cluster: &Cluster, found: &mut Vec<Finding>) {
    for overlap in cluster.blocks.index.overlaps() {
        let around = overlap.around.map(|(_, holders)| holders).unwrap_or_default();
        let all = overlap.holders.iter().chain(around);
        let holders: Vec<_> = all.filter_map(|at| holder(cluster, *at)).collect();
        let mut nodes: Vec<u32> = holders.iter().map(|(node, _)| *node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        if nodes.len() < 2 {
            // A node that lists a range twice is in nobody's way.
            continue;
        }
        let names: Vec<String> =
            nodes.iter().map(|node| cluster.node_name(*node).to_owned()).collect();
        let newest = nodes.iter().max_by_key(|node| {
            cluster.node(**node).and_then(|node| node.cilium.as_ref()).and_then(|it| it.created())
        });
        let newest = newest.map_or("NODE", |node| cluster.node_name(*node));
        let message = format!(
            "{} hold it or a part of it: two pods can get one address, and packets go to the wrong node",
            some_of(&names)
        );
        let finding = Finding::bad("ipam/overlap-nodes", overlap.prefix.to_string(), message);
        found.push(evidence(finding, holders.into_iter().map(|(_, line)| line)).fix(format!(
            "take the range from the node that got it last: kubectl delete ciliumnode {newest}; \
                     kubectl --namespace kube-system delete pod --selector k8s-app=cilium \
                     --field-selector spec.nodeName={newest}; then recreate the pods on {newest}"
        )));
    }
}

/// `ipam/overlap-pools`.
fn pools(cluster: &Cluster, found: &mut Vec<Finding>) {
    let index = Index::new(cluster.pools.iter().map(|pool| pool.prefix));
    let pools = |holders: &[u32]| -> Vec<&Pool> {
        holders.iter().filter_map(|at| cluster.pools.get(*at as usize)).collect()
    };
    for overlap in index.overlaps() {
        let mut all = pools(overlap.holders);
        all.extend(pools(overlap.around.map(|(_, holders)| holders).unwrap_or_default()));
        let mut names: Vec<String> =
            all.iter().map(|pool| format!("{} ({})", pool.name, pool.prefix)).collect();
        names.dedup();
        let message = format!(
            "{} have addresses in common: the operator gives the same range to two nodes",
            some_of(&names)
        );
        let finding = Finding::bad("ipam/overlap-pools", overlap.prefix.to_string(), message);
        let lines = all.iter().map(|pool| (pool.place.clone(), pool.line.clone()));
        found.push(evidence(finding, lines).fix(
            "leave each address in one pool only; ranges that nodes hold already stay until their \
             CiliumNode is made anew",
        ));
    }
}

/// What pods get addresses from: pools, and ranges of nodes that no pool holds.
fn pod_ranges(cluster: &Cluster) -> Vec<(Prefix, String, String)> {
    let mut all: Vec<(Prefix, String, String)> = cluster
        .pools
        .iter()
        .map(|pool| (pool.prefix, pool.place.clone(), pool.line.clone()))
        .collect();
    let index = Index::new(cluster.pools.iter().map(|pool| pool.prefix));
    for at in (0..).take(cluster.blocks.at.len()) {
        let Some((_, (place, line))) = holder(cluster, at) else { continue };
        let prefix = cluster.blocks.at.get(at as usize);
        let prefix = prefix.and_then(|range| cluster.ranges.get(*range as usize)?.prefix);
        let Some(prefix) = prefix else { continue };
        let is_pooled = index.holding(prefix.address()).any(|(pool, _)| pool.covers(&prefix));
        if !is_pooled {
            all.push((prefix, place, line));
        }
    }
    all
}

/// `ipam/overlap-node-network`: a node's own address is one that a pod can get.
fn node_networks(cluster: &Cluster, found: &mut Vec<Finding>) {
    let ranges = pod_ranges(cluster);
    let index = Index::new(ranges.iter().map(|(prefix, _, _)| *prefix));
    let mut inside: Vec<Vec<(u32, IpAddr)>> = vec![Vec::new(); ranges.len()];
    for (at, node) in (0..).zip(&cluster.nodes) {
        let own = node.kubernetes.iter().flat_map(|node| node.internal.iter().copied());
        let cilium = node.cilium.iter().flat_map(|node| node.node_ips());
        let mut ips: Vec<IpAddr> = own.chain(cilium).collect();
        ips.sort_unstable();
        ips.dedup();
        for ip in ips {
            // The smallest range says it best.
            if let Some((_, holders)) = index.holding(ip).next()
                && let Some(holder) = holders.first()
            {
                inside[*holder as usize].push((at, ip));
            }
        }
    }
    for ((prefix, place, line), nodes) in ranges.iter().zip(inside) {
        if nodes.is_empty() {
            continue;
        }
        let names: Vec<String> =
            nodes.iter().map(|(node, _)| cluster.node_name(*node).to_owned()).collect();
        let is_held =
            nodes.iter().any(|(_, ip)| cluster.blocks.index.holding(*ip).next().is_some());
        let message = format!(
            "the addresses of {} lie in it: {}",
            some_of(&names),
            if is_held {
                "a pod can get a node's address, and that node is out of reach"
            } else {
                "once that part is given to a node, they are out of reach"
            }
        );
        let code = "ipam/overlap-node-network";
        let finding = if is_held {
            Finding::bad(code, prefix.to_string(), message)
        } else {
            Finding::warn(code, prefix.to_string(), message)
        };
        let lines = nodes.iter().map(|(node, ip)| {
            (format!("Node {}", cluster.node_name(*node)), format!("InternalIP: {ip}"))
        });
        let lines = std::iter::once((place.clone(), line.clone())).chain(lines);
        found.push(
            evidence(finding, lines)
                .fix("choose ranges for pods that no network of the nodes is in; `kubectl lab ipam plan --pool RANGE` says whether one fits"),
        );
    }
}

/// `ipam/overlap-services`.
fn services(cluster: &Cluster, found: &mut Vec<Finding>) {
    let ranges = pod_ranges(cluster);
    let index = Index::new(ranges.iter().map(|(prefix, _, _)| *prefix));
    for service in &cluster.service_ranges {
        let Some((other, holders)) = index.overlapping(service.prefix).next() else { continue };
        let Some((_, place, line)) =
            holders.first().and_then(|holder| ranges.get(*holder as usize))
        else {
            continue;
        };
        found.push(
            Finding::bad(
                "ipam/overlap-services",
                other.to_string(),
                format!(
                    "it has addresses in common with the range of Services {}: a pod and a Service can \
                     have the same one",
                    service.prefix
                ),
            )
            .evidence(place.clone(), line.clone())
            .evidence(service.place.clone(), service.line.clone())
            .fix("choose a range for pods that has none in common; that of Services cannot be changed in a cluster that runs"),
        );
    }
}

/// `ipam/overlap-extra-route`: a host beside the cluster takes pods' addresses for its own.
fn extra_routes(cluster: &Cluster, found: &mut Vec<Finding>) {
    let ranges = pod_ranges(cluster);
    let index = Index::new(ranges.iter().map(|(prefix, _, _)| *prefix));
    for route in &cluster.extra_routes {
        let Some((other, holders)) = index.overlapping(route.dst).next() else { continue };
        let is_inside = other.covers(&route.dst);
        let Some(message) = conflict(cluster, route, is_inside) else { continue };
        let Some((_, place, line)) =
            holders.first().and_then(|holder| ranges.get(*holder as usize))
        else {
            continue;
        };
        let message = format!("{}: {message}", route.host);
        let finding = if route.gateways.is_empty() {
            Finding::bad("ipam/overlap-extra-route", other.to_string(), message)
        } else {
            Finding::warn("ipam/overlap-extra-route", other.to_string(), message)
        };
        found.push(
            finding
                .evidence(format!("{}: ip route", route.host), route.line.clone())
                .evidence(place.clone(), line.clone())
                .fix(format!("kubectl lab routes --host {}", route.host))
                .fix("choose ranges for pods that no other network is in, or take the route away"),
        );
    }
}

/// What is wrong with a route into pods' addresses. One to a node is how pods are reached, and
/// one to the whole range and more is on the way there.
fn conflict(cluster: &Cluster, route: &ExtraRoute, is_inside: bool) -> Option<String> {
    if route.gateways.is_empty() {
        return Some(format!(
            "it is in the network {}, so it never sends there to pods",
            route.dst
        ));
    }
    let is_whole = cluster.pools.iter().any(|pool| route.dst.covers(&pool.prefix));
    let is_to_node = route.gateways.iter().all(|ip| cluster.node_with(*ip).is_some());
    if !is_inside || is_whole || is_to_node {
        return None;
    }
    let gateways = super::list(&route.gateways);
    Some(format!("it sends {} to {gateways}, which is no node", route.dst))
}
