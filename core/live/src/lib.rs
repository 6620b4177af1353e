//! A live cluster behind [`lab_backend::Backend`]: objects from the API server, commands through
//! exec in the pods of the agent, commands on other machines over ssh.
//!
//! Apart from the offline sides of the seam because it alone brings a network, TLS and credentials.
//! The one thing that it ever writes to a cluster are debug pods, only when they are allowed, and it
//! deletes them again (`debug_pod.rs`); of the reviews of rights that it POSTs nothing is kept. It knows no table, no plugin and no terminal.
//! Product knowledge is in `agent.rs`, and in `relay` which asks the product's relay for flows.

mod agent;
mod agents;
mod api;
mod attempts;
mod chance;
mod connect;
mod debug_pod;
mod document;
mod exec;
mod failures;
#[cfg(test)]
mod fake_server;
mod fan_out;
mod hosts;
mod kinds;
mod live;
mod no_program;
mod node;
mod notes;
mod objects;
mod options;
mod proxy;
mod quote;
mod relay;
mod release;
mod running;
mod ssh;
mod ssh_folder;
mod transport;
mod watch;
mod ways;

pub use agent::NAMESPACE as AGENT_NAMESPACE;
pub use api::RoundTrip;
pub use debug_pod::leftovers::Leftover;
pub use kinds::{Resource, Row as KnownKind, all as known_kinds, known as known_kind};
pub use live::{Access, AgentState, Link, Live, Support, Tools, User, support, try_ssh};
pub use notes::Listener;
pub use options::{DebugPodOptions, ExtraHost, LiveOptions, RelayOptions};
pub use release::NoRelease;
pub use transport::{Reachability, Reached, Transport};
