//! A recorded cluster as values that a test changes, written as a capture in a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use lab_backend::{Backend, Capture, Selection};
use lab_plugin_test::{Lab, Run};
use lab_types::Value;
use serde_json::{Map, Value as Json, json};
use upgrade_check::UpgradeCheck;
use upgrade_check::collect::KINDS;

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/upgrade-before.zip");

/// A cluster.
pub(crate) struct Cluster {
    /// Objects by `apiVersion/kind`; a kind that is not here was not recorded.
    pub(crate) objects: Map<String, Json>,
    /// What commands print: host, place, words, output.
    pub(crate) commands: Vec<(String, &'static str, String, String)>,
    /// The API server's version.
    pub(crate) kubernetes: String,
}

impl Cluster {
    /// The recorded cluster with another version of Cilium, and everything that was not recorded
    /// known to be none.
    pub(crate) fn good(version: &str) -> Self {
        let backend: Arc<dyn Backend> = Arc::new(Capture::open(CAPTURE).unwrap());
        let mut objects = Map::new();
        for (kind, _) in KINDS {
            let (api_version, name) = kind.rsplit_once('/').unwrap();
            let of = Selection {
                api_version: api_version.to_owned(),
                kind: name.to_owned(),
                ..Selection::default()
            };
            let items: Vec<Json> = match block_on(backend.list(&of, 0, None)) {
                Ok(page) => page
                    .items
                    .iter()
                    .map(|text| {
                        serde_json::from_str(&text.replace("v1.17.6", &format!("v{version}")))
                            .unwrap()
                    })
                    .collect(),
                Err(_) => Vec::new(),
            };
            objects.insert(kind.to_owned(), items.into());
        }
        let of = Selection {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("kube-system".to_owned()),
            ..Selection::default()
        };
        let config: Json =
            serde_json::from_str(&block_on(backend.get(&of, "cilium-config")).unwrap()).unwrap();
        objects.insert("v1/ConfigMap".to_owned(), json!([config]));
        let mut cluster = Self { objects, commands: Vec::new(), kubernetes: "v1.32.9".to_owned() };
        if ["1.14.", "1.15."].iter().any(|minor| version.starts_with(minor)) {
            // Those had no v2 of it yet.
            cluster.define("ciliumnodeconfigs.cilium.io", &["v2alpha1"], &json!({}));
        }
        cluster
    }

    /// Objects of a kind.
    pub(crate) fn items(&mut self, kind: &str) -> &mut Vec<Json> {
        self.objects[kind].as_array_mut().unwrap()
    }

    /// An object by the front of its name.
    pub(crate) fn of(&mut self, kind: &str, name: &str) -> &mut Json {
        let mut items = self.items(kind).iter_mut();
        items.find(|it| it["metadata"]["name"].as_str().unwrap().starts_with(name)).unwrap()
    }

    /// Adds an object with a specification.
    pub(crate) fn add(&mut self, kind: &str, spec: &Json) {
        let (api_version, name) = kind.rsplit_once('/').unwrap();
        let object = json!({"apiVersion": api_version, "kind": name,
            "metadata": {"name": "added", "namespace": "default"}, "spec": spec});
        self.items(kind).push(object);
        // Only what is defined is asked for.
        let plural = format!("{}s", name.to_lowercase()).replace("policys", "policies");
        let group = api_version.split('/').next().unwrap();
        let definition = format!("{plural}.{group}");
        let crds = "apiextensions.k8s.io/v1/CustomResourceDefinition";
        if group.contains('.')
            && !self.items(crds).iter().any(|it| it["metadata"]["name"] == definition.as_str())
        {
            let version = api_version.split('/').next_back().unwrap();
            self.define(&definition, &[version], &json!({}));
        }
    }

    /// Adds a definition.
    pub(crate) fn define(&mut self, name: &str, stored: &[&str], annotations: &Json) {
        let crds = "apiextensions.k8s.io/v1/CustomResourceDefinition";
        self.items(crds).retain(|it| it["metadata"]["name"] != name);
        self.items(crds).push(json!({"apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"versions": [{"name": stored[0], "served": true, "storage": true}]},
            "status": {"storedVersions": stored}}));
    }

    /// Sets a key of cilium-config.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.of("v1/ConfigMap", "cilium-config")["data"][key] = json!(value);
    }

    /// The agents' container.
    pub(crate) fn agent(&mut self) -> &mut Json {
        &mut self.of("apps/v1/DaemonSet", "cilium")["spec"]["template"]["spec"]["containers"][0]
    }

    /// Writes the capture.
    pub(crate) fn write(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let file = |name: &str, content: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        let hosts: Vec<Json> = ["k8s-ctr", "k8s-w0", "k8s-w1"]
            .iter()
            .map(|name| json!({"name": name, "kind": "node"}))
            .collect();
        file("capture.json", &json!({"format": "lab-capture/1", "hosts": hosts}).to_string());
        file("version.json", &json!({"gitVersion": self.kubernetes}).to_string());
        for (kind, items) in &self.objects {
            let (api_version, name) = kind.rsplit_once('/').unwrap();
            let list =
                json!({"apiVersion": api_version, "kind": format!("{name}List"), "items": items});
            file(&format!("objects/{kind}.json"), &list.to_string());
        }
        let named: BTreeSet<&String> = self.commands.iter().map(|(host, ..)| host).collect();
        for host in named {
            let of_host = self.commands.iter().filter(|(other, ..)| other == host);
            let entries: Vec<Json> = of_host
                .enumerate()
                .map(|(number, (_, place, words, out))| {
                    let name = format!("out-{number}.txt");
                    file(&format!("hosts/{host}/{name}"), out);
                    let argv: Vec<&str> = words.split(' ').collect();
                    json!({"place": place, "argv": argv, "code": 0, "out": name})
                })
                .collect();
            file(&format!("hosts/{host}/commands.json"), &json!(entries).to_string());
        }
        folder
    }

    /// Runs a command on it.
    pub(crate) fn run(&self, name: &str, path: &[&str], values: &[(&str, Value)]) -> Run {
        Lab::open(self.write(name)).run::<UpgradeCheck>(path, values)
    }
}

/// A text argument.
pub(crate) fn text(name: &'static str, value: &str) -> (&'static str, Value) {
    (name, Value::Text(value.to_owned()))
}

/// Codes of what is told, without the plugin's name.
pub(crate) fn codes(run: &Run) -> BTreeSet<String> {
    let found = run.report.findings.iter();
    found.map(|it| it.code.trim_start_matches("upgrade-check/").to_owned()).collect()
}
