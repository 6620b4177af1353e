//! The plain text of a cell: base units, no drawing. It is what `-o csv` prints and what
//! filters match, so that one rule explains both.

use std::borrow::Cow;

use lab_types::ObjectRef;

use crate::Cell;
use crate::rfc3339;

impl Cell {
    /// The value as one text in base units; empty when absent, `ns/name` for an object, RFC 3339
    /// for a time, seconds for a duration.
    pub fn plain(&self) -> Cow<'_, str> {
        match self {
            // A judgement without a word is still one.
            Self::Health(level, text) if text.is_empty() => Cow::Borrowed(level.as_str()),
            Self::Text(text) | Self::Health(_, text) | Self::Json(text) => Cow::Borrowed(text),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Decimal(number) if number.is_finite() => Cow::Owned(number.to_string()),
            Self::Absent | Self::Decimal(_) => Cow::Borrowed(""),
            Self::Boolean(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
            Self::Timestamp(ms) => Cow::Owned(rfc3339(*ms)),
            Self::Duration(ns) => Cow::Owned(seconds(*ns).to_string()),
            Self::Object(object) => object_text(object),
            Self::Many(cells, _) => {
                Cow::Owned(cells.iter().map(Cell::plain).collect::<Vec<_>>().join(", "))
            }
            Self::Changed(pair) => Cow::Owned(format!("{} → {}", pair.0.plain(), pair.1.plain())),
        }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Text(text) | Self::Json(text) => text.is_empty(),
            Self::Many(cells, _) => cells.iter().all(Cell::is_empty),
            _ => false,
        }
    }
}

/// Nanoseconds as seconds, exact to the microsecond for a hundred years.
#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days; beyond it 1 µs is enough")]
pub(crate) fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

fn object_text(object: &ObjectRef) -> Cow<'_, str> {
    match &object.namespace {
        Some(namespace) => Cow::Owned(format!("{namespace}/{}", object.name)),
        None => Cow::Borrowed(&object.name),
    }
}

#[cfg(test)]
mod tests {
    use crate::Level;

    use super::*;

    #[test]
    fn plain_text_is_in_base_units() {
        for (cell, expected) in [
            (Cell::Absent, ""),
            (Cell::Integer(-3), "-3"),
            (Cell::Health(Level::Unknown, "".into()), "unknown"),
            (Cell::Decimal(0.25), "0.25"),
            (Cell::Decimal(f64::NAN), ""),
            (Cell::Boolean(true), "true"),
            (Cell::Timestamp(0), "1970-01-01T00:00:00Z"),
            (Cell::Duration(1_500_000_000), "1.5"),
            (Cell::Many(vec![Cell::Integer(1), Cell::Integer(2)], 3), "1, 2"),
            (Cell::Changed(Box::new((Cell::Absent, Cell::Integer(2)))), " → 2"),
        ] {
            assert_eq!(cell.plain(), expected);
        }
    }
}
