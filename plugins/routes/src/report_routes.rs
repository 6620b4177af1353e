//! The table of routes: each host's way to each range, and its other routes.

use std::collections::HashSet;

use lab_forwarding::datapath::{SOME_LXC, View};
use lab_forwarding::fixes;
use lab_forwarding::model::{Cluster, PodCidr};
use lab_forwarding::owner::owner;
use lab_forwarding::tables;
use lab_forwarding::words::line;
use lab_model::Prefix;
use lab_model::iproute2::{Route, RouteFlags, TableId};
use lab_model::walk::HostIdx;
use lab_plugin::{Failure, Health};

use crate::expect::Expected;
use crate::judge::{self, Judged, PairVerdict, Stray, Verdict};
use crate::rows::RouteRow;

/// Hands over all rows, host by host, and returns those that are not as they should be.
pub fn report<'c>(
    view: &View<'c>,
    strays: &[Stray<'c>],
    all: bool,
    mut push: impl FnMut(&str, RouteRow) -> Result<(), Failure>,
) -> Result<Vec<Judged<'c>>, Failure> {
    let cluster = view.cluster;
    let mut bad = Vec::new();
    // Ranges that nodes send by way of other hosts: what a router is judged by.
    let mut transit: HashSet<(HostIdx, usize)> = HashSet::new();
    for (host, own) in cluster.hosts.iter().enumerate() {
        let mut rows: Vec<(Prefix, String, RouteRow)> = Vec::new();
        for (idx, cidr) in cluster.cidrs.iter().enumerate() {
            let has_route =
                || own.fib.as_ref().is_ok_and(|fib| tables::exact(fib, &cidr.prefix).is_some());
            if !own.is_node && !transit.contains(&(host, idx)) && !has_route() {
                continue;
            }
            let pair = judge::pair(view, host, cidr);
            let gateway = pair.route.and_then(|route| route.legs().next()?.gateway);
            if let Some(gateway) = gateway {
                transit.extend(cluster.owners(gateway).map(|owner| (owner, idx)));
            }
            let row = pair_row(cluster, host, cidr, &pair);
            rows.push((cidr.prefix, format!("{}/{}", own.name, cidr.prefix), row));
            if !matches!(pair.verdict, Verdict::Ok | Verdict::Covered) {
                bad.push(Judged { host, cidr: idx, pair });
            }
        }
        for route in own.fib.iter().flat_map(lab_model::fib::Fib::routes) {
            if let Some((key, row)) = other_row(cluster, host, route, strays, all) {
                rows.push((route.dst, key, row));
            }
        }
        rows.sort_by_key(|(prefix, _, _)| *prefix);
        for (_, key, row) in rows {
            push(&key, row)?;
        }
    }
    Ok(bad)
}

fn pair_row(cluster: &Cluster, host: HostIdx, cidr: &PodCidr, pair: &PairVerdict<'_>) -> RouteRow {
    let mut row = route_row(cluster, host, pair.route);
    row.destination = cidr.prefix.to_string();
    row.owner = owner(cluster, &cidr.prefix).0;
    row.verdict = Some(pair.verdict.health());
    row.expected = match pair.expected {
        _ if matches!(pair.verdict, Verdict::Ok | Verdict::Covered) => None,
        Expected::Nothing => fixes::towards_owner(cluster, host, cidr),
        expected => expected.words(cidr.prefix),
    };
    if pair.expected == Expected::Endpoints {
        row.next_hop = None;
        row.device = Some(SOME_LXC.to_owned());
        row.line = None;
    }
    if cluster.hosts[host].fib.is_err() {
        row.next_hop = Some("?".to_owned());
        row.device = Some("?".to_owned());
    }
    row
}

/// A route that is no podCIDR's; absent where it is not to be shown.
fn other_row(
    cluster: &Cluster,
    host: HostIdx,
    route: &Route,
    strays: &[Stray<'_>],
    all: bool,
) -> Option<(String, RouteRow)> {
    let is_range = cluster.cidrs.binary_search_by_key(&route.dst, |cidr| cidr.prefix).is_ok();
    if is_range && route.table == TableId::MAIN {
        return None;
    }
    let (owner, is_of_cluster) = owner(cluster, &route.dst);
    let shown = is_of_cluster && route.table != TableId::LOCAL;
    if !shown && !all {
        return None;
    }
    let mut row = route_row(cluster, host, Some(route));
    row.owner = owner;
    let stray = strays
        .iter()
        .find(|stray| stray.host == host && std::ptr::eq(stray.route, route))
        .map(|stray| stray.kind.verdict().health());
    row.verdict = stray;
    Some((format!("{}/{}", cluster.hosts[host].name, line(Some(route))), row))
}

fn route_row(cluster: &Cluster, host: HostIdx, route: Option<&Route>) -> RouteRow {
    let own = &cluster.hosts[host];
    let mut row = RouteRow {
        host: own.name.clone(),
        destination: String::new(),
        next_hop: None,
        device: None,
        protocol: None,
        table: None,
        mtu: None,
        owner: String::new(),
        verdict: None::<Health>,
        expected: None,
        scope: None,
        source: None,
        metric: None,
        r#type: None,
        flags: None,
        line: None,
    };
    let Some(route) = route else { return row };
    let join = |words: Vec<String>| (!words.is_empty()).then(|| words.join(","));
    row.destination = destination(&route.dst);
    row.next_hop = join(route.legs().filter_map(|leg| Some(leg.gateway?.to_string())).collect());
    row.device = join(route.legs().filter_map(|leg| Some(leg.device?.to_string())).collect());
    row.protocol = Some(route.protocol.to_string());
    row.table = Some(route.table.to_string());
    let of_device = || route.legs().filter_map(|leg| own.links.get(&leg.device?)?.mtu).min();
    row.mtu = route.mtu_bytes().or_else(of_device);
    row.scope = Some(route.scope.to_string());
    row.source = route.prefsrc.map(|source| source.to_string());
    row.metric = Some(route.metric);
    row.r#type = Some(route.route_type.to_string());
    row.flags = (route.flags != RouteFlags::NONE).then(|| route.flags.to_string());
    row.line = Some(line(Some(route)));
    row
}

fn destination(prefix: &Prefix) -> String {
    if prefix.is_default() {
        "default".to_owned()
    } else if prefix.is_host() {
        prefix.address().to_string()
    } else {
        prefix.to_string()
    }
}
