//! A walk over a JSON text by its quotes and brackets alone, for texts that are passed over more
//! than they are read: most of an object stays nowhere.

use std::borrow::Cow;

/// A place in a JSON text. What is passed over is not checked: whoever needs it to be JSON has
/// checked it, or will.
pub(crate) struct Walk<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

impl<'a> Walk<'a> {
    /// The next byte that is no white space, without taking it; 0 at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// The next key, and moves behind it; `None` when there is none.
    pub(crate) fn key(&mut self) -> Option<Cow<'a, str>> {
        if self.next() != b'"' {
            return None;
        }
        let start = self.at;
        self.pass_string()?;
        let quoted = &self.text[start..self.at];
        if quoted.contains('\\') {
            return serde_json::from_str(quoted).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
    }

    /// Moves behind the next value. Brackets are counted: no depth exhausts the stack.
    pub(crate) fn pass(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.next() {
                b'"' => self.pass_string()?,
                b'{' | b'[' => {
                    self.at += 1;
                    depth += 1;
                }
                b'}' | b']' if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                0 | b'}' | b']' | b',' | b':' => return None,
                _ => self.pass_word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Moves behind a number, `true`, `false` or `null`.
    fn pass_word(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let ends = |byte: &u8| {
            matches!(
                byte,
                b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\t' | b'\r' | b'"' | b'{' | b'['
            )
        };
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }

    /// Moves behind a string whose first quote is next. Most are short: eight bytes at a time find
    /// the end sooner than a search that is made for long ones.
    #[inline]
    fn pass_string(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(eight) = bytes.get(self.at..)?.first_chunk::<8>() {
            let eight = u64::from_le_bytes(*eight);
            let found = places_of(eight, b'"') | places_of(eight, b'\\');
            if found == 0 {
                self.at += 8;
                continue;
            }
            self.at += found.trailing_zeros() as usize / 8 + 1;
            if bytes[self.at - 1] == b'"' {
                return Some(());
            }
            self.at += 1;
        }
        self.pass_end_of_string()
    }

    /// The same within the last eight bytes.
    fn pass_end_of_string(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.at)?;
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return Some(());
            }
        }
    }
}

/// The highest bit of each byte that is `byte`, up to the first of them; others may be set behind.
const fn places_of(eight: u64, byte: u8) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let differs = eight ^ u64::from_le_bytes([byte; 8]);
    differs.wrapping_sub(LOW) & !differs & HIGH
}

/// The text of the value at a path of keys, of which the first of a name counts; `None` when a key
/// on the way is missing. What stands behind it is not looked at.
pub(crate) fn lookup<'a>(text: &'a str, path: &[String]) -> Option<&'a str> {
    let mut walk = Walk { text, at: 0 };
    for key in path {
        if walk.next() != b'{' {
            return None;
        }
        loop {
            walk.at += 1;
            let found = walk.key()?;
            if walk.next() != b':' {
                return None;
            }
            walk.at += 1;
            if found == **key {
                break;
            }
            walk.pass()?;
            if walk.next() != b',' {
                return None;
            }
        }
    }
    walk.next();
    let start = walk.at;
    walk.pass()?;
    Some(&text[start..walk.at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_is_found_by_its_keys() {
        let text = r#"{"a":{"b\"":"x\\","c":[{"d":1}]}, "e" : -1.5e+7 ,"a":0}"#;
        let at = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            lookup(text, &path)
        };
        assert_eq!(at(&["a", "c"]), Some(r#"[{"d":1}]"#));
        assert_eq!(at(&["a", "b\""]), Some(r#""x\\""#));
        assert_eq!(at(&["e"]), Some("-1.5e+7"));
        for path in [&["a", "d"][..], &["e", "a"], &["a", "c", "d"], &["f"]] {
            assert_eq!(at(path), None, "{path:?}");
        }
    }

    proptest! {
        /// Whatever stands behind it, a string ends where a parser says.
        #[test]
        fn strings_end_at_their_quote(text in "[a\"\\\\é]{0,30}", behind in "[\"\\\\a, ]{0,10}") {
            let quoted = serde_json::to_string(&text).unwrap();
            let all = format!("{quoted}{behind}");
            let mut walk = Walk { text: &all, at: 0 };
            prop_assert_eq!(walk.pass_string(), Some(()));
            prop_assert_eq!(walk.at, quoted.len());
        }

        #[test]
        fn any_text_is_survived(text in "[\\[\\]{},:\"\\\\a0 é]{0,40}") {
            let _ = Walk { text: &text, at: 0 }.pass();
            let _ = lookup(&text, &["a".to_owned()]);
        }
    }
}
