//! Every ping of the captures, as `reach` shows it, pinned as text and held to the truth in the
//! `traffic.tsv` beside each. `LAB_BLESS=1` writes the text anew.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::collections::BTreeSet;

use lab_output::{Cell, Report, Table};
use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;
use reach::Reach;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
const ALL: [&str; 5] = [
    "cilium-1.17.6-native",
    "cilium-1.18.0-native",
    "cilium-1.18.0-native-fixed",
    "cilium-1.18.0-native-seed",
    "cilium-1.18.0-tunnel",
];

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Absent => "-".to_owned(),
        Cell::Text(text) | Cell::Health(_, text) => text.to_string(),
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(share) => format!("{:.0}%", share * 100.0),
        Cell::Duration(ns) => format!("{}µs", ns / 1000),
        other => format!("{other:?}"),
    }
}

fn column(table: &Table, id: &str) -> usize {
    table.columns().iter().position(|column| column.id == id).unwrap()
}

fn check(capture: &str, name: &str, values: &[(&str, Value)]) -> (Report, String) {
    let lab = Lab::open(format!("{CAPTURES}/{capture}.zip"));
    let run = lab.run::<Reach>(&["reach"], values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, false);
    golden(GOLDEN, &format!("{capture}.{name}"), &drawn);
    (run.report, drawn)
}

fn texts(values: impl IntoIterator<Item = String>) -> Value {
    Value::Texts(values.into_iter().collect())
}

/// What was sent in a capture: whether it was answered, from where, to which address.
fn traffic(capture: &str) -> BTreeSet<(bool, String, String)> {
    let file = format!("{CAPTURES}/{capture}.traffic.tsv");
    let traffic = std::fs::read_to_string(file).unwrap();
    let line = |line: &str| {
        let [status, from, to] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (status == "0", from.to_owned(), to.to_owned())
    };
    traffic.lines().map(line).collect()
}

/// The pairs of a table that were measured, in the same form; the verdict of each must follow
/// from prediction and measurement.
fn measured(report: &Report) -> BTreeSet<(bool, String, String)> {
    let table = report.tables.iter().find(|table| table.name() == "pairs").unwrap();
    let cell = |cells: &[Cell], id: &str| text(&cells[column(table, id)]);
    let mut found = BTreeSet::new();
    for row in table.rows() {
        let (state, verdict) = (cell(&row.cells, "measured"), cell(&row.cells, "verdict"));
        match state.as_str() {
            "unknown" => assert_eq!(verdict, "unknown"),
            "answered" => assert_eq!(verdict, "ok", "{row:?}"),
            _ => assert_eq!(verdict, "lost", "{row:?}"),
        }
        if state != "unknown" {
            let (from, to) = (cell(&row.cells, "from"), cell(&row.cells, "address"));
            found.insert((state == "answered", from, to));
        }
    }
    found
}

/// Hosts send two packets each; so does the pod to hosts, and three to pods.
#[test]
fn every_ping_of_the_captures_is_measured_and_predicted() {
    for capture in ALL {
        let sent = traffic(capture);
        let from: BTreeSet<String> = sent.iter().map(|(_, from, _)| from.clone()).collect();
        let to: BTreeSet<String> = sent.iter().map(|(_, _, to)| to.clone()).collect();
        let mut found = BTreeSet::new();
        for count in [2, 3] {
            let values = [
                ("source", texts(from.clone())),
                ("to", texts(to.clone())),
                ("count", Value::Integer(count)),
            ];
            let lab = Lab::open(format!("{CAPTURES}/{capture}.zip"));
            let run = lab.run::<Reach>(&["reach"], &values);
            assert_eq!(run.result, Ok(()));
            found.extend(measured(&run.report));
        }
        assert!(sent.len() >= 21, "{} pings in {capture}", sent.len());
        assert_eq!(found, sent, "{capture}");
    }
}

#[test]
fn a_matrix_shows_the_exceptions() {
    for capture in ALL {
        let (report, drawn) = check(capture, "reach", &[]);
        let broken = !matches!(capture, "cilium-1.18.0-native-fixed" | "cilium-1.18.0-tunnel");
        assert_eq!(drawn.contains("== bad reach/lost: router"), broken, "{drawn}");
        assert!(!drawn.contains("reach/unpredicted"), "{drawn}");
        // What is not in the capture is said once for each sender, and is no finding.
        let subjects: Vec<&str> =
            report.partials.iter().map(|partial| partial.subject.as_str()).collect();
        assert_eq!(subjects.iter().collect::<BTreeSet<_>>().len(), subjects.len(), "{drawn}");
        assert!(drawn.contains("unknown"), "{drawn}");
    }
}

#[test]
fn all_pairs_are_shown_on_demand_and_bounded() {
    let all = [("all", Value::Boolean(true)), ("pairs", Value::Integer(20))];
    let (report, drawn) = check("cilium-1.18.0-native-seed", "reach-all", &all);
    assert_eq!(report.tables[1].rows().len(), 20);
    assert!(drawn.contains("left-out"), "{drawn}");
}

#[test]
fn one_pair_is_a_list() {
    let one = |start: &str, target: &str, count: i64| {
        [
            ("start", Value::Text(start.to_owned())),
            ("target", Value::Text(target.to_owned())),
            ("count", Value::Integer(count)),
        ]
    };
    let seed = "cilium-1.18.0-native-seed";
    let (_, drawn) = check(seed, "one-lost", &one("default/curl-pod", "172.20.2.173", 3));
    assert!(drawn.contains("fix: static routes"), "{drawn}");
    let (_, drawn) = check(seed, "one-answered", &one("default/curl-pod", "10.10.1.200", 2));
    assert!(!drawn.contains("reach/"), "{drawn}");
    // Nobody connected when the capture was made: unknown, and what is predicted is shown.
    let (_, drawn) = check(seed, "one-service", &one("default/curl-pod", "service/webpod", 2));
    assert!(drawn.contains("2 of 3 arrive"), "{drawn}");
}

#[test]
fn what_cannot_be_probed_is_said() {
    let lab = Lab::open(format!("{CAPTURES}/cilium-1.18.0-native-seed.zip"));
    let why = |values: &[(&str, Value)]| {
        let result = lab.run::<Reach>(&["reach"], values).result;
        result.unwrap_err().message().to_owned()
    };
    let text = |text: &str| Value::Text(text.to_owned());
    assert!(why(&[("start", text("192.0.2.1"))]).contains("nothing can be run at `192.0.2.1`"));
    assert!(why(&[("start", text("nobody"))]).contains("`nobody` is no pod, no host"));
    let to = [("target", text("service/nothing"))];
    assert!(why(&to).contains("no service `nothing` was found"));
    assert!(why(&[("count", Value::Integer(0))]).contains("`--count` takes 1 to 20"));
    assert!(why(&[("pairs", Value::Integer(-1))]).contains("`--pairs` takes 1 to 10000"));
    let ms = |ms: u64| Value::Duration(ms * 1_000_000);
    assert!(why(&[("interval", ms(10))]).contains("200ms to 5s"));
    let long = [("interval", ms(5000)), ("count", Value::Integer(20))];
    assert!(why(&long).contains("smaller `--count` or `--interval`"));
}
