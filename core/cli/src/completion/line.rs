//! Reads a line of bash up to the cursor, and quotes what is inserted there.
//!
//! bash splits words for completion at characters such as `=`, `:` and `@`, keeps quotes as
//! typed, and replaces only the part behind the last split. Undoing that in a script would need
//! `eval` or a page of it; here it is a function with tests. Nothing is expanded: `$x` stays.

/// A line, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Words without their quotes, without the program's name, the one under the cursor last.
    pub(super) words: Vec<String>,
    /// The cursor is in the target of a `>` or `<`.
    pub(super) is_redirection: bool,
    /// The quote that is open at the cursor.
    quote: Option<char>,
    /// How much of the last word, in bytes, bash leaves as it is.
    kept: usize,
}

/// Splits a line; `breaks` is `COMP_WORDBREAKS`.
pub(super) fn split(line: &str, breaks: &str) -> Line {
    let mut words: Vec<(String, bool)> = Vec::new();
    // The word being read: its text, and whether it is the target of a redirection.
    let mut word: Option<String> = None;
    let mut target = false;
    let mut quote = None;
    let mut kept = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => {
                quote = None;
                kept = word.as_ref().map_or(0, String::len);
            }
            (Some('"'), '\\') => match chars.next() {
                Some(next @ ('"' | '\\' | '$' | '`')) => word.get_or_insert_default().push(next),
                Some(next) => word.get_or_insert_default().extend(['\\', next]),
                None => {}
            },
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\\') => {
                let word = word.get_or_insert_default();
                word.extend(chars.next());
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                kept = word.get_or_insert_default().len();
            }
            (None, c) if c.is_whitespace() => {
                if let Some(word) = word.take() {
                    words.push((word, std::mem::take(&mut target)));
                }
                kept = 0;
            }
            (None, '>' | '<' | '&' | '|') => {
                if let Some(word) = word.take()
                    && !word.bytes().all(|byte| byte.is_ascii_digit())
                {
                    words.push((word, target));
                }
                target = true;
                kept = 0;
            }
            (None, c) => {
                let word = word.get_or_insert_default();
                word.push(c);
                if breaks.contains(c) {
                    kept = word.len();
                }
            }
        }
    }
    let is_redirection = target;
    words.push((word.unwrap_or_default(), target));
    let words = words.into_iter().filter(|(_, target)| !target).map(|(word, _)| word);
    Line { words: words.skip(1).collect(), is_redirection, quote, kept }
}

impl Line {
    /// What bash inserts to make the last word this candidate.
    pub(super) fn insertion(&self, candidate: &str) -> String {
        let rest = candidate.get(self.kept..).unwrap_or(candidate);
        let mut text = String::new();
        for c in rest.chars() {
            let escape = match self.quote {
                None => !c.is_alphanumeric() && !"-_./:=@,+%".contains(c),
                Some('"') => "\"\\$`".contains(c),
                Some(_) => false,
            };
            if escape {
                text.push('\\');
            }
            text.push(c);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BREAKS: &str = " \t\n\"'><=;|&(:@";

    #[test]
    fn words_are_read_as_bash_would_pass_them() {
        for (line, expected, kept) in [
            ("kubectl-lab ", &[""][..], 0),
            ("kubectl-lab rou", &["rou"], 0),
            ("kubectl-lab routes  -o ", &["routes", "-o", ""], 0),
            ("lab --output=js", &["--output=js"], 9),
            ("lab --context kind-a@b:c", &["--context", "kind-a@b:c"], 9),
            ("lab --context 'two wo", &["--context", "two wo"], 0),
            ("lab --context=\"two wo", &["--context=two wo"], 10),
            ("lab --context two\\ wo", &["--context", "two wo"], 0),
            ("lab \"a\\\"b\" '' x", &["a\"b", "", "x"], 0),
            ("lab routes 2>err -o ", &["routes", "-o", ""], 0),
            ("lab \\", &[""], 0),
            ("lab $HOME", &["$HOME"], 0),
        ] {
            let typed = split(line, BREAKS);
            assert_eq!(typed.words, expected, "{line}");
            assert_eq!(typed.kept, kept, "{line}");
            assert!(!typed.is_redirection, "{line}");
        }
        assert!(split("lab routes >fi", BREAKS).is_redirection);
    }

    #[test]
    fn what_is_inserted_fits_the_open_quote() {
        for (line, candidate, expected) in [
            ("lab --context tw", "two words", "two\\ words"),
            ("lab --context 'tw", "two words", "two words"),
            ("lab --context \"tw", "two $words", "two \\$words"),
            ("lab --output=js", "--output=json", "json"),
            ("lab --context=kind@", "--context=kind@lab", "lab"),
            ("lab rou", "routes", "routes"),
        ] {
            assert_eq!(split(line, BREAKS).insertion(candidate), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "[a-z '\"\\\\=:><é$]{0,30}", candidate: String) {
            let _ = split(&line, BREAKS).insertion(&candidate);
        }
        #[test]
        fn an_inserted_word_reads_as_the_candidate(candidate in "[a-zA-Z '\"\\\\=:$&>é]{1,20}") {
            let inserted = split("lab ", BREAKS).insertion(&candidate);
            let line = split(&format!("lab {inserted}"), BREAKS);
            prop_assert_eq!(line.words, vec![candidate]);
        }
    }
}
