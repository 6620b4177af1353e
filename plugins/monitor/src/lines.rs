//! `monitor`: every event as a line.
//!
//! Apart from the other commands, which count. It keeps what it must hold back and nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use lab_model::monitor::{Event, Kind};
use lab_plugin::{Failure, PackedRows, Table, TableRow, inbox};

use crate::collect::{Seen, Sink};
use crate::filter::Filter;
use crate::merge::Merge;
use crate::names::Names;
use crate::rows::EventRow;
use crate::show::{Depth, Texts};

/// Ticks for which an event with a time of its own waits for earlier ones, where more can come.
const WINDOW: u32 = 5;
/// Ticks between two lines about events that a node's agent lost.
const LOST_EVERY: u32 = 50;

/// Events on their way to the table.
pub struct Lines {
    table: Table<PackedRows>,
    filter: Filter,
    depth: Depth,
    merge: Merge<PackedRows>,
    texts: Texts,
    /// The row in hand.
    row: PackedRows,
    /// The last ones alone, where only they are wanted.
    last: Option<(usize, VecDeque<PackedRows>)>,
    /// Events that agents lost since it was last said.
    lost: BTreeMap<Rc<str>, (u64, Option<i64>)>,
    ticks: u32,
    has_new: bool,
    /// In a recording nobody waits.
    is_live: bool,
}

impl Lines {
    /// With a filter; `last` keeps so many and shows them at the end.
    pub fn new(filter: Filter, depth: Depth, last: Option<usize>) -> Self {
        Self {
            table: Table::packed::<EventRow<'_>>("events"),
            filter,
            depth,
            merge: Merge::new(),
            texts: Texts::default(),
            row: PackedRows::default(),
            last: last.map(|n| (n, VecDeque::new())),
            lost: BTreeMap::new(),
            ticks: 0,
            has_new: false,
            is_live: inbox::now().is_some(),
        }
    }

    /// Makes the row of an event; it is then in hand.
    fn pack(&mut self, event: &Event<'_>, node: &str, time: Option<i64>, names: &Names) {
        self.row.clear();
        self.row.row("");
        self.texts.row(event, node, time, names, self.depth).pack(&mut self.row);
    }

    /// Passes on the row in hand.
    fn push(&mut self) -> Result<(), Failure> {
        if let Some((n, kept)) = &mut self.last {
            if kept.len() >= *n {
                kept.pop_front();
            }
            if *n > 0 {
                kept.push_back(self.row.clone());
            }
            return Ok(());
        }
        self.has_new = true;
        self.table.push_packed(&self.row)
    }

    fn say_lost(&mut self, names: &Names) -> Result<(), Failure> {
        for (node, (count, time)) in std::mem::take(&mut self.lost) {
            let text = format!("{count} events lost by the agent");
            let event = Event { count: Some(count), ..Event::words(Kind::Lost, &text, &text) };
            self.pack(&event, &node, time, names);
            self.push()?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), Failure> {
        while let Some(row) = self.merge.pop() {
            self.row = row;
            self.push()?;
        }
        Ok(())
    }

    /// Shows what was held back.
    ///
    /// # Errors
    /// As [`Sink::event`].
    pub fn finish(mut self, names: &Names) -> Result<(), Failure> {
        self.drain()?;
        self.say_lost(names)?;
        if let Some((_, kept)) = self.last.take() {
            for row in kept {
                self.table.push_packed(&row)?;
            }
        }
        self.table.commit()
    }
}

impl Sink for Lines {
    fn event(&mut self, event: &Event<'_>, seen: &Seen<'_>) -> Result<(), Failure> {
        if !self.filter.takes(event, seen.node, seen.names) {
            return Ok(());
        }
        if event.kind == Kind::Lost {
            let lost = self.lost.entry(seen.node.clone()).or_default();
            lost.0 += event.count.unwrap_or(1);
            lost.1 = event.time.or(seen.time);
            return Ok(());
        }
        self.pack(event, seen.node, seen.time, seen.names);
        if let Some(time) = event.time {
            match self.merge.push(time, std::mem::take(&mut self.row)) {
                Some(row) => self.row = row,
                None => return Ok(()),
            }
        }
        self.push()
    }

    fn show(&mut self, names: &Names, is_tick: bool) -> Result<(), Failure> {
        if is_tick {
            self.ticks += 1;
            // A quiet cluster would not fill the window, and nobody waits for that.
            if self.ticks.is_multiple_of(WINDOW) && self.is_live {
                self.drain()?;
            }
            if self.ticks.is_multiple_of(LOST_EVERY) {
                self.say_lost(names)?;
            }
        }
        if std::mem::take(&mut self.has_new) { self.table.commit() } else { Ok(()) }
    }
}
