//! What of a stream can be shown as text, and what has to be said of the rest.
//!
//! Pure. Knows no table; cleaning for a terminal is the host program's.

use std::fmt::Write;

use crate::fold::Stream;

/// A stream as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The text; none when there is none, or when it is binary.
    pub text: Option<String>,
    /// What a reader has to know besides.
    pub note: Option<String>,
}

/// Of so many characters one may be broken before a text counts as binary.
const BROKEN: usize = 16;

/// Reads a stream as text.
pub fn of(stream: &Stream) -> Shown {
    let mut bytes = stream.bytes.as_slice();
    if stream.is_cut()
        && let Err(error) = std::str::from_utf8(bytes)
        && error.error_len().is_none()
    {
        // The cut went through a character.
        bytes = &bytes[..error.valid_up_to()];
    }
    let mut shown = Shown::default();
    if bytes.contains(&0) {
        shown.note = Some(format!("binary, {}", size(stream.len)));
        return shown;
    }
    let text = String::from_utf8_lossy(bytes);
    let broken = match &text {
        std::borrow::Cow::Borrowed(_) => 0,
        std::borrow::Cow::Owned(text) => text.matches('\u{fffd}').count(),
    };
    if broken > 0 && broken * BROKEN > text.chars().count() {
        shown.note = Some(format!("binary, {}", size(stream.len)));
        return shown;
    }
    let mut note = String::new();
    if broken > 0 {
        let places = if broken == 1 { "place" } else { "places" };
        // Writing to a string does not fail.
        let _ = write!(note, "not UTF-8 in {broken} {places}");
    }
    if stream.is_cut() {
        let gap = if note.is_empty() { "" } else { "; " };
        let (kept, len) = (size(bytes.len()), size(stream.len));
        let _ = write!(note, "{gap}cut: the first {kept} of {len}");
    }
    shown.note = (!note.is_empty()).then_some(note);
    shown.text = (!text.is_empty()).then(|| text.into_owned());
    shown
}

/// An amount in whole units, never rounded up.
fn size(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &[u8], len: usize, text: Option<&str>, note: Option<&str>) {
        let shown = of(&Stream { bytes: bytes.to_vec(), len });
        assert_eq!((shown.text.as_deref(), shown.note.as_deref()), (text, note), "{bytes:?}");
    }

    #[test]
    fn texts_are_shown_and_everything_else_is_named() {
        check(b"", 0, None, None);
        check(b"a\nb\n", 4, Some("a\nb\n"), None);
        check("日本".as_bytes(), 6, Some("日本"), None);
        check(b"\x7fELF\0\0", 6, None, Some("binary, 6 bytes"));
        check(&vec![0xff; 20_000], 20_000, None, Some("binary, 19 KiB"));
        let mostly = [b"0123456789abcdefghij".as_slice(), &[0xff]].concat();
        let text = "0123456789abcdefghij\u{fffd}";
        check(&mostly, 21, Some(text), Some("not UTF-8 in 1 place"));
    }

    #[test]
    fn a_cut_is_said_and_does_not_break_a_character() {
        check(b"abc", 5, Some("abc"), Some("cut: the first 3 bytes of 5 bytes"));
        check(&"日本".as_bytes()[..4], 6, Some("日"), Some("cut: the first 3 bytes of 6 bytes"));
        check(b"", 50 << 20, None, Some("cut: the first 0 bytes of 50 MiB"));
        // Not cut here: the half character was printed.
        check(
            b"0123456789abcdef\xe6\x97",
            18,
            Some("0123456789abcdef\u{fffd}"),
            Some("not UTF-8 in 1 place"),
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, more in 0_usize..3) {
            let len = bytes.len() + more;
            let shown = of(&Stream { bytes: bytes.clone(), len });
            if std::str::from_utf8(&bytes).is_ok() && !bytes.contains(&0) {
                prop_assert_eq!(shown.text.unwrap_or_default().into_bytes(), bytes);
            }
        }
    }
}
