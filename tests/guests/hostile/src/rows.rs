//! One honest row, and rows that lie about their columns.

use lab_plugin::{Cell, Column, ColumnKind, IntoCell, TableRow, row};

row! {
    /// One line of text.
    pub(crate) struct Note {
        /// The text.
        pub(crate) note: String,
    }
}

impl Note {
    pub(crate) fn new(note: &str) -> Self {
        Self { note: note.to_owned() }
    }
}

fn column(id: &str, kind: ColumnKind) -> Column {
    let (id, title) = (id.to_owned(), id.to_uppercase());
    Column {
        id,
        title,
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: String::new(),
    }
}

/// Declares one column and has two cells.
pub(crate) struct TooManyCells;

impl TableRow for TooManyCells {
    fn columns() -> Vec<Column> {
        vec![column("only", ColumnKind::Text)]
    }
    fn cells(self) -> Vec<Cell> {
        vec!["one".into_cell(), "two".into_cell()]
    }
}

/// Declares a number and has a switch.
pub(crate) struct WrongKind;

impl TableRow for WrongKind {
    fn columns() -> Vec<Column> {
        vec![column("count", ColumnKind::Integer)]
    }
    fn cells(self) -> Vec<Cell> {
        vec![true.into_cell()]
    }
}

/// Declares one column twice.
pub(crate) struct TwoOfOneName;

impl TableRow for TwoOfOneName {
    fn columns() -> Vec<Column> {
        vec![column("twin", ColumnKind::Text), column("twin", ColumnKind::Integer)]
    }
    fn cells(self) -> Vec<Cell> {
        vec!["one".into_cell(), Cell::Integer(2)]
    }
}
