//! One cell as a table draws it.

use std::fmt::Write;

use lab_output::Cell;
use lab_output::ColumnKind;
use lab_output::rfc3339;

use crate::age;
use crate::clean;
use crate::document::compact;
use crate::quantity;
use crate::sanitize::is_plain;
use crate::width::width;

/// So many values of a folded cell are always listed; of more, a table shows the first three and
/// how many there are, and `-o wide` all.
const LISTED: usize = 5;
const FIRST: usize = 3;

/// Between tab stops, as terminals have them.
const TAB: usize = 8;

/// What drawing a cell depends on besides the cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawing {
    pub(crate) now: i64,
    pub(crate) absolute: bool,
    /// Lists of folded values are drawn whole.
    pub(crate) whole: bool,
    /// Shares have a bar beside their number.
    pub(crate) bars: bool,
}

/// The text of a cell that is drawn as it stands, each byte in a column of its own: nearly every
/// cell of a large table.
pub(crate) fn as_it_stands(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(word) | Cell::Health(_, word) if !word.is_empty() && is_plain(word) => {
            Some(word)
        }
        Cell::Absent => Some("-"),
        _ => None,
    }
}

/// Appends the text of a cell: never empty, always safe in one line of a terminal.
pub(crate) fn draw(cell: &Cell, kind: ColumnKind, drawing: &Drawing, text: &mut String) {
    let start = text.len();
    match cell {
        Cell::Absent => text.push('-'),
        Cell::Health(level, word) if word.is_empty() => text.push_str(match level {
            lab_output::Level::Unknown => "?",
            _ => level.as_str(),
        }),
        Cell::Text(word) | Cell::Health(_, word) => text.push_str(&clean(word)),
        Cell::Decimal(number)
            if kind == ColumnKind::Percent && drawing.bars && number.is_finite() =>
        {
            push(format_args!("{} {:>5}", bar(*number), quantity::percent(*number)), text);
        }
        Cell::Integer(number) => integer(*number, kind, text),
        Cell::Decimal(number) => decimal(*number, kind, text),
        Cell::Boolean(yes) => text.push_str(if *yes { "yes" } else { "no" }),
        Cell::Timestamp(ms) if drawing.absolute => text.push_str(&rfc3339(*ms)),
        Cell::Timestamp(ms) => text.push_str(&age::age(drawing.now.saturating_sub(*ms))),
        Cell::Duration(ns) => text.push_str(&age::duration(*ns)),
        Cell::Object(_) => text.push_str(&clean(&cell.plain())),
        Cell::Json(json) => text.push_str(&clean(&compact(json))),
        Cell::Many(cells, of) => many(cells, *of, kind, drawing, text),
        Cell::Changed(pair) => {
            let drawing = &Drawing { bars: false, ..*drawing };
            let mut new = String::new();
            draw(&pair.0, kind, drawing, text);
            draw(&pair.1, kind, drawing, &mut new);
            if text[start..] == new {
                // Rounded to the same: the exact values tell them apart.
                text.truncate(start);
                text.push_str(&clean(&pair.0.plain()));
                new = clean(&pair.1.plain()).into_owned();
            }
            text.push_str(" → ");
            text.push_str(&new);
        }
    }
    if text.len() == start {
        text.push('-');
    }
}

/// The same for a column whose texts have lines: they are kept, with `\n` between them.
pub(crate) fn draw_lines(cell: &Cell, kind: ColumnKind, drawing: &Drawing, text: &mut String) {
    match cell {
        Cell::Text(word) if word.contains('\n') => {
            let start = text.len();
            lines(word, text);
            if text.len() == start {
                text.push('-');
            }
        }
        Cell::Changed(pair) => {
            draw_lines(&pair.0, kind, drawing, text);
            text.push_str("\n→\n");
            draw_lines(&pair.1, kind, drawing, text);
        }
        _ => draw(cell, kind, drawing, text),
    }
}

/// Lines cleaned one by one, so that none can steer the next; the line end that closes a text
/// opens no line. Tabs go to the next stop: what a command aligned stays aligned.
fn lines(word: &str, text: &mut String) {
    for (n, line) in word.trim_end_matches('\n').split('\n').enumerate() {
        if n > 0 {
            text.push('\n');
        }
        let mut column = 0;
        for (n, part) in line.split('\t').enumerate() {
            if n > 0 {
                let stop = (column / TAB + 1) * TAB;
                text.extend(std::iter::repeat_n(' ', stop - column));
                column = stop;
            }
            let part = clean(part);
            column += width(&part);
            text.push_str(&part);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "drawn with three digits")]
fn integer(number: i64, kind: ColumnKind, text: &mut String) {
    match kind {
        ColumnKind::Bytes | ColumnKind::Cores | ColumnKind::Percent => {
            decimal(number as f64, kind, text);
        }
        _ => push(format_args!("{number}"), text),
    }
}

fn decimal(number: f64, kind: ColumnKind, text: &mut String) {
    if !number.is_finite() {
        text.push('?');
        return;
    }
    text.push_str(&match kind {
        ColumnKind::Bytes => quantity::bytes(number),
        ColumnKind::Cores => quantity::cores(number),
        ColumnKind::Percent => quantity::percent(number),
        _ => quantity::decimal(number, 3),
    });
}

/// Writes to a string, which does not fail.
fn push(arguments: std::fmt::Arguments<'_>, text: &mut String) {
    let _ = text.write_fmt(arguments);
}

/// Cells that a bar has.
const BAR: u8 = 5;

/// A share of one as a bar: eighths of a cell, and at least one of them for what is not nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 40")]
fn bar(share: f64) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let least = u8::from(share > 0.0);
    let eighths = ((share.clamp(0.0, 1.0) * f64::from(BAR * 8)).round() as u8).max(least);
    let cell = |place: u8| match eighths.saturating_sub(place * 8) {
        8.. => '█',
        part => PARTS[usize::from(part)],
    };
    (0..BAR).map(cell).collect()
}

fn many(cells: &[Cell], of: usize, kind: ColumnKind, drawing: &Drawing, text: &mut String) {
    let drawing = &Drawing { bars: false, ..*drawing };
    let cut = !drawing.whole && cells.len() > LISTED;
    if cut && of > 0 {
        push(format_args!("{} of {of}: ", cells.len()), text);
    }
    let listed = if cut { FIRST } else { cells.len() };
    for (place, cell) in cells.iter().take(listed).enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        draw(cell, kind, drawing, text);
    }
    if cut {
        text.push_str(", …");
    }
}

/// Whether values of this kind stand to the right of their column.
pub(crate) fn is_number(kind: ColumnKind) -> bool {
    use ColumnKind as K;
    matches!(kind, K::Integer | K::Decimal | K::Bytes | K::Cores | K::Percent | K::Duration)
}

#[cfg(test)]
mod tests {
    use lab_output::Level;

    use super::*;

    fn check(cell: &Cell, kind: ColumnKind, expected: &str) {
        let drawing = Drawing { now: 300_000, absolute: false, whole: false, bars: false };
        let mut text = String::new();
        draw(cell, kind, &drawing, &mut text);
        assert_eq!(text, expected);
    }

    #[test]
    fn cells_are_drawn_by_kind() {
        use ColumnKind as K;
        for (cell, kind, expected) in [
            (Cell::Absent, K::Text, "-"),
            (Cell::Text("".into()), K::Text, "-"),
            (Cell::Text("a\nb".into()), K::Text, "a␤b"),
            (Cell::Text("?".into()), K::Integer, "?"),
            (Cell::Integer(1500), K::Integer, "1500"),
            (Cell::Integer(2048), K::Bytes, "2Ki"),
            (Cell::Decimal(0.25), K::Cores, "250m"),
            (Cell::Decimal(0.83), K::Percent, "83%"),
            (Cell::Decimal(f64::NAN), K::Decimal, "?"),
            (Cell::Boolean(true), K::Boolean, "yes"),
            (Cell::Timestamp(0), K::Timestamp, "5m"),
            (Cell::Duration(63_000_000_000), K::Duration, "1m3s"),
            (Cell::Health(Level::Unknown, "".into()), K::Health, "?"),
            (Cell::Health(Level::Bad, "missing".into()), K::Health, "missing"),
            (Cell::Json("{ \"b\": 1,\n \"a\": [] }".into()), K::Json, r#"{"b":1,"a":[]}"#),
            (Cell::Json("{ broken".into()), K::Json, "{ broken"),
        ] {
            check(&cell, kind, expected);
        }
    }

    #[test]
    fn a_bar_is_never_empty_for_something_nor_longer_than_full() {
        for (share, expected) in [
            (0.0, "     "),
            (0.0001, "▏    "),
            (0.1, "▌    "),
            (0.62, "███▏ "),
            (1.0, "█████"),
            (1.7, "█████"),
            (-1.0, "     "),
        ] {
            assert_eq!(bar(share), expected, "{share}");
        }
        let drawing = Drawing { now: 0, absolute: false, whole: false, bars: true };
        let drawn = |cell: &Cell| {
            let mut text = String::new();
            draw(cell, ColumnKind::Percent, &drawing, &mut text);
            text
        };
        assert_eq!(drawn(&Cell::Decimal(0.62)), "███▏    62%");
        assert_eq!(drawn(&Cell::Decimal(f64::NAN)), "?");
        let both = Cell::Changed(Box::new((Cell::Decimal(0.1), Cell::Decimal(0.2))));
        assert_eq!(drawn(&both), "10% → 20%");
    }

    #[test]
    fn texts_with_lines_keep_them_and_nothing_else() {
        let text = |text: &str| Cell::Text(text.into());
        let changed = Cell::Changed(Box::new((text("a\nb"), text("c"))));
        let many = Cell::Many(vec![text("a\nb\n"), text("c")], 2);
        for (cell, expected) in [
            (text("a\nb"), "a\nb"),
            (text("a\r\n\n  b\u{1b}[1m\n\n"), "a␍\n\n  b␛[1m"),
            (text("ab\tc\n\t日\td\n"), "ab      c\n        日      d"),
            (text("a\tb"), "a b"),
            (text("\n"), "-"),
            (Cell::Absent, "-"),
            (changed, "a\nb\n→\nc"),
            (many, "a␤b␤, c"),
        ] {
            let drawing = Drawing { now: 0, absolute: false, whole: false, bars: false };
            let mut text = String::new();
            draw_lines(&cell, ColumnKind::Text, &drawing, &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn lists_say_how_many_when_they_are_long() {
        let hosts = |n: usize| (1..=n).map(|n| Cell::Text(format!("w{n}").into())).collect();
        check(&Cell::Many(hosts(2), 140), ColumnKind::Text, "w1, w2");
        check(&Cell::Many(hosts(137), 140), ColumnKind::Text, "137 of 140: w1, w2, w3, …");
    }

    #[test]
    fn a_change_shows_both_values_even_if_they_round_to_the_same() {
        let changed = |old, new| Cell::Changed(Box::new((Cell::Integer(old), Cell::Integer(new))));
        check(&changed(1024, 4096), ColumnKind::Bytes, "1Ki → 4Ki");
        check(&changed(4096, 4097), ColumnKind::Bytes, "4096 → 4097");
    }
}
