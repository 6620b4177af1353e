//! One host and one podCIDR: what is there against what ought to be there.
//!
//! Follows the decision table of the routing modes. A route that covers is judged by where it
//! leads, not by being there: a default route to nowhere covers nothing.

use lab_forwarding::datapath::{CILIUM_HOST, View};
use lab_forwarding::model::{Agent, Cluster, Host, PodCidr};
use lab_forwarding::reach::reach;
use lab_forwarding::tables;
use lab_model::iproute2::Route;
use lab_model::walk::Disposition;

use super::Verdict;
use crate::expect::{Expected, expect};

/// The judgement of one row.
#[derive(Clone, Debug)]
pub struct PairVerdict<'c> {
    /// The word.
    pub verdict: Verdict,
    /// What ought to be there.
    pub expected: Expected,
    /// The route a packet would take, or the one that is wrong.
    pub route: Option<&'c Route>,
    /// A route of somebody else inside the range.
    pub intruder: Option<&'c Route>,
    /// Where the walk ended, when it was asked.
    pub fate: Option<Disposition>,
}

/// Judges one host's way to one podCIDR.
pub fn pair<'c>(view: &View<'c>, host: usize, cidr: &PodCidr) -> PairVerdict<'c> {
    let cluster = view.cluster;
    let own = &cluster.hosts[host];
    let expected = expect(cluster, host, cidr);
    let mut judged = PairVerdict {
        verdict: Verdict::Unknown,
        expected,
        route: None,
        intruder: None,
        fate: None,
    };
    let Ok(fib) = &own.fib else { return judged };
    let exact = tables::exact(fib, &cidr.prefix);
    let best = exact.or_else(|| tables::covering(fib, &cidr.prefix));
    judged.route = best;
    if is_claimed_twice(cluster, cidr) {
        judged.verdict = Verdict::Conflict;
        return judged;
    }
    let walked = |judged: &mut PairVerdict<'c>, good: Verdict, lost: Verdict| {
        let end = reach(view, host, cidr).0;
        judged.fate = Some(end.disposition);
        judged.verdict = if end.disposition.is_unknown() {
            Verdict::Unknown
        } else if end.disposition.is_success() {
            good
        } else {
            lost
        };
    };
    match (expected, exact) {
        (Expected::Unknown(_), _) => return judged,
        (Expected::Direct { gateway, device }, Some(route)) => {
            let via = route.gateway.or_else(|| route.ecmp_legs().first()?.gateway);
            judged.verdict = if via != Some(gateway) {
                if tables::is_by_hand(route) {
                    // Somebody chose another way on purpose; it counts if it arrives.
                    walked(&mut judged, Verdict::Covered, Verdict::WrongNextHop);
                    judged.verdict
                } else {
                    Verdict::WrongNextHop
                }
            } else if device.is_some() && route.device.is_some() && route.device != device {
                Verdict::WrongDevice
            } else {
                Verdict::Ok
            };
        }
        (Expected::Direct { .. }, None) => {
            walked(&mut judged, Verdict::Covered, Verdict::Missing);
            if judged.route.is_none_or(|route| route.dst.is_default()) {
                judged.verdict = absent(own);
            }
        }
        (Expected::Across { peer, .. }, Some(route)) if route.gateway == Some(peer) => {
            judged.verdict = Verdict::Unexpected;
        }
        (Expected::Across { .. } | Expected::Outside, exact) => {
            // An agent that turns from a tunnel to native routing leaves the tunnel's routes.
            let of_tunnel =
                exact.and_then(|route| route.device).is_some_and(|device| device == CILIUM_HOST);
            let lost = if of_tunnel { Verdict::Stale } else { Verdict::Unreachable };
            walked(&mut judged, Verdict::Covered, lost);
        }
        (Expected::Tunnel { router, .. }, Some(route)) => {
            let on_host = route.device.is_some_and(|device| device == CILIUM_HOST);
            judged.verdict = if !on_host {
                Verdict::Stale
            } else if router.is_some() && route.gateway.is_some() && route.gateway != router {
                Verdict::WrongNextHop
            } else {
                Verdict::Ok
            };
        }
        (Expected::Local { router }, Some(route)) => {
            let on_host = route.device.is_some_and(|device| device == CILIUM_HOST);
            judged.verdict = if !on_host {
                Verdict::WrongDevice
            } else if router.is_some() && route.gateway.is_some() && route.gateway != router {
                Verdict::WrongNextHop
            } else {
                Verdict::Ok
            };
        }
        (Expected::Tunnel { .. } | Expected::Local { .. }, None) => judged.verdict = absent(own),
        (Expected::Endpoints, _) => endpoints(view, host, cidr, &mut judged),
        (Expected::Nothing, _) => {
            walked(&mut judged, Verdict::Ok, Verdict::Missing);
            if judged.verdict == Verdict::Missing && exact.is_some() {
                judged.verdict = Verdict::WrongNextHop;
            }
        }
    }
    if cidr.host != host && matches!(judged.verdict, Verdict::Ok | Verdict::Covered) {
        judged.intruder = intruder(view, host, cidr, exact);
        if judged.intruder.is_some() {
            judged.verdict = Verdict::Shadowed;
        }
    }
    judged
}

/// A route that is not there: missing, unless its maker is not up to have made it.
fn absent(own: &Host) -> Verdict {
    match own.agent {
        Agent::Ready | Agent::NotAsked => Verdict::Missing,
        Agent::NotReady(_) | Agent::Silent(_) => Verdict::Unknown,
    }
}

/// With endpoint routes: every pod that is known has its own.
fn endpoints<'c>(view: &View<'c>, host: usize, cidr: &PodCidr, judged: &mut PairVerdict<'c>) {
    judged.route = None;
    let Ok(fib) = &view.cluster.hosts[host].fib else { return };
    let own = |route: &&Route| route.device.is_some_and(|device| device.starts_with("lxc"));
    judged.route = tables::inside(fib, &cidr.prefix).find(own);
    let Some(pods) = &view.cluster.pods else {
        judged.verdict = Verdict::Ok;
        return;
    };
    let missing = pods
        .iter()
        .filter(|(ip, pod)| pod.host == host && cidr.prefix.contains(**ip))
        .any(|(ip, _)| tables::exact(fib, &lab_model::Prefix::host(*ip)).is_none());
    judged.verdict = if missing { absent(&view.cluster.hosts[host]) } else { Verdict::Ok };
}

fn is_claimed_twice(cluster: &Cluster, cidr: &PodCidr) -> bool {
    // Ordered by prefix, so whatever overlaps stands beside.
    let at = cluster
        .cidrs
        .partition_point(|known| (known.prefix, known.host) < (cidr.prefix, cidr.host));
    let beside = [at.checked_sub(1), Some(at + 1)];
    beside
        .into_iter()
        .flatten()
        .filter_map(|idx| cluster.cidrs.get(idx))
        .any(|other| other.host != cidr.host && other.prefix.overlaps(&cidr.prefix))
}

/// A longer route inside the range that leads elsewhere.
fn intruder<'c>(
    view: &View<'c>,
    host: usize,
    cidr: &PodCidr,
    exact: Option<&Route>,
) -> Option<&'c Route> {
    let own = &view.cluster.hosts[host];
    let fib = own.fib.as_ref().ok()?;
    tables::inside(fib, &cidr.prefix).find(|route| {
        let same_way = exact
            .is_some_and(|exact| exact.gateway == route.gateway && exact.device == route.device);
        let towards_owner = route
            .gateway
            .is_some_and(|gateway| view.cluster.hosts[cidr.host].internal.contains(&gateway));
        // Where people route the range themselves, they may do so in parts.
        let by_parts = exact.is_none() && tables::is_by_hand(route);
        let is_range = view.cluster.cidrs.iter().any(|known| known.prefix == route.dst);
        !(same_way || towards_owner || is_range || by_parts)
    })
}
