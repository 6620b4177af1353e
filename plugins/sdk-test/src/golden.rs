//! Reports as text, and the files that such text is compared with.
//!
//! Plain on purpose: what a user sees is the program's to draw and to test. Here every cell is
//! seen whole, so that a change of any value shows.

use std::fmt::Write;
use std::path::Path;

use lab_output::Cell;
use lab_output::Report;

/// Every table as aligned columns, then findings and partials; without the columns for
/// `-o wide` unless `wide`.
pub fn draw(report: &Report, wide: bool) -> String {
    let mut lines = Vec::new();
    for table in &report.tables {
        lines.push(format!("== {}", table.name()));
        let columns = table.columns();
        let shown: Vec<usize> =
            (0..columns.len()).filter(|idx| wide || !columns[*idx].wide).collect();
        let head = shown.iter().map(|idx| columns[*idx].title.clone()).collect();
        let rows =
            table.rows().iter().map(|row| shown.iter().map(|idx| text(&row.cells[*idx])).collect());
        lines.extend(aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    for finding in &report.findings {
        let level = finding.level.as_str();
        lines
            .push(format!("== {level} {}: {}: {}", finding.code, finding.subject, finding.message));
        let evidence = finding.evidence.iter();
        lines.extend(evidence.map(|evidence| format!("   {}: {}", evidence.place, evidence.text)));
        let fixes = finding.fixes.iter();
        lines.extend(fixes.map(|fix| format!("   fix: {}", fix.replace('\n', "\n        "))));
    }
    let partials = report.partials.iter();
    lines.extend(
        partials.map(|partial| format!("== partial {}: {:?}", partial.subject, partial.why)),
    );
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Compares with `NAME.txt` in a folder, or writes it when `LAB_BLESS` is set.
///
/// # Panics
/// The file says something else, or cannot be written.
pub fn golden(folder: impl AsRef<Path>, name: &str, drawn: &str) {
    let file = folder.as_ref().join(format!("{name}.txt"));
    if std::env::var_os("LAB_BLESS").is_some() {
        std::fs::create_dir_all(folder).expect("the folder of golden files can be made");
        std::fs::write(&file, drawn).expect("a golden file can be written");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(drawn == golden, "{} differs; now:\n{drawn}", file.display());
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Absent => "-".to_owned(),
        Cell::Text(text) | Cell::Health(_, text) => text.to_string(),
        Cell::Integer(number) | Cell::Timestamp(number) => number.to_string(),
        Cell::Decimal(number) => number.to_string(),
        Cell::Duration(nanoseconds) => format!("{nanoseconds}ns"),
        other => format!("{other:?}"),
    }
}

fn aligned(lines: &[Vec<String>]) -> Vec<String> {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let pad = |line: &Vec<String>| {
        let mut out = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(out, "{cell:<width$}   ");
        }
        out.trim_end().to_owned()
    };
    lines.iter().map(pad).collect()
}
