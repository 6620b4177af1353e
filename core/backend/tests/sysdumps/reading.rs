//! What is in a sysdump is answered, the same from every layout, and nothing else is.

use futures::StreamExt;
use futures::executor::block_on;
use lab_backend::Backend;
use lab_backend::Chunk;
use lab_backend::Place;
use lab_backend::Question;
use lab_backend::Selection;
use lab_backend::Sysdump;
use lab_types::FailureKind;
use serde_json::Value;

use crate::support::*;

/// Every layout as a zip, as a zip without a folder, and as a folder.
fn every_form(check: impl Fn(&Sysdump, &str)) {
    let scratch = Scratch::new();
    for (layout, bugtool) in LAYOUTS {
        let files = sysdump(layout, bugtool);
        let stem = format!("cilium-sysdump-{STAMP}");
        let paths = [
            scratch.put(&format!("{stem}.zip"), zipped(layout, &stem, &files)),
            scratch.put("flat.zip", zipped(layout, "", &files)),
            scratch.unpack(&format!("{layout:?}{bugtool:?}/{stem}"), &files),
            scratch.path(&format!("{layout:?}{bugtool:?}")),
        ];
        for path in paths {
            let case = format!("{layout:?} {bugtool:?} {}", path.display());
            check(&Sysdump::open(&path).unwrap(), &case);
        }
    }
}

fn values(items: &[String]) -> Vec<Value> {
    items.iter().map(|item| serde_json::from_str(item).unwrap()).collect()
}

fn out(backend: &dyn Backend, question: &Question) -> Vec<u8> {
    let outcome = run(backend, question).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(outcome.code, 0);
    outcome.out
}

/// The message of what is not there.
fn lacks(backend: &dyn Backend, question: &Question) -> String {
    let failure = run(backend, question).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
    failure.message
}

#[test]
fn hosts_objects_and_outputs_are_the_same_in_every_layout() {
    let capture = capture();
    every_form(|sysdump, case| {
        let mut nodes = block_on(capture.hosts()).unwrap();
        nodes.retain(|host| host.kind == lab_backend::HostKind::Node);
        assert_eq!(block_on(sysdump.hosts()).unwrap(), nodes, "{case}");
        for of in [kind("v1", "Pod"), kind("v1", "Node"), kind("cilium.io/v2", "CiliumNode")] {
            let expected = list(&capture, &of, 0).unwrap();
            assert_eq!(values(&list(sysdump, &of, 2).unwrap()), values(&expected), "{case}");
        }
        assert_eq!(out(sysdump, &on_host("k8s-w0", "ip -4 r")), data("w0-ip-route.txt"), "{case}");
        assert_eq!(out(sysdump, &on_host("k8s-w1", "ip route")), data("w1-ip-route.txt"), "{case}");
        let status = on_agent("k8s-w0", "cilium-dbg status --verbose");
        assert_eq!(out(sysdump, &status), data("w0-status-verbose.txt"), "{case}");
        let agent = Place::Pod {
            namespace: "kube-system".into(),
            name: agent_of("k8s-w0"),
            container: None,
        };
        let in_pod = Question { place: agent, ..status };
        assert_eq!(out(sysdump, &in_pod), data("w0-status-verbose.txt"), "{case}");
        // Not among what is kept of an archive.
        assert_eq!(out(sysdump, &on_host("k8s-w0", "bpftool map show")), b"1: hash\n", "{case}");
    });
}

#[test]
fn commands_answer_exactly_what_was_asked() {
    every_form(|sysdump, case| {
        for (line, is_there) in [
            ("ip -d rule", true),
            ("ip rule", false),
            ("iptables-save -c", true),
            ("iptables-save", false),
            ("ip -6 r", true),
            ("ip -6 route", true),
            ("ip -4 neigh", true),
            ("ip -j route show table all", false),
            ("ip -j neigh", false),
            ("hostname", false),
        ] {
            let answer = run(sysdump, &on_host("k8s-w0", line));
            assert_eq!(answer.is_ok(), is_there, "{case}: {line}");
            if !is_there {
                let text = lacks(sysdump, &on_host("k8s-w0", line));
                assert_eq!(text, format!("not in this sysdump: {line} on k8s-w0"), "{case}");
            }
        }
        assert_eq!(out(sysdump, &on_agent("k8s-w0", "hostname")), b"k8s-w0\n", "{case}");
    });
}

/// Bugtool looks for numbered tables; where it found some, those that it did not find are
/// empty. Of a node where it found none, nothing is known.
#[test]
fn tables_without_a_file_are_empty_where_tables_were_looked_for() {
    every_form(|sysdump, case| {
        let ask = |host: &str, line: &str| run(sysdump, &on_host(host, line));
        let table = ask("k8s-w0", "ip -4 route show table 2004").unwrap();
        assert!(table.out.starts_with(b"local default"), "{case}");
        assert_eq!(ask("k8s-w0", "ip -4 route show table 2005").unwrap().out, b"", "{case}");
        assert!(ask("k8s-w0", "ip -6 route show table 2005").is_err(), "{case}");
        assert!(ask("k8s-w0", "ip -4 route show table local").is_err(), "{case}");
        assert!(ask("k8s-w1", "ip -4 route show table 2005").is_err(), "{case}");
    });
}

/// What `ip route show table all` prints of IPv4, but for the table local.
#[test]
fn all_tables_are_put_together() {
    every_form(|sysdump, case| {
        let all = out(sysdump, &on_host("k8s-w0", "ip -4 route show table all"));
        let main = data("w0-ip-route.txt");
        assert!(all.starts_with(&main), "{case}");
        let rest = String::from_utf8(all[main.len()..].to_vec()).unwrap();
        assert_eq!(rest, "local default dev lo proto kernel scope host table 2004\n", "{case}");
        assert!(run(sysdump, &on_host("k8s-w0", "ip route show table all")).is_err(), "{case}");
        let failure = lacks(sysdump, &on_host("k8s-ctr", "ip -4 route show table all"));
        assert!(failure.ends_with("there is no bugtool of its agent"), "{case}: {failure}");
    });
}

#[test]
fn a_table_that_could_not_be_read_is_not_left_out() {
    let scratch = Scratch::new();
    let mut files = sysdump(Layout::New, Bugtool::Unpacked);
    let failed = "> Error while running 'ip -4 route show table 7':  exit status 255\n\n";
    let name =
        format!("cilium-bugtool-{}-{STAMP}/cmd/ip--4-route-show-table-7.md", agent_of("k8s-w0"));
    files.insert(name, failed.into());
    let sysdump = Sysdump::open(scratch.unpack("x", &files)).unwrap();
    let text = lacks(&sysdump, &on_host("k8s-w0", "ip -4 route show table all"));
    assert!(text.contains("table 7: exit status 255 when it was made"), "{text}");
}

#[test]
fn bodies_may_have_another_ending() {
    let scratch = Scratch::new();
    for end in [".json", ".txt", ".html"] {
        let files = sysdump(Layout::New, Bugtool::Unpacked);
        let renamed: Files = files
            .into_iter()
            .map(|(name, bytes)| match name.strip_suffix(".md") {
                Some(stem) => (format!("{stem}{end}"), bytes),
                None => (name, bytes),
            })
            .collect();
        let sysdump = Sysdump::open(scratch.unpack(end, &renamed)).unwrap();
        assert_eq!(out(&sysdump, &on_host("k8s-w0", "ip -4 r")), data("w0-ip-route.txt"), "{end}");
    }
}

/// Whatever is asked, files beside are not looked into: here they cannot be.
#[test]
fn only_files_that_an_answer_needs_are_inflated() {
    let scratch = Scratch::new();
    let mut files = sysdump(Layout::New, Bugtool::Unpacked);
    let noise: Vec<u8> = (0..100_000_u32).flat_map(|n| n.wrapping_mul(97).to_le_bytes()).collect();
    for name in ["k8s-events", "k8s-services", "ciliumendpoints"] {
        files.insert(format!("{name}-{STAMP}.yaml"), noise.clone());
    }
    let mut bytes = zipped(Layout::New, "x", &files);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.clone())).unwrap();
    let mut spoiled = 0;
    for at in 0..archive.len() {
        let file = archive.by_index_raw(at).unwrap();
        let needed = ["k8s-nodes", "k8s-pods", "ip--4-r.md", "cilium-daemonset", "k8s-version"];
        if needed.iter().any(|name| file.name().unwrap().contains(name))
            || file.compressed_size() == 0
        {
            continue;
        }
        let start = usize::try_from(file.data_start().unwrap()).unwrap();
        let len = usize::try_from(file.compressed_size()).unwrap();
        bytes[start..start + len].fill(0xff);
        spoiled += 1;
    }
    assert!(spoiled > 20, "{spoiled}");
    let sysdump = Sysdump::open(scratch.put("x.zip", bytes)).unwrap();
    assert_eq!(out(&sysdump, &on_host("k8s-w0", "ip -4 r")), data("w0-ip-route.txt"));
    assert_eq!(list(&sysdump, &kind("v1", "Pod"), 0).unwrap().len(), 12);
    assert!(list(&sysdump, &kind("v1", "Service"), 0).is_err());
}

/// Longer than what is read on one thread, with `items` before `kind` as the tool streams it.
#[test]
fn a_long_list_is_read_to_its_end() {
    let scratch = Scratch::new();
    let mut files = sysdump(Layout::New, Bugtool::Unpacked);
    let pods: Vec<String> = (0..3000)
        .map(|number| {
            format!(
                r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "p{number}", "namespace": "n", "annotations":
                {{"a": "{}"}}}}, "spec": {{"nodeName": "k8s-w{}"}}}}"#,
                "x".repeat(500),
                number % 2
            )
        })
        .collect();
    let text = yaml_list("v1", "Pod", &pods);
    assert!(text.len() > 1 << 20 && text.find("items:") < text.find("kind: PodList"));
    files.insert(format!("k8s-pods-{STAMP}.yaml"), text.into_bytes());
    let sysdump = Sysdump::open(scratch.put("x.zip", zipped(Layout::New, "x", &files))).unwrap();
    let of = Selection {
        fields: Some("spec.nodeName=k8s-w0".into()),
        keep: vec!["spec.nodeName".into()],
        ..kind("v1", "Pod")
    };
    let found = list(&sysdump, &of, 0).unwrap();
    assert_eq!(found.len(), 1500);
    assert!(found.iter().all(|pod| !pod.contains("xxx")), "{}", found[0]);
}

#[test]
fn failures_of_then_are_unknown_and_not_empty() {
    every_form(|sysdump, case| {
        assert_eq!(
            lacks(sysdump, &on_host("k8s-w0", "ip -s xfrm state")),
            "not in this sysdump: ip -s xfrm state on k8s-w0: exit status 2 when it was made",
            "{case}"
        );
        assert!(
            lacks(sysdump, &on_host("k8s-w1", "iptables-nft-save -c"))
                .ends_with("only comments in it")
        );
        let text = lacks(sysdump, &on_host("k8s-ctr", "ip -4 r"));
        assert!(text.ends_with("there is no bugtool of its agent"), "{case}: {text}");
        assert_eq!(lacks(sysdump, &on_host("x", "ip -4 r")), "not in this sysdump: host x");
    });
}

#[test]
fn kinds_are_whole_or_known_by_name() {
    every_form(|sysdump, case| {
        let maps = kind("v1", "ConfigMap");
        let config = block_on(sysdump.get(&maps, "cilium-config")).unwrap();
        let expected = block_on(capture().get(&maps, "cilium-config")).unwrap();
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&config)["data"], read(&expected)["data"], "{case}");
        for (of, name) in [(&maps, "kubeadm-config"), (&kind("v1", "Secret"), "x")] {
            let failure = block_on(sysdump.get(of, name)).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
        }
        assert_eq!(list(sysdump, &maps, 0).unwrap_err().kind, FailureKind::Unavailable);
        let one = Selection { fields: Some("metadata.name=cilium-config".into()), ..maps };
        assert_eq!(list(sysdump, &one, 0).unwrap().len(), 1);
        let gone = block_on(sysdump.get(&kind("v1", "Node"), "x")).unwrap_err();
        assert_eq!(gone.kind, FailureKind::NotFound);
        let failure = list(sysdump, &kind("v1", "Service"), 0).unwrap_err();
        assert_eq!(failure.message, "not in this sysdump: v1/Service");
        let other = list(sysdump, &kind("cilium.io/v2alpha1", "CiliumNode"), 0);
        assert!(other.unwrap_err().message.contains("but there is cilium.io/v2"), "{case}");
    });
}

#[test]
fn objects_are_chosen_and_cut_as_from_a_capture() {
    let capture = capture();
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    let keep: Vec<String> = paths(&["spec.nodeName", "status.podIPs"]);
    every_form(|sysdump, case| {
        for of in [
            Selection { keep: keep.clone(), ..kind("v1", "Pod") },
            Selection {
                namespace: Some("kube-system".into()),
                keep: keep.clone(),
                ..kind("v1", "Pod")
            },
            Selection {
                labels: Some("k8s-app=cilium".into()),
                keep: keep.clone(),
                ..kind("v1", "Pod")
            },
            Selection {
                fields: Some("spec.nodeName=k8s-w0,status.phase!=x".into()),
                keep: paths(&["metadata.uid"]),
                ..kind("v1", "Pod")
            },
            Selection { keep: paths(&["metadata", "spec"]), ..kind("cilium.io/v2", "CiliumNode") },
        ] {
            let expected = values(&list(&capture, &of, 0).unwrap());
            assert!(!expected.is_empty());
            assert_eq!(values(&list(sysdump, &of, 3).unwrap()), expected, "{case} {of:?}");
        }
    });
}

#[test]
fn about_versions_logs_and_streams() {
    every_form(|sysdump, case| {
        let about = sysdump.about();
        assert!(about.source.starts_with("sysdump "), "{case}");
        assert_eq!(about.created.as_deref(), Some("2026-11-23T03:10:20Z"), "{case}");
        assert_eq!(about.versions["kubernetes"], "v1.33.13", "{case}");
        assert_eq!(about.versions["cilium"], "1.18.0", "{case}");
        assert_eq!(block_on(sysdump.version()).unwrap(), r#"{"gitVersion":"v1.33.13"}"#);
        let agent = agent_of("k8s-w0");
        let log = |container, lines, previous| {
            block_on(sysdump.logs("kube-system", &agent, container, lines, previous))
        };
        assert_eq!(log(Some("cilium-agent"), 1, false).unwrap(), "two\n", "{case}");
        assert_eq!(log(None, 0, true).unwrap(), "zero\n", "{case}");
        assert!(log(None, 0, false).unwrap_err().message.ends_with("cilium-agent, config"));
        assert!(log(Some("x"), 0, false).is_err());
        let chunks = block_on(sysdump.start(on_host("k8s-w0", "ip -4 r"))).unwrap();
        let chunks: Vec<Chunk> = block_on(chunks.collect());
        assert_eq!(chunks, [Chunk::Out(data("w0-ip-route.txt")), Chunk::Ended(Ok(0))], "{case}");
        let changes = block_on(sysdump.watch(kind("v1", "Node"))).unwrap();
        assert_eq!(block_on(changes.count()), 4, "{case}");
    });
}

#[test]
fn a_recording_of_a_sysdump_answers_the_same() {
    let scratch = Scratch::new();
    let path = scratch.put("s.zip", zipped(Layout::New, "x", &sysdump(Layout::New, Bugtool::Gzip)));
    let recorder = lab_backend::Recorder::new(Sysdump::open(path).unwrap());
    let question = on_host("k8s-w0", "ip -4 r");
    run(&recorder, &question).unwrap();
    assert!(run(&recorder, &on_host("k8s-w0", "ip -j rule")).is_err());
    block_on(recorder.finish(scratch.path("c.zip"))).unwrap();
    let again = lab_backend::Capture::open(scratch.path("c.zip")).unwrap();
    assert_eq!(out(&again, &question), data("w0-ip-route.txt"));
    assert_eq!(again.about().created.as_deref(), Some("2026-11-23T03:10:20Z"));
    assert_eq!(again.verify(), []);
}
