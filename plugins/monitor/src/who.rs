//! One side of an event as a key: small, cheap to compare, and enough to name it later.
//!
//! Apart from names because names change while a key must not. It must not hold text where a
//! number says the same.

use std::borrow::Cow;
use std::net::IpAddr;

use lab_model::monitor::Party;

/// Somebody, by the best that the event says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// By address.
    Address(IpAddr),
    /// By the number of an endpoint on a node.
    Endpoint(Box<str>, u32),
    /// By identity alone.
    Identity(u32),
    /// By what the source of the event calls it.
    Name(Box<str>),
    /// Not at all.
    Unknown,
}

impl Who {
    /// The key of one side, on the node that saw it.
    pub fn of(party: &Party<'_>, node: &str) -> Self {
        match (party.address, party.endpoint, party.identity) {
            (Some(address), ..) => Self::Address(address),
            (None, Some(id), _) => Self::Endpoint(node.into(), id),
            _ if !party.name.is_empty() => Self::Name(Box::from(&*party.name)),
            (None, None, Some(identity)) if identity != 0 => Self::Identity(identity),
            _ => Self::Unknown,
        }
    }

    /// The side again, as far as the key tells, and the node whose numbers it uses.
    pub fn party(&self, port: Option<u16>, identity: Option<u32>) -> (Party<'_>, &str) {
        let party = Party { port, identity, ..Party::default() };
        match self {
            Self::Address(address) => (Party { address: Some(*address), ..party }, ""),
            Self::Endpoint(node, id) => (Party { endpoint: Some(*id), ..party }, node),
            Self::Identity(id) => (Party { identity: Some(*id), ..party }, ""),
            Self::Name(name) => (Party { name: Cow::Borrowed(name), ..party }, ""),
            Self::Unknown => (party, ""),
        }
    }
}
