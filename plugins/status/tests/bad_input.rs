//! What is broken, missing or hostile: the rest is shown, and what is not known is not zero.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use lab_output::{Cell, Table};
use lab_plugin_test::Run;
use lab_types::Value;
use serde_json::json;
use support::{ENDPOINTS, METRICS, MODULES, NODES, QUANTILES, Recorded, SETTINGS, STATUS, told};

const NAME: &str = "cilium-1.18.0-native";
const COMMANDS: [&[&str]; 4] =
    [&["status"], &["status", "config"], &["status", "metrics"], &["status", "endpoints"]];

fn table<'r>(run: &'r Run, name: &str) -> &'r Table {
    run.report.tables.iter().find(|table| table.name() == name).unwrap()
}

fn cell<'r>(run: &'r Run, of: &str, key: &str, column: &str) -> &'r Cell {
    let table = table(run, of);
    let column = table.columns().iter().position(|known| known.id == column).unwrap();
    &table.rows().iter().find(|row| row.key == key).unwrap().cells[column]
}

fn is_unknown(cell: &Cell) -> bool {
    matches!(cell, Cell::Text(text) | Cell::Health(_, text) if text == "?")
}

fn codes(run: &Run) -> Vec<&str> {
    told(run).into_iter().map(|(_, code, _)| code).collect()
}

#[test]
fn a_cluster_without_cilium_says_nothing_wrong() {
    let mut recorded = Recorded { hosts: vec!["n1".to_owned()], ..Recorded::default() };
    recorded.objects.insert("v1/Node".to_owned(), json!([{"metadata": {"name": "n1"}}]));
    recorded.objects.insert("v1/Pod".to_owned(), json!([]));
    for path in COMMANDS {
        let run = recorded.run(&format!("no-cilium-{}", path.len()), path, &[]);
        assert_eq!(run.result, Ok(()), "{path:?}");
        assert!(run.report.findings.is_empty(), "{:#?}", run.report.findings);
        // Nobody answered, and that is told.
        assert!(!run.report.partials.is_empty(), "{path:?}");
    }
}

#[test]
fn without_definitions_the_rest_is_shown() {
    let mut recorded = Recorded::read(NAME);
    for kind in ["cilium.io/v2/CiliumNode", "cilium.io/v2/CiliumEndpoint"] {
        recorded.objects.remove(kind);
    }
    let run = recorded.run("no-definitions", &["status"], &[]);
    assert_eq!(run.result, Ok(()));
    assert!(is_unknown(cell(&run, "status", "k8s-w1", "endpoints")));
    assert_eq!(cell(&run, "status", "k8s-w1", "version"), &Cell::Text("1.18.0".into()));
}

#[test]
fn one_dead_agent_does_not_hide_the_others() {
    let mut recorded = Recorded::read(NAME);
    for question in [STATUS, METRICS, QUANTILES, MODULES, SETTINGS] {
        recorded.print("k8s-w0", question, 1, "");
    }
    let run = recorded.run("dead", &["status"], &[]);
    assert_eq!(run.result, Ok(()));
    for column in ["ipam", "routing", "modules", "controllers", "mapPressure", "api", "identities"]
    {
        assert!(is_unknown(cell(&run, "status", "k8s-w0", column)), "{column}");
        assert!(!is_unknown(cell(&run, "status", "k8s-w1", column)), "{column}");
    }
    // The image says which version it ought to be.
    assert_eq!(cell(&run, "status", "k8s-w0", "version"), &Cell::Text("1.18.0".into()));
    assert!(run.report.partials.iter().any(|partial| partial.subject == "k8s-w0"));
    let run = recorded.run("dead-config", &["status", "config"], &[]);
    assert_eq!(run.result, Ok(()));
    assert_eq!(cell(&run, "config", "routing-mode", "hosts"), &Cell::Text("k8s-ctr k8s-w1".into()));
    assert!(is_unknown(cell(&run, "config", "routing-mode/1", "inForce")));
}

#[test]
fn text_in_place_of_json_is_told() {
    let mut recorded = Recorded::read(NAME);
    for host in NODES {
        for question in [STATUS, METRICS, QUANTILES, MODULES, SETTINGS, ENDPOINTS] {
            recorded.print(host, question, 0, "Error: Cannot get status: connection refused\n");
        }
    }
    for path in COMMANDS {
        let run = recorded.run(&format!("text-{}", path.join("-")), path, &[]);
        assert_eq!(run.result, Ok(()), "{path:?}");
        assert!(run.report.findings.is_empty(), "{:#?}", run.report.findings);
        let told = run.report.partials.iter().filter(|it| NODES.contains(&it.subject.as_str()));
        assert!(told.count() >= 3, "{path:?}");
    }
}

#[test]
fn the_text_form_of_a_sysdump_is_read() {
    let text = include_str!(
        "../../../tests/fixtures/text/cilium-1.18.0-native/k8s-ctr/cilium-dbg-status-verbose.txt"
    );
    let settings = include_str!(
        "../../../tests/fixtures/text/cilium-1.18.0-native/k8s-ctr/cilium-dbg-config-all.txt"
    );
    let mut recorded = Recorded::read(NAME);
    recorded.printed.clear();
    recorded.print("k8s-ctr", "agent: cilium-dbg status --verbose", 0, text);
    recorded.print("k8s-ctr", "agent: cilium-dbg config --all", 0, settings);
    let run = recorded.run("text-forms", &["status"], &[]);
    assert_eq!(run.result, Ok(()));
    let shown = |column: &str| cell(&run, "status", "k8s-ctr", column).clone();
    assert_eq!(shown("routing"), Cell::Text("native".into()));
    assert_eq!(shown("masquerading"), Cell::Text("bpf".into()));
    assert!(matches!(shown("ipam"), Cell::Text(text) if text.ends_with("/254")));
    assert!(matches!(shown("peers"), Cell::Health(_, text) if text == "not-probed"));
    assert!(!codes(&run).contains(&"config-drift"), "{:#?}", run.report.findings);
}

#[test]
fn fields_that_are_missing_or_new_cost_nothing_else() {
    let mut recorded = Recorded::read(NAME);
    recorded.answer("k8s-w1", STATUS, |status| {
        *status = json!({"cilium": {"state": "Ok", "msg": "1.99.0 (v1.99.0)"}, "routing": ["native"],
            "controllers": {"a": 1}, "ipam": null, "unheard-of": {"deep": [1, {"x": null}]}});
    });
    recorded.answer("k8s-w1", SETTINGS, |fields| {
        fields["RoutingMode"] = json!({"new": "shape"});
        fields["EnableEverything"] = json!([[1], {"a": {}}]);
        fields.as_object_mut().unwrap().remove("EnableIPv4");
    });
    let run = recorded.run("fields", &["status"], &[]);
    assert_eq!(run.result, Ok(()));
    assert_eq!(cell(&run, "status", "k8s-w1", "version"), &Cell::Text("1.99.0".into()));
    assert_eq!(cell(&run, "status", "k8s-w1", "routing"), &Cell::Absent);
    assert_eq!(cell(&run, "status", "k8s-w1", "controllers"), &Cell::Absent);
    assert!(!codes(&run).contains(&"config-drift"), "{:#?}", run.report.findings);
    let run = recorded.run("fields-config", &["status", "config"], &[]);
    assert_eq!(run.result, Ok(()));
    assert!(table(&run, "config").rows().len() > 100);
}

#[test]
fn numbers_that_are_none_are_shown_as_such() {
    let mut recorded = Recorded::read(NAME);
    let metrics = r#"[{"name":"cilium_a","value":"NaN"},{"name":"cilium_b","value":"+Inf"},
        {"name":"cilium_bpf_map_pressure","labels":{"map_name":"x"},"value":"NaN"},{"value":1},"odd"]"#;
    recorded.print("k8s-w1", METRICS, 0, metrics);
    let run = recorded.run("numbers", &["status"], &[]);
    assert_eq!(cell(&run, "status", "k8s-w1", "mapPressure"), &Cell::Absent);
    assert!(!codes(&run).contains(&"map-pressure"));
    let run = recorded.run("numbers-metrics", &["status", "metrics"], &[]);
    assert_eq!(cell(&run, "metrics", "cilium_a{}/*", "value"), &Cell::Text("NaN".into()));
    assert_eq!(cell(&run, "metrics", "cilium_b{}/*", "value"), &Cell::Text("+Inf".into()));
    assert!(run.report.partials.iter().any(|partial| partial.subject == "k8s-w1"));
    // A document cannot hold such a number at all, so agents fail to write it; the table can.
    recorded.print("k8s-w1", METRICS, 1, "");
    let run = recorded.run("numbers-of-status", &["status"], &[]);
    assert!(!is_unknown(cell(&run, "status", "k8s-w1", "mapPressure")));
    assert!(run.report.partials.is_empty(), "{:?}", run.report.partials);
    recorded.print(
        "k8s-w1",
        QUANTILES,
        0,
        "Metric              Labels              Value\ncilium_a                                NaN\n",
    );
    let run = recorded.run(
        "numbers-text",
        &["status", "metrics"],
        &[("name", Value::Text("cilium_a".to_owned()))],
    );
    assert_eq!(cell(&run, "metrics", "cilium_a{}/*", "value"), &Cell::Text("NaN".into()));
}

#[test]
fn objects_of_the_wrong_shape_cost_themselves() {
    let mut recorded = Recorded::read(NAME);
    let pods = recorded.items("v1/Pod");
    pods.push(json!({"metadata": {"name": "odd", "namespace": "kube-system", "labels": {"k8s-app": "cilium"}}}));
    pods.push(json!({"metadata": {"name": "null", "namespace": "kube-system",
        "labels": {"k8s-app": "cilium"}}, "spec": null, "status": null}));
    pods.push(json!({"metadata": {"name": "worse", "namespace": "kube-system",
        "labels": {"k8s-app": "cilium"}}, "status": {"containerStatuses": 7}}));
    recorded.objects.insert(
        "cilium.io/v2/CiliumNodeConfig".to_owned(),
        json!([{"metadata": {"name": "bare", "namespace": "kube-system"}},
            {"metadata": {"name": "null", "namespace": "kube-system"}, "spec": {"defaults": null}}]),
    );
    let run = recorded.run("objects", &["status"], &[]);
    assert_eq!(run.result, Ok(()));
    assert_eq!(table(&run, "status").rows().len(), 3);
    assert!(run.report.partials.iter().any(|partial| partial.subject == "Pod"));
    assert!(
        matches!(cell(&run, "status", "k8s-w1", "ready"), Cell::Health(_, text) if text == "ready")
    );
}

#[test]
fn words_that_mean_nothing_are_told() {
    let recorded = Recorded::read(NAME);
    let run = |path: &[&str], name: &str, value: Value| {
        recorded
            .run(&format!("words-{}-{name}", path.len()), path, &[(name, value)])
            .result
            .unwrap_err()
    };
    let failure = run(&["status", "config"], "key", Value::Text("masquerade".to_owned()));
    assert!(failure.message().contains("did you mean enable-bpf-masquerade"), "{failure:?}");
    let failure = run(&["status", "config"], "key", Value::Text("zzz".to_owned()));
    assert!(failure.message().contains("kubectl lab status config"), "{failure:?}");
    let failure = run(&["status", "metrics"], "name", Value::Text("a~(".to_owned()));
    assert!(failure.message().contains("no regular expression"), "{failure:?}");
    let failure = run(&["status", "metrics"], "rate", Value::Duration(0));
    assert!(failure.message().contains("--rate 0s"), "{failure:?}");
    let failure = run(&["status"], "map-pressure-at", Value::Decimal(120.0));
    assert!(failure.message().contains("from 0 to 100"), "{failure:?}");
}
