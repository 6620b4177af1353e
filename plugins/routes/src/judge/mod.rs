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

use lab_plugin::Finding;

use crate::datapath::View;
use crate::matrix::Matrix;

pub use lost::check as check_ways;
pub use pair::{PairVerdict, pair};
pub use strays::{Stray, judge as judge_strays};
pub use verdict::Verdict;

/// A row that is not as it should be.
#[derive(Clone, Debug)]
pub struct Judged<'c> {
    /// Host whose table it is.
    pub host: usize,
    /// Position of the range in [`crate::model::Cluster::cidrs`].
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

/// The command whose output is quoted as evidence.
pub(crate) const ROUTES: &str = "ip -j route show table all";

/// A route's line for evidence; a word where there is none.
pub(crate) fn line(route: Option<&lab_model::iproute2::Route>) -> String {
    route.map_or_else(|| "no route".to_owned(), |route| route.to_string().replace("\n\t", " "))
}

/// `a, b and 3 more`: names for a message.
pub(crate) fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        0..=SHOWN => names.join(", "),
        many => format!("{} and {} more", names[..SHOWN].join(", "), many - SHOWN),
    }
}
