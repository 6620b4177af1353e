//! `monitor drops` and `monitor flows`: rows that are counted up.
//!
//! Apart from what is counted: when a table is sent is the same for both.

use lab_model::monitor::{Event, Kind};
use lab_plugin::{Failure, Table, TableRow, inbox};

use crate::collect::{Seen, Sink};
use crate::drops::{self, Drops};
use crate::filter::Filter;
use crate::flows::{self, Flows};
use crate::names::Names;
use crate::rows::{DropRow, FlowRow};
use crate::tally::Tally;

/// Something that is counted by key.
pub trait Counted {
    /// Its key.
    type Key: Clone + Eq + std::hash::Hash;
    /// What else is known.
    type Known;
    /// Its row.
    type Row: TableRow;
    /// Counts one.
    fn add(&mut self, event: &Event<'_>, seen: &Seen<'_>);
    /// The counts.
    fn tally(&mut self) -> &mut Tally<Self::Key, Self::Known>;
    /// The row of a key, and its key in the table.
    fn row(&self, key: &Self::Key, names: &Names, is_live: bool) -> Option<(String, Self::Row)>;
}

impl Counted for Drops {
    type Key = drops::Key;
    type Known = drops::Known;
    type Row = DropRow;
    fn add(&mut self, event: &Event<'_>, seen: &Seen<'_>) {
        if event.kind == Kind::Drop {
            Self::add(self, event, seen.node, seen.time);
        }
    }
    fn tally(&mut self) -> &mut Tally<Self::Key, Self::Known> {
        &mut self.tally
    }
    fn row(&self, key: &Self::Key, names: &Names, is_live: bool) -> Option<(String, DropRow)> {
        Self::row(self, key, names, is_live)
    }
}

impl Counted for Flows {
    type Key = flows::Key;
    type Known = flows::Known;
    type Row = FlowRow;
    fn add(&mut self, event: &Event<'_>, seen: &Seen<'_>) {
        Self::add(self, event, seen.node, seen.time);
    }
    fn tally(&mut self) -> &mut Tally<Self::Key, Self::Known> {
        &mut self.tally
    }
    fn row(&self, key: &Self::Key, names: &Names, is_live: bool) -> Option<(String, FlowRow)> {
        Self::row(self, key, names, is_live)
    }
}

/// Counts on their way to the table.
pub struct Counts<C: Counted> {
    /// What is counted.
    pub counted: C,
    table: Table<C::Row>,
    filter: Filter,
    is_live: bool,
    /// Names as of when all rows were last looked at.
    version: u64,
}

impl<C: Counted> Counts<C> {
    /// With a filter and the name of the table.
    pub fn new(counted: C, name: &str, filter: Filter) -> Self {
        let is_live = inbox::now().is_some();
        Self { counted, table: Table::new(name), filter, is_live, version: 0 }
    }

    fn send(&mut self, names: &Names) -> Result<(), Failure> {
        if self.version != names.version() {
            self.version = names.version();
            self.counted.tally().rename();
        }
        let removed = self.counted.tally().take_removed();
        if !removed.is_empty() {
            self.table.remove(&removed)?;
        }
        let changed = self.counted.tally().take_changed();
        if changed.is_empty() {
            return Ok(());
        }
        for key in changed {
            let Some((name, row)) = self.counted.row(&key, names, self.is_live) else { continue };
            self.table.push(&name, row)?;
            if let Some(entry) = self.counted.tally().entry(&key) {
                entry.shown = Some(name);
            }
        }
        self.table.commit()
    }

    /// Shows what has not been shown.
    ///
    /// # Errors
    /// [`Failure::Stopped`] when nobody reads any more.
    pub fn finish(&mut self, names: &Names) -> Result<(), Failure> {
        self.send(names)?;
        self.table.commit()
    }
}

impl<C: Counted> Sink for Counts<C> {
    fn event(&mut self, event: &Event<'_>, seen: &Seen<'_>) -> Result<(), Failure> {
        if self.filter.takes(event, seen.node, seen.names) {
            self.counted.add(event, seen);
        }
        Ok(())
    }

    fn show(&mut self, names: &Names, is_tick: bool) -> Result<(), Failure> {
        if !is_tick {
            return Ok(());
        }
        self.counted.tally().tick();
        self.send(names)
    }
}
