//! What a parser could not read, with the place and the text, so that a person can judge it.
//!
//! Apart because every parser here returns it. It must not know which host or command the text
//! came from: the caller does.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// Characters of foreign text a problem quotes at most, so that a hostile input is not doubled.
const QUOTED: usize = 200;

/// Something in foreign text that was not understood; everything around it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the text: `entry 3` of an array (from 1), or `line 12`.
    pub place: String,
    /// The text itself, at most 200 characters of it.
    pub line: String,
    /// What is wrong with it: lower case, no final stop.
    pub what: String,
}

impl Problem {
    /// Makes a problem and cuts the quoted text to a bearable length.
    pub fn new(place: impl Into<String>, line: &str, what: impl Into<String>) -> Self {
        let line = line.trim();
        let end = line.char_indices().nth(QUOTED).map_or(line.len(), |(at, _)| at);
        Self { place: place.into(), line: line[..end].to_owned(), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: `{}`", self.place, self.what, self.line)
    }
}

/// Reads a JSON array entry by entry, so that one bad entry, or a cut, costs only itself.
///
/// Empty objects are skipped: `ip -j addr show dev X` prints one per device that is not `X`.
pub(crate) fn read_entries<'a, T: Deserialize<'a>>(text: &'a str) -> (Vec<T>, Vec<Problem>) {
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    if text.trim().is_empty() {
        problems.push(Problem::new("entry 1", text, "the output is empty"));
        return (entries, problems);
    }
    let mut raws: Vec<&'a RawValue> = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_seq(Collect(&mut raws)).and_then(|()| deserializer.end());
    for (index, raw) in raws.iter().enumerate() {
        match serde_json::from_str::<T>(raw.get()) {
            Ok(entry) => entries.push(entry),
            Err(_) if raw.get().len() <= 4 && raw.get().starts_with('{') => {}
            Err(error) => {
                let what = error.to_string();
                problems.push(Problem::new(format!("entry {}", index + 1), raw.get(), what));
            }
        }
    }
    if let Err(error) = read {
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        // The end of what was read says more than the start of a one-line document.
        let from = line.floor_char_boundary(error.column().saturating_sub(QUOTED / 2));
        let place = format!("entry {}", raws.len() + 1);
        problems.push(Problem::new(place, &line[from..], error.to_string()));
    }
    (entries, problems)
}

/// Keeps what was read before an error, which `Vec`'s own implementation throws away.
struct Collect<'v, 'a>(&'v mut Vec<&'a RawValue>);

impl<'a> Visitor<'a> for Collect<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element()? {
            self.0.push(entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Named {
        name: String,
    }

    fn check(text: &str, names: &[&str], problems: &[(&str, &str)]) {
        let (read, found) = read_entries::<Named>(text);
        let read: Vec<&str> = read.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(read, names, "{text}");
        let found: Vec<(&str, bool)> = found
            .iter()
            .zip(problems)
            .map(|(problem, (_, what))| (problem.place.as_str(), problem.what.contains(what)))
            .collect();
        let wanted: Vec<(&str, bool)> = problems.iter().map(|(place, _)| (*place, true)).collect();
        assert_eq!(found, wanted, "{text}");
    }

    #[test]
    fn one_bad_entry_costs_only_itself() {
        check(r#"[{"name":"a"},{"name":1},{"name":"c"}]"#, &["a", "c"], &[("entry 2", "string")]);
    }

    #[test]
    fn entries_before_a_cut_are_kept() {
        check(r#"[{"name":"a"},{"name":"b"#, &["a"], &[("entry 2", "EOF")]);
    }

    #[test]
    fn empty_objects_are_skipped_and_empty_text_is_a_problem() {
        check(r#"[{},{"name":"a"},{}]"#, &["a"], &[]);
        check("[ ]", &[], &[]);
        check(" \n", &[], &[("entry 1", "empty")]);
    }

    #[test]
    fn quoted_text_is_bounded() {
        let problem = Problem::new("line 1", &"é".repeat(10_000), "too much");
        assert_eq!(problem.line.chars().count(), QUOTED);
    }
}
