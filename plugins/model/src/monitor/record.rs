//! A record of many lines: what `-v -v` and `--hex` print for one packet.
//!
//! Apart from [`reader`](super::reader), which knows where records begin and end. It must not
//! grow without end: what is too long is handed over in pieces.

use std::borrow::Cow;

use super::{Event, Kind, layers, parse_text_line};

/// Bytes at which a record is handed over as it is; real ones have about a thousand.
const MAX: usize = 256 << 10;

/// The lines of one record so far.
#[derive(Debug, Default)]
pub(super) struct Record {
    text: String,
    /// Where its first line, which says what it is, stands in the text. Agents print it before
    /// the layers or after them.
    header: Option<(usize, usize)>,
    has_layers: bool,
}

impl Record {
    /// Whether a line belongs to a record and says nothing alone: a layer, a part of a hex dump,
    /// or a remark on one of them.
    pub(super) fn is_part(line: &str) -> bool {
        let bytes = line.as_bytes();
        let name = bytes.iter().take(24).position(|&byte| byte == b'\t');
        let is_layer = name.is_some_and(|at| {
            at > 0
                && bytes[..at].iter().all(u8::is_ascii_alphanumeric)
                && bytes.get(at + 1) == Some(&b'{')
        });
        let is_hex = bytes.len() > 10
            && bytes[..8].iter().all(u8::is_ascii_hexdigit)
            && &bytes[8..10] == b"  ";
        is_layer
            || is_hex
            || line.starts_with("  Packet has been truncated")
            || line.starts_with("  Failed to decode layer")
            || line == "Unknown layer"
    }

    /// Whether the event is the first line of a record.
    pub(super) fn is_header(event: &Event<'_>) -> bool {
        match event.kind {
            Kind::Recorder => true,
            Kind::Drop | Kind::Trace | Kind::Capture => event.raw.starts_with("CPU "),
            _ => false,
        }
    }

    /// Whether the line that says what it is has come.
    pub(super) const fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// Whether it is as long as it may be.
    pub(super) const fn is_full(&self) -> bool {
        self.text.len() >= MAX
    }

    /// Whether no line has come.
    pub(super) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a layer or a part of a dump.
    pub(super) fn push_part(&mut self, line: &str) {
        self.push(line);
        self.has_layers = true;
    }

    /// Adds the line that says what it is; true when that makes it whole.
    pub(super) fn push_header(&mut self, line: &str) -> bool {
        let (start, end) = self.push(line);
        self.header = Some((start, end));
        self.has_layers
    }

    fn push(&mut self, line: &str) -> (usize, usize) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.text.push_str(line);
        (start, self.text.len())
    }

    /// Its event; [`Kind::Other`] when nothing says what it is.
    pub(super) fn read(&self) -> Event<'_> {
        let header = self.header.and_then(|(start, end)| self.text.get(start..end));
        let Some(event) = header.and_then(parse_text_line) else {
            return Event::words(Kind::Other, &self.text, &self.text);
        };
        let mut event = Event { raw: Cow::Borrowed(&self.text), ..event };
        for line in self.text.lines() {
            layers::fill(line, &mut event);
        }
        event
    }

    /// Forgets the lines and keeps the room.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.header = None;
        self.has_layers = false;
    }
}
