//! Every format, to a pipe and to terminals of several widths.

use lab_tests::captures::recorded;
use lab_tests::{Lab, golden};

#[test]
fn every_format_is_as_reviewed() {
    for format in ["table", "wide", "json", "yaml", "csv", "ndjson", "name"] {
        let run = Lab::line("routes --demo -o").arg(format).run().exits(1);
        golden(&format!("formats/routes.{format}"), &run.out);
        golden(&format!("formats/routes.{format}.err"), &run.err);
    }
}

#[test]
fn documents_parse_and_hold_the_same_rows() {
    let json = Lab::line("routes --demo -o json").run().json();
    let rows = json["tables"]["routes"].as_array().or(json["routes"].as_array());
    let rows = rows.expect("the table is in the document");
    assert!(rows.len() > 20, "{json}");
    let lines = Lab::line("routes --demo -o ndjson").run().out;
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let routes: Vec<_> = lines.iter().filter(|line| line["kind"] == "routes").collect();
    assert_eq!(routes.len(), rows.len());
    let names = Lab::line("routes --demo -o name").run().out;
    assert_eq!(names.lines().count(), rows.len());
    let csv = Lab::line("routes --demo -o csv").run().out;
    assert_eq!(csv.lines().count(), rows.len() + 1, "and a header");
}

/// A diff alone, which `patch` reads: the agents' own rules differ from those of the router.
#[test]
fn a_diff_is_nothing_but_a_diff() {
    let lab = |words: &[&str]| {
        Lab::line("--from").arg(recorded("cilium-1.18.0-native")).args(words.iter().copied())
    };
    let all = ["iptables-diff", "--all", "--base", "router"];
    let table = lab(&["iptables-diff", "diff", "--all", "--base", "router", "-o", "json"]).run();
    let rows = table.json()["diff"].as_array().cloned().expect("a table of that name");
    assert!(!rows.is_empty());
    let texts: Vec<&str> = rows.iter().filter_map(|row| row["diff"].as_str()).collect();
    let run = lab(&all).args(["-o", "diff"]).run();
    assert_eq!(run.code, table.code, "the same findings");
    assert_eq!(run.out.trim_end(), texts.join("\n").trim_end());
    assert!(run.out.starts_with("--- router\n+++ k8s-"), "{}", run.out);
    assert!(run.err.contains("iptables-diff/"), "findings are no part of it: {}", run.err);

    let words = ["each", "--diff", "-o", "diff", "--", "iptables-save"];
    let run = lab(&words).run().exits(0);
    assert!(run.out.lines().all(|line| line.starts_with(['-', '+', ' ', '@'])), "{}", run.out);
    let run = lab(&["routes", "-o", "diff"]).run().exits(2);
    assert!(run.err.contains("no diff is in `routes`"), "{}", run.err);
}

#[test]
fn tables_fit_their_terminal() {
    for columns in [40, 60, 80, 200] {
        let run = Lab::line("routes --demo -q --color never").terminal(columns).run().exits(1);
        // Findings are wrapped by nobody: they are to be copied.
        let table = run.out.split("\n\n").next().unwrap();
        for line in table.lines() {
            let width = line.chars().count();
            assert!(width <= columns.into(), "{width} columns of {columns}: {line}");
        }
        golden(&format!("formats/terminal-{columns}.txt"), &run.out);
    }
}

#[test]
fn a_pipe_has_no_width_and_no_colors() {
    let run = Lab::line("routes --demo").run().exits(1);
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'));
    assert!(run.out.lines().next().unwrap().len() > 100, "{}", run.out);
}

#[test]
fn colors_follow_flag_environment_and_terminal() {
    let colored = |lab: Lab| lab.run().out.contains("\u{1b}[");
    // Quiet, for a bar of progress on a terminal depends on how fast the machine is.
    let demo = || Lab::line("routes --demo --quiet");
    assert!(colored(demo().terminal(80)), "a terminal has colors");
    assert!(!colored(demo().terminal(80).env("NO_COLOR", "1")));
    assert!(!colored(demo().terminal(80).env("TERM", "dumb")));
    assert!(!colored(Lab::line("routes --demo --quiet --color never").terminal(80)));
    assert!(colored(Lab::line("routes --demo --color always")), "also in a pipe");
    assert!(colored(Lab::line("routes --demo --color always").env("NO_COLOR", "1")));
    assert!(!colored(demo()), "a pipe has none");
}
