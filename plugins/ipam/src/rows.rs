//! Columns: where words become cells.
//!
//! Column ids and their order are a promise: add at the end only. Nothing is judged here.

use lab_plugin::{Fact, Health, Percent, Timestamp, row};

row! {
    /// One range of one node, or all of a family.
    pub struct RangeRow {
        /// The node; `*` for all.
        pub host: String,
        /// The pool or interface its addresses are from.
        pub pool: Option<String>,
        /// The range; of a list the subnet it is from.
        pub cidr: Option<String>,
        /// IPv4 or IPv6.
        pub family: Option<&'static str>,
        /// Who hands out addresses: ipam of cilium-config.
        pub mode: String,
        /// Addresses that can be handed out.
        pub total: Fact<i64>,
        /// Addresses in use, those of the node itself included.
        pub used: Fact<i64>,
        /// Addresses that are left.
        pub free: Fact<i64>,
        /// Share that is in use.
        pub used_share: Fact<Percent>,
        /// Addresses of the node itself: router, health, ingress.
        pub reserved: i64,
        /// Addresses that are handed out and held by nobody.
        pub leaked: Fact<i64>,
        /// The largest free block of addresses.
        pub largest_free: Option<String>,
        /// Where the range is written.
        pub source: Option<String> as wide,
        /// What the node says of it: in-use, depleted or released.
        pub status: Option<String> as wide,
        /// What the agent says is in use, with --deep.
        pub agent_used: Option<i64> as wide,
    }
}

row! {
    /// One range that nodes' ranges are cut from.
    pub struct PoolRow {
        /// The pool.
        pub pool: String,
        /// Its range.
        pub cidr: String,
        /// Length of what a node gets.
        pub mask_size: Fact<i64>,
        /// How many such parts there are.
        pub blocks: Fact<i64>,
        /// How many of them nodes have.
        pub blocks_used: Fact<i64>,
        /// How many are left: so many more nodes fit.
        pub more_nodes: Fact<i64>,
        /// So many more pods fit, on the nodes there are and on those that fit.
        pub more_pods: Fact<i64>,
        /// Share of the parts that is taken.
        pub used_share: Fact<Percent>,
        /// The largest part of the pool that no node has.
        pub largest_free: Option<String>,
        /// Addresses that each part gives.
        pub block_addresses: Fact<i64> as wide,
        /// Where it is written.
        pub source: String as wide,
    }
}

row! {
    /// One address.
    pub struct AddressRow {
        /// The address.
        pub ip: String,
        /// The node it is on.
        pub host: Option<String>,
        /// The pool, range or interface it is from.
        pub pool: Option<String>,
        /// Who has it: namespace/name of a pod, `router`, `health`, `ingress`, or `held by nobody`.
        pub owner: String,
        /// Since when.
        pub since: Option<Timestamp>,
        /// Who says so: pod, endpoint, ciliumnode, agent, agent-endpoint.
        pub sources: String,
        /// `ok`, or what is wrong.
        pub verdict: Health,
        /// The range it is counted in.
        pub cidr: Option<String> as wide,
        /// The identity of the pod.
        pub uid: Option<String> as wide,
    }
}

row! {
    /// One thing that is known of an address.
    pub struct WhoRow {
        /// The address.
        pub ip: String,
        /// What it is: pod, router, node, service, range, pool …
        pub what: &'static str,
        /// Its name.
        pub name: String,
        /// The node.
        pub host: Option<String>,
        /// Where it is written.
        pub source: String,
        /// The very line.
        pub line: String,
    }
}

row! {
    /// One question of a plan.
    pub struct PlanRow {
        /// The pool.
        pub pool: String,
        /// Its range.
        pub cidr: String,
        /// What is asked: ranges for nodes, or addresses for pods.
        pub question: &'static str,
        /// What there is with the mask size in force.
        pub now: Fact<i64>,
        /// What there would be.
        pub planned: Fact<i64>,
        /// What is needed.
        pub needed: Fact<i64>,
        /// `fits`, or not.
        pub verdict: Fact<Health>,
    }
}

row! {
    /// One setting that a plan changes.
    pub struct ChangeRow {
        /// The setting.
        pub setting: String,
        /// What it is.
        pub now: Fact<String>,
        /// What it would be.
        pub planned: String,
        /// What follows from that.
        pub note: String,
    }
}
