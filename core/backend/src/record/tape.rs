//! Listens to a running command and remembers its output, however it ends.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Instant;

use super::kept::Kept;
use super::recorder::keeping;
use super::recorder::millis;
use crate::Chunk;
use crate::Outcome;
use crate::Question;

/// How much of one stream is remembered: `cilium-dbg monitor -v` writes about 1 MB in a
/// minute on a quiet node.
const MOST: usize = 64 << 20;

/// The output of one running command.
pub(super) struct Tape {
    kept: Arc<Mutex<Kept>>,
    question: Question,
    started: Instant,
    outcome: Outcome,
    ended: bool,
}

impl Tape {
    pub(super) fn new(kept: Arc<Mutex<Kept>>, question: Question) -> Self {
        Self { kept, question, started: Instant::now(), outcome: Outcome::default(), ended: false }
    }

    /// Takes note of a chunk on its way.
    pub(super) fn listen(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Out(bytes) => {
                let room = MOST.saturating_sub(self.outcome.out.len());
                self.outcome.truncated |= bytes.len() > room;
                self.outcome.out.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Chunk::Err(bytes) => {
                let room = MOST.saturating_sub(self.outcome.err.len());
                self.outcome.truncated |= bytes.len() > room;
                self.outcome.err.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Chunk::Ended(Ok(code)) => {
                self.outcome.code = *code;
                self.keep();
            }
            Chunk::Ended(Err(failure)) => {
                if self.outcome.out.is_empty() && self.outcome.err.is_empty() {
                    let ms = millis(self.started);
                    keeping(&self.kept).command(&self.question, Err(failure.clone()), ms);
                    self.ended = true;
                } else {
                    self.outcome.truncated = true;
                    self.keep();
                }
            }
        }
    }

    fn keep(&mut self) {
        self.ended = true;
        let outcome = Arc::new(std::mem::take(&mut self.outcome));
        keeping(&self.kept).command(&self.question, Ok(outcome), millis(self.started));
    }
}

/// A stream that was left before its end, as every monitor is, is kept as far as it came.
impl Drop for Tape {
    fn drop(&mut self) {
        if !self.ended {
            self.outcome.truncated = true;
            self.keep();
        }
    }
}
