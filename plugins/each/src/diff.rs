//! How answers differ from the one that most hosts gave: unified, line by line.
//!
//! Pure but for the clock: texts of a megabyte that have nothing in common would be compared for
//! minutes, so all comparing together has a deadline, after which hunks are larger than need be.

use std::time::{Duration, Instant};

use similar::TextDiff;

use crate::fold::Group;
use crate::text;

/// Lines of equal text around a difference.
const CONTEXT: usize = 3;
/// For all comparing of one run. The host program stops a plugin after a minute of computing.
const PATIENCE: Duration = Duration::from_secs(15);
/// Of all hunks together.
const MOST_OF_ALL: usize = 16 << 20;

/// A group against the first one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Hunks; none where the output is the same, or no text.
    pub text: Option<String>,
    /// What a reader has to know besides.
    pub note: Option<String>,
}

/// Every group against the first one, which is the largest.
pub fn against_first(groups: &[Group]) -> Vec<Diff> {
    let Some((first, others)) = groups.split_first() else { return Vec::new() };
    let is_majority = others.iter().all(|other| other.hosts.len() < first.hosts.len());
    let note = if is_majority { "majority" } else { "base" };
    let mut diffs = vec![Diff { text: None, note: Some(note.to_owned()) }];
    let base = text::of(&first.answer.out).text;
    let is_binary =
        |group: &Group, text: &Option<String>| text.is_none() && !group.answer.out.bytes.is_empty();
    let deadline = Instant::now() + PATIENCE;
    let mut room = MOST_OF_ALL;
    for group in others {
        let (ours, theirs) = (&first.answer, &group.answer);
        let mut diff = Diff::default();
        let mut notes = Vec::new();
        if ours.out != theirs.out {
            let text = text::of(&theirs.out).text;
            if is_binary(first, &base) || is_binary(group, &text) {
                notes.push("binary output differs");
            } else {
                let (old, new) = (base.as_deref(), text.as_deref());
                let hunks =
                    hunks(old.unwrap_or_default(), new.unwrap_or_default(), deadline, &mut room);
                if hunks.is_cut {
                    notes.push("more differs");
                }
                diff.text = (!hunks.text.is_empty()).then_some(hunks.text);
            }
        }
        if ours.code != theirs.code {
            notes.push("other exit code");
        }
        if ours.err != theirs.err {
            notes.push("other errors");
        }
        if diff.text.is_none() && notes.is_empty() {
            notes.push("differs where it was cut");
        }
        diff.note = (!notes.is_empty()).then(|| notes.join("; "));
        diffs.push(diff);
    }
    diffs
}

struct Hunks {
    text: String,
    is_cut: bool,
}

fn hunks(old: &str, new: &str, deadline: Instant, room: &mut usize) -> Hunks {
    let diff = TextDiff::configure().deadline(deadline).diff_lines(old, new);
    let mut unified = diff.unified_diff();
    unified.context_radius(CONTEXT);
    let mut hunks = Hunks { text: String::new(), is_cut: false };
    for hunk in unified.iter_hunks() {
        let text = hunk.to_string();
        if text.len() > *room {
            hunks.is_cut = true;
            break;
        }
        *room -= text.len();
        hunks.text.push_str(&text);
    }
    hunks
}

#[cfg(test)]
mod tests {
    use lab_plugin::Outcome;
    use proptest::prelude::*;

    use super::*;
    use crate::fold::Groups;

    fn diffs(answers: &[(i32, &[u8], &str)]) -> Vec<Diff> {
        let mut groups = Groups::default();
        for (host, (code, out, err)) in answers.iter().enumerate() {
            let (out, err) = (out.to_vec(), err.as_bytes().to_vec());
            groups.add(host, Outcome { code: *code, out, err, truncated: false });
        }
        against_first(&groups.sorted())
    }

    fn diff(text: Option<&str>, note: Option<&str>) -> Diff {
        Diff { text: text.map(str::to_owned), note: note.map(str::to_owned) }
    }

    #[test]
    fn others_are_compared_with_what_most_hosts_say() {
        let answers = [
            (0, &b"a\nx\nc\n"[..], ""),
            (0, b"a\nb\nc\n", ""),
            (0, b"a\nb\nc\n", ""),
            (1, b"a\nb\nc\n", "no"),
        ];
        let expected = [
            diff(None, Some("majority")),
            diff(Some("@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"), None),
            diff(None, Some("other exit code; other errors")),
        ];
        assert_eq!(diffs(&answers), expected);
    }

    #[test]
    fn without_a_majority_nobody_is_called_one() {
        let found = diffs(&[(0, b"a\n", ""), (0, b"b\n", "")]);
        assert_eq!(found[0], diff(None, Some("base")));
        assert_eq!(diffs(&[(0, b"a", "")]), [diff(None, Some("majority"))]);
        assert_eq!(diffs(&[]), []);
    }

    #[test]
    fn nothing_and_binary_are_compared_as_far_as_they_can_be() {
        let answers = [(0, &b"a\n"[..], ""), (0, b"a\n", ""), (0, b"", ""), (0, b"\0\0", "")];
        let found = diffs(&answers);
        assert_eq!(found[1], diff(Some("@@ -1 +0,0 @@\n-a\n"), None));
        assert_eq!(found[2], diff(None, Some("binary output differs")));
    }

    proptest! {
        /// The hunks, applied to the old text, give the new one.
        #[test]
        fn a_diff_leads_from_one_text_to_the_other(
            old in prop::collection::vec("[abc]", 0..12),
            new in prop::collection::vec("[abc]", 0..12),
        ) {
            let text = |lines: &[String]| lines.iter().fold(String::new(), |all, it| all + it + "\n");
            let mut room = usize::MAX;
            let deadline = Instant::now() + PATIENCE;
            let hunks = hunks(&text(&old), &text(&new), deadline, &mut room);
            prop_assert!(!hunks.is_cut);
            let (mut made, mut at) = (Vec::new(), 0);
            for line in hunks.text.lines() {
                if let Some(head) = line.strip_prefix("@@ -") {
                    let from = head.split([',', ' ']).next().unwrap().parse::<usize>().unwrap();
                    let is_empty = head.split(' ').next().unwrap().ends_with(",0");
                    let start = if is_empty { from } else { from.saturating_sub(1) };
                    made.extend_from_slice(&old[at..start]);
                    at = start;
                } else if let Some(same) = line.strip_prefix(' ') {
                    prop_assert_eq!(&old[at], same);
                    made.push(same.to_owned());
                    at += 1;
                } else if let Some(gone) = line.strip_prefix('-') {
                    prop_assert_eq!(&old[at], gone);
                    at += 1;
                } else if let Some(added) = line.strip_prefix('+') {
                    made.push(added.to_owned());
                }
            }
            made.extend_from_slice(&old[at..]);
            prop_assert_eq!(made, new);
        }
    }
}
