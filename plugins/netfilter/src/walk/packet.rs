//! A packet, the host it meets, and its way through that host's tables.
//!
//! Apart from the walk because this is what it is asked. It must not know a rule.

use std::net::IpAddr;

use crate::ipset::Sets;

/// A packet, the first one of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where from.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// `tcp`, `udp`, `icmp` …
    pub protocol: String,
    /// Its source port.
    pub source_port: Option<u16>,
    /// Its destination port.
    pub destination_port: Option<u16>,
    /// The device it comes in by, where that is known.
    pub input: Option<String>,
    /// The device it leaves by, where that is known.
    pub output: Option<String>,
    /// What conntrack thinks of it: `NEW`, `ESTABLISHED` …
    pub state: String,
}

/// What is known of a host besides its rules.
#[derive(Clone, Debug, Default)]
pub struct HostFacts {
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
    /// Its ipsets; none when they are not known.
    pub sets: Option<Sets>,
}

/// How a packet goes through a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It comes in and is for the host.
    In,
    /// It comes in and leaves again.
    Forward,
    /// The host sends it.
    Out,
}

impl Way {
    /// `in`, `forward`, `out`
    pub const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Forward => "forward",
            Self::Out => "out",
        }
    }

    pub(super) const fn hooks(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::In => &[
                ("raw", "PREROUTING"),
                ("mangle", "PREROUTING"),
                ("nat", "PREROUTING"),
                ("mangle", "INPUT"),
                ("filter", "INPUT"),
                ("security", "INPUT"),
                ("nat", "INPUT"),
            ],
            Self::Forward => &[
                ("raw", "PREROUTING"),
                ("mangle", "PREROUTING"),
                ("nat", "PREROUTING"),
                ("mangle", "FORWARD"),
                ("filter", "FORWARD"),
                ("security", "FORWARD"),
                ("mangle", "POSTROUTING"),
                ("nat", "POSTROUTING"),
            ],
            Self::Out => &[
                ("raw", "OUTPUT"),
                ("mangle", "OUTPUT"),
                ("nat", "OUTPUT"),
                ("filter", "OUTPUT"),
                ("security", "OUTPUT"),
                ("mangle", "POSTROUTING"),
                ("nat", "POSTROUTING"),
            ],
        }
    }
}
