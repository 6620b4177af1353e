//! Tables and findings of every recording and every mode, pinned as text. `LAB_BLESS=1` writes
//! them anew; the values of the recordings were compared by hand with the raw objects and with
//! what the agents printed.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use ipam::Ipam;
use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;
use support::Written;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
const CAPTURES_ALL: [&str; 5] = [
    "cilium-1.17.6-native",
    "cilium-1.18.0-native",
    "cilium-1.18.0-native-fixed",
    "cilium-1.18.0-native-seed",
    "cilium-1.18.0-tunnel",
];
const MODES: [&str; 8] = [
    "cluster-pool",
    "kubernetes",
    "multi-pool",
    "crd",
    "eni",
    "azure",
    "alibabacloud",
    "delegated",
];

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let run = Lab::open(format!("{CAPTURES}/{capture}.zip")).run::<Ipam>(path, values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, name.ends_with("wide"));
    golden(GOLDEN, &format!("{capture}.{name}"), &drawn);
    drawn
}

#[test]
fn every_recording_has_its_ranges() {
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "ipam", &["ipam"], &[]);
        assert!(!drawn.contains("== bad "), "{drawn}");
        // Which range counts is the learner's first question.
        assert!(drawn.contains("Node.spec.podCIDR is ignored"), "{drawn}");
        check(capture, "ipam-wide", &["ipam"], &[]);
    }
}

#[test]
fn agents_agree_with_the_objects() {
    let deep = [("deep", Value::Boolean(true))];
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "ipam-deep-wide", &["ipam"], &deep);
        assert!(!drawn.contains("== bad "), "{drawn}");
        assert!(!drawn.contains("== partial "), "{drawn}");
        let drawn = check(capture, "addresses-deep", &["ipam", "addresses"], &deep);
        assert!(!drawn.contains("not-allocated"), "{drawn}");
    }
}

#[test]
fn every_address_has_an_owner() {
    for capture in CAPTURES_ALL {
        let drawn = check(capture, "addresses", &["ipam", "addresses"], &[]);
        assert_eq!(drawn.matches("   router   ").count(), 3, "{drawn}");
    }
}

#[test]
fn one_address_is_looked_up() {
    let who = |name: &str, address: &str| {
        let address = [("address", Value::Text(address.to_owned()))];
        check("cilium-1.18.0-native-seed", name, &["ipam", "who"], &address)
    };
    assert!(who("who-pod", "172.20.0.197").contains("default/curl-pod"));
    assert!(who("who-pod-v6-form", "::ffff:172.20.0.197").contains("default/curl-pod"));
    assert!(who("who-router", "172.20.0.95").contains("CiliumInternalIP"));
    assert!(who("who-node", "192.168.10.100").contains("host-network-pod"));
    assert!(who("who-service", "10.96.0.1").contains("default/kubernetes"));
    assert!(who("who-extra", "10.10.1.200").contains("router"));
    assert!(who("who-free", "172.20.1.250").contains("k8s-w1"));
    assert!(who("who-nobody", "203.0.113.7").contains("not-in-cluster"));
}

#[test]
fn a_plan_is_worked_out() {
    let capture = "cilium-1.18.0-native-seed";
    let plan = [
        ("mask-size", Value::Integer(25)),
        ("nodes", Value::Integer(200)),
        ("pods-per-node", Value::Integer(110)),
    ];
    let drawn = check(capture, "plan", &["ipam", "plan"], &plan);
    assert_eq!(drawn.matches("   fits").count(), 2, "{drawn}");
    let plan = [
        ("mask-size", Value::Integer(26)),
        ("nodes", Value::Integer(2000)),
        ("pool", Value::Texts(vec!["10.96.0.0/13".to_owned(), "10.10.0.0/16".to_owned()])),
    ];
    let drawn = check(capture, "plan-overlaps", &["ipam", "plan"], &plan);
    assert!(drawn.contains("ipam/overlap-services"), "{drawn}");
    assert!(drawn.contains("ipam/overlap-extra-route"), "{drawn}");
    check(capture, "plan-unchanged", &["ipam", "plan"], &[]);
}

#[test]
fn every_mode_is_shown() {
    for mode in MODES {
        let written = Written::fixture(mode);
        for (name, path) in [("ipam", &["ipam"][..]), ("addresses", &["ipam", "addresses"])] {
            let run = written.run(path, &[]);
            assert_eq!(run.result, Ok(()), "{mode}");
            let drawn = draw(&run.report, true);
            golden(GOLDEN, &format!("mode-{mode}.{name}"), &drawn);
            assert!(!drawn.contains("== bad "), "{mode}: {drawn}");
        }
    }
    for mode in ["cluster-pool", "kubernetes", "multi-pool"] {
        let run = Written::fixture(mode).run(&["ipam", "plan"], &[("nodes", Value::Integer(50))]);
        golden(GOLDEN, &format!("mode-{mode}.plan"), &draw(&run.report, true));
    }
}
