//! Cutting a line at the width of a terminal. A line that runs over the edge would take two, and
//! everything below it would stand in the wrong place.

use std::borrow::Cow;

use crate::paint::RESET;
use crate::width::width;

/// The line, or its beginning and `…`. Colors are kept and ended.
///
/// - Shape: clean text (see [`crate::clean`]) with the color sequences of this crate.
pub(crate) fn clip(line: &str, columns: usize) -> Cow<'_, str> {
    // A color takes no room, so a line of few bytes fits in any case.
    if line.len() <= columns || width(&plain(line)) <= columns {
        return Cow::Borrowed(line);
    }
    let room = columns.saturating_sub(1);
    let (mut used, mut is_colored) = (0, false);
    let mut clipped = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' {
            let end = rest.find('m').map_or(rest.len(), |end| end + 1);
            clipped.push_str(&rest[..end]);
            is_colored = &rest[..end] != RESET;
            rest = &rest[end..];
            continue;
        }
        let mut bytes = [0; 4];
        // Of joined characters each counts, which cuts too early rather than too late.
        used += width(c.encode_utf8(&mut bytes));
        if used > room {
            break;
        }
        clipped.push(c);
        rest = &rest[c.len_utf8()..];
    }
    if columns > 0 {
        clipped.push('…');
    }
    if is_colored {
        clipped.push_str(RESET);
    }
    Cow::Owned(clipped)
}

/// The line without colors.
fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len());
    for (place, part) in line.split('\u{1b}').enumerate() {
        let after = part.find('m').map_or("", |end| &part[end + 1..]);
        text.push_str(if place == 0 { part } else { after });
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_cut_at_the_edge_and_its_color_ends() {
        for (line, columns, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("\u{1b}[31mbad\u{1b}[0m", 3, "\u{1b}[31mbad\u{1b}[0m"),
            ("\u{1b}[31mworse\u{1b}[0m x", 4, "\u{1b}[31mwor…\u{1b}[0m"),
            ("\u{1b}[31mbad\u{1b}[0m, really", 6, "\u{1b}[31mbad\u{1b}[0m, …"),
            ("x", 0, ""),
        ] {
            assert_eq!(clip(line, columns), expected, "{line:?} at {columns}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(line in "[ a-z日本é👩]{0,40}", columns in 0_usize..30) {
            let clipped = clip(&line, columns);
            prop_assert!(width(&clipped) <= columns, "{clipped:?}");
            prop_assert_eq!(clip(&clipped, columns), clipped.clone());
        }
    }
}
