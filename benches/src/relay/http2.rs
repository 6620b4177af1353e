//! The side of HTTP/2 that answers one call: its frames, and how much may be sent.
//!
//! By hand and not by a library: whoever serves here shares the machine with what is measured, and
//! a frame that is put together once costs a copy each time. Headers of the request are not read,
//! for there is one call that can be meant.
//!
//! Source: RFC 9113, RFC 7541 for the two headers of the answer.

use std::io::{Error, ErrorKind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The first call of a client.
const STREAM: u32 = 1;
/// Of either side until it says otherwise.
const WINDOW: i64 = 65_535;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// Of settings and pings: this answers one.
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// Of data: nothing follows.
const END_STREAM: u8 = 1;
/// The setting of the size of windows.
const INITIAL_WINDOW: u16 = 4;

/// Bytes before a frame's content.
const HEAD: usize = 9;

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

/// What a server says first: nothing is set.
pub(super) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// The head of an answer: code 200, and what follows is gRPC.
pub(super) fn head() -> Vec<u8> {
    let mut content = vec![0x88, 0x5f];
    let kind = b"application/grpc";
    content.push(u8::try_from(kind.len()).unwrap_or_default());
    content.extend_from_slice(kind);
    frame(HEADERS, END_HEADERS, STREAM, &content)
}

/// A frame of data.
pub(super) fn data(content: &[u8]) -> Vec<u8> {
    frame(DATA, 0, STREAM, content)
}

/// Bytes of a frame of data that count against what may be sent.
pub(super) fn counted(frame: &[u8]) -> usize {
    frame.len() - HEAD
}

/// The other side, as far as it has been heard.
#[derive(Debug, Default)]
pub(super) struct Peer {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Debug)]
struct Heard {
    /// Not taken apart yet.
    rest: Vec<u8>,
    has_begun: bool,
    has_asked: bool,
    /// The message of its request, with what is before it.
    question: Vec<u8>,
    has_gone: bool,
    /// Bytes that may be sent in all, and on the stream.
    connection: i64,
    stream: i64,
    /// With which streams begin.
    initial: i64,
    /// Frames that it waits for.
    owed: Vec<u8>,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            rest: Vec::new(),
            has_begun: false,
            has_asked: false,
            question: Vec::new(),
            has_gone: false,
            connection: WINDOW,
            stream: WINDOW,
            initial: WINDOW,
            owed: Vec::new(),
        }
    }
}

impl Peer {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what it sends.
    pub(super) fn hear(&self, bytes: &[u8]) {
        self.heard().hear(bytes);
        self.changed.notify_all();
    }

    /// It has gone.
    pub(super) fn leave(&self) {
        self.heard().has_gone = true;
        self.changed.notify_all();
    }

    /// Waits until something is so.
    fn until(&self, is: impl Fn(&Heard) -> bool) -> Result<MutexGuard<'_, Heard>, Error> {
        let heard = self.changed.wait_while(self.heard(), |heard| !heard.has_gone && !is(heard));
        let heard = heard.unwrap_or_else(PoisonError::into_inner);
        if heard.has_gone { Err(ErrorKind::BrokenPipe.into()) } else { Ok(heard) }
    }

    /// Waits until it has asked, and returns what.
    ///
    /// - Shape: a message of gRPC without the five bytes before it.
    /// - Errors: it has gone.
    pub(super) fn asked(&self) -> Result<Vec<u8>, Error> {
        let heard = self.until(|heard| heard.has_asked)?;
        Ok(heard.question.get(5..).unwrap_or_default().to_vec())
    }

    /// Waits until so many bytes may be sent, and takes all that may be.
    ///
    /// - Errors: it has gone.
    pub(super) fn take(&self, least: usize) -> Result<usize, Error> {
        let mut heard = self.until(|heard| heard.room() >= least)?;
        let room = heard.room();
        let taken = i64::try_from(room).unwrap_or(i64::MAX);
        heard.connection -= taken;
        heard.stream -= taken;
        Ok(room)
    }

    /// Frames that it waits for, once.
    pub(super) fn owed(&self) -> Vec<u8> {
        std::mem::take(&mut self.heard().owed)
    }
}

impl Heard {
    fn room(&self) -> usize {
        usize::try_from(self.connection.min(self.stream)).unwrap_or_default()
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        if !self.has_begun {
            if self.rest.len() < PREFACE.len() {
                return;
            }
            self.has_begun = true;
            self.rest.drain(..PREFACE.len());
        }
        let rest = std::mem::take(&mut self.rest);
        let mut rest = rest.as_slice();
        while let Some((head, after)) = rest.split_first_chunk::<HEAD>() {
            let [a, b, c, kind, flags, stream @ ..] = *head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let Some((content, after)) = after.split_at_checked(length) else { break };
            self.frame(kind, flags, u32::from_be_bytes(stream), content);
            rest = after;
        }
        self.rest = rest.to_vec();
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, content: &[u8]) {
        match (kind, stream) {
            (DATA, STREAM) => {
                self.question.extend_from_slice(content);
                self.has_asked |= flags & END_STREAM != 0;
            }
            (SETTINGS, 0) if flags & ACK == 0 => {
                for setting in content.as_chunks::<6>().0 {
                    let [a, b, value @ ..] = *setting;
                    if u16::from_be_bytes([a, b]) == INITIAL_WINDOW {
                        let initial = i64::from(u32::from_be_bytes(value));
                        self.stream += initial - self.initial;
                        self.initial = initial;
                    }
                }
                self.owed.extend(frame(SETTINGS, ACK, 0, &[]));
            }
            (PING, 0) if flags & ACK == 0 => self.owed.extend(frame(PING, ACK, 0, content)),
            (WINDOW_UPDATE, _) => {
                let more = content.first_chunk::<4>().map(|more| u32::from_be_bytes(*more));
                let more = i64::from(more.unwrap_or_default());
                let window = if stream == 0 { &mut self.connection } else { &mut self.stream };
                *window += more;
            }
            (RESET, STREAM) | (GO_AWAY, 0) => self.has_gone = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_heard_in_pieces_of_any_size() {
        let window = [&INITIAL_WINDOW.to_be_bytes()[..], &100_000_u32.to_be_bytes()].concat();
        let bytes = [
            PREFACE.to_vec(),
            frame(SETTINGS, 0, 0, &window),
            frame(WINDOW_UPDATE, 0, 0, &200_000_u32.to_be_bytes()),
            frame(HEADERS, END_HEADERS, STREAM, b"whatever"),
            frame(PING, 0, 0, b"12345678"),
            frame(DATA, END_STREAM, STREAM, b"a question"),
        ]
        .concat();
        for size in [1, 7, bytes.len()] {
            let peer = Peer::default();
            bytes.chunks(size).for_each(|piece| peer.hear(piece));
            assert_eq!(peer.asked().unwrap(), b"stion", "behind five bytes");
            let answered = [frame(SETTINGS, ACK, 0, &[]), frame(PING, ACK, 0, b"12345678")];
            assert_eq!(peer.owed(), answered.concat());
            assert_eq!(peer.take(1).unwrap(), 100_000, "the stream's is smaller");
            peer.hear(&frame(WINDOW_UPDATE, 0, STREAM, &7_u32.to_be_bytes()));
            assert_eq!(peer.take(5).unwrap(), 7);
            peer.hear(&frame(RESET, 0, STREAM, &[0; 4]));
            assert!(peer.take(0).is_err());
        }
    }

    #[test]
    fn a_frame_of_data_has_its_length_before_it() {
        let frame = data(b"abc");
        assert_eq!(frame, b"\0\0\x03\0\0\0\0\0\x01abc");
        assert_eq!(counted(&frame), 3);
    }
}
