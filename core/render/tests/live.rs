//! Live views: pictures for terminals of several sizes, and rows as lines, against files that
//! people have read. `LAB_BLESS=1` rewrites them; the difference is reviewed like code.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::num::NonZeroU16;
use std::time::Duration;

use lab_output::{Cell, Column, ColumnKind, Packed, Report, Row, Table};
use lab_render::live::{Part, Scene, Screen, Size, Status, Stream, picture};
use lab_render::{Format, Options, RenderError};
use lab_types::{PackedCell, PackedRows};
use proptest::prelude::*;

use support::{NOW, golden, hosts, report, several_tables};

fn options(format: Format) -> Options {
    Options { format, now: NOW, hosts: hosts(), ..Options::default() }
}

fn status() -> Status {
    Status {
        running: Duration::from_secs(12),
        until: Some(Duration::from_mins(1)),
        unchanged: Some(Duration::from_secs(1)),
        note: Some("hosts 3/5".to_owned()),
    }
}

/// Counted hosts, one row each.
fn counted(n_rows: usize) -> Table {
    let column = |id: &str, kind| Column {
        id: id.into(),
        title: id.to_uppercase(),
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: String::new(),
    };
    let mut table = Table::new(
        "counted",
        vec![column("host", ColumnKind::Text), column("n", ColumnKind::Integer)],
    );
    let row = |n: i64| Row {
        key: format!("host-{n}"),
        cells: vec![Cell::Text(format!("host-{n}").into()), Cell::Integer(n * 111)],
    };
    table.append((0..i64::try_from(n_rows).unwrap()).map(row)).unwrap();
    table
}

fn whole(table: Table) -> Part {
    Part { of: table.rows().len(), table, latest: false }
}

fn drawn(parts: &[Part], report: &Report, size: Size) -> Vec<String> {
    let status = status();
    let Report { findings, partials, .. } = report;
    let scene = Scene { parts, findings, partials, status: &status };
    picture(&scene, &options(Format::Table), size).lines
}

const SIZES: [(usize, usize); 6] = [(120, 50), (80, 24), (60, 16), (40, 9), (20, 3), (1, 1)];

#[test]
fn pictures_at_every_size() {
    let mut parts: Vec<Part> = report().tables.into_iter().map(whole).collect();
    parts.push(Part { of: 2_000, ..whole(counted(60)) });
    for (columns, rows) in SIZES {
        let size = Size { columns, rows };
        let lines = drawn(&parts, &report(), size);
        assert!(lines.len() <= rows, "{columns}×{rows}");
        golden(&format!("live-{columns}x{rows}.screen"), &(lines.join("\n") + "\n"));
    }
}

#[test]
fn a_table_that_only_grows_shows_its_end() {
    let parts = [Part { table: counted(60), of: 1_234, latest: true }];
    let size = Size { columns: 80, rows: 10 };
    golden("live-latest.screen", &(drawn(&parts, &Report::default(), size).join("\n") + "\n"));
}

#[test]
fn what_is_hidden_is_counted() {
    let status = Status::default();
    let parts = [Part { of: 100, ..whole(counted(30)) }, whole(counted(2))];
    let scene = Scene { parts: &parts, findings: &[], partials: &[], status: &status };
    let drawn = picture(&scene, &options(Format::Table), Size { columns: 80, rows: 20 });
    // 20 lines: the status, a gap, five of the small table; a name, a header and `… more rows`.
    assert_eq!((drawn.rows, drawn.hidden), (vec![11, 2], 89));
}

#[test]
fn nothing_to_show_is_said() {
    let status = Status::default();
    let scene = Scene { parts: &[], findings: &[], partials: &[], status: &status };
    let drawn = picture(&scene, &options(Format::Table), Size { columns: 80, rows: 24 });
    assert_eq!(drawn.lines, ["no rows yet", "running 0s; Ctrl-C ends it"]);
}

fn cells(n: usize) -> NonZeroU16 {
    u16::try_from(n).unwrap().try_into().unwrap()
}

/// What a terminal shows.
fn shown(parser: &vt100::Parser) -> Vec<String> {
    let (_, columns) = parser.screen().size();
    let mut lines: Vec<String> =
        parser.screen().rows(0, columns.into()).map(|line| line.trim_end().to_owned()).collect();
    lines.truncate(lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
    lines
}

fn without_color(lines: &[String]) -> Vec<String> {
    let mut plain: Vec<String> = lines
        .iter()
        .map(|line| {
            let mut parts = line.split('\u{1b}');
            let first = parts.next().unwrap_or_default().to_owned();
            let rest = parts.filter_map(|part| part.split_once('m').map(|(_, rest)| rest));
            (first + &rest.collect::<String>()).trim_end().to_owned()
        })
        .collect();
    plain.truncate(plain.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
    plain
}

proptest! {
    /// Whatever was drawn before, in whatever size: the terminal shows the last picture.
    #[test]
    fn a_terminal_shows_the_last_picture(
        steps in prop::collection::vec((0_usize..40, 0_usize..3, 1_usize..100, 1_usize..40), 1..8),
        color: bool,
    ) {
        let mut screen = Screen::default();
        let mut parser = vt100::Parser::new(cells(24), cells(80), 0);
        let report = report();
        for (second, (n_rows, which, columns, rows)) in steps.into_iter().enumerate() {
            let size = Size { columns, rows };
            parser.screen_mut().set_size(cells(rows), cells(columns));
            let mut parts = vec![whole(counted(n_rows))];
            parts.extend(report.tables.iter().take(which).cloned().map(whole));
            let (findings, partials) =
                if which == 2 { (&report.findings[..], &report.partials[..]) } else { (&[][..], &[][..]) };
            let status = status();
            let scene = Scene { parts: &parts, findings, partials, status: &status };
            let options = Options { color, ..options(Format::Table) };
            let lines = picture(&scene, &options, size).lines;
            prop_assert!(lines.len() <= rows);
            let mut out = String::new();
            screen.draw(lines.clone(), size, Duration::from_secs(second as u64), &mut out);
            parser.process(out.as_bytes());
            prop_assert_eq!(shown(&parser), without_color(&lines));
        }
        parser.process(screen.leave().as_bytes());
        prop_assert!(shown(&parser).is_empty(), "the first screen comes back");
    }
}

/// Rows of two tables, taken in turn in small batches.
fn streamed(format: Format, headers: bool) -> Result<String, RenderError> {
    let mut stream = Stream::new(Options { headers, ..options(format) });
    let tables: Vec<Table> = several_tables().tables.into_iter().take(2).collect();
    for table in &tables {
        stream.add(table.name());
    }
    let mut out = Vec::new();
    let batch = |table: &Table, rows: &[Row]| {
        let mut batch = Table::new(table.name(), table.columns().to_vec());
        batch.append(rows.iter().cloned()).unwrap();
        batch
    };
    let steps: [(usize, std::ops::Range<usize>, u64); 4] =
        [(0, 0..2, 0), (0, 2..3, 100), (0, 3..4, 250), (1, 0..2, 300)];
    for (place, rows, ms) in steps {
        let table = &tables[place];
        let mut batch = batch(table, &table.rows()[rows]);
        stream.rows(place, &mut batch, Duration::from_millis(ms), &mut out)?;
    }
    stream.tick(Duration::from_secs(1), &mut out)?;
    stream.rows(
        0,
        &mut batch(&tables[0], &tables[0].rows()[4..]),
        Duration::from_secs(2),
        &mut out,
    )?;
    stream.finish(true, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn rows_are_lines_as_they_come() {
    for format in [Format::Table, Format::Wide, Format::Ndjson, Format::Name] {
        golden(&format!("stream.{format}"), &streamed(format, true).unwrap());
    }
    golden("stream-bare.table", &streamed(Format::Table, false).unwrap());
    let Err(RenderError::Unsuited(failure)) = streamed(Format::Csv, true) else {
        panic!("csv holds one table")
    };
    assert_eq!(failure.message, "csv holds one table, the answer has 2: routes, pools");
}

#[test]
fn lines_say_what_the_whole_says() {
    for format in [Format::Ndjson, Format::Csv, Format::Name, Format::Table, Format::Wide] {
        let mut table = report().tables.remove(0);
        let report = Report { tables: vec![table.clone()], ..Report::default() };
        let (mut whole, mut err) = (Vec::new(), Vec::new());
        lab_render::render(&report, &options(format), &mut whole, &mut err).unwrap();
        let mut stream = Stream::new(options(format));
        stream.add(table.name());
        let mut lines = Vec::new();
        stream.rows(0, &mut table, Duration::ZERO, &mut lines).unwrap();
        assert!(table.rows().is_empty());
        stream.finish(false, &mut lines).unwrap();
        assert_eq!(String::from_utf8(lines), String::from_utf8(whole), "{format}");
    }
}

fn packed(table: &Table) -> Packed {
    let mut packed = PackedRows::default();
    for row in table.rows() {
        packed.row(&row.key);
        for cell in &row.cells {
            match cell.as_packed().unwrap() {
                PackedCell::Absent => packed.absent(),
                PackedCell::Text(text) => packed.text(text),
                PackedCell::Integer(number) => packed.integer(number),
                PackedCell::Decimal(number) => packed.decimal(number),
                PackedCell::Boolean(on) => packed.boolean(on),
                PackedCell::Timestamp(milliseconds) => packed.timestamp(milliseconds),
                PackedCell::Duration(nanoseconds) => packed.duration(nanoseconds),
                PackedCell::Health(level, text) => packed.health(level, text),
                PackedCell::Object { api_version, kind, namespace, name } => {
                    packed.object(api_version, kind, namespace, name);
                }
                PackedCell::Json(document) => packed.json(document),
            }
        }
    }
    Packed::of(table, packed.texts, packed.words).unwrap()
}

#[test]
fn rows_that_are_not_taken_apart_are_the_same_lines() {
    let mut tables = several_tables().tables;
    tables.extend(report().tables);
    tables.push(Table::new("none", Vec::new()));
    tables.last_mut().unwrap().append([Row { key: "k".into(), cells: Vec::new() }]).unwrap();
    let mut stream = Stream::new(options(Format::Ndjson));
    let mut whole = Stream::new(options(Format::Ndjson));
    let (mut lines, mut all) = (Vec::new(), Vec::new());
    for (place, mut table) in tables.into_iter().enumerate() {
        // What folding and comparing make never comes from a plugin.
        let mut rows = table.take_rows();
        for cell in rows.iter_mut().flat_map(|row| &mut row.cells) {
            if cell.as_packed().is_none() {
                *cell = Cell::Absent;
            }
        }
        table.append(rows).unwrap();
        stream.add(table.name());
        whole.add(table.name());
        stream.packed(place, table.columns(), &packed(&table), &mut lines).unwrap();
        whole.rows(place, &mut table, Duration::ZERO, &mut all).unwrap();
    }
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines, String::from_utf8(all).unwrap());
    assert!(lines.lines().count() > 10 && lines.contains(r#""apiVersion":"#), "{lines}");
}

#[test]
fn the_first_rows_wait_for_others_and_then_no_more() {
    let mut stream = Stream::new(options(Format::Table));
    stream.add("counted");
    let mut out = Vec::new();
    let mut feed = |stream: &mut Stream, n_rows: usize, ms: u64| {
        out.clear();
        let mut batch = counted(n_rows);
        stream.rows(0, &mut batch, Duration::from_millis(ms), &mut out).unwrap();
        String::from_utf8_lossy(&out).lines().count()
    };
    assert_eq!(feed(&mut stream, 1, 0), 0, "it waits");
    assert_eq!(feed(&mut stream, 2, 199), 0);
    assert_eq!(feed(&mut stream, 1, 200), 5, "with the header");
    assert_eq!(feed(&mut stream, 1, 200), 1);
    assert!(stream.has_begun(0));
}
