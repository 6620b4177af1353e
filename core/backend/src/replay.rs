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
    let out = pieces(out).into_iter().map(Chunk::Out);
    let err = pieces(err).into_iter().map(Chunk::Err);
    let chunks: Vec<Chunk> = out.chain(err).chain([Chunk::Ended(Ok(code))]).collect();
    stream::iter(chunks).boxed()
}

/// Cuts an output into pieces, after a line where one ends.
fn pieces(mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while bytes.len() > CHUNK {
        let end = bytes[..CHUNK].iter().rposition(|byte| *byte == b'\n').map_or(CHUNK, |at| at + 1);
        let rest = bytes.split_off(end);
        pieces.push(std::mem::replace(&mut bytes, rest));
    }
    if !bytes.is_empty() {
        pieces.push(bytes);
    }
    pieces
}
