//! Numbers that differ each time: for pauses that should not coincide and names that must not.
//!
//! Apart so that there is one source of them. Not for secrets.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Any number.
pub(crate) fn random() -> u64 {
    // Every `RandomState` of a thread has other keys, and the first is seeded by the system.
    RandomState::new().build_hasher().finish()
}

/// Between half and the whole of a duration.
pub(crate) fn jitter(most: Duration) -> Duration {
    let part = u32::try_from(random() % 512).unwrap_or(0);
    most / 2 + most / 1024 * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_between_half_and_whole() {
        for _ in 0..100 {
            let waited = jitter(Duration::from_millis(100));
            assert!((50..=100).contains(&waited.as_millis()), "{waited:?}");
        }
    }
}
