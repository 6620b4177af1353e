//! The matrix as tables: how many pairs end in each way, and the pairs that do not arrive.

use lab_forwarding::datapath::View;
use lab_forwarding::matrix::Matrix;
use lab_forwarding::model::Cluster;
use lab_forwarding::reach::{reach, representative};
use lab_forwarding::trace::{Endpoint, Ends, Path};
use lab_forwarding::words::{health, not_known, say};
use lab_model::walk::{Disposition, HostIdx, Trace};
use lab_plugin::Failure;

use crate::rows::{CountRow, PairRow};

/// How many pairs end in each way.
pub fn count_rows(counts: &[(Disposition, usize)]) -> Vec<CountRow> {
    let row = |(disposition, pairs): &(Disposition, usize)| CountRow {
        disposition: health(*disposition),
        pairs: i64::try_from(*pairs).unwrap_or(i64::MAX),
    };
    counts.iter().map(row).collect()
}

/// Hands over the pairs that do not arrive, or all.
pub fn pair_rows(
    view: &View<'_>,
    matrix: &Matrix<'_>,
    all: bool,
    mut push: impl FnMut(&str, PairRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let cluster = view.cluster;
    let mut hand_over = |from, to| {
        let (key, row) = pair_row(view, matrix, from, to);
        push(&key, row)
    };
    if !all {
        return matrix.exceptions.iter().try_for_each(|lost| hand_over(lost.from, lost.to));
    }
    for from in 0..cluster.hosts.len() {
        for to in 0..cluster.cidrs.len() {
            if matrix.end(from, to).is_some() {
                hand_over(from, to)?;
            }
        }
    }
    Ok(())
}

fn pair_row(view: &View<'_>, matrix: &Matrix<'_>, from: HostIdx, to: usize) -> (String, PairRow) {
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
    (format!("{}/{}", cluster.hosts[from].name, cidr.prefix), row)
}

/// The matrix between ends that were named: the counts, and the pairs that do not work or all.
pub fn named(
    cluster: &Cluster,
    from: &[Endpoint],
    to: &[Endpoint],
    all: bool,
) -> (Vec<CountRow>, Vec<PairRow>) {
    let mut rows = Vec::new();
    let mut counts = Disposition::ALL.map(|disposition| (disposition, 0_usize));
    for (source, destination) in
        from.iter().flat_map(|source| to.iter().map(move |destination| (source, destination)))
    {
        if source == destination {
            continue;
        }
        let view = View::of_ranges(cluster);
        let ends = Ends { source: source.clone(), destination: destination.clone() };
        let Ok(path) = ends.walk(&view) else { continue };
        counts[path.there.end().disposition as usize].1 += 1;
        if all || !path.works() {
            rows.push(named_row(cluster, &ends, &path));
        }
    }
    let counts: Vec<(Disposition, usize)> =
        counts.into_iter().filter(|(_, pairs)| *pairs > 0).collect();
    (count_rows(&counts), rows)
}

fn named_row(cluster: &Cluster, ends: &Ends, path: &Path<'_>) -> PairRow {
    let end = path.there.end();
    let back = path.back.as_ref().map(Trace::end);
    let last = path.there.branches.iter().find(|branch| branch.end == end);
    let last = last.and_then(|branch| branch.hops.last()).map(|hop| hop.host);
    let why = match &back {
        Ok(back) => say(back.reason),
        Err(why) => Some(String::from(**why)),
    };
    PairRow {
        from: ends.source.name(cluster),
        to: ends.destination.name(cluster),
        there: health(end.disposition),
        back: back.map_or_else(|_| not_known(), |back| health(back.disposition)),
        last: last.map(|host| cluster.hosts[host].name.clone()),
        mtu: path.mtu_there,
        reason: say(end.reason).or(why),
    }
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
