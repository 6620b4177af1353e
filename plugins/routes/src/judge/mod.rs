//! The model against what ought to be: verdicts of rows, and findings.
//!
//! One file for each family of checks; each takes what was judged and adds findings. A check
//! never sees a column and never asks a host.

mod agents;
mod lost;
mod pair;
mod ranges;
mod routes;
mod rules;
mod strays;
#[cfg(test)]
mod tests;
mod verdict;

use lab_forwarding::datapath::View;
use lab_forwarding::matrix::Matrix;
use lab_plugin::Finding;

pub use lost::check as check_ways;
pub use pair::{PairVerdict, pair};
pub use strays::{Stray, judge as judge_strays};
pub use verdict::Verdict;

/// A row that is not as it should be.
#[derive(Clone, Debug)]
pub struct Judged<'c> {
    /// Host whose table it is.
    pub host: usize,
    /// Position of the range in [`lab_forwarding::model::Cluster::cidrs`].
    pub cidr: usize,
    /// What was found.
    pub pair: PairVerdict<'c>,
}

/// Everything the findings rest on.
pub struct Facts<'f, 'c> {
    /// The cluster as walks see it.
    pub view: &'f View<'c>,
    /// Rows that are not as they should be.
    pub judged: &'f [Judged<'c>],
    /// Routes to ranges nobody owns.
    pub strays: &'f [Stray<'c>],
    /// Ways between all ranges.
    pub matrix: &'f Matrix<'f>,
}

/// Every finding, family by family.
pub fn findings(facts: &Facts<'_, '_>) -> Vec<Finding> {
    let mut found = Vec::new();
    lost::check(facts, &mut found);
    routes::check(facts, &mut found);
    strays::check(facts, &mut found);
    ranges::check(facts, &mut found);
    rules::check(facts, &mut found);
    agents::check(facts, &mut found);
    found
}
