//! The table of routes: each host's way to each range, and its other routes.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use lab_forwarding::datapath::{SOME_LXC, View};
use lab_forwarding::fixes;
use lab_forwarding::model::{Cluster, PodCidr};
use lab_forwarding::owner::owner;
use lab_forwarding::tables;
use lab_model::Prefix;
use lab_model::iproute2::{Route, RouteFlags, TableId};
use lab_model::walk::HostIdx;
use lab_plugin::{Failure, Shown};

use crate::expect::Expected;
use crate::judge::{self, Judged, PairVerdict, Stray, Verdict};
use crate::rows::{Destination, Legs, Line, RouteRow};

/// What a row's key is made of, behind its host.
enum Behind<'c> {
    Range(Prefix),
    Line(&'c Route),
}

/// Whose each podCIDR is, in words: the same on every host.
pub fn owners(cluster: &Cluster) -> Vec<String> {
    cluster.cidrs.iter().map(|cidr| owner(cluster, &cidr.prefix).0).collect()
}

/// Hands over all rows, host by host, and returns those that are not as they should be.
pub fn report<'c>(
    view: &View<'c>,
    owners: &'c [String],
    strays: &[Stray<'c>],
    all: bool,
    mut push: impl FnMut(&str, RouteRow<'c>) -> Result<(), Failure>,
) -> Result<Vec<Judged<'c>>, Failure> {
    let cluster = view.cluster;
    let mut bad = Vec::new();
    // Ranges that nodes send by way of other hosts: what a router is judged by.
    let mut transit: HashSet<(HostIdx, usize)> = HashSet::new();
    let mut key = String::new();
    for (host, own) in cluster.hosts.iter().enumerate() {
        let mut rows: Vec<(Prefix, Behind<'_>, RouteRow<'_>)> = Vec::new();
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
            let row = pair_row(cluster, host, cidr, &owners[idx], &pair);
            rows.push((cidr.prefix, Behind::Range(cidr.prefix), row));
            if !matches!(pair.verdict, Verdict::Ok | Verdict::Covered) {
                bad.push(Judged { host, cidr: idx, pair });
            }
        }
        for route in own.fib.iter().flat_map(lab_model::fib::Fib::routes) {
            if let Some(row) = other_row(cluster, host, route, strays, all) {
                rows.push((route.dst, Behind::Line(route), row));
            }
        }
        rows.sort_by_key(|(prefix, _, _)| *prefix);
        for (_, behind, row) in rows {
            key.clear();
            // Writing to a text does not fail.
            let _infallible = match behind {
                Behind::Range(prefix) => write!(key, "{}/{prefix}", own.name),
                Behind::Line(route) => write!(key, "{}/{}", own.name, Line(route)),
            };
            push(&key, row)?;
        }
    }
    Ok(bad)
}

fn pair_row<'r>(
    cluster: &'r Cluster,
    host: HostIdx,
    cidr: &PodCidr,
    owner: &'r str,
    pair: &PairVerdict<'r>,
) -> RouteRow<'r> {
    let mut row = route_row(cluster, host, Destination::Range(cidr.prefix), pair.route);
    row.owner = Cow::Borrowed(owner);
    row.verdict = Some(pair.verdict.health());
    row.expected = match pair.expected {
        _ if matches!(pair.verdict, Verdict::Ok | Verdict::Covered) => None,
        Expected::Nothing => fixes::towards_owner(cluster, host, cidr),
        expected => expected.words(cidr.prefix),
    };
    if pair.expected == Expected::Endpoints {
        row.next_hop = None;
        row.device = Some(Shown(Legs::Word(SOME_LXC)));
        row.line = None;
    }
    if cluster.hosts[host].fib.is_err() {
        row.next_hop = Some(Shown(Legs::Word("?")));
        row.device = Some(Shown(Legs::Word("?")));
    }
    row
}

/// A route that is no podCIDR's; absent where it is not to be shown.
fn other_row<'c>(
    cluster: &'c Cluster,
    host: HostIdx,
    route: &'c Route,
    strays: &[Stray<'_>],
    all: bool,
) -> Option<RouteRow<'c>> {
    let is_range = cluster.cidrs.binary_search_by_key(&route.dst, |cidr| cidr.prefix).is_ok();
    if is_range && route.table == TableId::MAIN {
        return None;
    }
    if route.table == TableId::LOCAL && !all {
        return None;
    }
    let (owner, is_of_cluster) = owner(cluster, &route.dst);
    if !is_of_cluster && !all {
        return None;
    }
    let mut row = route_row(cluster, host, Destination::OfRoute(route.dst), Some(route));
    row.owner = Cow::Owned(owner);
    let stray = strays
        .iter()
        .find(|stray| stray.host == host && std::ptr::eq(stray.route, route))
        .map(|stray| stray.kind.verdict().health());
    row.verdict = stray;
    Some(row)
}

fn route_row<'c>(
    cluster: &'c Cluster,
    host: HostIdx,
    destination: Destination,
    route: Option<&'c Route>,
) -> RouteRow<'c> {
    let own = &cluster.hosts[host];
    let legs = || route.into_iter().flat_map(Route::legs);
    let mtu_of_device =
        |route: &Route| route.legs().filter_map(|leg| own.links.get(&leg.device?)?.mtu).min();
    RouteRow {
        host: &own.name,
        destination: Shown(destination),
        next_hop: route
            .filter(|_| legs().any(|leg| leg.gateway.is_some()))
            .map(|route| Shown(Legs::Gateways(route))),
        device: route
            .filter(|_| legs().any(|leg| leg.device.is_some()))
            .map(|route| Shown(Legs::Devices(route))),
        protocol: route.map(|route| Shown(route.protocol)),
        table: route.map(|route| Shown(route.table)),
        mtu: route.and_then(|route| route.mtu_bytes().or_else(|| mtu_of_device(route))),
        owner: Cow::Borrowed(""),
        verdict: None,
        expected: None,
        scope: route.map(|route| Shown(route.scope)),
        source: route.and_then(|route| route.prefsrc),
        metric: route.map(|route| route.metric),
        r#type: route.map(|route| Shown(route.route_type)),
        flags: route.map(|route| route.flags).filter(|flags| *flags != RouteFlags::NONE).map(Shown),
        line: route.map(|route| Shown(Line(route))),
    }
}
