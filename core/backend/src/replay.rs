//! Turns an answer that was recorded into the stream that a running command gives.

use std::io::Read;
use std::sync::Arc;

use futures::SinkExt;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::stream;
use futures::stream::BoxStream;
use lab_types::Failure;

use crate::Chunk;
use crate::Outcome;
use crate::files::Files;

/// Largest piece of a replayed output.
const CHUNK: usize = 32 << 10;

/// Pieces that are read ahead of whoever takes them.
const AHEAD: usize = 4;

/// First the output, cut at ends of lines, then the errors, as fast as they are taken.
pub(crate) fn replay(outcome: Outcome) -> BoxStream<'static, Chunk> {
    let Outcome { code, out, err, .. } = outcome;
    let out = Pieces { bytes: out, at: 0 }.map(Chunk::Out);
    let err = Pieces { bytes: err, at: 0 }.map(Chunk::Err);
    stream::iter(out.chain(err).chain([Chunk::Ended(Ok(code))])).boxed()
}

/// The same for an output in a file, which is read while it is taken: an agent's events of an
/// hour are more than should be held at once. That the file is damaged is known at its end.
pub(crate) fn replay_file(
    files: Arc<Files>,
    name: String,
    err: Vec<u8>,
    code: i32,
) -> BoxStream<'static, Chunk> {
    let (mut sender, receiver) = mpsc::channel(AHEAD);
    let send = move |sender: &mut mpsc::Sender<Chunk>, chunk| {
        block_on(sender.send(chunk)).map_err(|_| "nobody takes it any more".to_owned())
    };
    let reading = move || {
        let read = files
            .stream(&name, |reader| pieces(reader, |piece| send(&mut sender, Chunk::Out(piece))));
        let ended = match read {
            Ok(Some(())) => Ok(code),
            Ok(None) => Err(files.unreadable(&name, "no such file")),
            Err(failure) => Err(failure),
        };
        let err = Pieces { bytes: err, at: 0 }.map(Chunk::Err);
        // Whoever took it may have gone; then there is nobody to tell.
        let _ = err.chain([Chunk::Ended(ended)]).try_for_each(|chunk| send(&mut sender, chunk));
    };
    match std::thread::Builder::new().name("replay".to_owned()).spawn(reading) {
        Ok(_) => receiver.boxed(),
        Err(error) => {
            let failure = Failure::other(format!("cannot start a thread: {error}"));
            stream::iter([Chunk::Ended(Err(failure))]).boxed()
        }
    }
}

/// Hands over what a reader gives, in pieces that end where lines do.
fn pieces(
    reader: &mut dyn Read,
    mut each: impl FnMut(Vec<u8>) -> Result<(), String>,
) -> Result<(), String> {
    let mut rest = Vec::with_capacity(CHUNK);
    loop {
        let room = (CHUNK - rest.len()) as u64;
        (&mut *reader).take(room).read_to_end(&mut rest).map_err(|error| error.to_string())?;
        if rest.is_empty() {
            return Ok(());
        }
        let end = if rest.len() < CHUNK {
            rest.len()
        } else {
            memchr::memrchr(b'\n', &rest).map_or(CHUNK, |at| at + 1)
        };
        let mut next = Vec::with_capacity(CHUNK);
        next.extend_from_slice(&rest[end..]);
        rest.truncate(end);
        each(std::mem::replace(&mut rest, next))?;
    }
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
