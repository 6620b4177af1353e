//! `-o json`: one object, two spaces of indentation.

use std::io;
use std::io::Write;

use lab_output::Report;
use serde::Serialize;

use crate::document::Document;

/// Writes the document, row by row.
pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::pretty(&mut *out);
    Document(report).serialize(&mut serializer)?;
    writeln!(out)
}
