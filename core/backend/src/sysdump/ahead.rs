//! Inflates a long file on one thread while it is understood on another, so that reading a
//! list takes hardly longer than inflating it.

use std::io;
use std::io::Read;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::sync_channel;
use std::thread;

/// Bytes handed over at once.
const CHUNK: usize = 256 << 10;
/// How many pieces may be ahead of what is understood.
const AHEAD: usize = 8;

/// Reads everything and hands it to `understand`, which runs on a thread of its own.
pub(super) fn ahead<T: Send>(
    reader: &mut dyn Read,
    understand: impl FnOnce(&mut dyn Read) -> Result<T, String> + Send,
) -> Result<T, String> {
    thread::scope(|scope| {
        let (sender, pieces) = sync_channel(AHEAD);
        let name = "sysdump".to_owned();
        let spawned = thread::Builder::new().name(name).spawn_scoped(scope, move || {
            understand(&mut Pieces { coming: pieces, piece: Vec::new(), at: 0 })
        });
        let thread = spawned.map_err(|error| error.to_string())?;
        loop {
            let mut piece = Vec::with_capacity(CHUNK);
            let read = Read::take(&mut *reader, CHUNK as u64).read_to_end(&mut piece);
            let ended = !matches!(&read, Ok(n) if *n > 0);
            let piece = read.map(|_| piece);
            // Nobody listens any more once it is clear that the file is not understood.
            if sender.send(piece).is_err() || ended {
                break;
            }
        }
        drop(sender);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What the other thread reads.
struct Pieces {
    coming: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let Ok(piece) = self.coming.recv() else { return Ok(0) };
            (self.piece, self.at) = (piece?, 0);
        }
        let n = (&self.piece[self.at..]).read(into)?;
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails;

    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }

    #[test]
    fn all_is_handed_over_in_order() {
        let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let read = ahead(&mut &bytes[..], |reader| {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map_err(|error| error.to_string())?;
            Ok(read)
        });
        assert!(read.unwrap() == bytes);
    }

    #[test]
    fn faults_of_either_side_end_both() {
        let all =
            |reader: &mut dyn Read| io::read_to_string(reader).map_err(|error| error.to_string());
        assert_eq!(ahead(&mut Fails, all), Err("broken".to_owned()));
        let endless = &mut io::repeat(b'x');
        assert_eq!(ahead::<()>(endless, |_| Err("enough".to_owned())), Err("enough".to_owned()));
    }
}
