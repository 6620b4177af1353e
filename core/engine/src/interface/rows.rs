//! Rows of `interface output` as rows of a table, plain or packed. Not yet checked against columns.

use lab_output::{Cell, Level, Row};
use lab_types::{ObjectRef, PackedCell, PackedReader, Unreadable};

use crate::bindings::lab::plugin::output as wit;

/// Rows that came one value at a time.
pub(super) fn plain(rows: Vec<wit::Row>) -> Vec<Row> {
    let row =
        |row: wit::Row| Row { key: row.key, cells: row.cells.into_iter().map(cell).collect() };
    rows.into_iter().map(row).collect()
}

/// Rows that came packed.
///
/// # Errors
/// They are none, which is a bug of the plugin.
pub(super) fn unpacked(
    texts: &str,
    words: &[u64],
    n_columns: usize,
) -> Result<Vec<Row>, Unreadable> {
    let mut reader = PackedReader::new(texts, words);
    let mut rows = Vec::with_capacity(words.len() / (n_columns + 1));
    while !reader.is_at_end()? {
        let key = reader.row(n_columns)?.to_owned();
        let mut cells = Vec::with_capacity(n_columns);
        for _ in 0..n_columns {
            cells.push(packed_cell(reader.cell()?));
        }
        rows.push(Row { key, cells });
    }
    Ok(rows)
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

fn packed_cell(cell: PackedCell<'_>) -> Cell {
    match cell {
        PackedCell::Absent => Cell::Absent,
        PackedCell::Text(text) => Cell::Text(text.into()),
        PackedCell::Integer(number) => Cell::Integer(number),
        PackedCell::Decimal(number) => Cell::Decimal(number),
        PackedCell::Boolean(on) => Cell::Boolean(on),
        PackedCell::Timestamp(milliseconds) => Cell::Timestamp(milliseconds),
        PackedCell::Duration(nanoseconds) => Cell::Duration(nanoseconds),
        PackedCell::Health(number, text) => Cell::Health(level(number), text.into()),
        PackedCell::Object { api_version, kind, namespace, name } => Cell::Object(ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }),
        PackedCell::Json(document) => Cell::Json(document.into()),
    }
}

/// By the number of its case in `enum level`.
fn level(number: u8) -> Level {
    match number {
        0 => Level::Good,
        1 => Level::Info,
        2 => Level::Warn,
        3 => Level::Bad,
        _ => Level::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use lab_types::PackedRows;

    use super::*;

    #[test]
    fn packed_rows_are_the_rows_that_were_packed() {
        let mut packed = PackedRows::default();
        for key in ["a", ""] {
            packed.row(key);
            packed.health(3, "missing");
            packed.integer(7);
        }
        let cells = vec![Cell::Health(Level::Bad, "missing".into()), Cell::Integer(7)];
        let rows = unpacked(&packed.texts, &packed.words, 2).unwrap();
        let expected = ["a", ""].map(|key| Row { key: key.into(), cells: cells.clone() });
        assert_eq!(rows, expected);
        let why = unpacked(&packed.texts, &packed.words, 1).unwrap_err();
        assert_eq!(why.to_string(), "a row has 2 cells, the table has 1 columns");
    }
}
