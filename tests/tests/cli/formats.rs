//! Every format, to a pipe and to terminals of several widths.

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
