//! Turns an answer that was recorded into the stream that a running command gives.

use futures::StreamExt;
use futures::stream;
use futures::stream::BoxStream;

use crate::Chunk;
use crate::Outcome;

/// Largest piece of a replayed output.
const CHUNK: usize = 32 << 10;

/// First the output, cut at ends of lines, then the errors, as fast as they are taken.
pub(crate) fn replay(outcome: Outcome) -> BoxStream<'static, Chunk> {
    let Outcome { code, out, err, .. } = outcome;
    let out = Pieces { bytes: out, at: 0 }.map(Chunk::Out);
    let err = Pieces { bytes: err, at: 0 }.map(Chunk::Err);
    stream::iter(out.chain(err).chain([Chunk::Ended(Ok(code))])).boxed()
}

/// An output in pieces, each cut after a line where one ends. Copied one at a time: an output
/// may be as large as a capture allows.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = match rest.get(..CHUNK) {
            Some(piece) if rest.len() > CHUNK => {
                memchr::memrchr(b'\n', piece).map_or(CHUNK, |at| at + 1)
            }
            _ => rest.len(),
        };
        self.at += end;
        Some(rest[..end].to_vec())
    }
}
