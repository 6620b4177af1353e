//! The matrix as tables: how many pairs end in each way, and the pairs that do not arrive.

use lab_model::walk::{Disposition, HostIdx};
use lab_plugin::{Failure, Health, Table};

use crate::datapath::View;
use crate::matrix::Matrix;
use crate::model::Cluster;
use crate::reach::{reach, representative};
use crate::rows::{CountRow, PairRow, health, not_known};
use crate::trace::{Endpoint, Ends, say};

/// Sends the matrix between ranges: the counts, and the exceptions or all pairs.
pub fn report(view: &View<'_>, matrix: &Matrix<'_>, all: bool) -> Result<(), Failure> {
    let cluster = view.cluster;
    let mut summary = Table::<CountRow>::new("summary");
    for (disposition, pairs) in matrix.counts() {
        let pairs = i64::try_from(pairs).unwrap_or(i64::MAX);
        summary.push(disposition.word(), CountRow { disposition: health(disposition), pairs })?;
    }
    summary.commit()?;
    let mut table = Table::<PairRow>::new("pairs");
    if all {
        for from in 0..cluster.hosts.len() {
            for to in 0..cluster.cidrs.len() {
                if matrix.end(from, to).is_some() {
                    push(view, matrix, &mut table, from, to)?;
                }
            }
        }
    } else {
        for exception in &matrix.exceptions {
            push(view, matrix, &mut table, exception.from, exception.to)?;
        }
    }
    table.commit()
}

fn push(
    view: &View<'_>,
    matrix: &Matrix<'_>,
    table: &mut Table<PairRow>,
    from: HostIdx,
    to: usize,
) -> Result<(), Failure> {
    let cluster = view.cluster;
    let cidr = &cluster.cidrs[to];
    // Walked again for its words: only what is shown pays for them.
    let (end, summary) = reach(view, from, cidr);
    let row = PairRow {
        from: format!("pods of {}", cluster.hosts[from].name),
        to: format!("{} of {}", cidr.prefix, cluster.hosts[cidr.host].name),
        there: health(end.disposition),
        back: matrix.back(cluster, from, to).map_or_else(not_known, health),
        last: Some(cluster.hosts[summary.last].name.clone()),
        mtu: summary.mtu,
        reason: say(end.reason),
    };
    table.push(&format!("{}/{}", cluster.hosts[from].name, cidr.prefix), row)
}

/// Sends the matrix between ends that were named.
pub fn report_named(
    cluster: &Cluster,
    from: &[Endpoint],
    to: &[Endpoint],
    all: bool,
) -> Result<(), Failure> {
    let mut table = Table::<PairRow>::new("pairs");
    let mut counts = [0_i64; Disposition::ALL.len()];
    for source in from {
        for destination in to {
            if source == destination {
                continue;
            }
            let view = View::of_ranges(cluster);
            let ends = Ends { source: source.clone(), destination: destination.clone() };
            let Ok(path) = ends.walk(&view) else { continue };
            let end = path.there.end();
            counts[end.disposition as usize] += 1;
            let back = path.back.as_ref().map(|back| back.end());
            if path.works() && !all {
                continue;
            }
            let last = path.there.branches.iter().find(|branch| branch.end == end);
            let last = last.and_then(|branch| branch.hops.last()).map(|hop| hop.host);
            let why = match &back {
                Ok(back) => say(back.reason),
                Err(why) => Some(String::from(**why)),
            };
            let there: Health = health(end.disposition);
            let row = PairRow {
                from: source.name(cluster),
                to: destination.name(cluster),
                there,
                back: back.map_or_else(|_| not_known(), |back| health(back.disposition)),
                last: last.map(|host| cluster.hosts[host].name.clone()),
                mtu: path.mtu_there,
                reason: say(end.reason).or(why),
            };
            table.push(&format!("{}/{}", row.from, row.to), row)?;
        }
    }
    let mut summary = Table::<CountRow>::new("summary");
    for (disposition, pairs) in Disposition::ALL.into_iter().zip(counts) {
        if pairs > 0 {
            let row = CountRow { disposition: health(disposition), pairs };
            summary.push(disposition.word(), row)?;
        }
    }
    summary.commit()?;
    table.commit()
}

/// Every node's pods, as ends.
pub fn all_pods(cluster: &Cluster) -> Vec<Endpoint> {
    cluster
        .nodes()
        .filter(|(_, node)| !node.pod_cidrs.is_empty())
        .map(|(host, node)| Endpoint::Pod {
            name: format!("pods of {}", node.name),
            host,
            ips: node.pod_cidrs.iter().map(|range| representative(node, range)).collect(),
        })
        .collect()
}
