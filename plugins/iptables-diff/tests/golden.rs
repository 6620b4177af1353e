//! The tables and findings of every capture, pinned as text. `LAB_BLESS=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::fmt::Write;
use std::path::PathBuf;

use iptables_diff::IptablesDiff;
use lab_output::{Cell, Report};
use lab_plugin_test::Lab;
use lab_types::Value;

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
    let run = lab.run::<IptablesDiff>(path, values);
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
fn nodes_of_a_healthy_lab_are_one_group() {
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "groups", &["iptables-diff"], &[]);
        assert!(drawn.contains("all are equal"), "{drawn}");
        assert!(!drawn.contains("== warn") && !drawn.contains("== bad"), "{drawn}");
    }
}

#[test]
fn a_host_beside_the_cluster_is_compared_when_asked() {
    let all = [("all", Value::Boolean(true))];
    let drawn = check("cilium-1.18.0-native-seed", "groups-all", &["iptables-diff"], &all);
    assert!(drawn.contains("router"), "{drawn}");
    check("cilium-1.18.0-native-seed", "diff-all", &["iptables-diff", "diff"], &all);
}

#[test]
fn expected_is_silent_on_a_healthy_lab() {
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "expected", &["iptables-diff", "expected"], &[]);
        assert_eq!(drawn.lines().count(), 2, "{drawn}");
    }
}

#[test]
fn hosts_stand_with_their_tools() {
    check("cilium-1.18.0-native-seed", "hosts", &["iptables-diff", "hosts"], &[]);
}

#[test]
fn rules_are_shown_in_words() {
    let one = [("shown", Value::Text("k8s-ctr".to_owned()))];
    check("cilium-1.18.0-native", "show", &["iptables-diff", "show"], &one);
    let table = [
        ("table", Value::Text("raw".to_owned())),
        ("grep", Value::Text("NOTRACK for pod".to_owned())),
    ];
    let drawn = check("cilium-1.18.0-native", "show-raw-grep", &["iptables-diff", "show"], &table);
    assert_eq!(drawn.matches("skip conntrack").count(), 12, "{drawn}");
}

#[test]
fn a_packet_is_walked_on_every_host() {
    let values = [
        ("source", Value::Text("172.20.0.5".to_owned())),
        ("destination", Value::Text("172.20.1.5".to_owned())),
        ("dport", Value::Integer(80)),
        ("in", Value::Text("lxc1".to_owned())),
        ("out", Value::Text("eth1".to_owned())),
    ];
    check("cilium-1.18.0-native", "path", &["iptables-diff", "path"], &values);
}

#[test]
fn every_rule_is_one_row_as_it_is_compared() {
    let rules = [("rules", Value::Boolean(true))];
    check("cilium-1.18.0-native-seed", "rules", &["iptables-diff"], &rules);
}
