//! The words of a row's verdict.

use lab_plugin::{Health, Level};

/// Observation against expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As expected.
    Ok,
    /// Another route does its work.
    Covered,
    /// Should be there and is not.
    Missing,
    /// Belongs to nobody any more.
    Stale,
    /// The gateway is not the owner.
    WrongNextHop,
    /// The device is not the one that leads to the gateway.
    WrongDevice,
    /// A longer route of somebody else takes part of it.
    Shadowed,
    /// Should not be there.
    Unexpected,
    /// Two nodes claim it.
    Conflict,
    /// No route that is there leads to the owner.
    Unreachable,
    /// Not to be said.
    Unknown,
}

impl Verdict {
    /// The word people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Covered => "covered",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::WrongNextHop => "wrong-next-hop",
            Self::WrongDevice => "wrong-device",
            Self::Shadowed => "shadowed",
            Self::Unexpected => "unexpected",
            Self::Conflict => "conflict",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
        }
    }

    /// How good that is.
    pub fn level(self) -> Level {
        match self {
            Self::Ok => Level::Good,
            Self::Covered => Level::Info,
            Self::Stale | Self::Unexpected => Level::Warn,
            Self::Unknown => Level::Unknown,
            Self::Missing
            | Self::WrongNextHop
            | Self::WrongDevice
            | Self::Shadowed
            | Self::Conflict
            | Self::Unreachable => Level::Bad,
        }
    }

    /// As a cell.
    pub fn health(self) -> Health<&'static str> {
        Health(self.level(), self.word())
    }
}
