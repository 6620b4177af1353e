//! Where a packet goes: a walk over the forwarding tables of many hosts, one lookup at each.
//!
//! Pure and generic: a [`Network`] answers what each host's tables, devices and datapath say,
//! and the walk does what the kernel would do with it, host after host. It follows every next
//! hop of a multipath route, notices loops, and always ends. Knows nothing of Kubernetes.
//!
//! [`trace`] keeps every hop for people; [`fate`] only says how it ends, and allocates nothing
//! unless a path forks.

mod disposition;
mod flow;
mod forward;
mod hop;
mod lookup;
mod network;
#[cfg(test)]
mod tests;

pub use disposition::Disposition;
pub use flow::{Flow, HostIdx, Packet, unspecified_like};
pub use forward::{MOST_BRANCHES, MOST_HOPS, fate, trace, walk};
pub use hop::{Branch, Hop, Step, Steps, Summary, Trace, Visitor};
pub use network::{Arrival, Departure, End, Leg, Neighbor, Network, Reason, Wrap};
