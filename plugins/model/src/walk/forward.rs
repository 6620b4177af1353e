//! The walk: one host after another, until an end.
//!
//! State is passed down by reference and the way back to the start is a chain on the stack, so
//! a walk without forks allocates nothing. It must not know what a datapath is, only when to
//! ask it.

use std::cell::Cell;
use std::net::IpAddr;

use super::hop::Keep;
use super::lookup::{Decision, find, legs};
use crate::iproute2::{DeviceName, Route};

use super::{
    Arrival, Branch, Departure, Disposition, End, Flow, Hop, HostIdx, Leg, Neighbor, Network,
    Packet, Reason, Step, Steps, Summary, Trace, Visitor, Wrap,
};

/// Hosts a packet may pass before the walk gives up: the kernel's default time to live.
pub const MOST_HOPS: usize = 64;

/// Branches that are followed; what forks beyond ends as `unknown`.
pub const MOST_BRANCHES: usize = 64;

/// Translations and unwrappings one host may do before its lookup.
const MOST_REWRITES: usize = 4;

/// Every way a packet may take, with every hop.
pub fn trace<'n, N: Network>(network: &'n N, flow: &Flow) -> Trace<'n> {
    let mut branches = Vec::with_capacity(1);
    walk(network, flow, Keep::default(), &mut |kept: Keep<'n>, end| {
        branches.push(Branch { hops: kept.0, end });
    });
    Trace { branches }
}

/// How a packet ends, and what its way was like: the worst branch where there are several.
pub fn fate<'n, N: Network>(network: &'n N, flow: &Flow) -> (End<'n>, Summary) {
    let mut worst: Option<(End<'n>, Summary)> = None;
    walk(network, flow, Summary::default(), &mut |summary: Summary, end: End<'n>| {
        if worst.is_none_or(|(known, _)| end.is_worse_than(&known)) {
            worst = Some((end, summary));
        }
    });
    worst.unwrap_or((End::plain(Disposition::Unknown), Summary::default()))
}

/// Shows every hop to a visitor, and hands each visitor back with its end.
pub fn walk<'n, N: Network, V: Visitor<'n>>(
    network: &'n N,
    flow: &Flow,
    visitor: V,
    ended: &mut impl FnMut(V, End<'n>),
) {
    let walker = Walker { network, forks: Cell::new(MOST_BRANCHES - 1) };
    let state = At {
        host: flow.host,
        in_device: flow.in_device,
        packet: flow.packet,
        tunnel: None,
        origin: flow.in_device.is_none(),
    };
    walker.visit(&state, None, visitor, ended);
}

/// A packet at a host.
#[derive(Clone, Copy)]
struct At {
    host: HostIdx,
    in_device: Option<DeviceName>,
    packet: Packet,
    tunnel: Option<Inside>,
    /// The host itself sends the packet that is looked up.
    origin: bool,
}

/// What travels inside a tunnel's outer packet.
#[derive(Clone, Copy)]
struct Inside {
    packet: Packet,
    overhead: u32,
    device: DeviceName,
}

/// Where the packet was before: a chain on the stack.
struct Passed<'p> {
    at: &'p At,
    before: Option<&'p Passed<'p>>,
}

impl Passed<'_> {
    fn len(&self) -> usize {
        std::iter::successors(Some(self), |passed| passed.before).count()
    }

    fn holds(&self, at: &At) -> bool {
        std::iter::successors(Some(self), |passed| passed.before).any(|passed| {
            let was = passed.at;
            was.host == at.host
                && was.in_device == at.in_device
                && was.packet == at.packet
                && was.tunnel.is_some() == at.tunnel.is_some()
        })
    }
}

struct Walker<'n, N> {
    network: &'n N,
    forks: Cell<usize>,
}

/// What stands between a host's arrival and its lookup.
enum Settled<'n> {
    /// To be looked up.
    Lookup,
    /// Handed over, or lost, here.
    Ended(End<'n>),
}

impl<'n, N: Network> Walker<'n, N> {
    fn visit<V: Visitor<'n>>(
        &self,
        from: &At,
        passed: Option<&Passed<'_>>,
        mut visitor: V,
        ended: &mut impl FnMut(V, End<'n>),
    ) {
        if let Some(passed) = passed
            && (passed.holds(from) || passed.len() >= MOST_HOPS)
        {
            ended(visitor, End::plain(Disposition::Loop));
            return;
        }
        let mut at = *from;
        let mut hop = Hop {
            host: at.host,
            in_device: at.in_device,
            packet: at.packet,
            rule: None,
            route: None,
            next_hop: None,
            out_device: None,
            mtu: None,
            steps: Steps::default(),
        };
        if at.in_device.is_none() && passed.is_none() {
            hop.steps.push(Step::Originate);
        }
        for _ in 0..=MOST_REWRITES {
            match self.settle(&mut at, &mut hop) {
                Settled::Ended(end) => {
                    finish(hop, &at, visitor, end, ended);
                    return;
                }
                Settled::Lookup => {}
            }
            let fib = match self.network.fib(at.host) {
                Ok(fib) => fib,
                Err(why) => {
                    let end = End::because(Disposition::Unknown, why);
                    finish(hop, &at, visitor, end, ended);
                    return;
                }
            };
            let in_device = if at.origin { None } else { at.in_device.as_ref() };
            let found = find(fib, &at.packet, in_device);
            hop.rule = found.rule;
            hop.route = found.route;
            match found.decision {
                Decision::Local => {
                    if at.packet.source.is_unspecified() {
                        at.packet.source = at.packet.destination;
                    }
                    let Some(inside) = at.tunnel.take() else {
                        hop.steps.push(Step::Deliver(self.network.name(at.host)));
                        finish(hop, &at, visitor, End::plain(Disposition::Delivered), ended);
                        return;
                    };
                    hop.steps.push(Step::Decapsulate);
                    at.packet = inside.packet;
                    at.in_device = Some(inside.device);
                    at.origin = false;
                }
                Decision::Forward(route) => {
                    self.fork(&at, route, &hop, passed, visitor, ended);
                    return;
                }
                Decision::End(end) => {
                    hop.steps.push(Step::Discard);
                    finish(hop, &at, visitor, end, ended);
                    return;
                }
            }
        }
        visitor.hop(&hop);
        ended(
            visitor,
            End::because(Disposition::Unknown, "the host rewrites the packet again and again"),
        );
    }

    /// Lets the datapath act before the lookup.
    fn settle(&self, at: &mut At, hop: &mut Hop<'n>) -> Settled<'n> {
        if at.tunnel.is_some() {
            return Settled::Lookup;
        }
        for _ in 0..MOST_REWRITES {
            match self.network.arrive(at.host, at.in_device, &at.packet) {
                Arrival::Kernel => return Settled::Lookup,
                Arrival::Deliver(to) => {
                    hop.steps.push(Step::Deliver(to));
                    return Settled::Ended(End::plain(Disposition::Delivered));
                }
                Arrival::Translate(packet) => {
                    hop.steps.push(Step::Translate(packet.destination));
                    at.packet = packet;
                }
                Arrival::Encapsulate(wrap) => {
                    hop.steps.push(Step::Encapsulate(wrap.destination));
                    wrap_packet(at, &wrap);
                    return Settled::Lookup;
                }
                Arrival::End(end) => {
                    hop.steps.push(Step::Discard);
                    return Settled::Ended(end);
                }
            }
        }
        Settled::Ended(End::because(
            Disposition::Unknown,
            "the host translates the packet again and again",
        ))
    }

    /// Follows every leg of a route.
    fn fork<V: Visitor<'n>>(
        &self,
        at: &At,
        route: &'n Route,
        hop: &Hop<'n>,
        passed: Option<&Passed<'_>>,
        visitor: V,
        ended: &mut impl FnMut(V, End<'n>),
    ) {
        let mut legs = legs(route);
        let Some(first) = legs.next() else {
            let end = End::because(Disposition::Unknown, "the route names no device");
            finish(*hop, at, visitor, end, ended);
            return;
        };
        for leg in legs {
            let left = self.forks.get();
            if left == 0 {
                let end = End::because(Disposition::Unknown, "more branches than are followed");
                finish(*hop, at, visitor.clone(), end, ended);
                break;
            }
            self.forks.set(left - 1);
            self.leave(at, &leg, *hop, passed, visitor.clone(), ended);
        }
        self.leave(at, &first, *hop, passed, visitor, ended);
    }

    /// Sends the packet out by one leg.
    fn leave<V: Visitor<'n>>(
        &self,
        from: &At,
        leg: &Leg<'n>,
        mut hop: Hop<'n>,
        passed: Option<&Passed<'_>>,
        mut visitor: V,
        ended: &mut impl FnMut(V, End<'n>),
    ) {
        let mut at = *from;
        hop.next_hop = leg.gateway;
        hop.out_device = Some(leg.device);
        hop.mtu = self.mtu(&at, leg);
        if at.packet.source.is_unspecified() {
            let Some(source) = self.network.source(at.host, leg, at.packet.destination) else {
                let why = "the source address that the host chooses is not known";
                finish(hop, &at, visitor, End::because(Disposition::Unknown, why), ended);
                return;
            };
            at.packet.source = source;
        }
        let forwarded = !at.origin;
        if at.tunnel.is_none() {
            match self.network.leave(at.host, at.in_device, &at.packet, leg) {
                Departure::Kernel => {}
                Departure::Deliver(to) => {
                    hop.steps.push(Step::Deliver(to));
                    finish(hop, &at, visitor, End::plain(Disposition::Delivered), ended);
                    return;
                }
                Departure::Masquerade(source) => {
                    hop.steps.push(Step::Masquerade(source));
                    at.packet.source = source;
                }
                Departure::Encapsulate(wrap) => {
                    hop.steps.push(Step::Encapsulate(wrap.destination));
                    hop.packet = at.packet;
                    visitor.hop(&hop);
                    wrap_packet(&mut at, &wrap);
                    at.in_device = Some(wrap.device);
                    let chain = Passed { at: from, before: passed };
                    self.visit(&at, Some(&chain), visitor, ended);
                    return;
                }
                Departure::End(end) => {
                    hop.steps.push(Step::Discard);
                    finish(hop, &at, visitor, end, ended);
                    return;
                }
            }
        }
        if forwarded && let Some(end) = self.network.filter(at.host, at.in_device, &at.packet) {
            finish(hop, &at, visitor, end, ended);
            return;
        }
        if self.network.is_down(at.host, leg.device) {
            let end = End::because(Disposition::NeighborUnreachable, "the device is down");
            finish(hop, &at, visitor, end, ended);
            return;
        }
        hop.steps.push(Step::Forward);
        let next: IpAddr = leg.gateway.unwrap_or(at.packet.destination);
        hop.next_hop = Some(next);
        let end = match self.network.neighbor(at.host, leg.device, next) {
            Neighbor::Host(host, in_device) => {
                hop.packet = at.packet;
                visitor.hop(&hop);
                let chain = Passed { at: from, before: passed };
                let there =
                    At { host, in_device, packet: at.packet, tunnel: at.tunnel, origin: false };
                self.visit(&there, Some(&chain), visitor, ended);
                return;
            }
            Neighbor::Dead(state) => End {
                disposition: Disposition::NeighborUnreachable,
                reason: Reason::Neighbor(next, state),
            },
            Neighbor::Outside => self.network.beyond(at.host, &at.packet, leg),
            Neighbor::Ambiguous(why) => End::because(Disposition::Unknown, why),
        };
        finish(hop, &at, visitor, end, ended);
    }

    /// What fits through a leg, less what a tunnel's headers take.
    fn mtu(&self, at: &At, leg: &Leg<'n>) -> Option<u32> {
        let of_route = leg.route.mtu_bytes();
        let of_device = self.network.mtu(at.host, leg.device);
        let least = match (of_route, of_device) {
            (Some(route), Some(device)) => route.min(device),
            (known, other) => known.or(other)?,
        };
        Some(least.saturating_sub(at.tunnel.map_or(0, |inside| inside.overhead)))
    }
}

/// Puts the packet into the tunnel's outer one, which the host itself sends.
fn wrap_packet(at: &mut At, wrap: &Wrap) {
    at.tunnel = Some(Inside { packet: at.packet, overhead: wrap.overhead, device: wrap.device });
    at.packet = Packet::request(wrap.source, wrap.destination);
    at.origin = true;
}

/// Shows the last hop and ends the branch.
fn finish<'n, V: Visitor<'n>>(
    mut hop: Hop<'n>,
    at: &At,
    mut visitor: V,
    end: End<'n>,
    ended: &mut impl FnMut(V, End<'n>),
) {
    hop.packet = at.packet;
    visitor.hop(&hop);
    ended(visitor, end);
}
