//! The WebAssembly engine and its clock, which cannot be built apart: without the ticker no
//! deadline would ever pass.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Config;

/// Length of one epoch. A spinning guest is stopped within one or two of these.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// An engine that compiles and runs components. Costs about a tenth of a millisecond.
pub struct Engine {
    inner: wasmtime::Engine,
    stop: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Engine {
    /// Makes an engine and starts its clock.
    ///
    /// # Errors
    /// The machine's processor lacks what compiled code needs.
    pub fn new() -> wasmtime::Result<Self> {
        let engine = wasmtime::Engine::new(&config())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (weak, stopped) = (engine.weak(), stop.clone());
        let ticker = std::thread::Builder::new().name("epoch".into()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::park_timeout(TICK);
                match weak.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
        Ok(Self { inner: engine, stop, ticker: Some(ticker) })
    }

    pub(crate) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            // The ticker only increments a counter; there is nothing to learn from its end.
            drop(ticker.join());
        }
    }
}

/// Part of every artifact's identity: a change here recompiles all of them.
fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        // Small enough for containers with a limit on address space; artifacts depend on it.
        .memory_reservation(512 << 20)
        .memory_guard_size(1 << 20)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8));
    config
}
