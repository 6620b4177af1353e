//! Asks: one command on every host, all at once.
//!
//! The only stage that waits. An answer is folded into its group the moment it comes, so that a
//! thousand equal ones are held once.

use std::collections::BTreeMap;

use lab_plugin::hosts::{self, Kind};
use lab_plugin::{Batch, Failure, Place, partial};

use crate::fold::Groups;

/// Where the command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// In the network of every host.
    Host,
    /// In the Cilium agent of every node.
    Agent,
}

/// Who was asked, and what came.
#[derive(Debug)]
pub struct Asked {
    /// In the order of the host program.
    pub hosts: Vec<String>,
    /// Answers, by places of their hosts in `hosts`.
    pub groups: Groups,
}

/// Runs the command everywhere. A host without an answer is told, and the others go on.
///
/// # Errors
/// Only when the hosts themselves cannot be listed.
pub fn collect(at: At, argv: &[&str]) -> Result<Asked, Failure> {
    let listed = hosts::list()?;
    // Hosts beside the cluster have no agent, so there is nothing to ask them.
    let listed = listed.into_iter().filter(|host| at == At::Host || host.kind == Kind::Node);
    let hosts: Vec<String> = listed.map(|host| host.name).collect();
    let mut batch = Batch::new();
    for host in &hosts {
        let place = match at {
            At::Host => Place::host(host),
            At::Agent => Place::agent(host),
        };
        batch.add(&place, argv);
    }
    let mut groups = Groups::default();
    let mut silent = BTreeMap::new();
    for (index, answer) in batch.as_they_come() {
        let host = index as usize;
        match answer {
            Ok(outcome) => groups.add(host, outcome),
            Err(failure) => {
                silent.insert(host, failure);
            }
        }
    }
    for (host, failure) in &silent {
        partial(&hosts[*host], failure);
    }
    Ok(Asked { hosts, groups })
}
