//! How long a check-up waits, and how far it is.
//!
//! Apart because every answer that is waited for passes here: one deadline for all of it, one count
//! for the line of progress.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use lab_cli::Settings;
use lab_cli::settings::Origin;
use lab_cli::settings::Setting;
use lab_engine::Listener;
use lab_types::Failure;
use tokio::time::Instant;

use crate::terminal::Console;

/// Longest wait for one answer, unless a flag says otherwise: a check-up is for people who wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bounds of one check-up.
pub(super) struct Bounds {
    /// For one request to the API server.
    pub(super) request: Duration,
    /// For one command on a host.
    pub(super) command: Duration,
    /// How many at once.
    pub(super) concurrency: usize,
    whole: Duration,
    end: Instant,
    console: Arc<Console>,
    done: AtomicU64,
    total: AtomicU64,
}

impl Bounds {
    pub(super) fn new(settings: &Settings, console: Arc<Console>) -> Self {
        let request = &settings.connection.request_timeout;
        let request = patience(request, request.value.unwrap_or(PATIENCE));
        let command = patience(&settings.hosts.timeout, settings.hosts.timeout.value);
        // Connecting, then lists, then two commands one after the other.
        let whole = 2 * (request + command);
        Self {
            request,
            command,
            concurrency: settings.hosts.concurrency.value,
            whole,
            end: Instant::now() + whole,
            console,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
        }
    }

    /// An answer, or that it did not come before the end of the whole check-up.
    pub(super) async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.total.fetch_add(1, Ordering::Relaxed);
        let answer = tokio::time::timeout_at(self.end, answer).await.unwrap_or_else(|_| {
            Err(Failure::timeout(format!("not done within the check-up's {:?}", self.whole))
                .hint("give it longer: `--timeout 60s --request-timeout 60s`"))
        });
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.console.progress("checks", done, Some(self.total.load(Ordering::Relaxed)));
        answer
    }

    /// The same for many, so many at once as the settings say; answers in the order of `items`.
    pub(super) async fn each<I, T, F>(
        &self,
        items: impl IntoIterator<Item = I>,
        ask: impl Fn(I) -> F,
    ) -> Vec<Result<T, Failure>>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        futures::stream::iter(items)
            .map(|item| self.within(ask(item)))
            .buffered(self.concurrency)
            .collect()
            .await
    }
}

fn patience<T>(setting: &Setting<T>, value: Duration) -> Duration {
    match setting.origin {
        Origin::Flag(_) => value,
        _ => value.min(PATIENCE),
    }
}
