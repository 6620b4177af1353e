//! Ranges in order: which ones overlap, and which ones hold an address.
//!
//! Two prefixes overlap only when one covers the other, so sorting them makes a tree: every
//! overlap is a range and the nearest one around it. Finding all of them costs no more than
//! sorting; listing every pair would be quadratic for ranges that all lie in each other.

use std::net::IpAddr;

use lab_model::{AddressFamily, Prefix};

/// No range around it.
const NONE: u32 = u32::MAX;

/// Ranges sorted, each with the nearest one around it. What is the same range twice is one
/// entry with two holders.
#[derive(Clone, Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    /// Positions in the list that was given, grouped by entry.
    holders: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Entry {
    prefix: Prefix,
    around: u32,
    from: u32,
    to: u32,
}

impl Index {
    /// Sorts ranges. Holders are positions in `prefixes`, in their order.
    pub fn new(prefixes: impl IntoIterator<Item = Prefix>) -> Self {
        let mut sorted: Vec<(Prefix, u32)> = prefixes.into_iter().zip(0..).collect();
        sorted.sort_unstable();
        let mut entries: Vec<Entry> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        for (at, (prefix, _)) in (0..).zip(&sorted) {
            if let Some(last) = entries.last_mut()
                && last.prefix == *prefix
            {
                last.to = at + 1;
                continue;
            }
            while let Some(top) = open.last() {
                if entries[*top as usize].prefix.covers(prefix) {
                    break;
                }
                open.pop();
            }
            let around = open.last().copied().unwrap_or(NONE);
            open.push(u32::try_from(entries.len()).unwrap_or(NONE));
            entries.push(Entry { prefix: *prefix, around, from: at, to: at + 1 });
        }
        Self { entries, holders: sorted.into_iter().map(|(_, holder)| holder).collect() }
    }

    /// The ranges that hold an address, the smallest first, each with its holders.
    pub fn holding(&self, ip: IpAddr) -> impl Iterator<Item = (Prefix, &[u32])> {
        let family = AddressFamily::of(ip);
        let behind = self.entries.partition_point(|entry| {
            (entry.prefix.family(), entry.prefix.address()) <= (family, ip)
        });
        let mut at = u32::try_from(behind).unwrap_or(NONE).checked_sub(1);
        std::iter::from_fn(move || {
            loop {
                let entry = self.entries.get(at? as usize)?;
                at = Some(entry.around).filter(|around| *around != NONE);
                if entry.prefix.contains(ip) {
                    return Some((entry.prefix, self.holders_of(entry)));
                }
            }
        })
    }

    fn holders_of(&self, entry: &Entry) -> &[u32] {
        &self.holders[entry.from as usize..entry.to as usize]
    }

    /// Every range that is held more than once or lies in another: the range, its holders, and
    /// the nearest range around it with its holders.
    pub fn overlaps(&self) -> impl Iterator<Item = Overlap<'_>> {
        self.entries.iter().filter_map(move |entry| {
            let around = self.entries.get(entry.around as usize);
            let holders = self.holders_of(entry);
            (holders.len() > 1 || around.is_some()).then(|| Overlap {
                prefix: entry.prefix,
                holders,
                around: around.map(|around| (around.prefix, self.holders_of(around))),
            })
        })
    }

    /// Every range that overlaps another one: those around it and those inside, in order.
    pub fn overlapping(&self, prefix: Prefix) -> impl Iterator<Item = (Prefix, &[u32])> {
        let from = self.entries.partition_point(|entry| entry.prefix < prefix);
        let inside = self.entries[from..].iter();
        let inside = inside.take_while(move |entry| prefix.covers(&entry.prefix));
        let around = self.holding(prefix.address());
        let around =
            around.filter(move |(other, _)| other.len() < prefix.len() && other.covers(&prefix));
        around.chain(inside.map(move |entry| (entry.prefix, self.holders_of(entry))))
    }
}

/// A range that is not alone.
#[derive(Clone, Copy, Debug)]
pub struct Overlap<'i> {
    /// The range.
    pub prefix: Prefix,
    /// Who holds it.
    pub holders: &'i [u32],
    /// The nearest range around it and who holds that.
    pub around: Option<(Prefix, &'i [u32])>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn index(texts: &[&str]) -> Index {
        Index::new(texts.iter().map(|text| prefix(text)))
    }

    #[test]
    fn what_overlaps_is_found_with_its_holders() {
        let index =
            index(&["10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16", "10.0.1.0/24", "fd00::/8"]);
        let found: Vec<(String, Vec<u32>, Option<String>)> = index
            .overlaps()
            .map(|it| {
                (it.prefix.to_string(), it.holders.to_vec(), it.around.map(|(p, _)| p.to_string()))
            })
            .collect();
        let around = Some("10.0.0.0/16".to_owned());
        assert_eq!(
            found,
            [
                ("10.0.0.0/24".to_owned(), vec![0], around.clone()),
                ("10.0.1.0/24".to_owned(), vec![1, 3], around),
            ]
        );
        assert_eq!(self::index(&["10.0.0.0/24", "10.0.1.0/24"]).overlaps().count(), 0);
        assert_eq!(self::index(&[]).overlaps().count(), 0);
        // The whole of one family says nothing about the other.
        assert_eq!(self::index(&["0.0.0.0/0", "fd00::/8"]).overlaps().count(), 0);
    }

    #[test]
    fn addresses_find_the_smallest_range_first() {
        let index = index(&["10.0.0.0/8", "10.0.0.0/24", "10.0.0.7/32", "10.0.0.9/32"]);
        let ip: IpAddr = "10.0.0.200".parse().unwrap();
        let found: Vec<u8> = index.holding(ip).map(|(prefix, _)| prefix.len()).collect();
        assert_eq!(found, [24, 8]);
        assert_eq!(index.holding("11.0.0.0".parse().unwrap()).count(), 0);
        assert_eq!(index.holding("::1".parse().unwrap()).count(), 0);
    }

    #[test]
    fn ranges_all_in_each_other_cost_no_square() {
        let all = (0..100_000_u32).map(|n| {
            let len = u8::try_from(n % 25).unwrap() + 8;
            Prefix::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), len).unwrap()
        });
        assert_eq!(Index::new(all).overlaps().count(), 25);
    }

    fn prefixes() -> impl Strategy<Value = Vec<Prefix>> {
        let one = (any::<u8>(), 22_u8..=32).prop_map(|(low, len)| {
            Prefix::new(IpAddr::V4(Ipv4Addr::new(10, 0, low % 4, low)), len).unwrap()
        });
        proptest::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn the_sweep_agrees_with_comparing_all_pairs(all in prefixes(), low in any::<u8>(), len in 20_u8..=32) {
            let index = Index::new(all.iter().copied());
            // A range overlaps another one exactly when it is held twice, lies in one, or is
            // around one.
            let mut swept: Vec<Prefix> = Vec::new();
            for overlap in index.overlaps() {
                swept.push(overlap.prefix);
                swept.extend(overlap.around.map(|(around, _)| around));
            }
            for (at, one) in all.iter().enumerate() {
                let naive = all.iter().enumerate().any(|(other, two)| other != at && one.overlaps(two));
                prop_assert_eq!(naive, swept.contains(one), "{}", one);
            }
            let ip = IpAddr::V4(Ipv4Addr::new(10, 0, low % 4, low));
            let mut held: Vec<u32> = index.holding(ip).flat_map(|(_, holders)| holders.to_vec()).collect();
            held.sort_unstable();
            let naive: Vec<u32> = (0..).zip(&all).filter(|(_, it)| it.contains(ip)).map(|(at, _)| at).collect();
            prop_assert_eq!(held, naive);
            let asked = Prefix::new(ip, len).unwrap();
            let mut found: Vec<u32> =
                index.overlapping(asked).flat_map(|(_, holders)| holders.to_vec()).collect();
            found.sort_unstable();
            let naive: Vec<u32> = (0..).zip(&all).filter(|(_, it)| it.overlaps(&asked)).map(|(at, _)| at).collect();
            prop_assert_eq!(found, naive);
        }
    }
}
