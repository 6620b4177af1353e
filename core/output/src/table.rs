//! A table: columns, and rows that were checked against them.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::Cell;
use crate::Change;
use crate::Column;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Identity for replacing, removing and comparing; empty for append-only rows.
    pub key: String,
    /// As many as there are columns, in their order.
    pub cells: Vec<Cell>,
}

/// A row that does not fit its table: a bug of the plugin, named in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError(pub String);

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TableError {}

/// A named table of typed rows. Rows keep the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Table {
    name: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// Place of each keyed row; made when a row is first replaced or removed, as most tables
    /// only grow.
    places: Option<HashMap<String, usize>>,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.columns == other.columns && self.rows == other.rows
    }
}

impl Table {
    /// An empty table.
    pub fn new(name: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { name: name.into(), columns, rows: Vec::new(), places: None }
    }

    /// The key of the table in JSON.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Its rows, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Takes the table apart.
    pub fn into_parts(self) -> (String, Vec<Column>, Vec<Row>) {
        (self.name, self.columns, self.rows)
    }

    /// Adds rows at the end.
    ///
    /// # Errors
    /// A row whose length or kinds differ from the columns; rows before it were added.
    pub fn append(&mut self, rows: impl IntoIterator<Item = Row>) -> Result<(), TableError> {
        for row in rows {
            self.check(&row)?;
            self.push(row);
        }
        Ok(())
    }

    /// Replaces rows of the same key in place, adds the others at the end.
    ///
    /// # Errors
    /// As [`Table::append`].
    pub fn upsert(&mut self, rows: impl IntoIterator<Item = Row>) -> Result<(), TableError> {
        for row in rows {
            self.check(&row)?;
            self.put(row);
        }
        Ok(())
    }

    /// Adds rows at the end of which is known that they fit.
    pub fn append_checked(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.push(row);
        }
    }

    /// Replaces rows of the same key in place, adds the others at the end; rows of which is known
    /// that they fit.
    pub fn upsert_checked(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.put(row);
        }
    }

    fn put(&mut self, row: Row) {
        let places = self.places.get_or_insert_with(|| places(&self.rows));
        match places.get(&row.key) {
            Some(&place) if !row.key.is_empty() => self.rows[place] = row,
            _ => self.push(row),
        }
    }

    /// Removes rows by key; unknown keys are ignored.
    pub fn remove(&mut self, keys: &[String]) {
        let known = self.places.get_or_insert_with(|| places(&self.rows));
        let keys: HashSet<&str> = keys
            .iter()
            .map(String::as_str)
            .filter(|&key| !key.is_empty() && known.contains_key(key))
            .collect();
        if keys.is_empty() {
            return;
        }
        self.rows.retain(|row| !keys.contains(row.key.as_str()));
        self.places = None;
    }

    /// Replaces, adds or removes rows.
    ///
    /// # Errors
    /// As [`Table::append`].
    pub fn change(&mut self, change: Change) -> Result<(), TableError> {
        match change {
            Change::Rows(rows) => self.upsert(rows),
            Change::Packed(rows) => {
                let rows = self.unpack(rows.reader())?;
                self.upsert_checked(rows);
                Ok(())
            }
            Change::Removed(keys) => {
                self.remove(&keys);
                Ok(())
            }
        }
    }

    /// Takes all rows out.
    pub fn take_rows(&mut self) -> Vec<Row> {
        self.places = None;
        std::mem::take(&mut self.rows)
    }

    /// Drops the oldest of the rows without a key until at most `n` of them are left.
    pub fn keep_latest(&mut self, n: usize) {
        let appended = self.rows.iter().filter(|row| row.key.is_empty()).count();
        let mut excess = appended.saturating_sub(n);
        if excess == 0 {
            return;
        }
        self.rows.retain(|row| {
            let goes = excess > 0 && row.key.is_empty();
            excess -= usize::from(goes);
            !goes
        });
        self.places = None;
    }

    /// A table whose rows are known to fit, as after a sort or a filter.
    pub(crate) fn from_parts(name: String, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        Self { name, columns, rows, places: None }
    }

    fn push(&mut self, row: Row) {
        if let Some(places) = &mut self.places
            && !row.key.is_empty()
        {
            places.insert(row.key.clone(), self.rows.len());
        }
        self.rows.push(row);
    }

    /// Whether a row fits the columns.
    ///
    /// # Errors
    /// Its length or kinds differ from them.
    pub fn check(&self, row: &Row) -> Result<(), TableError> {
        if row.cells.len() != self.columns.len() {
            return Err(TableError(format!(
                "table `{}`: a row has {} cells, the table has {} columns",
                self.name,
                row.cells.len(),
                self.columns.len()
            )));
        }
        for (cell, column) in row.cells.iter().zip(&self.columns) {
            if !cell.fits(column.kind) {
                return Err(self.misfit(column, cell));
            }
        }
        Ok(())
    }

    /// A value that may not stand in a column of this table.
    pub(crate) fn misfit(&self, column: &Column, cell: &Cell) -> TableError {
        TableError(format!(
            "table `{}`: column `{}` is {:?}, but a row has {cell:?}",
            self.name, column.id, column.kind
        ))
    }
}

/// Where each keyed row stands.
fn places(rows: &[Row]) -> HashMap<String, usize> {
    rows.iter()
        .enumerate()
        .filter(|(_, row)| !row.key.is_empty())
        .map(|(place, row)| (row.key.clone(), place))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::ColumnKind;
    use crate::testing::column;
    use crate::testing::keyed;

    use super::*;

    fn row(key: &str, text: &str) -> Row {
        Row { key: key.into(), cells: vec![Cell::Text(text.into())] }
    }

    fn texts(table: &Table) -> Vec<String> {
        table.rows().iter().map(|row| row.cells[0].plain().into_owned()).collect()
    }

    #[test]
    fn keyed_rows_are_replaced_in_place_and_found_after_a_removal() {
        let mut table = keyed("t", vec![column("v", ColumnKind::Text)], []);
        table.append([row("a", "1"), row("", "2"), row("b", "3")]).unwrap();
        table.upsert([row("b", "4"), row("", "5"), row("c", "6")]).unwrap();
        assert_eq!(texts(&table), ["1", "2", "4", "5", "6"]);
        table.remove(&["a".into(), String::new(), "unknown".into()]);
        assert_eq!(texts(&table), ["2", "4", "5", "6"]);
        table.append([row("d", "7")]).unwrap();
        table.upsert([row("b", "8"), row("d", "9")]).unwrap();
        assert_eq!(texts(&table), ["2", "8", "5", "6", "9"]);
    }

    #[test]
    fn the_latest_rows_without_a_key_are_kept_and_all_with_one() {
        let mut table = keyed("t", vec![column("v", ColumnKind::Text)], []);
        table.append([row("", "1"), row("a", "2"), row("", "3"), row("", "4")]).unwrap();
        table.keep_latest(3);
        assert_eq!(texts(&table), ["1", "2", "3", "4"]);
        table.keep_latest(1);
        assert_eq!(texts(&table), ["2", "4"]);
        table.change(Change::Rows(vec![row("a", "5")])).unwrap();
        table.change(Change::Removed(vec!["a".into()])).unwrap();
        assert_eq!(texts(&table), ["4"]);
    }

    #[test]
    fn a_row_that_does_not_fit_is_named() {
        let mut table = keyed("t", vec![column("v", ColumnKind::Integer)], []);
        let row = |cell| Row { key: String::new(), cells: vec![cell] };
        table.append([row(Cell::Integer(1)), row(Cell::Text("?".into()))]).unwrap();
        table.append([row(Cell::Many(vec![Cell::Integer(1)], 1))]).unwrap();
        let error = table.append([row(Cell::Boolean(true))]).unwrap_err();
        assert!(error.0.contains("table `t`: column `v`"), "{error}");
        let short = Row { key: String::new(), cells: Vec::new() };
        let error = table.append([short]).unwrap_err();
        assert!(error.0.contains("a row has 0 cells, the table has 1 columns"), "{error}");
    }
}
