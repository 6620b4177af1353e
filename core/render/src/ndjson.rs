//! `-o ndjson`: one object a line, for programs that read along; `kind` says what a line is: the
//! name of its table, `finding` or `partial`.

use std::io;
use std::io::Write;

use lab_output::Column;
use lab_output::Finding;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Row;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;

use crate::document::CellValue;
use crate::document::finding_entries;
use crate::document::partial_entries;
use crate::document::worst_first;

/// Writes rows, findings and partials.
pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::new();
    for table in &report.tables {
        let heads = Heads::new(table.name(), table.columns());
        for row in table.rows() {
            heads.row(row, &mut lines)?;
            if lines.len() >= 32 << 10 {
                out.write_all(&lines)?;
                lines.clear();
            }
        }
    }
    for finding in worst_first(&report.findings) {
        write_finding(finding, &mut lines)?;
    }
    for partial in &report.partials {
        write_partial(partial, &mut lines)?;
    }
    out.write_all(&lines)
}

/// What stands before each value of a row, made once for all rows.
#[derive(Debug)]
pub(crate) struct Heads(Vec<Vec<u8>>);

impl Heads {
    pub(crate) fn new(table: &str, columns: &[Column]) -> Self {
        let kind = format!("{{\"kind\":{}", quoted(table));
        let heads = columns.iter().enumerate().map(|(place, column)| {
            // A column of that id would make the key appear twice.
            let id = if column.id == "kind" { "rowKind" } else { &column.id };
            let before = if place == 0 { &*kind } else { "" };
            format!("{before},{}:", quoted(id)).into_bytes()
        });
        let heads: Vec<_> = heads.collect();
        Self(if heads.is_empty() { vec![kind.into_bytes()] } else { heads })
    }

    /// Appends a row as a line.
    pub(crate) fn row(&self, row: &Row, lines: &mut Vec<u8>) -> io::Result<()> {
        if row.cells.is_empty() {
            lines.extend_from_slice(&self.0[0]);
        }
        for (head, cell) in self.0.iter().zip(&row.cells) {
            lines.extend_from_slice(head);
            serde_json::to_writer(&mut *lines, &CellValue(cell))?;
        }
        lines.extend_from_slice(b"}\n");
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Appends a finding as a line.
pub(crate) fn write_finding(finding: &Finding, lines: &mut Vec<u8>) -> io::Result<()> {
    line(&FindingLine(finding), lines)
}

/// Appends a subject without an answer as a line.
pub(crate) fn write_partial(partial: &Partial, lines: &mut Vec<u8>) -> io::Result<()> {
    line(&PartialLine(partial), lines)
}

/// Appends a line for a row that is gone.
pub(crate) fn write_removed(table: &str, key: &str, lines: &mut Vec<u8>) {
    let line =
        format!("{{\"kind\":\"removed\",\"table\":{},\"key\":{}}}\n", quoted(table), quoted(key));
    lines.extend_from_slice(line.as_bytes());
}

fn line(value: &impl Serialize, lines: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, value)?;
    lines.push(b'\n');
    Ok(())
}

struct FindingLine<'a>(&'a Finding);

impl Serialize for FindingLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", "finding")?;
        finding_entries(self.0, &mut map)?;
        map.end()
    }
}

struct PartialLine<'a>(&'a Partial);

impl Serialize for PartialLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", "partial")?;
        partial_entries(self.0, &mut map)?;
        map.end()
    }
}
