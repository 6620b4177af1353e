//! /etc/hosts of every host as it was recorded, against the addresses that the API has.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::path::{Path, PathBuf};

use lab_backend::{Addition, Capture, Host, HostKind};
use lab_output::Cell;
use lab_plugin_test::{Lab, Run};
use nodes::Nodes;

const CAPTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/fixtures/captures/cilium-1.18.0-native-seed.zip"
);
const HOSTS: [&str; 4] = ["k8s-ctr", "k8s-w0", "k8s-w1", "router"];

fn recorded(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outputs");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn printed(host: &str, line: &str, out: String) -> Addition {
    let kind = if host == "router" { HostKind::Extra } else { HostKind::Node };
    Addition::Command {
        host: Host { name: host.to_owned(), kind, addresses: Vec::new() },
        in_agent: false,
        argv: line.split(' ').map(str::to_owned).collect(),
        out: out.into_bytes(),
    }
}

/// `nodes` over the recording with every host's file, changed by `edit`.
fn nodes(name: &str, edit: impl Fn(&str, String) -> String) -> Run {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::copy(CAPTURE, &path).unwrap();
    let file = |host: &&str| {
        let text = edit(host, recorded(&format!("{host}.etc-hosts.txt")));
        printed(host, "cat /etc/hosts", text)
    };
    let mut additions: Vec<Addition> = HOSTS.iter().map(file).collect();
    let release = recorded("router.os-release.txt");
    additions.push(printed("router", "cat /etc/os-release", release));
    Capture::add_to(&path, &additions, None).unwrap();
    let run = Lab::open(&path).run::<Nodes>(&["nodes"], &[]);
    assert_eq!(run.result, Ok(()));
    run
}

/// A column of every host, in the order of the rows.
fn column(run: &Run, id: &str) -> Vec<String> {
    let table = &run.report.tables[0];
    let place = table.columns().iter().position(|column| column.id == id).unwrap();
    let text = |cell: &Cell| match cell {
        Cell::Health(_, word) => word.to_string(),
        cell => cell.plain().into_owned(),
    };
    table.rows().iter().map(|row| text(&row.cells[place])).collect()
}

#[test]
fn recorded_files_agree_with_the_api() {
    let run = nodes("agreeing.zip", |_, text| text);
    assert_eq!(column(&run, "host"), HOSTS);
    assert_eq!(column(&run, "etcHosts"), ["agrees"; 4]);
    assert_eq!(column(&run, "os"), ["Debian GNU/Linux 12 (bookworm)"; 4]);
    assert!(run.report.findings.iter().all(|finding| finding.code != "nodes/etc-hosts"));
}

#[test]
fn one_wrong_line_is_named_with_the_host_that_has_it() {
    let run = nodes("differing.zip", |host, text| {
        let wrong = text.replace("192.168.20.100 k8s-w0", "192.168.20.101 k8s-w0");
        if host == "k8s-w1" { wrong } else { text }
    });
    assert_eq!(column(&run, "etcHosts"), ["agrees", "agrees", "differs", "agrees"]);
    let finding = run.report.findings.iter().find(|it| it.code == "nodes/etc-hosts").unwrap();
    assert_eq!(finding.subject, "k8s-w0");
    assert_eq!(
        finding.message,
        "k8s-w1 resolves it to 192.168.20.101, the API says 192.168.20.100"
    );
}
