//! The one place where text from a cluster is cleaned before a terminal sees it.
//!
//! A rule's comment or a pod's label can carry escape sequences that move the cursor, and marks
//! that turn the direction of writing; both would let a cluster say things in our name. What is
//! replaced stays visible, so that nobody wonders why a name cannot be found.

use std::borrow::Cow;
use std::fmt::Write;

/// Text that is safe in one line of a terminal.
///
/// - Control characters become their pictures (`␛`, `␤`), a tab one space; C1 controls, bidi
///   controls, line separators, invisible spaces and tags become `<U+202E>`.
/// - Everything else stays, wide and combining characters too.
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    if !text.contains(unsafe_in_terminal) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(c, &mut cleaned));
    Cow::Owned(cleaned)
}

/// Whether a text is nothing but visible ASCII and spaces.
pub(crate) fn is_plain(text: &str) -> bool {
    // Without an early end, which would make it byte by byte.
    text.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte))
}

fn push(c: char, cleaned: &mut String) {
    match c {
        '\t' => cleaned.push(' '),
        '\n' => cleaned.push('␤'),
        '\u{7f}' => cleaned.push('␡'),
        // Control pictures stand in the order of the characters that they show.
        '\0'..='\x1f' => cleaned.extend(char::from_u32(0x2400 + u32::from(c))),
        c if unsafe_in_terminal(c) => {
            // Writing to a string does not fail.
            let _ = write!(cleaned, "<U+{:04X}>", u32::from(c));
        }
        c => cleaned.push(c),
    }
}

fn unsafe_in_terminal(c: char) -> bool {
    matches!(
        c,
        '\0'..='\x1f'
            | '\u{7f}'..='\u{9f}'
            // Bidi: ALM, LRM and RLM, embeddings and overrides, isolates.
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators.
            | '\u{2028}'..='\u{2029}'
            // Invisible: two names that look alike must not differ only in these. Joiners
            // (U+200C, U+200D) stay, as scripts and emoji need them.
            | '\u{200b}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_moves_a_terminal_becomes_visible() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\tb", "a b"),
            ("\u{1b}[31mred\r\n\u{7}", "␛[31mred␍␤␇"),
            ("\u{9b}2J", "<U+009B>2J"),
            ("abc\u{202e}fed", "abc<U+202E>fed"),
            ("日本 👩‍💻 é", "日本 👩‍💻 é"),
            ("a\u{200b}b", "a<U+200B>b"),
            ("\u{7f}", "␡"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>(), tail in "[\\x00-\\x1f\\x7f-\\u{9f}\\u{202e}]*") {
            let text = text + &tail;
            let cleaned = clean(&text);
            prop_assert!(!cleaned.contains(unsafe_in_terminal));
            prop_assert_eq!(clean(&cleaned), cleaned.as_ref());
        }
    }
}
