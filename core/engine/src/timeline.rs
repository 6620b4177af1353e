//! Recorded streams, handed over in the order in which their lines once came.
//!
//! Apart because an inbox only knows what has come, and of a recording everything has. Here each
//! wait brings the earliest moment of all streams, and no other. Reads no files: a stream is read
//! ahead by whoever gave it.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use futures::StreamExt;
use futures::stream::BoxStream;
use lab_backend::Chunk;

use crate::inbox::Inbox;
use crate::inbox::Queue;
use crate::inbox::Source;

/// Pieces of a moment that are handed over at once, each of up to 32 KiB: a recording may say of
/// all its lines that they came together.
const AT_ONCE: usize = 16;

/// Output of a running command.
pub enum Process {
    /// It is taken as it comes.
    Running(Queue<Chunk>),
    /// It is taken moment by moment.
    Recorded(Recorded),
}

impl Process {
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Running(queue) => queue.source(),
            Self::Recorded(recorded) => recorded.source,
        }
    }

    /// The next piece, if it has come.
    pub(crate) fn take(&mut self) -> Option<Chunk> {
        match self {
            Self::Running(queue) => queue.take_if(|_| true),
            Self::Recorded(recorded) => recorded.take(),
        }
    }
}

/// A recorded stream, as the guest holds it.
pub struct Recorded {
    source: Source,
    moment: Arc<Mutex<Moment>>,
    inbox: Inbox,
}

/// What came at a moment and has not been taken.
#[derive(Default)]
struct Moment {
    pieces: VecDeque<Chunk>,
    is_last: bool,
}

impl Recorded {
    fn take(&mut self) -> Option<Chunk> {
        let mut moment = lock(&self.moment);
        let piece = moment.pieces.pop_front();
        if !moment.pieces.is_empty() {
            self.inbox.ready(self.source);
        } else if moment.is_last {
            self.inbox.close(self.source);
        }
        piece
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.inbox.close(self.source);
    }
}

fn lock(moment: &Mutex<Moment>) -> MutexGuard<'_, Moment> {
    // A panic while holding it cannot leave the queue half changed.
    moment.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All recorded streams of a run whose lines have times.
#[derive(Default)]
pub(crate) struct Timeline {
    tracks: Vec<Track>,
    now: Option<u64>,
}

struct Track {
    source: Source,
    stream: BoxStream<'static, Chunk>,
    /// When the next piece came.
    at: u64,
    moment: Arc<Mutex<Moment>>,
}

impl Timeline {
    /// Takes a stream on when its lines have times, and else lets the inbox have it.
    pub(crate) async fn start(
        &mut self,
        inbox: &Inbox,
        mut stream: BoxStream<'static, Chunk>,
        bound: usize,
    ) -> Process {
        match stream.next().await {
            Some(Chunk::At(at)) => {
                let source = inbox.open(true);
                let moment = Arc::<Mutex<Moment>>::default();
                self.tracks.push(Track { source, stream, at, moment: moment.clone() });
                Process::Recorded(Recorded { source, moment, inbox: inbox.clone() })
            }
            first => {
                let whole = futures::stream::iter(first).chain(stream).boxed();
                Process::Running(Queue::start(inbox, whole, bound))
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// Unix time in milliseconds of the moment that was handed over last.
    pub(crate) fn now(&self) -> Option<u64> {
        self.now
    }

    /// Hands over the earliest moment. Of streams with the same one the first that was started.
    pub(crate) async fn step(&mut self, inbox: &Inbox) {
        // Nobody else holds what the guest has dropped.
        self.tracks.retain(|track| Arc::strong_count(&track.moment) > 1);
        let earliest = (0..self.tracks.len()).min_by_key(|track| self.tracks[*track].at);
        let Some(earliest) = earliest else { return };
        let track = &mut self.tracks[earliest];
        self.now = Some(track.at);
        // The rest of a long moment is of the same time.
        let mut next = Some(track.at);
        let mut pieces = VecDeque::new();
        while pieces.len() < AT_ONCE {
            match track.stream.next().await {
                // Clocks are set back at times; the order of a stream's own lines is known.
                Some(Chunk::At(at)) => {
                    next = Some(at.max(track.at));
                    break;
                }
                Some(chunk) => pieces.push_back(chunk),
                None => {
                    next = None;
                    break;
                }
            }
        }
        let mut moment = lock(&track.moment);
        moment.pieces.append(&mut pieces);
        moment.is_last = next.is_none();
        drop(moment);
        inbox.ready(track.source);
        match next {
            Some(at) => track.at = at,
            None => drop(self.tracks.remove(earliest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(lines: &[(u64, &str)]) -> BoxStream<'static, Chunk> {
        let timed = |(at, line): &(u64, &str)| [Chunk::At(*at), Chunk::Out(line.as_bytes().into())];
        let chunks: Vec<Chunk> = lines.iter().flat_map(timed).collect();
        futures::stream::iter(chunks).chain(futures::stream::iter([Chunk::Ended(Ok(0))])).boxed()
    }

    #[tokio::test]
    async fn lines_of_many_streams_come_in_the_order_of_their_times() {
        let inbox = Inbox::new(false);
        let mut timeline = Timeline::default();
        let mut processes = Vec::new();
        for lines in [&[(5, "a5"), (9, "a9")][..], &[(3, "b3"), (9, "b9"), (4, "b4")], &[(6, "c6")]]
        {
            processes.push(timeline.start(&inbox, stream(lines), 4).await);
        }
        let mut seen = Vec::new();
        while !timeline.is_empty() {
            timeline.step(&inbox).await;
            let ready = inbox.wait().await.unwrap();
            for process in processes.iter_mut().filter(|process| ready.contains(&process.source()))
            {
                while let Some(chunk) = process.take() {
                    let Chunk::Out(line) = chunk else { continue };
                    seen.push((timeline.now().unwrap(), String::from_utf8(line).unwrap()));
                }
            }
        }
        let seen: Vec<(u64, &str)> = seen.iter().map(|(at, line)| (*at, &**line)).collect();
        // A clock that was set back does not change the order of one stream.
        assert_eq!(seen, [(3, "b3"), (5, "a5"), (6, "c6"), (9, "a9"), (9, "b9"), (9, "b4")],);
        assert_eq!(inbox.wait().await, None);
    }

    #[tokio::test]
    async fn a_long_moment_is_handed_over_in_parts() {
        let inbox = Inbox::new(false);
        let mut timeline = Timeline::default();
        let lines: Vec<Chunk> = (0..=2 * AT_ONCE).map(|_| Chunk::Out(b"x".to_vec())).collect();
        let chunks = std::iter::once(Chunk::At(7)).chain(lines).chain([Chunk::Ended(Ok(0))]);
        let chunks = futures::stream::iter(chunks).boxed();
        let mut process = timeline.start(&inbox, chunks, 4).await;
        let mut parts = Vec::new();
        while !timeline.is_empty() {
            timeline.step(&inbox).await;
            assert_eq!(timeline.now(), Some(7));
            parts.push(std::iter::from_fn(|| process.take()).count());
        }
        assert_eq!(parts, [AT_ONCE, AT_ONCE, 2]);
        assert_eq!(inbox.wait().await, None);
    }

    #[tokio::test]
    async fn streams_without_times_are_the_inbox_s() {
        let inbox = Inbox::new(false);
        let mut timeline = Timeline::default();
        let chunks = futures::stream::iter([Chunk::Out(b"x".to_vec()), Chunk::Ended(Ok(0))]);
        let mut process = timeline.start(&inbox, chunks.boxed(), 4).await;
        assert!(timeline.is_empty());
        let mut seen = Vec::new();
        while inbox.wait().await.is_some() {
            seen.extend(std::iter::from_fn(|| process.take()));
        }
        assert_eq!(seen, [Chunk::Out(b"x".to_vec()), Chunk::Ended(Ok(0))]);
    }

    #[tokio::test]
    async fn what_the_guest_has_dropped_is_passed_over() {
        let inbox = Inbox::new(false);
        let mut timeline = Timeline::default();
        let dropped = timeline.start(&inbox, stream(&[(1, "a1")]), 4).await;
        let kept = timeline.start(&inbox, stream(&[(2, "b2")]), 4).await;
        drop(dropped);
        timeline.step(&inbox).await;
        assert_eq!((timeline.now(), inbox.wait().await), (Some(2), Some(vec![kept.source()])));
    }
}
