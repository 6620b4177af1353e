//! Somebody who has only pasted output asks `routes trace` all the same.

use std::path::Path;

use lab_tests::captures::{files, recorded};
use lab_tests::texts::{HOSTS, text};
use lab_tests::{Lab, Run, Scratch};
use serde_json::Value;

fn objects(kind: &str) -> Vec<u8> {
    let files = files("cilium-1.18.0-native");
    let name = format!("objects/{kind}.json");
    files.into_iter().find(|(file, _)| *file == name).expect("it is recorded").1
}

/// Adds what a host printed.
fn paste(capture: &Path, host: &str, command: &str, output: &str) -> Run {
    let extra: &[&str] = match host {
        "router" => &["--extra", "--address", "192.168.10.200,192.168.20.200"],
        _ => &[],
    };
    let lab = Lab::line("capture add").arg(capture).args(["--host", host]).args(extra).arg("--");
    lab.args(command.split(' ')).input(output).run().exits(0)
}

fn add_objects(capture: &Path, kind: &str) -> Run {
    Lab::line("capture add").arg(capture).arg("--objects").input(objects(kind)).run().exits(0)
}

fn trace(capture: &Path, from: &str, to: &str) -> Value {
    let run = Lab::line("routes trace -o json --from").arg(capture).args([from, to]).run();
    assert!(matches!(run.code, Some(0 | 1 | 3)), "{}", run.err);
    run.json()
}

/// Host and the route that decided, hop by hop.
fn hops(trace: &Value) -> Vec<(String, String)> {
    let hops = trace["hops"].as_array().expect("there are hops");
    let text = |hop: &Value, key: &str| hop[key].as_str().unwrap_or_default().to_owned();
    hops.iter().map(|hop| (text(hop, "host"), text(hop, "route"))).collect()
}

/// `ip route` of every host and the objects of the cluster: every trace is that of the capture
/// that was taken at the same time.
#[test]
fn pasted_routes_and_nodes_are_enough_for_a_trace() {
    let scratch = Scratch::new();
    let capture = scratch.path("ticket.zip");
    let run = paste(&capture, "router", "ip route", &text("router", "ip-route"));
    assert!(run.err.contains("`ip route` on router, 6 lines"), "{}", run.err);
    assert_eq!(run.out, "");
    add_objects(&capture, "v1/Node");
    for host in HOSTS.into_iter().filter(|host| *host != "router") {
        paste(&capture, host, "ip r", &text(host, "ip-route"));
    }
    // Nodes alone say nothing of podCIDRs of another IPAM, but nodes reach each other.
    let found = trace(&capture, "k8s-ctr", "k8s-w0");
    let over: Vec<String> = hops(&found).into_iter().map(|(host, _)| host).collect();
    assert_eq!(over, ["k8s-ctr", "router", "k8s-w0", "k8s-w0", "router", "k8s-ctr"], "{found:#}");

    for kind in ["v1/Pod", "cilium.io/v2/CiliumNode", "v1/ConfigMap"] {
        add_objects(&capture, kind);
    }
    let whole = recorded("cilium-1.18.0-native");
    for (from, to) in [
        ("k8s-ctr", "k8s-w0"),
        ("default/curl-pod", "k8s-w0"),
        ("default/curl-pod", "172.20.1.129"),
        ("router", "172.20.2.98"),
        ("k8s-w1", "172.20.0.41"),
    ] {
        let (pasted, live) = (trace(&capture, from, to), trace(&whole, from, to));
        let dispositions = |trace: &Value| {
            let ways = trace["ways"].as_array().expect("there are ways").clone();
            ways.iter().map(|way| way["disposition"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(dispositions(&pasted), dispositions(&live), "{from} {to}");
        assert_eq!(hops(&pasted), hops(&live), "{from} {to}");
    }
    let run = Lab::line("capture verify").arg(&capture).run().exits(0);
    assert!(run.err.contains("nothing is wrong"), "{}", run.err);
}

/// The rules of a host that were not pasted are not known, and that is said.
#[test]
fn what_was_not_pasted_is_told() {
    let scratch = Scratch::new();
    let capture = scratch.path("folder");
    add_objects(&capture, "v1/Node");
    paste(&capture, "k8s-ctr", "ip route", &text("k8s-ctr", "ip-route"));
    let run = Lab::line("routes --from").arg(&capture).run();
    assert!(run.err.contains("k8s-w0 (unavailable)"), "{}", run.err);
    assert!(run.err.contains("not in this capture: ip -j rule on k8s-ctr"), "{}", run.err);
    paste(&capture, "k8s-ctr", "ip rule", &text("k8s-ctr", "ip-rule"));
    let run = Lab::line("routes --from").arg(&capture).run();
    assert!(!run.err.contains("ip -j rule on k8s-ctr"), "{}", run.err);
}

#[test]
fn mistakes_leave_the_capture_as_it_was() {
    let scratch = Scratch::new();
    let capture = scratch.path("t.zip");
    add_objects(&capture, "v1/Node");
    let before = std::fs::read(&capture).unwrap();
    let add = |words: &str, input: &str| {
        Lab::line("capture add").arg(&capture).args(words.split(' ')).input(input).run()
    };
    add("--host k8s-cntr -- ip route", "x").fails("k8s-cntr is none of the capture's nodes");
    add("--objects", "nothing").fails("the objects are not understood");
    add("--objects", "").fails("the objects are not understood");
    let secret = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}"#;
    add("--objects", secret).fails("Secrets are never written");
    add("--host k8s-ctr --redact ( -- ip route", "x").fails("--redact: pattern `(`");
    add("--host k8s-ctr", "x").fails("no command was named");
    assert_eq!(std::fs::read(&capture).unwrap(), before);
    let other = scratch.put("other.txt", "hello");
    Lab::line("capture add")
        .arg(&other)
        .args(["--host", "a", "--", "b"])
        .input("x")
        .run()
        .fails("other.txt");
    assert_eq!(std::fs::read(&other).unwrap(), b"hello");
}

#[test]
fn what_patterns_match_is_not_written() {
    let scratch = Scratch::new();
    let capture = scratch.path("folder");
    let lab = Lab::line("capture add")
        .arg(&capture)
        .args(["--host", "a", "--redact", "secret-[a-z]+", "--", "x"])
        .config("[capture]\nredact = [\"^token: .*\"]\n");
    lab.input("a secret-abc\ntoken: hunter2\nend\n").run().exits(0);
    let text = std::fs::read_to_string(capture.join("hosts/a/x.txt")).unwrap();
    assert_eq!(text, "a [redacted]\n[redacted]\nend\n");
    let lab = Lab::line("capture add").arg(&capture).args(["--host", "a", "--", "x"]);
    let run = lab.config("\n[capture]\nredact = [\n  \"a\",\n  \"(\"]\n").input("x").run();
    run.fails("config.toml:5: pattern `(` is not understood");
}
