//! Breaking free text at spaces. Words stay whole: an address or a command cut in two cannot be
//! copied.

use crate::width::width;

/// The lines of a text, none wider than `limit` unless a single word is.
pub(crate) fn lines(text: &str, limit: usize) -> Lines<'_> {
    Lines { rest: Some(text), limit }
}

/// See [`lines`].
pub(crate) struct Lines<'a> {
    rest: Option<&'a str>,
    limit: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        if width(text) <= self.limit {
            self.rest = None;
            return Some(text);
        }
        // The end of the last word that still fits; at least one word goes on every line.
        let mut end = None;
        for (at, _) in text.match_indices(' ') {
            let line = text[..at].trim_end();
            if line.trim_start().is_empty() {
                continue;
            }
            if end.is_some() && width(line) > self.limit {
                break;
            }
            end = Some(at);
            if width(line) > self.limit {
                break;
            }
        }
        let Some(end) = end else {
            self.rest = None;
            return Some(text);
        };
        let rest = text[end..].trim_start();
        self.rest = (!rest.is_empty()).then_some(rest);
        Some(text[..end].trim_end())
    }
}

/// The width of the longest word, below which a text cannot be wrapped.
pub(crate) fn longest_word(text: &str) -> usize {
    text.split(' ').map(width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, limit: usize, expected: &[&str]) {
        assert_eq!(lines(text, limit).collect::<Vec<_>>(), expected, "{text} at {limit}");
    }

    #[test]
    fn text_breaks_at_spaces_and_words_stay_whole() {
        check("", 5, &[""]);
        check("one two three", 80, &["one two three"]);
        check("one two three", 7, &["one two", "three"]);
        check("one two three", 6, &["one", "two", "three"]);
        check("172.20.1.0/24 via", 5, &["172.20.1.0/24", "via"]);
        check("日本 語", 4, &["日本", "語"]);
        check("a  b", 2, &["a", "b"]);
        check("  ab cd", 4, &["  ab", "cd"]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost(text in "[ a-z日]{0,60}", limit in 0_usize..20) {
            let joined: Vec<&str> = lines(&text, limit).flat_map(str::split_whitespace).collect();
            prop_assert_eq!(joined, text.split_whitespace().collect::<Vec<_>>());
            for line in lines(&text, limit) {
                prop_assert!(width(line) <= limit || line.split_whitespace().count() <= 1);
            }
        }
    }
}
