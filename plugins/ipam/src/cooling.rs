//! How long addresses have been held by nobody.
//!
//! Between the end of a pod and the release of its address lie seconds, and minutes until an
//! endpoint's object is collected. So one look never proves a leak: an address is suspect only
//! when it was found so at every look over a while.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// Addresses that nobody had, and since when.
#[derive(Debug, Default)]
pub struct Cooling {
    since: BTreeMap<IpAddr, i64>,
}

impl Cooling {
    /// Takes note of one look, at a time in milliseconds, and gives the addresses that have
    /// been without a holder for at least so long. One that had a holder in between starts anew.
    pub fn look(
        &mut self,
        now: Option<i64>,
        unheld: impl IntoIterator<Item = IpAddr>,
        time: Duration,
    ) -> BTreeSet<IpAddr> {
        let Some(now) = now else { return BTreeSet::new() };
        let unheld: BTreeSet<IpAddr> = unheld.into_iter().collect();
        self.since.retain(|ip, _| unheld.contains(ip));
        let wanted = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        unheld
            .into_iter()
            .filter(|ip| {
                let since = *self.since.entry(*ip).or_insert(now);
                // A first look is no proof, whatever the time.
                since < now && now.saturating_sub(since) >= wanted
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_without_a_holder_is_suspect() {
        let ip = |last: u8| IpAddr::from([10, 0, 0, last]);
        let minute = Duration::from_mins(1);
        let mut cooling = Cooling::default();
        assert!(cooling.look(Some(0), [ip(1), ip(2)], minute).is_empty());
        assert!(cooling.look(Some(59_999), [ip(1), ip(2)], minute).is_empty());
        // 2 had a holder in between.
        assert_eq!(cooling.look(Some(60_000), [ip(1)], minute), [ip(1)].into_iter().collect());
        assert_eq!(
            cooling.look(Some(61_000), [ip(1), ip(2)], minute),
            [ip(1)].into_iter().collect()
        );
        assert_eq!(cooling.look(Some(121_000), [ip(1), ip(2)], minute).len(), 2);
        // The first look proves nothing, and neither does one at no known time.
        assert!(Cooling::default().look(Some(5), [ip(1)], Duration::ZERO).is_empty());
        assert!(cooling.look(None, [ip(1)], Duration::ZERO).is_empty());
    }
}
