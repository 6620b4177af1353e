//! `status config` beside what the chart of the cluster's own version writes, and settings that one
//! node has for itself.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;

use lab_charts::defaults::{Defaults, MINORS};
use lab_charts::version::Version;
use lab_output::{Cell, Table};
use lab_plugin_test::Run;
use lab_types::Value;
use serde_json::json;
use support::{NODES, Recorded, SETTINGS, STARTED_WITH, STATUS, told};

const CONFIG: &[&str] = &["status", "config"];

fn changed() -> [(&'static str, Value); 1] {
    [("changed", Value::Boolean(true))]
}

/// A cluster of one version with settings that its agents have started with.
fn cluster(version: &str, settings: &BTreeMap<String, String>) -> Recorded {
    let mut recorded = Recorded::read("cilium-1.18.0-native");
    recorded.of("v1/ConfigMap", "cilium-config")["data"] = json!(settings);
    let mut files = String::new();
    for (key, value) in settings.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(files, "/tmp/cilium/config-map/..data_1763867210/{key}:{value}").unwrap();
    }
    for node in NODES {
        recorded.print(node, STARTED_WITH, 0, &files);
        recorded.answer(node, STATUS, |status| status["cilium"]["msg"] = json!(version));
        recorded.agent(node)["spec"]["containers"][0]["image"] =
            json!(format!("quay.io/cilium/cilium:v{version}"));
    }
    recorded
}

fn table<'r>(run: &'r Run, name: &str) -> &'r Table {
    run.report.tables.iter().find(|table| table.name() == name).unwrap()
}

fn keys(run: &Run) -> Vec<&str> {
    table(run, "config").rows().iter().map(|row| row.key.as_str()).collect()
}

fn cell<'r>(run: &'r Run, of: &str, key: &str, column: &str) -> &'r Cell {
    let table = table(run, of);
    let column = table.columns().iter().position(|known| known.id == column).unwrap();
    &table.rows().iter().find(|row| row.key == key).unwrap().cells[column]
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn title<'r>(run: &'r Run, of: &str, column: &str) -> &'r str {
    &table(run, of).columns().iter().find(|known| known.id == column).unwrap().title
}

/// What the chart of a version writes by itself.
fn written(version: &Version) -> BTreeMap<String, String> {
    Defaults::of(version).unwrap().written(version)
}

#[test]
fn what_was_changed_is_listed_and_nothing_else() {
    for minor in MINORS.0..=MINORS.1 {
        let releases = &Defaults::of(&Version::minor(1, minor)).unwrap().releases;
        let newest = releases.last().unwrap();
        for version in [&releases[0], newest, &Version::release(1, minor, 99)] {
            let mut settings = written(version);
            let name = version.to_string();
            let run =
                cluster(&name, &settings).run(&format!("as-it-is-{name}"), CONFIG, &changed());
            assert_eq!(run.result, Ok(()));
            assert_eq!(keys(&run), [""; 0], "{name}");
            // One that the chart writes, and one that it leaves out.
            settings.insert("debug".to_owned(), "true".to_owned());
            settings.insert("mtu".to_owned(), "1400".to_owned());
            let run = cluster(&name, &settings).run(&format!("changed-{name}"), CONFIG, &changed());
            assert_eq!(keys(&run), ["debug", "mtu"], "{name}");
            let release = if version.patch == Some(99) { newest } else { version };
            assert_eq!(title(&run, "config", "default"), format!("DEFAULT-{release}"));
            assert_eq!(cell(&run, "config", "debug", "default"), &text("false"));
            assert_eq!(cell(&run, "config", "mtu", "default"), &Cell::Absent);
            assert_eq!(cell(&run, "config", "mtu", "defaultOf"), &text(&release.to_string()));
            assert!(run.report.partials.is_empty(), "{:?}", run.report.partials);
        }
    }
}

#[test]
fn another_minors_defaults_are_changes() {
    // In 1.17 it was on, in 1.18 it is not.
    let settings = written(&Version::release(1, 17, 6));
    assert_eq!(settings["enable-l2-neigh-discovery"], "true");
    let run = cluster("1.18.0", &settings).run("of-another-minor", CONFIG, &changed());
    assert_eq!(cell(&run, "config", "enable-l2-neigh-discovery", "default"), &text("false"));
    let run = cluster("1.17.6", &settings).run("of-its-own-minor", CONFIG, &changed());
    assert_eq!(keys(&run), [""; 0]);
}

#[test]
fn defaults_are_those_of_most_agents() {
    let settings = written(&Version::release(1, 19, 6));
    let mut recorded = cluster("1.19.6", &settings);
    recorded.answer("k8s-w1", STATUS, |status| status["cilium"]["msg"] = json!("1.20.0"));
    let run = recorded.run("mixed", CONFIG, &changed());
    assert_eq!(title(&run, "config", "default"), "DEFAULT-1.19.6");
    assert_eq!(keys(&run), [""; 0]);
}

#[test]
fn what_nobody_knows_is_not_made_up() {
    let settings = written(&Version::release(1, 20, 2));
    for (version, why) in [
        ("1.27.0", "what the chart of Cilium 1.27 writes by itself is not known here"),
        ("1.13.18", "those of 1.14 to 1.20 are"),
        ("latest", "no agent says a version that can be read"),
    ] {
        let mut recorded = cluster(version, &settings);
        let image = format!("quay.io/cilium/cilium:{version}");
        for node in NODES {
            recorded.agent(node)["spec"]["containers"][0]["image"] = json!(image);
        }
        recorded.set("debug", "true");
        let run = recorded.run(&format!("unknown-{version}"), CONFIG, &[]);
        assert_eq!(run.result, Ok(()));
        assert_eq!(title(&run, "config", "default"), "DEFAULT");
        assert_eq!(cell(&run, "config", "mesh-auth-enabled", "default"), &text("?"));
        assert_eq!(cell(&run, "config", "mesh-auth-enabled", "defaultOf"), &text("?"));
        assert!(run.report.partials.is_empty(), "{:?}", run.report.partials);
        // What may be changed is shown, and that nobody knows is told.
        let all = keys(&run).len();
        let run = recorded.run(&format!("unknown-changed-{version}"), CONFIG, &changed());
        assert_eq!(run.result, Ok(()));
        assert_eq!(keys(&run).len(), all);
        let partials: Vec<String> =
            run.report.partials.iter().map(|it| it.why.message.clone()).collect();
        assert!(partials.len() == 1 && partials[0].contains(why), "{partials:?}");
        assert_eq!(told(&run), [("warn", "config-drift", "debug")]);
        let key = [("key", Value::Text("mesh-auth-enabled".to_owned()))];
        let run = recorded.run(&format!("unknown-key-{version}"), CONFIG, &key);
        assert_eq!(cell(&run, "setting", "mesh-auth-enabled", "default"), &text("?"));
    }
}

#[test]
fn equal_nodes_are_one_row_whatever_else_is_known_of_them() {
    let settings = written(&Version::release(1, 18, 0));
    let mut recorded = cluster("1.18.0", &settings);
    recorded.print("k8s-w0", STARTED_WITH, 1, "");
    let run = recorded.run("files-of-some", CONFIG, &[]);
    assert_eq!(cell(&run, "config", "ipam", "hosts"), &text("all"));
    assert_eq!(cell(&run, "config", "ipam", "inForce"), &text("cluster-pool"));
    // What only files tell is not known of the node without them.
    assert_eq!(cell(&run, "config", "nat-map-stats-entries", "hosts"), &text("k8s-ctr k8s-w1"));
    assert_eq!(cell(&run, "config", "nat-map-stats-entries/1", "inForce"), &text("?"));
}

const ANNOTATION: &str = "config.cilium.io/debug";

/// A cluster with such an annotation on one node, whose agents are told to look there.
fn annotated(words: &[&str]) -> Recorded {
    let mut recorded = Recorded::read("cilium-1.18.0-native");
    recorded.of("v1/Node", "k8s-w1")["metadata"]["annotations"] =
        json!({ANNOTATION: "false", "kubeadm.alpha.kubernetes.io/cri-socket": "unix:///x"});
    for node in NODES {
        let init = &mut recorded.agent(node)["spec"]["initContainers"][0];
        assert_eq!(init["command"], json!(["cilium-dbg", "build-config"]));
        let command = init["command"].as_array_mut().unwrap();
        command.extend(words.iter().map(|word| json!(word)));
    }
    recorded
}

const WITH_NODE: &str = "--source=config-map:cilium-config,cilium-node-config,node:";

fn node_config(name: &str, value: &str) -> serde_json::Value {
    json!({"metadata": {"name": name, "namespace": "kube-system"}, "spec": {
        "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": "k8s-w1"}},
        "defaults": {"debug": value}}})
}

/// What overrules `debug` on a node, as the program shows it.
fn overruling(recorded: &Recorded, name: &str, node: &str) -> Cell {
    let key = [("key", Value::Text("debug".to_owned()))];
    let run = recorded.run(name, CONFIG, &key);
    assert_eq!(run.result, Ok(()));
    cell(&run, "nodes", node, "nodeConfig").clone()
}

#[test]
fn a_node_has_settings_in_its_annotations() {
    let mut recorded = annotated(&[WITH_NODE]);
    let shown = text("false (annotation config.cilium.io/debug)");
    assert_eq!(overruling(&recorded, "annotated", "k8s-w1"), shown);
    assert_eq!(overruling(&recorded, "annotated", "k8s-w0"), Cell::Absent);
    // The agent still runs with the old value.
    let run = recorded.run("annotated-all", CONFIG, &[]);
    assert_eq!(told(&run), [("warn", "config-drift", "debug")]);
    let finding = &run.report.findings[0];
    assert_eq!(finding.evidence[0].place, "Node k8s-w1, annotation config.cilium.io/debug");
    assert_eq!(finding.evidence[0].text, "debug: false");
    assert_eq!(cell(&run, "config", "debug/1", "hosts"), &text("k8s-w1"));
    assert_eq!(cell(&run, "config", "debug/1", "nodeConfig"), &text("false"));
    assert_eq!(cell(&run, "config", "debug/1", "written"), &text("true"));
    assert_eq!(
        cell(&run, "config", "debug/1", "origin"),
        &text("annotation config.cilium.io/debug")
    );
    assert_eq!(cell(&run, "config", "debug", "hosts"), &text("k8s-ctr k8s-w0"));
    // It was restarted.
    recorded.answer("k8s-w1", SETTINGS, |fields| fields["Debug"] = json!(false));
    let run = recorded.run("annotated-restarted", CONFIG, &[]);
    assert_eq!(told(&run), []);
    // It was taken away, and the agent has not been restarted since.
    recorded.of("v1/Node", "k8s-w1")["metadata"]["annotations"] = json!({});
    let run = recorded.run("annotated-no-more", CONFIG, &[]);
    assert_eq!(told(&run), [("warn", "config-drift", "debug")]);
    assert_eq!(run.report.findings[0].evidence[0].place, "cilium-config");
}

#[test]
fn only_agents_that_are_told_to_heed_annotations() {
    // As the chart installs them, they look at CiliumNodeConfigs alone.
    let mut recorded = annotated(&[]);
    assert_eq!(overruling(&recorded, "annotated-unheeded", "k8s-w1"), Cell::Absent);
    recorded
        .objects
        .insert("cilium.io/v2/CiliumNodeConfig".to_owned(), json!([node_config("quiet", "false")]));
    let shown = text("false (CiliumNodeConfig quiet)");
    assert_eq!(overruling(&recorded, "node-config", "k8s-w1"), shown);
    // Since 1.20 the ConfigMap alone may be read, and then nothing gathers settings.
    for node in NODES {
        recorded.agent(node)["spec"]["initContainers"].as_array_mut().unwrap().remove(0);
    }
    assert_eq!(overruling(&recorded, "node-config-unheeded", "k8s-w1"), Cell::Absent);
}

#[test]
fn the_last_source_counts() {
    let with = |words: &[&str]| {
        let mut recorded = annotated(words);
        recorded.objects.insert(
            "cilium.io/v2/CiliumNodeConfig".to_owned(),
            json!([node_config("b", "loud"), node_config("a", "quiet")]),
        );
        recorded
    };
    let annotation = text("false (annotation config.cilium.io/debug)");
    let config = text("loud (CiliumNodeConfig b)");
    for (name, words, expected) in [
        ("last-node", &[WITH_NODE][..], &annotation),
        ("last-config", &["--source=config-map:,node:,cilium-node-config"], &config),
        ("last-map", &["--source=node:,cilium-node-config,config-map:"], &Cell::Absent),
        (
            "last-twice",
            &["--source", "config-map:", "--source", "node:$(K8S_NODE_NAME)"],
            &annotation,
        ),
        (
            "last-named",
            &["--source=config-map:,node:,cilium-node-config:kube-system/a"],
            &text("quiet (CiliumNodeConfig a)"),
        ),
        ("last-foreign", &["--source=config-map:,node:,cilium-node-config:other"], &annotation),
        ("last-denied", &[WITH_NODE, "--deny-config-keys=debug,mtu"], &Cell::Absent),
        ("last-allowed", &[WITH_NODE, "--allow-config-keys=debug"], &annotation),
        ("last-not-allowed", &[WITH_NODE, "--allow-config-keys=mtu"], &Cell::Absent),
        ("last-first", &["--source=node:,config-map:", "--deny-config-keys=debug"], &annotation),
    ] {
        assert_eq!(&overruling(&with(words), name, "k8s-w1"), expected, "{name}");
    }
    // One node's annotations may be meant for all.
    let of_one = with(&["--source=config-map:,node:k8s-w1"]);
    let expected = text("false (annotation config.cilium.io/debug of Node k8s-w1)");
    assert_eq!(overruling(&of_one, "last-of-one", "k8s-w0"), expected);
}

#[test]
fn another_config_map_may_overrule_the_first() {
    let mut recorded =
        annotated(&["--source=config-map:cilium-config,config-map:other/more,node:"]);
    let more = json!({"metadata": {"name": "more", "namespace": "other"},
        "data": {"debug": "verbose", "mtu": "1400"}});
    recorded.items("v1/ConfigMap").push(more);
    let verbose = text("verbose (ConfigMap more)");
    assert_eq!(overruling(&recorded, "more-maps", "k8s-w0"), verbose);
    let annotation = text("false (annotation config.cilium.io/debug)");
    assert_eq!(overruling(&recorded, "more-maps", "k8s-w1"), annotation);
    let run = recorded.run("more-maps-all", CONFIG, &[]);
    assert_eq!(cell(&run, "config", "mtu", "nodeConfig"), &text("1400"));
}
