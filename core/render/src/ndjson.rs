//! `-o ndjson`: one object a line, for programs that read along; `kind` says what a line is: the
//! name of its table, `finding` or `partial`.

use std::io;
use std::io::Write;

use lab_output::Finding;
use lab_output::Partial;
use lab_output::Report;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;

use crate::document::RowMap;
use crate::document::finding_entries;
use crate::document::partial_entries;
use crate::document::worst_first;

/// Writes rows, findings and partials.
pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for table in &report.tables {
        for row in table.rows() {
            let kind = Some(table.name());
            line(&RowMap { columns: table.columns(), row, kind }, out)?;
        }
    }
    for finding in worst_first(&report.findings) {
        line(&FindingLine(finding), out)?;
    }
    for partial in &report.partials {
        line(&PartialLine(partial), out)?;
    }
    Ok(())
}

fn line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
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
