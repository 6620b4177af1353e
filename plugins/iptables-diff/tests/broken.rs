//! The lab with one thing broken at a time: each is found, named, and found on that host alone.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::path::{Path, PathBuf};

use iptables_diff::IptablesDiff;
use lab_backend::{Addition, Capture, Host, HostKind};
use lab_output::{Finding, Report};
use lab_plugin_test::{Lab, Run};
use lab_types::Value;

const CAPTURE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures/cilium-1.18.0-native.zip");
const NOTRACK: &str = "-A CILIUM_PRE_raw -s 172.20.0.0/16 -m comment --comment \"cilium: NOTRACK for pod traffic\" -j CT --notrack\n";
const FEEDER: &str =
    "-A INPUT -m comment --comment \"cilium-feeder: CILIUM_INPUT\" -j CILIUM_INPUT\n";

/// What k8s-ctr printed, which is what every node printed.
fn dump() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../netfilter/tests/dumps");
    std::fs::read_to_string(folder.join("cilium-1.18.0-native.k8s-ctr.iptables-save.txt")).unwrap()
}

fn without(rule: &str) -> String {
    let text = dump();
    assert_eq!(text.matches(rule).count(), 1, "{rule}");
    text.replace(rule, "")
}

fn with(after: &str, rule: &str) -> String {
    let text = dump();
    assert_eq!(text.matches(after).count(), 1, "{after}");
    text.replace(after, &format!("{after}{rule}"))
}

/// A command over the recording in which k8s-w0 printed other things.
fn lab(name: &str, printed: &[(&str, &str)], path: &[&str]) -> Run {
    let file =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.zip", path.join("-")));
    std::fs::copy(CAPTURE, &file).unwrap();
    let additions: Vec<Addition> = printed
        .iter()
        .map(|(line, out)| Addition::Command {
            host: Host { name: "k8s-w0".to_owned(), kind: HostKind::Node, addresses: Vec::new() },
            in_agent: false,
            argv: line.split(' ').map(str::to_owned).collect(),
            out: out.as_bytes().to_vec(),
        })
        .collect();
    Capture::add_to(&file, &additions, None).unwrap();
    let run = Lab::open(&file).run::<IptablesDiff>(path, &[]);
    assert_eq!(run.result, Ok(()));
    run
}

fn shown(finding: &Finding) -> String {
    let level = finding.level.as_str();
    format!("{level} {} {}: {}", finding.code, finding.subject, finding.message)
}

const AS_EXPECTED: &str = "info iptables-diff/as-expected k8s-ctr, k8s-w0, k8s-w1: the chains of Cilium hold what 1.18.0 installs, rule by rule";

/// Findings of the comparison and of `expected` while k8s-w0 prints `text`.
fn check(name: &str, text: &str, compared: &[&str], expected: &[&str]) -> (Report, Report) {
    let printed = [("iptables-save -c", text)];
    let hosts = lab(name, &printed, &["iptables-diff"]).report;
    let found: Vec<String> = hosts.findings.iter().map(shown).collect();
    assert_eq!(found, compared, "{name}");
    let model = lab(name, &printed, &["iptables-diff", "expected"]).report;
    let found: Vec<String> = model.findings.iter().map(shown).collect();
    assert_eq!(found, expected, "{name}");
    for finding in hosts.findings.iter().chain(&model.findings) {
        assert!(!finding.evidence.is_empty() && !finding.fixes.is_empty(), "{}", shown(finding));
    }
    (hosts, model)
}

#[test]
fn the_same_rules_again_are_no_difference() {
    check("same", &dump(), &[], &[AS_EXPECTED]);
}

#[test]
fn a_removed_rule_is_named_with_its_line_and_a_fix() {
    let (hosts, model) = check(
        "removed",
        &without(NOTRACK),
        &[
            "warn iptables-diff/missing-rule k8s-w0 raw CILIUM_PRE_raw: 1 rule of most hosts is not here",
        ],
        &[
            "warn iptables-diff/not-expected k8s-w0 raw CILIUM_PRE_raw: 1 rule that Cilium installs is missing",
        ],
    );
    let evidence = &hosts.findings[0].evidence[0];
    assert_eq!(evidence.text, NOTRACK.trim());
    assert_eq!(evidence.place, "k8s-ctr: iptables-save -c, line 32");
    assert!(dump().lines().nth(31).unwrap() == NOTRACK.trim());
    assert!(hosts.findings[0].fixes[0].contains("spec.nodeName=k8s-w0"));
    assert_eq!(model.findings[0].evidence[0].text, NOTRACK.trim());
    assert_eq!(hosts.tables[0].rows().len(), 2);
    assert_eq!(hosts.tables[1].rows().len(), 1);
}

#[test]
fn a_moved_feeder_is_named() {
    let text = without(FEEDER)
        .replace("-A INPUT -j KUBE-FIREWALL\n", &format!("-A INPUT -j KUBE-FIREWALL\n{FEEDER}"));
    check(
        "moved",
        &text,
        &[
            "warn iptables-diff/other-rule k8s-w0 filter INPUT: 1 difference against most hosts: moved",
        ],
        &["warn iptables-diff/not-expected k8s-w0 filter INPUT: 1 rule moved"],
    );
}

#[test]
fn a_duplicated_feeder_is_named() {
    check(
        "duplicated",
        &with("-A INPUT -j KUBE-FIREWALL\n", FEEDER),
        &[
            "warn iptables-diff/other-rule k8s-w0 filter INPUT: 1 difference against most hosts: duplicated",
            "warn iptables-diff/duplicated-feeder k8s-w0 filter INPUT: rule 3 is the same feeder as rule 1",
        ],
        &["warn iptables-diff/not-expected k8s-w0 filter INPUT: 1 rule duplicated"],
    );
}

#[test]
fn an_altered_rule_is_named_with_its_word() {
    let text = dump().replace(
        "-A CILIUM_INPUT -m mark --mark 0x200/0xf00",
        "-A CILIUM_INPUT -m mark --mark 0x300/0xf00",
    );
    let (hosts, _) = check(
        "altered",
        &text,
        &[
            "warn iptables-diff/other-rule k8s-w0 filter CILIUM_INPUT: 1 difference against most hosts: changed",
        ],
        &["warn iptables-diff/not-expected k8s-w0 filter CILIUM_INPUT: 1 rule changed"],
    );
    let words = hosts.findings[0].evidence.last().unwrap();
    assert_eq!(words.text, "--mark 0x200/0xf00 → --mark 0x300/0xf00");
}

#[test]
fn a_rule_of_a_user_is_extra_and_not_against_the_model() {
    let (hosts, _) = check(
        "added",
        &with(FEEDER, "-A INPUT -s 203.0.113.0/24 -j DROP\n"),
        &["warn iptables-diff/extra-rule k8s-w0 filter INPUT: 1 rule here is not on most hosts"],
        &[AS_EXPECTED],
    );
    assert_eq!(hosts.findings[0].fixes, ["on k8s-w0: iptables -t filter -D INPUT 2"]);
}

#[test]
fn a_rule_that_nothing_installs_is_unexpected() {
    check(
        "unexpected",
        &with(NOTRACK, "-A CILIUM_PRE_raw -s 10.0.0.0/8 -j DROP\n"),
        &[
            "warn iptables-diff/extra-rule k8s-w0 raw CILIUM_PRE_raw: 1 rule here is not on most hosts",
        ],
        &["warn iptables-diff/not-expected k8s-w0 raw CILIUM_PRE_raw: 1 rule unexpected"],
    );
}

#[test]
fn proxies_are_expected_whatever_their_port() {
    let rule = "-A CILIUM_PRE_mangle -p tcp -m mark --mark 0x1a9b0200 -m comment --comment \"cilium: TPROXY to host cilium-dns-egress proxy\" -j TPROXY --on-port 39706 --on-ip 127.0.0.1 --tproxy-mark 0x200/0xffffffff\n";
    let printed = [("iptables-save -c", &*with("-j MARK --set-xmark 0x200/0xffffffff\n", rule))];
    let model = lab("proxy", &printed, &["iptables-diff", "expected"]).report;
    let found: Vec<String> = model.findings.iter().map(shown).collect();
    assert_eq!(found, [AS_EXPECTED]);
}

#[test]
fn what_is_left_of_others_is_stale() {
    let head = ":KUBE-SERVICES - [0:0]\n:KUBE-SVC-AAAA - [0:0]\n:OLD_CILIUM_PRE_nat - [0:0]\n";
    let rules =
        "-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-AAAA\n-A OLD_CILIUM_PRE_nat -j ACCEPT\n";
    let text = dump()
        .replace(":CILIUM_PRE_nat - [0:0]\n", &format!(":CILIUM_PRE_nat - [0:0]\n{head}"))
        .replace(
            "\"cilium-feeder: CILIUM_POST_nat\" -j CILIUM_POST_nat\n",
            &format!("\"cilium-feeder: CILIUM_POST_nat\" -j CILIUM_POST_nat\n{rules}"),
        );
    let printed = [("iptables-save -c", &*text)];
    let model = lab("stale", &printed, &["iptables-diff", "expected"]).report;
    let found: Vec<String> = model.findings.iter().map(shown).collect();
    assert_eq!(
        found,
        [
            "warn iptables-diff/not-expected k8s-w0 nat KUBE-*: 2 chains with 1 rule of kube-proxy, which Cilium replaces and which does not run here",
            "warn iptables-diff/not-expected k8s-w0 nat OLD_CILIUM_PRE_nat: left by a replacement that did not end",
        ]
    );
}

#[test]
fn a_rule_that_is_never_reached_is_named() {
    let printed = [(
        "iptables-save -c",
        &*with(FEEDER, "-A INPUT -i eth0 -j DROP\n-A INPUT -i eth0 -s 10.0.0.1/32 -j ACCEPT\n"),
    )];
    let report = lab("shadowed", &printed, &["iptables-diff"]).report;
    let found: Vec<String> = report.findings.iter().map(shown).collect();
    assert_eq!(
        found[1..],
        [
            "warn iptables-diff/shadowed k8s-w0 filter INPUT: rule 3 is never reached: rule 2 takes its packets"
        ]
    );
}

#[test]
fn dropped_forwarding_and_masqueraded_pods_are_bad() {
    let forward = dump()
        .lines()
        .filter(|line| !line.starts_with("-A CILIUM_FORWARD"))
        .map(|line| format!("{line}\n"))
        .collect::<Vec<String>>()
        .concat();
    let printed = [(
        "iptables-save -c",
        &*forward.replace(
            ":FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:CILIUM_FORWARD",
            ":FORWARD DROP [5:300]\n:OUTPUT ACCEPT [0:0]\n:CILIUM_FORWARD",
        ),
    )];
    let report = lab("forward", &printed, &["iptables-diff"]).report;
    let bad: Vec<&Finding> =
        report.findings.iter().filter(|it| it.level.as_str() == "bad").collect();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].code, "iptables-diff/forward-drop");
    assert_eq!(bad[0].evidence[0].text, ":FORWARD DROP [5:300]");

    let feeder = "\"cilium-feeder: CILIUM_POST_nat\" -j CILIUM_POST_nat\n";
    let printed =
        [("iptables-save -c", &*with(feeder, "-A POSTROUTING -s 172.20.0.0/16 -j MASQUERADE\n"))];
    let report = lab("masquerade", &printed, &["iptables-diff"]).report;
    let bad: Vec<String> =
        report.findings.iter().filter(|it| it.level.as_str() == "bad").map(shown).collect();
    assert_eq!(
        bad,
        [
            "bad iptables-diff/pod-masquerade k8s-w0 nat POSTROUTING: rule 2 changes the source of packets from pods to pods of k8s-ctr"
        ]
    );
}

#[test]
fn rules_in_both_backends_are_told() {
    let legacy = "# Generated by iptables-save v1.8.9 on Mon Nov 23\n*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j ACCEPT\nCOMMIT\n";
    for path in [&["iptables-diff"][..], &["iptables-diff", "hosts"]] {
        let report = lab("backends", &[("iptables-legacy-save -c", legacy)], path).report;
        let found: Vec<String> = report.findings.iter().map(shown).collect();
        assert_eq!(
            found,
            [
                "warn iptables-diff/two-backends k8s-w0: both backends hold ipv4 rules: nf_tables and legacy"
            ]
        );
        assert_eq!(report.findings[0].evidence[1].text, "-A PREROUTING -j ACCEPT");
    }
    let empty = "# Generated by iptables-save v1.8.9 on Mon Nov 23\n*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n";
    let report =
        lab("backends-empty", &[("iptables-legacy-save -c", empty)], &["iptables-diff"]).report;
    assert_eq!(report.findings, []);
}

#[test]
fn what_cannot_be_read_is_told_and_never_called_missing() {
    let cut = dump();
    let cut = &cut[..cut.find("*filter").unwrap() + 60];
    for (name, text) in [
        ("cut", cut),
        ("lock", "Another app is currently holding the xtables lock; waiting for it to exit...\n"),
        ("tool", "sh: 1: iptables-save: not found\n"),
        ("nft", "# Table `filter' is incompatible, use 'nft' tool.\n"),
    ] {
        let printed = [("iptables-save -c", text)];
        let report = lab(name, &printed, &["iptables-diff"]).report;
        let codes: Vec<&str> = report.findings.iter().map(|it| it.code.as_str()).collect();
        assert_eq!(codes, ["iptables-diff/unreadable"], "{name}");
        let report = lab(name, &printed, &["iptables-diff", "expected"]).report;
        let codes: Vec<&str> = report.findings.iter().map(|it| it.code.as_str()).collect();
        assert_eq!(codes, ["iptables-diff/unreadable"], "{name}");
        assert_eq!(report.tables[0].rows().len(), 0, "{name}");
    }
}

#[test]
fn a_host_with_nft_alone_is_shown_as_far_as_nft_knows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../netfilter/tests/dumps");
    let json = std::fs::read_to_string(folder.join("cilium-1.18.0-native.nft.json")).unwrap();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nft-alone.zip");
    std::fs::copy(CAPTURE, &file).unwrap();
    let addition = Addition::Command {
        host: Host { name: "firewall".to_owned(), kind: HostKind::Extra, addresses: Vec::new() },
        in_agent: false,
        argv: ["nft", "-j", "list", "ruleset"].map(str::to_owned).to_vec(),
        out: json.into_bytes(),
    };
    Capture::add_to(&file, &[addition], None).unwrap();
    let run = |path: &[&str], values: &[(&str, Value)]| {
        let run = Lab::open(&file).run::<IptablesDiff>(path, values);
        assert_eq!(run.result, Ok(()));
        run.report
    };
    let report = run(&["iptables-diff"], &[("all", Value::Boolean(true))]);
    let told: Vec<String> = report.findings.iter().map(shown).collect();
    let why = "read from nft, which knows only the names of iptables' extensions";
    assert!(
        told.contains(&format!("unknown iptables-diff/unreadable firewall: {why}")),
        "{told:?}"
    );
    assert!(!told.iter().any(|line| line.contains("-rule firewall")), "nothing is called missing");

    let shown = Value::Text("firewall".to_owned());
    let report = run(&["iptables-diff", "show"], &[("shown", shown)]);
    let lines: Vec<String> = report.tables[0]
        .rows()
        .iter()
        .map(|row| {
            row.cells.iter().map(|cell| cell.plain().into_owned()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert!(
        lines.iter().any(|line| line.contains("CILIUM_FORWARD") && line.contains("lxc+")),
        "{lines:#?}"
    );
}

#[test]
fn members_of_sets_stand_with_their_rules() {
    let rule =
        "-A CILIUM_POST_nat -s 172.20.2.0/24 -m set --match-set cilium_node_set_v4 dst -j ACCEPT\n";
    let text = with("\"cilium-feeder: CILIUM_POST_nat\" -j CILIUM_POST_nat\n", rule);
    let sets =
        "create cilium_node_set_v4 hash:net family inet\nadd cilium_node_set_v4 192.168.10.100\n";
    let run = lab(
        "sets",
        &[("iptables-save -c", &text), ("ipset save", sets)],
        &["iptables-diff", "show"],
    );
    let cells = run.report.tables[0]
        .rows()
        .iter()
        .flat_map(|row| &row.cells)
        .map(|cell| cell.plain().into_owned());
    assert!(cells.into_iter().any(|cell| cell.contains("set cilium_node_set_v4 (192.168.10.100)")));
}

#[test]
fn a_file_is_a_base_with_the_values_of_the_node_it_is_from() {
    let saved = with(FEEDER, "-A INPUT -s 203.0.113.0/24 -j DROP\n");
    let values = [
        ("base-file", Value::Texts(vec![saved])),
        ("base-file name", Value::Texts(vec!["rules.v4".to_owned()])),
    ];
    let run = Lab::open(CAPTURE).run::<IptablesDiff>(&["iptables-diff"], &values);
    assert_eq!(run.result, Ok(()));
    let table = run.report.tables.iter().find(|table| table.name() == "differences").unwrap();
    let rows: Vec<String> = table
        .rows()
        .iter()
        .map(|row| [0, 4, 7].map(|place| row.cells[place].plain().into_owned()).join(" "))
        .collect();
    assert_eq!(rows, ["k8s-ctr, k8s-w0, k8s-w1 removed -s 203.0.113.0/24 -j DROP"]);
}
