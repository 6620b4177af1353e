//! How many addresses a range gives, and how many ranges a pool.
//!
//! Apart because Cilium has two allocators that count differently, and both sets of rules
//! should stand in one place.

use lab_model::{AddressFamily, Prefix};

use super::bounds;

/// Addresses of IPv6 that an agent manages of one range at most: it keeps a bit for each.
const IPV6_ADDRESSES: u128 = 1 << 16;
/// Bits that a node's range of IPv6 can be longer than its pool: the operator keeps a bit for
/// each range.
const IPV6_BLOCK_BITS: u8 = 16;

/// Who counts the addresses of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// One range for each node: the first and the last address are never used.
    HostScope,
    /// Multi-pool IPAM: whether the first and the last address are used; of ranges with two
    /// addresses or one all are.
    MultiPool {
        /// `allowFirstIP`.
        first: bool,
        /// `allowLastIP`.
        last: bool,
    },
}

/// Addresses of a range that can be handed out.
///
/// - Source: `pkg/ipam/service/ipallocator` of Cilium 1.18.
pub fn usable(prefix: &Prefix, rule: Rule) -> u128 {
    let host_bits = prefix.family().bits() - prefix.len();
    let size = match prefix.family() {
        AddressFamily::V4 => prefix.n_addresses(),
        AddressFamily::V6 => prefix.n_addresses().min(IPV6_ADDRESSES),
    };
    match rule {
        _ if host_bits >= 2 => {
            let ends = match rule {
                Rule::HostScope => 2,
                Rule::MultiPool { first, last } => u128::from(!first) + u128::from(!last),
            };
            size - ends
        }
        Rule::MultiPool { .. } => size,
        Rule::HostScope => 0,
    }
}

/// Why a pool cannot be cut into ranges of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBlocks {
    /// The ranges would be larger than the pool.
    TooShort,
    /// The family has no such length.
    TooLong,
    /// IPv6: more than 16 bits longer than the pool.
    TooFine,
}

/// How many ranges of a length a pool has.
///
/// - Errors: the operator refuses such a pool at its start.
/// - Source: `pkg/ipam/cidrset` of Cilium 1.18.
pub fn blocks(pool: &Prefix, mask: u8) -> Result<u128, NoBlocks> {
    if mask > pool.family().bits() {
        return Err(NoBlocks::TooLong);
    }
    let bits = mask.checked_sub(pool.len()).ok_or(NoBlocks::TooShort)?;
    if pool.family() == AddressFamily::V6 && bits > IPV6_BLOCK_BITS {
        return Err(NoBlocks::TooFine);
    }
    Ok(1_u128.checked_shl(u32::from(bits)).unwrap_or(u128::MAX))
}

/// How many blocks of a pool are touched by ranges, which need not have the pool's mask: one
/// that is larger takes several, several that are smaller take one.
///
/// `ranges` are sorted. Ranges outside of the pool count nothing.
pub fn taken(pool: &Prefix, mask: u8, ranges: &[Prefix]) -> u128 {
    if mask < pool.len() || mask > pool.family().bits() {
        return 0;
    }
    let shift = u32::from(pool.family().bits() - mask);
    let block = |number: u128| number.checked_shr(shift).unwrap_or(0);
    let (first, last) = bounds(pool);
    let mut count = 0_u128;
    let mut next = block(first);
    for range in ranges.iter().filter(|range| range.overlaps(pool)) {
        let (from, to) = bounds(range);
        let (from, to) = (block(from.max(first)).max(next), block(to.min(last)));
        if from <= to {
            count = count.saturating_add(to - from).saturating_add(1);
            next = to.saturating_add(1);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr};

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    const MULTI: Rule = Rule::MultiPool { first: false, last: false };

    #[test]
    fn addresses_of_a_range_as_the_agents_count_them() {
        for (range, host_scope, multi_pool) in [
            ("172.20.0.0/24", 254, 254),
            ("10.0.0.0/25", 126, 126),
            ("10.0.0.0/26", 62, 62),
            ("10.0.0.0/27", 30, 30),
            ("10.0.0.0/28", 14, 14),
            ("10.0.0.0/29", 6, 6),
            ("10.0.0.0/30", 2, 2),
            ("10.0.0.0/31", 0, 2),
            ("10.0.0.0/32", 0, 1),
            ("fd00::/120", 254, 254),
            ("fd00::/112", 65534, 65534),
            ("fd00::/64", 65534, 65534),
            ("::/0", 65534, 65534),
            ("0.0.0.0/0", (1 << 32) - 2, (1 << 32) - 2),
            ("fd00::1/128", 0, 1),
        ] {
            assert_eq!(usable(&prefix(range), Rule::HostScope), host_scope, "{range}");
            assert_eq!(usable(&prefix(range), MULTI), multi_pool, "{range}");
        }
        let both = Rule::MultiPool { first: true, last: true };
        assert_eq!(usable(&prefix("10.0.0.0/29"), both), 8);
        assert_eq!(usable(&prefix("10.0.0.0/31"), both), 2);
        let first = Rule::MultiPool { first: true, last: false };
        assert_eq!(usable(&prefix("10.0.0.0/29"), first), 7);
    }

    #[test]
    fn blocks_of_a_pool_as_the_operator_counts_them() {
        for (pool, mask, expected) in [
            ("172.20.0.0/16", 24, Ok(256)),
            ("10.0.0.0/8", 30, Ok(4_194_304)),
            ("10.0.0.0/24", 24, Ok(1)),
            ("10.0.0.0/32", 32, Ok(1)),
            ("0.0.0.0/0", 32, Ok(1 << 32)),
            ("10.0.0.0/24", 16, Err(NoBlocks::TooShort)),
            ("10.0.0.0/24", 33, Err(NoBlocks::TooLong)),
            ("fd00::/104", 120, Ok(65536)),
            ("fd00::/64", 120, Err(NoBlocks::TooFine)),
            ("::/0", 129, Err(NoBlocks::TooLong)),
        ] {
            assert_eq!(blocks(&prefix(pool), mask), expected, "{pool} /{mask}");
        }
    }

    #[test]
    fn ranges_of_another_length_take_whole_blocks() {
        let pool = prefix("172.20.0.0/16");
        let ranges = |texts: &[&str]| {
            let mut ranges: Vec<Prefix> = texts.iter().map(|text| prefix(text)).collect();
            ranges.sort_unstable();
            taken(&pool, 24, &ranges)
        };
        assert_eq!(ranges(&["172.20.0.0/24", "172.20.1.0/24", "172.20.2.0/24"]), 3);
        assert_eq!(ranges(&["172.20.0.0/24", "172.20.0.0/24", "172.20.0.128/25"]), 1);
        assert_eq!(ranges(&["172.20.4.0/23", "172.20.4.0/25", "10.0.0.0/24", "fd00::/120"]), 2);
        assert_eq!(ranges(&["172.16.0.0/12"]), 256);
        assert_eq!(ranges(&[]), 0);
        assert_eq!(taken(&prefix("::/0"), 0, &[prefix("fd00::/120")]), 1);
        assert_eq!(taken(&prefix("::/0"), 128, &[prefix("::/0")]), u128::MAX);
    }

    proptest! {
        #[test]
        fn taken_is_what_marking_every_block_says(
            ranges in proptest::collection::vec((any::<u16>(), 14_u8..=32), 0..20),
            mask in 16_u8..=24,
        ) {
            let pool = prefix("172.20.0.0/16");
            let mut all: Vec<Prefix> = ranges
                .iter()
                .map(|(low, len)| {
                    let ip = IpAddr::V4(Ipv4Addr::from_bits(0xac14_0000 | u32::from(*low)));
                    Prefix::new(ip, *len).unwrap()
                })
                .collect();
            all.sort_unstable();
            let mut marked = BTreeSet::new();
            for block in 0..1_u32 << (mask - 16) {
                let ip = IpAddr::V4(Ipv4Addr::from_bits(0xac14_0000 | block << (32 - mask)));
                let block = Prefix::new(ip, mask).unwrap();
                if all.iter().any(|range| range.overlaps(&block)) {
                    marked.insert(block);
                }
            }
            prop_assert_eq!(taken(&pool, mask, &all), marked.len() as u128);
        }
    }
}
