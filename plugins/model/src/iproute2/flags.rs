//! Flags of routes and of their legs.
//!
//! Apart from the other words because they are a set, not a choice. It must not know which of them
//! a lookup heeds.

use std::fmt;

/// State of a route or of one of its legs: `onlink`, `linkdown`, `dead` …
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RouteFlags(u16);

/// In the order in which `ip` prints them.
const FLAGS: [(RouteFlags, &str); 11] = [
    (RouteFlags::DEAD, "dead"),
    (RouteFlags::ONLINK, "onlink"),
    (RouteFlags::PERVASIVE, "pervasive"),
    (RouteFlags::OFFLOAD, "offload"),
    (RouteFlags::TRAP, "trap"),
    (RouteFlags::NOTIFY, "notify"),
    (RouteFlags::LINKDOWN, "linkdown"),
    (RouteFlags::UNRESOLVED, "unresolved"),
    (RouteFlags::RT_OFFLOAD, "rt_offload"),
    (RouteFlags::RT_TRAP, "rt_trap"),
    (RouteFlags::RT_OFFLOAD_FAILED, "rt_offload_failed"),
];

impl RouteFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The device is down; the kernel does not use the leg.
    pub const DEAD: Self = Self(1);
    /// The gateway counts as on the link whatever the addresses say.
    pub const ONLINK: Self = Self(1 << 1);
    /// Set by the kernel only.
    pub const PERVASIVE: Self = Self(1 << 2);
    /// The next hop is in hardware.
    pub const OFFLOAD: Self = Self(1 << 3);
    /// Hardware hands the packets to the kernel.
    pub const TRAP: Self = Self(1 << 4);
    /// The route was changed and a listener is to be told.
    pub const NOTIFY: Self = Self(1 << 5);
    /// No carrier; still used unless `ignore_routes_with_linkdown` is set.
    pub const LINKDOWN: Self = Self(1 << 6);
    /// A multicast route that waits for its daemon.
    pub const UNRESOLVED: Self = Self(1 << 7);
    /// The route is in hardware.
    pub const RT_OFFLOAD: Self = Self(1 << 8);
    /// Hardware hands packets of the route to the kernel.
    pub const RT_TRAP: Self = Self(1 << 9);
    /// Hardware refused the route.
    pub const RT_OFFLOAD_FAILED: Self = Self(1 << 10);

    /// Reads iproute2's word for one flag.
    #[inline]
    pub fn parse(word: &str) -> Option<Self> {
        FLAGS.iter().find(|(_, name)| *name == word).map(|(flag, _)| *flag)
    }

    /// Whether every flag of `other` is set.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of flags.
    #[inline]
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for RouteFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (flag, name) in FLAGS {
            if self.has(flag) {
                write!(f, "{gap}{name}")?;
                gap = " ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_printed_in_the_order_of_ip() {
        let flags = RouteFlags::LINKDOWN.with(RouteFlags::DEAD);
        assert_eq!(flags.to_string(), "dead linkdown");
        assert!(flags.has(RouteFlags::DEAD) && !flags.has(RouteFlags::ONLINK));
    }
}
