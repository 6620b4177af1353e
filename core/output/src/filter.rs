//! `--filter`: `COL~RE`, `COL!~RE`, `COL=VALUE`, `COL!=VALUE`, `COL>N`, `COL>=N`, `COL<N`, `COL<=N`.
//!
//! Regular expressions come from the caller as a [`Matcher`], so that this crate keeps to the
//! standard library and serde.

use std::cmp::Ordering;

use lab_types::Failure;

use crate::Cell;
use crate::ColumnKind;
use crate::Row;
use crate::Table;
use crate::nearest;
use crate::sort::Key;
use crate::time::parse_rfc3339;
use crate::unit::parse_number;

/// A compiled regular expression: whether it occurs in a text.
///
/// ```
/// # fn compile(pattern: &str) -> Result<lab_output::Matcher, String> {
/// let regex = regex::Regex::new(pattern).map_err(|error| error.to_string())?;
/// Ok(Box::new(move |text| regex.is_match(text)))
/// # }
/// # let filter = lab_output::Filter::parse("host~^k8s-", compile);
/// # assert!(filter.is_ok());
/// ```
pub type Matcher = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// One condition on one column.
///
/// - `~` and `=` look at the text that `-o csv` prints; `=` also takes numbers with units (`1Gi`),
///   `yes` and `no`, and the level of a health. `COL=` finds rows without a value.
/// - `>` and `<` compare as `--sort` orders; a number may carry the unit of its column, and the
///   age of a time counts: `age>5m` is older than five minutes. Rows without a value never match,
///   nor does a word among numbers.
/// - `!~` and `!=` are the opposite of `~` and `=`.
pub struct Filter {
    column: String,
    test: Test,
}

enum Test {
    Matches { matcher: Matcher, wanted: bool },
    Equals { value: String, wanted: bool },
    Compares { value: String, less: bool, equal: bool },
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("column", &self.column).finish_non_exhaustive()
    }
}

impl Filter {
    /// Reads what follows one `--filter`; `compile` makes a matcher or says why it cannot.
    ///
    /// # Errors
    /// No column, no operator, or a regular expression that does not compile.
    pub fn parse(
        text: &str,
        compile: impl Fn(&str) -> Result<Matcher, String>,
    ) -> Result<Self, Failure> {
        const OPERATORS: [&str; 9] = ["!~", "!=", ">=", "<=", "==", "~", "=", ">", "<"];
        let at = text.find(['!', '~', '=', '<', '>']).unwrap_or(text.len());
        let (column, rest) = text.split_at(at);
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
        let (column, Some(operator)) = (column.trim(), operator) else {
            return Err(Failure::invalid(format!("--filter: `{text}` has no operator"))
                .hint("write `COL~RE`, `COL!~RE`, `COL=VALUE`, `COL!=VALUE`, `COL>N` or `COL<N`"));
        };
        if column.is_empty() {
            return Err(Failure::invalid(format!("--filter: `{text}` names no column"))
                .hint("write the column first, such as `host=router`"));
        }
        let value = &rest[operator.len()..];
        let condition = match *operator {
            "~" | "!~" => {
                let matcher = compile(value).map_err(|why| {
                    let why = why.lines().last().unwrap_or_default().trim();
                    let why = why.strip_prefix("error: ").unwrap_or(why);
                    Failure::invalid(format!("--filter: bad regular expression `{value}`: {why}"))
                })?;
                Test::Matches { matcher, wanted: *operator == "~" }
            }
            "=" | "==" => Test::Equals { value: value.to_owned(), wanted: true },
            "!=" => Test::Equals { value: value.to_owned(), wanted: false },
            _ => Test::Compares {
                value: value.trim().to_owned(),
                less: operator.starts_with('<'),
                equal: operator.ends_with('='),
            },
        };
        Ok(Self { column: column.to_owned(), test: condition })
    }

    /// The column it names, as it was typed.
    pub fn column_name(&self) -> &str {
        &self.column
    }

    /// Keeps the rows that match; `now` is Unix time in milliseconds, for ages.
    ///
    /// # Errors
    /// A column that the table does not have, or a value that its kind cannot be compared with.
    pub fn apply(&self, table: Table, now: i64) -> Result<Table, Failure> {
        let test = self.test(&table, now)?;
        let (name, columns, mut rows) = table.into_parts();
        rows.retain(test);
        Ok(Table::from_parts(name, columns, rows))
    }

    /// The test of a table's rows, with everything about the column worked out once.
    ///
    /// # Errors
    /// As [`Filter::apply`].
    pub(crate) fn test(&self, table: &Table, now: i64) -> Result<RowTest<'_>, Failure> {
        let place = nearest::find_or_fail(table.name(), table.columns(), &self.column)?;
        let test = self.test.bind(&self.column, table.columns()[place].kind, now)?;
        Ok(Box::new(move |row| test(&row.cells[place])))
    }
}

type RowTest<'a> = Box<dyn Fn(&Row) -> bool + 'a>;

type CellTest<'a> = Box<dyn Fn(&Cell) -> bool + 'a>;

impl Test {
    /// The test of one cell, with everything about the column worked out once.
    fn bind(&self, column: &str, kind: ColumnKind, now: i64) -> Result<CellTest<'_>, Failure> {
        Ok(match self {
            Self::Matches { matcher, wanted } => {
                Box::new(move |cell| any(cell, &|cell| matcher(&cell.plain())) == *wanted)
            }
            Self::Equals { value, wanted } => {
                let number = parse_number(value, kind);
                Box::new(move |cell| any(cell, &|cell| equals(cell, value, number)) == *wanted)
            }
            Self::Compares { value, less, equal } => {
                let value = Bound::of(column, kind, value, now)?;
                let (less, equal) = (*less, *equal);
                Box::new(move |cell| {
                    any(cell, &|cell| match value.compare(cell) {
                        Some(Ordering::Less) => less,
                        Some(Ordering::Equal) => equal,
                        Some(Ordering::Greater) => !less,
                        None => false,
                    })
                })
            }
        })
    }
}

/// Whether any value of the cell passes: there are several only after folding or comparing.
fn any(cell: &Cell, test: &dyn Fn(&Cell) -> bool) -> bool {
    match cell {
        Cell::Many(cells, _) => cells.iter().any(|cell| any(cell, test)),
        Cell::Changed(pair) => any(&pair.0, test) || any(&pair.1, test),
        _ => test(cell),
    }
}

#[expect(clippy::cast_precision_loss, reason = "what people type is far below 2^53")]
fn equals(cell: &Cell, value: &str, number: Option<f64>) -> bool {
    let same_number = match cell {
        Cell::Integer(n) | Cell::Duration(n) => number == Some(*n as f64),
        Cell::Decimal(n) => number == Some(*n),
        Cell::Boolean(yes) => value == if *yes { "yes" } else { "no" },
        Cell::Health(level, _) => value == level.as_str(),
        _ => false,
    };
    same_number || cell.plain() == value
}

/// The right side of a comparison.
enum Bound<'a> {
    /// In the unit of the cell; ages turn the order around.
    Number {
        value: f64,
        age: bool,
    },
    Word(Key<'a>),
}

impl<'a> Bound<'a> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this era are below 2^53")]
    fn of(column: &str, kind: ColumnKind, value: &'a str, now: i64) -> Result<Self, Failure> {
        use ColumnKind as K;
        let example = match kind {
            K::Text | K::Object | K::Json | K::Health => {
                return Ok(Self::Word(Key::of_text(value)));
            }
            K::Timestamp => "5m` or `2026-01-31T00:00:00Z",
            K::Duration => "1m30s",
            K::Bytes => "1.5Gi",
            K::Cores => "250m",
            K::Percent => "80%",
            K::Integer | K::Decimal | K::Boolean => "10",
        };
        if kind == K::Timestamp {
            if let Some(time) = parse_rfc3339(value) {
                return Ok(Self::Number { value: time as f64, age: false });
            }
            if let Some(age) = parse_number(value, kind) {
                return Ok(Self::Number { value: now as f64 - age / 1e6, age: true });
            }
        } else if let Some(value) = parse_number(value, kind) {
            return Ok(Self::Number { value, age: false });
        }
        Err(Failure::invalid(format!("--filter: `{column}` cannot be compared with `{value}`"))
            .hint(format!("write a value such as `{example}`")))
    }

    #[expect(clippy::cast_precision_loss, reason = "comparing with what was typed, not equating")]
    fn compare(&self, cell: &Cell) -> Option<Ordering> {
        match (self, cell) {
            (Self::Number { value, age }, _) => {
                let number = match cell {
                    Cell::Integer(n) | Cell::Duration(n) | Cell::Timestamp(n) => *n as f64,
                    Cell::Decimal(n) => *n,
                    Cell::Boolean(yes) => f64::from(u8::from(*yes)),
                    _ => return None,
                };
                let ordering = number.partial_cmp(value)?;
                Some(if *age { ordering.reverse() } else { ordering })
            }
            (Self::Word(value), Cell::Health(_, text)) => {
                Some(Key::of_text(text).order(value, false))
            }
            (Self::Word(value), _) => match Key::of(cell) {
                Key::Absent => None,
                key => Some(key.order(value, false)),
            },
        }
    }
}

#[cfg(test)]
mod tests;
