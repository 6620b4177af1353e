//! Findings of a whole cluster, told in bounded room.

use std::collections::{BTreeMap, BTreeSet};

use crate::Finding;

/// Findings of one code at most; the rest is counted. A cluster in which every pod is wrong has
/// one thing to say, not thirty thousand.
pub const PER_CODE: usize = 20;

/// Cuts what is told too often; the last one of a code says how many there are. What is true of
/// each part of a thing is told once of the thing.
pub fn bounded(mut found: Vec<Finding>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    found.retain(|it| seen.insert((it.code.clone(), it.subject.clone(), it.message.clone())));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for finding in &found {
        *counts.entry(finding.code.clone()).or_default() += 1;
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for mut finding in found {
        let n_told = told.entry(finding.code.clone()).or_default();
        *n_told += 1;
        if *n_told > PER_CODE {
            continue;
        }
        let more = counts[&finding.code].saturating_sub(PER_CODE);
        if *n_told == PER_CODE && more > 0 {
            finding.message = format!("{}; and {more} more of the same kind", finding.message);
        }
        kept.push(finding);
    }
    kept
}

/// Lines of evidence at most, where one finding is about many.
pub const LINES: usize = 5;

/// Adds evidence up to the bound, each line with its place, and says how much is left out.
pub fn evidence(
    mut finding: Finding,
    lines: impl IntoIterator<Item = (String, String)>,
) -> Finding {
    let mut n_more = 0_usize;
    for (at, (place, text)) in lines.into_iter().enumerate() {
        if at < LINES {
            finding = finding.evidence(place, text);
        } else {
            n_more += 1;
        }
    }
    if n_more > 0 {
        finding = finding.evidence("and more", n_more.to_string());
    }
    finding
}

/// Names in a sentence; many are counted.
pub fn some_of<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if first.len() < 4 => format!("{} and {last}", first.join(", ")),
        all => format!("{} and {} more", all[..3].join(", "), all.len() - 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_sentence_are_few() {
        let names = |n: usize| (0..n).map(|at| at.to_string()).collect::<Vec<_>>();
        assert_eq!(some_of(&names(0)), "");
        assert_eq!(some_of(&names(1)), "0");
        assert_eq!(some_of(&names(2)), "0 and 1");
        assert_eq!(some_of(&names(4)), "0, 1, 2 and 3");
        assert_eq!(some_of(&names(9)), "0, 1, 2 and 6 more");
    }
}
