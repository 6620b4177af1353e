//! Recordings, and captures that tests write.

#![expect(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use lab_backend::{Backend, Capture, Place, Question, Selection};
use lab_plugin_test::{Lab, Run};
use lab_types::Value;
use serde_json::{Map, Value as Json, json};
use status::Status;

pub(crate) const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");
pub(crate) const NODES: [&str; 3] = ["k8s-ctr", "k8s-w0", "k8s-w1"];
pub(crate) const STATUS: &str = "agent: cilium-dbg status -o json";
pub(crate) const METRICS: &str = "agent: cilium-dbg metrics list -o json";
pub(crate) const QUANTILES: &str = "agent: cilium-dbg metrics list";
pub(crate) const MODULES: &str = "agent: cilium-dbg shell -- db/show health";
pub(crate) const SETTINGS: &str = "agent: cilium-dbg config --all -o json";
pub(crate) const STARTED_WITH: &str = "agent: grep -r . /tmp/cilium/config-map";
pub(crate) const PEERS: &str = "agent: cilium-health status -o json";
pub(crate) const ENDPOINTS: &str = "agent: cilium-dbg endpoint list -o json";
pub(crate) const REVERSE_PATH: &str = "host: grep -r . /proc/sys/net/ipv4/conf --include=rp_filter";

/// A capture as values that a test changes.
#[derive(Default)]
pub(crate) struct Recorded {
    pub(crate) objects: Map<String, Json>,
    /// What was printed, by host and question; exit code and output.
    pub(crate) printed: BTreeMap<(String, String), (i32, String)>,
    /// Logs by file below `logs/`.
    pub(crate) logs: BTreeMap<String, String>,
    pub(crate) hosts: Vec<String>,
}

const KINDS: [(&str, &str); 6] = [
    ("v1", "Node"),
    ("v1", "Pod"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("cilium.io/v2", "CiliumNode"),
    ("cilium.io/v2", "CiliumEndpoint"),
];

impl Recorded {
    /// A recording of `tests/captures`.
    pub(crate) fn read(name: &str) -> Self {
        let backend = Capture::open(format!("{CAPTURES}/{name}.zip")).unwrap();
        let backend: Arc<dyn Backend> = Arc::new(backend);
        let mut recorded = Self { hosts: NODES.map(str::to_owned).to_vec(), ..Self::default() };
        for (api_version, kind) in KINDS {
            let of = Selection {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                ..Selection::default()
            };
            let page = block_on(backend.list(&of, 0, None)).unwrap();
            let items = page.items.iter().map(|text| serde_json::from_str(text).unwrap());
            let key = format!("{api_version}/{kind}");
            recorded.objects.insert(key, items.collect::<Vec<Json>>().into());
        }
        let of = Selection {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("kube-system".to_owned()),
            ..Selection::default()
        };
        let map: Json =
            serde_json::from_str(&block_on(backend.get(&of, "cilium-config")).unwrap()).unwrap();
        recorded.objects.insert("v1/ConfigMap".to_owned(), vec![map].into());
        for host in NODES {
            for question in [STATUS, METRICS, QUANTILES, MODULES, SETTINGS] {
                let argv = question.trim_start_matches("agent: ").split(' ').map(str::to_owned);
                let place = Place::Agent { host: host.to_owned() };
                let asked = Question { place, argv: argv.collect() };
                if let Ok(outcome) = block_on(backend.run(&asked)) {
                    let text = String::from_utf8(outcome.out).unwrap();
                    recorded.printed.insert((host.to_owned(), question.to_owned()), (0, text));
                }
            }
        }
        recorded
    }

    pub(crate) fn items(&mut self, kind: &str) -> &mut Vec<Json> {
        self.objects[kind].as_array_mut().unwrap()
    }

    /// An object by kind and beginning of its name.
    pub(crate) fn of(&mut self, kind: &str, name: &str) -> &mut Json {
        let mut items = self.items(kind).iter_mut();
        items.find(|it| it["metadata"]["name"].as_str().unwrap().starts_with(name)).unwrap()
    }

    /// The agent's pod of a node.
    pub(crate) fn agent(&mut self, node: &str) -> &mut Json {
        let mut items = self.items("v1/Pod").iter_mut();
        items
            .find(|it| {
                it["spec"]["nodeName"] == node && it["metadata"]["labels"]["k8s-app"] == "cilium"
            })
            .unwrap()
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.of("v1/ConfigMap", "cilium-config")["data"][key] = json!(value);
    }

    /// An answer as a document that a test changes.
    pub(crate) fn answer(&mut self, host: &str, question: &str, change: impl FnOnce(&mut Json)) {
        let (_, text) = self.printed.get_mut(&(host.to_owned(), question.to_owned())).unwrap();
        let mut document = serde_json::from_str(text).unwrap();
        change(&mut document);
        *text = document.to_string();
    }

    pub(crate) fn print(&mut self, host: &str, question: &str, code: i32, text: &str) {
        self.printed.insert((host.to_owned(), question.to_owned()), (code, text.to_owned()));
    }

    /// Writes it down.
    pub(crate) fn write(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("status-{name}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let hosts: Vec<Json> =
            self.hosts.iter().map(|name| json!({"name": name, "kind": "node"})).collect();
        let head = json!({"format": "lab-capture/1", "hosts": hosts});
        file("capture.json", &head.to_string());
        file("version.json", &json!({"gitVersion": "v1.33.2"}).to_string());
        for (kind, items) in &self.objects {
            let (api_version, name) = kind.rsplit_once('/').unwrap();
            let list =
                json!({"apiVersion": api_version, "kind": format!("{name}List"), "items": items});
            file(&format!("objects/{kind}.json"), &list.to_string());
        }
        for host in &self.hosts {
            let mut commands = Vec::new();
            let own = self.printed.iter().filter(|((of, _), _)| of == host);
            for (number, ((_, question), (code, text))) in own.enumerate() {
                let (place, line) = question.split_once(": ").unwrap();
                let argv: Vec<&str> = line.split(' ').collect();
                let out = format!("{number}.txt");
                file(&format!("hosts/{host}/{out}"), text);
                commands.push(json!({"place": place, "argv": argv, "code": code, "out": out}));
            }
            file(&format!("hosts/{host}/commands.json"), &Json::from(commands).to_string());
        }
        for (name, text) in &self.logs {
            file(&format!("logs/{name}"), text);
        }
        folder
    }

    pub(crate) fn run(&self, name: &str, path: &[&str], values: &[(&str, Value)]) -> Run {
        Lab::open(self.write(name)).run::<Status>(path, values)
    }
}

/// Level, code and subject of every finding.
pub(crate) fn told(run: &Run) -> Vec<(&str, &str, &str)> {
    let all = run.report.findings.iter();
    all.map(|it| (it.level.as_str(), it.code.trim_start_matches("status/"), it.subject.as_str()))
        .collect()
}
