//! Records of a host's network state, and the parsers of what `ip` prints.
//!
//! Apart from [`crate::fib`] because these are observations only: what is configured, not what a
//! packet would meet. It must not know Kubernetes or Cilium.
//!
//! Every parser returns the records it understood and a [`Problem`](crate::Problem) for each
//! entry or line it did not; none fails as a whole. JSON (`ip -j`) is preferred: text says less
//! and its columns vary. Both forms fill the same records, and `read_…` takes either.

mod address;
mod either;
mod flags;
mod link;
mod local;
mod name;
mod neighbor;
mod route;
mod route_builder;
mod route_plain;
mod route_reader;
mod route_text;
mod routes;
mod rule;
mod rule_text;
mod words;

#[cfg(test)]
mod tests;

pub use address::{Address, parse_addresses, parse_addresses_text};
pub use either::{read_addresses, read_links, read_neighbors, read_routes, read_rules};
pub use flags::RouteFlags;
pub use link::{Link, parse_links, parse_links_text};
pub use local::local_routes;
pub use name::DeviceName;
pub use neighbor::{Neighbor, NeighborState, parse_neighbors, parse_neighbors_text};
pub use route::{Leg, NextHop, Route, RouteExtra};
pub use route_reader::RouteReader;
pub use route_text::parse_routes_text;
pub use routes::parse_routes;
pub use rule::{IpRule, Mark, RuleAction, parse_rules};
pub use rule_text::parse_rules_text;
pub use words::{Protocol, RouteType, RouterPreference, Scope, TableId};
