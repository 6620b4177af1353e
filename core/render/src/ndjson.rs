//! `-o ndjson`: one object a line, for programs that read along; `kind` says what a line is: the
//! name of its table, `finding` or `partial`.

use std::io;
use std::io::Write;

use lab_output::Column;
use lab_output::Finding;
use lab_output::Level;
use lab_output::Packed;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Row;
use lab_types::PackedCell;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;

use crate::document::CellValue;
use crate::document::PackedValue;
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
            match cell.as_packed() {
                Some(cell) => push_value(cell, lines)?,
                None => serde_json::to_writer(&mut *lines, &CellValue(cell))?,
            }
        }
        lines.extend_from_slice(b"}\n");
        Ok(())
    }

    /// Appends rows that were never taken apart, of so many columns, as lines.
    pub(crate) fn packed(
        &self,
        rows: &Packed,
        n_columns: usize,
        lines: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut reader = rows.reader();
        while !reader.is_at_end().map_err(io::Error::other)? {
            reader.row(n_columns).map_err(io::Error::other)?;
            if n_columns == 0 {
                lines.extend_from_slice(&self.0[0]);
            }
            for head in &self.0[..n_columns] {
                lines.extend_from_slice(head);
                push_value(reader.cell().map_err(io::Error::other)?, lines)?;
            }
            lines.extend_from_slice(b"}\n");
        }
        Ok(())
    }
}

/// Appends a value: what nearly all of a stream's cells are without asking a serializer.
fn push_value(cell: PackedCell<'_>, lines: &mut Vec<u8>) -> io::Result<()> {
    match cell {
        PackedCell::Absent => lines.extend_from_slice(b"null"),
        PackedCell::Text(text) => push_text(text, lines)?,
        PackedCell::Health(level, text) => {
            lines.extend_from_slice(b"{\"level\":\"");
            lines.extend_from_slice(Level::from_number(level).as_str().as_bytes());
            lines.extend_from_slice(b"\",\"text\":");
            push_text(text, lines)?;
            lines.push(b'}');
        }
        _ => serde_json::to_writer(lines, &PackedValue(cell))?,
    }
    Ok(())
}

/// Appends a JSON string; at once where nothing in it has to be escaped.
fn push_text(text: &str, lines: &mut Vec<u8>) -> io::Result<()> {
    if has_escapes(text.as_bytes()) {
        return Ok(serde_json::to_writer(lines, text)?);
    }
    lines.push(b'"');
    lines.extend_from_slice(text.as_bytes());
    lines.push(b'"');
    Ok(())
}

/// Whether a text has a quote, a backslash or a control character (RFC 8259, 7), eight bytes at a
/// time. A byte that is not ASCII never is one.
fn has_escapes(text: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES << 7;
    // The high bit of each byte that is less than `n`, of those that are ASCII.
    let less = |bytes: u64, n: u64| bytes.wrapping_sub(ONES * n) & !bytes;
    let escaped = |bytes: u64| {
        let quote = less(bytes ^ (ONES * u64::from(b'"')), 1);
        let backslash = less(bytes ^ (ONES * u64::from(b'\\')), 1);
        (less(bytes, 0x20) | quote | backslash) & HIGHS != 0
    };
    let (eights, rest) = text.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    eights.iter().chain([&last]).any(|eight| escaped(u64::from_le_bytes(*eight)))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A byte of its own at any place, among bytes that are left as they are.
        #[test]
        fn escapes_are_found_wherever_they_are(
            text in "[ -~\\x00-\\x20\\x7fäß€😀]{0,20}",
        ) {
            let quoted = serde_json::to_string(&text).unwrap();
            let is_plain = quoted.len() == text.len() + 2;
            prop_assert_eq!(has_escapes(text.as_bytes()), !is_plain, "{:?}", text);
            let mut lines = Vec::new();
            push_text(&text, &mut lines).unwrap();
            prop_assert_eq!(String::from_utf8(lines).unwrap(), quoted);
        }
    }

    #[test]
    fn what_needs_no_escape_is_told_apart() {
        for text in ["", "default/client:80", "ünïcode and more than eight bytes", "\u{7f}"] {
            assert!(!has_escapes(text.as_bytes()), "{text}");
        }
        for place in 0..20 {
            for escape in ['"', '\\', '\n', '\0', '\u{1f}'] {
                let text = format!("{}{escape}{}", " ".repeat(place), "~".repeat(20 - place));
                assert!(has_escapes(text.as_bytes()), "{text:?}");
            }
        }
    }
}
