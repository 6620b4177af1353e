//! Takes out of a capture what its maker does not want to hand on.

use std::borrow::Cow;

use lab_types::Failure;
use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

use crate::Answer;

/// What stands in the place of what was taken out.
const INSTEAD: &str = "[redacted]";

/// Patterns whose matches are replaced by `[redacted]` before anything is written.
///
/// - They reach objects, outputs, logs, versions and reasons. Names of hosts, kinds and logs,
///   and the words of commands, stay: answers are found by them.
/// - In JSON they are matched against each text by itself, so that it stays JSON; elsewhere
///   against the whole output, where `^` and `$` are the ends of lines.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    patterns: Vec<Regex>,
}

impl Redaction {
    /// Understands regular expressions. Errors: `invalid-input`, naming the one that is wrong.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Answer<Self> {
        let pattern = |text: &S| {
            let text = text.as_ref();
            let built = RegexBuilder::new(text).unicode(false).multi_line(true).build();
            let regex = built.map_err(|error| {
                let error = error.to_string();
                let cause = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Failure::invalid(format!("pattern `{text}` is not understood: {cause}"))
            })?;
            if regex.is_match(b"") {
                return Err(Failure::invalid(format!("pattern `{text}` matches nothing at all"))
                    .hint("a pattern has to match at least one character"));
            }
            Ok(regex)
        };
        Ok(Self { patterns: patterns.iter().map(pattern).collect::<Answer<_>>()? })
    }

    /// An output: JSON if it is, text otherwise.
    pub(crate) fn output(&self, bytes: &[u8]) -> Vec<u8> {
        if self.patterns.is_empty() {
            return bytes.to_vec();
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
                self.json(text).into_bytes()
            }
            _ => self.bytes(bytes).into_owned(),
        }
    }

    /// A text that is no JSON.
    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    /// A valid JSON text: its strings, keys too, one by one.
    pub(crate) fn json(&self, text: &str) -> String {
        if self.patterns.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('"') {
            let end = start + string_len(&rest[start..]);
            let (before, string) = (&rest[..start], &rest[start..end]);
            out.push_str(before);
            let plain: Option<String> = serde_json::from_str(string).ok();
            match plain.as_deref().map(|plain| (plain, self.bytes(plain.as_bytes()))) {
                Some((_, Cow::Owned(clean))) => {
                    let clean = String::from_utf8_lossy(&clean);
                    // Writing a string as JSON cannot fail.
                    out.push_str(&serde_json::to_string(&clean).unwrap_or_default());
                }
                _ => out.push_str(string),
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut clean = Cow::Borrowed(bytes);
        for pattern in &self.patterns {
            if pattern.is_match(&clean) {
                clean = Cow::Owned(
                    pattern.replace_all(&clean, regex::bytes::NoExpand(INSTEAD.as_bytes())).into(),
                );
            }
        }
        clean
    }
}

/// How long the JSON string at the beginning is, with its quotes.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_are_redacted() {
        let redaction = Redaction::new(&["secret-[a-z]+", r"^token: .*$"]).unwrap();
        let clean = |text: &str| String::from_utf8(redaction.output(text.as_bytes())).unwrap();
        assert_eq!(clean("a secret-x\ntoken: y\nz\n"), "a [redacted]\n[redacted]\nz\n");
        assert_eq!(
            clean(r#"{"secret-a": ["\u0073ecret-b", "token: c", 1.50, "é\""]}"#),
            r#"{"[redacted]": ["[redacted]", "[redacted]", 1.50, "é\""]}"#
        );
        assert_eq!(redaction.output(b"\xff secret-x"), b"\xff [redacted]");
        assert_eq!(clean("nothing"), "nothing");
    }

    #[test]
    fn patterns_that_cannot_be_meant() {
        assert!(Redaction::new(&["("]).unwrap_err().message.starts_with("pattern `(` is not"));
        assert!(Redaction::new(&["a*"]).is_err());
        assert!(Redaction::new::<&str>(&[]).is_ok());
    }
}
