//! How a walk can end, in one closed list.
//!
//! Apart, because matrices and findings compare dispositions without a trace at hand.

use std::fmt;

/// The fate of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Disposition {
    /// It reached the host or pod that owns the destination.
    Delivered,
    /// It left the known hosts for an address that belongs to none of them, and was meant to.
    Exits,
    /// No rule led to a route.
    NoRoute,
    /// A route of type `unreachable` or `prohibit` refused it, or a datapath did.
    Denied,
    /// It was lost without an error: a `blackhole` route, or a default route whose gateway
    /// knows nothing of the destination.
    BlackHole,
    /// It came back to a host it had already passed in the same state.
    Loop,
    /// The next hop should be on the link, and does not answer there.
    NeighborUnreachable,
    /// A filter stands on the way and may drop it.
    FilteredUnknown,
    /// The rest of the way cannot be known from the answers at hand.
    Unknown,
}

impl Disposition {
    /// Every disposition, best first.
    pub const ALL: [Self; 9] = [
        Self::Delivered,
        Self::Exits,
        Self::NoRoute,
        Self::Denied,
        Self::BlackHole,
        Self::Loop,
        Self::NeighborUnreachable,
        Self::FilteredUnknown,
        Self::Unknown,
    ];

    /// The word people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Exits => "exits",
            Self::NoRoute => "no-route",
            Self::Denied => "denied",
            Self::BlackHole => "black-hole",
            Self::Loop => "loop",
            Self::NeighborUnreachable => "neighbor-unreachable",
            Self::FilteredUnknown => "filtered-unknown",
            Self::Unknown => "unknown",
        }
    }

    /// It arrived where it should.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Delivered | Self::Exits)
    }

    /// Nothing can be said about it, neither good nor bad.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::FilteredUnknown | Self::Unknown)
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
