//! One host's lookup as the walk needs it: a decision, and the legs of a route.
//!
//! Apart, because it is the only place where the walk meets the forwarding table's own types.

use super::{Disposition, End, Leg, Packet};
use crate::fib::{Fib, Outcome, Query};
use crate::iproute2::{DeviceName, IpRule, Route, RouteFlags, RouteType};

/// What a host's tables decide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'n> {
    pub(super) rule: Option<&'n IpRule>,
    pub(super) route: Option<&'n Route>,
    pub(super) decision: Decision<'n>,
}

/// And what follows from it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision<'n> {
    /// The packet is for this host.
    Local,
    /// It goes on by this route.
    Forward(&'n Route),
    /// It ends here.
    End(End<'n>),
}

/// Looks a packet up in the rules and tables of one host.
pub(super) fn find<'n>(fib: &'n Fib, packet: &Packet, in_device: Option<&DeviceName>) -> Found<'n> {
    let src = (!packet.source.is_unspecified()).then_some(packet.source);
    let query = Query {
        src,
        iif: in_device.map(DeviceName::as_str),
        mark: packet.mark,
        ..Query::to(packet.destination)
    };
    let lookup = fib.lookup(&query);
    let (route, decision) = match lookup.outcome {
        Outcome::Found(route) => {
            let decision = match route.route_type {
                RouteType::Unicast => Decision::Forward(route),
                _ => Decision::Local,
            };
            (Some(route), decision)
        }
        Outcome::Discard(kind, route) => {
            let end = match kind {
                RouteType::Blackhole => End::because(Disposition::BlackHole, "a blackhole route"),
                RouteType::Prohibit => End::because(Disposition::Denied, "a prohibit route"),
                _ => End::because(Disposition::Denied, "an unreachable route"),
            };
            (route, Decision::End(end))
        }
        Outcome::NoRoute => (None, Decision::End(End::plain(Disposition::NoRoute))),
        Outcome::Undecided(_) => {
            let why = "a policy rule selects by something that is not known of the packet";
            (None, Decision::End(End::because(Disposition::Unknown, why)))
        }
    };
    Found { rule: lookup.rule, route, decision }
}

/// The legs a packet may leave by; the kernel passes over dead ones.
pub(super) fn legs(route: &Route) -> impl Iterator<Item = Leg<'_>> {
    route
        .legs()
        .filter(|leg| !leg.flags.has(RouteFlags::DEAD))
        .filter_map(move |leg| Some(Leg { route, gateway: leg.gateway, device: leg.device? }))
}
