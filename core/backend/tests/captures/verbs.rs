//! Looking into captures, checking them, adding to them, and taking things out of them.

use futures::executor::block_on;
use lab_backend::Addition;
use lab_backend::Backend;
use lab_backend::Capture;
use lab_backend::Host;
use lab_backend::HostKind;
use lab_backend::Recorder;
use lab_backend::Redaction;
use lab_types::FailureKind;

use crate::support::FIXTURES;
use crate::support::Scratch;
use crate::support::kind;
use crate::support::list;
use crate::support::on_agent;
use crate::support::on_host;
use crate::support::opened;
use crate::support::run;
use crate::support::small;
use crate::support::small_with;
use crate::support::tree;
use crate::support::words;
use crate::support::zip;

fn extra(name: &str, addresses: &[&str]) -> Host {
    let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
    Host { name: name.into(), kind: HostKind::Extra, addresses }
}

fn pasted(host: Host, line: &str, out: &str) -> Addition {
    Addition::Command { host, in_agent: false, argv: words(line), out: out.into() }
}

fn objects(text: &str, namespace: Option<&str>) -> Addition {
    Addition::Objects { text: text.into(), namespace: namespace.map(str::to_owned) }
}

#[test]
fn contents_are_counted() {
    let contents = opened(&small()).unwrap().contents().unwrap();
    assert_eq!(contents.about.context.as_deref(), Some("lab"));
    let hosts: Vec<_> = contents.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(hosts, ["a", "r"]);
    let kinds: Vec<_> =
        contents.kinds.iter().map(|k| (k.kind.as_str(), k.count, k.is_part)).collect();
    assert_eq!(kinds, [("cilium.io/v2/CiliumNode", 0, false), ("v1/Node", 2, false)]);
    let commands: Vec<_> = contents
        .commands
        .iter()
        .map(|command| {
            (command.place.to_string(), command.argv.join(" "), command.code, command.bytes)
        })
        .collect();
    assert_eq!(
        commands,
        [
            ("a".to_owned(), "ip -j rule".to_owned(), 0, 3),
            ("agent on a".to_owned(), "false".to_owned(), 1, 3),
            ("pod n/p".to_owned(), "ping x".to_owned(), 1, 2),
        ]
    );
    assert!(contents.commands[1].truncated);
    assert_eq!(contents.logs["logs/n/p/c.log"], 8);
    assert_eq!(contents.n_files, small().len());
    assert_eq!(contents.bytes, small().iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
}

#[test]
fn what_is_missing_is_told_with_its_reason() {
    let head = br#"{"format": "lab-capture/1", "hosts": [{"name": "a", "kind": "node"}],
        "selected": {"v1/Pod": [{"namespace": "x"}]}, "missing": [
        {"place": "host", "host": "a", "argv": ["ip", "-j", "rule"], "failure": "timeout", "why": "late"},
        {"kind": "v1/Pod", "namespace": "y", "failure": "denied", "why": "no"},
        {"kind": "version.json", "failure": "denied", "why": ""}]}"#;
    let contents = opened(&[("capture.json", head)]).unwrap().contents().unwrap();
    let missing: Vec<_> =
        contents.missing.iter().map(|m| (m.what.as_str(), m.failure, m.why.as_str())).collect();
    assert_eq!(
        missing,
        [
            ("ip -j rule on a", FailureKind::Timeout, "late"),
            ("v1/Pod (y)", FailureKind::Denied, "no"),
            ("version.json", FailureKind::Denied, ""),
        ]
    );
}

#[test]
fn the_captures_of_the_lab_are_sound() {
    for entry in std::fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "zip") {
            assert_eq!(Capture::open(&path).unwrap().verify(), [], "{}", path.display());
        }
    }
    assert_eq!(opened(&small()).unwrap().verify(), []);
}

#[test]
fn every_fault_is_told_with_its_file() {
    let check = |name: &'static str, bytes: &'static [u8], file: &str, what: &str| {
        let faults = small_with(name, bytes).unwrap().verify();
        let found = faults.iter().any(|fault| fault.file == file && fault.what.contains(what));
        assert!(found, "{name}: {faults:?}");
    };
    let cure = &small_with("stray.txt", b"x").unwrap().verify()[0].cure;
    assert!(cure.contains("`kubectl lab capture add`"), "{cure}");
    check("stray.txt", b"x", "stray.txt", "no index names it");
    check("hosts/b/commands.json", b"[]", "hosts/b/commands.json", "no index names it");
    check("version.json", b"{", "version.json", "line 1, column 1");
    check("hosts/a/rule.json", b"[", "hosts/a/rule.json", "it is not JSON");
    check("objects/v1/Node.json", b"{", "objects/v1/Node.json", "line 1, column 1");
    check(
        "objects/v1/Secret.json",
        br#"{"items": [{"metadata": {"name": "s"}}]}"#,
        "objects/v1/Secret.json",
        "a Secret",
    );
    check(
        "objects/v1/Node.json",
        br#"{"items": [{"kind": "Secret", "metadata": {"name": "s"}}]}"#,
        "objects/v1/Node.json",
        "a Secret",
    );
    check(
        "objects/v1/Node.json",
        br#"{"items": [{"metadata": {}}]}"#,
        "objects/v1/Node.json",
        "no name",
    );
    check(
        "objects/v1/Node.json",
        br#"{"items": [{"metadata": {"name": "x"}}, {"metadata": {"name": "x"}}]}"#,
        "objects/v1/Node.json",
        "/x is in it twice",
    );
    check("objects/x.txt", b"", "objects/x.txt", "not that of a kind");
    check("logs/x.log", b"", "logs/x.log", "no index names it");
    check("hosts/a/pods.json", b"[", "hosts/a/pods.json", "line 1, column");
    check(
        "hosts/a/commands.json",
        br#"[{"place": "host", "argv": ["x"], "out": "../../x"}]"#,
        "hosts/a/commands.json",
        "it leaves the",
    );
    check(
        "hosts/a/commands.json",
        br#"[{"place": "host", "argv": ["x"], "out": "gone.txt"}, {"place": "host", "argv": ["x"]}]"#,
        "hosts/a/commands.json",
        "`x` names gone.txt, which is missing",
    );
    check("hosts/a/rule.stamps.txt", b"5\n", "hosts/a/rule.stamps.txt", "no index names it");
    let stream = br#"[{"place": "host", "argv": ["x"], "out": "rule.json", "stamps": "s.txt"}]"#;
    for (stamps, what) in [(&b"5\n9\n"[..], "2 times for 1 line"), (b"soon\n", "is not a number")] {
        let mut files = small();
        files.retain(|(name, _)| *name != "hosts/a/commands.json");
        files.push(("hosts/a/commands.json", stream));
        files.push(("hosts/a/s.txt", stamps));
        let faults = opened(&files).unwrap().verify();
        assert!(faults.iter().any(|fault| fault.what.contains(what)), "{faults:?}");
    }
    check(
        "hosts/a/commands.json",
        br#"[{"place": "host", "argv": ["x"]}, {"place": "host", "argv": ["x"]}]"#,
        "hosts/a/commands.json",
        "`x` is in it twice",
    );
}

#[test]
fn pasted_output_becomes_a_capture_that_can_be_asked() {
    let scratch = Scratch::new();
    for name in ["new.zip", "new"] {
        let path = scratch.path(name);
        let route = "default via 10.0.0.1 dev eth0\n";
        Capture::add_to(&path, &[pasted(extra("router", &["10.0.0.1"]), "ip route", route)], None)
            .unwrap();
        let nodes = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: w0\nkind: List\nmetadata: {}\n";
        Capture::add_to(&path, &[objects(nodes, None)], None).unwrap();
        // The addresses stay, and the later paste takes the place of the earlier one.
        Capture::add_to(&path, &[pasted(extra("router", &[]), "ip route", "other\n")], None)
            .unwrap();

        let capture = Capture::open(&path).unwrap();
        let node = Host { kind: HostKind::Node, ..extra("w0", &[]) };
        assert_eq!(block_on(capture.hosts()).unwrap(), [node, extra("router", &["10.0.0.1"])]);
        assert_eq!(run(&capture, &on_host("router", "ip route")).unwrap().out, b"other\n");
        assert_eq!(list(&capture, &kind("v1", "Node"), 0).unwrap().len(), 1);
        assert!(capture.about().created.is_some());
        assert_eq!(capture.verify(), []);
    }
    assert_eq!(scratch.names(), ["new", "new.zip"]);
}

#[test]
fn nodes_among_pasted_objects_become_hosts() {
    let scratch = Scratch::new();
    let path = scratch.path("c.zip");
    let node = |name: &str, ip: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "Node", "metadata": {{"name": "{name}"}}, "status": {{"addresses":
                [{{"type": "Hostname", "address": "{name}"}}, {{"type": "InternalIP", "address": "{ip}"}}]}}}}"#
        )
    };
    let host =
        |name: &str, addresses: &[&str]| Host { kind: HostKind::Node, ..extra(name, addresses) };
    let nodes = format!(
        r#"{{"kind": "NodeList", "apiVersion": "v1", "items": [{}, {}]}}"#,
        node("w0", "192.0.2.1"),
        node("w1", "192.0.2.2")
    );
    // An output first, and then who that is.
    Capture::add_to(&path, &[pasted(host("w1", &[]), "ip r", "x\n")], None).unwrap();
    Capture::add_to(&path, &[objects(&nodes, None)], None).unwrap();
    let hosts = block_on(Capture::open(&path).unwrap().hosts()).unwrap();
    assert_eq!(hosts, [host("w0", &["192.0.2.1"]), host("w1", &["192.0.2.2"])]);
    let failure =
        Capture::add_to(&path, &[pasted(host("w9", &[]), "ip r", "x\n")], None).unwrap_err();
    assert_eq!(failure.message, "w9 is none of the capture's nodes");
    assert!(failure.hint.unwrap().contains("the nodes are w0, w1; add `--extra`"));
    Capture::add_to(&path, &[pasted(extra("r", &[]), "ip r", "x\n")], None).unwrap();
    let failure = Capture::add_to(&path, &[objects(&node("r", "192.0.2.9"), None)], None);
    assert!(failure.unwrap_err().message.contains("r is a host beside the cluster"));
}

#[test]
fn another_spelling_of_a_command_is_the_same_command() {
    let scratch = Scratch::new();
    let path = scratch.path("c.zip");
    let add = |line: &str, out: &str| {
        Capture::add_to(&path, &[pasted(extra("r", &[]), line, out)], None).unwrap();
    };
    add("sudo ip r", "one\n");
    add("ip -d ru", "two\n");
    let capture = Capture::open(&path).unwrap();
    let out = |line: &str| run(&capture, &on_host("r", line)).map(|outcome| outcome.out);
    assert_eq!(out("ip route show").unwrap(), b"one\n");
    assert_eq!(out("ip -d rule").unwrap(), b"two\n");
    assert!(out("ip -j route").is_err() && out("ip rule").is_err());
    assert!(run(&capture, &on_agent("r", "ip route")).is_err());
}

#[test]
fn a_secret_between_other_objects_is_left_out_when_written_again() {
    let scratch = Scratch::new();
    let mut files = small();
    files.retain(|(name, _)| *name != "objects/v1/Node.json");
    files.push((
        "objects/v1/Node.json",
        br#"{"items": [{"kind": "Secret", "metadata": {"name": "s"}}, {"metadata": {"name": "a"}}]}"#,
    ));
    let path = scratch.put("c.zip", zip(&files));
    assert!(!Capture::open(&path).unwrap().verify().is_empty());
    Capture::add_to(&path, &[pasted(extra("r", &[]), "x", "y")], None).unwrap();
    let capture = Capture::open(&path).unwrap();
    assert_eq!(capture.verify(), []);
    assert_eq!(list(&capture, &kind("v1", "Node"), 0).unwrap().len(), 1);
}

#[test]
fn what_was_there_stays_and_an_answer_is_no_longer_missing() {
    let scratch = Scratch::new();
    let head = br#"{"format": "lab-capture/1", "created": "2026-11-23T03:10:20Z",
        "hosts": [{"name": "a", "kind": "node", "addresses": ["10.0.0.1"]}], "missing": [
        {"place": "agent", "host": "a", "argv": ["x"], "failure": "timeout", "why": "late"}]}"#;
    let mut files = small();
    files[0] = ("capture.json", head);
    let path = scratch.put("c.zip", zip(&files));
    let host = Host { name: "a".into(), kind: HostKind::Node, addresses: Vec::new() };
    let addition = Addition::Command { host, in_agent: true, argv: words("x"), out: b"y".to_vec() };
    Capture::add_to(&path, &[addition], None).unwrap();
    let capture = Capture::open(&path).unwrap();
    assert_eq!(run(&capture, &on_agent("a", "x")).unwrap().out, b"y");
    assert!(run(&capture, &on_host("a", "ip -j rule")).is_ok());
    assert!(capture.contents().unwrap().missing.is_empty());
    assert_eq!(capture.about().created.as_deref(), Some("2026-11-23T03:10:20Z"));
    assert_eq!(block_on(capture.hosts()).unwrap()[0].addresses, ["10.0.0.1"]);
}

#[test]
fn parts_of_a_kind_do_not_become_the_whole() {
    let scratch = Scratch::new();
    let path = scratch.path("c.zip");
    let pod = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "x"}}"#;
    let pods = format!(r#"{{"kind": "PodList", "apiVersion": "v1", "items": [{pod}]}}"#);
    let ask = |namespace: Option<&str>| {
        let of =
            lab_backend::Selection { namespace: namespace.map(str::to_owned), ..kind("v1", "Pod") };
        list(&Capture::open(&path).unwrap(), &of, 0)
    };
    Capture::add_to(&path, &[objects(pod, None)], None).unwrap();
    assert!(ask(None).is_err() && ask(Some("x")).is_err());
    let capture = Capture::open(&path).unwrap();
    assert!(block_on(capture.get(&kind("v1", "Pod"), "p")).is_ok());
    Capture::add_to(&path, &[objects(&pods, Some("x"))], None).unwrap();
    assert!(ask(None).is_err());
    assert_eq!(ask(Some("x")).unwrap().len(), 1);
    Capture::add_to(&path, &[objects(&pods, None)], None).unwrap();
    assert_eq!(ask(None).unwrap().len(), 1);
    // All of it is there: one more is one more.
    Capture::add_to(&path, &[objects(&pod.replace("\"p\"", "\"q\""), None)], None).unwrap();
    assert_eq!(ask(None).unwrap().len(), 2);
    // None of a kind is an answer as well.
    let none = r#"{"apiVersion": "cilium.io/v2", "kind": "CiliumNodeList", "items": []}"#;
    Capture::add_to(&path, &[objects(none, None)], None).unwrap();
    let nodes = list(&Capture::open(&path).unwrap(), &kind("cilium.io/v2", "CiliumNode"), 0);
    assert!(nodes.unwrap().is_empty());
}

#[test]
fn a_refused_addition_leaves_everything_as_it_was() {
    let scratch = Scratch::new();
    let path = scratch.put("c.zip", zip(&small()));
    let folder = scratch.path("folder");
    Capture::open(&path).unwrap().to_writer().unwrap().write(&folder).unwrap();
    let before = (std::fs::read(&path).unwrap(), tree(&folder));
    let secret = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}"#;
    let node = Host { name: "r".into(), kind: HostKind::Node, addresses: Vec::new() };
    let in_agent = Addition::Command {
        host: extra("r", &[]),
        in_agent: true,
        argv: words("x"),
        out: Vec::new(),
    };
    for addition in [
        objects(secret, None),
        objects(&format!(r#"{{"items": [{secret}]}}"#), None),
        objects("nothing", None),
        objects("", None),
        objects("{", None),
        objects("{}", None),
        objects(r#"{"apiVersion": "v1", "kind": "Node"}"#, None),
        objects("items:\n- apiVersion: v1\n  kind: Node\n", None),
        pasted(node, "x", ""),
        pasted(extra("../x", &[]), "x", ""),
        pasted(extra("r", &[]), "", ""),
        in_agent,
    ] {
        for path in [&path, &folder] {
            let failure = Capture::add_to(path, std::slice::from_ref(&addition), None).unwrap_err();
            assert!(!failure.message.contains('\n'), "{failure}");
        }
    }
    assert_eq!((std::fs::read(&path).unwrap(), tree(&folder)), before);
    assert_eq!(scratch.names(), ["c.zip", "folder"]);
    let other = scratch.put("x.txt", "hello");
    assert!(Capture::add_to(&other, &[], None).is_err());
    assert_eq!(std::fs::read(&other).unwrap(), b"hello");
}

#[test]
fn patterns_are_taken_out_of_everything_that_is_written() {
    let scratch = Scratch::new();
    let mut files = small();
    files.retain(|(name, _)| {
        !["hosts/a/rule.json", "hosts/a/f.err.txt", "logs/n/p/c.log", "objects/v1/Node.json"]
            .contains(name)
    });
    files.push(("hosts/a/rule.json", br#"[{"src": "203.0.113.7", "x": 1.50}]"#));
    files.push(("hosts/a/f.err.txt", b"no 203.0.113.7\n"));
    files.push(("logs/n/p/c.log", b"from 203.0.113.7\n"));
    files.push((
        "objects/v1/Node.json",
        br#"{"items": [{"metadata": {"name": "a", "annotations": {"ip-203.0.113.7": "203.0.113.7/32"}}}]}"#,
    ));
    let recorder = Recorder::new(opened(&files).unwrap())
        .redacting(Redaction::new(&[r"203\.0\.113\.[0-9]+"]).unwrap());
    let rule = on_host("a", "ip -j rule");
    assert!(run(&recorder, &rule).unwrap().out.windows(3).any(|bytes| bytes == b"203"));
    run(&recorder, &on_agent("a", "false")).unwrap();
    list(&recorder, &kind("v1", "Node"), 0).unwrap();
    block_on(recorder.logs("n", "p", Some("c"), 0, false)).unwrap();
    let path = scratch.path("out");
    block_on(recorder.finish(&path)).unwrap();
    for (name, bytes) in tree(&path) {
        assert!(!String::from_utf8_lossy(&bytes).contains("203.0.113"), "{name}");
    }
    let capture = Capture::open(&path).unwrap();
    assert_eq!(capture.verify(), []);
    let out = String::from_utf8(run(&capture, &rule).unwrap().out).unwrap();
    assert_eq!(out, r#"[{"src": "[redacted]", "x": 1.50}]"#);
    let node = &list(&capture, &kind("v1", "Node"), 0).unwrap()[0];
    assert!(node.contains(r#""ip-[redacted]": "[redacted]/32""#), "{node}");
}
