//! How many commands run at once, and for how long each.
//!
//! Apart because it is the one bound that all commands share, whatever carries them. Knows nothing
//! of hosts.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use lab_backend::Answer;
use lab_types::Failure;
use tokio::sync::{Semaphore, SemaphorePermit};

/// A bound on commands in flight, with a deadline for each.
pub(crate) struct FanOut {
    turns: Semaphore,
    concurrency: usize,
    deadline: Duration,
}

impl FanOut {
    /// At least one at a time.
    pub(crate) fn new(concurrency: usize, deadline: Duration) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self { turns: Semaphore::new(concurrency), concurrency, deadline }
    }

    /// Waits for a turn and runs to the end or the deadline, which counts from the turn.
    pub(crate) async fn run<T>(
        &self,
        what: &str,
        command: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        let _turn = self.turn().await?;
        self.in_time(what, command).await
    }

    /// The deadline alone, for what is opened but not waited for.
    pub(crate) async fn in_time<T>(
        &self,
        what: &str,
        command: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        tokio::time::timeout(self.deadline, command).await.unwrap_or_else(|_| {
            Err(Failure::timeout(format!("`{what}` did not end within {:?}", self.deadline))
                .hint("wait longer with `--timeout 60s`"))
        })
    }

    async fn turn(&self) -> Answer<SemaphorePermit<'_>> {
        let turn = self.turns.acquire().await.map_err(|_| Failure::stopped())?;
        // A few start at once; more are spread, so that one API server is not met by 32 handshakes
        // in one millisecond.
        if self.concurrency - self.turns.available_permits() > 4 {
            tokio::time::sleep(jitter(Duration::from_millis(15))).await;
        }
        Ok(turn)
    }
}

/// Between half and the whole of a duration, differently each time.
pub(crate) fn jitter(most: Duration) -> Duration {
    // Every `RandomState` of a thread has other keys, and the first is seeded by the system.
    let random = RandomState::new().build_hasher().finish();
    let part = u32::try_from(random % 512).unwrap_or(0);
    most / 2 + most / 1024 * part
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use lab_types::FailureKind;

    use super::*;

    #[tokio::test]
    async fn never_more_than_the_bound_at_once() {
        let fan_out = FanOut::new(3, Duration::from_secs(5));
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let command = || async {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        let all = (0..20).map(|_| fan_out.run("true", command()));
        assert!(futures::future::join_all(all).await.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(most.into_inner(), 3);
    }

    #[tokio::test]
    async fn a_command_that_hangs_ends_at_the_deadline_and_gives_its_turn_back() {
        let fan_out = FanOut::new(0, Duration::from_millis(20));
        let failure =
            fan_out.run("sleep 9", std::future::pending::<Answer<()>>()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert!(failure.message.contains("`sleep 9`"));
        assert_eq!(fan_out.run("true", async { Ok(1) }).await, Ok(1));
    }

    #[test]
    fn jitter_stays_between_half_and_whole() {
        for _ in 0..100 {
            let waited = jitter(Duration::from_millis(100));
            assert!((50..=100).contains(&waited.as_millis()), "{waited:?}");
        }
    }
}
