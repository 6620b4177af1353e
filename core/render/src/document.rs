//! The document of `-o json` and `-o yaml`: tables by name, findings, partials; streamed, with
//! keys in the order of columns and values in base units.

use std::borrow::Cow;

use lab_output::Cell;
use lab_output::Column;
use lab_output::Finding;
use lab_output::Level;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Row;
use lab_output::Table;
use lab_output::rfc3339;
use lab_types::PackedCell;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;
use serde::ser::SerializeSeq;

use crate::node::Node;

/// The whole report.
pub(crate) struct Document<'a>(pub(crate) &'a Report);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.tables.len() + 2))?;
        for table in &self.0.tables {
            map.serialize_entry(table_key(table.name()).as_ref(), &Rows(table))?;
        }
        let findings: Vec<_> = worst_first(&self.0.findings).into_iter().map(FindingMap).collect();
        map.serialize_entry("findings", &findings)?;
        let partials: Vec<_> = self.0.partials.iter().map(PartialMap).collect();
        map.serialize_entry("partial", &partials)?;
        map.end()
    }
}

/// A table may not hide the two keys that every document has.
fn table_key(name: &str) -> Cow<'_, str> {
    match name {
        "findings" | "partial" => Cow::Owned(format!("{name}Table")),
        _ => Cow::Borrowed(name),
    }
}

/// Findings, worst first, otherwise in the order in which they came.
pub(crate) fn worst_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.level.severity()));
    sorted
}

struct Rows<'a>(&'a Table);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.rows().len()))?;
        for row in self.0.rows() {
            seq.serialize_element(&RowMap { columns: self.0.columns(), row })?;
        }
        seq.end()
    }
}

/// One row as a map.
struct RowMap<'a> {
    columns: &'a [Column],
    row: &'a Row,
}

impl Serialize for RowMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.columns.iter().zip(&self.row.cells);
        serializer.collect_map(cells.map(|(column, cell)| (&column.id, CellValue(cell))))
    }
}

/// A cell in base units.
pub(crate) struct CellValue<'a>(pub(crate) &'a Cell);

impl Serialize for CellValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(cell) = self.0.as_packed() {
            return PackedValue(cell).serialize(serializer);
        }
        match self.0 {
            Cell::Many(cells, _) => serializer.collect_seq(cells.iter().map(CellValue)),
            Cell::Changed(pair) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("old", &CellValue(&pair.0))?;
                map.serialize_entry("new", &CellValue(&pair.1))?;
                map.end()
            }
            _ => serializer.serialize_unit(),
        }
    }
}

/// The same of what no operation made.
pub(crate) struct PackedValue<'a>(pub(crate) PackedCell<'a>);

impl Serialize for PackedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            PackedCell::Text(text) => serializer.serialize_str(text),
            PackedCell::Integer(number) => serializer.serialize_i64(number),
            PackedCell::Decimal(number) if number.is_finite() => serializer.serialize_f64(number),
            // Neither JSON nor a reader knows what to make of NaN; it is not a value.
            PackedCell::Absent | PackedCell::Decimal(_) => serializer.serialize_unit(),
            PackedCell::Boolean(yes) => serializer.serialize_bool(yes),
            PackedCell::Timestamp(ms) => serializer.serialize_str(&rfc3339(ms)),
            PackedCell::Duration(ns) => seconds(ns, serializer),
            PackedCell::Health(level, text) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("level", Level::from_number(level).as_str())?;
                map.serialize_entry("text", text)?;
                map.end()
            }
            PackedCell::Object { api_version, kind, namespace, name } => {
                let mut map = serializer.serialize_map(Some(4))?;
                map.serialize_entry("apiVersion", api_version)?;
                map.serialize_entry("kind", kind)?;
                map.serialize_entry("namespace", &namespace)?;
                map.serialize_entry("name", name)?;
                map.end()
            }
            PackedCell::Json(json) => match Node::parse(json) {
                Some(node) => node.serialize(serializer),
                None => serializer.serialize_str(json),
            },
        }
    }
}

/// Seconds; a whole number of them without a point.
#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days; beyond it 1 µs is enough")]
fn seconds<S: Serializer>(ns: i64, serializer: S) -> Result<S::Ok, S::Error> {
    if ns % 1_000_000_000 == 0 {
        serializer.serialize_i64(ns / 1_000_000_000)
    } else {
        serializer.serialize_f64(ns as f64 / 1e9)
    }
}

struct FindingMap<'a>(&'a Finding);

impl Serialize for FindingMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        finding_entries(self.0, &mut map)?;
        map.end()
    }
}

/// The entries of a finding, for a map that may already have some.
pub(crate) fn finding_entries<M: SerializeMap>(
    finding: &Finding,
    map: &mut M,
) -> Result<(), M::Error> {
    #[derive(Serialize)]
    struct Seen<'a> {
        place: &'a str,
        text: &'a str,
    }
    let evidence: Vec<Seen<'_>> = finding
        .evidence
        .iter()
        .map(|evidence| Seen { place: &evidence.place, text: &evidence.text })
        .collect();
    map.serialize_entry("level", finding.level.as_str())?;
    map.serialize_entry("code", &finding.code)?;
    map.serialize_entry("subject", &finding.subject)?;
    map.serialize_entry("message", &finding.message)?;
    map.serialize_entry("evidence", &evidence)?;
    map.serialize_entry("fixes", &finding.fixes)
}

struct PartialMap<'a>(&'a Partial);

impl Serialize for PartialMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        partial_entries(self.0, &mut map)?;
        map.end()
    }
}

/// The entries of a partial; the case is a `reason`, as `kind` says what a line is in ndjson.
pub(crate) fn partial_entries<M: SerializeMap>(
    partial: &Partial,
    map: &mut M,
) -> Result<(), M::Error> {
    map.serialize_entry("subject", &partial.subject)?;
    map.serialize_entry("reason", &partial.why.kind)?;
    map.serialize_entry("message", &partial.why.message)?;
    map.serialize_entry("hint", &partial.why.hint)
}

/// A JSON text on one line without needless spaces, or as it is when it is not JSON.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    Node::parse(json)
        .and_then(|node| serde_json::to_string(&node).ok())
        .map_or(Cow::Borrowed(json), Cow::Owned)
}
