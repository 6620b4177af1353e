//! Rows: a struct's fields become a table's columns.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::Cell;
use crate::ColumnKind;
use crate::Level;
use crate::ObjectRef;
use crate::PackedRows;

/// One column, as the table is declared to the host.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Column {
    /// Key in JSON, YAML and CSV, lowerCamelCase.
    pub id: String,
    /// Header, upper case.
    pub title: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// Only with `-o wide`.
    pub wide: bool,
    /// Never in a table, always in JSON and YAML.
    pub hidden: bool,
    /// A table draws each line of its texts on a line of its own.
    pub lines: bool,
    /// What a row is about: the last to be left out where a terminal is too narrow.
    pub subject: bool,
    /// One line for the reference.
    pub about: String,
}

/// A type whose values are rows of a table. Made by [`row!`](crate::row).
pub trait TableRow {
    /// Columns, in order: a promise, add at the end only.
    fn columns() -> Vec<Column>;
    /// The row's cells, in the order of the columns.
    fn cells(self) -> Vec<Cell>;
    /// The same, on their way to the host, in a row that has begun.
    fn pack(self, rows: &mut PackedRows)
    where
        Self: Sized,
    {
        for cell in self.cells() {
            pack(&cell, rows);
        }
    }
}

/// A judged word: how good it is, and what is shown, which may be borrowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Health<T = String>(pub Level, pub T);

/// A share, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);

/// An amount of memory or storage, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bytes(pub f64);

/// CPU time over time, in cores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cores(pub f64);

/// A moment, as Unix time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timestamp(pub i64);

/// One JSON document, which must be valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub String);

/// A type that can stand in a table.
pub trait IntoCell {
    /// What the values of such a column are.
    const KIND: ColumnKind;
    /// The value as a cell.
    fn into_cell(self) -> Cell;
    /// The same, on its way to the host. Worth its own writing where a cell would have to be
    /// allocated.
    fn pack(self, rows: &mut PackedRows)
    where
        Self: Sized,
    {
        pack(&self.into_cell(), rows);
    }
}

/// A cell on its way to the host.
pub(crate) fn pack(cell: &Cell, rows: &mut PackedRows) {
    match cell {
        Cell::Absent => rows.absent(),
        Cell::Text(text) => rows.text(text),
        Cell::Integer(number) => rows.integer(*number),
        Cell::Decimal(number) => rows.decimal(*number),
        Cell::Boolean(on) => rows.boolean(*on),
        Cell::Timestamp(milliseconds) => rows.timestamp(*milliseconds),
        Cell::Duration(nanoseconds) => rows.duration(*nanoseconds),
        Cell::Health((level, text)) => rows.health(number(*level), text),
        Cell::Object(of) => {
            rows.object(&of.api_version, &of.kind, of.namespace.as_deref(), &of.name);
        }
        Cell::Json(document) => rows.json(document),
    }
}

/// The number of the case in the interface.
fn number(level: Level) -> u8 {
    match level {
        Level::Good => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Bad => 3,
        Level::Unknown => 4,
    }
}

macro_rules! cells {
    ($($ty:ty, $kind:ident, |$value:ident| $cell:expr;)*) => {$(
        impl IntoCell for $ty {
            const KIND: ColumnKind = ColumnKind::$kind;
            fn into_cell(self) -> Cell {
                let $value = self;
                $cell
            }
        }
    )*};
}

cells! {
    bool, Boolean, |on| Cell::Boolean(on);
    i64, Integer, |number| Cell::Integer(number);
    i32, Integer, |number| Cell::Integer(number.into());
    u32, Integer, |number| Cell::Integer(number.into());
    u16, Integer, |number| Cell::Integer(number.into());
    f64, Decimal, |number| Cell::Decimal(number);
    Percent, Percent, |share| Cell::Decimal(share.0);
    Bytes, Bytes, |amount| Cell::Decimal(amount.0);
    Cores, Cores, |amount| Cell::Decimal(amount.0);
    Timestamp, Timestamp, |moment| Cell::Timestamp(moment.0);
    ObjectRef, Object, |object| Cell::Object(object);
    Json, Json, |document| Cell::Json(document.0);
    std::time::Duration, Duration, |span| Cell::Duration(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX));
}

impl<T: Into<String> + AsRef<str>> IntoCell for Health<T> {
    const KIND: ColumnKind = ColumnKind::Health;
    fn into_cell(self) -> Cell {
        Cell::Health((self.0, self.1.into()))
    }
    fn pack(self, rows: &mut PackedRows) {
        rows.health(number(self.0), self.1.as_ref());
    }
}

/// A value that is shown as it is displayed, written where it is needed and nowhere kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown<T>(pub T);

impl<T: std::fmt::Display> IntoCell for Shown<T> {
    const KIND: ColumnKind = ColumnKind::Text;
    fn into_cell(self) -> Cell {
        Cell::Text(self.0.to_string())
    }
    fn pack(self, rows: &mut PackedRows) {
        rows.display(self.0);
    }
}

impl IntoCell for IpAddr {
    const KIND: ColumnKind = ColumnKind::Text;
    fn into_cell(self) -> Cell {
        Cell::Text(self.to_string())
    }
    fn pack(self, rows: &mut PackedRows) {
        rows.display(self);
    }
}

impl IntoCell for Cow<'_, str> {
    const KIND: ColumnKind = ColumnKind::Text;
    fn into_cell(self) -> Cell {
        Cell::Text(self.into_owned())
    }
    fn pack(self, rows: &mut PackedRows) {
        rows.text(&self);
    }
}

impl IntoCell for String {
    const KIND: ColumnKind = ColumnKind::Text;
    fn into_cell(self) -> Cell {
        Cell::Text(self)
    }
}

impl IntoCell for &str {
    const KIND: ColumnKind = ColumnKind::Text;
    fn into_cell(self) -> Cell {
        Cell::Text(self.to_owned())
    }
    fn pack(self, rows: &mut PackedRows) {
        rows.text(self);
    }
}

impl<T: IntoCell> IntoCell for Option<T> {
    const KIND: ColumnKind = T::KIND;
    fn into_cell(self) -> Cell {
        self.map_or(Cell::Absent, T::into_cell)
    }
    fn pack(self, rows: &mut PackedRows) {
        match self {
            Some(value) => value.pack(rows),
            None => rows.absent(),
        }
    }
}

/// `next_hop` → (`nextHop`, `NEXT-HOP`).
#[doc(hidden)]
pub fn column_id(field: &str) -> (String, String) {
    let mut id = String::with_capacity(field.len());
    let mut upper = false;
    for letter in field.trim_start_matches("r#").chars() {
        if letter == '_' {
            upper = true;
        } else if upper {
            id.extend(letter.to_uppercase());
            upper = false;
        } else {
            id.push(letter);
        }
    }
    (id, field.trim_start_matches("r#").to_uppercase().replace('_', "-"))
}

/// Declares a struct whose fields are a table's columns.
///
/// A field's doc comment is its column's description; its type says the kind; its name gives
/// the id (`next_hop` → `nextHop`) and the header (`NEXT-HOP`). `as wide` shows it only with
/// `-o wide`, `as hidden` only in JSON and YAML, `as lines` with the lines of its texts below each
/// other, `as subject` also where a terminal has no room for the others; `= "podCIDR"` sets another
/// id.
#[macro_export]
macro_rules! row {
    ($(#[doc = $about:literal])* $vis:vis struct $name:ident $(<$life:lifetime>)? {
        $($(#[doc = $doc:literal])* $field_vis:vis $field:ident : $ty:ty $(as $flag:ident)? $(= $id:literal)?,)*
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name $(<$life>)? {
            $($(#[doc = $doc])* $field_vis $field: $ty,)*
        }
        impl $(<$life>)? $crate::TableRow for $name $(<$life>)? {
            fn columns() -> Vec<$crate::Column> {
                vec![$({
                    let (id, title) = $crate::column_id(stringify!($field));
                    $(let id = { let _ = id; String::from($id) };)?
                    let flag: &str = concat!($(stringify!($flag))?);
                    $crate::Column {
                        id,
                        title,
                        kind: <$ty as $crate::IntoCell>::KIND,
                        wide: flag == "wide",
                        hidden: flag == "hidden",
                        lines: flag == "lines",
                        subject: flag == "subject",
                        about: concat!($($doc,)* "").trim().to_owned(),
                    }
                }),*]
            }
            fn cells(self) -> Vec<$crate::Cell> {
                vec![$($crate::IntoCell::into_cell(self.$field)),*]
            }
            fn pack(self, rows: &mut $crate::PackedRows) {
                $(if rows.is_next_needed() {
                    $crate::IntoCell::pack(self.$field, rows);
                } else {
                    rows.absent();
                })*
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    row! {
        /// A row.
        struct Sample {
            /// Who.
            host: String as subject,
            /// Where to.
            next_hop: Option<String>,
            /// How large.
            mtu: Option<u32> as wide,
            /// Of the pods.
            pod_cidr: &'static str = "podCIDR",
            /// What was printed.
            output: String as lines,
            /// How good.
            verdict: Health as hidden,
        }
    }

    #[test]
    fn fields_become_columns() {
        let columns = Sample::columns();
        let ids: Vec<_> = columns.iter().map(|column| column.id.as_str()).collect();
        assert_eq!(ids, ["host", "nextHop", "mtu", "podCIDR", "output", "verdict"]);
        assert_eq!(columns[1].title, "NEXT-HOP");
        assert_eq!(columns[1].about, "Where to.");
        assert!(columns[2].wide && !columns[2].hidden);
        assert!(columns[4].lines && !columns[3].lines);
        assert!(columns[0].subject && !columns[1].subject);
        assert!(columns[5].hidden);
        assert_eq!(columns[2].kind, ColumnKind::Integer);
        assert_eq!(columns[5].kind, ColumnKind::Health);
    }

    #[test]
    fn absent_values_are_absent_cells() {
        let row = Sample {
            host: "k8s-ctr".into(),
            next_hop: None,
            mtu: Some(1450),
            pod_cidr: "172.20.0.0/24",
            output: "a\nb\n".into(),
            verdict: Health(Level::Good, "ok".into()),
        };
        let cells = row.cells();
        assert_eq!(cells[1], Cell::Absent);
        assert_eq!(cells[2], Cell::Integer(1450));
        assert_eq!(cells[5], Cell::Health((Level::Good, "ok".into())));
    }
}
