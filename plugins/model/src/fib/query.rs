//! A question to a [`Fib`](super::Fib) and its answer.
//!
//! Apart so that callers can build and match them without reading how a lookup works.

use std::net::IpAddr;

use crate::iproute2::{IpRule, Route, RouteType};

/// What is known of the packet to be routed. What is `None` is not known, and a rule that selects
/// by it cannot be decided; exceptions are said at the field.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Destination address.
    pub dst: IpAddr,
    /// Source address; `None` means that it is not chosen yet, as when a local socket sends for
    /// the first time: rules with `from` then do not match.
    pub src: Option<IpAddr>,
    /// Device it came in by; `None` means that this host made it, for which rules say `iif lo`.
    pub iif: Option<&'a str>,
    /// Device the sender is bound to; `None` means that it is not bound to any.
    pub oif: Option<&'a str>,
    /// Firewall mark; 0 means that there is none.
    pub mark: u32,
    /// IP protocol number.
    pub ip_protocol: Option<u8>,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
    /// User id of the sender; of no meaning for a packet that came in by a device.
    pub uid: Option<u32>,
    /// Whether the host passes over legs without carrier (`ignore_routes_with_linkdown`), which
    /// is off unless somebody set it.
    pub ignore_linkdown: bool,
}

impl Query<'_> {
    /// A packet that this host makes for the address.
    pub const fn to(dst: IpAddr) -> Self {
        Self {
            dst,
            src: None,
            iif: None,
            oif: None,
            mark: 0,
            ip_protocol: None,
            sport: None,
            dport: None,
            uid: None,
            ignore_linkdown: false,
        }
    }

    /// Whether a leg by another device than `oif` is out of the question. IPv6 takes the device
    /// for a wish once the source is chosen, unless the destination means nothing without it.
    pub(super) fn wants_only_oif(&self) -> bool {
        match self.dst {
            IpAddr::V4(_) => true,
            IpAddr::V6(dst) => {
                self.src.is_none()
                    || dst.is_unicast_link_local()
                    || dst.is_multicast()
                    || dst.is_loopback()
            }
        }
    }
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lookup<'a> {
    /// The rule that decided; `None` when every rule was passed over.
    pub rule: Option<&'a IpRule>,
    /// What it came to.
    pub outcome: Outcome<'a>,
}

/// What a lookup comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    /// This route is used; of type `local` when the packet is for this host. Of an ECMP route
    /// any leg that is not dead may be taken.
    Found(&'a Route),
    /// The packet is dropped by a route of type blackhole, unreachable or prohibit, or by the
    /// rule itself when there is no route.
    Discard(RouteType, Option<&'a Route>),
    /// No table has a route.
    NoRoute,
    /// It depends on whether this rule matches, and that cannot be told from the query.
    Undecided(&'a IpRule),
}

impl<'a> Lookup<'a> {
    /// The route that is used, if one is.
    pub const fn route(&self) -> Option<&'a Route> {
        match self.outcome {
            Outcome::Found(route) => Some(route),
            _ => None,
        }
    }
}
