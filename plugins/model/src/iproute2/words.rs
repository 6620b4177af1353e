//! The words of iproute2: route types, tables, protocols, scopes, preferences.
//!
//! Apart because rules and routes, JSON and text, reading and printing all need the same ones.
//! It must not know what a lookup does with them.
//!
//! Names and numbers are those of `rtnetlink(7)` and of the files iproute2 6.1 ships in
//! `/etc/iproute2`.

use std::fmt;

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RouteType {
    /// Hands it to the next hop; the type `ip` does not print.
    #[default]
    Unicast,
    /// Delivers it on this host.
    Local,
    /// Delivers it here as a broadcast.
    Broadcast,
    /// Delivers it here, sends it as unicast; of IPv6 routers.
    Anycast,
    /// Belongs to multicast.
    Multicast,
    /// Drops it silently.
    Blackhole,
    /// Drops it and answers that the destination is unreachable.
    Unreachable,
    /// Drops it and answers that it is administratively prohibited.
    Prohibit,
    /// Ends the lookup in this table; the next `ip rule` goes on.
    Throw,
    /// A type the kernel keeps a number for and never routes by, such as `nat`.
    Other,
}

impl RouteType {
    /// Reads iproute2's word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "unicast" => Self::Unicast,
            "local" => Self::Local,
            "broadcast" => Self::Broadcast,
            "anycast" => Self::Anycast,
            "multicast" => Self::Multicast,
            "blackhole" => Self::Blackhole,
            "unreachable" => Self::Unreachable,
            "prohibit" => Self::Prohibit,
            "throw" => Self::Throw,
            "nat" | "xresolve" | "none" => Self::Other,
            _ => return None,
        })
    }

    /// The word iproute2 prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::Local => "local",
            Self::Broadcast => "broadcast",
            Self::Anycast => "anycast",
            Self::Multicast => "multicast",
            Self::Blackhole => "blackhole",
            Self::Unreachable => "unreachable",
            Self::Prohibit => "prohibit",
            Self::Throw => "throw",
            Self::Other => "nat",
        }
    }

    /// Whether a packet that meets it goes nowhere: blackhole, unreachable, prohibit, or a type
    /// the kernel answers with an error.
    #[inline]
    pub const fn discards(self) -> bool {
        matches!(self, Self::Blackhole | Self::Unreachable | Self::Prohibit | Self::Other)
    }
}

impl fmt::Display for RouteType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A routing table, by number.
///
/// A table that `/etc/iproute2/rt_tables` gives a name of its own is printed by that name, and
/// its number is then not in the output: such a name gets a number made from its letters, with
/// the highest bit set, so that `ip rule` and `ip route` still meet. Routes and rules keep the
/// name beside it for printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

impl TableId {
    /// Table 253.
    pub const DEFAULT: Self = Self(253);
    /// Table 254, the one `ip route` prints when not asked for another.
    pub const MAIN: Self = Self(254);
    /// Table 255, kept by the kernel: this host's own addresses and broadcasts.
    pub const LOCAL: Self = Self(255);

    /// Reads a name or a number.
    #[inline]
    pub fn parse(word: &str) -> Self {
        match word {
            "main" => Self::MAIN,
            "local" => Self::LOCAL,
            "default" => Self::DEFAULT,
            "unspec" => Self(0),
            _ => word.parse().map_or_else(|_| Self::of_name(word), Self),
        }
    }

    /// Whether the number was made from a name, see the type.
    pub const fn is_named(self) -> bool {
        self.0 >> 31 == 1
    }

    /// FNV-1a, because the number must be the same for every parse.
    fn of_name(name: &str) -> Self {
        let hash = name
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self(hash | 1 << 31)
    }
}

impl Default for TableId {
    fn default() -> Self {
        Self::MAIN
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MAIN => f.pad("main"),
            Self::LOCAL => f.pad("local"),
            Self::DEFAULT => f.pad("default"),
            Self(number) => fmt::Display::fmt(&number, f),
        }
    }
}

/// Who installed a route or a rule: `kernel`, `boot`, `static`, `dhcp`, `bgp` …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(u16);

/// Numbers and names of `rt_protos`.
const PROTOCOLS: [(u16, &str); 22] = [
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (18, "keepalived"),
    (42, "babel"),
    (99, "openr"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
];

impl Protocol {
    /// Not stated, as on rules before Linux 4.17.
    pub const UNSPEC: Self = Self(0);
    /// The kernel itself, and Cilium, which uses the number so that nobody cleans up after it.
    pub const KERNEL: Self = Self(2);
    /// What `ip route add` uses when nothing is said; not printed.
    pub const BOOT: Self = Self(3);
    /// An administrator.
    pub const STATIC: Self = Self(4);
    /// Router advertisements.
    pub const RA: Self = Self(9);
    /// FRR and Quagga before they split it by protocol.
    pub const ZEBRA: Self = Self(11);
    /// The BIRD routing daemon.
    pub const BIRD: Self = Self(12);
    /// A DHCP client.
    pub const DHCP: Self = Self(16);
    /// A BGP daemon, such as FRR's.
    pub const BGP: Self = Self(186);
    /// A name from the host's own `rt_protos`; the record keeps the name.
    pub const NAMED: Self = Self(256);

    /// Reads a name or a number; [`Protocol::NAMED`] for a name that is not in `rt_protos`.
    #[inline]
    pub fn parse(word: &str) -> Self {
        match word {
            "kernel" => return Self::KERNEL,
            "static" => return Self::STATIC,
            "bgp" => return Self::BGP,
            _ => {}
        }
        if let Some((number, _)) = PROTOCOLS.iter().find(|(_, name)| *name == word) {
            return Self(*number);
        }
        word.parse::<u8>().map_or(Self::NAMED, |number| Self(number.into()))
    }

    /// The number the kernel keeps, `None` for [`Protocol::NAMED`].
    pub fn number(self) -> Option<u8> {
        u8::try_from(self.0).ok()
    }
}

impl Default for Protocol {
    fn default() -> Self {
        Self::BOOT
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PROTOCOLS.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.pad(name),
            None if *self == Self::NAMED => f.pad("named"),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

/// How far away a route's destination is; a larger number is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Scope(pub u8);

impl Scope {
    /// Anywhere; not printed.
    pub const GLOBAL: Self = Self(0);
    /// In the same site; of IPv6 and rarely seen.
    pub const SITE: Self = Self(200);
    /// On the attached link.
    pub const LINK: Self = Self(253);
    /// On this host.
    pub const HOST: Self = Self(254);
    /// Nowhere.
    pub const NOWHERE: Self = Self(255);

    /// Reads a name or a number.
    #[inline]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "link" => Self::LINK,
            "host" => Self::HOST,
            "global" | "universe" => Self::GLOBAL,
            "site" => Self::SITE,
            "nowhere" => Self::NOWHERE,
            _ => Self(word.parse().ok()?),
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::GLOBAL => f.pad("global"),
            Self::SITE => f.pad("site"),
            Self::LINK => f.pad("link"),
            Self::HOST => f.pad("host"),
            Self::NOWHERE => f.pad("nowhere"),
            Self(number) => fmt::Display::fmt(&number, f),
        }
    }
}

/// Preference of an IPv6 router, printed on every IPv6 route and on no IPv4 one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouterPreference {
    /// `pref low`.
    Low,
    /// `pref medium`, the default.
    Medium,
    /// `pref high`.
    High,
}

impl RouterPreference {
    /// Reads iproute2's word.
    #[inline]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "medium" => Self::Medium,
            "low" => Self::Low,
            "high" => Self::High,
            _ => return None,
        })
    }

    /// The word iproute2 prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_and_numbers() {
        for (word, table) in [
            ("main", TableId::MAIN),
            ("254", TableId::MAIN),
            ("local", TableId::LOCAL),
            ("default", TableId::DEFAULT),
            ("2005", TableId(2005)),
            ("4294967295", TableId(u32::MAX)),
        ] {
            assert_eq!(TableId::parse(word), table, "{word}");
        }
        assert_eq!(TableId::parse("uplink"), TableId::parse("uplink"));
        assert_ne!(TableId::parse("uplink"), TableId::parse("uplink2"));
        assert!(TableId::parse("uplink").is_named());
    }

    #[test]
    fn protocols_have_names_and_numbers() {
        for (word, number, printed) in [
            ("kernel", Some(2), "kernel"),
            ("186", Some(186), "bgp"),
            ("77", Some(77), "77"),
            ("our-daemon", None, "named"),
        ] {
            assert_eq!(Protocol::parse(word).number(), number, "{word}");
            assert_eq!(Protocol::parse(word).to_string(), printed, "{word}");
        }
    }
}
