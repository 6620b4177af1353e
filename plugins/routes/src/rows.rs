//! Columns: where words become cells.
//!
//! Column ids and their order are a promise: add at the end only. Nothing is judged here.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::iproute2::{Protocol, Route, RouteFlags, RouteType, Scope, TableId};
use lab_plugin::{Health, Shown, row};

/// A destination: a range, or as `ip route` has it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Destination {
    Range(Prefix),
    OfRoute(Prefix),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfRoute(prefix) if prefix.is_default() => f.write_str("default"),
            Self::OfRoute(prefix) if prefix.is_host() => write!(f, "{}", prefix.address()),
            Self::Range(prefix) | Self::OfRoute(prefix) => write!(f, "{prefix}"),
        }
    }
}

/// Where the legs of a route go, or a word for it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Legs<'c> {
    Gateways(&'c Route),
    Devices(&'c Route),
    Word(&'static str),
}

impl fmt::Display for Legs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateways(route) => joined(route.legs().filter_map(|leg| leg.gateway), f),
            Self::Devices(route) => joined(route.legs().filter_map(|leg| leg.device), f),
            Self::Word(word) => f.write_str(word),
        }
    }
}

fn joined(all: impl Iterator<Item = impl fmt::Display>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    all.enumerate().try_for_each(|(n, one)| write!(f, "{}{one}", if n == 0 { "" } else { "," }))
}

/// The line of a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<'c>(pub &'c Route);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lab_forwarding::words::line(Some(self.0)))
    }
}

row! {
    /// One destination on one host.
    pub struct RouteRow<'c> {
        /// Host whose table it is.
        pub host: &'c str,
        /// Destination network.
        pub destination: Shown<Destination>,
        /// Gateway; absent when the destination is on the link.
        pub next_hop: Option<Shown<Legs<'c>>>,
        /// Device it leaves by.
        pub device: Option<Shown<Legs<'c>>>,
        /// Who installed it: kernel, static, bgp …
        pub protocol: Option<Shown<Protocol>>,
        /// Routing table.
        pub table: Option<Shown<TableId>>,
        /// MTU of the route, or of its device.
        pub mtu: Option<u32>,
        /// Whose the destination is.
        pub owner: Cow<'c, str>,
        /// Observation against expectation; absent where nothing is expected.
        pub verdict: Option<Health<&'static str>>,
        /// What ought to be there, where it is not.
        pub expected: Option<String>,
        /// Scope of the route.
        pub scope: Option<Shown<Scope>> as wide,
        /// Source address it prefers.
        pub source: Option<IpAddr> as wide,
        /// Metric, lower wins.
        pub metric: Option<u32> as wide,
        /// Route type: unicast, blackhole …
        pub r#type: Option<Shown<RouteType>> as wide,
        /// Flags: onlink, linkdown …
        pub flags: Option<Shown<RouteFlags>> as wide,
        /// The line as `ip route` prints it.
        pub line: Option<Shown<Line<'c>>> as wide,
    }
}

row! {
    /// One host on one way.
    pub struct HopRow {
        /// `there` or `back`.
        pub way: &'static str,
        /// Which branch, where the way forks; from 1.
        pub branch: u32,
        /// Place on the way, from 1.
        pub hop: u32,
        /// Host that looks at the packet.
        pub host: String,
        /// Device it comes in by; absent where it begins.
        pub in_device: Option<String>,
        /// Source and destination as the packet leaves.
        pub packet: String as wide,
        /// Policy rule that led to the route.
        pub rule: Option<String>,
        /// The route as `ip route` prints it.
        pub route: Option<String>,
        /// Next hop.
        pub next_hop: Option<String>,
        /// Device it leaves by.
        pub out_device: Option<String>,
        /// Largest packet that passes, tunnel headers taken off.
        pub mtu: Option<u32>,
        /// What the host does with it.
        pub action: String,
        /// How the way ends; on its last host only.
        pub disposition: Option<Health>,
    }
}

row! {
    /// One direction of a trace.
    pub struct WayRow {
        /// `there` or `back`.
        pub way: &'static str,
        /// Where the packet starts.
        pub from: String,
        /// Where it goes.
        pub to: String,
        /// How it ends.
        pub disposition: Health,
        /// How many hosts see it, on the longest branch.
        pub hops: Option<u32>,
        /// Smallest MTU on the way.
        pub mtu: Option<u32>,
        /// Last host that sees it.
        pub last: Option<String>,
        /// Why it ends so.
        pub reason: Option<String>,
    }
}

row! {
    /// One pair.
    pub struct PairRow {
        /// Where packets start.
        pub from: String,
        /// Where they go.
        pub to: String,
        /// How they end.
        pub there: Health,
        /// How their answers end.
        pub back: Health,
        /// Last host that sees the packet.
        pub last: Option<String>,
        /// Smallest MTU there.
        pub mtu: Option<u32>,
        /// Why it does not arrive.
        pub reason: Option<String>,
    }
}

row! {
    /// How many pairs end in one way.
    pub struct CountRow {
        /// How they end.
        pub disposition: Health,
        /// How many ways between two nodes' pods, each direction counted.
        pub pairs: i64,
    }
}
