//! The output of one monitor, as it comes: bytes in, events out.
//!
//! Apart from the shapes because it knows nothing but lines and which of them belong together.
//! It must not wait for more than it needs, nor keep more than it may.

use std::{borrow::Cow, mem};

use memchr::memchr;

use super::{Event, Kind, json::parse_json_line, record::Record, text::parse_text_line};

/// Bytes of a line after which it is handed over in pieces, as [`Kind::Other`]. A real line has
/// at most a few thousand.
const LINE_MAX: usize = 256 << 10;

/// Reads the output of `cilium-dbg monitor` in any of its formats, cut anywhere.
///
/// - Errors: none. A line that is not understood is an event of the kind [`Kind::Other`].
/// - Memory: bounded, whatever comes.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// Whether a piece of that line has been handed over.
    is_cut: bool,
    /// The record whose end has not come. Its room is kept between records.
    record: Record,
    is_open: bool,
}

impl Reader {
    /// A reader at the beginning of an output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes and hands over the events that are whole.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Event<'_>)) {
        while let Some(end) = memchr(b'\n', bytes) {
            let line = &bytes[..end];
            bytes = &bytes[end + 1..];
            if self.partial.is_empty() && !self.is_cut {
                self.line(line, &mut each);
                continue;
            }
            self.partial.extend_from_slice(line);
            self.end_of_line(&mut each);
        }
        while self.partial.len() + bytes.len() >= LINE_MAX {
            let (piece, rest) = bytes.split_at(LINE_MAX.saturating_sub(self.partial.len()));
            self.partial.extend_from_slice(piece);
            bytes = rest;
            self.is_cut = true;
            each(other(&String::from_utf8_lossy(&self.partial)));
            self.partial.clear();
        }
        self.partial.extend_from_slice(bytes);
    }

    /// Hands over what has no end: the output is over.
    pub fn finish(&mut self, mut each: impl FnMut(Event<'_>)) {
        if !self.partial.is_empty() {
            self.end_of_line(&mut each);
        }
        self.close(&mut each);
    }

    /// The partial line is whole.
    fn end_of_line(&mut self, each: &mut impl FnMut(Event<'_>)) {
        let mut line = mem::take(&mut self.partial);
        if mem::take(&mut self.is_cut) {
            if !line.is_empty() {
                each(other(&String::from_utf8_lossy(&line)));
            }
        } else {
            self.line(&line, each);
        }
        line.clear();
        self.partial = line;
    }

    fn line(&mut self, line: &[u8], each: &mut impl FnMut(Event<'_>)) {
        match std::str::from_utf8(line) {
            Ok(line) => self.text(line, each),
            Err(_) => self.text(&String::from_utf8_lossy(line), each),
        }
    }

    fn text(&mut self, line: &str, each: &mut impl FnMut(Event<'_>)) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with('{') {
            return each(parse_json_line(line).unwrap_or_else(|| other(line)));
        }
        if line.trim_ascii().is_empty() {
            return;
        }
        if line.len() >= 4 && line.bytes().all(|byte| byte == b'-') {
            self.close(each);
            self.is_open = true;
            return;
        }
        if Record::is_part(line) {
            self.is_open = true;
            self.record.push_part(line);
            if self.record.is_full() {
                self.close(each);
            }
            return;
        }
        match parse_text_line(line) {
            Some(event) if Record::is_header(&event) => {
                if self.record.has_header() {
                    self.close(each);
                }
                self.is_open = true;
                if self.record.push_header(line) {
                    self.close(each);
                }
            }
            // Logs come from another stream and may stand anywhere.
            Some(event) if event.kind == Kind::Log => each(event),
            event => {
                if self.record.has_header() {
                    self.close(each);
                }
                each(event.unwrap_or_else(|| other(line)));
            }
        }
    }

    /// Hands over the open record. A line of dashes with nothing behind it is nothing.
    fn close(&mut self, each: &mut impl FnMut(Event<'_>)) {
        if mem::take(&mut self.is_open) && !self.record.is_empty() {
            each(self.record.read());
        }
        self.record.clear();
    }
}

fn other(text: &str) -> Event<'_> {
    Event { text: Cow::Borrowed(text), ..Event::of(Kind::Other, text) }
}
