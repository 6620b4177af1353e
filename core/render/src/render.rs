//! One report, one format: who draws what, and which of the two writers gets it.

use std::io::BufWriter;
use std::io::Write;

use lab_output::Report;

use crate::Format;
use crate::RenderError;

/// How to draw.
#[derive(Clone, Debug)]
pub struct Options {
    /// What `-o` chose.
    pub format: Format,
    /// Columns of the terminal; none when the output is no terminal, and lines are then as long
    /// as they need to be.
    pub width: Option<usize>,
    /// Whether health and findings are colored.
    pub color: bool,
    /// Whether tables and CSV have a line of headers.
    pub headers: bool,
    /// Whether times are drawn as times and not as ages.
    pub absolute: bool,
    /// Unix time in milliseconds from which ages count: now, or when a capture was made.
    pub now: i64,
    /// Every host that was asked, for the remark about those that gave no answer.
    pub hosts: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: Format::Table,
            width: None,
            color: false,
            headers: true,
            absolute: false,
            now: 0,
            hosts: Vec::new(),
        }
    }
}

/// Draws a report: data on `out`; remarks (no rows, no answers) on `err`.
///
/// Findings stand under the tables on `out`, except in CSV, names and diffs, where they would not be
/// data, and go to `err`. `out` is buffered here, and flushed before anything is written to `err`.
///
/// # Errors
/// A writer failed, or the report cannot be drawn in this format.
pub fn render(
    report: &Report,
    options: &Options,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut buffered = BufWriter::with_capacity(64 * 1024, out);
    let out = &mut buffered;
    let mut left_out = Vec::new();
    match options.format {
        Format::Table | Format::Wide => {
            left_out = crate::table::write_tables(&report.tables, options, out)?;
        }
        Format::Json => crate::json::write(report, out)?,
        Format::Yaml => crate::yaml::write(report, out)?,
        Format::Csv => crate::csv::write(report, options, out)?,
        Format::Ndjson => crate::ndjson::write(report, out)?,
        Format::Name => crate::name::write(&report.tables, out)?,
        Format::Diff => crate::diff::write(&report.tables, out)?,
    }
    let empty = report.tables.iter().filter(|table| table.rows().is_empty());
    let drawn = report.tables.iter().any(|table| !table.rows().is_empty());
    match options.format {
        Format::Table | Format::Wide if !report.findings.is_empty() => {
            if drawn {
                writeln!(out)?;
            }
            crate::render_findings(&report.findings, options, out)?;
        }
        _ => {}
    }
    out.flush()?;
    if !left_out.is_empty() {
        let columns = left_out.join(", ");
        writeln!(err, "no room for {columns}: a wider terminal or `-o wide` shows all")?;
    }
    if matches!(options.format, Format::Table | Format::Wide | Format::Csv | Format::Name) {
        for table in empty {
            let is_comparison = table
                .columns()
                .first()
                .is_some_and(|column| matches!(column.id.as_str(), "change" | "rowChange"));
            let what = if is_comparison { "nothing changed" } else { "no rows" };
            writeln!(err, "{what} in `{}`", crate::clean(table.name()))?;
        }
    }
    if matches!(options.format, Format::Csv | Format::Name | Format::Diff)
        && !report.findings.is_empty()
    {
        let plain = Options { color: false, width: None, ..options.clone() };
        crate::render_findings(&report.findings, &plain, err)?;
        if !report.partials.is_empty() {
            writeln!(err)?;
        }
    }
    crate::render_partials(&report.partials, &options.hosts, err)?;
    err.flush()?;
    Ok(())
}
