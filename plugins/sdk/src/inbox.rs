//! One place to wait for many sources: watched objects, running commands, ticks.
//!
//! A live command is one loop:
//!
//! ```no_run
//! # use lab_plugin::{Failure, Selection, inbox};
//! # fn run() -> Result<(), Failure> {
//! let pods = Selection::new("v1", "Pod").watch::<serde_json::Value>()?;
//! while let Some(ready) = inbox::wait() {
//!     if ready.contains(&pods.source()) {
//!         for change in pods.take()? {
//!             // …
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use crate::Failure;
use crate::host;

/// One of the things that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub(crate) u32);

/// The sources that have something to take. None means stop: the user asked, the reader went
/// away, or nothing is left to wait for.
pub fn wait() -> Option<Vec<Source>> {
    host::wait().map(|sources| sources.into_iter().map(Source).collect())
}

/// Unix time in milliseconds: when what is taken now has come. None before anything of a
/// recording has been taken: a command that has ended there is not started again. Afterwards it
/// is what the recording says of the streams that are taken, where it does.
pub fn now() -> Option<i64> {
    host::now()
}

/// Calls `draw` once, or with a time between, a second at least, at every tick until the user
/// stops it.
///
/// # Errors
/// Those of `draw`.
pub fn repeat(
    every: Option<Duration>,
    mut draw: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    draw()?;
    let Some(every) = every else { return Ok(()) };
    let ticker = Ticker::every(every.max(Duration::from_secs(1)));
    while let Some(ready) = wait() {
        if ready.contains(&ticker.source()) && ticker.take() > 0 {
            draw()?;
        }
    }
    Ok(())
}

/// Waits once; false when the user wants the end before, or nothing can come any more, as in a
/// recording.
pub fn pause(time: Duration) -> bool {
    if now().is_none() {
        return false;
    }
    let ticker = Ticker::every(time);
    loop {
        match wait() {
            None => return false,
            Some(ready) if ready.contains(&ticker.source()) && ticker.take() > 0 => return true,
            Some(_) => {}
        }
    }
}

/// A regular tick.
pub struct Ticker(host::Ticker);

impl Ticker {
    /// Ticks every so often; the host does not go below a few ticks in 100 ms.
    pub fn every(time: Duration) -> Self {
        Self(host::Ticker::new(u32::try_from(time.as_millis()).unwrap_or(u32::MAX)))
    }
    /// What [`wait`] names when it has ticked.
    pub fn source(&self) -> Source {
        Source(self.0.source())
    }
    /// Ticks since the last take, so a slow plugin knows what it missed.
    pub fn take(&self) -> u32 {
        self.0.take()
    }
}
