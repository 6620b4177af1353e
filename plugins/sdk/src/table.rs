//! A table on its way to the host: rows go in batches, for one crossing costs as much as many rows.

use std::marker::PhantomData;

use crate::Cell;
use crate::Column;
use crate::Failure;
use crate::TableRow;
use crate::bindings::lab::plugin::output::Row;
use crate::host;

/// Rows held back before they cross to the host.
const BATCH: usize = 256;
/// Bytes of text held back at most: rows with whole outputs in them cross soon.
const BATCH_BYTES: usize = 1 << 20;

/// A table of one row type. The host draws it; rows that are not yet sent are sent by
/// [`Table::commit`].
pub struct Table<R> {
    handle: host::Table,
    waiting: Vec<Row>,
    waiting_bytes: usize,
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
        self.add(Row { key: key.to_owned(), cells: row.cells() })
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
    pub fn push_cells(&mut self, key: &str, cells: Vec<Cell>) -> Result<(), Failure> {
        self.add(Row { key: key.to_owned(), cells })
    }
}

impl<R> Table<R> {
    fn with(name: &str, columns: &[Column]) -> Self {
        let handle = host::Table::new(name, columns);
        let waiting = Vec::with_capacity(BATCH);
        Self { handle, waiting, waiting_bytes: 0, row: PhantomData }
    }

    fn add(&mut self, row: Row) -> Result<(), Failure> {
        let texts = row.cells.iter().map(|cell| match cell {
            Cell::Text(text) | Cell::Json(text) | Cell::Health((_, text)) => text.len(),
            _ => 0,
        });
        self.waiting_bytes += texts.sum::<usize>();
        self.waiting.push(row);
        let full = self.waiting.len() >= BATCH || self.waiting_bytes >= BATCH_BYTES;
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
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.waiting_bytes = 0;
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(BATCH));
        self.handle.upsert(rows)
    }
}
