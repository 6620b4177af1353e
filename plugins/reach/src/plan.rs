//! Which pairs are probed, when there are more than may be.
//!
//! Pure. Every sender gets its share, and the shares lie spread over the destinations, so that
//! a bound leaves out repetitions first and never one end altogether while others are probed
//! twice.

use crate::ends::{Source, Target};

/// The pairs, and how many were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Positions of source and target, in order.
    pub pairs: Vec<(usize, usize)>,
    /// Pairs beyond the bound.
    pub left_out: usize,
}

/// Chooses at most `most` of all pairs of different ends.
pub fn plan(sources: &[Source], targets: &[Target], most: usize) -> Plan {
    let mut pairs = Vec::new();
    let mut left_out = 0;
    for offset in 0..targets.len() {
        for (from, source) in sources.iter().enumerate() {
            let to = (from + offset) % targets.len();
            if targets[to].is(source) {
                continue;
            }
            if pairs.len() < most {
                pairs.push((from, to));
            } else {
                left_out += 1;
            }
        }
    }
    pairs.sort_unstable();
    Plan { pairs, left_out }
}

#[cfg(test)]
mod tests {
    use lab_forwarding::trace::Endpoint;
    use proptest::prelude::*;

    use super::*;
    use crate::ends::At;

    fn ends(n_sources: usize, n_targets: usize) -> (Vec<Source>, Vec<Target>) {
        let end = |host: usize| Endpoint::Host { host, ip: None };
        let source = |host: usize| Source {
            name: host.to_string(),
            end: end(host),
            at: At::Host(host.to_string()),
            host,
        };
        let target = |host: usize| Target {
            name: host.to_string(),
            ends: vec![end(host)],
            address: None,
            port: None,
        };
        ((0..n_sources).map(source).collect(), (0..n_targets).map(target).collect())
    }

    #[test]
    fn nobody_probes_itself() {
        let (sources, targets) = ends(3, 3);
        let plan = plan(&sources, &targets, 100);
        assert_eq!(plan.pairs, [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]);
        assert_eq!(plan.left_out, 0);
    }

    proptest! {
        #[test]
        fn a_bound_is_kept_and_shared(n_sources in 0..12_usize, n_targets in 0..12_usize, most in 0..60_usize) {
            let (sources, targets) = ends(n_sources, n_targets);
            let all = n_sources * n_targets - n_sources.min(n_targets);
            let plan = plan(&sources, &targets, most);
            prop_assert_eq!(plan.pairs.len(), all.min(most));
            prop_assert_eq!(plan.pairs.len() + plan.left_out, all);
            prop_assert!(plan.pairs.is_sorted());
            prop_assert!(plan.pairs.iter().all(|(from, to)| from != to));
            let share = |from| plan.pairs.iter().filter(|pair| pair.0 == from).count();
            let shares: Vec<usize> = (0..n_sources).map(share).collect();
            // One more or less, and one for the pair with itself.
            if let (Some(least), Some(largest)) = (shares.iter().min(), shares.iter().max()) {
                prop_assert!(largest - least <= 2, "{:?}", shares);
            }
        }
    }
}
