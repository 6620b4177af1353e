//! The tables and findings of every capture, pinned as text. `LAB_BLESS=1` writes them anew.

use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;
use routes::Routes;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let lab = Lab::open(format!("{CAPTURES}/{capture}.zip"));
    let run = lab.run::<Routes>(path, values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, true);
    golden(GOLDEN, &format!("{capture}.{name}"), &drawn);
    drawn
}

/// The rows of the table `summary`.
fn counts(drawn: &str) -> Vec<Vec<&str>> {
    let rows = drawn.lines().skip_while(|line| *line != "== summary").skip(2);
    rows.take_while(|line| !line.starts_with("=="))
        .map(|line| line.split_whitespace().collect())
        .collect()
}

fn trace(capture: &str, name: &str, source: &str, destination: &str) -> String {
    let values = [
        ("source", Value::Text(source.to_owned())),
        ("destination", Value::Text(destination.to_owned())),
    ];
    check(capture, name, &["routes", "trace"], &values)
}

#[test]
fn the_reference_lab_has_one_black_hole_with_three_cures() {
    for capture in ["cilium-1.18.0-native-seed", "cilium-1.18.0-native", "cilium-1.17.6-native"] {
        let drawn = check(capture, "routes", &["routes"], &[]);
        assert_eq!(drawn.matches("== bad ").count(), 1, "{drawn}");
        assert_eq!(drawn.matches("routes/black-hole: router").count(), 1, "{drawn}");
        assert_eq!(drawn.matches("fix: ").count(), 3, "{drawn}");
        let drawn = check(capture, "matrix", &["routes", "matrix"], &[]);
        assert_eq!(counts(&drawn), [["delivered", "2"], ["black-hole", "4"]], "{drawn}");
    }
}

#[test]
fn routes_on_the_router_cure_it() {
    let drawn = check("cilium-1.18.0-native-fixed", "routes", &["routes"], &[]);
    assert!(!drawn.contains("routes/black-hole"), "{drawn}");
    let drawn = check("cilium-1.18.0-native-fixed", "matrix", &["routes", "matrix"], &[]);
    assert_eq!(counts(&drawn), [["delivered", "6"]], "{drawn}");
}

#[test]
fn the_tunnel_cures_it() {
    let drawn = check("cilium-1.18.0-tunnel", "routes", &["routes"], &[]);
    assert!(!drawn.contains("routes/black-hole"), "{drawn}");
    let drawn = check("cilium-1.18.0-tunnel", "matrix", &["routes", "matrix"], &[]);
    assert_eq!(counts(&drawn), [["delivered", "6"]], "{drawn}");
}

#[test]
fn every_route_is_shown_on_demand() {
    let all = [("all", Value::Boolean(true))];
    check("cilium-1.18.0-native-seed", "routes-all", &["routes"], &all);
    check("cilium-1.18.0-native-fixed", "matrix-all", &["routes", "matrix"], &all);
}

#[test]
fn matrix_takes_any_destination() {
    let to = [
        ("to", Value::Texts(vec!["10.10.1.200".to_owned(), "k8s-w0".to_owned()])),
        ("all", Value::Boolean(true)),
    ];
    check("cilium-1.18.0-native-seed", "matrix-to", &["routes", "matrix"], &to);
}

#[test]
fn traces_show_every_hop() {
    let seed = "cilium-1.18.0-native-seed";
    trace(seed, "trace-black-hole", "default/curl-pod", "172.20.2.173");
    trace(seed, "trace-node", "default/curl-pod", "k8s-w0");
    trace(seed, "trace-masquerade", "default/curl-pod", "10.10.1.200");
    trace(seed, "trace-outside", "default/curl-pod", "10.0.2.2");
    let tunnel = "cilium-1.18.0-tunnel";
    trace(tunnel, "trace-pod", "default/curl-pod", "172.20.1.207");
    trace(tunnel, "trace-host", "k8s-ctr", "172.20.1.207");
    trace("cilium-1.18.0-native-fixed", "trace-pod", "default/curl-pod", "172.20.1.207");
}
