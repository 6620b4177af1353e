//! Hosts with equal rules, and the base that others are compared with.
//!
//! Apart from `judge` because it finds nothing wrong: it only says who is alike.

use std::collections::HashMap;

use lab_netfilter::changed::{Difference, differences};
use lab_netfilter::digest::Digests;

use crate::model::{Family, Fleet};

/// Hosts with equal rules in both families.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Their places in the fleet, in its order.
    pub hosts: Vec<usize>,
    /// A short name of their rules.
    pub digest: String,
    /// Differences from the base, by family; none for the base.
    pub differences: Vec<(Family, Difference)>,
}

/// All groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The base first, then the largest.
    pub groups: Vec<Group>,
    /// How the base was chosen.
    pub base: Base,
    /// Hosts whose rules are not known.
    pub unread: Vec<usize>,
}

/// How the base was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// More hosts have its rules than any others.
    Majority,
    /// Others have as many hosts; it has the first host of the cluster.
    First,
    /// The user named a host of it.
    Named,
}

/// Groups hosts; `base` names the one to compare with, a place in the fleet.
pub fn group(fleet: &Fleet, compared: &[usize], base: Option<usize>) -> Groups {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut unread = Vec::new();
    for idx in compared.iter().copied() {
        let host = &fleet.hosts[idx];
        // Of a dump that was cut nobody knows what is missing on the host.
        let Some(v4) = host.set(Family::V4).filter(|set| !set.is_partial()) else {
            unread.push(idx);
            continue;
        };
        let mut print = fleet.store.fingerprint(v4);
        print.push(u32::MAX);
        // Hosts whose IPv6 rules are not known are not told apart by them.
        if let Some(v6) = host.set(Family::V6).filter(|set| !set.is_partial()) {
            print.extend(fleet.store.fingerprint(v6));
        }
        let at = *known.entry(print).or_insert_with(|| {
            groups.push(Group {
                hosts: Vec::new(),
                digest: String::new(),
                differences: Vec::new(),
            });
            groups.len() - 1
        });
        groups[at].hosts.push(idx);
    }
    let mut digests = Digests::default();
    for group in &mut groups {
        group.digest = digest(fleet, group.hosts[0], &mut digests);
    }
    groups.sort_by_key(|group| (std::cmp::Reverse(group.hosts.len()), group.hosts[0]));
    let place = base.and_then(|base| groups.iter().position(|group| group.hosts.contains(&base)));
    let how = match place {
        Some(place) => {
            let named = groups.remove(place);
            groups.insert(0, named);
            Base::Named
        }
        None if groups.get(1).is_some_and(|second| second.hosts.len() == groups[0].hosts.len()) => {
            Base::First
        }
        None => Base::Majority,
    };
    if let Some((first, others)) = groups.split_first_mut() {
        let base =
            &fleet.hosts[base.filter(|base| first.hosts.contains(base)).unwrap_or(first.hosts[0])];
        for group in others {
            let host = &fleet.hosts[group.hosts[0]];
            for family in Family::BOTH {
                let (Some(old), Some(new)) = (base.set(family), host.set(family)) else { continue };
                if old.is_partial() || new.is_partial() {
                    continue;
                }
                let found = differences(&fleet.store, old, new);
                group.differences.extend(found.into_iter().map(|it| (family, it)));
            }
        }
    }
    Groups { groups, base: how, unread }
}

fn digest(fleet: &Fleet, host: usize, digests: &mut Digests) -> String {
    let [v4, v6] = Family::BOTH
        .map(|family| fleet.hosts[host].set(family).map_or(0, |set| digests.of(&fleet.store, set)));
    format!("{:08x}", v4.wrapping_add(v6.rotate_left(32)) >> 32)
}

impl Groups {
    /// The base's first host.
    pub fn base_host(&self) -> Option<usize> {
        self.groups.first()?.hosts.first().copied()
    }
}
