//! A place in the lines of a YAML text.

use memchr::memchr;

/// Something that the fast way does not understand; the whole parser decides about it.
#[derive(Debug)]
pub(super) struct Odd;

/// The content of a line, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    /// Where the content begins.
    pub(super) at: usize,
    /// Its column.
    pub(super) column: usize,
    /// Where the line ends, without its line end.
    pub(super) end: usize,
    /// There are no more lines.
    pub(super) done: bool,
}

/// One line as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl Line<'_> {
    /// Spaces at its beginning.
    pub(super) fn indent(&self) -> usize {
        self.text.bytes().take_while(|byte| *byte == b' ').count()
    }

    /// Whether nothing but spaces is on it.
    pub(super) fn is_blank(&self) -> bool {
        self.indent() == self.text.len()
    }

    /// Where it ends.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

impl<'a> Cursor<'a> {
    /// The first line with content.
    pub(super) fn new(text: &'a str) -> Self {
        let mut cursor = Self { text, at: 0, column: 0, end: 0, done: false };
        match cursor.line_at(0) {
            Some(first) => cursor.settle(first),
            None => cursor.done = true,
        }
        cursor
    }

    /// What is left of the line.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// The line that begins at a place.
    pub(super) fn line_at(&self, start: usize) -> Option<Line<'a>> {
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let text = &rest[..memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len())];
        Some(Line { start, text })
    }

    /// The line behind the present one.
    pub(super) fn following(&self) -> Option<Line<'a>> {
        self.line_at(self.end + 1)
    }

    /// Goes to the next line with content.
    pub(super) fn advance(&mut self) {
        match self.following() {
            Some(line) => self.settle(line),
            None => self.done = true,
        }
    }

    /// Goes to a line, or to the next one with content.
    fn settle(&mut self, mut line: Line<'a>) {
        loop {
            let indent = line.indent();
            self.at = line.start + indent;
            self.column = indent;
            self.end = line.end();
            if indent < line.text.len() && !self.rest().starts_with('#') {
                return;
            }
            let Some(next) = self.following() else {
                self.done = true;
                return;
            };
            line = next;
        }
    }

    /// Goes behind the value of a key that stands at a column, without understanding it: behind
    /// everything that is indented more, and a list at the same column.
    pub(super) fn pass(&mut self, column: usize) {
        loop {
            // Most lines are behind their first bytes: nothing else is looked at.
            let bytes = self.text.as_bytes();
            while let Some(rest) = bytes.get(self.end + 1..) {
                let inside = |begin: &[u8]| begin.iter().all(|byte| *byte == b' ');
                if !rest.get(..=column).is_some_and(inside) {
                    break;
                }
                self.end += 1 + memchr(b'\n', rest).unwrap_or(rest.len());
            }
            self.advance();
            if self.done || self.column < column || (self.column == column && !self.is_entry()) {
                return;
            }
        }
    }

    /// Whether an entry of a list begins here.
    pub(super) fn is_entry(&self) -> bool {
        is_entry(self.rest())
    }

    /// Goes to content further on in the same line.
    pub(super) fn go_to(&mut self, at: usize) {
        self.column += at - self.at;
        self.at = at;
    }
}

/// Whether a text begins with the dash of a list.
pub(super) fn is_entry(text: &str) -> bool {
    text.starts_with("- ") || text == "-"
}
