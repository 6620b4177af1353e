//! Longest-prefix match over the routes of one table.
//!
//! Apart because it is the hot part, and because it knows prefixes only: which of the routes to
//! one prefix is taken is decided by its caller.
//!
//! A sorted array instead of a trie. A prefix sorts right before everything it covers, so the
//! last prefix that sorts before an address lies inside the longest one that holds it, and
//! walking from there to the covering prefixes finds it. One binary search, a step or two up,
//! eight bytes for each IPv4 prefix, and building is one sort of routes that the kernel prints
//! nearly sorted.

use std::{collections::HashMap, fmt::Debug, rc::Rc};

use crate::{
    AddressFamily, Prefix,
    iproute2::{Route, RouterPreference, TableId},
};

/// No covering prefix.
const NONE: u32 = u32::MAX;

/// A prefix as a number that sorts right before those of the prefixes it covers.
pub(super) trait Key: Copy + Ord + Debug {
    fn of(prefix: &Prefix) -> Self;
    fn covers(self, other: Self) -> bool;
    /// The largest key of a prefix that `self` covers.
    fn last_within(self) -> Self;
}

/// Address in the upper 32 bits, length in the lower 32.
impl Key for u64 {
    #[inline]
    fn of(prefix: &Prefix) -> Self {
        let address = (prefix.aligned() >> 64) as Self;
        address & 0xffff_ffff_0000_0000 | Self::from(prefix.len())
    }

    #[inline]
    fn covers(self, other: Self) -> bool {
        let len = self & 0xff;
        len <= (other & 0xff) && (len == 0 || (self ^ other) >> (64 - len) == 0)
    }

    #[inline]
    fn last_within(self) -> Self {
        self | (Self::MAX >> (self & 0xff)) & 0xffff_ffff_0000_0000 | 0xff
    }
}

/// Address and length.
impl Key for (u128, u8) {
    #[inline]
    fn of(prefix: &Prefix) -> Self {
        (prefix.aligned(), prefix.len())
    }

    #[inline]
    fn covers(self, other: Self) -> bool {
        self.1 <= other.1 && (self.1 == 0 || (self.0 ^ other.0) >> (128 - self.1) == 0)
    }

    #[inline]
    fn last_within(self) -> Self {
        (self.0 | u128::MAX.checked_shr(self.1.into()).unwrap_or(0), u8::MAX)
    }
}

/// The prefixes of one family of one table.
#[derive(Debug, Clone)]
pub(super) struct PrefixTable<K> {
    /// Each prefix once, sorted.
    keys: Vec<K>,
    /// For each prefix, the longest one that covers it.
    parents: Vec<u32>,
    /// For each prefix, where its routes start in `routes`; one more at the end.
    starts: Vec<u32>,
    /// Routes by prefix, then by rank.
    routes: Vec<u32>,
}

/// Order among the routes of one prefix: the longest source prefix, the lowest metric, the
/// highest router preference, then as printed.
type Rank = (u8, u32, u8);

fn rank(route: &Route) -> Rank {
    let from = route.extra.as_deref().and_then(|extra| extra.from).map_or(0, |from| from.len());
    let pref = match route.pref {
        Some(RouterPreference::High) => 0,
        Some(RouterPreference::Medium) | None => 1,
        Some(RouterPreference::Low) => 2,
    };
    (u8::MAX - from, route.metric, pref)
}

impl<K: Key> PrefixTable<K> {
    fn new(mut entries: Vec<(K, Rank, u32)>) -> Self {
        entries.sort_unstable();
        let mut table = Self {
            keys: Vec::with_capacity(entries.len()),
            parents: Vec::with_capacity(entries.len()),
            starts: Vec::with_capacity(entries.len() + 1),
            routes: Vec::with_capacity(entries.len()),
        };
        let mut parent = NONE;
        for (place, (key, _, route_idx)) in (0_u32..).zip(entries) {
            table.routes.push(route_idx);
            if table.keys.last() == Some(&key) {
                continue;
            }
            // The way up from the prefix before: whatever covers this one is on it.
            while parent != NONE && !table.keys[parent as usize].covers(key) {
                parent = table.parents[parent as usize];
            }
            table.parents.push(parent);
            parent = u32::try_from(table.keys.len()).unwrap_or(NONE);
            table.keys.push(key);
            table.starts.push(place);
        }
        table.starts.push(u32::try_from(table.routes.len()).unwrap_or(NONE));
        table
    }

    fn routes_at(&self, key_idx: usize) -> &[u32] {
        &self.routes[self.starts[key_idx] as usize..self.starts[key_idx + 1] as usize]
    }

    /// The routes of each prefix that covers `wanted` or equals it, longest prefix first.
    #[inline]
    fn matching(&self, wanted: K) -> Matching<'_, K> {
        let before = self.keys.partition_point(|key| *key <= wanted);
        let next = before.checked_sub(1).and_then(|last| u32::try_from(last).ok());
        Matching { table: self, wanted, next: next.unwrap_or(NONE) }
    }

    /// The routes to prefixes that `wanted` covers and does not equal.
    fn within(&self, wanted: K) -> &[u32] {
        let first = self.keys.partition_point(|key| *key <= wanted);
        let last = wanted.last_within();
        let end = self.keys.partition_point(|key| *key <= last).max(first);
        &self.routes[self.starts[first] as usize..self.starts[end] as usize]
    }
}

/// Walks from the longest prefix to the shortest.
struct Matching<'a, K> {
    table: &'a PrefixTable<K>,
    wanted: K,
    next: u32,
}

impl<'a, K: Key> Iterator for Matching<'a, K> {
    type Item = &'a [u32];

    #[inline]
    fn next(&mut self) -> Option<&'a [u32]> {
        while self.next != NONE {
            let key_idx = self.next as usize;
            self.next = self.table.parents[key_idx];
            if self.table.keys[key_idx].covers(self.wanted) {
                return Some(self.table.routes_at(key_idx));
            }
        }
        None
    }
}

/// Both families of one table.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    v4: PrefixTable<u64>,
    v6: PrefixTable<(u128, u8)>,
}

/// [`Matching`] of either family, without a box.
pub(super) struct Candidates<'a>(Family<'a>);

enum Family<'a> {
    V4(Matching<'a, u64>),
    V6(Matching<'a, (u128, u8)>),
}

impl<'a> Iterator for Candidates<'a> {
    type Item = &'a [u32];

    #[inline]
    fn next(&mut self) -> Option<&'a [u32]> {
        match &mut self.0 {
            Family::V4(matching) => matching.next(),
            Family::V6(matching) => matching.next(),
        }
    }
}

impl Tables {
    /// Indices of the routes of each prefix that covers this one or equals it, longest first.
    #[inline]
    pub(super) fn matching(&self, prefix: &Prefix) -> Candidates<'_> {
        Candidates(match prefix.family() {
            AddressFamily::V4 => Family::V4(self.v4.matching(Key::of(prefix))),
            AddressFamily::V6 => Family::V6(self.v6.matching(Key::of(prefix))),
        })
    }

    /// Indices of the routes to a part of the prefix.
    pub(super) fn within(&self, prefix: &Prefix) -> &[u32] {
        match prefix.family() {
            AddressFamily::V4 => self.v4.within(Key::of(prefix)),
            AddressFamily::V6 => self.v6.within(Key::of(prefix)),
        }
    }
}

/// Entries of one table before they are sorted.
#[derive(Default)]
struct Entries {
    v4: Vec<(u64, Rank, u32)>,
    v6: Vec<((u128, u8), Rank, u32)>,
}

/// Sorts routes into tables.
pub(super) fn build(routes: &[Rc<Route>]) -> (Vec<Tables>, HashMap<TableId, u32>) {
    let mut indices: HashMap<TableId, u32> = HashMap::new();
    let mut entries: Vec<Entries> = Vec::new();
    // Routes come table by table, so the map is asked once for each run.
    let mut last = None;
    for (route_idx, route) in (0_u32..).zip(routes) {
        let table_idx = match last {
            Some((table, table_idx)) if table == route.table => table_idx,
            _ => *indices.entry(route.table).or_insert_with(|| {
                entries.push(Entries::default());
                u32::try_from(entries.len() - 1).unwrap_or(NONE)
            }),
        };
        last = Some((route.table, table_idx));
        let entries = &mut entries[table_idx as usize];
        match route.family() {
            AddressFamily::V4 => entries.v4.push((Key::of(&route.dst), rank(route), route_idx)),
            AddressFamily::V6 => entries.v6.push((Key::of(&route.dst), rank(route), route_idx)),
        }
    }
    let tables = entries.into_iter().map(|entries| Tables {
        v4: PrefixTable::new(entries.v4),
        v6: PrefixTable::new(entries.v6),
    });
    (tables.collect(), indices)
}
