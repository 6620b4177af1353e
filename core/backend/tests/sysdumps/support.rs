//! Makes sysdumps: objects of a real capture as YAML lists, outputs of real hosts, packed in
//! the ways of each release.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::executor::block_on;
use lab_backend::Answer;
use lab_backend::Backend;
use lab_backend::Capture;
use lab_backend::Outcome;
use lab_backend::Place;
use lab_backend::Question;
use lab_backend::Selection;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The time in the names.
pub(crate) const STAMP: &str = "20261123-031020";

/// The capture that the objects are of.
pub(crate) fn capture() -> Capture {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
    Capture::open(format!("{fixtures}/cilium-1.18.0-native.zip")).unwrap()
}

/// One output of the lab.
pub(crate) fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// How a release lays its sysdumps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The agent's program is `cilium`, bugtool writes Markdown, folders are entries of the zip.
    Old,
    /// The agent's program is `cilium-dbg`, bodies are bare, files alone are entries.
    New,
}

/// How bugtool's outputs are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bugtool {
    Unpacked,
    Gzip,
    Tar,
}

pub(crate) const LAYOUTS: [(Layout, Bugtool); 5] = [
    (Layout::Old, Bugtool::Unpacked),
    (Layout::New, Bugtool::Unpacked),
    (Layout::New, Bugtool::Gzip),
    (Layout::Old, Bugtool::Gzip),
    (Layout::Old, Bugtool::Tar),
];

/// A list as the collecting tool prints it: `items` first, dashes below the key.
pub(crate) fn yaml_list(api_version: &str, kind: &str, items: &[String]) -> String {
    let mut text = format!("apiVersion: {api_version}\n");
    text.push_str(if items.is_empty() { "items: []\n" } else { "items:\n" });
    for item in items {
        let value: serde_json::Value = serde_json::from_str(item).unwrap();
        for (number, line) in serde_saphyr::to_string(&value).unwrap().lines().enumerate() {
            text.push_str(if number == 0 { "- " } else { "  " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text + &format!("kind: {kind}List\nmetadata:\n  resourceVersion: \"\"\n")
}

/// The name of the agent's pod on a node.
pub(crate) fn agent_of(node: &str) -> String {
    let of = Selection { labels: Some("k8s-app=cilium".into()), ..kind("v1", "Pod") };
    let pods = list(&capture(), &of, 0).unwrap();
    let pods = pods.iter().map(|pod| serde_json::from_str::<serde_json::Value>(pod).unwrap());
    let mut agents = pods.filter(|pod| pod["spec"]["nodeName"] == node);
    agents.next().unwrap()["metadata"]["name"].as_str().unwrap().to_owned()
}

/// The files of a bugtool on a node, below its own folder.
fn outputs(layout: Layout, node: &str) -> Files {
    let mut commands: Vec<(&str, Vec<u8>)> = vec![
        ("ip -6 r", Vec::new()),
        ("hostname", format!("{node}\n").into_bytes()),
        ("ip -4 n", b"10.0.2.2 dev eth0 lladdr 52:55:0a:00:02:02 REACHABLE\n".to_vec()),
    ];
    if node == "k8s-w0" {
        commands.extend([
            ("ip -4 r", data("w0-ip-route.txt")),
            ("ip -d rule", data("w0-ip-rule.txt")),
            ("iptables-save -c", data("w0-iptables-save-c.txt")),
            ("cilium-dbg status --verbose", data("w0-status-verbose.txt")),
            (
                "ip -4 route show table 2004",
                b"local default dev lo proto kernel scope host\n".to_vec(),
            ),
            ("bpftool map show", b"1: hash\n".to_vec()),
        ]);
    } else {
        commands.extend([
            ("ip -4 r", data("w1-ip-route.txt")),
            ("iptables-nft-save -c", b"# Warning: iptables-legacy tables present\n".to_vec()),
        ]);
    }
    let mut files = Files::new();
    for (command, output) in commands {
        let line = match layout {
            Layout::Old => command.replace("cilium-dbg", "cilium"),
            Layout::New => command.to_owned(),
        };
        let body = match layout {
            Layout::Old if !output.is_empty() => {
                [format!("# {line}\n\n```\n").as_bytes(), &output, b"\n```\n"].concat()
            }
            _ => output,
        };
        files.insert(format!("cmd/{}.md", line.replace(['/', ' '], "-")), body);
    }
    let failed = "> Error while running 'ip -s xfrm state':  exit status 2\n\n";
    files.insert("cmd/ip--s-xfrm-state.md".into(), failed.into());
    files.insert("conf/kernel-config".into(), b"CONFIG_X=y\n".to_vec());
    files
}

/// A tar of files below a folder.
pub(crate) fn tar(folder: &str, files: &Files) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, format!("{folder}/{name}"), &bytes[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// Every file of a sysdump, below the top.
pub(crate) fn sysdump(layout: Layout, bugtool: Bugtool) -> Files {
    let capture = capture();
    let mut files = Files::new();
    let mut put = |name: &str, end: &str, bytes: Vec<u8>| {
        files.insert(format!("{name}-{STAMP}{end}"), bytes);
    };
    for (version, of, name) in [
        ("v1", "Node", "k8s-nodes"),
        ("v1", "Pod", "k8s-pods"),
        ("v1", "Namespace", "k8s-namespaces"),
        ("cilium.io/v2", "CiliumNode", "ciliumnodes"),
    ] {
        let items = list(&capture, &kind(version, of), 0).unwrap();
        put(name, ".yaml", yaml_list(version, of, &items).into_bytes());
    }
    for (version, of, object, name) in [
        ("v1", "ConfigMap", "cilium-config", "cilium-configmap"),
        ("apps/v1", "DaemonSet", "cilium", "cilium-daemonset"),
    ] {
        let object = block_on(capture.get(&kind(version, of), object)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&object).unwrap();
        put(name, ".yaml", serde_saphyr::to_string(&value).unwrap().into_bytes());
    }
    put("k8s-version", ".txt", b"v1.33.13".to_vec());
    let agent = agent_of("k8s-w0");
    put(&format!("logs-{agent}-cilium-agent"), ".log", b"one\ntwo\n".to_vec());
    put(&format!("logs-{agent}-cilium-agent"), "-prev.log", b"zero\n".to_vec());
    put(&format!("logs-{agent}-config"), ".log", b"c\n".to_vec());
    files.insert("cilium-sysdump.log".into(), b"collecting\n".to_vec());
    for node in ["k8s-w0", "k8s-w1"] {
        let outputs = outputs(layout, node);
        let name = format!("cilium-bugtool-{}-{STAMP}", agent_of(node));
        let inside = "cilium-bugtool-20261123-031020.123+0000-UTC-42";
        match bugtool {
            Bugtool::Unpacked => {
                files.extend(outputs.into_iter().map(|(file, b)| (format!("{name}/{file}"), b)));
            }
            Bugtool::Gzip => {
                files.insert(format!("{name}.tar.gz"), gzip(&tar(inside, &outputs)));
            }
            Bugtool::Tar => {
                files.insert(format!("{name}.tar"), tar(inside, &outputs));
            }
        }
    }
    files
}

/// A zip of files below a folder, or at its top when that is empty.
pub(crate) fn zipped(layout: Layout, folder: &str, files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    if layout == Layout::Old && !folder.is_empty() {
        zip.add_directory(folder, options).unwrap();
    }
    for (name, bytes) in files {
        let name = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A folder of its own for one test, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lab-sysdump-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes files below a folder.
    pub(crate) fn unpack(&self, folder: &str, files: &Files) -> PathBuf {
        for (name, bytes) in files {
            self.put(&format!("{folder}/{name}"), bytes);
        }
        self.path(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

pub(crate) fn on_host(host: &str, line: &str) -> Question {
    Question { place: Place::Host { host: host.into() }, argv: words(line) }
}

pub(crate) fn on_agent(host: &str, line: &str) -> Question {
    Question { place: Place::Agent { host: host.into() }, argv: words(line) }
}

pub(crate) fn run(backend: &dyn Backend, question: &Question) -> Answer<Outcome> {
    block_on(backend.run(question))
}

pub(crate) fn kind(api_version: &str, kind: &str) -> Selection {
    Selection { api_version: api_version.into(), kind: kind.into(), ..Selection::default() }
}

/// Every object of a selection, over all pages.
pub(crate) fn list(backend: &dyn Backend, of: &Selection, limit: u32) -> Answer<Vec<String>> {
    let (mut items, mut more) = (Vec::new(), None);
    loop {
        let page = block_on(backend.list(of, limit, more))?;
        items.extend(page.items);
        match page.more {
            None => return Ok(items),
            token => more = token,
        }
    }
}
