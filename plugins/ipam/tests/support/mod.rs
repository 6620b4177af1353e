//! Captures that tests write.

#![expect(dead_code, reason = "each test takes what it needs")]

use std::fs;
use std::path::{Path, PathBuf};

use ipam::Ipam;
use lab_plugin_test::{Lab, Run};
use lab_types::Value;
use serde_json::{Map, json};

/// A capture in a folder.
pub(crate) struct Written(pub(crate) PathBuf);

impl Written {
    /// A capture of objects by `apiVersion/kind`.
    pub(crate) fn new(name: &str, objects: &Map<String, serde_json::Value>) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let written = Self(folder);
        let nodes = objects.get("v1/Node").and_then(|nodes| nodes.as_array());
        let names = nodes.into_iter().flatten().map(|node| node["metadata"]["name"].clone());
        let hosts: Vec<_> = names.map(|name| json!({"name": name, "kind": "node"})).collect();
        written.file("capture.json", &json!({"format": "lab-capture/1", "hosts": hosts}));
        written.file("version.json", &json!({"gitVersion": "v1.33.2"}));
        for (kind, items) in objects {
            let (api_version, name) = kind.rsplit_once('/').unwrap();
            let list =
                json!({"apiVersion": api_version, "kind": format!("{name}List"), "items": items});
            written.file(&format!("objects/{kind}.json"), &list);
        }
        written
    }

    /// The fixture of a mode.
    pub(crate) fn fixture(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.json"));
        let objects = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        Self::new(&format!("mode-{name}"), &objects)
    }

    fn file(&self, name: &str, content: &serde_json::Value) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }

    /// Which hosts there are: nodes, and hosts beside the cluster.
    pub(crate) fn hosts(&self, nodes: &[&str], extras: &[&str]) {
        let of_kind = |names: &[&str], kind: &str| {
            names.iter().map(|name| json!({"name": name, "kind": kind})).collect::<Vec<_>>()
        };
        let hosts = [of_kind(nodes, "node"), of_kind(extras, "extra")].concat();
        self.file("capture.json", &json!({"format": "lab-capture/1", "hosts": hosts}));
    }

    /// What `ip -j route show table all` prints on a host.
    pub(crate) fn routes(&self, host: &str, text: &str) {
        let folder = format!("hosts/{host}");
        self.file(
            &format!("{folder}/commands.json"),
            &json!([{"place": "host", "argv": ["ip", "-j", "route", "show", "table", "all"], "code": 0,
                "out": "routes.json"}]),
        );
        fs::write(self.0.join(format!("{folder}/routes.json")), text).unwrap();
    }

    /// What a node's agent prints.
    pub(crate) fn agent(&self, host: &str, status: &str, endpoints: &str) {
        let folder = format!("hosts/{host}");
        self.file(
            &format!("{folder}/commands.json"),
            &json!([
                {"place": "agent", "argv": ["cilium-dbg", "status", "-o", "json"], "code": 0, "out": "status.json"},
                {"place": "agent", "argv": ["cilium-dbg", "endpoint", "list", "-o", "json"], "code": 0,
                    "out": "endpoints.json"}]),
        );
        fs::write(self.0.join(format!("{folder}/status.json")), status).unwrap();
        fs::write(self.0.join(format!("{folder}/endpoints.json")), endpoints).unwrap();
    }

    pub(crate) fn run(&self, path: &[&str], values: &[(&str, Value)]) -> Run {
        Lab::open(&self.0).run::<Ipam>(path, values)
    }
}
