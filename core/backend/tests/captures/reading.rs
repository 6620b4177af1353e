//! Captures that are in order: what they answer, and what they say when they do not know.

use futures::StreamExt;
use futures::executor::block_on;
use lab_backend::Backend;
use lab_backend::Capture;
use lab_backend::Change;
use lab_backend::Chunk;
use lab_backend::HostKind;
use lab_backend::Selection;
use lab_backend::demo;
use lab_types::FailureKind;

use crate::support::FIXTURES;
use crate::support::Scratch;
use crate::support::in_pod;
use crate::support::kind;
use crate::support::list;
use crate::support::on_agent;
use crate::support::on_host;
use crate::support::opened;
use crate::support::run;
use crate::support::small;
use crate::support::zip;

/// The small capture as a zip in memory, a zip on disk, a folder, and a zip of the folder.
fn everywhere(check: impl Fn(&Capture)) {
    let scratch = Scratch::new();
    for (name, bytes) in small() {
        scratch.put(&format!("folder/{name}"), bytes);
    }
    let path = scratch.put("small.zip", zip(&small()));
    let inside: Vec<_> =
        small().into_iter().map(|(name, bytes)| (format!("lab/{name}"), bytes)).collect();
    let inside: Vec<_> = inside.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    check(&opened(&small()).unwrap());
    check(&Capture::open(path).unwrap());
    check(&Capture::open(scratch.path("folder")).unwrap());
    check(&opened(&inside).unwrap());
}

#[test]
fn about_says_what_was_recorded() {
    everywhere(|capture| {
        let about = capture.about();
        assert_eq!(about.created.as_deref(), Some("2026-11-23T03:10:20Z"));
        assert_eq!(about.context.as_deref(), Some("lab"));
        // A version that was not known is not there, rather than empty.
        assert_eq!(
            about.versions.into_iter().collect::<Vec<_>>(),
            [("kubernetes".into(), "v1.33.13".into())]
        );
        assert_eq!(block_on(capture.version()).unwrap(), r#"{"gitVersion": "v1.33.13"}"#);
    });
    let scratch = Scratch::new();
    let path = scratch.put("small.zip", zip(&small()));
    assert_eq!(Capture::open(path).unwrap().about().source, "capture small.zip");
}

#[test]
fn nodes_come_before_other_hosts() {
    everywhere(|capture| {
        let hosts = block_on(capture.hosts()).unwrap();
        let shown: Vec<_> = hosts.iter().map(|host| (host.name.as_str(), host.kind)).collect();
        assert_eq!(shown, [("a", HostKind::Node), ("r", HostKind::Extra)]);
        assert_eq!(hosts[0].addresses, ["10.0.0.1"]);
    });
}

#[test]
fn commands_answer_word_for_word() {
    everywhere(|capture| {
        let outcome = run(capture, &on_host("a", "ip -j rule")).unwrap();
        assert_eq!(
            (outcome.code, outcome.out.as_slice(), outcome.truncated),
            (0, &b"[]\n"[..], false)
        );
        let outcome = run(capture, &on_agent("a", "false")).unwrap();
        assert_eq!(
            (outcome.code, outcome.err.as_slice(), outcome.truncated),
            (1, &b"no\n"[..], true)
        );
        let outcome = run(capture, &in_pod("n", "p", "ping x")).unwrap();
        assert_eq!((outcome.code, outcome.out.as_slice()), (1, &b"\xff\x00"[..]));
    });
}

#[test]
fn what_was_not_asked_is_unavailable_by_name() {
    everywhere(|capture| {
        for (question, message) in [
            (on_host("a", "ip rule"), "not in this capture: ip rule on a"),
            (on_host("a", "false"), "not in this capture: false on a"),
            (on_agent("a", "ip -j rule"), "not in this capture: ip -j rule in the agent on a"),
            (on_host("r", "ip -j rule"), "not in this capture: ip -j rule on r"),
            (on_host("x", "ip -j rule"), "not in this capture: host x"),
            (in_pod("n", "q", "ping x"), "not in this capture: ping x in pod n/q"),
        ] {
            let failure = run(capture, &question).unwrap_err();
            assert_eq!(
                (failure.kind, failure.message.as_str()),
                (FailureKind::Unavailable, message)
            );
        }
        let failure = list(capture, &kind("v1", "Pod"), 0).unwrap_err();
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (FailureKind::Unavailable, "not in this capture: v1/Pod")
        );
        let failure = block_on(capture.get(&kind("v1", "Pod"), "x")).unwrap_err();
        assert_eq!(failure.message, "not in this capture: v1/Pod x");
    });
}

#[test]
fn objects_are_listed_chosen_and_cut() {
    everywhere(|capture| {
        let nodes = kind("v1", "Node");
        let all = list(capture, &nodes, 1).unwrap();
        assert_eq!(all[1], r#"{"metadata": {"name": "b"}, "spec": {}}"#);
        let labelled = Selection {
            labels: Some("x".into()),
            keep: vec!["spec.podCIDR".into()],
            ..nodes.clone()
        };
        assert_eq!(
            list(capture, &labelled, 0).unwrap(),
            [r#"{"metadata":{"name":"a"},"spec":{"podCIDR":"10.1.0.0/24"}}"#]
        );
        let named = Selection { fields: Some("metadata.name=b".into()), ..nodes.clone() };
        assert_eq!(list(capture, &named, 0).unwrap().len(), 1);
        assert_eq!(block_on(capture.get(&nodes, "b")).unwrap(), all[1]);
        assert_eq!(block_on(capture.get(&nodes, "c")).unwrap_err().kind, FailureKind::NotFound);
        assert!(list(capture, &kind("cilium.io/v2", "CiliumNode"), 0).unwrap().is_empty());
        let wrong = Selection { labels: Some("x y".into()), ..nodes };
        assert_eq!(list(capture, &wrong, 0).unwrap_err().kind, FailureKind::InvalidInput);
        for (api_version, name) in
            [("../v1", "Node"), ("v1", "../Node"), ("v1", "a/b"), ("", "Node"), ("v1", "")]
        {
            let failure = list(capture, &kind(api_version, name), 0).unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidInput);
        }
    });
}

#[test]
fn logs_are_cut_from_the_end() {
    everywhere(|capture| {
        let log = |container, lines, previous| {
            block_on(capture.logs("n", "p", container, lines, previous))
        };
        assert_eq!(log(Some("c"), 1, false).unwrap(), "two\n");
        assert_eq!(log(Some("c"), 10, false).unwrap(), "one\ntwo\n");
        assert_eq!(log(None, 10, false).unwrap(), "one\ntwo\n");
        assert_eq!(log(None, 10, true).unwrap(), "zero\n");
        let failure = log(Some("d"), 1, false).unwrap_err();
        assert_eq!(failure.message, "not in this capture: log of n/p d");
        assert!(block_on(capture.logs("..", "p", None, 1, false)).is_err());
    });
}

#[test]
fn a_started_command_is_replayed_to_its_end() {
    everywhere(|capture| {
        let chunks = block_on(async {
            capture.start(on_agent("a", "false")).await.unwrap().collect::<Vec<_>>().await
        });
        assert_eq!(chunks, [Chunk::Err(b"no\n".to_vec()), Chunk::Ended(Ok(1))]);
    });
}

#[test]
fn a_watch_hands_over_everything_and_ends() {
    everywhere(|capture| {
        let changes = block_on(async {
            capture.watch(kind("v1", "Node")).await.unwrap().collect::<Vec<_>>().await
        });
        assert_eq!(changes.len(), 3);
        assert!(matches!(&changes[0], Ok(Change::Added(object)) if object.contains("podCIDR")));
        assert_eq!(changes[2], Ok(Change::Synced));
    });
}

/// Lines that do not pack away, so many bytes at least.
fn lines(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut out = Vec::new();
    while out.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        out.extend_from_slice(format!("{state:x}\n").as_bytes());
    }
    out
}

fn replayed(capture: &impl Backend) -> Vec<Chunk> {
    block_on(async {
        capture.start(on_host("a", "ip -j rule")).await.unwrap().collect::<Vec<_>>().await
    })
}

#[test]
fn long_output_is_replayed_in_pieces_of_whole_lines() {
    for bytes in [100_000, 3 << 20] {
        let long: &[u8] = Vec::leak(lines(bytes));
        let mut together = Vec::new();
        let chunks = replayed(&crate::support::small_with("hosts/a/rule.json", long).unwrap());
        for chunk in &chunks {
            if let Chunk::Out(bytes) = chunk {
                assert!(bytes.ends_with(b"\n") && bytes.len() <= 32 << 10);
                together.extend_from_slice(bytes);
            }
        }
        assert_eq!(together, long);
        assert_eq!(chunks.last(), Some(&Chunk::Ended(Ok(0))));
    }
    // One line without an end, longer than any piece.
    let line: &[u8] = Vec::leak(lines(2 << 20).into_iter().filter(|&b| b != b'\n').collect());
    let chunks = replayed(&crate::support::small_with("hosts/a/rule.json", line).unwrap());
    let out = |chunk: &Chunk| if let Chunk::Out(bytes) = chunk { bytes.clone() } else { vec![] };
    assert_eq!(chunks.iter().flat_map(out).collect::<Vec<u8>>(), line);
}

#[test]
fn damage_of_long_output_is_told_at_its_end() {
    let long = lines(3 << 20);
    let files: Vec<(&str, &[u8])> = small()
        .into_iter()
        .map(|(name, bytes)| (name, if name == "hosts/a/rule.json" { &long[..] } else { bytes }))
        .collect();
    let mut bytes = zip(&files);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let scratch = Scratch::new();
    let capture = lab_backend::Capture::open(scratch.put("x.zip", bytes)).unwrap();
    let chunks = replayed(&capture);
    let Some(Chunk::Ended(Err(failure))) = chunks.last() else { panic!("{:?}", chunks.last()) };
    assert!(failure.message.contains("rule.json"), "{failure:?}");
}

/// The demo answers what the built-in plugins ask, on every host.
#[test]
fn the_demo_answers() {
    let demo = demo::open().unwrap();
    assert_eq!(demo.about().source, "demo");
    assert_eq!(demo.about().versions["cilium"], "1.18.0");
    let hosts = block_on(demo.hosts()).unwrap();
    assert_eq!(hosts.len(), 4);
    for host in &hosts {
        for line in [
            "ip -j route show table all",
            "ip -j -6 route show table all",
            "ip -j rule",
            "ip -j addr",
            "ip -j -d link",
        ] {
            let outcome = run(&demo, &on_host(&host.name, line)).unwrap();
            assert!(outcome.code == 0 && outcome.out.starts_with(b"["), "{line} on {}", host.name);
        }
        if host.kind == HostKind::Node {
            for line in [
                "cilium-dbg status -o json",
                "cilium-dbg config --all -o json",
                "cilium-dbg version",
                "cilium-dbg node list -o json",
            ] {
                run(&demo, &on_agent(&host.name, line)).unwrap();
            }
        }
    }
    assert_eq!(list(&demo, &kind("v1", "Node"), 0).unwrap().len(), 3);
    assert_eq!(list(&demo, &kind("v1", "Pod"), 2).unwrap().len(), 12);
    let config = Selection { namespace: Some("kube-system".into()), ..kind("v1", "ConfigMap") };
    assert!(block_on(demo.get(&config, "cilium-config")).unwrap().contains("ipam"));
    // Only three ConfigMaps were kept, so nothing is known of others, nor of the list.
    for failure in
        [block_on(demo.get(&config, "other")).map(drop), list(&demo, &config, 0).map(drop)]
    {
        assert_eq!(failure.unwrap_err().kind, FailureKind::Unavailable);
    }
}

/// Every fixture opens, and its list of pings says what the recorded pings say.
#[test]
fn fixtures_agree_with_their_traffic() {
    let mut count = 0;
    for entry in std::fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "zip") {
            continue;
        }
        count += 1;
        let capture = Capture::open(&path).unwrap();
        let traffic = std::fs::read_to_string(
            path.with_extension("").to_str().unwrap().to_owned() + ".traffic.tsv",
        )
        .unwrap();
        assert_eq!(traffic.lines().count(), 21);
        for line in traffic.lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            let &[code, place, to] = parts.as_slice() else { panic!("{line}") };
            let ping = |number| {
                let line = format!("ping -c {number} -W 1 {to}");
                match place.split_once('/') {
                    Some((namespace, name)) => run(&capture, &in_pod(namespace, name, &line)),
                    None => run(&capture, &on_host(place, &line)),
                }
            };
            let outcome = ping(2).or_else(|_| ping(3)).unwrap();
            assert_eq!(outcome.code.to_string(), code, "{line} in {}", path.display());
        }
    }
    assert_eq!(count, 5);
}
