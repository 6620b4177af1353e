//! Columns: where words become cells.
//!
//! Column ids and their order are a promise: add at the end only. Nothing is judged here.

use lab_plugin::{Health, row};

row! {
    /// One destination on one host.
    pub struct RouteRow {
        /// Host whose table it is.
        pub host: String,
        /// Destination network.
        pub destination: String,
        /// Gateway; absent when the destination is on the link.
        pub next_hop: Option<String>,
        /// Device it leaves by.
        pub device: Option<String>,
        /// Who installed it: kernel, static, bgp …
        pub protocol: Option<String>,
        /// Routing table.
        pub table: Option<String>,
        /// MTU of the route, or of its device.
        pub mtu: Option<u32>,
        /// Whose the destination is.
        pub owner: String,
        /// Observation against expectation; absent where nothing is expected.
        pub verdict: Option<Health>,
        /// What ought to be there, where it is not.
        pub expected: Option<String>,
        /// Scope of the route.
        pub scope: Option<String> as wide,
        /// Source address it prefers.
        pub source: Option<String> as wide,
        /// Metric, lower wins.
        pub metric: Option<u32> as wide,
        /// Route type: unicast, blackhole …
        pub r#type: Option<String> as wide,
        /// Flags: onlink, linkdown …
        pub flags: Option<String> as wide,
        /// The line as `ip route` prints it.
        pub line: Option<String> as wide,
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
