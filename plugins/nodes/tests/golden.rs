//! The tables and findings of every capture, pinned as text. `LAB_BLESS=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::fmt::Write;
use std::path::PathBuf;

use lab_output::{Cell, Report};
use lab_plugin_test::Lab;
use lab_types::Value;
use nodes::Nodes;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Absent => "-".to_owned(),
        Cell::Text(text) | Cell::Health(_, text) => text.clone(),
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Every table as aligned columns, then the findings.
fn draw(report: &Report, wide: bool) -> String {
    let mut drawn = String::new();
    for table in &report.tables {
        writeln!(drawn, "== {}", table.name()).unwrap();
        let shown: Vec<usize> =
            (0..table.columns().len()).filter(|idx| wide || !table.columns()[*idx].wide).collect();
        let head = shown.iter().map(|idx| table.columns()[*idx].title.clone()).collect();
        let rows =
            table.rows().iter().map(|row| shown.iter().map(|idx| text(&row.cells[*idx])).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap();
        for line in &lines {
            let mut out = String::new();
            for (column, cell) in line.iter().enumerate() {
                write!(out, "{cell:<width$}   ", width = width(column)).unwrap();
            }
            writeln!(drawn, "{}", out.trim_end()).unwrap();
        }
    }
    for finding in &report.findings {
        let level = finding.level.as_str();
        writeln!(drawn, "== {level} {}: {}: {}", finding.code, finding.subject, finding.message)
            .unwrap();
        for evidence in &finding.evidence {
            writeln!(drawn, "   {}: {}", evidence.place, evidence.text).unwrap();
        }
        for fix in &finding.fixes {
            writeln!(drawn, "   fix: {}", fix.replace('\n', "\n        ")).unwrap();
        }
    }
    for partial in &report.partials {
        writeln!(drawn, "== partial {}: {:?}", partial.subject, partial.why).unwrap();
    }
    drawn
}

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let lab = Lab::open(format!("{CAPTURES}/{capture}.zip"));
    let run = lab.run::<Nodes>(path, values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, name.ends_with("wide"));
    let file = PathBuf::from(GOLDEN).join(format!("{capture}.{name}.txt"));
    if std::env::var_os("LAB_BLESS").is_some() {
        std::fs::create_dir_all(GOLDEN).unwrap();
        std::fs::write(&file, &drawn).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(drawn == golden, "{} differs; now:\n{drawn}", file.display());
    drawn
}

const CAPTURES_ALL: [&str; 5] = [
    "cilium-1.17.6-native",
    "cilium-1.18.0-native",
    "cilium-1.18.0-native-fixed",
    "cilium-1.18.0-native-seed",
    "cilium-1.18.0-tunnel",
];

#[test]
fn every_host_is_one_row() {
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "nodes", &["nodes"], &[]);
        assert!(!drawn.contains("== bad "), "{drawn}");
        assert!(!drawn.contains("== warn "), "{drawn}");
        // Kubernetes numbers the ranges by itself; which of them count is told.
        assert!(drawn.contains("== info nodes/pod-cidr-differs"), "{drawn}");
        assert!(drawn.contains("== info nodes/no-metrics"), "{drawn}");
        check(capture, "nodes-wide", &["nodes"], &[]);
    }
}

#[test]
fn addresses_of_all_hosts_stand_together() {
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "addr", &["nodes", "addr"], &[]);
        // The address that every machine behind the hypervisor has.
        assert_eq!(drawn.matches("10.0.2.15/24").count(), 4, "{drawn}");
        assert_eq!(drawn.matches("   InternalIP").count(), 3, "{drawn}");
        assert!(!drawn.contains("fe80::"), "{drawn}");
    }
    let all = [("all", Value::Boolean(true))];
    let drawn = check("cilium-1.18.0-native-seed", "addr-all-wide", &["nodes", "addr"], &all);
    assert!(drawn.contains("fe80::"), "{drawn}");
}

#[test]
fn the_clusters_ranges_stand_with_their_places() {
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "cluster", &["nodes", "cluster"], &[]);
        assert!(!drawn.contains("== warn "), "{drawn}");
        assert!(!drawn.contains("== bad "), "{drawn}");
    }
}

#[test]
fn without_the_metrics_api_nothing_is_zero() {
    let capture = "cilium-1.18.0-native-seed";
    for (name, path) in [("top", &["nodes", "top"][..]), ("top-pods", &["nodes", "top", "pods"])] {
        let drawn = check(capture, name, path, &[]);
        assert!(drawn.contains("== info nodes/no-metrics"), "{drawn}");
    }
}
