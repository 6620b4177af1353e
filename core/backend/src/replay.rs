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

/// First the output, cut at ends of lines, then the errors, as fast as they are taken. `stamps`
/// has the Unix milliseconds of each line of the output, or nothing.
pub(crate) fn replay(outcome: Outcome, stamps: Vec<u64>) -> BoxStream<'static, Chunk> {
    let Outcome { code, out, err, .. } = outcome;
    let mut times = Times::new(stamps);
    let out = Pieces { bytes: out, at: 0 }.flat_map(move |piece| times.split(piece));
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
    stamps: Vec<u64>,
) -> BoxStream<'static, Chunk> {
    let (mut sender, receiver) = mpsc::channel(AHEAD);
    let send = move |sender: &mut mpsc::Sender<Chunk>, chunk| {
        block_on(sender.send(chunk)).map_err(|_| "nobody takes it any more".to_owned())
    };
    let mut times = Times::new(stamps);
    let reading = move || {
        let read = files.stream(&name, |reader| {
            pieces(reader, |piece| {
                times.split(piece).into_iter().try_for_each(|chunk| send(&mut sender, chunk))
            })
        });
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

/// The times of an output's lines, as its pieces are handed over.
struct Times {
    left: std::vec::IntoIter<u64>,
    /// The time that was told last.
    now: Option<u64>,
}

impl Times {
    fn new(stamps: Vec<u64>) -> Self {
        Self { left: stamps.into_iter(), now: None }
    }

    /// A piece cut where the time changes, each part behind its time. Where there are no times,
    /// or no more, the rest goes along as it is.
    fn split(&mut self, piece: Vec<u8>) -> Vec<Chunk> {
        if self.left.as_slice().is_empty() {
            return vec![Chunk::Out(piece)];
        }
        let mut chunks = Vec::new();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &piece).map(|at| at + 1).chain([piece.len()]) {
            let line = &piece[start..end];
            if line.is_empty() {
                continue;
            }
            start = end;
            // A line that a piece begins and the next one ends has the time of its beginning,
            // and takes it along once.
            let has_end = line.ends_with(b"\n");
            let time =
                if has_end { self.left.next() } else { self.left.as_slice().first().copied() };
            if let Some(time) = time.filter(|time| self.now != Some(*time)) {
                self.now = Some(time);
                chunks.push(Chunk::At(time));
            }
            match chunks.last_mut() {
                Some(Chunk::Out(part)) => part.extend_from_slice(line),
                _ => chunks.push(Chunk::Out(line.to_vec())),
            }
        }
        chunks
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_time_however_the_output_is_cut() {
        let text = b"a\nb\ncc\nd\ne";
        let expected = [(5, "a\nb\n"), (7, "cc\n"), (6, "d\n"), (9, "e")];
        for cut in 0..=text.len() {
            let mut times = Times::new(vec![5, 5, 7, 6, 9]);
            let (first, second) = text.split_at(cut);
            let chunks = [first, second].map(|piece| times.split(Vec::from(piece))).concat();
            let mut seen: Vec<(u64, String)> = Vec::new();
            for chunk in chunks {
                match chunk {
                    Chunk::At(time) => seen.push((time, String::new())),
                    Chunk::Out(part) => {
                        seen.last_mut().unwrap().1.push_str(std::str::from_utf8(&part).unwrap());
                    }
                    other => panic!("{other:?}"),
                }
            }
            let seen: Vec<(u64, &str)> = seen.iter().map(|(time, text)| (*time, &**text)).collect();
            assert_eq!(seen, expected, "cut at {cut}");
        }
    }

    #[test]
    fn without_times_the_output_is_as_it_was() {
        assert_eq!(
            Times::new(Vec::new()).split(Vec::from(b"a\nb")),
            [Chunk::Out(b"a\nb".to_vec())]
        );
    }
}
