//! What the charts of Cilium write into `cilium-config`, and the versions by which they differ.
//!
//! A crate of its own because more than one plugin goes by it. What a chart writes by itself
//! ([`defaults`]) is apart from what else it can do ([`chart`]): a plugin carries only the tables
//! that it names. It must not know what a cluster has.

pub mod chart;
pub mod defaults;
pub mod version;
