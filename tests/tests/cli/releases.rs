//! Values of a Helm release as an argument: the program reads them for a plugin, where and only
//! where the user wrote so.

use std::path::Path;

use lab_tests::captures::{files_in, recorded};
use lab_tests::{ApiServer, Lab, Reply, Run, Scratch, status};
use serde_json::{Value, json};

/// A Secret as Helm 3.18.6 made it on an API server 1.33.13: a release of a small chart that has
/// the values of a Cilium. Nothing in it is a secret of anybody.
const SECRET: &str = include_str!("releases/cilium.v1.json");
/// Stands in the values, and nowhere else.
const SET: &str = "61s";

/// A cluster with Cilium 1.17.6 and what Helm keeps; every kind that is not here has no objects.
fn cluster(path: &str) -> Reply {
    let ok = |document: Value| Reply::Http(200, "", document.to_string());
    let list = |items: Value| ok(json!({"metadata": {}, "items": items}));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    match path {
        "/version" => ok(json!({"gitVersion": "v1.32.9"})),
        "/apis/apps/v1/daemonsets" => list(json!([{
            "metadata": {"name": "cilium", "namespace": "kube-system",
                "labels": {"k8s-app": "cilium", "app.kubernetes.io/managed-by": "Helm"}},
            "spec": {"template": {"spec": {"containers": [
                {"name": "cilium-agent", "image": "quay.io/cilium/cilium:v1.17.6"}]}}},
        }])),
        "/api/v1/namespaces/kube-system/pods" => list(json!([{
            "metadata": {"name": "cilium-a", "namespace": "kube-system"},
            "spec": {"nodeName": "w0", "containers": [
                {"name": "cilium-agent", "image": "quay.io/cilium/cilium:v1.17.6"}]},
            "status": {"phase": "Running"},
        }])),
        "/api/v1/namespaces/kube-system/configmaps/cilium-config" => ok(json!({
            "metadata": {"name": "cilium-config", "namespace": "kube-system"},
            "data": {"ipam": "cluster-pool"},
        })),
        "/api/v1/namespaces/kube-system/secrets" => {
            let secret: Value = serde_json::from_str(SECRET).expect("it is JSON");
            let is_asked = !query.contains("name%3D") || query.contains("name%3Dcilium%2C");
            list(if is_asked { json!([secret]) } else { json!([]) })
        }
        "/api/v1/namespaces/other/secrets" => {
            status(403, r#"secrets is forbidden: User "dev" cannot list resource "secrets""#)
        }
        "/api/v1/namespaces/empty/secrets" => list(json!([])),
        _ if path.contains("/cilium.io/") && path.rsplit('/').next() == Some("v2") => {
            status(404, "not found")
        }
        _ => list(json!([])),
    }
}

fn lab(server: &ApiServer, line: &str) -> Lab {
    Lab::line(line).kubeconfig(&server.kubeconfig())
}

fn rows(run: &Run) -> Vec<(String, String)> {
    let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let json = run.json();
    let rows = json["values"].as_array().expect("a table").iter();
    rows.map(|row| {
        let fate = row["fate"]["text"].as_str().unwrap_or_default().to_owned();
        (word(row, "value"), format!("{fate} {}", word(row, "now")))
    })
    .collect()
}

#[test]
fn a_plugin_gets_the_values_and_a_recording_gets_nothing() {
    let scratch = Scratch::new();
    let recording = scratch.path("run.zip");
    let server = ApiServer::start(cluster);
    let line = "upgrade-check config -o json --to 1.18.0 --values helm:cilium --record";
    let run = lab(&server, line).arg(&recording).run();
    assert!(matches!(run.code, Some(0 | 1 | 3)), "{}", run.err);
    let rows = rows(&run);
    for (value, said) in [
        ("hubble.relay.enabled", "keep true"),
        ("l2NeighDiscovery.refreshPeriod", &*format!("drop {SET}")),
    ] {
        assert!(rows.contains(&(value.to_owned(), said.to_owned())), "{rows:?}");
    }
    assert_holds_nothing(&recording);
    let secrets: Vec<String> =
        server.asked().into_iter().filter(|path| path.contains("/secrets")).collect();
    assert_eq!(secrets.len(), 1, "{secrets:?}");
    assert!(secrets[0].contains("name%3Dcilium%2Cstatus%3Ddeployed"), "{secrets:?}");
}

#[test]
fn a_capture_of_such_a_command_gets_nothing_either() {
    let scratch = Scratch::new();
    let file = scratch.path("c.zip");
    let server = ApiServer::start(cluster);
    let capture = |values: &str| {
        let lab = lab(&server, "capture").arg(&file);
        let words = format!("upgrade-check config --to 1.18.0 --values {values}");
        lab.arg("--").args(words.split(' ')).run()
    };
    let run = capture("helm:kube-system/cilium");
    assert!(matches!(run.code, Some(0 | 3)), "{}", run.err);
    assert!(server.asked().iter().any(|path| path.contains("/secrets")));
    assert_holds_nothing(&file);
    std::fs::remove_file(&file).unwrap();
    capture("helm:empty/cilium").fails("there is no Helm release `cilium` in namespace empty");
    assert!(!file.exists(), "nothing is captured for a command that cannot run");
    // A file is read there as it is without `capture`.
    let values = scratch.put("values.yaml", "hubble:\n  enabled: true\n");
    let run = capture(&values.display().to_string());
    assert!(matches!(run.code, Some(0 | 3)), "{}", run.err);
}

/// Whether a capture is free of what is in the Secret, and of the Secret.
fn assert_holds_nothing(capture: &Path) {
    let files = files_in(capture);
    assert!(files.iter().any(|(name, _)| name.contains("ConfigMap")), "it is a recording");
    for (name, bytes) in files {
        let text = String::from_utf8_lossy(&bytes);
        for word in ["sh.helm.release", "refreshPeriod", SET, "Secret"] {
            assert!(!text.contains(word), "{name} has `{word}`");
        }
    }
}

#[test]
fn nobody_reads_it_unless_it_is_written() {
    let server = ApiServer::start(cluster);
    let run = lab(&server, "upgrade-check config -o json --to 1.18.0").run();
    assert!(matches!(run.code, Some(0 | 1 | 3)), "{}", run.err);
    assert!(!server.asked().iter().any(|path| path.contains("/secrets")), "{:?}", server.asked());
}

#[test]
fn what_goes_wrong_is_told_with_a_way_out() {
    let server = ApiServer::start(cluster);
    for (values, said, hint) in [
        (
            "helm:other/cilium",
            "cannot read Helm release `cilium`, which is in a Secret of namespace other: forbidden \
             for user `dev`",
            "`helm get values cilium -n other -o yaml`",
        ),
        (
            "helm:clium",
            "there is no Helm release `clium` in namespace kube-system",
            "did you mean helm:kube-system/cilium?",
        ),
        ("helm:metrics", "there is no Helm release `metrics`", "there are: cilium; `helm list -A`"),
        ("helm:empty/cilium", "there is no Helm release `cilium`", "`helm list -A`"),
        ("helm:", "`helm:` names no Helm release", "helm:NAMESPACE/NAME"),
        ("helm:a/b/c", "`helm:a/b/c` names no Helm release", "a file is ./helm:NAME"),
        ("helm:Cilium", "`Cilium` cannot be a name", "helm list -A"),
        ("./helm:cilium", "cannot read `./helm:cilium`", "standard input"),
    ] {
        let run = lab(&server, "upgrade-check --to 1.18.0 --values").arg(values).run();
        let told = run.err.clone();
        run.fails(said);
        assert!(told.contains(hint), "{told}");
    }
    // Only an argument that declares it has releases.
    lab(&server, "upgrade-check --rules helm:cilium").run().fails("cannot read `helm:cilium`");
}

#[test]
fn a_capture_has_no_secrets_and_says_what_to_do() {
    let scratch = Scratch::new();
    let capture = scratch.put("c.zip", std::fs::read(recorded("cilium-1.17.6-native")).unwrap());
    for lab in [
        Lab::line("upgrade-check --values helm:cilium --demo"),
        Lab::line("upgrade-check --values helm:cilium --from").arg(&capture),
    ] {
        let run = lab.run();
        let told = run.err.clone();
        run.fails("`helm:cilium`: a release is kept in a Secret, and no capture has any");
        assert!(told.contains("`helm get values cilium -n kube-system -o yaml`"), "{told}");
    }
}
