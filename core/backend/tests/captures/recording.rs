//! A recorder passes answers on unchanged, and its capture gives the same ones again.

use futures::FutureExt;
use futures::StreamExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream;
use futures::stream::BoxStream;
use lab_backend::About;
use lab_backend::Answer;
use lab_backend::Backend;
use lab_backend::Capture;
use lab_backend::Change;
use lab_backend::Chunk;
use lab_backend::Host;
use lab_backend::HostKind;
use lab_backend::Outcome;
use lab_backend::Page;
use lab_backend::Projection;
use lab_backend::Question;
use lab_backend::Recorder;
use lab_backend::Selection;
use lab_backend::demo;
use lab_types::Failure;
use lab_types::FailureKind;

use crate::support::Scratch;
use crate::support::in_pod;
use crate::support::kind;
use crate::support::list;
use crate::support::on_agent;
use crate::support::on_host;
use crate::support::run;

/// A cluster of two hosts with one pod, where some things fail.
#[derive(Default)]
struct Faked {
    no_hosts: bool,
}

const POD: &str = r#"{"kind":"Pod","metadata":{"name":"p","namespace":"n","managedFields":[1]},"spec":{"nodeName":"a","x":1}}"#;
const SECRET: &str =
    r#"{"kind":"Secret","metadata":{"name":"s","namespace":"n"},"data":{"k":"aHVudGVyMg=="}}"#;

impl Backend for Faked {
    fn about(&self) -> About {
        About { source: "context lab".into(), context: Some("lab".into()), ..About::default() }
    }
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        let host = |name: &str| Host {
            name: name.into(),
            kind: HostKind::Node,
            addresses: vec!["10.0.2.15".into()],
        };
        let hosts = if self.no_hosts {
            Err(Failure::denied("forbidden"))
        } else {
            Ok(vec![host("a"), host("b")])
        };
        async move { hosts }.boxed()
    }
    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        async { Err(Failure::timeout("no answer in 10 s")) }.boxed()
    }
    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        async move {
            match (of.kind.as_str(), name) {
                ("Pod", "p") => Ok(Projection::new(&of.keep).apply(POD)),
                ("Secret", "s") => Ok(SECRET.into()),
                _ => Err(Failure::not_found(format!("{of} {name} not found"))),
            }
        }
        .boxed()
    }
    fn list<'a>(
        &'a self,
        of: &'a Selection,
        _: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        async move {
            match of.kind.as_str() {
                "Pod" if of.namespace.as_deref() == Some("forbidden") => {
                    Err(Failure::denied("pods is forbidden"))
                }
                "Pod" => Ok(Page { items: vec![Projection::new(&of.keep).apply(POD)], more: None }),
                "Secret" => Ok(Page { items: vec![SECRET.into()], more: None }),
                "Long" if more.is_none() => Ok(Page {
                    items: vec![r#"{"metadata":{"name":"1"}}"#.into()],
                    more: Some("2".into()),
                }),
                "Long" => Err(Failure::timeout("no answer in 10 s")),
                "None" => Ok(Page::default()),
                _ => Err(Failure::not_found(format!("the cluster has no {of}"))),
            }
        }
        .boxed()
    }
    fn logs<'a>(
        &'a self,
        _: &'a str,
        pod: &'a str,
        _: Option<&'a str>,
        lines: u32,
        _: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        async move {
            if pod == "p" {
                Ok("line\n".repeat(lines as usize))
            } else {
                Err(Failure::denied("forbidden"))
            }
        }
        .boxed()
    }
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        async move {
            match question.place.host() {
                Some("b") => Err(Failure::timeout("no answer in 10 s")),
                _ => Ok(Outcome {
                    code: 3,
                    out: b"out".to_vec(),
                    err: b"err".to_vec(),
                    truncated: true,
                }),
            }
        }
        .boxed()
    }
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        async move {
            match question.place.host() {
                Some("b") => Err(Failure::timeout("no answer in 10 s")),
                _ => Ok(stream::iter([
                    Chunk::Out(b"1\n".to_vec()),
                    Chunk::Err(b"e\n".to_vec()),
                    Chunk::Out(b"2\n".to_vec()),
                    Chunk::Ended(Ok(0)),
                ])
                .boxed()),
            }
        }
        .boxed()
    }
    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        let object = |name: &str| {
            format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"{}":1}}}}"#, of.keep.len())
        };
        let changes = [
            Ok(Change::Added(object("x"))),
            Ok(Change::Added(object("y"))),
            Ok(Change::Synced),
            Ok(Change::Deleted(object("y"))),
            Ok(Change::Modified(object("z"))),
        ];
        async move { Ok(stream::iter(changes).boxed()) }.boxed()
    }
}

/// What was asked of a recorder, as a capture.
fn recorded(backend: Faked, ask: impl FnOnce(&Recorder<Faked>)) -> Capture {
    let scratch = Scratch::new();
    let recorder = Recorder::new(backend);
    ask(&recorder);
    block_on(recorder.finish(scratch.path("x"))).unwrap();
    let packed = scratch.path("x.zip");
    Capture::open(scratch.path("x")).unwrap().to_writer().unwrap().write(&packed).unwrap();
    Capture::from_bytes(Vec::leak(std::fs::read(packed).unwrap())).unwrap()
}

#[track_caller]
fn failure<T: std::fmt::Debug>(answer: Answer<T>) -> (FailureKind, String) {
    let failure = answer.unwrap_err();
    (failure.kind, failure.message)
}

#[test]
fn hosts_and_versions_are_in_every_recording() {
    let capture = recorded(Faked::default(), |_| {});
    let hosts = block_on(capture.hosts()).unwrap();
    assert_eq!(hosts.len(), 2);
    assert_eq!(hosts[1].addresses, ["10.0.2.15"]);
    let about = capture.about();
    assert_eq!(about.context.as_deref(), Some("lab"));
    assert_eq!(about.versions["kubectl-lab"], env!("CARGO_PKG_VERSION"));
    assert!(about.created.is_some_and(|created| created.ends_with('Z')));
    let (kind, message) = failure(block_on(capture.version()));
    assert_eq!(kind, FailureKind::Unavailable);
    assert_eq!(
        message,
        "not in this capture: version.json: timeout when it was made: no answer in 10 s"
    );
}

#[test]
fn hosts_that_could_not_be_listed_are_unknown_not_few() {
    let capture = recorded(Faked { no_hosts: true }, |recorder| {
        let _ = run(recorder, &on_host("a", "x"));
    });
    let (kind, message) = failure(block_on(capture.hosts()));
    assert_eq!(
        (kind, message.as_str()),
        (
            FailureKind::Unavailable,
            "not in this capture: hosts: denied when it was made: forbidden"
        )
    );
    assert!(run(&capture, &on_host("a", "x")).is_ok());
}

#[test]
fn commands_are_replayed_and_failures_give_their_reason() {
    let questions =
        [on_host("a", "x"), on_agent("a", "x"), in_pod("n", "p", "x"), in_pod("n", "q", "x")];
    let capture = recorded(Faked::default(), |recorder| {
        let _ = list(recorder, &kind("v1", "Pod"), 0);
        for question in &questions {
            let _ = run(recorder, question);
        }
        let _ = run(recorder, &on_host("b", "x"));
    });
    for question in &questions {
        assert_eq!(run(&capture, question), run(&Faked::default(), question));
    }
    let (kind, message) = failure(run(&capture, &on_host("b", "x")));
    assert_eq!(kind, FailureKind::Unavailable);
    assert_eq!(message, "not in this capture: x on b: timeout when it was made: no answer in 10 s");
    assert_eq!(failure(run(&capture, &on_host("b", "y"))).1, "not in this capture: y on b");
}

#[test]
fn objects_are_recorded_whole_and_handed_on_cut() {
    let pods = kind("v1", "Pod");
    let names = Selection { keep: vec!["spec.x".into()], ..pods.clone() };
    let cut = r#"{"metadata":{"name":"p","namespace":"n"},"spec":{"x":1}}"#;
    let capture = recorded(Faked::default(), |recorder| {
        assert_eq!(list(recorder, &names, 0).unwrap(), [cut]);
        assert_eq!(block_on(recorder.get(&names, "p")).unwrap(), cut);
    });
    assert_eq!(list(&capture, &names, 0).unwrap(), [cut]);
    let whole = list(&capture, &pods, 0).unwrap();
    assert!(whole[0].contains("nodeName") && !whole[0].contains("managedFields"));
}

#[test]
fn a_part_of_a_kind_does_not_pass_for_the_whole() {
    let pods = kind("v1", "Pod");
    let some = Selection { namespace: Some("n".into()), ..pods.clone() };
    let forbidden = Selection { namespace: Some("forbidden".into()), ..pods.clone() };
    let capture = recorded(Faked::default(), |recorder| {
        let _ = list(recorder, &some, 0);
        let _ = list(recorder, &forbidden, 0);
    });
    assert_eq!(list(&capture, &some, 0).unwrap().len(), 1);
    assert_eq!(
        failure(list(&capture, &pods, 0)),
        (FailureKind::Unavailable, "not in this capture: v1/Pod".into())
    );
    assert_eq!(
        failure(list(&capture, &forbidden, 0)).1,
        "not in this capture: v1/Pod in forbidden: denied when it was made: pods is forbidden"
    );
    assert_eq!(failure(block_on(capture.get(&some, "q"))).0, FailureKind::NotFound);
    assert_eq!(failure(block_on(capture.get(&forbidden, "q"))).0, FailureKind::Unavailable);
}

#[test]
fn a_list_that_broke_off_does_not_pass_for_the_whole() {
    let long = kind("v1", "Long");
    let capture = recorded(Faked::default(), |recorder| {
        assert!(list(recorder, &long, 0).is_err());
    });
    assert_eq!(
        failure(list(&capture, &long, 0)).1,
        "not in this capture: v1/Long: timeout when it was made: no answer in 10 s"
    );
    assert!(block_on(capture.get(&long, "1")).is_ok());
    assert_eq!(failure(block_on(capture.get(&long, "2"))).0, FailureKind::Unavailable);
}

#[test]
fn what_the_cluster_does_not_have_is_not_found_again() {
    let capture = recorded(Faked::default(), |recorder| {
        let _ = list(recorder, &kind("x.io/v1", "Unknown"), 0);
        let _ = list(recorder, &kind("v1", "None"), 0);
        let _ = block_on(recorder.get(&kind("v1", "Pod"), "gone"));
    });
    assert_eq!(
        failure(list(&capture, &kind("x.io/v1", "Unknown"), 0)),
        (FailureKind::NotFound, "the cluster has no x.io/v1/Unknown".into())
    );
    assert!(list(&capture, &kind("v1", "None"), 0).unwrap().is_empty());
    assert_eq!(failure(block_on(capture.get(&kind("v1", "Pod"), "gone"))).0, FailureKind::NotFound);
    assert_eq!(failure(list(&capture, &kind("v1", "Pod"), 0)).0, FailureKind::Unavailable);
}

#[test]
fn secrets_are_passed_on_and_never_written() {
    let scratch = Scratch::new();
    let recorder = Recorder::new(Faked::default());
    let secrets = kind("v1", "Secret");
    assert_eq!(list(&recorder, &secrets, 0).unwrap(), [SECRET]);
    assert_eq!(block_on(recorder.get(&secrets, "s")).unwrap(), SECRET);
    block_on(recorder.finish(scratch.path("x"))).unwrap();
    for (name, bytes) in crate::support::tree(&scratch.path("x")) {
        assert!(!String::from_utf8_lossy(&bytes).contains("aHVudGVyMg"), "{name}");
    }
    let capture = Capture::open(scratch.path("x")).unwrap();
    assert!(failure(list(&capture, &secrets, 0)).1.ends_with("Secrets are never recorded"));
}

#[test]
fn streams_are_recorded_to_their_end_or_as_far_as_they_came() {
    let capture = recorded(Faked::default(), |recorder| {
        let chunks = block_on(recorder.start(on_host("a", "whole"))).unwrap();
        assert_eq!(block_on(chunks.count()), 4);
        let mut chunks = block_on(recorder.start(on_host("a", "left"))).unwrap();
        let _ = block_on(chunks.next());
        drop(chunks);
        assert!(block_on(recorder.start(on_host("b", "x"))).is_err());
    });
    let whole = run(&capture, &on_host("a", "whole")).unwrap();
    assert_eq!(
        whole,
        Outcome { code: 0, out: b"1\n2\n".to_vec(), err: b"e\n".to_vec(), truncated: false }
    );
    let left = run(&capture, &on_host("a", "left")).unwrap();
    assert_eq!((left.out.as_slice(), left.truncated), (&b"1\n"[..], true));
    assert!(failure(run(&capture, &on_host("b", "x"))).1.contains("timeout when it was made"));
}

#[test]
fn every_line_of_a_stream_has_its_time() {
    let scratch = Scratch::new();
    let recorder = Recorder::new(Faked::default());
    let chunks = block_on(recorder.start(on_host("a", "whole"))).unwrap();
    assert_eq!(block_on(chunks.count()), 4);
    run(&recorder, &on_host("a", "once")).unwrap();
    block_on(recorder.finish(scratch.path("x"))).unwrap();
    // Written again it is the same.
    let again = scratch.path("again");
    Capture::open(scratch.path("x")).unwrap().to_writer().unwrap().write(&again).unwrap();
    for folder in ["x", "again"] {
        let files: std::collections::BTreeMap<_, _> =
            crate::support::tree(&scratch.path(folder)).into_iter().collect();
        let stamps: Vec<&String> =
            files.keys().filter(|name| name.ends_with(".stamps.txt")).collect();
        assert_eq!(stamps, ["hosts/a/whole.stamps.txt"]);
        let text = String::from_utf8(files[stamps[0]].clone()).unwrap();
        let times: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert!(times.len() == 2 && times[0] <= times[1], "{text}");
        let index = String::from_utf8(files["hosts/a/commands.json"].clone()).unwrap();
        assert!(index.contains(r#""stamps": "whole.stamps.txt""#), "{index}");
        let capture = Capture::open(scratch.path(folder)).unwrap();
        assert_eq!(capture.verify(), []);
        // The first line of a moment brings its time, those of the same moment go along.
        let replayed: Vec<Chunk> =
            block_on(block_on(capture.start(on_host("a", "whole"))).unwrap().collect());
        let mut expected = vec![Chunk::At(times[0]), Chunk::Out(b"1\n".to_vec())];
        if times[1] == times[0] {
            expected[1] = Chunk::Out(b"1\n2\n".to_vec());
        } else {
            expected.extend([Chunk::At(times[1]), Chunk::Out(b"2\n".to_vec())]);
        }
        expected.extend([Chunk::Err(b"e\n".to_vec()), Chunk::Ended(Ok(0))]);
        assert_eq!(replayed, expected);
    }
}

#[test]
fn a_recorder_that_asks_once_answers_from_memory() {
    let recorder = Recorder::new(Faked::default()).once();
    let ask = |host: &str| run(&recorder, &on_host(host, "x"));
    assert_eq!(ask("a").unwrap(), ask("a").unwrap());
    assert!(ask("b").is_err() && ask("b").is_err());
    assert_eq!(recorder.asked(), [on_host("a", "x"), on_host("b", "x")]);
}

#[test]
fn a_watch_is_recorded_as_its_last_state() {
    let things = Selection { keep: vec!["metadata".into()], ..kind("v1", "Thing") };
    let capture = recorded(Faked::default(), |recorder| {
        let changes = block_on(recorder.watch(things.clone())).unwrap();
        let changes = block_on(changes.collect::<Vec<_>>());
        assert_eq!(changes[0], Ok(Change::Added(r#"{"metadata":{"name":"x"}}"#.into())));
        assert_eq!(changes.len(), 5);
    });
    let names = list(&capture, &things, 0).unwrap();
    assert_eq!(names.len(), 2);
    assert!(names[0].contains("\"x\"") && names[1].contains("\"z\""));
    // The recorder asked for whole objects, without the asker's `keep`.
    assert!(list(&capture, &kind("v1", "Thing"), 0).unwrap()[0].contains("\"0\""));
}

#[test]
fn logs_are_recorded_at_their_longest() {
    let capture = recorded(Faked::default(), |recorder| {
        for lines in [1, 3, 2] {
            let _ = block_on(recorder.logs("n", "p", None, lines, false));
        }
        let _ = block_on(recorder.logs("n", "q", Some("c"), 1, true));
    });
    assert_eq!(block_on(capture.logs("n", "p", None, 10, false)).unwrap(), "line\n".repeat(3));
    assert_eq!(
        failure(block_on(capture.logs("n", "q", Some("c"), 5, true))).1,
        "not in this capture: previous log of n/q c: denied when it was made: forbidden"
    );
}

#[test]
fn a_recording_of_a_capture_is_as_old_as_the_capture() {
    let scratch = Scratch::new();
    let recorder = Recorder::new(demo::open().unwrap());
    let _ = run(&recorder, &on_host("router", "hostname"));
    block_on(recorder.finish(scratch.path("x.zip"))).unwrap();
    let capture = Capture::open(scratch.path("x.zip")).unwrap();
    assert_eq!(capture.about().created, demo::open().unwrap().about().created);
}
