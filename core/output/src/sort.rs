//! `--sort COL`, `--sort COL:desc`, `--sort COL,COL2:desc`: order by typed values.
//!
//! `COL:desc` and not `-COL`, because a value that begins with a dash looks like a flag, to
//! people and to shells' completions.

use std::cmp::Ordering;
use std::net::IpAddr;

use lab_types::Failure;

use crate::Cell;
use crate::Row;
use crate::Table;
use crate::nearest;

/// How to order rows.
///
/// - Shape: columns by id or header, the first decides, each with an optional `:asc` or `:desc`.
/// - Numbers, times and durations by value (times: oldest first); yes after no; health worst
///   first; addresses and prefixes by number, before other words; words with numbers inside by
///   those numbers (`w2` before `w10`). A word in a column of numbers stands after the numbers,
///   nothing stands last, both also when descending. Equal rows keep their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    by: Vec<(String, bool)>,
}

impl Sort {
    /// Reads what follows `--sort`.
    ///
    /// # Errors
    /// An empty column or a direction that is neither `asc` nor `desc`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let mut by = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (column, descending) = match part.split_once(':') {
                None => (part, false),
                Some((column, "asc")) => (column, false),
                Some((column, "desc")) => (column, true),
                Some((column, other)) => {
                    return Err(Failure::invalid(format!(
                        "--sort: unknown direction `{other}` for `{column}`"
                    ))
                    .hint(format!("write `{column}`, `{column}:asc` or `{column}:desc`")));
                }
            };
            if column.is_empty() {
                return Err(Failure::invalid("--sort: a column is missing")
                    .hint("write `--sort COL` or `--sort COL:desc`, several with commas"));
            }
            by.push((column.to_owned(), descending));
        }
        Ok(Self { by })
    }

    /// The columns it names, as they were typed.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.by.iter().map(|(name, _)| name.as_str())
    }

    /// Orders the rows.
    ///
    /// # Errors
    /// A column that the table does not have.
    pub fn apply(&self, table: Table) -> Result<Table, Failure> {
        let order = self.order(&table, &table.rows().iter().collect::<Vec<_>>())?;
        let (name, columns, mut rows) = table.into_parts();
        let mut slots: Vec<Option<_>> = rows.drain(..).map(Some).collect();
        rows.extend(order.into_iter().filter_map(|place| slots[place].take()));
        Ok(Table::from_parts(name, columns, rows))
    }

    /// The places of some of a table's rows, in order.
    ///
    /// # Errors
    /// As [`Sort::apply`].
    pub(crate) fn order(&self, table: &Table, rows: &[&Row]) -> Result<Vec<usize>, Failure> {
        let mut by = Vec::with_capacity(self.by.len());
        for (name, descending) in &self.by {
            by.push((nearest::find_or_fail(table.name(), table.columns(), name)?, *descending));
        }
        // Keys are made once per cell, not once per comparison: parsing is what costs.
        let n_keys = by.len();
        let keys: Vec<Key<'_>> = rows
            .iter()
            .flat_map(|row| by.iter().map(|&(place, _)| Key::of(&row.cells[place])))
            .collect();
        let keys_of = |row: usize| &keys[row * n_keys..(row + 1) * n_keys];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&left, &right| {
            let pairs = keys_of(left).iter().zip(keys_of(right)).zip(&by);
            pairs
                .map(|((left, right), &(_, descending))| left.order(right, descending))
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        Ok(order)
    }
}

/// What a cell is ordered by.
#[derive(Debug, PartialEq)]
pub(crate) enum Key<'a> {
    /// The number, and the same as an integer for what a float cannot tell apart.
    Number(f64, i64),
    Address(IpAddr, u8),
    Word(&'a str),
    Words(String),
    Absent,
}

impl<'a> Key<'a> {
    #[expect(clippy::cast_precision_loss, reason = "the second field keeps what is lost")]
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which keeps the order")]
    pub(crate) fn of(cell: &'a Cell) -> Self {
        match cell {
            Cell::Integer(n) | Cell::Timestamp(n) | Cell::Duration(n) => Key::Number(*n as f64, *n),
            Cell::Decimal(n) if n.is_nan() => Key::Absent,
            // Plus zero makes one of the two zeros.
            Cell::Decimal(n) => Key::Number(*n + 0.0, *n as i64),
            Cell::Boolean(yes) => Key::Number(f64::from(u8::from(*yes)), i64::from(*yes)),
            Cell::Health(level, _) => {
                let rank = -i64::from(level.severity());
                Key::Number(rank as f64, rank)
            }
            _ if cell.is_empty() => Key::Absent,
            Cell::Text(text) | Cell::Json(text) => Key::of_text(text),
            Cell::Changed(pair) => Key::of(&pair.1),
            Cell::Many(cells, _) => cells.first().map_or(Key::Absent, Key::of),
            Cell::Absent | Cell::Object(_) => Key::Words(cell.plain().into_owned()),
        }
    }

    pub(crate) fn of_text(text: &'a str) -> Self {
        match address(text) {
            Some((address, len)) => Key::Address(address, len),
            None => Key::Word(text),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Number(..) => 0,
            Key::Address(..) => 1,
            Key::Word(_) | Key::Words(_) => 2,
            Key::Absent => 3,
        }
    }

    fn word(&self) -> &str {
        match self {
            Key::Word(word) => word,
            Key::Words(word) => word,
            _ => "",
        }
    }

    pub(crate) fn order(&self, other: &Self, descending: bool) -> Ordering {
        let by_rank = self.rank().cmp(&other.rank());
        if by_rank.is_ne() {
            let last = matches!(self, Key::Absent) || matches!(other, Key::Absent);
            let number = self.rank() == 0 || other.rank() == 0;
            return if descending && !last && !number { by_rank.reverse() } else { by_rank };
        }
        let ordering = match (self, other) {
            (Key::Number(l, m), Key::Number(r, n)) => l.total_cmp(r).then(m.cmp(n)),
            (Key::Address(l, m), Key::Address(r, n)) => l.cmp(r).then(m.cmp(n)),
            _ => natural(self.word(), other.word()),
        };
        if descending { ordering.reverse() } else { ordering }
    }
}

/// An address or a prefix; an address counts as its longest prefix.
fn address(text: &str) -> Option<(IpAddr, u8)> {
    // Nearly every word ends here: an address begins with a digit, a hex digit or a colon.
    if !text.bytes().next().is_some_and(|b| b.is_ascii_hexdigit() || b == b':') {
        return None;
    }
    match text.split_once('/') {
        None => text.parse().ok().map(|address| (address, u8::MAX)),
        Some((address, len)) => Some((address.parse().ok()?, len.parse().ok()?)),
    }
}

/// Runs of digits compare as numbers, everything else by code point.
pub(crate) fn natural(left: &str, right: &str) -> Ordering {
    let (mut l, mut r) = (left.as_bytes(), right.as_bytes());
    while let (Some(&a), Some(&b)) = (l.first(), r.first()) {
        if a.is_ascii_digit() && b.is_ascii_digit() {
            let (left_run, left_rest) = digits(l);
            let (right_run, right_rest) = digits(r);
            let ordering =
                left_run.len().cmp(&right_run.len()).then_with(|| left_run.cmp(right_run));
            if ordering.is_ne() {
                return ordering;
            }
            (l, r) = (left_rest, right_rest);
        } else if a == b {
            (l, r) = (&l[1..], &r[1..]);
        } else {
            return a.cmp(&b);
        }
    }
    l.len().cmp(&r.len()).then_with(|| left.cmp(right))
}

/// The leading digits without leading zeros, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    let start = run.iter().position(|&b| b != b'0').unwrap_or(run.len());
    (&run[start..], rest)
}

#[cfg(test)]
mod tests;
