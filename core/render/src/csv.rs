//! `-o csv`: one table, ids as headers, values in base units.

use std::io;
use std::io::Write;

use lab_output::Cell;
use lab_output::Report;
use lab_output::Table;
use lab_types::Failure;

use crate::Options;
use crate::RenderError;
use crate::document::compact;

/// Writes the only table.
///
/// # Errors
/// Several tables: every reader of CSV takes a file for one table, and would read the second
/// header as a row.
pub(crate) fn write(
    report: &Report,
    options: &Options,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let table = match report.tables.as_slice() {
        [] => return Ok(()),
        [table] => table,
        tables => {
            let names: Vec<&str> = tables.iter().map(Table::name).collect();
            return Err(RenderError::Unsuited(one_table(&names)));
        }
    };
    write_rows(table, options.headers, out)?;
    Ok(())
}

/// Why several tables are refused.
pub(crate) fn one_table(names: &[&str]) -> Failure {
    let n = names.len();
    Failure::invalid(format!("csv holds one table, the answer has {n}: {}", names.join(", ")))
        .hint(format!("choose one with `--only {}`", names.first().unwrap_or(&"TABLE")))
}

/// Writes the rows of a table, after a line of ids if one is wanted.
pub(crate) fn write_rows(table: &Table, headers: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(out);
    if headers {
        writer.write_record(table.columns().iter().map(|column| &column.id)).map_err(io_error)?;
    }
    for row in table.rows() {
        for cell in &row.cells {
            match cell {
                Cell::Json(json) => writer.write_field(compact(json).as_bytes()),
                _ => writer.write_field(cell.plain().as_bytes()),
            }
            .map_err(io_error)?;
        }
        writer.write_record(None::<&[u8]>).map_err(io_error)?;
    }
    writer.flush()
}

/// The writer's own error, so that a broken pipe is still seen as one.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
