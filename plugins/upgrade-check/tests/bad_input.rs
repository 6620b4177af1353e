//! Clusters that are not what they should be, versions that nobody knows, and arguments that make
//! no sense: told with a way out, and what holds is checked all the same.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

#[path = "support/denying.rs"]
mod denying;
mod support;

use std::sync::Arc;

use denying::Denying;
use lab_backend::Capture;
use lab_output::Cell;
use lab_plugin_test::{Lab, Run};
use lab_types::Value;
use serde_json::json;
use support::{Cluster, codes, text};
use upgrade_check::UpgradeCheck;

fn check(cluster: &Cluster, name: &str, values: &[(&str, Value)]) -> Run {
    cluster.run(&format!("bad-{name}"), &["upgrade-check"], values)
}

fn refused(run: &Run) -> String {
    run.result.as_ref().unwrap_err().message().to_owned()
}

/// Result and text of one check.
fn cell(run: &Run, id: &str, column: &str) -> String {
    let table = &run.report.tables[0];
    let at = table.columns().iter().position(|it| it.id == column).unwrap();
    let row = table.rows().iter().find(|row| row.key == id).unwrap();
    match &row.cells[at] {
        Cell::Health(_, word) => word.to_string(),
        cell => cell.plain().into_owned(),
    }
}

#[test]
fn a_cluster_without_cilium_says_so() {
    let mut cluster = Cluster::good("1.18.14");
    cluster.items("apps/v1/DaemonSet").clear();
    cluster.items("v1/ConfigMap").clear();
    cluster.items("v1/Pod").clear();
    let message = refused(&check(&cluster, "none", &[]));
    assert!(message.contains("k8s-app=cilium") && message.contains("--from-version"), "{message}");
    // Under another name what holds is checked all the same.
    let all = ("all", Value::Boolean(true));
    let named = [text("from-version", "1.18.14"), text("to", "1.19"), all];
    let run = check(&cluster, "named", &named);
    assert_eq!(run.result, Ok(()));
    assert_eq!(cell(&run, "119-requires", "result"), "pass");
}

#[test]
fn versions_that_nobody_knows_are_told_and_the_rest_is_checked() {
    let run = check(&Cluster::good("1.13.4"), "old", &[text("to", "1.14")]);
    assert_eq!(run.result, Ok(()));
    assert!(codes(&run).contains("unknown-version"), "{:?}", codes(&run));
    let run = check(&Cluster::good("1.20.2"), "new", &[text("to", "1.21.0")]);
    assert!(codes(&run).contains("unknown-version"));
    assert!(!codes(&run).contains("old-patch"));
    let path = ["upgrade-check", "config"];
    let run = Cluster::good("1.20.2").run("bad-new-config", &path, &[text("to", "1.21.0")]);
    assert!(refused(&run).contains("1.14 to 1.20"));
    let path = ["upgrade-check", "plan"];
    let run = Cluster::good("1.20.2").run("bad-new-plan", &path, &[text("to", "1.21.0")]);
    assert_eq!(run.result, Ok(()));
    for version in ["1.18.0-rc.1", "1.18.0-dev", "1.18.0-pre.2"] {
        let run = check(&Cluster::good("1.17.18"), "before", &[text("to", version)]);
        assert!(codes(&run).contains("unknown-version"), "{version}");
        assert!(codes(&run).contains("118-l2-neighbours"), "{version}");
    }
    // A distributor's suffix changes nothing.
    let run = check(&Cluster::good("1.18.14-cee.1"), "suffix", &[text("to", "1.19.8")]);
    assert_eq!(codes(&run).into_iter().collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn back_is_a_way_too_with_a_warning() {
    let run = check(&Cluster::good("1.18.14"), "back", &[text("to", "1.17.18")]);
    assert_eq!(run.result, Ok(()));
    assert!(codes(&run).contains("downgrade"));
    assert!(codes(&run).iter().all(|code| !code.starts_with("118-")), "{:?}", codes(&run));
}

#[test]
fn where_the_image_says_nothing_the_agent_is_asked() {
    let mut cluster = Cluster::good("1.18.14");
    cluster.agent()["image"] = json!("quay.io/cilium/cilium@sha256:dfea");
    for pod in cluster.items("v1/Pod") {
        if pod["metadata"]["name"].as_str().unwrap().starts_with("cilium-") {
            pod["spec"]["containers"][0]["image"] = json!("quay.io/cilium/cilium:latest");
        }
    }
    let message = refused(&check(&cluster, "silent", &[text("to", "1.19")]));
    assert!(message.contains("--from-version"), "{message}");
    let said = "Client: 1.18.9 274205f0 2026-04-15T12:48:35Z go version go1.26.8 linux/amd64\n\
        Daemon: 1.18.9 274205f0 2026-04-15T12:48:35Z go version go1.26.8 linux/amd64\n";
    let words = "cilium-dbg version".to_owned();
    cluster.commands.push(("k8s-w1".to_owned(), "agent", words, said.to_owned()));
    let run = check(&cluster, "asked", &[text("to", "1.19")]);
    assert_eq!(run.result, Ok(()));
    assert!(cell(&run, "old-patch", "seen").contains("1.18.9"));
}

#[test]
fn agents_are_believed_before_their_daemon_set() {
    let mut cluster = Cluster::good("1.17.18");
    cluster.agent()["image"] = json!("quay.io/cilium/cilium:v1.18.14");
    let run = check(&cluster, "conflict", &[text("to", "1.18.14")]);
    assert!(codes(&run).contains("agent-versions"), "{:?}", codes(&run));
    assert!(codes(&run).contains("118-l2-neighbours"));
}

#[test]
fn what_cannot_be_read_is_unknown_and_nothing_else() {
    for kind in ["v1/Node", "apiextensions.k8s.io/v1/CustomResourceDefinition", "v1/ConfigMap"] {
        let mut cluster = Cluster::good("1.17.18");
        cluster.objects.remove(kind);
        let run = check(&cluster, "unread", &[text("to", "1.18")]);
        assert_eq!(run.result, Ok(()), "{kind}");
        assert!(!run.report.partials.is_empty(), "{kind}");
        let rows = run.report.tables[0].rows();
        let id = match kind {
            "v1/Node" => "118-kernel",
            "v1/ConfigMap" => "118-l2-neighbours",
            _ => "118-bgp-v2",
        };
        assert!(rows.iter().any(|row| row.key == id) || kind.starts_with("api"), "{kind}");
        if !kind.starts_with("api") {
            assert_eq!(cell(&run, id, "result"), "unknown");
            assert!(cell(&run, id, "seen").contains("not in this capture"), "{kind}");
        }
    }
}

#[test]
fn settings_that_no_chart_writes_are_unknown_and_not_wrong() {
    let mut cluster = Cluster::good("1.17.18");
    cluster.set("my-own-key", "1");
    let run = cluster.run("bad-keys", &["upgrade-check", "config"], &[text("to", "1.18")]);
    assert_eq!(cell(&run, "my-own-key", "fate"), "unknown");
    assert_eq!(cell(&run, "my-own-key", "then"), "1");
}

#[test]
fn objects_with_odd_parts_cost_nothing() {
    let mut cluster = Cluster::good("1.17.18");
    let node = cluster.of("v1/Node", "k8s-w1");
    node["status"]["nodeInfo"]["kernelVersion"] = json!("custom");
    cluster.of("apps/v1/DaemonSet", "cilium")["spec"]["template"] = json!(null);
    cluster.of("apps/v1/Deployment", "cilium-operator")["status"] = json!(null);
    cluster.add("cilium.io/v2/CiliumNetworkPolicy", &json!([1, "a", {"ingress": 7}]));
    cluster.add("cilium.io/v2/CiliumBGPPeerConfig".replace("v2", "v2alpha1").as_str(), &json!(5));
    for path in [&["upgrade-check"][..], &["upgrade-check", "plan"], &["upgrade-check", "diff"]] {
        let run = cluster.run("bad-odd", path, &[text("to", "1.18")]);
        assert_eq!(run.result, Ok(()), "{path:?}");
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_a_way_out() {
    let cluster = Cluster::good("1.18.14");
    for version in ["", "newest", "1", "1.x", "v"] {
        for name in ["to", "from-version"] {
            let message = refused(&check(&cluster, "version", &[text(name, version)]));
            assert!(message.contains(&format!("--{name}")), "{message}");
            assert!(message.contains("such as 1.18"), "{message}");
        }
    }
    let message = refused(&check(&cluster, "values", &[text("values", "{\"a\": ")]));
    assert!(message.starts_with("--values: "), "{message}");
    let own = |rules: &str| {
        check(
            &cluster,
            "rules",
            &[
                ("rules", Value::Texts(vec![rules.to_owned()])),
                ("rules name", Value::Texts(vec!["own.toml".to_owned()])),
            ],
        )
    };
    let message = refused(&own("[[rule]]\nid = \"mine\"\n"));
    assert!(message.contains("own.toml, line 1: rule `mine`: "), "{message}");
    let message = refused(&own("a = [\n"));
    assert!(message.contains("own.toml, line "), "{message}");
}

const OWN: &str = r#"
[[rule]]
id = "no-debug"
title = "Agents do not log at debug level"
severity = "warn"
all = [{ config = "debug", equals = true }]
why = "It costs."
todo = "Switch it off."
link = "https://example.org/debug"
"#;

#[test]
fn rules_of_the_user_are_judged_with_the_others() {
    let cluster = Cluster::good("1.18.14");
    let lab = |settings: &str| Lab::open(cluster.write("bad-own")).setting("extra-rules", settings);
    let run = |settings: &str| {
        lab(settings).run::<UpgradeCheck>(&["upgrade-check"], &[text("to", "1.19")])
    };
    let told = run(OWN);
    assert!(codes(&told).contains("no-debug"), "{:?}", told.result);
    assert_eq!(cell(&told, "no-debug", "group"), "own");
    let message = refused(&run(&format!("{OWN}wrong = 1\n")));
    assert!(message.contains("extra-rules of the configuration file, line 2: rule "), "{message}");
    let message = refused(&run(&OWN.replace("\"no-debug\"", "\"119-requires\"")));
    assert!(message.contains("already"), "{message}");
}

#[test]
fn what_may_not_be_read_makes_its_checks_unknown() {
    let folder = Cluster::good("1.17.18").write("denied");
    for (kind, id) in [
        ("Node", "118-kernel"),
        ("CustomResourceDefinition", "crd-stored-gone"),
        ("CiliumNetworkPolicy", "118-mesh-policies"),
        ("ConfigMap", "118-l2-neighbours"),
        ("PrometheusRule", "118-metrics"),
        ("Deployment", "operator-none"),
    ] {
        let inner = Capture::open(&folder).unwrap();
        let lab = Lab::new(Arc::new(Denying { inner, kind }));
        let run = lab.run::<UpgradeCheck>(&["upgrade-check"], &[text("to", "1.18")]);
        assert_eq!(run.result, Ok(()), "{kind}");
        assert!(!run.report.partials.is_empty(), "{kind}");
        let table = &run.report.tables[0];
        let at = |id: &str| table.columns().iter().position(|it| it.id == id).unwrap();
        let row = table.rows().iter().find(|row| row.key == id);
        // Without a mesh nobody needs to know whether there are policies.
        if kind == "CiliumNetworkPolicy" {
            assert!(row.is_none());
            continue;
        }
        let row = row.unwrap_or_else(|| panic!("{id} is not shown without {kind}"));
        assert!(matches!(&row.cells[at("result")], Cell::Health(_, word) if word == "unknown"));
        let seen = row.cells[at("seen")].plain().into_owned();
        assert!(seen.contains("not allowed to read it"), "{kind}: {seen}");
        assert!(run.report.findings.iter().all(|it| !it.code.ends_with(id)), "{kind}");
    }
}
