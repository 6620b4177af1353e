//! One long-running command, read as it goes.

use crate::Failure;
use crate::Place;
use crate::host;
use crate::inbox::Source;

pub use crate::bindings::lab::plugin::hosts::Chunk;

/// Bytes taken at once.
const BATCH: u32 = 64 << 10;

/// A running command. It is stopped when this is dropped.
pub struct Process(host::Process);

impl Process {
    /// Starts a command.
    ///
    /// # Errors
    /// The host's failures.
    pub fn start(place: &Place, argv: &[&str]) -> Result<Self, Failure> {
        host::Process::start(place, argv).map(Self)
    }

    /// What [`inbox::wait`](crate::inbox::wait) names when there is output.
    pub fn source(&self) -> Source {
        Source(self.0.source())
    }

    /// Output that has come, in order; [`Chunk::Ended`] is the last of it.
    pub fn take(&self) -> Vec<Chunk> {
        self.0.take(BATCH)
    }
}
