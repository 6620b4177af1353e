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
    // With all addresses that a guest can form set apart, compiled code needs no check at each
    // access: a fifth less time for a million routes. Where the address space is limited, that
    // is too much of it. Artifacts of the one are none of the other, and are kept apart.
    let (reserved, guard) =
        if has_all_addresses() { (4 << 30, 32 << 20) } else { (512 << 20, 1 << 20) };
    config
        .memory_reservation(reserved)
        .memory_guard_size(guard)
        .wasm_component_model(true)
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8));
    config
}

/// Whether the process may use all addresses of a 64-bit machine (`ulimit -v`). Where there is
/// no `/proc`, nobody limits them.
fn has_all_addresses() -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    let is_unlimited = limit.is_none_or(|soft| soft.trim_start().starts_with("unlimited"));
    cfg!(target_pointer_width = "64") && is_unlimited
}
