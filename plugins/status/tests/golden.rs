//! Tables and findings of the recordings, pinned as text. `LAB_BLESS=1` writes them anew; the
//! values were compared by hand with the raw objects and with what the agents printed.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;
use status::Status;
use support::CAPTURES;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
const ALL: [&str; 3] = ["cilium-1.17.6-native", "cilium-1.18.0-native", "cilium-1.18.0-tunnel"];

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let run = Lab::open(format!("{CAPTURES}/{capture}.zip")).run::<Status>(path, values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, name.ends_with("wide"));
    golden(GOLDEN, &format!("{capture}.{name}"), &drawn);
    drawn
}

#[test]
fn every_agent_has_a_row() {
    for capture in ALL {
        check(capture, "status", &["status"], &[]);
        let drawn = check(capture, "status-wide", &["status"], &[]);
        assert!(!drawn.contains("== partial "), "{drawn}");
        assert!(!drawn.contains("config-drift"), "{drawn}");
    }
}

#[test]
fn every_setting_has_a_row() {
    for capture in ALL {
        let drawn = check(capture, "config", &["status", "config"], &[]);
        assert!(!drawn.contains(" drift "), "{drawn}");
        let changed = [("changed", Value::Boolean(true))];
        check(capture, "config-changed", &["status", "config"], &changed);
    }
    let key = [("key", Value::Text("enable-bpf-masquerade".to_owned()))];
    let drawn = check("cilium-1.18.0-native", "config-key", &["status", "config"], &key);
    assert!(drawn.contains("masquerade with BPF and not with iptables"), "{drawn}");
    let field = [("key", Value::Text("EnableAutoDirectRouting".to_owned()))];
    let drawn = check("cilium-1.18.0-native", "config-field", &["status", "config"], &field);
    assert!(drawn.contains("auto-direct-node-routes"), "{drawn}");
}

#[test]
fn metrics_are_one_table() {
    let capture = "cilium-1.18.0-native";
    let named = |name: &str| ("name", Value::Text(name.to_owned()));
    let on = |name: &'static str| (name, Value::Boolean(true));
    check(capture, "metrics-top", &["status", "metrics"], &[on("top")]);
    let drops = [named("drop"), on("per-node")];
    check(capture, "metrics-drops", &["status", "metrics"], &drops);
    let histograms = [named("~regeneration_time.*total")];
    check(capture, "metrics-histograms", &["status", "metrics"], &histograms);
    let pressure = [named("map_pressure")];
    check("cilium-1.17.6-native", "metrics-pressure", &["status", "metrics"], &pressure);
    let rate = [named("drop"), ("rate", Value::Duration(10_000_000_000))];
    let drawn = check(capture, "metrics-rate", &["status", "metrics"], &rate);
    assert!(drawn.contains("== partial metrics"), "{drawn}");
}

#[test]
fn every_endpoint_has_a_row() {
    for capture in ALL {
        let drawn = check(capture, "endpoints", &["status", "endpoints"], &[]);
        assert!(drawn.contains("curl-pod"), "{drawn}");
        check(capture, "endpoints-wide", &["status", "endpoints"], &[]);
    }
}
