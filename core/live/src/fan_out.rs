//! How many commands run at once.
//!
//! Apart because it is the one bound that all commands share, whatever carries them. Knows nothing
//! of hosts; a command's deadline belongs to the command.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lab_backend::Answer;
use lab_types::Failure;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Between the starts of two commands, where many are due. Hosts that answer after
/// 20 ms leave room for 32 at a time at twice that distance: only starts that come together are
/// spread.
const SPACING: Duration = Duration::from_micros(300);
/// So many may start together.
const TOGETHER: u32 = 4;
/// Timers are no finer.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// A bound on commands in flight, and on those that start in one moment.
pub(crate) struct FanOut {
    turns: Semaphore,
    /// When the next start is due.
    next: Mutex<Instant>,
}

impl FanOut {
    /// At least one at a time.
    pub(crate) fn new(concurrency: usize) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self { turns: Semaphore::new(concurrency), next: Mutex::new(Instant::now()) }
    }

    /// Waits for a turn and runs to the end.
    pub(crate) async fn run<T>(&self, command: impl Future<Output = Answer<T>>) -> Answer<T> {
        let _turn = self.turn().await?;
        command.await
    }

    async fn turn(&self) -> Answer<SemaphorePermit<'_>> {
        let turn = self.turns.acquire().await.map_err(|_| Failure::stopped())?;
        let ahead = self.ahead(Instant::now());
        if ahead >= SHORTEST_SLEEP {
            tokio::time::sleep(ahead).await;
        }
        Ok(turn)
    }

    /// How long a start has to wait, so that one API server is not met by 32 handshakes in one
    /// millisecond.
    fn ahead(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = (*next).max(now);
        *next = due + SPACING;
        due.saturating_duration_since(now).saturating_sub(SPACING * TOGETHER)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn never_more_than_the_bound_at_once() {
        let fan_out = FanOut::new(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let command = || async {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        let all = (0..20).map(|_| fan_out.run(command()));
        assert!(futures::future::join_all(all).await.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(most.into_inner(), 3);
    }

    #[test]
    fn only_starts_that_come_together_are_spread() {
        let fan_out = FanOut::new(32);
        let now = Instant::now() + Duration::from_secs(1);
        let ahead: Vec<Duration> = (0..32).map(|_| fan_out.ahead(now)).collect();
        assert_eq!(ahead[..5], [Duration::ZERO; 5]);
        assert_eq!((ahead[5], ahead[31]), (SPACING, 27 * SPACING));
        // In a steady run, with as many in flight, none waits.
        let mut later = now + Duration::from_secs(1);
        for _ in 0..1000 {
            later += Duration::from_millis(20) / 32;
            assert_eq!(fan_out.ahead(later), Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn a_command_that_is_given_up_gives_its_turn_back() {
        let fan_out = FanOut::new(0);
        let hanging = fan_out.run(std::future::pending::<Answer<()>>());
        assert!(tokio::time::timeout(Duration::from_millis(20), hanging).await.is_err());
        assert_eq!(fan_out.run(async { Ok(1) }).await, Ok(1));
    }
}
