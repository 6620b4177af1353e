//! Small tables for the tests of this crate.

use crate::Cell;
use crate::Column;
use crate::ColumnKind;
use crate::Row;
use crate::Table;

pub(crate) fn column(id: &str, kind: ColumnKind) -> Column {
    Column {
        id: id.into(),
        title: id.to_uppercase(),
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: String::new(),
    }
}

pub(crate) fn table<const N: usize>(
    columns: Vec<Column>,
    rows: impl IntoIterator<Item = [&'static str; N]>,
) -> Table {
    named("t", columns, rows)
}

pub(crate) fn named<const N: usize>(
    name: &str,
    columns: Vec<Column>,
    rows: impl IntoIterator<Item = [&'static str; N]>,
) -> Table {
    let rows = rows.into_iter().map(|row| row.map(|text| Cell::Text(text.into())).to_vec());
    keyed(name, columns, rows.map(|cells| (String::new(), cells)))
}

pub(crate) fn keyed(
    name: &str,
    columns: Vec<Column>,
    rows: impl IntoIterator<Item = (String, Vec<Cell>)>,
) -> Table {
    let mut table = Table::new(name, columns);
    table.append(rows.into_iter().map(|(key, cells)| Row { key, cells })).unwrap();
    table
}
