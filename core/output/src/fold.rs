//! `--fold`: rows that are equal but for one column become one row that lists its values.
//!
//! The oldest ask of people with many nodes: which of them are alike, and which one is not.

use std::collections::HashMap;

use lab_types::Failure;

use crate::Cell;
use crate::Column;
use crate::Row;
use crate::Table;
use crate::nearest;
use crate::same;

/// How to fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// The column whose values are listed; without one, the first with the id `host`, `node` or
    /// `from`: the one that says whose row it is.
    pub column: Option<String>,
}

impl Fold {
    /// The column it would fold over.
    pub fn column_of(&self, columns: &[Column]) -> Option<usize> {
        match &self.column {
            Some(name) => nearest::find(columns, name),
            None => columns
                .iter()
                .position(|column| matches!(column.id.as_str(), "host" | "node" | "from")),
        }
    }

    /// Groups rows in the order of their first appearance.
    ///
    /// Only columns that `compared` accepts must be equal; where others differ inside a group,
    /// the cell lists their values too, in the order of the rows. So a table folds over what it
    /// shows, and no format loses a value.
    ///
    /// # Errors
    /// No such column.
    pub fn apply(
        &self,
        table: Table,
        compared: impl Fn(&Column) -> bool,
    ) -> Result<Table, Failure> {
        let Some(over) = self.column_of(table.columns()) else {
            return Err(match &self.column {
                Some(name) => nearest::unknown(
                    "column",
                    &format!(" in `{}`", table.name()),
                    name,
                    nearest::ids(table.columns()),
                ),
                None => Failure::invalid(format!(
                    "--fold: `{}` has no column `host`, `node` or `from`",
                    table.name()
                ))
                .hint(format!(
                    "name the column, such as `--fold {}`",
                    table.columns().first().map_or("COL", |column| column.id.as_str())
                )),
            });
        };
        let fixed: Vec<usize> = (0..table.columns().len())
            .filter(|&place| place != over && compared(&table.columns()[place]))
            .collect();
        let of = distinct(table.rows(), over);
        let (name, columns, rows) = table.into_parts();
        let groups = group(rows, &fixed);
        let rows = groups.into_iter().map(|rows| merge(rows, over, &fixed, of)).collect();
        Ok(Table::from_parts(name, columns, rows))
    }
}

/// How many different values a column has.
fn distinct(rows: &[Row], place: usize) -> usize {
    let mut seen: HashMap<u64, Vec<&Cell>> = HashMap::new();
    let mut n_values = 0;
    for row in rows {
        let cell = &row.cells[place];
        let cells = seen.entry(same::hash(std::iter::once(cell))).or_default();
        if !cells.iter().any(|known| same::same(known, cell)) {
            cells.push(cell);
            n_values += 1;
        }
    }
    n_values
}

/// Rows by the values of the fixed columns, in order of first appearance.
fn group(rows: Vec<Row>, fixed: &[usize]) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::with_capacity(rows.len());
    for row in rows {
        let hash = same::hash(fixed.iter().map(|&place| &row.cells[place]));
        let candidates = by_hash.entry(hash).or_default();
        let found = candidates.iter().copied().find(|&candidate| {
            let first = &groups[candidate][0];
            fixed.iter().all(|&place| same::same(&first.cells[place], &row.cells[place]))
        });
        if let Some(found) = found {
            groups[found].push(row);
        } else {
            candidates.push(groups.len());
            groups.push(vec![row]);
        }
    }
    groups
}

/// One row for a group.
fn merge(mut rows: Vec<Row>, over: usize, fixed: &[usize], of: usize) -> Row {
    if rows.len() == 1 {
        return rows.swap_remove(0);
    }
    let n_columns = rows[0].cells.len();
    let mut lists: Vec<Vec<Cell>> = vec![Vec::new(); n_columns];
    for row in rows {
        for (place, cell) in row.cells.into_iter().enumerate() {
            if lists[place].is_empty() || !fixed.contains(&place) {
                lists[place].push(cell);
            }
        }
    }
    let cells = lists
        .into_iter()
        .enumerate()
        .map(|(place, mut list)| {
            if place == over {
                return Cell::Many(unique(list), of);
            }
            let alike = list.iter().all(|cell| same::same(cell, &list[0]));
            if alike { list.swap_remove(0) } else { Cell::Many(list, 0) }
        })
        .collect();
    // A group is none of its rows, so it has none of their keys.
    Row { key: String::new(), cells }
}

/// The values without repetition: one host may have the same row twice.
fn unique(cells: Vec<Cell>) -> Vec<Cell> {
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::with_capacity(cells.len());
    let mut kept: Vec<Cell> = Vec::with_capacity(cells.len());
    for cell in cells {
        let places = seen.entry(same::hash(std::iter::once(&cell))).or_default();
        if !places.iter().any(|&place| same::same(&kept[place], &cell)) {
            places.push(kept.len());
            kept.push(cell);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
