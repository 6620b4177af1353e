//! Would it fit: ranges for nodes and addresses for pods under a plan, and what it changes.
//!
//! Pure arithmetic over the pools. The planned pools then take the place of those in force, and
//! the same checks that judge a cluster say what the plan overlaps.

use std::collections::BTreeMap;

use lab_model::{AddressFamily, Prefix};
use lab_plugin::{Fact, Failure, Finding};

use crate::model::{Cluster, Kind, Mode, Pool};
use crate::parse::family_word;
use crate::space::blocks::{Rule, blocks, usable};

/// What a kubelet takes when it is not told otherwise.
const MAX_PODS: u128 = 110;
/// An agent of multi-pool IPAM asks for a multiple of this, and for as many beyond what is used:
/// `ipam-multi-pool-pre-allocation`.
const PRE_ALLOCATED: u128 = 8;

/// What is planned; what is not said stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Length of a node's range of IPv4.
    pub mask4: Option<u8>,
    /// Length of a node's range of IPv6.
    pub mask6: Option<u8>,
    /// How many nodes.
    pub nodes: Option<u128>,
    /// How many pods each of them runs.
    pub pods: Option<u128>,
    /// Ranges in place of those in force.
    pub pools: Vec<Prefix>,
}

/// Something that is counted with the plan and without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The pool.
    pub pool: String,
    /// Its ranges.
    pub cidrs: String,
    /// What is counted.
    pub question: &'static str,
    /// With what is in force.
    pub now: Fact<u128>,
    /// With the plan.
    pub planned: Fact<u128>,
    /// What it takes.
    pub needed: u128,
}

impl Line {
    /// Whether it is enough; `None` when one of the numbers is not known.
    pub fn fits(&self) -> Option<bool> {
        Some(*self.planned.known()? >= self.needed)
    }
}

/// A setting that the plan changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The setting.
    pub setting: String,
    /// What it is.
    pub now: Fact<String>,
    /// What it would be.
    pub planned: String,
    /// What follows.
    pub note: String,
}

/// A plan, worked out.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is counted.
    pub lines: Vec<Line>,
    /// What changes.
    pub changes: Vec<Change>,
    /// The pools of the plan.
    pub pools: Vec<Pool>,
}

/// Ranges for nodes.
pub const FOR_NODES: &str = "ranges for nodes";
/// Addresses for pods.
pub const FOR_PODS: &str = "addresses for pods on each node";

/// Works a plan out against what is in force.
///
/// # Errors
/// A mask size that no family has, or nothing to plan with.
pub fn plan(cluster: &Cluster, ask: &Ask) -> Result<Plan, Failure> {
    for (mask, bits, flag) in [(ask.mask4, 32, "--mask-size"), (ask.mask6, 128, "--mask-size-ipv6")]
    {
        if let Some(mask) = mask.filter(|mask| *mask > bits) {
            return Err(Failure::InvalidInput(format!(
                "`{flag} {mask}`: a mask size is at most {bits}"
            )));
        }
    }
    let planned = planned_pools(cluster, ask);
    if planned.is_empty() {
        return Err(Failure::InvalidInput(format!(
            "ipam mode {} has no ranges that nodes' ranges are cut from: name some with `--pool 10.0.0.0/16 --mask-size 24`",
            cluster.mode
        )));
    }
    let counted = cluster.nodes.iter().filter(|node| node.kubernetes.is_some()).count() as u128;
    let nodes = ask.nodes.unwrap_or(counted);
    let pods = ask.pods.unwrap_or_else(|| usual_pods(cluster));
    let mut plan = Plan { pools: planned, ..Plan::default() };
    let mut groups: BTreeMap<(&str, AddressFamily), Vec<&Pool>> = BTreeMap::new();
    for pool in &plan.pools {
        groups.entry((&pool.name, pool.prefix.family())).or_default().push(pool);
    }
    let mut lines = Vec::new();
    for ((name, family), pools) in groups {
        let is_asked = cluster.mode != Mode::MultiPool
            || !ask.pools.is_empty()
            || name == cluster.default_pool;
        if !is_asked {
            continue;
        }
        let today: Vec<&Pool> = cluster
            .pools
            .iter()
            .filter(|pool| pool.prefix.family() == family)
            .filter(|pool| !ask.pools.is_empty() || pool.name == name)
            .collect();
        let reserved = reserved(cluster, family);
        let each = |pools: &[&Pool]| match pools.first() {
            Some(pool) => pool.mask.map(|mask| {
                Prefix::new(pool.prefix.address(), *mask)
                    .map_or(0, |block| usable(&block, pool.rule))
            }),
            None => Fact::Absent,
        };
        let (usable_now, usable_planned) = (each(&today), each(&pools));
        // A node of multi-pool IPAM takes as many ranges as its pods need.
        let ranges_each = match (&cluster.mode, usable_planned.known()) {
            (Mode::MultiPool, Some(usable)) if *usable > 0 => {
                let asked = (pods.saturating_add(reserved)).div_ceil(PRE_ALLOCATED) + 1;
                asked.saturating_mul(PRE_ALLOCATED).div_ceil(*usable)
            }
            _ => 1,
        };
        let cidrs = pools.iter().map(|pool| pool.prefix.to_string()).collect::<Vec<_>>().join(", ");
        lines.push(Line {
            pool: name.to_owned(),
            cidrs: cidrs.clone(),
            question: FOR_NODES,
            now: sum(&today),
            planned: sum(&pools),
            needed: nodes.saturating_mul(ranges_each),
        });
        let for_pods = |usable: Fact<u128>| {
            usable.map(|usable| usable.saturating_mul(ranges_each).saturating_sub(reserved))
        };
        lines.push(Line {
            pool: name.to_owned(),
            cidrs,
            question: FOR_PODS,
            now: usable_now.map(|usable| usable.saturating_sub(reserved)),
            planned: for_pods(usable_planned),
            needed: pods,
        });
    }
    plan.lines = lines;
    plan.changes = changes(cluster, &plan.pools);
    Ok(plan)
}

/// The pools with the planned mask size, or the planned ranges.
fn planned_pools(cluster: &Cluster, ask: &Ask) -> Vec<Pool> {
    let mask_of = |family| match family {
        AddressFamily::V4 => ask.mask4,
        AddressFamily::V6 => ask.mask6,
    };
    let with_mask = |pool: &Pool| {
        // Of several pools the plan is about the one that pods get addresses from unasked.
        let is_planned = cluster.mode != Mode::MultiPool || pool.name == cluster.default_pool;
        let mask = mask_of(pool.prefix.family()).filter(|_| is_planned);
        let mask = mask.map_or_else(|| pool.mask.clone(), Fact::Known);
        Pool { mask, ..pool.clone() }
    };
    let given = ask.pools.iter().map(|prefix| {
        let family = prefix.family();
        let like = cluster.pools.iter().find(|pool| pool.prefix.family() == family);
        let default_mask = if family == AddressFamily::V4 { 24 } else { 120 };
        Pool {
            name: "planned".to_owned(),
            prefix: *prefix,
            mask: mask_of(family).map_or_else(
                || like.map_or(Fact::Known(default_mask), |pool| pool.mask.clone()),
                Fact::Known,
            ),
            rule: like.map_or(Rule::HostScope, |pool| pool.rule),
            place: "--pool".to_owned(),
            line: prefix.to_string(),
        }
    });
    // Families that nothing is planned for stay as they are.
    let kept = cluster
        .pools
        .iter()
        .filter(|pool| !ask.pools.iter().any(|given| given.family() == pool.prefix.family()));
    given.chain(kept.map(with_mask)).collect()
}

/// All parts of several ranges; unknown as soon as one is, none of one that cannot be cut.
fn sum(pools: &[&Pool]) -> Fact<u128> {
    let mut all = 0_u128;
    for pool in pools {
        match pool.mask.map(|mask| blocks(&pool.prefix, *mask).unwrap_or(0)) {
            Fact::Known(blocks) => all = all.saturating_add(blocks),
            other => return other,
        }
    }
    if pools.is_empty() { Fact::Absent } else { Fact::Known(all) }
}

/// Addresses that a node keeps for itself: a router always, and what others have besides.
fn reserved(cluster: &Cluster, family: AddressFamily) -> u128 {
    let own = cluster.nodes.iter().filter_map(|node| node.cilium.as_ref()).map(|node| {
        let all = node.router_ips().chain(node.health_ips()).chain(node.ingress_ips());
        all.filter(|ip| AddressFamily::of(*ip) == family).count() as u128
    });
    own.max().unwrap_or(0).max(1)
}

/// How many pods most nodes take.
fn usual_pods(cluster: &Cluster) -> u128 {
    let limits = cluster.nodes.iter().filter_map(|node| node.kubernetes.as_ref()?.max_pods);
    let mut limits: Vec<u32> = limits.collect();
    limits.sort_unstable();
    limits.get(limits.len() / 2).map_or(MAX_PODS, |limit| u128::from(*limit))
}

fn changes(cluster: &Cluster, planned: &[Pool]) -> Vec<Change> {
    let mut changes = Vec::new();
    for family in [AddressFamily::V4, AddressFamily::V6] {
        let word = family_word(family).to_ascii_lowercase();
        let of_family = |pools: &[Pool]| -> Vec<Pool> {
            pools.iter().filter(|pool| pool.prefix.family() == family).cloned().collect()
        };
        let (now, then) = (of_family(&cluster.pools), of_family(planned));
        let ranges = |pools: &[Pool]| {
            pools.iter().map(|pool| pool.prefix.to_string()).collect::<Vec<_>>().join(",")
        };
        let (old, new) = (ranges(&now), ranges(&then));
        if !new.is_empty() && old != new {
            let note = if now.iter().all(|pool| then.iter().any(|it| it.prefix == pool.prefix)) {
                "ranges are added: the operator has to be restarted, nodes keep theirs"
            } else {
                "ranges go away: no node's range may lie in them, so every CiliumNode and pod is made anew"
            };
            changes.push(Change {
                setting: setting(cluster, &word, "cidr"),
                now: if old.is_empty() { Fact::Absent } else { Fact::Known(old) },
                planned: new,
                note: note.to_owned(),
            });
        }
        let mask = |pools: &[Pool]| {
            let first = pools.first()?.mask.known()?;
            let is_one = pools.iter().all(|pool| pool.mask.known() == Some(first));
            is_one.then_some(*first)
        };
        if let (Some(new), old) = (mask(&then), mask(&now))
            && old != Some(new)
        {
            let held = cluster.ranges.iter().filter(|range| {
                matches!(range.kind, Kind::Block(_))
                    && range
                        .prefix
                        .is_some_and(|prefix| prefix.family() == family && prefix.len() != new)
            });
            let n_held = held.count();
            let note = match n_held {
                0 => "no node has a range of another length".to_owned(),
                1 => "1 range of a node has another length and stays until its CiliumNode is made anew".to_owned(),
                _ => format!(
                    "{n_held} ranges of nodes have another length and stay until their CiliumNodes are made anew"
                ),
            };
            changes.push(Change {
                setting: setting(cluster, &word, "mask-size"),
                now: old.map_or(Fact::Absent, |old| Fact::Known(old.to_string())),
                planned: new.to_string(),
                note,
            });
        }
    }
    changes
}

fn setting(cluster: &Cluster, family: &str, what: &str) -> String {
    match (&cluster.mode, what) {
        (Mode::Kubernetes, "cidr") => "kube-controller-manager --cluster-cidr".to_owned(),
        (Mode::Kubernetes, _) => format!("kube-controller-manager --node-cidr-mask-size-{family}"),
        (Mode::MultiPool, "cidr") => format!("CiliumPodIPPool spec.{family}.cidrs"),
        (Mode::MultiPool, _) => format!("CiliumPodIPPool spec.{family}.maskSize"),
        _ => format!("cluster-pool-{family}-{what}"),
    }
}

/// What does not fit, and what cannot be changed in place.
pub fn findings(cluster: &Cluster, plan: &Plan) -> Vec<Finding> {
    let mut found = Vec::new();
    for line in &plan.lines {
        let Some(planned) = line.planned.known() else { continue };
        if line.fits() != Some(false) {
            continue;
        }
        let (code, what, fix) = if line.question == FOR_NODES {
            let missing = line.needed.saturating_sub(*planned);
            let what = format!(
                "it has {planned} ranges, {} are needed: {missing} are missing",
                line.needed
            );
            ("ipam/plan-too-few-ranges", what, "take a longer mask size, or add a range: --pool")
        } else {
            let what =
                format!("a node has {planned} addresses for pods, {} are needed", line.needed);
            ("ipam/plan-too-few-addresses", what, "take a shorter mask size: --mask-size")
        };
        found.push(
            Finding::bad(code, line.pool.clone(), what)
                .evidence(
                    "plan",
                    format!(
                        "{}: {}, needed {}, planned {planned}",
                        line.question, line.cidrs, line.needed
                    ),
                )
                .fix(fix),
        );
    }
    for change in &plan.changes {
        let Fact::Known(now) = &change.now else { continue };
        let is_mask = change.setting.ends_with("mask-size")
            || change.setting.ends_with("maskSize")
            || change.setting.contains("mask-size");
        if !is_mask || cluster.blocks.at.is_empty() {
            continue;
        }
        found.push(
            Finding::warn(
                "ipam/plan-mask-size",
                change.setting.clone(),
                format!("the mask size of a pool in use cannot be changed in place ({now} to {})", change.planned),
            )
            .evidence("plan", format!("{}: {now}, planned {}", change.setting, change.planned))
            .evidence("CiliumNodes", change.note.clone())
            .fix("plan it with a new cluster, or add a second pool with multi-pool IPAM; a node at a time otherwise: drain it, delete its CiliumNode, restart its agent"),
        );
    }
    found
}
