//! The largest free block of a range: a prefix in which nothing is used.
//!
//! Apart because both a node's addresses and a pool's ranges are asked for it.

use lab_model::Prefix;

use super::{address, bounds};

/// The largest prefix inside `within` that no taken interval touches, the lowest of several;
/// `None` when everything is taken.
///
/// `taken` holds first and last numbers, sorted by the first; intervals may overlap each other
/// and the edges of the range.
pub fn largest_free(within: &Prefix, taken: impl Iterator<Item = (u128, u128)>) -> Option<Prefix> {
    let (first, last) = bounds(within);
    let mut best: Option<(u32, u128)> = None;
    let mut consider = |from: u128, to: u128| {
        let Some((bits, start)) = largest_in(from, to) else { return };
        if best.is_none_or(|(known, _)| bits > known) {
            best = Some((bits, start));
        }
    };
    // The next number that may be free; none when the very last one is taken.
    let mut next = Some(first);
    for (from, to) in taken {
        let Some(start) = next else { break };
        if from > last {
            break;
        }
        if from > start {
            consider(start, from - 1);
        }
        if to >= start {
            next = to.checked_add(1).filter(|start| *start <= last);
        }
    }
    if let Some(start) = next {
        consider(start, last);
    }
    let (bits, start) = best?;
    let family = within.family();
    let len = u32::from(family.bits()).checked_sub(bits)?;
    Prefix::new(address(family, start), u8::try_from(len).ok()?)
}

/// The largest aligned block in a gap: its size in bits and its first number.
fn largest_in(from: u128, to: u128) -> Option<(u32, u128)> {
    let size = to.checked_sub(from)?;
    if size == u128::MAX {
        return Some((128, 0));
    }
    // A block of the next smaller power of two need not be aligned, one of the power below that
    // always fits.
    let most = (size + 1).ilog2();
    (most.saturating_sub(1)..=most).rev().find_map(|bits| {
        let mask = (1_u128 << bits) - 1;
        let start = from.checked_add(mask)? & !mask;
        let end = start.checked_add(mask)?;
        (start >= from && end <= to).then_some((bits, start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::number;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn check(within: &str, taken: &[&str], expected: Option<&str>) {
        let mut taken: Vec<(u128, u128)> = taken.iter().map(|text| bounds(&prefix(text))).collect();
        taken.sort_unstable();
        let found = largest_free(&prefix(within), taken.into_iter());
        assert_eq!(found, expected.map(prefix), "{within}");
    }

    #[test]
    fn gaps_are_filled_with_aligned_blocks() {
        check("172.20.0.0/16", &[], Some("172.20.0.0/16"));
        check("172.20.0.0/16", &["172.20.0.0/24", "172.20.1.0/24"], Some("172.20.128.0/17"));
        check("10.0.0.0/29", &["10.0.0.0", "10.0.0.7"], Some("10.0.0.2/31"));
        check("10.0.0.0/30", &["10.0.0.1", "10.0.0.2"], Some("10.0.0.0/32"));
        check("10.0.0.0/30", &["10.0.0.0/30"], None);
        check("10.0.0.0/24", &["10.0.0.0/8"], None);
        check("10.0.0.0/24", &["10.0.1.0/24", "9.0.0.0/8", "fd00::1"], Some("10.0.0.0/24"));
        check("0.0.0.0/0", &["255.255.255.255"], Some("0.0.0.0/1"));
        check("::/0", &[], Some("::/0"));
        check("::/0", &["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], Some("::/1"));
        check("::/0", &["::/0"], None);
        check("fd00::/104", &["fd00::/120"], Some("fd00::80:0/105"));
    }

    proptest! {
        #[test]
        fn the_block_is_free_and_none_is_larger(taken in proptest::collection::vec(any::<u8>(), 0..80)) {
            let within = prefix("10.0.0.0/24");
            let base = number(within.address());
            let mut sorted: Vec<u128> = taken.iter().map(|low| base + u128::from(*low)).collect();
            sorted.sort_unstable();
            let found = largest_free(&within, sorted.iter().map(|at| (*at, *at)));
            let naive = (24..=32_u8).find_map(|len| {
                (0..1_u128 << (len - 24)).find_map(|idx| {
                    let start = base + (idx << (32 - len));
                    let block = Prefix::new(address(within.family(), start), len)?;
                    let (first, last) = bounds(&block);
                    sorted.iter().all(|at| *at < first || *at > last).then_some(block)
                })
            });
            prop_assert_eq!(found, naive);
        }
    }
}
