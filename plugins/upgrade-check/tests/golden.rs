//! Every command on both sides of a real upgrade, pinned as text. `LAB_BLESS=1` writes it anew;
//! the values were compared by hand with the raw objects.

use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;
use upgrade_check::UpgradeCheck;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let folder = if capture.starts_with("upgrade") { FIXTURES } else { CAPTURES };
    let run = Lab::open(format!("{folder}/{capture}.zip")).run::<UpgradeCheck>(path, values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, name.ends_with("wide"));
    golden(GOLDEN, &format!("{capture}.{name}"), &drawn);
    drawn
}

fn to(version: &str) -> (&'static str, Value) {
    ("to", Value::Text(version.to_owned()))
}

#[test]
fn the_way_to_1_18_is_checked() {
    let drawn = check("upgrade-before", "check-1.18.0", &["upgrade-check"], &[to("1.18.0")]);
    assert!(!drawn.contains("== bad "), "{drawn}");
    let all = [to("1.18.0"), ("all", Value::Boolean(true)), ("deep", Value::Boolean(true))];
    check("upgrade-before", "check-1.18.0-all-wide", &["upgrade-check"], &all);
    let drawn = check("upgrade-before", "check-newest", &["upgrade-check"], &[]);
    assert!(drawn.contains("== bad upgrade-check/skipped-minor"), "{drawn}");
    let values = "hubble:\n  relay:\n    enabled: true\nenableCiliumEndpointSlice: true\n\
        l2NeighDiscovery:\n  refreshPeriod: 60s\n";
    let values = [to("1.18"), ("values", Value::Text(values.to_owned()))];
    let drawn = check("upgrade-before", "check-values", &["upgrade-check"], &values);
    assert!(drawn.contains("== bad upgrade-check/118-value-refused"), "{drawn}");
}

#[test]
fn the_other_captures_are_checked() {
    for capture in ["cilium-1.17.6-native", "cilium-1.18.0-tunnel"] {
        check(capture, "check-1.19", &["upgrade-check"], &[to("1.19")]);
    }
}

#[test]
fn settings_and_definitions_are_predicted() {
    let path = ["upgrade-check", "config"];
    let drawn = check("upgrade-before", "config-1.18.0", &path, &[to("1.18.0")]);
    assert!(drawn.contains("enable-l2-neigh-discovery"), "{drawn}");
    check("upgrade-before", "config-1.20", &path, &[to("1.20")]);
    let values = "enableCiliumEndpointSlice: true\nhubble:\n  export:\n    fileCompress: true\n  \
        relay:\n    dialTimeout: 5s\n    enabled: true\nroutingMode: native\n";
    let values = [to("1.18.0"), ("values", Value::Text(values.to_owned()))];
    let drawn = check("upgrade-before", "config-values", &path, &values);
    let slices: Vec<_> =
        drawn.lines().filter(|line| line.contains("CiliumEndpointSlice")).collect();
    assert!(matches!(slices[..], [one] if one.contains("refused")), "{drawn}");
}

#[test]
fn the_road_is_planned() {
    let path = ["upgrade-check", "plan"];
    check("upgrade-before", "plan-1.20-wide", &path, &[to("1.20")]);
    check("upgrade-before", "plan-1.18.0", &path, &[to("1.18.0")]);
}

#[test]
fn both_sides_are_put_into_rows() {
    let path = ["upgrade-check", "diff"];
    check("upgrade-before", "diff-1.18.0", &path, &[to("1.18.0")]);
    check("upgrade-after", "diff-1.18.0", &path, &[to("1.18.0")]);
}
