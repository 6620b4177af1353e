//! What these tests share: folders that go away, zips made for a case, and short questions.

use std::io::Cursor;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

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

pub(crate) const FIXTURES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");

/// A folder of its own for one test, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("lab-backend-{}-{number}", std::process::id()));
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

    /// What is left in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A zip of these files, as it stands in memory.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Puts other bytes of the same length in place of every occurrence.
pub(crate) fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let mut count = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            count += 1;
        }
    }
    count
}

/// A head with one node `a` and one host beside the cluster, `r`.
pub(crate) const HEAD: &str = r#"{"format": "lab-capture/1", "created": "2026-11-23T03:10:20Z", "context": "lab",
 "versions": {"kubernetes": "v1.33.13", "cilium": null},
 "hosts": [{"name": "r", "kind": "extra"}, {"name": "a", "kind": "node", "addresses": ["10.0.0.1"]}]}"#;

/// A small capture with one of everything.
pub(crate) fn small() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("capture.json", HEAD.as_bytes()),
        ("version.json", br#"{"gitVersion": "v1.33.13"}"#),
        ("hosts/a/commands.json", br#"[{"place": "host", "argv": ["ip", "-j", "rule"], "code": 0, "out": "rule.json", "ms": 12},
            {"place": "agent", "argv": ["false"], "code": 1, "out": "f.txt", "err": "f.err.txt", "truncated": true}]"#),
        ("hosts/a/rule.json", b"[]\n"),
        ("hosts/a/f.txt", b""),
        ("hosts/a/f.err.txt", b"no\n"),
        ("hosts/a/pods.json", br#"[{"place": "pod", "pod": {"namespace": "n", "name": "p", "container": null},
            "argv": ["ping", "x"], "code": 1, "out": "ping.txt"}]"#),
        ("hosts/a/ping.txt", b"\xff\x00"),
        ("objects/v1/Node.json", br#"{"kind": "NodeList", "items": [
            {"metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"podCIDR": "10.1.0.0/24"}},
            {"metadata": {"name": "b"}, "spec": {}}]}"#),
        ("objects/cilium.io/v2/CiliumNode.json", br#"{"items": []}"#),
        ("logs/n/p/c.log", b"one\ntwo\n"),
        ("logs/n/p/c.previous.log", b"zero\n"),
    ]
}

/// Opens a zip that was made for a case.
pub(crate) fn opened(files: &[(&str, &[u8])]) -> Answer<Capture> {
    Capture::from_bytes(Vec::leak(zip(files)))
}

/// The small capture with one file in place of its own.
pub(crate) fn small_with(name: &'static str, bytes: &'static [u8]) -> Answer<Capture> {
    let mut files = small();
    files.retain(|(other, _)| *other != name);
    files.push((name, bytes));
    opened(&files)
}

pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

pub(crate) fn on_host(host: &str, line: &str) -> Question {
    Question { place: Place::Host { host: host.into() }, argv: words(line) }
}

pub(crate) fn on_agent(host: &str, line: &str) -> Question {
    Question { place: Place::Agent { host: host.into() }, argv: words(line) }
}

pub(crate) fn in_pod(namespace: &str, name: &str, line: &str) -> Question {
    let place = Place::Pod { namespace: namespace.into(), name: name.into(), container: None };
    Question { place, argv: words(line) }
}

pub(crate) fn run(backend: &dyn Backend, question: &Question) -> Answer<Outcome> {
    block_on(backend.run(question))
}

pub(crate) fn kind(api_version: &str, kind: &str) -> Selection {
    Selection { api_version: api_version.into(), kind: kind.into(), ..Selection::default() }
}

/// Every object of a selection, over all pages.
pub(crate) fn list(backend: &dyn Backend, of: &Selection, limit: u32) -> Answer<Vec<String>> {
    let mut items = Vec::new();
    let mut more = None;
    loop {
        let page = block_on(backend.list(of, limit, more))?;
        assert!(limit == 0 || page.items.len() <= limit as usize);
        items.extend(page.items);
        match page.more {
            None => return Ok(items),
            token => more = token,
        }
    }
}

/// Every file below a folder, with its bytes.
pub(crate) fn tree(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}
