//! How many commands run at once.
//!
//! Apart because it is the one bound that all commands share, whatever carries them. Knows nothing
//! of hosts; a command's deadline belongs to the command.

use std::time::Duration;

use lab_backend::Answer;
use lab_types::Failure;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::chance::jitter;

/// A bound on commands in flight.
pub(crate) struct FanOut {
    turns: Semaphore,
    concurrency: usize,
}

impl FanOut {
    /// At least one at a time.
    pub(crate) fn new(concurrency: usize) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self { turns: Semaphore::new(concurrency), concurrency }
    }

    /// Waits for a turn and runs to the end.
    pub(crate) async fn run<T>(&self, command: impl Future<Output = Answer<T>>) -> Answer<T> {
        let _turn = self.turn().await?;
        command.await
    }

    async fn turn(&self) -> Answer<SemaphorePermit<'_>> {
        let Ok(turn) = self.turns.try_acquire() else {
            // Turns come free one by one, as commands end: these starts are spread already.
            return self.turns.acquire().await.map_err(|_| Failure::stopped());
        };
        // A few start at once; more are spread, so that one API server is not met by 32 handshakes
        // in one millisecond.
        if self.concurrency - self.turns.available_permits() > 4 {
            tokio::time::sleep(jitter(Duration::from_millis(15))).await;
        }
        Ok(turn)
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

    #[tokio::test]
    async fn who_waited_for_a_turn_starts_at_once() {
        let fan_out = FanOut::new(8);
        let mut turns = Vec::new();
        for _ in 0..8 {
            turns.push(fan_out.turn().await);
        }
        let mut waiting = std::pin::pin!(fan_out.turn());
        assert!(futures::poll!(&mut waiting).is_pending());
        turns.pop();
        assert!(futures::poll!(&mut waiting).is_ready());
    }

    #[tokio::test]
    async fn a_command_that_is_given_up_gives_its_turn_back() {
        let fan_out = FanOut::new(0);
        let hanging = fan_out.run(std::future::pending::<Answer<()>>());
        assert!(tokio::time::timeout(Duration::from_millis(20), hanging).await.is_err());
        assert_eq!(fan_out.run(async { Ok(1) }).await, Ok(1));
    }
}
