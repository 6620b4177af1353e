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
    /// When each line of the output ended, in Unix milliseconds.
    stamps: Vec<u64>,
    /// The time of what comes, where a recording is recorded.
    at: Option<u64>,
    ended: bool,
}

impl Tape {
    pub(super) fn new(kept: Arc<Mutex<Kept>>, question: Question) -> Self {
        let (started, outcome) = (Instant::now(), Outcome::default());
        Self { kept, question, started, outcome, stamps: Vec::new(), at: None, ended: false }
    }

    /// Takes note of a chunk on its way.
    pub(super) fn listen(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Out(bytes) => {
                let room = MOST.saturating_sub(self.outcome.out.len());
                self.outcome.truncated |= bytes.len() > room;
                let bytes = &bytes[..bytes.len().min(room)];
                self.outcome.out.extend_from_slice(bytes);
                let now = self.now();
                let ends = bytes.iter().filter(|byte| **byte == b'\n');
                self.stamps.extend(ends.map(|_| now));
            }
            Chunk::Err(bytes) => {
                let room = MOST.saturating_sub(self.outcome.err.len());
                self.outcome.truncated |= bytes.len() > room;
                self.outcome.err.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Chunk::At(at) => self.at = Some(*at),
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

    fn now(&self) -> u64 {
        let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok();
        let now = || clock().and_then(|since| u64::try_from(since.as_millis()).ok());
        self.at.or_else(now).unwrap_or_default()
    }

    fn keep(&mut self) {
        self.ended = true;
        let mut stamps = std::mem::take(&mut self.stamps);
        if !self.outcome.out.is_empty() && !self.outcome.out.ends_with(b"\n") {
            stamps.push(self.now());
        }
        let outcome = Arc::new(std::mem::take(&mut self.outcome));
        keeping(&self.kept).stream(&self.question, outcome, stamps, millis(self.started));
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
