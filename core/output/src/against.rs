//! `--against`: the same question asked twice, and what is different.
//!
//! What was not read on one side is never called added or removed.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::Cell;
use crate::Column;
use crate::ColumnKind;
use crate::Finding;
use crate::Level;
use crate::Partial;
use crate::Report;
use crate::Row;
use crate::Table;
use crate::nearest;
use crate::same;

/// What changed from one report to another of the same question.
///
/// - Tables: rows that were added or changed in the order of `after`, then those that were removed
///   in the order of `before`, with a first column `change`; rows are matched by key, or whole
///   where they have none. A changed cell is [`Cell::Changed`]. A difference in hidden columns
///   alone is no change. Columns are those of `after`, then those only `before` has.
/// - Findings: new ones as they are with `new:` before the message; gone ones at level good with
///   `gone:`; those whose level changed with `was warn:`.
/// - Partials: those of `after`, then those of `before`, which say so. Rows of a host without an
///   answer on one side are left out where it would make them look added or removed.
pub fn against(before: Report, after: Report) -> Report {
    let not_before: HashSet<&str> = subjects(&before.partials);
    let not_after: HashSet<&str> = subjects(&after.partials);
    let mut old_tables = before.tables;
    let mut tables = Vec::with_capacity(after.tables.len());
    for table in after.tables {
        let place = old_tables.iter().position(|old| old.name() == table.name());
        let old = match place {
            Some(place) => old_tables.remove(place),
            None => Table::new(table.name(), table.columns().to_vec()),
        };
        tables.push(compare(old, table, &not_before, &not_after));
    }
    for old in old_tables {
        let new = Table::new(old.name(), old.columns().to_vec());
        tables.push(compare(old, new, &not_before, &not_after));
    }
    let findings = compare_findings(before.findings, after.findings, !after.partials.is_empty());
    let mut partials = after.partials;
    partials.extend(before.partials.into_iter().map(|partial| Partial {
        why: partial.why.context("in the report compared against"),
        ..partial
    }));
    Report { tables, findings, partials }
}

fn subjects(partials: &[Partial]) -> HashSet<&str> {
    partials.iter().map(|partial| partial.subject.as_str()).collect()
}

fn compare(
    before: Table,
    after: Table,
    not_before: &HashSet<&str>,
    not_after: &HashSet<&str>,
) -> Table {
    let (name, mut columns, new_rows) = after.into_parts();
    let (_, old_columns, old_rows) = before.into_parts();
    let n_new = columns.len();
    let mut from: Vec<Option<usize>> = columns
        .iter()
        .map(|column| {
            old_columns.iter().position(|old| old.id == column.id && old.kind == column.kind)
        })
        .collect();
    for (place, old) in old_columns.iter().enumerate() {
        if nearest::find(&columns, &old.id).is_none() {
            columns.push(old.clone());
            from.push(Some(place));
        }
    }
    let both: Vec<bool> =
        (0..columns.len()).map(|place| place < n_new && from[place].is_some()).collect();
    let host = columns.iter().position(|column| matches!(column.id.as_str(), "host" | "node"));
    let unread = |row: &Row, subjects: &HashSet<&str>| {
        !subjects.is_empty()
            && host.is_some_and(|place| subjects.contains(row.cells[place].plain().as_ref()))
    };

    let in_place = from.iter().enumerate().all(|(place, from)| *from == Some(place));
    let old_rows = if in_place {
        old_rows
    } else {
        old_rows.into_iter().map(|row| align(row, &from)).collect()
    };
    let mut waiting = Waiting::of(old_rows, &both);
    let mut rows = Vec::new();
    for mut row in new_rows {
        row.cells.resize(columns.len(), Cell::Absent);
        let old = waiting.take(&row, &both);
        match old {
            Some(old) => rows.extend(difference(old, row, &columns, &both)),
            None if !unread(&row, not_before) => rows.push(marked("added", row)),
            None => {}
        }
    }
    let removed = waiting.rows.into_iter().flatten().filter(|row| !unread(row, not_after));
    rows.extend(removed.map(|row| marked("removed", row)));
    columns.insert(0, change_column(&columns));
    Table::from_parts(name, columns, rows)
}

/// The cells of an old row in the order of the new columns.
fn align(mut row: Row, from: &[Option<usize>]) -> Row {
    let mut cells: Vec<Option<Cell>> = row.cells.drain(..).map(Some).collect();
    row.cells = from
        .iter()
        .map(|place| place.and_then(|place| cells[place].take()).unwrap_or(Cell::Absent))
        .collect();
    row
}

/// Old rows that have not met their new one.
struct Waiting {
    rows: Vec<Option<Row>>,
    /// The first row of each identity, and for each row the next one of the same: chains in place
    /// of a list for each identity, as nearly all would have one entry.
    first: HashMap<u64, usize>,
    next: Vec<Option<usize>>,
}

impl Waiting {
    fn of(rows: Vec<Row>, both: &[bool]) -> Self {
        let mut first = HashMap::with_capacity(rows.len());
        let mut next = vec![None; rows.len()];
        for (place, row) in rows.iter().enumerate().rev() {
            next[place] = first.insert(identity(row, both), place);
        }
        Self { rows: rows.into_iter().map(Some).collect(), first, next }
    }

    /// The first old row that is the same row.
    fn take(&mut self, row: &Row, both: &[bool]) -> Option<Row> {
        let identity = identity(row, both);
        let mut at = self.first.get(&identity).copied();
        while let Some(place) = at {
            if self.rows[place].as_ref().is_some_and(|old| pairs(old, row, both)) {
                // Taken rows leave the front of their chain, or equal rows would be walked again
                // and again.
                if self.first.get(&identity) == Some(&place) {
                    match self.next[place] {
                        Some(next) => self.first.insert(identity, next),
                        None => self.first.remove(&identity),
                    };
                }
                return self.rows[place].take();
            }
            at = self.next[place];
        }
        None
    }
}

/// The hash of what makes two rows the same row: the key, or every value both sides know.
fn identity(row: &Row, both: &[bool]) -> u64 {
    if row.key.is_empty() {
        same::hash(known(row, both))
    } else {
        let key = Cell::Text(row.key.as_str().into());
        // The absent cell in front keeps keys apart from rows of one text.
        same::hash([&Cell::Absent, &key].into_iter())
    }
}

fn pairs(old: &Row, new: &Row, both: &[bool]) -> bool {
    old.key == new.key
        && (!new.key.is_empty()
            || known(old, both).zip(known(new, both)).all(|(old, new)| same::same(old, new)))
}

fn known<'a>(row: &'a Row, both: &'a [bool]) -> impl Iterator<Item = &'a Cell> {
    row.cells.iter().zip(both).filter(|(_, both)| **both).map(|(cell, _)| cell)
}

/// The row with both values where they differ, if they do in a column that is shown.
fn difference(old: Row, new: Row, columns: &[Column], both: &[bool]) -> Option<Row> {
    let mut changed = false;
    let mut row = Row { key: new.key, cells: Vec::with_capacity(columns.len()) };
    for (place, (old, new)) in old.cells.into_iter().zip(new.cells).enumerate() {
        row.cells.push(if !both[place] {
            if new == Cell::Absent { old } else { new }
        } else if same::same(&old, &new) {
            new
        } else {
            changed |= !columns[place].hidden;
            Cell::Changed(Box::new((old, new)))
        });
    }
    changed.then(|| marked("changed", row))
}

fn marked(change: &str, mut row: Row) -> Row {
    row.cells.insert(0, Cell::Text(change.into()));
    row
}

fn change_column(columns: &[Column]) -> Column {
    let taken = nearest::find(columns, "change").is_some();
    let (id, title) = if taken { ("rowChange", "ROW-CHANGE") } else { ("change", "CHANGE") };
    Column {
        id: id.to_owned(),
        title: title.to_owned(),
        kind: ColumnKind::Text,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: "added, removed or changed since the report compared against".to_owned(),
    }
}

fn compare_findings(before: Vec<Finding>, after: Vec<Finding>, unread: bool) -> Vec<Finding> {
    let mut old: HashMap<(String, String), VecDeque<usize>> = HashMap::new();
    for (place, finding) in before.iter().enumerate() {
        let name = (finding.code.clone(), finding.subject.clone());
        old.entry(name).or_default().push_back(place);
    }
    let mut before: Vec<Option<Finding>> = before.into_iter().map(Some).collect();
    let mut findings = Vec::new();
    for mut finding in after {
        let name = (finding.code.clone(), finding.subject.clone());
        let place = old.get_mut(&name).and_then(VecDeque::pop_front);
        match place.and_then(|place| before[place].take()) {
            Some(old) if old.level == finding.level => {}
            Some(old) => {
                finding.message = format!("was {}: {}", old.level.as_str(), finding.message);
                findings.push(finding);
            }
            None => {
                finding.message = format!("new: {}", finding.message);
                findings.push(finding);
            }
        }
    }
    // With hosts unread, a finding that is not there may only not have been seen.
    let (level, word) =
        if unread { (Level::Unknown, "gone or not read") } else { (Level::Good, "gone") };
    findings.extend(before.into_iter().flatten().map(|mut finding| {
        finding.level = level;
        finding.message = format!("{word}: {}", finding.message);
        finding.fixes.clear();
        finding
    }));
    findings
}

#[cfg(test)]
mod tests;
