//! A live cluster behind [`lab_backend::Backend`]: objects from the API server, commands through
//! exec in the pods of the agent, commands on other machines over ssh.
//!
//! Apart from the offline sides of the seam because it alone brings a network, TLS and credentials.
//! It never writes to a cluster and knows no table, no plugin and no terminal. The only product
//! knowledge is in `agent.rs`.

mod agent;
mod api;
mod connect;
mod document;
mod exec;
mod failures;
#[cfg(test)]
mod fake_server;
mod fan_out;
mod hosts;
mod kinds;
mod live;
mod objects;
mod options;
mod proxy;
mod quote;
mod running;
mod ssh;
mod ssh_folder;
mod watch;

pub use live::Live;
pub use options::{ExtraHost, LiveOptions};
