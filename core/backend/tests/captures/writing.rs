//! What is written is read back, and nothing else happens to the disk.

use lab_backend::About;
use lab_backend::Capture;
use lab_backend::Host;
use lab_backend::HostKind;
use lab_backend::Outcome;
use lab_backend::Place;
use lab_backend::Question;
use lab_backend::Writer;
use lab_types::FailureKind;
use proptest::prelude::*;

use crate::support::FIXTURES;
use crate::support::Scratch;
use crate::support::kind;
use crate::support::list;
use crate::support::on_agent;
use crate::support::on_host;
use crate::support::run;
use crate::support::tree;

const CREATED: &str = "2026-11-23T03:10:20Z";

fn writer(hosts: &[&str]) -> Writer {
    let about = About { context: Some("lab".into()), ..About::default() };
    let mut writer = Writer::new(CREATED, &about);
    for name in hosts {
        let host =
            Host { name: (*name).into(), kind: HostKind::Node, addresses: vec!["10.0.0.1".into()] };
        writer.host(&host).unwrap();
    }
    writer
}

fn printed(out: &[u8]) -> Outcome {
    Outcome { out: out.to_vec(), ..Outcome::default() }
}

#[test]
fn the_layout_of_a_folder() {
    let mut writer = writer(&["k8s-w0"]);
    let routes = on_host("k8s-w0", "ip -j route show table all");
    writer.command(None, &routes, printed(b"[]\n"), Some(12)).unwrap();
    let failed = Outcome { code: 1, err: b"no\n".to_vec(), ..Outcome::default() };
    writer.command(None, &on_agent("k8s-w0", "cilium-dbg version"), failed, None).unwrap();
    let nodes = kind("v1", "Node");
    writer.object(&nodes, r#"{"metadata":{"name":"b"}}"#).unwrap();
    writer.object(&nodes, r#"{"metadata":{"managedFields":[],"name":"a"},"x":1.50}"#).unwrap();
    writer.log("kube-system", "p", Some("c"), false, "line\n").unwrap();
    writer.version("{}");
    let scratch = Scratch::new();
    writer.write(scratch.path("lab")).unwrap();
    let files = tree(&scratch.path("lab"));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "capture.json",
            "hosts/k8s-w0/agent-cilium-dbg-version.err.txt",
            "hosts/k8s-w0/agent-cilium-dbg-version.txt",
            "hosts/k8s-w0/commands.json",
            "hosts/k8s-w0/ip-j-route-show-table-all.json",
            "logs/kube-system/p/c.log",
            "objects/v1/Node.json",
            "version.json",
        ]
    );
    let text = |name: &str| {
        let file = files.iter().find(|(other, _)| other == name).unwrap();
        String::from_utf8(file.1.clone()).unwrap()
    };
    assert_eq!(
        text("objects/v1/Node.json"),
        r#"{
 "apiVersion": "v1",
 "kind": "NodeList",
 "items": [
  {
   "metadata": {
    "name": "a"
   },
   "x": 1.50
  },
  {
   "metadata": {
    "name": "b"
   }
  }
 ]
}
"#
    );
    assert!(text("capture.json").starts_with(
        "{\n \"format\": \"lab-capture/1\",\n \"created\": \"2026-11-23T03:10:20Z\","
    ));
    assert!(text("hosts/k8s-w0/commands.json").contains("\"ms\": 12"));
}

#[test]
fn a_capture_that_was_read_is_written_with_the_same_bytes() {
    let scratch = Scratch::new();
    for entry in std::fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "zip") {
            continue;
        }
        let again = |from: &std::path::Path, to: &str| {
            let capture = Capture::open(from).unwrap();
            let to = scratch.path(to);
            capture.to_writer().unwrap().write(&to).unwrap();
            to
        };
        let first = again(&path, "first.zip");
        let second = again(&first, "second.zip");
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
        let folder = again(&second, "folder");
        let third = again(&folder, "third.zip");
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&third).unwrap());
        // The fixture was made by another program, but to the same rules.
        let fixture = unpacked(&path);
        for (written, made) in tree(&folder).iter().zip(&fixture) {
            assert!(written == made, "{} is not {} in {}", written.0, made.0, path.display());
        }
        assert_eq!(tree(&folder).len(), fixture.len());
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn unpacked(path: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut files = Vec::new();
    for position in 0..zip.len() {
        let mut file = zip.by_index(position).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        files.push((file.name().unwrap().into_owned(), bytes));
    }
    files
}

#[test]
fn a_zip_takes_the_place_of_an_older_one_and_leaves_nothing_beside() {
    let scratch = Scratch::new();
    let path = scratch.put("lab.zip", "old");
    writer(&["a"]).write(&path).unwrap();
    assert!(Capture::open(&path).is_ok());
    assert_eq!(scratch.names(), ["lab.zip"]);
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let scratch = Scratch::new();
    scratch.put("lab/precious.txt", "mine");
    let failure = writer(&["a"]).write(scratch.path("lab")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidInput);
    assert!(failure.message.ends_with("lab: it already exists"), "{failure}");
    assert_eq!(tree(&scratch.path("lab")).len(), 1);
    assert_eq!(scratch.names(), ["lab"]);
    std::fs::create_dir(scratch.path("empty")).unwrap();
    writer(&["a"]).write(scratch.path("empty")).unwrap();
    assert!(Capture::open(scratch.path("empty")).is_ok());
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let failure = writer(&["a"]).write(scratch.path("gone/lab.zip")).unwrap_err();
    assert!(failure.message.ends_with("lab.zip: no such file or folder"), "{failure}");
    // A folder stands where the zip should go, so the last step fails.
    scratch.put("lab.zip/precious.txt", "mine");
    assert!(writer(&["a"]).write(scratch.path("lab.zip")).is_err());
    assert_eq!(scratch.names(), ["lab.zip"]);
    assert_eq!(tree(&scratch.path("lab.zip")).len(), 1);
}

#[test]
fn pods_of_unknown_hosts_are_found_again() {
    let mut writer = writer(&["a"]);
    let question = crate::support::in_pod("n", "p", "hostname");
    writer.command(None, &question, printed(b"p\n"), None).unwrap();
    let scratch = Scratch::new();
    writer.write(scratch.path("x.zip")).unwrap();
    let capture = Capture::open(scratch.path("x.zip")).unwrap();
    assert_eq!(run(&capture, &question).unwrap().out, b"p\n");
    capture.to_writer().unwrap().write(scratch.path("y.zip")).unwrap();
    assert_eq!(
        std::fs::read(scratch.path("x.zip")).unwrap(),
        std::fs::read(scratch.path("y.zip")).unwrap()
    );
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        "[ab]".prop_map(|host| Place::Host { host }),
        "[ab]".prop_map(|host| Place::Agent { host }),
        ("[xy]", "[pq]", prop::option::of("[cd]"))
            .prop_map(|(namespace, name, container)| Place::Pod { namespace, name, container }),
        Just(Place::Relay),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    let word = prop_oneof!["[a-b./ -]{0,3}", any::<String>()];
    (place(), prop::collection::vec(word, 0..3)).prop_map(|(place, argv)| Question { place, argv })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), Just(b"[1]".to_vec()), prop::collection::vec(any::<u8>(), 0..40),]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    (any::<i32>(), bytes(), bytes(), any::<bool>())
        .prop_map(|(code, out, err, truncated)| Outcome { code, out, err, truncated })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(
        asked in prop::collection::btree_map(question(), outcome(), 0..12),
        objects in prop::collection::btree_map(("[a-z]{1,3}", "[a-z]{0,2}"), any::<String>(), 0..5),
        as_zip in any::<bool>(),
    ) {
        let mut writer = writer(&["a", "b"]);
        for (question, outcome) in &asked {
            writer.command(Some("a"), question, outcome.clone(), None).unwrap();
        }
        let of = kind("v1", "Thing");
        writer.kind(&of).unwrap();
        for ((name, namespace), text) in &objects {
            let text = serde_json::to_string(text).unwrap();
            let object = format!(r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}"}},"t":{text}}}"#);
            writer.object(&of, &object).unwrap();
        }
        let scratch = Scratch::new();
        let path = scratch.path(if as_zip { "x.zip" } else { "x" });
        writer.write(&path).unwrap();
        let capture = Capture::open(&path).unwrap();
        for (question, outcome) in &asked {
            prop_assert_eq!(&run(&capture, question).unwrap(), outcome);
        }
        let items = list(&capture, &of, 2).unwrap();
        prop_assert_eq!(items.len(), objects.len());
        for item in items {
            let item: serde_json::Value = serde_json::from_str(&item).unwrap();
            let key = ["name", "namespace"].map(|key| item["metadata"][key].as_str().unwrap().to_owned());
            prop_assert_eq!(item["t"].as_str().unwrap(), &objects[&key.into()]);
        }
    }
}
