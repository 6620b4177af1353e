//! What is full, and what will be soon.

use std::collections::BTreeMap;

use lab_model::AddressFamily;
use lab_plugin::{Fact, Finding};

use super::{Options, evidence};
use crate::model::pools::PoolUse;
use crate::model::{Cluster, Kind, Mode, Range};
use crate::parse::family_word;

/// Adds the findings of what is left.
pub(super) fn check(cluster: &Cluster, options: &Options, found: &mut Vec<Finding>) {
    let uses = cluster.pool_uses();
    pools(cluster, &uses, options, found);
    nodes(cluster, &uses, options, found);
}

/// Used of total in percent.
#[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
fn percent(used: u128, total: u128) -> f64 {
    if total == 0 { 100.0 } else { used as f64 / total as f64 * 100.0 }
}

/// `ipam/pool-full`: no range, or few, for the next node.
fn pools(cluster: &Cluster, all: &[PoolUse<'_>], options: &Options, found: &mut Vec<Finding>) {
    let mut by_name: BTreeMap<(&str, AddressFamily), Vec<&PoolUse<'_>>> = BTreeMap::new();
    for of_pool in all {
        let key = (of_pool.pool.name.as_str(), of_pool.pool.prefix.family());
        by_name.entry(key).or_default().push(of_pool);
    }
    for ((name, family), parts) in by_name {
        let blocks: Vec<u128> = parts
            .iter()
            .filter_map(|it| match it.blocks {
                Fact::Known(Ok(blocks)) => Some(blocks),
                _ => None,
            })
            .collect();
        if blocks.len() < parts.len() {
            continue;
        }
        let total = blocks.iter().fold(0_u128, |sum, blocks| sum.saturating_add(*blocks));
        let used = parts.iter().fold(0_u128, |sum, it| sum.saturating_add(it.used));
        let free = total.saturating_sub(used);
        if percent(used, total) < options.warn_at {
            continue;
        }
        let word = family_word(family);
        let message = if free == 0 {
            format!("all {total} {word} ranges are taken: the next node gets none")
        } else {
            format!("{used} of {total} {word} ranges are taken: {free} more, then a node gets none")
        };
        let finding = if free == 0 {
            Finding::bad("ipam/pool-full", name, message)
        } else {
            Finding::warn("ipam/pool-full", name, message)
        };
        let lines = parts.iter().flat_map(|it| {
            let blocks = it.blocks.known().and_then(|it| it.ok()).unwrap_or_default();
            [
                (it.pool.place.clone(), it.pool.line.clone()),
                (format!("CiliumNodes in {}", it.pool.prefix), format!("{} of {blocks}", it.used)),
            ]
        });
        found.push(evidence(finding, lines).fix(fix_of_pool(cluster, name, family)));
    }
}

fn fix_of_pool(cluster: &Cluster, name: &str, family: AddressFamily) -> String {
    match cluster.mode {
        Mode::MultiPool => format!(
            "add a range: kubectl edit ciliumpodippool {name}, spec.{}.cidrs",
            if family == AddressFamily::V4 { "ipv4" } else { "ipv6" }
        ),
        Mode::Kubernetes => {
            "kube-controller-manager takes one --cluster-cidr for each family: plan a new \
             cluster with a larger one"
                .to_owned()
        }
        _ => format!(
            "add a range, and keep those that are there: helm upgrade cilium cilium/cilium --namespace \
             kube-system --reuse-values --set \
             'ipam.operator.clusterPool{}PodCIDRList={{OLD,NEW}}'; then kubectl --namespace kube-system \
             rollout restart deployment/cilium-operator",
            if family == AddressFamily::V4 { "IPv4" } else { "IPv6" }
        ),
    }
}

/// What a node holds of one pool and family.
#[derive(Default)]
struct Held<'c> {
    total: u128,
    used: u128,
    ranges: Vec<&'c Range>,
}

/// `ipam/node-full`: no address, or few, for the next pod.
fn nodes(cluster: &Cluster, uses: &[PoolUse<'_>], options: &Options, found: &mut Vec<Finding>) {
    let mut held: BTreeMap<(u32, &str, AddressFamily), Held<'_>> = BTreeMap::new();
    for range in &cluster.ranges {
        let Some(total) = range.total.known().filter(|_| range.kind != Kind::Foreign) else {
            continue;
        };
        // A list belongs to its node as a whole, whichever interface an address is of.
        let pool = match range.kind {
            Kind::Block(_) if cluster.mode == Mode::MultiPool => range.pool.as_deref(),
            _ => None,
        };
        let family = range.family.unwrap_or_default();
        let entry = held.entry((range.node, pool.unwrap_or_default(), family)).or_default();
        entry.total = entry.total.saturating_add(*total);
        entry.used = entry.used.saturating_add(range.used);
        entry.ranges.push(range);
    }
    for ((node, pool, family), own) in held {
        let free = own.total.saturating_sub(own.used);
        let is_foreseen = percent(own.used, own.total) >= options.warn_at;
        if !is_foreseen || (cluster.mode.grows() && can_grow(cluster, uses, pool, family, free)) {
            continue;
        }
        let name = cluster.node_name(node);
        let word = family_word(family);
        let of_pool = if pool.is_empty() { String::new() } else { format!(" of pool {pool}") };
        let message = if free == 0 {
            format!(
                "all its {} {word} addresses{of_pool} are in use: the next pod does not start",
                own.total
            )
        } else {
            format!(
                "{} of its {} {word} addresses{of_pool} are in use, {free} are left",
                own.used, own.total
            )
        };
        let is_bad = free == 0 && !(cluster.mode.has_lists() && cluster.mode.grows());
        let finding = if is_bad {
            Finding::bad("ipam/node-full", name, message)
        } else {
            Finding::warn("ipam/node-full", name, message)
        };
        let lines = own.ranges.iter().map(|range| {
            let what = range.prefix.map_or_else(|| "a list".to_owned(), |it| it.to_string());
            let total = range.total.known().copied().unwrap_or_default();
            (
                format!("CiliumNode {name}"),
                format!("{}: {what}, {} of {total} in use", range.field, range.used),
            )
        });
        let finding = evidence(finding, lines);
        found.push(match cluster.mode {
            _ if cluster.mode.has_lists() => finding
                .fix(format!("kubectl describe ciliumnode {name}"))
                .fix("raise spec.ipam.pre-allocate, take a larger instance, or move pods to other nodes"),
            Mode::MultiPool => finding.fix(format!("add a range: kubectl edit ciliumpodippool {pool}")),
            _ => finding
                .fix(format!("kubectl cordon {name}"))
                .fix("give nodes that are added from now on a larger range: kubectl lab ipam plan --mask-size N"),
        });
    }
}

/// Whether a node gets more by itself: then a full range is nothing to tell.
fn can_grow(
    cluster: &Cluster,
    uses: &[PoolUse<'_>],
    pool: &str,
    family: AddressFamily,
    free: u128,
) -> bool {
    if cluster.mode != Mode::MultiPool {
        // What the cloud still gives is not known here: told only when nothing is left.
        return free > 0;
    }
    let own = uses.iter().filter(|it| it.pool.name == pool && it.pool.prefix.family() == family);
    own.filter_map(|it| it.free().known().copied()).any(|free| free > 0)
}
