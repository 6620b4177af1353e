//! Breaking free text at spaces, and where it has lines of its own. Words stay whole: an address
//! or a command cut in two cannot be copied.

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
        let (own, after) = match text.split_once('\n') {
            Some((own, after)) => (own, Some(after)),
            None => (text, None),
        };
        if width(own) <= self.limit {
            self.rest = after;
            return Some(own.trim_end());
        }
        // The end of the last word that still fits; at least one word goes on every line.
        let mut end = None;
        for (at, _) in own.match_indices(' ') {
            let line = own[..at].trim_end();
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
            self.rest = after;
            return Some(own);
        };
        let rest = own[end..].trim_start();
        // What is left of this line, and the lines behind it.
        self.rest = if rest.is_empty() { after } else { Some(&text[own.len() - rest.len()..]) };
        Some(own[..end].trim_end())
    }
}

/// The width of the longest word, below which a text cannot be wrapped.
pub(crate) fn longest_word(text: &str) -> usize {
    text.split([' ', '\n']).map(width).max().unwrap_or(0)
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
        check("a\n  b\n\nc", 80, &["a", "  b", "", "c"]);
        check("one two\n  three four\n", 7, &["one two", "  three", "four", ""]);
        check("one two \nthree", 4, &["one", "two", "three"]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost(text in "[ a-z日\\n]{0,60}", limit in 0_usize..20) {
            let joined: Vec<&str> = lines(&text, limit).flat_map(str::split_whitespace).collect();
            prop_assert_eq!(joined, text.split_whitespace().collect::<Vec<_>>());
            for line in lines(&text, limit) {
                prop_assert!(width(line) <= limit || line.split_whitespace().count() <= 1);
            }
        }
    }
}
