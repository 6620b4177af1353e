//! Pairs that share an end, so that one fault is one finding and not one for each pair.

use std::collections::BTreeMap;

use crate::rounds::Probe;

/// What the pairs of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shared {
    /// Their destination.
    Target(usize),
    /// Their sender.
    Source(usize),
}

/// Pairs with one end in common.
pub(super) struct Group<'p> {
    pub(super) shared: Shared,
    pub(super) probes: Vec<&'p Probe>,
}

/// Puts pairs together by the end that most of them share, again and again.
pub(super) fn groups(mut probes: Vec<&Probe>) -> Vec<Group<'_>> {
    let mut made = Vec::new();
    while !probes.is_empty() {
        let shared = most_shared(&probes);
        let (own, rest): (Vec<&Probe>, Vec<&Probe>) =
            probes.into_iter().partition(|probe| shared.is_of(probe));
        probes = rest;
        made.push(Group { shared, probes: own });
    }
    made
}

fn most_shared(probes: &[&Probe]) -> Shared {
    let mut counts = BTreeMap::new();
    for probe in probes {
        *counts.entry(Shared::Target(probe.target)).or_insert(0_usize) += 1;
        *counts.entry(Shared::Source(probe.source)).or_insert(0_usize) += 1;
    }
    // The first of those that are equal: of a pair alone its destination, which is asked about.
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(Shared::Target(0), |(shared, _)| shared)
}

impl Shared {
    fn is_of(self, probe: &Probe) -> bool {
        match self {
            Self::Target(target) => probe.target == target,
            Self::Source(source) => probe.source == source,
        }
    }
}
