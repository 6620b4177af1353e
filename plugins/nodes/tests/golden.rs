//! The tables and findings of every capture, pinned as text. `LAB_BLESS=1` writes them anew.

use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;
use nodes::Nodes;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let lab = Lab::open(format!("{CAPTURES}/{capture}.zip"));
    let run = lab.run::<Nodes>(path, values);
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
