//! Domain nouns of Kubernetes, Cilium and Linux routing, and the parsers that more than one
//! plugin needs.
//!
//! Apart from the plugins because all of it is pure: text in, records and problems out. It must
//! not know a host, a cluster connection, a column or a finding.
//!
//! Reading order: [`prefix`] and [`problem`], then [`iproute2`] (what a host prints), [`fib`]
//! (what its kernel would do with it), [`kubernetes`] and [`cilium`] (what the cluster's objects
//! say), [`iptables`], and [`monitor`] (what the agents see).

pub mod cilium;
pub mod fib;
pub mod iproute2;
pub mod iptables;
pub mod kubernetes;
pub mod monitor;
pub mod prefix;
pub mod problem;
mod scan;
pub mod walk;

pub use prefix::{AddressFamily, Prefix};
pub use problem::Problem;
