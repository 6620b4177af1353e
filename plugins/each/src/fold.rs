//! Folds answers: equal ones become one group, of which one copy is kept.
//!
//! Apart because it is what bounds memory: a thousand answers of a megabyte have to fit, equal or
//! not. What does not fit is cut at the end and says so; it is still compared whole, by its hash.
//! Knows no host but as a number.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use lab_plugin::Outcome;

/// Of one stream of one answer.
const MOST_OF_ONE: usize = 4 << 20;
/// Of all different answers together.
const MOST_OF_ALL: usize = 32 << 20;

/// What a command wrote to one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Its beginning, or all of it.
    pub bytes: Vec<u8>,
    /// How much it was.
    pub len: usize,
}

impl Stream {
    /// Whether less was kept than was written.
    pub fn is_cut(&self) -> bool {
        self.bytes.len() < self.len
    }

    /// The whole as text; none if it is not UTF-8.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        std::str::from_utf8(&self.bytes).ok().map(Cow::Borrowed)
    }

    fn keep(mut bytes: Vec<u8>, room: &mut usize) -> Self {
        let len = bytes.len();
        bytes.truncate(MOST_OF_ONE.min(*room));
        bytes.shrink_to_fit();
        *room -= bytes.len();
        Self { bytes, len }
    }

    fn is_of(&self, bytes: &[u8]) -> bool {
        self.len == bytes.len() && bytes.starts_with(&self.bytes)
    }
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Exit status.
    pub code: i32,
    /// Standard output.
    pub out: Stream,
    /// Standard error.
    pub err: Stream,
    /// The host program had cut it already.
    pub truncated: bool,
}

/// Hosts with the same answer.
#[derive(Clone, Debug)]
pub struct Group {
    /// The answer.
    pub answer: Answer,
    /// Places of the hosts, ascending.
    pub hosts: Vec<usize>,
}

/// Every different answer.
#[derive(Debug)]
pub struct Groups {
    found: Vec<Group>,
    by_hash: HashMap<u64, Vec<usize>>,
    /// Keyed at random, so that no host can make its answer look like another's.
    hasher: RandomState,
    room: usize,
}

impl Default for Groups {
    fn default() -> Self {
        Self::with_room(MOST_OF_ALL)
    }
}

impl Groups {
    fn with_room(room: usize) -> Self {
        let (found, by_hash) = (Vec::new(), HashMap::new());
        Self { found, by_hash, hasher: RandomState::new(), room }
    }

    /// Adds the answer of a host.
    pub fn add(&mut self, host: usize, outcome: Outcome) {
        let hash = self.hash(&outcome);
        let candidates = self.by_hash.entry(hash).or_default();
        let known = candidates.iter().copied().find(|&group| {
            let known = &self.found[group].answer;
            known.code == outcome.code
                && known.truncated == outcome.truncated
                && known.out.is_of(&outcome.out)
                && known.err.is_of(&outcome.err)
        });
        if let Some(known) = known {
            self.found[known].hosts.push(host);
            return;
        }
        candidates.push(self.found.len());
        // Errors first: they are short, and say why the rest is what it is.
        let err = Stream::keep(outcome.err, &mut self.room);
        let out = Stream::keep(outcome.out, &mut self.room);
        let answer = Answer { code: outcome.code, out, err, truncated: outcome.truncated };
        self.found.push(Group { answer, hosts: vec![host] });
    }

    /// The groups, largest first; of equal ones the one with the first host.
    pub fn sorted(self) -> Vec<Group> {
        let mut groups = self.found;
        for group in &mut groups {
            group.hosts.sort_unstable();
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.hosts.len()), group.hosts[0]));
        groups
    }

    fn hash(&self, outcome: &Outcome) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_i32(outcome.code);
        hasher.write_u8(outcome.truncated.into());
        hasher.write_usize(outcome.out.len());
        hasher.write(&outcome.out);
        hasher.write(&outcome.err);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome(code: i32, out: &str, err: &str) -> Outcome {
        Outcome { code, out: out.into(), err: err.into(), truncated: false }
    }

    fn hosts(groups: Groups) -> Vec<Vec<usize>> {
        groups.sorted().into_iter().map(|group| group.hosts).collect()
    }

    #[test]
    fn equal_answers_are_one_group_and_the_largest_comes_first() {
        let mut groups = Groups::default();
        for (host, outcome) in [
            (4, outcome(0, "b", "")),
            (3, outcome(0, "a", "")),
            (0, outcome(0, "a", "")),
            (1, outcome(1, "a", "")),
            (2, outcome(0, "", "a")),
            (5, Outcome { truncated: true, ..outcome(0, "a", "") }),
        ] {
            groups.add(host, outcome);
        }
        assert_eq!(hosts(groups), [vec![0, 3], vec![1], vec![2], vec![4], vec![5]]);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_still_told_apart() {
        let mut groups = Groups::with_room(10);
        for (host, out) in ["aaaaaaaa", "bbbbbbb1", "bbbbbbb2", "bbbbbbb1", "bb"].iter().enumerate()
        {
            groups.add(host, outcome(0, out, ""));
        }
        let sorted = groups.sorted();
        let kept: Vec<(usize, usize, Vec<usize>)> = sorted
            .iter()
            .map(|it| (it.answer.out.bytes.len(), it.answer.out.len, it.hosts.clone()))
            .collect();
        let expected = [(2, 8, vec![1, 3]), (8, 8, vec![0]), (0, 8, vec![2]), (0, 2, vec![4])];
        assert_eq!(kept, expected);
        assert!(sorted[0].answer.out.is_cut() && !sorted[1].answer.out.is_cut());
    }

    #[test]
    fn one_answer_does_not_take_the_room_of_all() {
        let mut groups = Groups::default();
        groups.add(0, Outcome { code: 0, out: vec![b'x'; 5 << 20], err: vec![], truncated: false });
        let answer = &groups.sorted()[0].answer;
        assert_eq!((answer.out.bytes.len(), answer.out.len), (4 << 20, 5 << 20));
    }

    proptest! {
        /// Against a naive reading: the same answers stand together, in whatever order they come,
        /// and however little of them is kept.
        #[test]
        fn groups_are_the_classes_of_equality(
            answers in prop::collection::vec((0_i32..2, "[ab]{0,3}", "[ab]{0,1}"), 1..20),
            room in 0_usize..20,
        ) {
            let mut groups = Groups::with_room(room);
            for (host, (code, out, err)) in answers.iter().enumerate().rev() {
                groups.add(host, outcome(*code, out, err));
            }
            let mut seen = 0;
            for group in hosts(groups) {
                let first = &answers[group[0]];
                let alike: Vec<usize> =
                    (0..answers.len()).filter(|&host| answers[host] == *first).collect();
                prop_assert_eq!(&group, &alike);
                seen += group.len();
            }
            prop_assert_eq!(seen, answers.len());
        }
    }
}
