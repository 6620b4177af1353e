//! Rows of `interface output` as rows of a table, plain or packed. Not yet checked against columns.

use lab_output::{Cell, Level, Row, Table};
use lab_types::{ObjectRef, PackedCell, PackedReader, Unreadable};

use crate::bindings::lab::plugin::output as wit;

/// Rows that came one value at a time.
pub(super) fn plain(rows: Vec<wit::Row>) -> Vec<Row> {
    let row =
        |row: wit::Row| Row { key: row.key, cells: row.cells.into_iter().map(cell).collect() };
    rows.into_iter().map(row).collect()
}

/// Rows of a table that came packed; all of them fit it.
///
/// # Errors
/// They are none, or do not fit, which is a bug of the plugin.
pub(super) fn unpacked(texts: &str, words: &[u64], table: &Table) -> Result<Vec<Row>, String> {
    let broken = |why: Unreadable| format!("table `{}`: {why}", table.name());
    let columns = table.columns();
    let mut reader = PackedReader::new(texts, words);
    let mut rows = Vec::with_capacity(words.len() / (columns.len() + 1));
    while !reader.is_at_end().map_err(broken)? {
        let key = reader.row(columns.len()).map_err(broken)?.to_owned();
        let mut cells = Vec::with_capacity(columns.len());
        let mut fits = true;
        for column in columns {
            let cell = packed_cell(reader.cell().map_err(broken)?);
            // Here, where it is at hand: going over all rows again costs a multiple.
            fits &= cell.fits(column.kind);
            cells.push(cell);
        }
        let row = Row { key, cells };
        if !fits {
            table.check(&row).map_err(|error| error.to_string())?;
        }
        rows.push(row);
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
    use lab_output::{Column, ColumnKind};
    use lab_types::PackedRows;

    use super::*;

    fn table(kinds: &[ColumnKind]) -> Table {
        let column = |kind: &ColumnKind| Column {
            id: format!("{kind:?}"),
            title: String::new(),
            kind: *kind,
            wide: false,
            hidden: false,
            lines: false,
            subject: false,
            about: String::new(),
        };
        Table::new("t", kinds.iter().map(column).collect())
    }

    #[test]
    fn packed_rows_are_the_rows_that_were_packed() {
        let mut packed = PackedRows::default();
        for key in ["a", ""] {
            packed.row(key);
            packed.health(3, "missing");
            packed.integer(7);
        }
        let cells = vec![Cell::Health(Level::Bad, "missing".into()), Cell::Integer(7)];
        let of = |kinds: &[ColumnKind]| unpacked(&packed.texts, &packed.words, &table(kinds));
        let rows = of(&[ColumnKind::Health, ColumnKind::Integer]).unwrap();
        let expected = ["a", ""].map(|key| Row { key: key.into(), cells: cells.clone() });
        assert_eq!(rows, expected);
        let why = of(&[ColumnKind::Health]).unwrap_err();
        assert_eq!(why, "table `t`: a row has 2 cells, the table has 1 columns");
        let why = of(&[ColumnKind::Health, ColumnKind::Boolean]).unwrap_err();
        assert_eq!(why, "table `t`: column `Boolean` is Boolean, but a row has Integer(7)");
    }
}
