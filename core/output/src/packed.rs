//! Rows as they crossed from a plugin: checked against the columns of their table, and unpacked
//! where somebody wants to have them one by one.

use lab_types::{ObjectRef, PackedCell, PackedReader, Unreadable};

use crate::cell::packed_fits;
use crate::{Cell, Level, Row, Table, TableError};

/// Rows that fit the columns of one table, still packed. A stream of events that is only written
/// down again never needs more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    texts: String,
    words: Vec<u64>,
    /// Rows without a key.
    pub appended: usize,
    /// Rows with one.
    pub keyed: usize,
}

impl Packed {
    /// Takes the parts of a [`lab_types::PackedRows`], which may be anything at all.
    ///
    /// # Errors
    /// They are none, or do not fit the table, which is a bug of the plugin.
    pub fn of(table: &Table, texts: String, words: Vec<u64>) -> Result<Self, TableError> {
        let broken = |why: Unreadable| broken(table, why);
        let mut packed = Self { texts, words, appended: 0, keyed: 0 };
        let mut reader = packed.reader();
        let (mut appended, mut keyed) = (0, 0);
        while !reader.is_at_end().map_err(broken)? {
            let key = reader.row(table.columns().len()).map_err(broken)?;
            *if key.is_empty() { &mut appended } else { &mut keyed } += 1;
            for column in table.columns() {
                let cell = reader.cell().map_err(broken)?;
                if !packed_fits(&cell, column.kind) {
                    return Err(table.misfit(column, &Cell::from(cell)));
                }
            }
        }
        (packed.appended, packed.keyed) = (appended, keyed);
        Ok(packed)
    }

    /// Reads them again.
    pub fn reader(&self) -> PackedReader<'_> {
        PackedReader::new(&self.texts, &self.words)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.appended + self.keyed
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    /// Rows that came packed; all of them fit this table.
    ///
    /// # Errors
    /// As [`Packed::of`].
    pub fn unpack(&self, mut reader: PackedReader<'_>) -> Result<Vec<Row>, TableError> {
        let broken = |why: Unreadable| broken(self, why);
        let columns = self.columns();
        let mut rows = Vec::with_capacity(reader.n_words() / (columns.len() + 1));
        while !reader.is_at_end().map_err(broken)? {
            let key = reader.row(columns.len()).map_err(broken)?.to_owned();
            let mut cells = Vec::with_capacity(columns.len());
            let mut fits = true;
            for column in columns {
                let cell = Cell::from(reader.cell().map_err(broken)?);
                // Here, where it is at hand: going over all rows again costs a multiple.
                fits &= cell.fits(column.kind);
                cells.push(cell);
            }
            let row = Row { key, cells };
            if !fits {
                self.check(&row)?;
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

fn broken(table: &Table, why: Unreadable) -> TableError {
    TableError(format!("table `{}`: {why}", table.name()))
}

impl From<PackedCell<'_>> for Cell {
    fn from(cell: PackedCell<'_>) -> Self {
        match cell {
            PackedCell::Absent => Self::Absent,
            PackedCell::Text(text) => Self::Text(text.into()),
            PackedCell::Integer(number) => Self::Integer(number),
            PackedCell::Decimal(number) => Self::Decimal(number),
            PackedCell::Boolean(on) => Self::Boolean(on),
            PackedCell::Timestamp(milliseconds) => Self::Timestamp(milliseconds),
            PackedCell::Duration(nanoseconds) => Self::Duration(nanoseconds),
            PackedCell::Health(number, text) => {
                Self::Health(Level::from_number(number), text.into())
            }
            PackedCell::Object { api_version, kind, namespace, name } => Self::Object(ObjectRef {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            }),
            PackedCell::Json(document) => Self::Json(document.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use lab_types::PackedRows;

    use super::*;
    use crate::ColumnKind;
    use crate::testing::column;

    fn table(kinds: &[ColumnKind]) -> Table {
        let columns = kinds.iter().map(|kind| column(&format!("{kind:?}"), *kind));
        Table::new("t", columns.collect())
    }

    fn packed() -> PackedRows {
        let mut packed = PackedRows::default();
        for key in ["a", ""] {
            packed.row(key);
            packed.health(3, "missing");
            packed.integer(7);
        }
        packed
    }

    /// Of both ways to read them: what is wrong with them.
    fn refused(packed: PackedRows, kinds: &[ColumnKind]) -> String {
        let table = table(kinds);
        let reader = PackedReader::new(&packed.texts, &packed.words);
        let why = table.unpack(reader).unwrap_err();
        assert_eq!(Packed::of(&table, packed.texts, packed.words).unwrap_err(), why);
        why.0
    }

    #[test]
    fn packed_rows_are_the_rows_that_were_packed() {
        let table = table(&[ColumnKind::Health, ColumnKind::Integer]);
        let PackedRows { texts, words, .. } = packed();
        let packed = Packed::of(&table, texts, words).unwrap();
        assert_eq!((packed.appended, packed.keyed, packed.len()), (1, 1, 2));
        let cells = vec![Cell::Health(Level::Bad, "missing".into()), Cell::Integer(7)];
        let expected = ["a", ""].map(|key| Row { key: key.into(), cells: cells.clone() });
        assert_eq!(table.unpack(packed.reader()).unwrap(), expected);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let why = refused(packed(), &[ColumnKind::Health]);
        assert_eq!(why, "table `t`: a row has 2 cells, the table has 1 columns");
        let why = refused(packed(), &[ColumnKind::Health, ColumnKind::Boolean]);
        assert_eq!(why, "table `t`: column `Boolean` is Boolean, but a row has Integer(7)");
        let mut more = packed();
        more.texts.push('x');
        let why = refused(more, &[ColumnKind::Health, ColumnKind::Integer]);
        assert_eq!(why, "table `t`: packed rows: texts are left that belong to no cell");
    }
}
