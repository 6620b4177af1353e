//! The tables and findings of every capture, pinned as text. `LAB_BLESS=1` writes them anew.

use iptables_diff::IptablesDiff;
use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let lab = Lab::open(format!("{CAPTURES}/{capture}.zip"));
    let run = lab.run::<IptablesDiff>(path, values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, name.ends_with("wide"));
    golden(GOLDEN, &format!("{capture}.{name}"), &drawn);
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
        assert!(drawn.contains("== info iptables-diff/as-expected: k8s-ctr, k8s-w0, k8s-w1: "));
        assert_eq!(drawn.lines().count(), 7, "{drawn}");
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
