//! Findings: what is wrong with the rules of hosts, each with the very line and a way to cure it.
//!
//! One file for each family of checks. A check never sees a column and never asks a host; what is
//! not known fires nothing.

mod against_base;
mod each_host;
mod tools;
mod with_model;

use lab_plugin::Finding;

use crate::groups::Groups;
use crate::model::Fleet;

pub use with_model::{Outcome, expected};

/// Findings about hosts, alone and against each other.
pub fn hosts(fleet: &Fleet, groups: &Groups) -> Vec<Finding> {
    let mut found = Vec::new();
    against_base::check(fleet, groups, &mut found);
    each_host::check(fleet, &mut found);
    tools::check(fleet, &mut found);
    found
}

/// Findings about tools and dumps alone.
pub fn tools(fleet: &Fleet) -> Vec<Finding> {
    let mut found = Vec::new();
    tools::check(fleet, &mut found);
    found
}

/// `a, b and 3 more`: names for a message.
pub(crate) fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        0..=SHOWN => names.join(", "),
        many => format!("{} and {} more", names[..SHOWN].join(", "), many - SHOWN),
    }
}

/// The command that makes an agent install its rules anew.
fn restart(host: &str) -> String {
    format!(
        "kubectl -n kube-system delete pod -l k8s-app=cilium --field-selector spec.nodeName={host}"
    )
}
