//! A pull reader of JSON that never copies what it passes over.
//!
//! Apart because routes and events are read by the million: this reads them several times as
//! fast as deserialising them does (`benches/parse_routes.rs` prints the ratio), mostly by
//! knowing the shape and by not checking what it skips. It must not know what they are.

use std::borrow::Cow;

use memchr::memchr2;

/// The text is not JSON, or ends too early; nothing behind it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

/// A place in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes read so far.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// The text from a place that was read to here.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The text from here to the end.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The same as bytes, whatever letter a place is in.
    #[inline]
    pub(crate) fn rest_bytes(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Moves behind bytes that somebody else has read: whole letters only.
    #[inline]
    pub(crate) fn advance(&mut self, n_bytes: usize) {
        self.at += n_bytes;
    }

    /// The next byte that is not white space, without taking it; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    #[inline]
    fn take(&mut self, wanted: u8, or: &'static str) -> Result<(), Broken> {
        if self.peek() != wanted {
            return Err(Broken(or));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string; borrowed unless it holds an escape.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        self.take(b'"', "expected a string")?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    self.at = at + 1;
                    return Ok(Cow::Borrowed(self.text.get(start..at).unwrap_or_default()));
                }
                b'\\' => return self.escaped_string(start),
                _ => at += 1,
            }
        }
        Err(Broken("a string has no end"))
    }

    /// Reads a string that holds an escape. No name that `ip` prints does, so this may be slow.
    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<Cow<'a, str>, Broken> {
        self.at = start;
        self.skip_string()?;
        let quoted = self.text.get(start - 1..self.at).unwrap_or_default();
        serde_json::from_str(quoted).map(Cow::Owned).map_err(|_| Broken("a string is malformed"))
    }

    /// Moves behind the end of a string whose first quote was taken. Strings that are skipped
    /// are long: an event's layers are hundreds of bytes.
    fn skip_string(&mut self) -> Result<(), Broken> {
        let bytes = self.text.as_bytes();
        while let Some(found) = bytes.get(self.at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            self.at += found + 1;
            if bytes[self.at - 1] == b'"' {
                return Ok(());
            }
            self.at += 1;
        }
        Err(Broken("a string has no end"))
    }

    /// Reads a string with its escapes as they stand: for looking into one that is long.
    pub(crate) fn raw_string(&mut self) -> Result<&'a str, Broken> {
        self.take(b'"', "expected a string")?;
        let start = self.at;
        self.skip_string()?;
        Ok(self.text.get(start..self.at - 1).unwrap_or_default())
    }

    /// Reads a string's text or the letters of a number, `true`, `false` or `null`.
    ///
    /// `None` for an array or an object, which is skipped: not what was looked for.
    #[inline]
    pub(crate) fn scalar(&mut self) -> Result<Option<Cow<'a, str>>, Broken> {
        match self.peek() {
            b'"' => self.string().map(Some),
            b'[' | b'{' => self.skip().map(|()| None),
            _ => self.bare().map(|word| Some(Cow::Borrowed(word))),
        }
    }

    /// Reads a value that has no quotes.
    #[inline]
    fn bare(&mut self) -> Result<&'a str, Broken> {
        self.peek();
        let start = self.at;
        let bytes = self.text.as_bytes();
        while let Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.') =
            bytes.get(self.at)
        {
            self.at += 1;
        }
        match self.since(start) {
            "" => Err(Broken("expected a value")),
            word => Ok(word),
        }
    }

    /// Moves behind one value of any kind. Brackets are counted, not paired: no recursion, so no
    /// depth can exhaust the stack.
    pub(crate) fn skip(&mut self) -> Result<(), Broken> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                0 => return Err(Broken("the text ends too early")),
                b'"' => {
                    self.at += 1;
                    self.skip_string()?;
                }
                b'[' | b'{' => {
                    self.at += 1;
                    depth += 1;
                }
                b']' | b'}' if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                _ => {
                    self.bare()?;
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Calls `read` in front of each element of an array; it must take exactly that element.
    #[inline]
    pub(crate) fn array(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        self.take(b'[', "expected an array")?;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            read(self)?;
            match self.peek() {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                0 => return Err(Broken("the text ends too early")),
                _ => return Err(Broken("expected `,` or `]`")),
            }
        }
    }

    /// Calls `read` with each key of an object, in front of its value; it must take that value.
    #[inline]
    pub(crate) fn object(
        &mut self,
        mut read: impl FnMut(&mut Self, &str) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        self.take(b'{', "expected an object")?;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.take(b':', "expected `:`")?;
            read(self, &key)?;
            match self.peek() {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                0 => return Err(Broken("the text ends too early")),
                _ => return Err(Broken("expected `,` or `}`")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_are_borrowed_unless_escaped() {
        let read = |text| Scanner::new(text).string();
        assert!(matches!(read(r#" "eth1" "#), Ok(Cow::Borrowed("eth1"))));
        assert_eq!(read(r#""a\"b\u00e9""#).unwrap(), "a\"bé");
        assert!(read(r#""cut"#.trim_end_matches('"')).is_err());
        assert!(read(r#""a\"#).is_err());
        assert!(read(r#""a\q""#).is_err());
    }

    #[test]
    fn values_of_any_kind_are_skipped_whole() {
        for value in ["1", "-1.5e3", "null", r#""a\"]""#, "[]", r#"{"a":[{"b":"}"},2],"c":{}}"#] {
            let text = format!("{value},");
            let mut scanner = Scanner::new(&text);
            scanner.skip().unwrap();
            assert_eq!(scanner.rest(), ",", "{value}");
        }
        for value in ["", "[", "]", r#"{"a":1"#, r#"["a"#, ","] {
            assert!(Scanner::new(value).skip().is_err(), "{value}");
        }
    }

    #[test]
    fn depth_is_not_recursion() {
        let text = "[".repeat(1_000_000);
        assert!(Scanner::new(&text).skip().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[\\[\\]{},:\"\\\\a0 é]{0,40}") {
            let _ = Scanner::new(&text).skip();
            let _ = Scanner::new(&text).scalar();
            let _ = Scanner::new(&text).array(|scanner| scanner.object(|inner, _| inner.skip()));
        }
    }
}
