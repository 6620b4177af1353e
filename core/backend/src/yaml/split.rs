//! Cuts a YAML list into its items while it is read. The printers put `items` in front of
//! `kind`, so nothing is known of a list until its end, and no more than one item is held.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::io::Read;

use memchr::memchr;

/// Bytes read at once.
const CHUNK: usize = 256 << 10;

/// A piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// One item of a list, with its dash.
    Item(&'a str),
    /// All there is: a file that is no list, or none written line by line.
    Document(&'a str),
}

/// Where in a file the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Outside of the list; `true` once it has passed.
    Around(bool),
    /// In the list, whose dashes stand at a column once the first is seen.
    List(Option<usize>),
    /// In a list that is not written line by line.
    Flow,
}

/// Reads a file and hands over its parts, none of them longer than `limit`.
///
/// Errors: one line about the file, or what `each` said with the number of the item in front.
pub(crate) fn read(
    reader: &mut dyn Read,
    limit: u64,
    each: &mut dyn FnMut(Part<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut splitter = Splitter {
        place: Place::Around(false),
        head: Vec::new(),
        buffer: Vec::new(),
        item: None,
        next: 0,
        n_items: 0,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        each,
    };
    loop {
        let ended = splitter.fill(reader)?;
        while let Some(end) = splitter.line(ended) {
            splitter.take(end)?;
        }
        if ended {
            return splitter.finish();
        }
    }
}

struct Splitter<'e> {
    place: Place,
    /// What stands around the list.
    head: Vec<u8>,
    /// The item so far, and what was read behind it.
    buffer: Vec<u8>,
    /// Where in the buffer the item begins.
    item: Option<usize>,
    /// Where the first line begins that was not looked at.
    next: usize,
    n_items: usize,
    limit: usize,
    each: &'e mut dyn FnMut(Part<'_>) -> Result<(), String>,
}

impl Splitter<'_> {
    /// Reads on, and forgets what was handed over; true at the end of the file.
    fn fill(&mut self, reader: &mut dyn Read) -> Result<bool, String> {
        let kept = self.item.unwrap_or(self.next);
        self.buffer.drain(..kept);
        self.next -= kept;
        self.item = self.item.map(|_| 0);
        let len = self.buffer.len();
        if len > self.limit {
            return Err(too_long(self.limit));
        }
        self.buffer.resize(len + CHUNK, 0);
        let n = loop {
            match reader.read(&mut self.buffer[len..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                answer => break answer.map_err(|error| error.to_string())?,
            }
        };
        self.buffer.truncate(len + n);
        Ok(n == 0)
    }

    /// Where the next line ends that may be more than another one of the item; `None` when it
    /// is not all there.
    fn line(&mut self, ended: bool) -> Option<usize> {
        loop {
            let rest = &self.buffer[self.next..];
            let len = match memchr(b'\n', rest) {
                Some(len) => len + 1,
                None if ended && !rest.is_empty() => rest.len(),
                None => return None,
            };
            // This is all that is done for most lines of a list.
            let inside = match (self.place, self.item) {
                (Place::List(Some(dash)), Some(_)) => {
                    rest.get(..=dash).is_some_and(|begin| begin.iter().all(|byte| *byte == b' '))
                }
                _ => false,
            };
            if !inside {
                return Some(self.next + len);
            }
            self.next += len;
        }
    }

    /// Decides about the line that ends there.
    fn take(&mut self, end: usize) -> Result<(), String> {
        let start = std::mem::replace(&mut self.next, end);
        let line = &self.buffer[start..end];
        if let Place::List(dashes) = self.place {
            let indent = line.iter().take_while(|byte| **byte == b' ').count();
            let content = line[indent..].trim_ascii_end();
            let is_dash = content.starts_with(b"- ") || content == b"-";
            match dashes {
                // A blank line or a comment may belong to a text in the item.
                _ if matches!(content, [] | [b'#', ..]) => return Ok(()),
                None if is_dash => {
                    self.place = Place::List(Some(indent));
                    self.item = Some(start);
                    return Ok(());
                }
                Some(at) if is_dash && indent == at => {
                    self.flush(start)?;
                    self.item = Some(start);
                    return Ok(());
                }
                Some(at) if indent > at => return Ok(()),
                _ if indent == 0 && !is_dash => {
                    self.flush(start)?;
                    self.place = Place::Around(true);
                }
                _ => {
                    let n_items = self.n_items + usize::from(self.item.is_some());
                    return Err(format!("a line behind {n_items} items belongs to none"));
                }
            }
        }
        let line = &self.buffer[start..end];
        if self.place == Place::Around(false)
            && let Some(value) = line.strip_prefix(b"items:")
        {
            match value.trim_ascii() {
                b"" | [b'#', ..] => {
                    self.place = Place::List(None);
                    return Ok(());
                }
                b"[]" | b"null" | b"~" => {
                    self.place = Place::Around(true);
                    return Ok(());
                }
                _ => self.place = Place::Flow,
            }
        }
        if self.head.len() + line.len() > self.limit {
            return Err(too_long(self.limit));
        }
        self.head.extend_from_slice(line);
        Ok(())
    }

    /// Hands over the item that ends there.
    fn flush(&mut self, end: usize) -> Result<(), String> {
        let Some(start) = self.item.take() else { return Ok(()) };
        self.n_items += 1;
        if end - start > self.limit {
            return Err(too_long(self.limit));
        }
        text(&self.buffer[start..end])
            .and_then(|text| (self.each)(Part::Item(&text)))
            .map_err(|error| format!("item {}: {error}", self.n_items))
    }

    fn finish(mut self) -> Result<(), String> {
        self.flush(self.buffer.len())?;
        let head = text(&self.head)?;
        match self.place {
            Place::Around(false) | Place::Flow => {
                if head.trim().is_empty() {
                    return Err("it is empty".into());
                }
                (self.each)(Part::Document(&head))
            }
            Place::Around(true) => Ok(()),
            // Printers write the kind of a list behind its items.
            Place::List(_) if ["kind:", "metadata:"].iter().any(|key| head.contains(key)) => Ok(()),
            Place::List(_) => Err(format!("it is cut off behind {} items", self.n_items)),
        }
    }
}

fn too_long(limit: usize) -> String {
    format!("an object in it is longer than the limit of {} MiB", limit >> 20)
}

/// The text of some lines, with line ends as Unix has them.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to()))?;
    Ok(match memchr(b'\r', bytes) {
        Some(_) => text.replace("\r\n", "\n").into(),
        None => text.into(),
    })
}
