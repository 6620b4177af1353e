//! The whole of [`Live`] over a faked API server on loopback.

use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use lab_backend::Place;
use lab_types::{Failure, FailureKind};

use super::*;
use crate::ExtraHost;
use crate::fake_server::{Act, FakeServer, Reply, exit, status};

mod debug_pods;
mod releases;
mod transports;

async fn live(server: &FakeServer, change: impl FnOnce(&mut LiveOptions)) -> Live {
    let mut options = LiveOptions { server: Some(server.url.clone()), ..LiveOptions::default() };
    change(&mut options);
    Live::connect_in(options, &Environment::default()).await.unwrap()
}

fn kind(api_version: &str, kind: &str) -> Selection {
    Selection { api_version: api_version.into(), kind: kind.into(), ..Selection::default() }
}

fn node(name: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}"}},"status":{{"addresses":[{{"type":"InternalIP","address":"10.0.0.1"}}]}}}}"#
    )
}

fn list(items: &[String], more: &str) -> Reply {
    Reply::Http(
        200,
        format!(
            r#"{{"metadata":{{"resourceVersion":"7","continue":"{more}"}},"items":[{}]}}"#,
            items.join(",")
        ),
    )
}

/// What listing nodes fails with when the server answers so, and how often it was asked.
async fn failing(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Failure, usize) {
    let server = FakeServer::start(move |_, _| reply()).await;
    let live =
        live(&server, |options| options.request_timeout = Some(Duration::from_millis(900))).await;
    let failure = live.list(&kind("v1", "Node"), 0, None).await.unwrap_err();
    (failure, server.asked().len())
}

#[tokio::test]
async fn refusals_of_the_server_are_told_apart_and_only_busy_ones_repeated() {
    for (code, expected, times) in [
        (401, FailureKind::Denied, 1),
        (403, FailureKind::Denied, 1),
        (404, FailureKind::NotFound, 1),
        (410, FailureKind::Unavailable, 1),
        (500, FailureKind::Unavailable, 1),
        // Busy: it has done nothing, and may be less so in a moment.
        (429, FailureKind::Unavailable, 3),
        (503, FailureKind::Unavailable, 3),
    ] {
        let (failure, asked) = failing(move || status(code, "no")).await;
        assert_eq!((failure.kind, asked), (expected, times), "{code}: {failure}");
    }
}

#[tokio::test]
async fn broken_answers_are_failures_and_never_empty_lists() {
    let (failure, _) = failing(|| Reply::Http(200, "{\"items\":[{".into())).await;
    assert!(failure.message.contains("not readable"), "{failure}");
    let (failure, _) = failing(|| Reply::Http(200, "{}".into())).await;
    assert!(failure.message.contains("not readable"), "{failure}");
    let (failure, _) = failing(|| Reply::Cut).await;
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
    let (failure, _) = failing(|| Reply::Pieces(vec!["{\"metadata\":{}".into()])).await;
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
    let (failure, _) = failing(|| Reply::Silence).await;
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
    assert!(failure.message.contains("within 900ms"), "{failure}");
}

#[tokio::test]
async fn a_server_that_is_not_there_and_one_without_tls() {
    let server = FakeServer::start(|_, _| Reply::Cut).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, expected) in [
        (format!("http://{nobody}"), "connection refused"),
        (server.url.replace("http:", "https:"), "does not speak TLS"),
    ] {
        let live = live(&server, |options| options.server = Some(url.clone())).await;
        let failure = live.version().await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.message.contains(&url), "{failure}");
        assert!(failure.message.contains(expected), "{failure}");
    }
}

#[tokio::test]
async fn a_kind_that_the_cluster_lacks_is_not_an_empty_list() {
    let server = FakeServer::start(|path, _| match path {
        "/apis/example.org/v1" => Reply::Http(
            200,
            r#"{"resources":[{"name":"foos","kind":"Foo","namespaced":true}]}"#.into(),
        ),
        path if path.starts_with("/apis/example.org/v1/") => list(&[], ""),
        _ => Reply::Http(404, "404 page not found\n".into()),
    })
    .await;
    let live = live(&server, |_| {}).await;
    let failure = live.list(&kind("cilium.io/v2", "CiliumNode"), 0, None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(failure.message, "this cluster has no `CiliumNode` (cilium.io/v2)");
    assert!(failure.hint.unwrap().starts_with("is Cilium installed?"));
    for _ in 0..2 {
        assert_eq!(
            live.list(&kind("example.org/v1", "Foo"), 0, None).await.unwrap(),
            Page::default()
        );
    }
    let failure = live.list(&kind("example.org/v1", "Bar"), 0, None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    let discoveries = server.asked().iter().filter(|path| *path == "/apis/example.org/v1").count();
    assert_eq!(discoveries, 1, "asked once and remembered");
    assert_eq!(
        live.list(&kind("../v1", "Secret"), 0, None).await.unwrap_err().kind,
        FailureKind::InvalidInput
    );
}

#[tokio::test]
async fn pages_are_followed_and_selectors_passed_on() {
    let server = FakeServer::start(|path, _| {
        if path.contains("continue=t1") { list(&[node("b")], "") } else { list(&[node("a")], "t1") }
    })
    .await;
    let live = live(&server, |_| {}).await;
    let hosts = live.hosts().await.unwrap();
    assert_eq!(hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let of = Selection {
        namespace: Some("n s".into()),
        labels: Some("a=b,c!=d".into()),
        fields: Some("spec.nodeName=w1".into()),
        ..kind("v1", "Pod")
    };
    live.list(&of, 7, None).await.unwrap();
    assert_eq!(
        server.asked().last().unwrap(),
        "/api/v1/namespaces/n%20s/pods?labelSelector=a%3Db%2Cc%21%3Dd&fieldSelector=spec.nodeName%3Dw1&limit=7"
    );
}

#[tokio::test]
async fn an_expired_page_token_loses_nothing_and_repeats_nothing() {
    for offers in [true, false] {
        let server = FakeServer::start(move |path, nth| match (nth, path.contains("continue=")) {
            (0, false) => list(&[node("a"), node("b")], "old"),
            (1, true) if offers => Reply::Http(
                410,
                r#"{"kind":"Status","code":410,"message":"expired","metadata":{"continue":"fresh"}}"#.into(),
            ),
            (1, true) => status(410, "expired"),
            // Begun anew: `b` has been deleted meanwhile, and pages have another length.
            (2, false) => list(&[node("a")], "new"),
            (2 | 3, true) => list(&[node("c")], ""),
            _ => status(500, path),
        })
        .await;
        let live = live(&server, |_| {}).await;
        let names: Vec<String> =
            live.hosts().await.unwrap().into_iter().map(|host| host.name).collect();
        assert_eq!(names, ["a", "b", "c"], "{:?}", server.asked());
    }
}

fn agent_on(node: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"cilium-{node}","namespace":"kube-system"}},"spec":{{"nodeName":"{node}"}},
        "status":{{"phase":"Running","containerStatuses":[{{"name":"cilium-agent","ready":true,"state":{{"running":{{}}}}}}]}}}}"#
    )
}

/// A cluster of one node, on whose agent every command does the same.
async fn acting(acts: impl Fn() -> Reply + Send + Sync + 'static) -> FakeServer {
    FakeServer::start(
        move |path, _| {
            if path.contains("/exec?") { acts() } else { list(&[agent_on("w1")], "") }
        },
    )
    .await
}

fn question(argv: &[&str]) -> Question {
    Question {
        place: Place::Host { host: "w1".into() },
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
    }
}

#[tokio::test]
async fn both_streams_beyond_any_buffer_and_the_exit_code_arrive() {
    for protocol in ["v5.channel.k8s.io", "v4.channel.k8s.io"] {
        let server = acting(move || {
            let mut acts: Vec<Act> =
                (1..=2).map(|channel| Act::Frame(channel, Vec::new())).collect();
            for _ in 0..50 {
                acts.push(Act::Frame(2, vec![b'e'; 30_000]));
                acts.push(Act::Frame(1, vec![b'o'; 70_000]));
            }
            // Late, and with output behind it: neither may be lost.
            acts.extend([
                Act::Pause(Duration::from_millis(300)),
                exit(3),
                Act::Frame(1, b"!".to_vec()),
                Act::Close,
            ]);
            Reply::Exec(protocol, acts)
        })
        .await;
        let live = live(&server, |_| {}).await;
        let outcome = live.run(&question(&["ip", "a b", "&"])).await.unwrap();
        assert_eq!((outcome.code, outcome.out.len(), outcome.err.len()), (3, 3_500_001, 1_500_000));
        assert!(!outcome.truncated);
        assert_eq!(
            server.asked()[1],
            "/api/v1/namespaces/kube-system/pods/cilium-w1/exec?container=cilium-agent&stdout=true&stderr=true&command=ip&command=a+b&command=%26"
        );
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_status_is_no_success() {
    for last in [None, Some(Act::Close)] {
        let last = Mutex::new(last);
        let server = acting(move || {
            let mut acts = vec![Act::Frame(1, b"half".to_vec())];
            acts.extend(last.lock().unwrap().take());
            Reply::Exec("v5.channel.k8s.io", acts)
        })
        .await;
        let failure = live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.message.contains("without a status"), "{failure}");
    }
}

#[tokio::test]
async fn a_command_that_hangs_ends_at_its_deadline() {
    let server = acting(|| Reply::Exec("v5.channel.k8s.io", vec![Act::Hang])).await;
    let live = live(&server, |options| options.command_timeout = Duration::from_millis(100)).await;
    let failure = live.run(&question(&["sleep", "9"])).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.message, "`sleep 9` did not end within 100ms");
}

#[tokio::test]
async fn output_beyond_the_limit_is_cut_but_the_code_is_true() {
    let server = acting(|| {
        Reply::Exec("v5.channel.k8s.io", vec![Act::Frame(1, vec![b'x'; 5000]), exit(1), Act::Close])
    })
    .await;
    let live = live(&server, |options| options.output_limit = 1000).await;
    let outcome = live.run(&question(&["ip"])).await.unwrap();
    assert_eq!((outcome.code, outcome.out.len(), outcome.truncated), (1, 1000, true));
}

#[tokio::test]
async fn a_refused_exec_names_the_rights_and_is_not_repeated() {
    let server = acting(|| status(403, r#"pods "x" is forbidden: User "dev" cannot create"#)).await;
    let failure = live(&server, |_| {}).await.run(&question(&["ip", "rule"])).await.unwrap_err();
    assert_eq!(
        failure.message,
        "cannot run `ip rule` in pod kube-system/cilium-w1: forbidden for user `dev`"
    );
    assert!(failure.hint.unwrap().contains("`get` and `create` on `pods/exec`"));
    assert_eq!(server.asked().len(), 2);
    let server = acting(|| Reply::Http(200, String::new())).await;
    let failure = live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap_err();
    assert!(failure.hint.unwrap().contains("WebSockets"), "a proxy that swallows the upgrade");
}

#[tokio::test]
async fn an_agent_that_was_replaced_is_found_again_once() {
    let server = FakeServer::start(|path, nth| {
        if path.contains("/cilium-new/exec") {
            Reply::Exec("v5.channel.k8s.io", vec![exit(0), Act::Close])
        } else if path.contains("/exec?") {
            status(404, "pods \"cilium-w1\" not found")
        } else if nth == 0 {
            list(&[agent_on("w1")], "")
        } else {
            list(&[agent_on("w1").replace("cilium-w1", "cilium-new")], "")
        }
    })
    .await;
    assert_eq!(live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap().code, 0);
    let server = acting(|| status(404, "pods \"cilium-w1\" not found")).await;
    let failure = live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap_err();
    assert_eq!((failure.kind, server.asked().len()), (FailureKind::NotFound, 4));
}

#[tokio::test]
async fn agents_outside_the_usual_namespace_are_found() {
    let server = FakeServer::start(|path, _| {
        if path.starts_with("/api/v1/namespaces/kube-system/pods?") {
            list(&[], "")
        } else if path.contains("/exec?") {
            Reply::Exec("v5.channel.k8s.io", vec![exit(0), Act::Close])
        } else {
            list(&[agent_on("w1")], "")
        }
    })
    .await;
    let live = live(&server, |_| {}).await;
    for _ in 0..2 {
        live.run(&question(&["ip"])).await.unwrap();
    }
    assert_eq!(server.n_asked("/pods?"), 2, "one look for all questions: {:?}", server.asked());
}

#[tokio::test]
async fn a_stream_hands_over_pieces_as_they_come() {
    let server = acting(|| {
        Reply::Exec(
            "v5.channel.k8s.io",
            vec![
                Act::Frame(1, b"one".to_vec()),
                Act::Frame(2, b"two".to_vec()),
                exit(0),
                Act::Hang,
            ],
        )
    })
    .await;
    let live = live(&server, |_| {}).await;
    let chunks: Vec<Chunk> =
        live.start(question(&["cilium-dbg", "monitor"])).await.unwrap().collect().await;
    let asked = server.asked().pop().unwrap();
    assert!(asked.contains("&stdin=true&command=sh&command=-c&command="), "{asked}");
    assert!(asked.ends_with("&command=kubectl-lab&command=cilium-dbg&command=monitor"), "{asked}");
    assert_eq!(chunks, [Chunk::Out(b"one".into()), Chunk::Err(b"two".into()), Chunk::Ended(Ok(0))]);
}

#[tokio::test]
async fn a_pod_without_a_named_container_takes_its_first() {
    let server = FakeServer::start(|path, _| match path {
        "/api/v1/namespaces/ns/pods/p" => Reply::Http(
            200,
            r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"web"},{"name":"side"}]}}"#
                .into(),
        ),
        path if path.contains("/log?") => Reply::Http(200, "line\n".into()),
        _ => Reply::Exec("v4.channel.k8s.io", vec![exit(0), Act::Close]),
    })
    .await;
    let live = live(&server, |_| {}).await;
    let place = Place::Pod { namespace: "ns".into(), name: "p".into(), container: None };
    live.run(&Question { place, argv: vec!["id".into()] }).await.unwrap();
    assert!(server.asked()[1].contains("exec?container=web&"));
    assert_eq!(live.logs("ns", "p", None, 10, true).await.unwrap(), "line\n");
    assert!(server.asked()[3].ends_with("/log?container=web&tailLines=10&previous=true"));
}

#[tokio::test]
async fn a_watch_syncs_goes_on_after_a_cut_and_says_when_changes_were_lost() {
    let event = |kind: &str, name: &str, version: &str| {
        format!(
            "{{\"type\":\"{kind}\",\"object\":{{\"metadata\":{{\"name\":\"{name}\",\"resourceVersion\":\"{version}\"}}}}}}\n"
        )
    };
    let server = FakeServer::start(move |path, nth| match nth {
        0 => list(&[node("a")], ""),
        1 => {
            // One event in two pieces, and half an event before the cut.
            let text = event("MODIFIED", "a", "8") + &event("BOOKMARK", "", "9");
            let (one, two) = text.split_at(20);
            Reply::Pieces(vec![one.into(), two.into(), "{\"type\":\"DEL".into()])
        }
        2 if path.contains("resourceVersion=9&") => {
            Reply::Pieces(vec![event("DELETED", "a", "10")])
        }
        3 if path.contains("resourceVersion=10&") => status(410, "too old"),
        4 => list(&[], ""),
        _ => status(403, path),
    })
    .await;
    let live = live(&server, |_| {}).await;
    let of = Selection { keep: vec!["metadata.name".into()], ..kind("v1", "Node") };
    let changes: Vec<Answer<Change>> = live.watch(of).await.unwrap().collect().await;
    let a = || r#"{"metadata":{"name":"a"}}"#.to_owned();
    let (last, changes) = changes.split_last().unwrap();
    assert_eq!(
        changes,
        [
            Ok(Change::Added(a())),
            Ok(Change::Synced),
            Ok(Change::Modified(a())),
            Ok(Change::Deleted(a())),
            Ok(Change::Restarted),
            Ok(Change::Synced),
        ]
    );
    assert_eq!(last.as_ref().unwrap_err().kind, FailureKind::Denied);
}

#[tokio::test]
async fn an_extra_host_has_no_agent_and_words_are_needed() {
    let server = FakeServer::start(|_, _| list(&[], "")).await;
    let live = live(&server, |options| {
        options.extra_hosts = vec![ExtraHost {
            name: "w1".into(),
            ssh: "-oProxyCommand=x".into(),
            ..ExtraHost::default()
        }];
    })
    .await;
    let agent = Question { place: Place::Agent { host: "w1".into() }, argv: vec!["ip".into()] };
    assert_eq!(live.run(&agent).await.unwrap_err().message, "w1 is not a node: it has no agent");
    assert_eq!(live.run(&question(&["ip"])).await.unwrap_err().kind, FailureKind::InvalidInput);
    assert_eq!(live.run(&question(&[])).await.unwrap_err().kind, FailureKind::InvalidInput);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn watches_that_end_at_once_are_not_opened_at_once() {
    let server = FakeServer::start(|_, nth| match nth {
        0 => list(&[node("a")], ""),
        // A proxy that does not know watches: every one is a good answer without events.
        _ => Reply::Pieces(Vec::new()),
    })
    .await;
    let live = live(&server, |_| {}).await;
    let mut changes = live.watch(kind("v1", "Node")).await.unwrap();
    let all = async { while changes.next().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_millis(1500), all).await.is_err(), "it goes on");
    let asked = server.n_asked("watch=");
    assert!((1..=8).contains(&asked), "{asked} watches in a second and a half");
}
