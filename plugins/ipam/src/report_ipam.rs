//! Ranges and pools as rows of `ipam`.

use lab_model::AddressFamily;
use lab_plugin::{Fact, Percent};

use crate::model::pools::PoolUse;
use crate::model::{Cluster, Kind, Range};
use crate::parse::family_word;
use crate::rows::{PoolRow, RangeRow};

/// A number of addresses as a cell has it.
pub fn integer(number: u128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this pool.
    pub pool: Option<String>,
}

impl Filter {
    fn takes(&self, range: &Range) -> bool {
        let Some(wanted) = &self.pool else { return true };
        range.pool.as_ref() == Some(wanted)
    }
}

/// What is added up over the ranges of a family.
#[derive(Default)]
struct Total {
    all: u128,
    used: u128,
    reserved: u128,
    leaked: u128,
    is_unknown: bool,
    n_ranges: usize,
    agent_used: Option<u64>,
}

/// The total of each family, then one row for each range. Each with its key.
pub fn range_rows(cluster: &Cluster, filter: &Filter) -> Vec<(String, RangeRow)> {
    let mut rows = Vec::new();
    let mut totals = [Total::default(), Total::default()];
    let shown = cluster.ranges.iter().filter(|range| {
        filter.takes(range) && !cluster.hidden.contains(cluster.node_name(range.node))
    });
    for range in shown {
        let family = range.family.unwrap_or_default();
        let of_family = &mut totals[usize::from(family == AddressFamily::V6)];
        of_family.n_ranges += 1;
        of_family.used = of_family.used.saturating_add(range.used);
        of_family.reserved += range.reserved;
        of_family.leaked += range.leaked;
        match range.total.known() {
            Some(total) => of_family.all = of_family.all.saturating_add(*total),
            None => of_family.is_unknown = true,
        }
        let agent_used = agent_used(cluster, range);
        if let Some(used) = agent_used {
            *of_family.agent_used.get_or_insert(0) += used;
        }
        let host = cluster.node_name(range.node);
        let cidr = range.prefix.map(|prefix| prefix.to_string());
        let key = format!(
            "{host}/{}/{}",
            range.pool.as_deref().unwrap_or("-"),
            cidr.as_deref().unwrap_or(family_word(family))
        );
        rows.push((key, range_row(cluster, range, host, cidr, family, agent_used)));
    }
    let mut all = Vec::with_capacity(rows.len() + 2);
    for (family, total) in [AddressFamily::V4, AddressFamily::V6].into_iter().zip(totals) {
        if total.n_ranges > 0 {
            all.push((format!("*/{}", family_word(family)), total_row(cluster, family, &total)));
        }
    }
    all.append(&mut rows);
    all
}

fn agent_used(cluster: &Cluster, range: &Range) -> Option<u64> {
    let agent = cluster.agents.get(cluster.node_name(range.node))?;
    let prefix = range.prefix?.to_string();
    let totals = &agent.ipam.known()?.totals;
    totals.iter().find(|(_, _, of)| *of == prefix).map(|(used, _, _)| *used)
}

/// Leaks are known only where there is something to compare with.
fn leaked(cluster: &Cluster, number: u128) -> Fact<i64> {
    cluster.pods_known.map(|()| integer(number))
}

/// Use is known only where its holders could be read.
fn used(cluster: &Cluster, range: Option<&Range>, number: u128) -> Fact<i64> {
    let is_told = cluster.pods_known.known().is_some()
        || cluster.endpoints.known().is_some()
        || range.is_some_and(|range| range.kind == Kind::List);
    if is_told {
        Fact::Known(integer(number))
    } else {
        Fact::Unknown("neither pods nor endpoints could be read".to_owned())
    }
}

fn range_row(
    cluster: &Cluster,
    range: &Range,
    host: &str,
    cidr: Option<String>,
    family: AddressFamily,
    agent_used: Option<u64>,
) -> RangeRow {
    let used = used(cluster, Some(range), range.used);
    let is_used_known = used.known().is_some();
    let known = |fact: Fact<i64>| {
        if is_used_known { fact } else { Fact::Unknown("what is in use is not known".to_owned()) }
    };
    let is_foreign = range.kind == Kind::Foreign;
    RangeRow {
        host: host.to_owned(),
        pool: range.pool.clone(),
        cidr,
        family: (!is_foreign).then(|| family_word(family)),
        mode: cluster.mode.to_string(),
        total: range.total.map(|total| integer(*total)),
        free: known(range.free().map(|free| integer(*free))),
        used_share: if is_used_known {
            range.share().map(|share| Percent(*share))
        } else {
            Fact::Unknown("what is in use is not known".to_owned())
        },
        used,
        reserved: integer(range.reserved),
        leaked: leaked(cluster, range.leaked),
        largest_free: range.largest_free.filter(|_| is_used_known).map(|free| free.to_string()),
        source: Some(range.field.to_owned()),
        status: range.status.clone(),
        agent_used: agent_used.map(|used| integer(u128::from(used))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn total_row(cluster: &Cluster, family: AddressFamily, total: &Total) -> RangeRow {
    let all = if total.is_unknown {
        Fact::Unknown("another program hands out the addresses".to_owned())
    } else {
        Fact::Known(total.all)
    };
    let used = used(cluster, cluster.ranges.first(), total.used);
    let is_used_known = used.known().is_some();
    let with_use = |fact: Fact<u128>| {
        if is_used_known { fact } else { Fact::Unknown("what is in use is not known".to_owned()) }
    };
    let free = with_use(all.map(|all| all.saturating_sub(total.used)));
    let share = match &all {
        Fact::Known(0) => Fact::Absent,
        _ => with_use(all.clone()).map(|all| Percent(total.used as f64 / *all as f64)),
    };
    RangeRow {
        host: "*".to_owned(),
        pool: None,
        cidr: None,
        family: (!cluster.mode.is_foreign()).then(|| family_word(family)),
        mode: cluster.mode.to_string(),
        total: all.map(|all| integer(*all)),
        used,
        free: free.map(|free| integer(*free)),
        used_share: share,
        reserved: integer(total.reserved),
        leaked: leaked(cluster, total.leaked),
        largest_free: None,
        source: None,
        status: None,
        agent_used: total.agent_used.map(|used| integer(u128::from(used))),
    }
}

/// One row for each range of a pool, each with its key.
pub fn pool_rows(cluster: &Cluster, filter: &Filter) -> Vec<(String, PoolRow)> {
    let uses = cluster.pool_uses();
    let wanted = |it: &&PoolUse<'_>| {
        filter
            .pool
            .as_ref()
            .is_none_or(|wanted| it.pool.name == *wanted || it.pool.prefix.to_string() == *wanted)
    };
    uses.iter().filter(wanted).map(|it| pool_row(cluster, it)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn pool_row(cluster: &Cluster, of: &PoolUse<'_>) -> (String, PoolRow) {
    let pool = of.pool;
    let blocks = match &of.blocks {
        Fact::Known(Ok(blocks)) => Fact::Known(*blocks),
        Fact::Known(Err(_)) => Fact::Unknown("the mask size does not fit".to_owned()),
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
        Fact::Absent => Fact::Absent,
    };
    // Without the nodes' objects everything would seem to be free.
    let free = match &cluster.cilium_nodes_known {
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
        _ => of.free(),
    };
    let row = PoolRow {
        pool: pool.name.clone(),
        cidr: pool.prefix.to_string(),
        mask_size: pool.mask.map(|mask| i64::from(*mask)),
        used_share: match (&blocks, &cluster.cilium_nodes_known) {
            (Fact::Known(blocks), Fact::Known(())) if *blocks > 0 => {
                Fact::Known(Percent(of.used as f64 / *blocks as f64))
            }
            _ => Fact::Unknown("what is taken is not known".to_owned()),
        },
        blocks: blocks.map(|blocks| integer(*blocks)),
        blocks_used: cluster.cilium_nodes_known.map(|()| integer(of.used)),
        more_pods: more_pods(cluster, of, &free),
        more_nodes: free.map(|free| integer(*free)),
        largest_free: of.largest_free.map(|free| free.to_string()),
        block_addresses: of.usable.map(|usable| integer(*usable)),
        source: format!("{}: {}", pool.place, pool.line),
    };
    (format!("{}/{}", pool.name, pool.prefix), row)
}

/// How many more pods fit: into what the nodes have of this pool, and into what is left of it.
/// A node takes no more pods than its kubelet says.
fn more_pods(cluster: &Cluster, of: &PoolUse<'_>, more_nodes: &Fact<u128>) -> Fact<i64> {
    let (Fact::Known(more_nodes), Some(usable)) = (more_nodes, of.usable.known()) else {
        return Fact::Unknown("how many nodes fit is not known".to_owned());
    };
    if cluster.pods_known.known().is_none() {
        return Fact::Unknown("the pods could not be read".to_owned());
    }
    let mut sum = 0_u128;
    let mut reserved = 0_u128;
    let mut max_pods: Vec<u32> = Vec::new();
    for node in &cluster.nodes {
        let own = cluster
            .ranges
            .get(node.ranges.clone())
            .unwrap_or_default()
            .iter()
            .filter(|it| it.prefix.is_some_and(|prefix| of.pool.prefix.covers(&prefix)));
        let (mut free, mut has_any) = (0_u128, false);
        for range in own {
            has_any = true;
            free = free.saturating_add(range.free().known().copied().unwrap_or_default());
            reserved = reserved.max(range.reserved);
        }
        let limit = node.kubernetes.as_ref().and_then(|it| it.max_pods);
        max_pods.extend(limit);
        if has_any {
            let room = limit.map_or(u128::MAX, |limit| u128::from(limit.saturating_sub(node.pods)));
            sum = sum.saturating_add(free.min(room));
        }
    }
    // A new node is taken to be like most of those there are.
    max_pods.sort_unstable();
    let limit = max_pods.get(max_pods.len() / 2).map_or(u128::MAX, |limit| u128::from(*limit));
    let each = usable.saturating_sub(reserved).min(limit);
    Fact::Known(integer(sum.saturating_add(more_nodes.saturating_mul(each))))
}
