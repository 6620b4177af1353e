//! Every format, width and color against files that people have read. `LAB_BLESS=1` rewrites
//! them; the difference is reviewed like code.

mod support;

use lab_output::Cell;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Level;
use lab_output::Report;
use lab_output::Row;
use lab_output::Table;
use lab_render::Format;
use lab_render::Options;
use lab_render::RenderError;
use lab_render::render;

use support::NOW;
use support::golden;
use support::hosts;
use support::report;
use support::several_tables;

fn options(format: Format) -> Options {
    Options { format, now: NOW, hosts: hosts(), ..Options::default() }
}

fn drawn(report: &Report, options: &Options) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    render(report, options, &mut out, &mut err).expect("memory can be written");
    let text = |bytes| String::from_utf8(bytes).expect("every format is UTF-8");
    (text(out), text(err))
}

fn check(name: &str, report: &Report, options: &Options) {
    let (out, err) = drawn(report, options);
    let safe = |c: char| c == '\n' || c == '\u{1b}' && options.color || !c.is_control();
    if matches!(options.format, Format::Table | Format::Wide | Format::Name) {
        assert!(out.chars().all(safe), "{name} has control characters");
        assert!(out.lines().all(|line| !line.ends_with(' ')), "{name} has spaces at line ends");
    }
    golden(name, &out);
    // Neither width nor color reaches the remarks, but for the columns that found no room.
    let narrow = err.lines().next().filter(|line| line.starts_with("no room for "));
    let narrow = narrow.map_or(0, |line| line.len() + 1);
    let table = matches!(options.format, Format::Table | Format::Wide);
    let remarks = match report.partials.is_empty() {
        false if table => "one.table",
        true if table => "several.table",
        _ => name,
    };
    golden(&format!("{remarks}.err"), &err[narrow..]);
}

#[test]
fn tables_at_every_width() {
    for (format, extension) in [(Format::Table, "table"), (Format::Wide, "wide")] {
        check(&format!("pipe.{extension}"), &report(), &options(format));
        for width in [200, 120, 80, 60, 40] {
            let options = Options { width: Some(width), ..options(format) };
            check(&format!("{width}.{extension}"), &report(), &options);
        }
    }
}

#[test]
fn columns_without_room_are_named() {
    let remark = |width, format| {
        let options = Options { width: Some(width), ..options(format) };
        let (_, err) = drawn(&report(), &options);
        err.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        remark(60, Format::Table),
        "no room for METRIC, NOTE: a wider terminal or `-o wide` shows all"
    );
    assert!(remark(40, Format::Table).starts_with("no room for NEXT-HOP, DEVICE, METRIC, NOTE:"));
    for (width, format) in [(200, Format::Table), (40, Format::Wide)] {
        assert!(!remark(width, format).contains("no room"), "{width} {format:?}");
    }
}

/// Packets, with who sent them and who was to get them.
fn packets() -> Table {
    use ColumnKind as K;
    let column = |id: &str, title: &str, kind| Column {
        subject: matches!(id, "source" | "destination"),
        ..support::column(id, title, kind)
    };
    let text = |text: &str| Cell::Text(text.into());
    let columns = vec![
        column("time", "TIME", K::Text),
        column("node", "NODE", K::Text),
        column("verdict", "VERDICT", K::Health),
        column("source", "SOURCE", K::Text),
        column("destination", "DESTINATION", K::Text),
        column("reason", "REASON", K::Text),
    ];
    let mut table = Table::new("packets", columns);
    let to = "kube-system/coredns-7c65d6-x2v:53";
    let rows = [
        ("16:10:40.123", "k8s-w1", Level::Bad, "dropped", "default/curl-pod", "Policy denied"),
        ("16:10:40.124", "k8s-w0", Level::Good, "forwarded", "10.0.0.0/8", ""),
    ];
    let rows = rows.map(|(time, node, level, verdict, from, reason)| {
        let verdict = Cell::Health(level, verdict.into());
        let cells = vec![text(time), text(node), verdict, text(from), text(to), text(reason)];
        Row { key: String::new(), cells }
    });
    table.append(rows).expect("rows fit");
    table
}

/// Who sent it and who was to get it are on every screen, on two lines where one is too long.
#[test]
fn what_a_row_is_about_is_the_last_to_go() {
    let at = |width| {
        let mut report = Report::default();
        report.tables.push(packets());
        drawn(&report, &Options { width: Some(width), ..options(Format::Table) })
    };
    let (table, err) = at(66);
    let expected = "\
TIME          NODE    VERDICT    SOURCE      DESTINATION
16:10:40.123  k8s-w1  dropped    default/    kube-system/
                                 curl-pod    coredns-7c65d6-x2v:53
16:10:40.124  k8s-w0  forwarded  10.0.0.0/8  kube-system/
                                             coredns-7c65d6-x2v:53
";
    assert_eq!(table, expected, "{table}");
    assert!(err.starts_with("no room for REASON:"), "{err}");
    let (table, err) = at(58);
    assert!(table.starts_with("TIME          VERDICT    SOURCE      DESTINATION\n"), "{table}");
    assert!(err.starts_with("no room for NODE, REASON:"), "{err}");
}

#[test]
fn tables_in_color() {
    for width in [200, 80, 40] {
        let options = Options { width: Some(width), color: true, ..options(Format::Table) };
        check(&format!("{width}-color.table"), &report(), &options);
    }
}

#[test]
fn color_changes_nothing_but_color() {
    for width in [200, 120, 80, 60, 40] {
        let plain = Options { width: Some(width), ..options(Format::Table) };
        let color = Options { color: true, ..plain.clone() };
        let mut text = drawn(&report(), &color).0;
        for sequence in ["\u{1b}[0m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[2m"] {
            text = text.replace(sequence, "");
        }
        assert_eq!(text, drawn(&report(), &plain).0);
    }
}

#[test]
fn documents() {
    for format in [Format::Json, Format::Yaml, Format::Ndjson, Format::Csv, Format::Name] {
        check(&format!("one.{format}"), &report(), &options(format));
        if format != Format::Csv {
            check(&format!("several.{format}"), &several_tables(), &options(format));
        }
    }
}

#[test]
fn several_tables_have_their_names() {
    check("several.table", &several_tables(), &options(Format::Table));
    let narrow = Options { width: Some(80), ..options(Format::Wide) };
    check("several-80.wide", &several_tables(), &narrow);
}

#[test]
fn headers_can_be_left_out_and_times_be_absolute() {
    let options = Options { headers: false, absolute: true, ..options(Format::Wide) };
    check("bare.wide", &report(), &options);
}

#[test]
fn no_rows_are_said_aside() {
    let report = Report { tables: several_tables().tables.split_off(2), ..Report::default() };
    let (out, err) = drawn(&report, &options(Format::Table));
    assert_eq!((out.as_str(), err.as_str()), ("", "no rows in `traces`\n"));
    let (out, err) = drawn(&report, &options(Format::Json));
    assert_eq!(out, "{\n  \"traces\": [],\n  \"findings\": [],\n  \"partial\": []\n}\n");
    assert_eq!(err, "");
}

/// A table with texts that have lines in its first or its last column.
fn lines(first: bool) -> Report {
    let column = |id: &str, kind, lines| Column {
        id: id.into(),
        title: id.to_uppercase(),
        kind,
        wide: false,
        hidden: false,
        lines,
        subject: false,
        about: String::new(),
    };
    let columns = vec![
        column("hosts", ColumnKind::Text, first),
        column("count", ColumnKind::Integer, false),
        column("output", ColumnKind::Text, true),
    ];
    let mut table = Table::new("answers", columns);
    let text = |text: &str| Cell::Text(text.into());
    let rows = [
        ("a, b", 2, text("1: lo: <UP>\n    inet 127.0.0.1/8 scope host lo \n\n2: eth0:\n")),
        ("c\nd   9   none", 1, text("one \u{1b}[2J\r\ntwo\n")),
        ("e", 1, Cell::Absent),
    ];
    let rows = rows.map(|(hosts, count, output)| Row {
        key: String::new(),
        cells: vec![text(hosts), Cell::Integer(count), output],
    });
    table.append(rows).expect("rows fit their columns");
    Report { tables: vec![table], ..Report::default() }
}

#[test]
fn texts_with_lines_are_drawn_line_by_line() {
    let pipe = drawn(&lines(false), &options(Format::Table)).0;
    let expected = "\
HOSTS            COUNT   OUTPUT
a, b                 2   1: lo: <UP>
                             inet 127.0.0.1/8 scope host lo

                         2: eth0:
c␤d   9   none       1   one ␛[2J␍
                         two
e                    1   -
";
    assert_eq!(pipe, expected);
    // Where nothing stands in front of it, a line is set in: it is no row.
    let pipe = drawn(&lines(true), &options(Format::Table)).0;
    let set_in = "\nc                    1   one ␛[2J␍\n  d   9   none           two\n";
    assert!(pipe.contains(set_in), "{pipe}");
    // On a narrow screen they wrap, and what has lines is never left out.
    let narrow = Options { width: Some(40), ..options(Format::Table) };
    let (out, err) = drawn(&lines(false), &narrow);
    let expected = "\
HOSTS           COUNT  OUTPUT
a, b                2  1: lo: <UP>
                           inet
                       127.0.0.1/8 scope
                       host lo

                       2: eth0:
c␤d   9   none      1  one ␛[2J␍
                       two
e                   1  -
";
    assert_eq!((out.as_str(), err.as_str()), (expected, ""));
    let tiny = Options { width: Some(16), ..options(Format::Table) };
    let (out, err) = drawn(&lines(false), &tiny);
    assert!(out.contains("OUTPUT:"), "{out}");
    assert_eq!(err, "");
}

#[test]
fn csv_of_several_tables_asks_for_one() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let result = render(&several_tables(), &options(Format::Csv), &mut out, &mut err);
    let Err(RenderError::Unsuited(failure)) = result else { panic!("{result:?}") };
    assert_eq!(failure.message, "csv holds one table, the answer has 3: routes, pools, traces");
    assert_eq!(failure.hint.as_deref(), Some("choose one with `--only routes`"));
    assert!(out.is_empty() && err.is_empty());
}

#[test]
fn json_and_yaml_say_the_same() {
    for report in [report(), several_tables()] {
        let json: serde_json::Value =
            serde_json::from_str(&drawn(&report, &options(Format::Json)).0).unwrap();
        let yaml: serde_json::Value =
            serde_saphyr::from_str(&drawn(&report, &options(Format::Yaml)).0).unwrap();
        assert_eq!(json, yaml);
    }
}

#[test]
fn a_broken_pipe_is_told_apart() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // Nothing of the report is a diff.
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Diff) {
        let result = render(&report(), &options(format), &mut Closed, &mut Vec::new());
        let Err(RenderError::Write(error)) = result else { panic!("{format}: {result:?}") };
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{format}");
    }
}
