//! Rows of `interface output` that came one value at a time. Not yet checked against columns.

use lab_output::{Cell, Row};

use crate::bindings::lab::plugin::output as wit;

/// Rows that came one value at a time.
pub(super) fn plain(rows: Vec<wit::Row>) -> Vec<Row> {
    let row =
        |row: wit::Row| Row { key: row.key, cells: row.cells.into_iter().map(cell).collect() };
    rows.into_iter().map(row).collect()
}

fn cell(cell: wit::Cell) -> Cell {
    match cell {
        wit::Cell::Absent => Cell::Absent,
        wit::Cell::Text(text) => Cell::Text(text.into()),
        wit::Cell::Integer(number) => Cell::Integer(number),
        wit::Cell::Decimal(number) => Cell::Decimal(number),
        wit::Cell::Boolean(on) => Cell::Boolean(on),
        wit::Cell::Timestamp(milliseconds) => Cell::Timestamp(milliseconds),
        wit::Cell::Duration(nanoseconds) => Cell::Duration(nanoseconds),
        wit::Cell::Health((level, text)) => Cell::Health(level.into(), text.into()),
        wit::Cell::Object(object) => Cell::Object(object.into()),
        wit::Cell::Json(document) => Cell::Json(document.into()),
    }
}
