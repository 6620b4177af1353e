//! What a run found, in memory: tables of typed cells, findings, and subjects without an answer;
//! and what people ask of them: sort, filter, columns, limit, fold, compare.
//!
//! Pure data and pure operations; drawing is `lab-render`'s. Nothing here knows a terminal, a
//! format, a plugin or a cluster. An operation takes a table and gives a table, costs about as
//! much as reading it once, and works for the columns of any plugin.

mod cell;
mod change;
mod column;
mod finding;
mod packed;
mod report;
mod table;

mod nearest;
mod same;
mod text;
mod time;
mod unit;

mod against;
mod columns;
mod fail_on;
mod filter;
mod fold;
mod limit;
mod needs;
mod sort;
mod view;

#[cfg(test)]
mod testing;

pub use against::against;
pub use cell::{Cell, Level};
pub use change::Change;
pub use column::{Column, ColumnKind};
pub use columns::{select_columns, show_columns};
pub use fail_on::{fails, worst_level};
pub use filter::{Filter, Matcher};
pub use finding::{Evidence, Finding};
pub use fold::Fold;
pub use limit::limit;
pub use needs::Needs;
pub use packed::Packed;
pub use report::{Partial, Report};
pub use sort::Sort;
pub use table::{Row, Table, TableError};
pub use time::rfc3339;
pub use view::{Plan, View};
