//! `routes/stale`, `routes/unused-pod-cidr`, `routes/stale-pod-route`: routes to ranges inside
//! the pods' world that no node and no pod owns.

use lab_forwarding::collect::ROUTES;
use lab_forwarding::datapath::CILIUM_HOST;
use lab_forwarding::fixes;
use lab_forwarding::model::{Cluster, Host};
use lab_forwarding::tables;
use lab_forwarding::words::{line, some_of};
use lab_model::iproute2::{Protocol, Route, RouteType, TableId};
use lab_plugin::Finding;

use super::{Facts, Verdict};

/// A route nobody's range asks for.
#[derive(Clone, Copy, Debug)]
pub struct Stray<'c> {
    /// Host whose table it is in.
    pub host: usize,
    /// The route.
    pub route: &'c Route,
    /// Which kind.
    pub kind: StrayKind,
}

/// What a stray route is a leftover of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrayKind {
    /// A range of pods that no node owns.
    Range,
    /// `Node.spec.podCIDR`, which no pod uses.
    UnusedPodCidr,
    /// A pod's device without a pod.
    Pod,
}

impl StrayKind {
    /// The verdict of its row.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Range | Self::Pod => Verdict::Stale,
            Self::UnusedPodCidr => Verdict::Unexpected,
        }
    }
}

/// Finds the stray routes of every host. Without the nodes' ranges nothing is stray.
pub fn judge(cluster: &Cluster) -> Vec<Stray<'_>> {
    if !cluster.cidrs_known {
        return Vec::new();
    }
    let unused = unused(cluster);
    let mut strays = Vec::new();
    for (host, own) in cluster.hosts.iter().enumerate() {
        for route in own.fib.iter().flat_map(lab_model::fib::Fib::routes) {
            if let Some(kind) = kind(cluster, own, route, &unused) {
                strays.push(Stray { host, route, kind });
            }
        }
    }
    strays
}

/// `Node.spec.podCIDR`s that lie in no range pods get addresses from.
fn unused(cluster: &Cluster) -> Vec<lab_model::Prefix> {
    let used = |range: &lab_model::Prefix| {
        cluster.cidrs.iter().any(|cidr| cidr.prefix.overlaps(range))
            || cluster.pools.iter().any(|pool| pool.overlaps(range))
    };
    let of_nodes = cluster.hosts.iter().flat_map(|host| &host.node_pod_cidrs);
    of_nodes.filter(|range| !used(range)).copied().collect()
}

fn kind(
    cluster: &Cluster,
    own: &Host,
    route: &Route,
    unused: &[lab_model::Prefix],
) -> Option<StrayKind> {
    if route.table != TableId::MAIN
        || route.dst.is_default()
        || route.route_type != RouteType::Unicast
    {
        return None;
    }
    if unused.iter().any(|range| range.overlaps(&route.dst)) && route.gateway.is_some() {
        return Some(StrayKind::UnusedPodCidr);
    }
    let pooled = cluster.pools.iter().any(|pool| pool.covers(&route.dst) && *pool != route.dst);
    if !pooled || own.routers.iter().any(|router| route.dst.contains(*router)) {
        return None;
    }
    let device = route.device.as_deref().unwrap_or_default();
    if route.dst.is_host() && device.starts_with("lxc") {
        let pods = cluster.pods.as_ref()?;
        // The agent's own health endpoint has a device and is no pod.
        let is_health = device == "lxc_health";
        return (!is_health && !pods.contains_key(&route.dst.address())).then_some(StrayKind::Pod);
    }
    if near(cluster, &route.dst) {
        return None;
    }
    let made_by_cilium =
        route.protocol == Protocol::KERNEL && (route.gateway.is_some() || device == CILIUM_HOST);
    let by_hand = tables::is_by_hand(route) && route.gateway.is_some();
    (made_by_cilium || by_hand).then_some(StrayKind::Range)
}

/// Whether a range overlaps one that is owned; the ranges are ordered, so only neighbors can.
fn near(cluster: &Cluster, range: &lab_model::Prefix) -> bool {
    let at = cluster.cidrs.partition_point(|cidr| cidr.prefix < *range);
    let before = at.checked_sub(1).and_then(|idx| cluster.cidrs.get(idx));
    let after = cluster.cidrs.get(at);
    before.into_iter().chain(after).any(|cidr| cidr.prefix.overlaps(range))
}

/// Adds one finding for each host and kind.
pub(super) fn check(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    for kind in [StrayKind::Range, StrayKind::UnusedPodCidr, StrayKind::Pod] {
        let mut rest: Vec<&Stray<'_>> =
            facts.strays.iter().filter(|stray| stray.kind == kind).collect();
        while let Some(first) = rest.first() {
            let host = first.host;
            let (own, others) = rest.into_iter().partition(|stray| stray.host == host);
            rest = others;
            found.push(finding(facts, kind, &own));
        }
    }
}

fn finding(facts: &Facts<'_, '_>, kind: StrayKind, strays: &[&Stray<'_>]) -> Finding {
    let cluster = facts.view.cluster;
    let name = cluster.hosts[strays[0].host].name.clone();
    let ranges: Vec<String> = strays.iter().map(|stray| stray.route.dst.to_string()).collect();
    let ranges = some_of(&ranges);
    let mut finding = match kind {
        StrayKind::Range => Finding::warn(
            "routes/stale",
            name.clone(),
            format!("routes to ranges that no node owns: {ranges}"),
        ),
        StrayKind::UnusedPodCidr => Finding::warn(
            "routes/unused-pod-cidr",
            name.clone(),
            format!("routes to Node.spec.podCIDR, which no pod uses: {ranges}"),
        ),
        StrayKind::Pod => Finding::info(
            "routes/stale-pod-route",
            name.clone(),
            format!("routes to devices of pods that are gone: {ranges}"),
        ),
    };
    for stray in strays.iter().take(4) {
        finding = finding.evidence(format!("{name}: {ROUTES}"), line(Some(stray.route)));
    }
    let deletions: Vec<String> =
        strays.iter().map(|stray| fixes::delete_route(stray.route)).collect();
    finding = finding.fix(format!("on {name}:\n{}", deletions.join("\n")));
    if kind == StrayKind::UnusedPodCidr {
        let routes = fixes::static_routes(cluster, strays[0].host, &cluster.cidrs);
        finding = finding.fix(format!("routes that pods use, on {name}:\n{}", routes.join("\n")));
    }
    finding
}
