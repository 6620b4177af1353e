//! `-o diff`: the texts of columns called `diff`, one behind the other and nothing else, so that
//! `patch`, `delta` and `less` read them.

use std::io;
use std::io::Write;

use lab_output::{Column, Table};
use lab_types::Failure;

use crate::RenderError;
use crate::clean;

/// Writes the lines of every row.
///
/// - Errors: no table has such a column.
pub(crate) fn write(tables: &[Table], out: &mut dyn Write) -> Result<(), RenderError> {
    if !tables.iter().any(|table| table.columns().iter().any(is_diff)) {
        let names: Vec<&str> = tables.iter().map(Table::name).collect();
        let failure = Failure::invalid(format!("no diff is in `{}`", names.join("`, `"))).hint(
            "`-o diff` is for commands that show one, such as `iptables-diff` and `each --diff`",
        );
        return Err(failure.into());
    }
    tables.iter().try_for_each(|table| write_rows(table, out)).map_err(RenderError::from)
}

/// Writes the lines of a table's rows.
pub(crate) fn write_rows(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    for row in table.rows() {
        for (column, cell) in table.columns().iter().zip(&row.cells) {
            if is_diff(column) {
                cell.plain().lines().try_for_each(|line| writeln!(out, "{}", clean(line)))?;
            }
        }
    }
    Ok(())
}

fn is_diff(column: &Column) -> bool {
    column.lines && column.id == "diff"
}
