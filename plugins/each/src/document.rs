//! Rows out of JSON that a command printed.
//!
//! Pure. An array has a row for each element, anything else is one row; several documents one
//! behind the other are read one by one. An object's keys are columns in the order in which they
//! first came; what is no object stands in a column `value`. Nested values stay JSON as they were
//! printed, so that no number is rounded and no key sorted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use lab_plugin::{Cell, Failure};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// More keys are no table. The columns of a table are held and drawn for every row.
const MOST_KEYS: usize = 200;

/// What the values of a key are, as far as they were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only null.
    Nothing,
    /// Strings.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Decimal,
    /// Yes or no.
    Boolean,
    /// Nested ones, or of several kinds.
    Json,
}

impl Kind {
    fn of(value: &str) -> Self {
        match value.as_bytes().first() {
            Some(b'"') => Self::Text,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Nothing,
            Some(b'[' | b'{') | None => Self::Json,
            Some(_) if value.parse::<i64>().is_ok() => Self::Integer,
            // A whole number that is too large would be rounded.
            Some(_) if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
                Self::Json
            }
            Some(_) if value.parse::<f64>().is_ok_and(f64::is_finite) => Self::Decimal,
            Some(_) => Self::Json,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, kind) | (kind, Self::Nothing) => kind,
            (Self::Integer, Self::Decimal) | (Self::Decimal, Self::Integer) => Self::Decimal,
            (one, same) if one == same => one,
            _ => Self::Json,
        }
    }

    fn cell(self, value: &str) -> Cell {
        if value == "null" {
            return Cell::Absent;
        }
        let plain = match self {
            Self::Text | Self::Nothing => serde_json::from_str(value).ok().map(Cell::Text),
            Self::Integer => value.parse().ok().map(Cell::Integer),
            Self::Decimal => value.parse().ok().map(Cell::Decimal),
            Self::Boolean => value.parse().ok().map(Cell::Boolean),
            Self::Json => None,
        };
        // A text may stand for a value of any kind but a document.
        plain.unwrap_or_else(|| match self {
            Self::Json => Cell::Json(value.to_owned()),
            _ => Cell::Text(value.to_owned()),
        })
    }
}

/// The columns of all rows together.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    columns: Vec<(String, Kind)>,
    places: HashMap<String, usize>,
}

impl Shape {
    /// Keys and kinds, in the order in which they first came.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.columns.iter().map(|(key, kind)| (key.as_str(), *kind))
    }

    /// Adds the keys of an output.
    ///
    /// # Errors
    /// It is not JSON to its end, or has too many keys; then nothing was added.
    pub fn learn(&mut self, text: &str) -> Result<(), String> {
        let mut learned = self.clone();
        for document in documents(text) {
            for element in elements(document?)? {
                for (key, value) in fields(element)? {
                    learned.add(&key, Kind::of(value.get()));
                }
                if learned.columns.len() > MOST_KEYS {
                    return Err(format!("the rows have more than {MOST_KEYS} different keys"));
                }
            }
        }
        *self = learned;
        Ok(())
    }

    fn add(&mut self, key: &str, kind: Kind) {
        if let Some(&place) = self.places.get(key) {
            let known = &mut self.columns[place].1;
            *known = known.and(kind);
        } else {
            self.places.insert(key.to_owned(), self.columns.len());
            self.columns.push((key.to_owned(), kind));
        }
    }

    /// Hands over the cells of each row of an output that was learned.
    ///
    /// # Errors
    /// What `row` says. What cannot be read ends the rows, but [`Shape::learn`] said so before.
    pub fn rows(
        &self,
        text: &str,
        mut row: impl FnMut(Vec<Cell>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for document in documents(text) {
            let Ok(elements) = document.and_then(elements) else { return Ok(()) };
            for element in elements {
                let mut cells = vec![Cell::Absent; self.columns.len()];
                for (key, value) in fields(element).unwrap_or_default() {
                    if let Some(&place) = self.places.get(key.as_ref()) {
                        cells[place] = self.columns[place].1.cell(value.get());
                    }
                }
                row(cells)?;
            }
        }
        Ok(())
    }
}

fn documents(text: &str) -> impl Iterator<Item = Result<&RawValue, String>> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<&RawValue>()
        .map(|document| document.map_err(|error| error.to_string()))
}

fn elements(document: &RawValue) -> Result<Vec<&RawValue>, String> {
    if document.get().starts_with('[') {
        serde_json::from_str(document.get()).map_err(|error| error.to_string())
    } else {
        Ok(vec![document])
    }
}

type Fields<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

fn fields(element: &RawValue) -> Result<Fields<'_>, String> {
    if !element.get().starts_with('{') {
        return Ok(vec![(Cow::Borrowed("value"), element)]);
    }
    let object: Object<'_> =
        serde_json::from_str(element.get()).map_err(|error| error.to_string())?;
    Ok(object.0)
}

/// An object with its keys in their order.
struct Object<'a>(Fields<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Keys).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn json(text: &str) -> Cell {
        Cell::Json(text.to_owned())
    }

    fn check(outputs: &[&str], columns: &[(&str, Kind)], rows: &[Vec<Cell>]) {
        let mut shape = Shape::default();
        for output in outputs {
            shape.learn(output).unwrap_or_else(|why| panic!("{output}: {why}"));
        }
        assert_eq!(shape.columns().collect::<Vec<_>>(), columns, "{outputs:?}");
        let mut found = Vec::new();
        for output in outputs {
            let row = |cells| {
                found.push(cells);
                Ok(())
            };
            shape.rows(output, row).unwrap();
        }
        assert_eq!(found, rows, "{outputs:?}");
    }

    #[test]
    fn arrays_have_rows_and_an_object_is_one() {
        let columns = [("b", Kind::Integer), ("a", Kind::Text)];
        check(
            &[r#"[{"b":1,"a":"x"},{"a":"y"}]"#, r#"{"a":"zü\n"}"#],
            &columns,
            &[
                vec![Cell::Integer(1), text("x")],
                vec![Cell::Absent, text("y")],
                vec![Cell::Absent, text("zü\n")],
            ],
        );
        check(&["[]", " ", "[ ]\n"], &[], &[]);
        check(&["[{}]"], &[], &[vec![]]);
    }

    #[test]
    fn what_is_no_object_is_a_value() {
        check(&["7"], &[("value", Kind::Integer)], &[vec![Cell::Integer(7)]]);
        let rows = [vec![text("a")], vec![text("b")]];
        check(&[r#"["a","b"]"#], &[("value", Kind::Text)], &rows);
        // One document a line, as `jq -c` writes them.
        check(
            &["{\"a\":1}\n{\"a\":2}\n"],
            &[("a", Kind::Integer)],
            &[vec![Cell::Integer(1)], vec![Cell::Integer(2)]],
        );
    }

    #[test]
    fn values_stay_what_they_are() {
        check(
            &[r#"[{"n":[1, {"z":1,"a":2}],"m":1,"d":1,"i":18446744073709551615,"e":null,"y":true},
                  {"n":{"k":1.10},"m":"x","d":0.5,"i":1,"e":null,"y":null}]"#],
            &[
                ("n", Kind::Json),
                ("m", Kind::Json),
                ("d", Kind::Decimal),
                ("i", Kind::Json),
                ("e", Kind::Nothing),
                ("y", Kind::Boolean),
            ],
            &[
                vec![
                    json(r#"[1, {"z":1,"a":2}]"#),
                    json("1"),
                    Cell::Decimal(1.0),
                    json("18446744073709551615"),
                    Cell::Absent,
                    Cell::Boolean(true),
                ],
                vec![
                    json(r#"{"k":1.10}"#),
                    json("\"x\""),
                    Cell::Decimal(0.5),
                    json("1"),
                    Cell::Absent,
                    Cell::Absent,
                ],
            ],
        );
    }

    #[test]
    fn what_is_not_json_adds_nothing() {
        let mut shape = Shape::default();
        for bad in ["{", "[{\"a\":1},", "{\"a\":1} x", "Object is unknown", "[{\"a\":01}]", "nul"] {
            assert!(shape.learn(bad).is_err(), "{bad}");
        }
        assert_eq!(shape.columns().count(), 0);
        let many: Vec<String> = (0..=MOST_KEYS).map(|n| format!("\"k{n}\":0")).collect();
        let why = shape.learn(&format!("{{{}}}", many.join(","))).unwrap_err();
        assert_eq!(why, "the rows have more than 200 different keys");
        let deep = "[".repeat(100_000);
        assert!(shape.learn(&deep).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(output in "[\\[\\]{}\":,a0-9.eE+ \\\\ntf-]{0,40}", any: String) {
            for output in [output, any] {
                let mut shape = Shape::default();
                if shape.learn(&output).is_ok() {
                    let n_columns = shape.columns().count();
                    shape.rows(&output, |cells| {
                        assert_eq!(cells.len(), n_columns);
                        Ok(())
                    }).unwrap();
                }
            }
        }
    }
}
