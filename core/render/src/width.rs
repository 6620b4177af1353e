//! How many columns of the screen a text takes.

use unicode_width::UnicodeWidthStr;

/// Columns of the screen; nearly all text is ASCII, where bytes are columns.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { UnicodeWidthStr::width(text) }
}

/// Columns of the widest line of a text.
pub(crate) fn widest(text: &str) -> usize {
    if text.contains('\n') { text.split('\n').map(width).max().unwrap_or(0) } else { width(text) }
}

const SPACES: &str = "                                                                ";

/// So many spaces, in pieces.
fn pieces(n: usize) -> impl Iterator<Item = &'static str> {
    let whole = std::iter::repeat_n(SPACES, n / SPACES.len());
    whole.chain(std::iter::once(&SPACES[..n % SPACES.len()]))
}

/// Spaces to write, without making a string for each.
pub(crate) fn spaces(n: usize, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    pieces(n).try_for_each(|piece| out.write_all(piece.as_bytes()))
}

/// Appends spaces.
pub(crate) fn push_spaces(n: usize, text: &mut String) {
    text.extend(pieces(n));
}
