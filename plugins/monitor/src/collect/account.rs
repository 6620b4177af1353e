//! What came from each node, and what did not.
//!
//! Apart because it is kept alike whoever brings the events.

use lab_model::monitor::{Event, Kind};
use lab_plugin::{Health, Level};

use crate::rows::StreamRow;

/// The account of a node.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Whether its events come.
    pub(super) state: Health,
    pub(super) events: u64,
    pub(super) lost: u64,
    pub(super) other: u64,
    pub(super) restarts: u64,
    /// Whether its end was told: once is enough.
    pub(super) is_told: bool,
}

impl Account {
    pub(super) fn new() -> Self {
        Self {
            state: Health(Level::Unknown, "waiting".to_owned()),
            events: 0,
            lost: 0,
            other: 0,
            restarts: 0,
            is_told: false,
        }
    }

    pub(super) fn count(&mut self, event: &Event<'_>) {
        self.events += 1;
        match event.kind {
            Kind::Lost => self.lost += event.count.unwrap_or(1),
            Kind::Other => self.other += 1,
            _ => {}
        }
    }

    pub(super) fn row(&self, node: &str) -> StreamRow {
        let number = |of: u64| i64::try_from(of).unwrap_or(i64::MAX);
        StreamRow {
            node: node.to_owned(),
            state: self.state.clone(),
            events: number(self.events),
            lost: number(self.lost),
            other: number(self.other),
            restarts: number(self.restarts),
        }
    }
}
