//! What a walk asks about the hosts it passes: tables, devices, neighbors, and the two moments
//! at which a datapath beside the kernel may act.
//!
//! A trait, so that the same walk runs over answers of a live cluster, over a capture and over
//! generated hosts of a test. It must not know who implements it.

use std::net::IpAddr;

use super::{Disposition, HostIdx, Packet};
use crate::fib::Fib;
use crate::iproute2::{DeviceName, Route};

/// Why an end is what it is: small and copied, so that a million walks make no text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason<'n> {
    /// The disposition says it all.
    None,
    /// A fixed or borrowed sentence.
    Text(&'n str),
    /// The gateway that is none of the known hosts.
    Gateway(IpAddr),
    /// The neighbor, and the state the kernel keeps of it.
    Neighbor(IpAddr, &'n str),
}

/// How a walk, or one branch of it, ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End<'n> {
    /// The fate.
    pub disposition: Disposition,
    /// And why.
    pub reason: Reason<'n>,
}

impl<'n> End<'n> {
    /// An end that needs no words.
    pub fn plain(disposition: Disposition) -> Self {
        Self { disposition, reason: Reason::None }
    }

    /// Whether it is the one to show of two branches. A branch that loses the packet outweighs
    /// one that nothing is known of, and that one outweighs an arrival.
    pub fn is_worse_than(&self, other: &Self) -> bool {
        self.weight() > other.weight()
    }

    fn weight(&self) -> (u8, Disposition) {
        let group = match self.disposition {
            end if end.is_success() => 0,
            end if end.is_unknown() => 1,
            _ => 2,
        };
        (group, self.disposition)
    }

    /// An end and its sentence.
    pub fn because(disposition: Disposition, why: &'n str) -> Self {
        Self { disposition, reason: Reason::Text(why) }
    }
}

/// What a datapath does with a packet that comes to a host, before the kernel looks it up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrival<'n> {
    /// Nothing: the kernel's tables decide.
    Kernel,
    /// It is handed to what is named, such as a pod.
    Deliver(&'n str),
    /// Its destination is translated back; the datapath is asked again.
    Translate(Packet),
    /// It is wrapped into a packet of the host's own.
    Encapsulate(Wrap),
    /// Its way ends here.
    End(End<'n>),
}

/// What a datapath does with a packet that leaves by a device, after the kernel's lookup.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Departure<'n> {
    /// Nothing: it goes to the next hop.
    Kernel,
    /// It is handed to what is named, such as a pod behind that device.
    Deliver(&'n str),
    /// Its source is rewritten, and it goes to the next hop.
    Masquerade(IpAddr),
    /// It is wrapped into a packet of the host's own.
    Encapsulate(Wrap),
    /// Its way ends here.
    End(End<'n>),
}

/// A tunnel's outer packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wrap {
    /// Outer source.
    pub source: IpAddr,
    /// Outer destination: the host that unwraps it.
    pub destination: IpAddr,
    /// Bytes the outer headers take from the MTU.
    pub overhead: u32,
    /// Device of the tunnel, on both ends.
    pub device: DeviceName,
}

/// Who answers for an address on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbor<'n> {
    /// A known host, by one of its devices.
    Host(HostIdx, Option<DeviceName>),
    /// Nobody: the kernel's state says so.
    Dead(&'n str),
    /// None of the known hosts.
    Outside,
    /// Several known hosts could be meant.
    Ambiguous(&'n str),
}

/// One way out of a host: the leg of a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg<'n> {
    /// The route it belongs to.
    pub route: &'n Route,
    /// Gateway; none when the destination itself is on the link.
    pub gateway: Option<IpAddr>,
    /// Device it leaves by.
    pub device: DeviceName,
}

/// Hosts and what is known of each.
pub trait Network {
    /// The host's name.
    fn name(&self, host: HostIdx) -> &str;

    /// Its rules and tables, or why there are none to look at.
    ///
    /// # Errors
    /// The sentence a trace ends with, as `unknown`.
    fn fib(&self, host: HostIdx) -> Result<&Fib, &str>;

    /// MTU of a device, where it is known.
    fn mtu(&self, host: HostIdx, device: DeviceName) -> Option<u32>;

    /// Whether a device is known to be down.
    fn is_down(&self, host: HostIdx, device: DeviceName) -> bool;

    /// Who owns an address on the link behind a device.
    fn neighbor(&self, host: HostIdx, device: DeviceName, address: IpAddr) -> Neighbor<'_>;

    /// The source address a host chooses for a leg when the sender left it open.
    fn source(&self, host: HostIdx, leg: &Leg<'_>, destination: IpAddr) -> Option<IpAddr>;

    /// How a packet ends that leaves to an address which belongs to no known host.
    fn beyond(&self, host: HostIdx, packet: &Packet, leg: &Leg<'_>) -> End<'_>;

    /// What a datapath does before the kernel's lookup.
    fn arrive(&self, _: HostIdx, _in_device: Option<DeviceName>, _: &Packet) -> Arrival<'_> {
        Arrival::Kernel
    }

    /// What a datapath does after the kernel's lookup.
    fn leave(
        &self,
        _: HostIdx,
        _in_device: Option<DeviceName>,
        _: &Packet,
        _: &Leg<'_>,
    ) -> Departure<'_> {
        Departure::Kernel
    }

    /// What a filter does with a packet that is forwarded, where it is known.
    fn filter(&self, _: HostIdx, _in_device: Option<DeviceName>, _: &Packet) -> Option<End<'_>> {
        None
    }
}
