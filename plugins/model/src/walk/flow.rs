//! What is traced: a packet's headers as far as forwarding looks at them, and where it starts.
//!
//! Apart from the walk itself, because a plugin builds flows from names and the walk rewrites
//! them on the way. Knows no routing table.

use std::net::IpAddr;

use crate::iproute2::DeviceName;

/// A host by its position in a [`Network`](crate::walk::Network).
pub type HostIdx = usize;

/// The headers that decide a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Source address. Unspecified: the host that sends it chooses, as the kernel does.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Firewall mark, as policy rules see it.
    pub mark: u32,
    /// An answer to a packet that went the other way: connection tracking knows it, so no
    /// source address is rewritten again.
    pub reply: bool,
}

/// A packet and where it enters the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What is sent.
    pub packet: Packet,
    /// First host that looks at it.
    pub host: HostIdx,
    /// Device it comes in by; none when the host itself sends it.
    pub in_device: Option<DeviceName>,
}

impl Packet {
    /// A request without a mark.
    pub fn request(source: IpAddr, destination: IpAddr) -> Self {
        Self { source, destination, mark: 0, reply: false }
    }

    /// The answer: addresses swapped, no mark.
    #[must_use]
    pub fn answer(self) -> Self {
        Self { source: self.destination, destination: self.source, mark: 0, reply: true }
    }
}

/// The address that stands for "not chosen yet" in the family of another.
pub fn unspecified_like(other: IpAddr) -> IpAddr {
    match other {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}
