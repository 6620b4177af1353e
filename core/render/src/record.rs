//! A row as a block of lines, where a terminal is too narrow for a table: `HEADER:  value`.
//!
//! Headers are always written, also with `--no-headers`: a value alone on a line says nothing.

use std::io;
use std::io::Write;

use lab_output::Row;

use crate::Options;
use crate::paint;
use crate::table::Drawn;
use crate::value::Drawing;
use crate::width::spaces;
use crate::width::width;
use crate::wrap;
use crate::wrap::Breaks;

/// Writes each row as a block, with a blank line between them.
pub(crate) fn write(
    rows: &[Row],
    columns: &[Drawn<'_>],
    drawing: &Drawing,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    // One for the colon, two as a gap.
    let indent = columns.iter().map(|drawn| width(&drawn.title)).max().unwrap_or(0) + 3;
    let room = options.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(1));
    let mut text = String::new();
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        for drawn in columns {
            let cell = &row.cells[drawn.place];
            let color = if options.color { paint::color_of(cell) } else { None };
            text.clear();
            drawn.draw(row, drawing, &mut text);
            write!(out, "{}:", drawn.title)?;
            let mut before = indent - width(&drawn.title) - 1;
            for line in wrap::lines(&text, room, Breaks::Spaces) {
                spaces(before, out)?;
                match color {
                    Some(color) => writeln!(out, "{color}{line}{}", paint::RESET)?,
                    None => writeln!(out, "{line}")?,
                }
                before = indent;
            }
        }
    }
    Ok(())
}
