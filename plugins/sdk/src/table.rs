//! A table on its way to the host: rows go in batches, for one crossing costs as much as many rows.

use std::marker::PhantomData;

use crate::Cell;
use crate::Column;
use crate::Failure;
use crate::PackedRows;
use crate::TableRow;
use crate::host;
use crate::row::pack;

/// Rows held back before they cross to the host.
const BATCH: u32 = 256;
/// Bytes held back at most: rows with whole outputs in them cross soon.
const BATCH_BYTES: usize = 1 << 20;

/// A table of one row type. The host draws it; rows that are not yet sent are sent by
/// [`Table::commit`].
pub struct Table<R> {
    handle: host::Table,
    waiting: PackedRows,
    n_waiting: u32,
    row: PhantomData<fn(R)>,
}

impl<R: TableRow> Table<R> {
    /// Declares a table; `name` is its key in JSON.
    pub fn new(name: &str) -> Self {
        Self::with(name, &R::columns())
    }

    /// Adds a row, or replaces the one of the same key. An empty key only adds.
    ///
    /// # Errors
    /// [`Failure::Stopped`] when nobody reads any more.
    pub fn push(&mut self, key: &str, row: R) -> Result<(), Failure> {
        self.waiting.row(key);
        row.pack(&mut self.waiting);
        self.pushed()
    }
}

/// A table whose columns are known only while running, as the keys of a JSON document are.
impl Table<Vec<Cell>> {
    /// Declares it.
    pub fn declare(name: &str, columns: &[Column]) -> Self {
        Self::with(name, columns)
    }

    /// Adds a row of as many cells as there are columns, or replaces the one of the same key. An
    /// empty key only adds.
    ///
    /// # Errors
    /// As [`Table::push`].
    pub fn push_cells(&mut self, key: &str, cells: &[Cell]) -> Result<(), Failure> {
        self.waiting.row(key);
        for cell in cells {
            pack(cell, &mut self.waiting);
        }
        self.pushed()
    }
}

/// A table whose rows are packed before they are added: because they wait, or because they borrow
/// what does not last.
impl Table<PackedRows> {
    /// Declares it, with the columns of a row type.
    pub fn packed<R: TableRow>(name: &str) -> Self {
        Self::with(name, &R::columns())
    }

    /// Adds one row, which is its key and the cells of a row of the table's type.
    ///
    /// # Errors
    /// As [`Table::push`].
    pub fn push_packed(&mut self, row: &PackedRows) -> Result<(), Failure> {
        self.waiting.extend(row);
        self.pushed()
    }
}

impl<R> Table<R> {
    fn with(name: &str, columns: &[Column]) -> Self {
        let handle = host::Table::new(name, columns);
        let waiting = PackedRows::of_columns(&handle.needed());
        Self { handle, waiting, n_waiting: 0, row: PhantomData }
    }

    fn pushed(&mut self) -> Result<(), Failure> {
        self.n_waiting += 1;
        let full = self.n_waiting >= BATCH || self.waiting.size() >= BATCH_BYTES;
        if full { self.send() } else { Ok(()) }
    }

    /// Removes rows by key.
    ///
    /// # Errors
    /// As [`Table::push`].
    pub fn remove(&mut self, keys: &[String]) -> Result<(), Failure> {
        self.send()?;
        self.handle.remove(keys)
    }

    /// A consistent picture: a live view redraws here and nowhere else.
    ///
    /// # Errors
    /// As [`Table::push`].
    pub fn commit(&mut self) -> Result<(), Failure> {
        self.send()?;
        self.handle.commit()
    }

    fn send(&mut self) -> Result<(), Failure> {
        if self.n_waiting == 0 {
            return Ok(());
        }
        let sent = self.handle.upsert(&mut self.waiting);
        self.waiting.clear();
        self.n_waiting = 0;
        sent
    }
}
