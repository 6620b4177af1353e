//! How one chain differs from another: a longest common subsequence over the rules' forms.
//!
//! Apart from [`crate::changed`] because it knows rules as numbers only. It must not know what a
//! rule says, but for asking whether two are alike.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// For comparing one pair of chains; after it hunks are larger than need be.
const PATIENCE: Duration = Duration::from_secs(2);
/// Rules of a hunk that are weighed against each other; larger hunks are shown as they are.
const PAIRED: usize = 64;

/// One difference; places are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A rule that the base has not.
    Added {
        /// Its place.
        new: usize,
    },
    /// A rule that only the base has.
    Removed {
        /// Its place in the base.
        old: usize,
    },
    /// The same rule elsewhere in the chain.
    Moved {
        /// Its place in the base.
        old: usize,
        /// Its place.
        new: usize,
    },
    /// A rule in the place of another one that is like it.
    Changed {
        /// The place in the base.
        old: usize,
        /// Its place.
        new: usize,
    },
}

impl Change {
    /// Where it stands among the others: first what the base has.
    const fn order(self) -> (usize, usize) {
        match self {
            Self::Removed { old } => (old, 0),
            Self::Moved { new, .. } | Self::Changed { new, .. } | Self::Added { new } => (new, 1),
        }
    }
}

/// What is different in `new`; `are_alike` says of two places whether one rule could be the other
/// one with a word changed.
pub fn changes(
    old: &[u32],
    new: &[u32],
    mut are_alike: impl FnMut(usize, usize) -> bool,
) -> Vec<Change> {
    let deadline = Instant::now() + PATIENCE;
    let ops = capture_diff_slices_deadline(Algorithm::Myers, old, new, Some(deadline));
    let mut gone: Vec<(usize, usize)> = Vec::new();
    let mut come: Vec<(usize, usize)> = Vec::new();
    for (hunk, op) in hunks(&ops) {
        match *op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_index, old_len, .. } => {
                gone.extend((old_index..old_index + old_len).map(|at| (hunk, at)));
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                come.extend((new_index..new_index + new_len).map(|at| (hunk, at)));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                gone.extend((old_index..old_index + old_len).map(|at| (hunk, at)));
                come.extend((new_index..new_index + new_len).map(|at| (hunk, at)));
            }
        }
    }
    let mut found = Vec::new();

    let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
    for (idx, (_, at)) in gone.iter().enumerate().rev() {
        places.entry(old[*at]).or_default().push(idx);
    }
    let mut is_gone = vec![true; gone.len()];
    let mut is_come = vec![true; come.len()];
    for (idx, (_, at)) in come.iter().enumerate() {
        if let Some(from) = places.get_mut(&new[*at]).and_then(Vec::pop) {
            is_gone[from] = false;
            is_come[idx] = false;
            found.push(Change::Moved { old: gone[from].1, new: *at });
        }
    }

    for idx in 0..come.len() {
        if !is_come[idx] {
            continue;
        }
        let (hunk, at) = come[idx];
        let first = gone.partition_point(|(of, _)| *of < hunk);
        let last = gone.partition_point(|(of, _)| *of <= hunk);
        if last - first > PAIRED {
            continue;
        }
        let pair = (first..last).find(|from| is_gone[*from] && are_alike(gone[*from].1, at));
        if let Some(from) = pair {
            is_gone[from] = false;
            is_come[idx] = false;
            found.push(Change::Changed { old: gone[from].1, new: at });
        }
    }

    let still = |flags: &[bool], idx: usize| flags[idx];
    found.extend(
        gone.iter()
            .enumerate()
            .filter(|(idx, _)| still(&is_gone, *idx))
            .map(|(_, (_, at))| Change::Removed { old: *at }),
    );
    found.extend(
        come.iter()
            .enumerate()
            .filter(|(idx, _)| still(&is_come, *idx))
            .map(|(_, (_, at))| Change::Added { new: *at }),
    );
    found.sort_by_key(|change| change.order());
    found
}

/// Operations with the number of the hunk they are in: equal rules part hunks.
fn hunks(ops: &[DiffOp]) -> impl Iterator<Item = (usize, &DiffOp)> {
    let mut hunk = 0;
    ops.iter().map(move |op| {
        if matches!(op, DiffOp::Equal { .. }) {
            hunk += 1;
        }
        (hunk, op)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(old: &[u32], new: &[u32], expected: &[Change]) {
        // Rules of the same ten are alike.
        let found = changes(old, new, |one, other| old[one] / 10 == new[other] / 10);
        assert_eq!(found, expected, "{old:?} {new:?}");
    }

    #[test]
    fn each_kind_of_difference_is_named() {
        check(&[1, 2, 3], &[1, 2, 3], &[]);
        check(&[10, 20, 30], &[10, 30], &[Change::Removed { old: 1 }]);
        check(&[10, 30], &[10, 20, 30], &[Change::Added { new: 1 }]);
        check(&[10, 20, 30], &[20, 30, 10], &[Change::Moved { old: 0, new: 2 }]);
        check(&[10, 20, 30], &[10, 21, 30], &[Change::Changed { old: 1, new: 1 }]);
        check(&[10, 20, 30], &[10, 20, 20, 30], &[Change::Added { new: 2 }]);
        check(&[10], &[20], &[Change::Removed { old: 0 }, Change::Added { new: 0 }]);
        check(&[], &[1], &[Change::Added { new: 0 }]);
    }

    proptest! {
        /// Applied to the base, the differences give the other list.
        #[test]
        fn differences_lead_from_one_to_the_other(
            old in prop::collection::vec(0u32..12, 0..12), new in prop::collection::vec(0u32..12, 0..12)
        ) {
            let found = changes(&old, &new, |one, other| old[one] / 4 == new[other] / 4);
            let mut left: Vec<Option<u32>> = old.iter().copied().map(Some).collect();
            let mut at_new = vec![None; new.len()];
            for change in &found {
                match *change {
                    Change::Removed { old } => left[old] = None,
                    Change::Added { new: at } => at_new[at] = Some(new[at]),
                    Change::Moved { old: from, new: at } | Change::Changed { old: from, new: at } => {
                        if matches!(change, Change::Moved { .. }) {
                            prop_assert_eq!(old[from], new[at]);
                        }
                        left[from] = None;
                        at_new[at] = Some(new[at]);
                    }
                }
            }
            let mut kept = left.into_iter().flatten();
            let made: Vec<u32> = at_new.into_iter().filter_map(|it| it.or_else(|| kept.next())).collect();
            prop_assert_eq!(made, new);
            prop_assert_eq!(kept.next(), None);
        }
    }
}
