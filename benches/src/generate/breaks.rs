//! Which routes are broken, and how.

use std::collections::BTreeMap;

use super::Size;

/// What is wrong with one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not there; packets leave by the default route.
    Missing,
    /// Its next hop is an address of the link that nobody has.
    WrongNextHop,
}

/// By the numbers of the node that has the route and of the node it leads to.
pub(super) type Broken = BTreeMap<(u32, u32), Fault>;

/// Spreads the broken routes over the nodes; `None` when they would be more than half of all.
pub(super) fn choose(size: Size) -> Option<Broken> {
    let n_nodes = u64::from(size.nodes);
    let mut broken = Broken::new();
    if u64::from(size.broken) * 2 > n_nodes * n_nodes.saturating_sub(1) {
        return None;
    }
    let (mut from, mut step) = (0, 0);
    while broken.len() < size.broken as usize {
        // Two primes larger than half of the most nodes: neighbors in the list are none in the
        // cluster. A pair that is taken moves on to the next one.
        from = (from + 7919) % size.nodes;
        step = (step + 104_729) % (size.nodes - 1);
        let fault =
            if broken.len().is_multiple_of(2) { Fault::Missing } else { Fault::WrongNextHop };
        for shift in 0..size.nodes - 1 {
            let to = (from + 1 + (step + shift) % (size.nodes - 1)) % size.nodes;
            if let std::collections::btree_map::Entry::Vacant(free) = broken.entry((from, to)) {
                free.insert(fault);
                break;
            }
        }
    }
    Some(broken)
}
