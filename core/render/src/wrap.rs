//! Breaking free text at spaces, and where it has lines of its own. Words stay whole: an address
//! or a command cut in two cannot be copied.

use crate::width::width;

/// Where a line may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaks {
    /// At spaces.
    Spaces,
    /// And behind the slash of `namespace/name`; not in a prefix.
    Names,
}

impl Breaks {
    /// The ends of the words of a line, but for the last one.
    fn ends(self, line: &str) -> impl Iterator<Item = usize> {
        let bytes = line.as_bytes();
        let is_end = move |&(place, byte): &(usize, u8)| match byte {
            b' ' => true,
            b'/' => {
                self == Self::Names && bytes.get(place + 1).is_some_and(u8::is_ascii_alphabetic)
            }
            _ => false,
        };
        let found = line.bytes().enumerate().filter(is_end);
        found.map(|(place, byte)| place + usize::from(byte == b'/'))
    }
}

/// The lines of a text, none wider than `limit` unless a single word is.
pub(crate) fn lines(text: &str, limit: usize, breaks: Breaks) -> Lines<'_> {
    Lines { rest: Some(text), limit, breaks }
}

/// See [`lines`].
pub(crate) struct Lines<'a> {
    rest: Option<&'a str>,
    limit: usize,
    breaks: Breaks,
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
        for at in self.breaks.ends(own) {
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
pub(crate) fn longest_word(text: &str, breaks: Breaks) -> usize {
    let of_line = |line: &str| {
        let mut start = 0;
        let ends = breaks.ends(line).chain([line.len()]);
        let words =
            ends.map(|end| width(line[std::mem::replace(&mut start, end)..end].trim_start()));
        words.max().unwrap_or(0)
    };
    text.split('\n').map(of_line).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, limit: usize, expected: &[&str]) {
        let lines: Vec<_> = lines(text, limit, Breaks::Spaces).collect();
        assert_eq!(lines, expected, "{text} at {limit}");
    }

    #[test]
    fn names_break_behind_their_slash_and_prefixes_do_not() {
        for (text, limit, expected) in [
            ("kube-system/coredns-7", 30, &["kube-system/coredns-7"][..]),
            ("kube-system/coredns-7", 12, &["kube-system/", "coredns-7"]),
            ("kube-system/coredns-7", 3, &["kube-system/", "coredns-7"]),
            ("a/b 10.0.0.0/8 via /c", 4, &["a/b", "10.0.0.0/8", "via", "/c"]),
        ] {
            let lines: Vec<_> = lines(text, limit, Breaks::Names).collect();
            assert_eq!(lines, expected, "{text} at {limit}");
        }
        assert_eq!(longest_word("kube-system/coredns-7", Breaks::Names), 12);
        assert_eq!(longest_word("a 10.0.0.0/8\nbc", Breaks::Names), 10);
        assert_eq!(longest_word("a/bc de", Breaks::Spaces), 4);
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
            let joined: Vec<&str> = lines(&text, limit, Breaks::Spaces).flat_map(str::split_whitespace).collect();
            prop_assert_eq!(joined, text.split_whitespace().collect::<Vec<_>>());
            for line in lines(&text, limit, Breaks::Spaces) {
                prop_assert!(width(line) <= limit || line.split_whitespace().count() <= 1);
            }
        }
    }
}
