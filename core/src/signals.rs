//! Runs the work of the program until it is done or a signal ends it.

use std::sync::Arc;
use std::thread;

use lab_cli::exit;
use lab_types::Failure;
use tokio::sync::Notify;
use tokio::sync::oneshot;

use crate::source::Clusters;
use crate::terminal;

/// Runs a future to its end, or to the first signal. A live command is told to stop by the
/// first one, and shows what it has; the second one ends it. Either way what was made in a cluster
/// is taken away before the end, unless yet another signal says not to wait.
///
/// The work has a thread of its own: one that waits for a reader of a full pipe must not keep
/// signals from being heard.
pub(crate) fn block_on<F: Future<Output = Result<u8, Failure>>>(
    live: Option<Arc<Notify>>,
    clusters: &Clusters,
    work: impl FnOnce() -> F + Send + 'static,
) -> Result<u8, Failure> {
    let cannot = |error| Failure::other(format!("cannot start: {error}"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(cannot)?;
    let (sender, ended) = oneshot::channel();
    let handle = runtime.handle().clone();
    let worker = thread::Builder::new()
        .spawn(move || {
            // Nobody listens any more when a signal came first.
            let _ = sender.send(handle.block_on(work()));
        })
        .map_err(cannot)?;
    let code = runtime.block_on(async {
        let code = tokio::select! {
            ended = ended => match ended {
                Ok(result) => result,
                Err(_) => match worker.join() {
                    Err(panic) => std::panic::resume_unwind(panic),
                    Ok(()) => Err(Failure::stopped()),
                },
            },
            code = async {
                if let Some(stop) = live {
                    signal().await;
                    stop.notify_one();
                }
                signal().await
            } => Ok(code),
        };
        terminal::end();
        tokio::select! {
            () = clusters.close() => {}
            _ = signal() => {}
        }
        code
    });
    // Tasks that still run belong to nobody; waiting for them would only delay the end.
    runtime.shutdown_background();
    code
}

#[cfg(unix)]
async fn signal() -> u8 {
    use tokio::signal::unix::SignalKind;
    let Ok(mut terminate) = tokio::signal::unix::signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => exit::INTERRUPTED,
        _ = terminate.recv() => exit::TERMINATED,
    }
}

#[cfg(not(unix))]
async fn signal() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => exit::INTERRUPTED,
        Err(_) => std::future::pending().await,
    }
}
