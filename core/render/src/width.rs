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

/// Spaces to write, without making a string for each.
pub(crate) fn spaces(n: usize, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    const SPACES: &[u8; 64] = &[b' '; 64];
    let mut left = n;
    while left > 0 {
        let now = left.min(SPACES.len());
        out.write_all(&SPACES[..now])?;
        left -= now;
    }
    Ok(())
}
