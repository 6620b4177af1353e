//! Bundles that other tools collected, as backends: a Cilium sysdump, and the folder of
//! `kubectl cluster-info dump`.
//!
//! A sysdump holds objects as YAML lists, and what the agents' bugtool printed: mostly the
//! text forms of commands. A question is answered when exactly that was asked when the
//! sysdump was made ([`commands`] and [`kinds`] are the tables from question to file), and is
//! *unavailable* otherwise; whoever would rather have JSON asks for the text when there is
//! none. Only files that an answer needs are inflated.
//!
//! ```text
//! cilium-sysdump-<time>/                                   of the CLI 0.15 to 0.19
//!   k8s-nodes-<time>.yaml, ciliumnodes-<time>.yaml, …      lists, `items` before `kind`
//!   cilium-configmap-<time>.yaml, …                        single objects
//!   cilium-bugtool-<pod>-<time>/cmd/ip--4-r.md, …          one file for each command
//!   cilium-bugtool-<pod>-<time>.tar.gz                     instead, when unpacking had failed
//!   logs-<pod>-<container>-<time>.log, …-<time>-prev.log
//! ```

mod agents;
mod ahead;
mod body;
mod bugtool;
mod cluster_info;
mod commands;
mod kinds;
mod layout;
mod load;
mod packed;
mod reader;
mod store;

pub use cluster_info::ClusterInfo;
pub use reader::Sysdump;
