//! What nodes' ranges are cut from: the cluster pool, Kubernetes' range, or pools by name.

use std::collections::BTreeMap;

use lab_model::cilium::PodIpPool;
use lab_model::{AddressFamily, Prefix};
use lab_plugin::Fact;

use super::{Cluster, Mode};
use crate::inputs::{Kubernetes, Stated};
use crate::space::blocks::{NoBlocks, Rule, blocks, taken, usable};
use crate::space::bounds;
use crate::space::free::largest_free;

/// One range that nodes' ranges are cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The pool it belongs to; of the cluster pool there is one.
    pub name: String,
    /// The range.
    pub prefix: Prefix,
    /// Length of what a node gets of it.
    pub mask: Fact<u8>,
    /// How the addresses of such a part are counted.
    pub rule: Rule,
    /// Where it is written.
    pub place: String,
    /// The very line.
    pub line: String,
}

impl Pool {
    /// How many parts it has.
    pub fn blocks(&self) -> Fact<Result<u128, NoBlocks>> {
        self.mask.map(|mask| blocks(&self.prefix, *mask))
    }
}

/// What is taken of a pool and what is left.
#[derive(Clone, Debug)]
pub struct PoolUse<'c> {
    /// The pool.
    pub pool: &'c Pool,
    /// How many parts it has.
    pub blocks: Fact<Result<u128, NoBlocks>>,
    /// How many of them nodes have.
    pub used: u128,
    /// The largest part of the pool that no node has.
    pub largest_free: Option<Prefix>,
    /// Addresses that each part gives.
    pub usable: Fact<u128>,
}

impl PoolUse<'_> {
    /// Parts that are left.
    pub fn free(&self) -> Fact<u128> {
        match &self.blocks {
            Fact::Known(Ok(blocks)) => Fact::Known(blocks.saturating_sub(self.used)),
            Fact::Known(Err(_)) => Fact::Known(0),
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
            Fact::Absent => Fact::Absent,
        }
    }
}

impl Cluster {
    /// What is taken of every pool, in their order.
    pub fn pool_uses<'c>(&'c self) -> Vec<PoolUse<'c>> {
        let of_pool = |pool: &'c Pool| {
            let Pool { prefix, mask, rule, .. } = pool;
            let overlapping = self.blocks.index.overlapping(*prefix);
            let mut own: Vec<Prefix> = overlapping.map(|(prefix, _)| prefix).collect();
            own.sort_unstable();
            PoolUse {
                pool,
                blocks: pool.blocks(),
                used: mask.known().map_or(0, |mask| taken(prefix, *mask, &own)),
                largest_free: largest_free(prefix, own.iter().map(bounds)),
                usable: mask.map(|mask| {
                    Prefix::new(prefix.address(), *mask).map_or(0, |block| usable(&block, *rule))
                }),
            }
        };
        self.pools.iter().map(of_pool).collect()
    }
}

const CONFIG: &str = "ConfigMap kube-system/cilium-config";

/// Pools of the mode in force.
pub(super) fn pools(
    mode: &Mode,
    data: &BTreeMap<String, String>,
    kubernetes: &Kubernetes,
    named: &[PodIpPool],
    unread: &mut Vec<(String, String)>,
) -> Vec<Pool> {
    match mode {
        Mode::ClusterPool | Mode::Other(_) => cluster_pool(data, unread),
        Mode::Kubernetes => of_kubernetes(kubernetes),
        Mode::MultiPool => multi_pool(named, unread),
        _ => Vec::new(),
    }
}

fn cluster_pool(data: &BTreeMap<String, String>, unread: &mut Vec<(String, String)>) -> Vec<Pool> {
    let mut pools = Vec::new();
    for (family, default_mask) in [("ipv4", 24), ("ipv6", 112)] {
        let enabled = data.get(&format!("enable-{family}")).map(String::as_str);
        if enabled == Some("false") {
            continue;
        }
        let key = format!("cluster-pool-{family}-cidr");
        let Some(text) = data.get(&key) else { continue };
        let mask_key = format!("cluster-pool-{family}-mask-size");
        let mask = match data.get(&mask_key).map(|text| (text, text.trim().parse::<u8>())) {
            None => Fact::Known(default_mask),
            Some((_, Ok(mask))) => Fact::Known(mask),
            Some((text, Err(_))) => {
                unread.push((CONFIG.to_owned(), format!("{mask_key}: {text}")));
                Fact::Unknown(format!("{mask_key} is `{text}`"))
            }
        };
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            let Some(prefix) = Prefix::parse(word) else {
                unread.push((CONFIG.to_owned(), format!("{key}: {word}")));
                continue;
            };
            pools.push(Pool {
                name: "cluster-pool".to_owned(),
                prefix,
                mask: mask.clone(),
                rule: Rule::HostScope,
                place: CONFIG.to_owned(),
                line: format!("{key}: {text}"),
            });
        }
    }
    pools
}

fn of_kubernetes(kubernetes: &Kubernetes) -> Vec<Pool> {
    let pool = |stated: &Stated| Pool {
        name: "kubernetes".to_owned(),
        prefix: stated.prefix,
        mask: match stated.prefix.family() {
            AddressFamily::V4 => kubernetes.mask4,
            AddressFamily::V6 => kubernetes.mask6,
        }
        // The defaults of kube-controller-manager.
        .map_or_else(
            || Fact::Known(if stated.prefix.family() == AddressFamily::V4 { 24 } else { 64 }),
            Fact::Known,
        ),
        rule: Rule::HostScope,
        place: stated.place.clone(),
        line: stated.line.clone(),
    };
    kubernetes.cluster_cidrs.iter().map(pool).collect()
}

fn multi_pool(named: &[PodIpPool], unread: &mut Vec<(String, String)>) -> Vec<Pool> {
    let mut pools = Vec::new();
    for object in named {
        let place = format!("CiliumPodIPPool {}", object.name());
        let (first, last) = object.ends();
        for family in object.families() {
            for text in &family.cidrs.unread {
                unread.push((place.clone(), format!("cidrs: {text}")));
            }
            pools.extend(family.cidrs.read.iter().map(|prefix| Pool {
                name: object.name().to_owned(),
                prefix: *prefix,
                mask: Fact::Known(family.mask_size),
                rule: Rule::MultiPool { first, last },
                place: place.clone(),
                line: format!("cidrs: {prefix}, maskSize: {}", family.mask_size),
            }));
        }
    }
    pools
}
