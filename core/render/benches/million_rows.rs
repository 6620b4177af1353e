//! How many rows a second each format writes, for a table of a million rows; a ratio to JSON
//! stands beside it, as that can be compared between machines.

use std::io;
use std::io::Write;
use std::time::Instant;

use lab_output::Cell;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Filter;
use lab_output::Fold;
use lab_output::Level;
use lab_output::Report;
use lab_output::Row;
use lab_output::Sort;
use lab_output::Table;
use lab_output::against;
use lab_render::Format;
use lab_render::Options;
use lab_render::render;

const ROWS: i64 = 1_000_000;

type Operation = fn(Table) -> Table;

/// Counts bytes, so that no disk is measured.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn table(shift: i64) -> Table {
    use ColumnKind as K;
    let columns = [
        ("host", K::Text),
        ("prefix", K::Text),
        ("nextHop", K::Text),
        ("metric", K::Integer),
        ("memory", K::Bytes),
        ("age", K::Timestamp),
        ("verdict", K::Health),
    ];
    let columns = columns.map(|(id, kind)| Column {
        id: id.into(),
        title: id.to_uppercase(),
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: String::new(),
    });
    let mut table = Table::new("routes", columns.to_vec());
    let rows = (0..ROWS).map(|n| {
        let prefix = n / 100 + shift;
        let (a, b) = (prefix / 250 % 250, prefix % 250);
        Row {
            key: format!("w{}:{prefix}", n % 100),
            cells: vec![
                Cell::Text(format!("k8s-w{}", n % 100).into()),
                Cell::Text(format!("10.{a}.{b}.0/24").into()),
                if n % 7 == 0 {
                    Cell::Absent
                } else {
                    Cell::Text(format!("192.168.{a}.{b}").into())
                },
                Cell::Integer(n % 1024),
                Cell::Integer(prefix * 4096),
                Cell::Timestamp(n * 60),
                Cell::Health(Level::Good, "ok".into()),
            ],
        }
    });
    table.append(rows).expect("rows fit their columns");
    table
}

fn report(name: &str, took: f64, json: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a million is exact")]
    let rate = ROWS as f64 / took;
    let ratio = if json > 0.0 { format!("{:.2} × json", took / json) } else { String::new() };
    format!("{name:<16} {took:>7.2} s {rate:>12.0} rows/s   {ratio}")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stdout = io::stdout();
    let whole = Report { tables: vec![table(0)], ..Report::default() };
    let mut json = 0.0;
    let formats = [
        (Format::Json, None),
        (Format::Ndjson, None),
        (Format::Yaml, None),
        (Format::Csv, None),
        (Format::Name, None),
        (Format::Table, None),
        (Format::Table, Some(80)),
        (Format::Table, Some(40)),
    ];
    for (format, width) in formats {
        let options = Options { format, width, now: 1_795_404_000_000, ..Options::default() };
        let mut counter = Counter(0);
        let start = Instant::now();
        render(&whole, &options, &mut counter, &mut io::sink())?;
        let took = start.elapsed().as_secs_f64();
        if format == Format::Json {
            json = took;
        }
        let name = width.map_or(format.to_string(), |width| format!("{format} at {width}"));
        writeln!(stdout, "{}   {} MB", report(&name, took, json), counter.0 / 1_000_000)?;
    }
    let operations: [(&str, Operation); 3] = [
        ("sort prefix", |table| {
            Sort::parse("prefix,host").and_then(|sort| sort.apply(table)).expect("sorts")
        }),
        ("filter =", |table| {
            Filter::parse("host=k8s-w7", |_| Err(String::new()))
                .and_then(|filter| filter.apply(table, 0))
                .expect("filters")
        }),
        ("fold", |table| {
            Fold::default().apply(table, |column| column.id == "prefix").expect("folds")
        }),
    ];
    drop(whole);
    for (name, operation) in operations {
        let table = table(0);
        let start = Instant::now();
        let table = operation(table);
        let took = start.elapsed().as_secs_f64();
        writeln!(stdout, "{}   {} rows left", report(name, took, json), table.rows().len())?;
    }
    let before = Report { tables: vec![table(0)], ..Report::default() };
    let after = Report { tables: vec![table(1)], ..Report::default() };
    let start = Instant::now();
    let compared = against(before, after);
    let took = start.elapsed().as_secs_f64();
    writeln!(
        stdout,
        "{}   {} rows left",
        report("against", took, json),
        compared.tables[0].rows().len()
    )?;
    Ok(())
}
