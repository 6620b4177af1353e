//! `-o name`: one line a row, `TABLE/KEY` as kubectl's `pod/web`; a row without a key is named
//! by its first column.

use std::io;
use std::io::Write;

use lab_output::Table;

use crate::Format;
use crate::clean;

/// Writes the names of all rows.
pub(crate) fn write(tables: &[Table], out: &mut dyn Write) -> io::Result<()> {
    tables.iter().try_for_each(|table| write_rows(table, out))
}

/// Writes the names of a table's rows.
pub(crate) fn write_rows(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let first = table.columns().iter().position(|column| Format::Name.shows(column));
    let name = clean(table.name());
    for row in table.rows() {
        if row.key.is_empty() {
            let text = first.map(|place| row.cells[place].plain()).unwrap_or_default();
            writeln!(out, "{name}/{}", clean(&text))?;
        } else {
            writeln!(out, "{name}/{}", clean(&row.key))?;
        }
    }
    Ok(())
}
