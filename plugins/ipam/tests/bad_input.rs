//! What is broken, missing or hostile: the rest is shown, and what is not known is not zero.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use lab_output::{Cell, Table};
use lab_plugin_test::Run;
use lab_types::Value;
use serde_json::{Map, json};
use support::Written;

fn written(name: &str, objects: &[(&str, serde_json::Value)]) -> Written {
    let objects: Map<_, _> =
        objects.iter().map(|(kind, items)| ((*kind).to_owned(), items.clone())).collect();
    Written::new(name, &objects)
}

fn cell<'t>(table: &'t Table, key: &str, column: &str) -> &'t Cell {
    let column = table.columns().iter().position(|known| known.id == column).unwrap();
    let row = table.rows().iter().find(|row| row.key == key);
    let keys = || table.rows().iter().map(|row| row.key.clone()).collect::<Vec<_>>();
    &row.unwrap_or_else(|| panic!("no row {key} in {:?}", keys())).cells[column]
}

fn codes(run: &Run) -> Vec<&str> {
    run.report.findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn deep() -> [(&'static str, Value); 1] {
    [("deep", Value::Boolean(true))]
}

fn config(mode: &str) -> serde_json::Value {
    json!([{"metadata": {"namespace": "kube-system", "name": "cilium-config"}, "data": {
        "ipam": mode, "cluster-pool-ipv4-cidr": "10.100.0.0/16", "enable-ipv6": "false"}}])
}

fn node(name: &str) -> serde_json::Value {
    json!({"metadata": {"name": name}, "status": {
        "addresses": [{"type": "InternalIP", "address": "192.168.1.1"}]}})
}

#[test]
fn a_cluster_without_cilium_says_what_it_cannot_say() {
    let written = written("no-crds", &[("v1/Node", json!([node("n1")])), ("v1/Pod", json!([]))]);
    for path in [&["ipam"][..], &["ipam", "addresses"]] {
        let run = written.run(path, &[]);
        assert_eq!(run.result, Ok(()));
        assert_eq!(run.report.tables[0].rows().len(), 0);
    }
    assert!(codes(&written.run(&["ipam"], &[])).contains(&"ipam/unknown-mode"));
}

#[test]
fn objects_that_lack_everything_are_read() {
    let written = written(
        "bare",
        &[
            ("v1/ConfigMap", config("cluster-pool")),
            ("v1/Node", json!([{"metadata": {"name": "n1"}}])),
            (
                "v1/Pod",
                json!([{"metadata": {"name": "p", "namespace": "n"}}, {"metadata": {"name": "q"}, "status": null}]),
            ),
            (
                "cilium.io/v2/CiliumNode",
                json!([{"metadata": {"name": "n1"}}, {"metadata": {"name": "n2"}, "spec": null}]),
            ),
            ("cilium.io/v2/CiliumEndpoint", json!([{"metadata": {"name": "p", "namespace": "n"}}])),
        ],
    );
    let run = written.run(&["ipam"], &deep());
    assert_eq!(run.result, Ok(()));
    let found = codes(&run);
    assert!(found.contains(&"ipam/no-range"), "{found:?}");
    assert!(found.contains(&"ipam/cilium-node-without-node"), "{found:?}");
    // Agents that gave no answer are told, and their nodes are not judged by it.
    assert!(!run.report.partials.is_empty());
    assert!(!found.contains(&"ipam/not-allocated"), "{found:?}");
}

#[test]
fn an_object_of_the_wrong_shape_costs_itself_alone() {
    let written = written(
        "shapes",
        &[
            ("v1/ConfigMap", config("cluster-pool")),
            ("v1/Node", json!([node("n1")])),
            (
                "v1/Pod",
                json!([{"metadata": {"name": "bad", "namespace": "n"}, "status": {"podIPs": 7}}]),
            ),
            (
                "cilium.io/v2/CiliumNode",
                json!([
                    {"metadata": {"name": "n0"}, "spec": {"ipam": {"podCIDRs": "10.100.1.0/24"}}},
                    {"metadata": {"name": "n1"}, "spec": {"addresses": [], "ipam": {"podCIDRs": ["10.100.0.0/24", "x/y"]},
                        "unheard-of": {"a": 1}}}]),
            ),
            ("cilium.io/v2/CiliumEndpoint", json!([])),
        ],
    );
    let run = written.run(&["ipam"], &[]);
    assert_eq!(run.result, Ok(()));
    let table = &run.report.tables[0];
    let key = "n1/10.100.0.0/16/10.100.0.0/24";
    assert_eq!(cell(table, key, "total"), &Cell::Integer(254));
    let partials: Vec<&str> = run.report.partials.iter().map(|it| it.subject.as_str()).collect();
    assert!(partials.contains(&"CiliumNode") && partials.contains(&"Pod"), "{partials:?}");
    assert!(codes(&run).contains(&"ipam/malformed"));
}

fn one_node(name: &str) -> Written {
    written(
        name,
        &[
            ("v1/ConfigMap", config("cluster-pool")),
            ("v1/Node", json!([node("n1")])),
            (
                "v1/Pod",
                json!([{"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {"nodeName": "n1"},
                    "status": {"phase": "Running", "podIPs": [{"ip": "10.100.0.9"}]}}]),
            ),
            (
                "cilium.io/v2/CiliumNode",
                json!([{"metadata": {"name": "n1"}, "spec": {"ipam": {"podCIDRs": ["10.100.0.0/24"]}}}]),
            ),
            (
                "cilium.io/v2/CiliumEndpoint",
                json!([{"metadata": {"name": "p", "namespace": "n", "ownerReferences": [{"kind": "Pod", "uid": "u"}]},
                    "status": {"networking": {"addressing": [{"ipv4": "10.100.0.9"}], "node": "192.168.1.1"}}}]),
            ),
        ],
    )
}

#[test]
fn an_agent_that_prints_something_else_is_unknown() {
    let good = r#"{"ipam":{"allocations":{"10.100.0.9":"n/p"},"status":"IPv4: 1/254 allocated from 10.100.0.0/24, "}}"#;
    let key = "n1/10.100.0.0/16/10.100.0.0/24";
    let written = one_node("agents");
    written.agent("n1", good, "[]");
    let run = written.run(&["ipam"], &deep());
    assert_eq!(cell(&run.report.tables[0], key, "agentUsed"), &Cell::Integer(1));
    assert_eq!(codes(&run), [""; 0]);
    for text in [
        "cilium: daemon unreachable",
        "",
        "\u{1b}[2J<html>",
        "{\"ipam\":{\"allocations\":7}}",
        &good[..40],
    ] {
        written.agent("n1", text, "no JSON either");
        let run = written.run(&["ipam"], &deep());
        assert_eq!(run.result, Ok(()));
        let table = &run.report.tables[0];
        assert_eq!(cell(table, key, "agentUsed"), &Cell::Absent, "{text}");
        assert_eq!(cell(table, key, "used"), &Cell::Integer(1));
        assert!(run.report.partials.iter().any(|it| it.subject == "n1"), "{text}");
        assert_eq!(codes(&run), [""; 0], "{text}");
    }
    // Fields that are new, and fields that are missing.
    let other =
        r#"{"ipam":{"allocations":{"10.100.0.9":"n/p"},"new":{"x":[1]}},"unheard-of":null}"#;
    written.agent("n1", other, r#"[{"id":1,"status":{"new":true}}]"#);
    let run = written.run(&["ipam"], &deep());
    assert_eq!(codes(&run), [""; 0]);
    assert!(run.report.partials.is_empty(), "{:?}", run.report.partials);
}

#[test]
fn what_an_agent_holds_for_nobody_is_suspect_and_never_more_in_a_recording() {
    let written = one_node("leak");
    written.agent(
        "n1",
        r#"{"ipam":{"allocations":{"10.100.0.9":"n/p","10.100.0.50":"n/gone"}}}"#,
        "[]",
    );
    let values = [("deep", Value::Boolean(true)), ("cooling", Value::Duration(1_000_000_000))];
    let run = written.run(&["ipam"], &values);
    assert_eq!(codes(&run), ["ipam/suspect"]);
    assert_eq!(run.report.findings[0].level.as_str(), "info");
    assert_eq!(cell(&run.report.tables[0], "*/IPv4", "leaked"), &Cell::Integer(1));
    let run = written.run(&["ipam", "addresses"], &deep());
    assert_eq!(
        cell(&run.report.tables[0], "10.100.0.50", "owner"),
        &Cell::Text("held by nobody".into())
    );
}

#[test]
fn watching_ends_when_stopped_and_forgets_what_is_gone() {
    let written = one_node("watch");
    let watch = [("watch", Value::Boolean(true))];
    for path in [&["ipam"][..], &["ipam", "addresses"]] {
        let run = written.run(path, &watch);
        assert_eq!(run.result, Ok(()));
        assert!(!run.report.tables[0].rows().is_empty());
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_a_way_out() {
    let written = one_node("arguments");
    let refused = |path: &[&str], values: &[(&str, Value)]| {
        let message = written.run(path, values).result.unwrap_err().message().to_owned();
        assert!(message.starts_with('`'), "{message}");
        message
    };
    for address in ["172.20.1.0/24", "curl-pod", "", "172.20.1.300"] {
        refused(&["ipam", "who"], &[("address", Value::Text(address.to_owned()))]);
    }
    refused(&["ipam"], &[("warn-at", Value::Decimal(185.0))]);
    refused(&["ipam"], &[("warn-at", Value::Decimal(f64::NAN))]);
    refused(&["ipam", "plan"], &[("mask-size", Value::Integer(33))]);
    refused(&["ipam", "plan"], &[("mask-size", Value::Integer(-1))]);
    refused(&["ipam", "plan"], &[("nodes", Value::Integer(-5))]);
    refused(&["ipam", "plan"], &[("pool", Value::Texts(vec!["10.0.0.0/8,ten".to_owned()]))]);
    // Without pools there is nothing to plan with, unless some are named.
    let eni = Written::fixture("eni");
    let message = eni.run(&["ipam", "plan"], &[]).result.unwrap_err().message().to_owned();
    assert!(message.contains("--pool"), "{message}");
    let pool = [("pool", Value::Texts(vec!["10.200.0.0/16".to_owned()]))];
    assert_eq!(eni.run(&["ipam", "plan"], &pool).result, Ok(()));
}

#[test]
fn hosts_that_are_left_out_are_counted_and_not_shown() {
    let written = Written::fixture("kubernetes");
    written.hosts(&["n1"], &[]);
    let run = written.run(&["ipam"], &[]);
    let keys: Vec<&str> = run.report.tables[0].rows().iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["*/IPv4", "n1/10.244.0.0/16/10.244.0.0/24"]);
    let pools = &run.report.tables[1];
    assert_eq!(cell(pools, "kubernetes/10.244.0.0/16", "blocksUsed"), &Cell::Integer(2));
    let run = written.run(&["ipam", "addresses"], &[]);
    assert_eq!(run.report.tables[0].rows().len(), 2);
}

#[test]
fn a_large_pool_of_tiny_ranges_is_plain_arithmetic() {
    let plan = [
        ("mask-size", Value::Integer(30)),
        ("nodes", Value::Integer(4_000_000_000)),
        ("pods-per-node", Value::Integer(1)),
        ("pool", Value::Texts(vec!["10.0.0.0/8".to_owned()])),
    ];
    let run = one_node("tiny").run(&["ipam", "plan"], &plan);
    assert_eq!(run.result, Ok(()));
    let table = &run.report.tables[0];
    assert_eq!(
        cell(table, "planned/10.0.0.0/8/ranges for nodes", "planned"),
        &Cell::Integer(4_194_304)
    );
    let pods = cell(table, "planned/10.0.0.0/8/addresses for pods on each node", "planned");
    assert_eq!(pods, &Cell::Integer(1));
    assert!(codes(&run).contains(&"ipam/plan-too-few-ranges"));
}
