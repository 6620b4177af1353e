//! What a walk shows of each host it passes, and the trace made of it.
//!
//! The walk shows a borrowed [`Hop`] to a [`Visitor`]; only a visitor that wants to keep it
//! pays for a copy. [`fate`](super::fate) keeps nothing.

use std::net::IpAddr;

use super::{End, HostIdx, Packet};
use crate::iproute2::{DeviceName, IpRule, Route};

/// One act of one host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'n> {
    /// The packet begins here.
    Originate,
    /// It is sent on to the next hop.
    Forward,
    /// It is wrapped, for the host that is named by its address.
    Encapsulate(IpAddr),
    /// It is unwrapped.
    Decapsulate,
    /// Its source becomes this address.
    Masquerade(IpAddr),
    /// Its destination becomes this address again.
    Translate(IpAddr),
    /// It is handed to the host itself, or to what is named.
    Deliver(&'n str),
    /// It goes no further.
    Discard,
}

/// Most acts that one host can do to one packet.
const MOST_STEPS: usize = 8;

/// The acts of one host, in order, without an allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps<'n> {
    steps: [Option<Step<'n>>; MOST_STEPS],
    len: usize,
}

impl<'n> Steps<'n> {
    /// Adds an act; those beyond the bound are not kept.
    pub fn push(&mut self, step: Step<'n>) {
        if let Some(slot) = self.steps.get_mut(self.len) {
            *slot = Some(step);
            self.len += 1;
        }
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Step<'n>> + '_ {
        self.steps.iter().flatten().copied()
    }
}

/// One host of a walk.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'n> {
    /// Which host.
    pub host: HostIdx,
    /// Device the packet came in by; none where it begins.
    pub in_device: Option<DeviceName>,
    /// The packet as it leaves, or ends, here.
    pub packet: Packet,
    /// The policy rule that led to the route.
    pub rule: Option<&'n IpRule>,
    /// The route that matched.
    pub route: Option<&'n Route>,
    /// Next hop: the gateway, or the destination where it is on the link.
    pub next_hop: Option<IpAddr>,
    /// Device it leaves by.
    pub out_device: Option<DeviceName>,
    /// Largest packet that passes here, outer headers already taken off.
    pub mtu: Option<u32>,
    /// What the host did, in order.
    pub steps: Steps<'n>,
}

/// Takes what a walk shows. Cloned where the way forks.
pub trait Visitor<'n>: Clone {
    /// A host was passed.
    fn hop(&mut self, hop: &Hop<'n>);
}

/// One way of a packet: a walk has several where routes have several next hops.
#[derive(Clone, Debug)]
pub struct Branch<'n> {
    /// Every host, in order.
    pub hops: Vec<Hop<'n>>,
    /// How it ended.
    pub end: End<'n>,
}

impl Branch<'_> {
    /// The smallest MTU on the way, where one is known.
    pub fn mtu(&self) -> Option<u32> {
        self.hops.iter().filter_map(|hop| hop.mtu).min()
    }
}

/// Every way a packet may take.
#[derive(Clone, Debug)]
pub struct Trace<'n> {
    /// At least one.
    pub branches: Vec<Branch<'n>>,
}

impl<'n> Trace<'n> {
    /// The worst end: a packet that arrives on one of two branches is lost half the time.
    pub fn end(&self) -> End<'n> {
        self.branches
            .iter()
            .map(|branch| branch.end)
            .reduce(|worst, end| if end.is_worse_than(&worst) { end } else { worst })
            .unwrap_or(End::plain(super::Disposition::Unknown))
    }

    /// The smallest MTU over all branches.
    pub fn mtu(&self) -> Option<u32> {
        self.branches.iter().filter_map(Branch::mtu).min()
    }
}

/// Keeps every hop.
#[derive(Clone, Default)]
pub(super) struct Keep<'n>(pub(super) Vec<Hop<'n>>);

impl<'n> Visitor<'n> for Keep<'n> {
    fn hop(&mut self, hop: &Hop<'n>) {
        self.0.push(*hop);
    }
}

/// Keeps the last host, the number of hosts, and the smallest MTU.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Last host that saw the packet.
    pub last: HostIdx,
    /// How many hosts.
    pub hops: u32,
    /// The smallest MTU, where one is known.
    pub mtu: Option<u32>,
    /// Source of the packet at the last host; differs from the first after masquerading.
    pub source: Option<IpAddr>,
}

impl<'n> Visitor<'n> for Summary {
    fn hop(&mut self, hop: &Hop<'n>) {
        self.last = hop.host;
        self.hops += 1;
        self.source = Some(hop.packet.source);
        if let Some(mtu) = hop.mtu {
            self.mtu = Some(self.mtu.map_or(mtu, |least| least.min(mtu)));
        }
    }
}
