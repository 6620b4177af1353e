//! Rows as lines, as they come: for pipes and files.

use std::io::Write;
use std::time::Duration;

use lab_output::Column;
use lab_output::Finding;
use lab_output::Packed;
use lab_output::Row;
use lab_output::Table;

use crate::Format;
use crate::Options;
use crate::RenderError;
use crate::clean;
use crate::csv;
use crate::diff;
use crate::name;
use crate::ndjson;
use crate::ndjson::Heads;
use crate::table::batch_widths;
use crate::table::write_batch;

/// The first rows of a table wait this long for others, or until there are so many: the widths of
/// its columns are then those of these rows, for good.
const FIRST: (Duration, usize) = (Duration::from_millis(200), 64);

/// Writes rows of tables as lines. Headers come once, and again where another table has had its
/// turn; what was written is not kept.
#[derive(Debug)]
pub struct Stream {
    /// How to draw; `now` may move on, the format may not.
    pub options: Options,
    tables: Vec<Lines>,
    turn: Option<usize>,
}

#[derive(Debug)]
struct Lines {
    name: String,
    /// The first rows, and since when they wait.
    waiting: Option<(Duration, Table)>,
    shape: Option<Shape>,
}

/// What stays the same for all rows of a table.
#[derive(Debug)]
enum Shape {
    Widths(Vec<usize>),
    Heads(Heads),
    Plain,
}

impl Stream {
    /// A stream in a format that has lines: every one but JSON and YAML.
    pub fn new(options: Options) -> Self {
        Self { options, tables: Vec::new(), turn: None }
    }

    /// Whether the format writes rows line by line.
    pub fn suits(format: Format) -> bool {
        !matches!(format, Format::Json | Format::Yaml)
    }

    /// Whether readers of the format follow changes: then rows that replace others, rows that go
    /// and findings are lines too. In the other formats they are part of the picture at the end.
    pub fn tells_changes(&self) -> bool {
        self.options.format == Format::Ndjson
    }

    /// Adds a table; its number is how many were added before.
    pub fn add(&mut self, name: &str) {
        self.tables.push(Lines { name: name.to_owned(), waiting: None, shape: None });
    }

    /// Whether rows of a table came.
    pub fn has_begun(&self, table: usize) -> bool {
        let lines = &self.tables[table];
        lines.shape.is_some() || lines.waiting.is_some()
    }

    /// Appends rows that were never taken apart, in NDJSON.
    ///
    /// # Errors
    /// None that memory has not.
    pub fn packed(
        &mut self,
        table: usize,
        columns: &[Column],
        rows: &Packed,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        let Lines { name, shape, .. } = &mut self.tables[table];
        let shape = shape.get_or_insert_with(|| Shape::Heads(Heads::new(name, columns)));
        if let Shape::Heads(heads) = shape {
            heads.packed(rows, columns.len(), out)?;
        }
        Ok(())
    }

    /// Appends rows to `out`, or keeps them back if they are the first. `now` is the time since
    /// any fixed moment. The rows are taken out of `batch`.
    ///
    /// # Errors
    /// Rows of a second table as CSV.
    pub fn rows(
        &mut self,
        table: usize,
        batch: &mut Table,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        if batch.rows().is_empty() {
            return Ok(());
        }
        let is_table = matches!(self.options.format, Format::Table | Format::Wide);
        if !is_table || self.tables[table].shape.is_some() {
            self.write(table, batch, out)?;
            batch.take_rows();
            return Ok(());
        }
        let columns = batch.columns().to_vec();
        let lines = &mut self.tables[table];
        let (since, waiting) =
            lines.waiting.get_or_insert_with(|| (now, Table::new(&*lines.name, columns)));
        // They are rows of the same columns.
        let _ = waiting.append(batch.take_rows());
        if now >= *since + FIRST.0 || waiting.rows().len() >= FIRST.1 {
            self.release(table, out)?;
        }
        Ok(())
    }

    /// Appends the first rows of tables that have waited long enough.
    ///
    /// # Errors
    /// As [`Stream::rows`].
    pub fn tick(&mut self, now: Duration, out: &mut Vec<u8>) -> Result<(), RenderError> {
        for table in 0..self.tables.len() {
            let since = self.tables[table].waiting.as_ref().map(|(since, _)| *since);
            if since.is_some_and(|since| now >= since + FIRST.0) {
                self.release(table, out)?;
            }
        }
        Ok(())
    }

    /// Appends whatever still waits; with `more_follows` also what sets tables apart from what
    /// comes behind them.
    ///
    /// # Errors
    /// As [`Stream::rows`].
    pub fn finish(&mut self, more_follows: bool, out: &mut Vec<u8>) -> Result<(), RenderError> {
        (0..self.tables.len()).try_for_each(|table| self.release(table, out))?;
        let is_table = matches!(self.options.format, Format::Table | Format::Wide);
        if more_follows && is_table && self.turn.is_some() {
            out.push(b'\n');
        }
        Ok(())
    }

    /// Appends that a row is gone, in NDJSON.
    pub fn removed(&self, table: usize, key: &str, out: &mut Vec<u8>) {
        if self.tells_changes() {
            ndjson::write_removed(&self.tables[table].name, key, out);
        }
    }

    /// Appends a finding, in NDJSON.
    ///
    /// # Errors
    /// None that memory has not.
    pub fn finding(&self, finding: &Finding, out: &mut Vec<u8>) -> Result<(), RenderError> {
        if self.tells_changes() { Ok(ndjson::write_finding(finding, out)?) } else { Ok(()) }
    }

    fn release(&mut self, table: usize, out: &mut Vec<u8>) -> Result<(), RenderError> {
        match self.tables[table].waiting.take() {
            Some((_, batch)) => self.write(table, &batch, out),
            None => Ok(()),
        }
    }

    fn write(&mut self, place: usize, batch: &Table, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let takes_turn = self.turn.replace(place) != Some(place);
        let options = &self.options;
        let headers = options.headers && takes_turn;
        let begun = self.tables.iter().filter(|lines| lines.shape.is_some()).count();
        let n_tables = self.tables.len();
        let lines = &mut self.tables[place];
        let is_new = lines.shape.is_none();
        let shape = lines.shape.get_or_insert_with(|| match options.format {
            Format::Ndjson => Shape::Heads(Heads::new(&lines.name, batch.columns())),
            Format::Table | Format::Wide => Shape::Widths(batch_widths(batch, options)),
            _ => Shape::Plain,
        });
        match shape {
            Shape::Heads(heads) => {
                batch.rows().iter().try_for_each(|row: &Row| heads.row(row, out))?;
            }
            Shape::Widths(widths) => {
                if takes_turn && n_tables > 1 {
                    let gap = if begun > 0 { "\n" } else { "" };
                    writeln!(out, "{gap}{}:", clean(&lines.name))?;
                }
                write_batch(batch, widths, headers, options, out)?;
            }
            Shape::Plain if options.format == Format::Csv => {
                if is_new && begun > 0 {
                    let names: Vec<&str> =
                        self.tables.iter().map(|lines| lines.name.as_str()).collect();
                    return Err(RenderError::Unsuited(csv::one_table(&names)));
                }
                csv::write_rows(batch, headers, out)?;
            }
            Shape::Plain if options.format == Format::Diff => diff::write_rows(batch, out)?,
            Shape::Plain => name::write_rows(batch, out)?,
        }
        Ok(())
    }
}
