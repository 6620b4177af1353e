//! A table on its way to the host: rows go in batches, for one crossing costs as much as many rows.

use std::marker::PhantomData;

use crate::Failure;
use crate::TableRow;
use crate::bindings::lab::plugin::output::Row;
use crate::host;

/// Rows held back before they cross to the host.
const BATCH: usize = 256;

/// A table of one row type. The host draws it; rows that are not yet sent are sent by
/// [`Table::commit`].
pub struct Table<R> {
    handle: host::Table,
    waiting: Vec<Row>,
    row: PhantomData<fn(R)>,
}

impl<R: TableRow> Table<R> {
    /// Declares a table; `name` is its key in JSON.
    pub fn new(name: &str) -> Self {
        let handle = host::Table::new(name, &R::columns());
        Self { handle, waiting: Vec::with_capacity(BATCH), row: PhantomData }
    }

    /// Adds a row, or replaces the one of the same key. An empty key only adds.
    ///
    /// # Errors
    /// [`Failure::Stopped`] when nobody reads any more.
    pub fn push(&mut self, key: &str, row: R) -> Result<(), Failure> {
        self.waiting.push(Row { key: key.to_owned(), cells: row.cells() });
        if self.waiting.len() >= BATCH { self.send() } else { Ok(()) }
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
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(BATCH));
        self.handle.upsert(rows)
    }
}
