//! Ranges that cannot be read, that no pool holds, or that packets leave with another source.

use lab_model::cilium::RoutingMode;
use lab_model::{AddressFamily, Prefix};
use lab_plugin::{Fact, Finding};

use super::{evidence, some_of};
use crate::model::{Cluster, Kind, Mode, Range};
use crate::space::blocks::NoBlocks;

const CONFIG: &str = "ConfigMap kube-system/cilium-config";

/// Adds the findings of ranges one by one.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    malformed(cluster, found);
    unusable_pools(cluster, found);
    outside_pools(cluster, found);
    outside_native_routing(cluster, found);
}

/// `ipam/malformed`.
fn malformed(cluster: &Cluster, found: &mut Vec<Finding>) {
    for (place, line) in &cluster.unread {
        found.push(
            Finding::warn("ipam/malformed", place.clone(), "it states something that is no range")
                .evidence(place.clone(), line.clone())
                .fix("correct it: a range is an address and a length, such as 10.0.0.0/24"),
        );
    }
}

/// `ipam/pool-unusable`: the operator refuses it.
fn unusable_pools(cluster: &Cluster, found: &mut Vec<Finding>) {
    for pool in &cluster.pools {
        let Fact::Known(Err(why)) = pool.blocks() else { continue };
        let mask = pool.mask.known().copied().unwrap_or_default();
        let why = match why {
            NoBlocks::TooShort => format!("nodes get a /{mask} of it, which is larger than it is"),
            NoBlocks::TooLong => format!("nodes get a /{mask} of it, and there is no such length"),
            NoBlocks::TooFine => {
                format!(
                    "a /{mask} is more than 16 bits longer, which the operator refuses for IPv6"
                )
            }
        };
        found.push(
            Finding::bad("ipam/pool-unusable", pool.prefix.to_string(), why)
                .evidence(pool.place.clone(), pool.line.clone())
                .evidence(pool.place.clone(), format!("mask size: {mask}"))
                .fix("choose a mask size between the pool's length and 16 bits more"),
        );
    }
}

fn blocks(cluster: &Cluster) -> impl Iterator<Item = (&Range, Prefix)> {
    cluster.ranges.iter().filter_map(|range| match range.kind {
        Kind::Block(_) => Some((range, range.prefix?)),
        _ => None,
    })
}

fn stated(cluster: &Cluster, range: &Range, prefix: Prefix) -> (String, String) {
    let kind = if range.field.starts_with("Node ") { "Node" } else { "CiliumNode" };
    let field = range.field.trim_start_matches("Node ");
    (format!("{kind} {}", cluster.node_name(range.node)), format!("{field}: {prefix}"))
}

/// `ipam/outside-pool`: left over from another pool or mode.
fn outside_pools(cluster: &Cluster, found: &mut Vec<Finding>) {
    if !matches!(cluster.mode, Mode::ClusterPool | Mode::MultiPool) {
        return;
    }
    for (range, prefix) in blocks(cluster) {
        let of_pool = |pool: &&crate::model::Pool| {
            pool.prefix.family() == prefix.family()
                && (cluster.mode == Mode::ClusterPool
                    || range.pool.as_deref() == Some(pool.name.as_str()))
        };
        let pools: Vec<_> = cluster.pools.iter().filter(of_pool).collect();
        if pools.is_empty() || pools.iter().any(|pool| pool.prefix.covers(&prefix)) {
            continue;
        }
        let name = cluster.node_name(range.node);
        let finding = Finding::warn(
            "ipam/outside-pool",
            name,
            format!(
                "its range {prefix} lies in no pool: the pool or the mode was changed after it"
            ),
        );
        let pools = pools.iter().map(|pool| (pool.place.clone(), pool.line.clone()));
        let lines = std::iter::once(stated(cluster, range, prefix)).chain(pools);
        found.push(evidence(finding, lines).fix(format!(
            "kubectl drain {name} --ignore-daemonsets; kubectl delete ciliumnode {name}; restart its \
             agent and recreate its pods; or put the range back into the pool"
        )));
    }
}

/// `ipam/outside-native-routing`: pods of such a range are not told apart from the outside, so
/// their packets leave with the node's address.
fn outside_native_routing(cluster: &Cluster, found: &mut Vec<Finding>) {
    let config = &cluster.config;
    if *config.routing_mode != RoutingMode::Native || *config.enable_ip_masq_agent {
        return;
    }
    let families = [
        (
            AddressFamily::V4,
            *config.enable_ipv4_masquerade,
            *config.ipv4_native_routing_cidr,
            "ipv4",
        ),
        (
            AddressFamily::V6,
            *config.enable_ipv6_masquerade,
            *config.ipv6_native_routing_cidr,
            "ipv6",
        ),
    ];
    for (family, is_on, native, word) in families {
        let Some(native) = native.filter(|_| is_on) else { continue };
        let outside: Vec<(&Range, Prefix)> = blocks(cluster)
            .filter(|(_, prefix)| prefix.family() == family && !native.covers(prefix))
            .collect();
        if outside.is_empty() {
            continue;
        }
        let names: Vec<String> =
            outside.iter().map(|(range, _)| cluster.node_name(range.node).to_owned()).collect();
        let finding = Finding::warn(
            "ipam/outside-native-routing",
            native.to_string(),
            format!(
                "ranges of {} are outside {word}-native-routing-cidr: packets to their pods get the \
                 address of the sending node",
                some_of(&names)
            ),
        );
        let key = format!("{word}-native-routing-cidr: {native}");
        let lines = outside.iter().map(|(range, prefix)| stated(cluster, range, *prefix));
        let lines = std::iter::once((CONFIG.to_owned(), key)).chain(lines);
        found.push(evidence(finding, lines).fix(format!(
            "set {word}NativeRoutingCIDR to a range that holds every pod range, and restart the agents: \
             kubectl --namespace kube-system rollout restart daemonset/cilium",
            word = if word == "ipv4" { "ipv4" } else { "ipv6" }
        )));
    }
}
