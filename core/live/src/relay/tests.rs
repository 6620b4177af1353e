//! Answers against Cilium's own encoder; calls against a server of HTTP/2, by itself and behind a
//! forwarded port.

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Response};
use lab_backend::{Backend, Chunk, Place, Question};
use lab_types::FailureKind;
use proptest::prelude::*;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::grpc;
use super::schema::{Message, RESPONSE, Type};
use super::*;
use crate::fake_server::{FakeServer, Reply, status};
use crate::{Live, LiveOptions};

/// Answers as Cilium's API for Go writes them, `proto.Marshal` in hexadecimal and `protojson` with
/// the names of the definition (Cilium 1.18.0, protobuf for Go 1.36.6).
const ANSWERS: &str = include_str!("tests/answers.tsv");

fn answers() -> impl Iterator<Item = (Vec<u8>, Value)> {
    ANSWERS.lines().map(|line| {
        let (hex, json) = line.split_once('\t').unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        ((0..hex.len()).step_by(2).map(byte).collect(), serde_json::from_str(json).unwrap())
    })
}

fn line(message: &[u8]) -> (Value, bool) {
    let mut out = Vec::new();
    let read = json::Writer::default().line(message, &mut out);
    assert_eq!(out.iter().position(|byte| *byte == b'\n'), Some(out.len() - 1), "one line");
    (serde_json::from_slice(&out).unwrap(), read.is_ok())
}

#[test]
fn answers_are_written_as_the_product_writes_them() {
    let mut count = 0;
    for (message, expected) in answers() {
        assert_eq!(line(&message), (expected, true));
        count += 1;
    }
    assert_eq!(count, 12);
}

/// A message of a kind and its JSON, as `choose` wants.
fn build(of: &Message, choose: &mut impl FnMut() -> u64) -> (Vec<u8>, Value) {
    let mut bytes = wire::Message::default();
    let mut object = Map::new();
    for field in of.0 {
        if !choose().is_multiple_of(3) {
            continue;
        }
        let count = if field.is_list { 1 + choose() % 3 } else { 1 };
        let mut values = Vec::new();
        for _ in 0..count {
            let number = choose();
            match field.of {
                Type::Nested(of) => {
                    let (inner, value) = build(of, choose);
                    bytes.bytes(field.number, &inner);
                    values.push(value);
                }
                Type::Text => {
                    let text = format!("{number:x}\"\n\u{1}ü");
                    bytes.bytes(field.number, text.as_bytes());
                    values.push(text.into());
                }
                Type::Moment => {
                    let mut moment = wire::Message::default();
                    moment.number(1, number % 4_000_000_000);
                    bytes.bytes(field.number, &moment.into_bytes());
                    let seconds = i64::try_from(number % 4_000_000_000).unwrap();
                    let text = jiff::Timestamp::from_second(seconds).unwrap().to_string();
                    values.push(text.into());
                }
                Type::Wrapped(of) => {
                    let mut wrapped = wire::Message::default();
                    wrapped.number(1, number % 2);
                    bytes.bytes(field.number, &wrapped.into_bytes());
                    values.push(match of {
                        Type::Switch => (number % 2 == 1).into(),
                        _ => (number % 2).into(),
                    });
                }
                of => {
                    let number = match of {
                        Type::Switch => number % 2,
                        Type::Long => number,
                        Type::Named(names) => {
                            names[usize::try_from(number).unwrap() % names.len()].0.into()
                        }
                        _ => number % (1 << 31),
                    };
                    bytes.number(field.number, number);
                    if number != 0 {
                        values.push(match of {
                            Type::Switch => true.into(),
                            Type::Long => number.to_string().into(),
                            Type::Named(names) => names
                                .iter()
                                .find(|(of, _)| u64::from(*of) == number)
                                .unwrap()
                                .1
                                .into(),
                            _ => number.into(),
                        });
                    }
                }
            }
        }
        if field.is_list {
            object.insert(field.name.to_owned(), values.into());
        } else if let Some(value) = values.pop() {
            object.insert(field.name.to_owned(), value);
        }
    }
    (bytes.into_bytes(), object.into())
}

fn built(choices: &[u32]) -> (Vec<u8>, Value) {
    let mut choices = choices.iter().cycle();
    build(&RESPONSE, &mut || u64::from(*choices.next().unwrap()))
}

proptest! {
    #[test]
    fn every_field_is_written_with_its_name(choices in prop::collection::vec(any::<u32>(), 50..400)) {
        let (message, expected) = built(&choices);
        prop_assert_eq!(line(&message), (expected, true));
    }

    #[test]
    fn what_is_cut_or_broken_is_a_line_all_the_same(
        choices in prop::collection::vec(any::<u32>(), 50..400),
        cut in any::<prop::sample::Index>(),
        broken in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (mut message, _) = built(&choices);
        message.push(0);
        let at = broken.index(message.len());
        message[at] = byte;
        line(&message[..cut.index(message.len())]);
    }

    #[test]
    fn any_bytes_are_a_line(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        line(&bytes);
    }
}

#[test]
fn parts_of_a_message_are_one_message_and_later_values_count() {
    let mut flow = wire::Message::default();
    flow.number(3, 133);
    let mut more = wire::Message::default();
    more.number(3, 134);
    more.bytes(11, b"a");
    let mut whole = wire::Message::default();
    whole.bytes(1, &flow.into_bytes());
    whole.bytes(1000, b"n");
    whole.bytes(1, &more.into_bytes());
    whole.bytes(4242, b"of a later release");
    let expected =
        serde_json::json!({"flow": {"drop_reason": 134, "node_name": "a"}, "node_name": "n"});
    assert_eq!(line(&whole.into_bytes()), (expected, true));
}

#[test]
fn a_malformed_part_costs_itself() {
    let mut flow = wire::Message::default();
    flow.bytes(2, b"a text where a number is");
    flow.bytes(11, b"k8s-w1");
    let mut whole = wire::Message::default();
    whole.bytes(1, &flow.into_bytes());
    let expected = serde_json::json!({"flow": {"node_name": "k8s-w1"}});
    assert_eq!(line(&whole.into_bytes()), (expected, false));
}

/// How the server of a test answers.
#[derive(Clone)]
struct Served {
    code: u16,
    /// Pieces of the body.
    body: Vec<Vec<u8>>,
    trailers: Vec<(&'static str, &'static str)>,
    /// Goes on after the body.
    hangs: bool,
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// Answers one connection; what it was asked.
async fn serve<S>(stream: S, served: Served) -> Vec<u8>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let mut asked = Vec::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        assert_eq!(request.uri().path(), GET_FLOWS);
        assert_eq!(request.headers()["content-type"], "application/grpc");
        assert_eq!(request.headers()["te"], "trailers");
        let mut body = request.into_body();
        // The connection has to be driven while the body is read.
        let read = async {
            let mut asked = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                asked.extend_from_slice(&data);
            }
            asked
        };
        tokio::select! {
            read = read => asked = read,
            _ = connection.accept() => {}
        }
        let mut response = Response::builder().status(served.code).body(()).unwrap();
        let is_bare = served.body.is_empty() && !served.hangs;
        if is_bare {
            *response.headers_mut() = headers(&served.trailers);
        }
        let mut send = respond.send_response(response, is_bare).unwrap();
        if !is_bare {
            for piece in &served.body {
                send.send_data(Bytes::from(piece.clone()), false).unwrap();
            }
            if !served.hangs {
                send.send_trailers(headers(&served.trailers)).unwrap();
            }
        }
        if served.hangs {
            let _ =
                tokio::time::timeout(std::time::Duration::from_secs(5), connection.accept()).await;
        }
    }
    asked
}

fn well(body: Vec<Vec<u8>>) -> Served {
    Served { code: 200, body, trailers: vec![("grpc-status", "0")], hangs: false }
}

/// Everything that one call gets.
async fn call(served: Served) -> (Vec<Bytes>, Result<(), Failure>) {
    let (client, far) = tokio::io::duplex(1 << 16);
    let far_end = tokio::spawn(serve(far, served));
    let mut call = Call::start(client, GET_FLOWS, b"\x18\x01").await.unwrap();
    let mut all = Vec::new();
    loop {
        match call.next().await {
            grpc::Answer::Messages(messages) => all.extend(messages),
            grpc::Answer::Ended(ended) => {
                drop(call);
                assert_eq!(far_end.await.unwrap(), frame(b"\x18\x01"));
                return (all, ended);
            }
        }
    }
}

#[tokio::test]
async fn messages_are_put_together_wherever_they_are_cut() {
    let whole: Vec<u8> = [&b"one"[..], b"", b"three"].into_iter().flat_map(frame).collect();
    for size in 1..=whole.len() {
        let pieces = whole.chunks(size).map(<[u8]>::to_vec).collect();
        let (messages, ended) = call(well(pieces)).await;
        assert_eq!(messages, [&b"one"[..], b"", b"three"], "{size}");
        assert_eq!(ended, Ok(()));
    }
}

/// Cilium's relay sends every flow in a frame of its own: HTTP/2 servers that send many small ones
/// are hung up on unless that is expected.
#[tokio::test]
async fn many_small_messages_are_no_attack() {
    let small = frame(b"a message of some bytes");
    let (messages, ended) = call(well(vec![small; 20_000])).await;
    assert_eq!((messages.len(), ended), (20_000, Ok(())));
}

#[tokio::test]
async fn a_call_that_fails_says_what_the_server_says() {
    let of = |trailers: &[(&'static str, &'static str)]| Served {
        trailers: trailers.to_vec(),
        ..well(Vec::new())
    };
    for (served, kind, said) in [
        (
            of(&[("grpc-status", "14"), ("grpc-message", "no peers: %C3%BC 5%")]),
            FailureKind::Unavailable,
            "no peers: ü 5% (status 14 of gRPC)",
        ),
        (of(&[("grpc-status", "12")]), FailureKind::Other, "status 12 of gRPC"),
        (of(&[("grpc-status", "7")]), FailureKind::Denied, "status 7 of gRPC"),
        (Served { code: 404, ..of(&[]) }, FailureKind::Unavailable, "code 404 of HTTP"),
        (
            Served { trailers: Vec::new(), ..well(vec![frame(b"x")]) },
            FailureKind::Unavailable,
            "ended without a status",
        ),
        (well(vec![vec![1, 0, 0, 0, 0]]), FailureKind::Other, "compresses"),
        (well(vec![vec![0, 0xff, 0, 0, 0]]), FailureKind::Other, "more than 4 MiB"),
    ] {
        let (_, ended) = call(served).await;
        let failure = ended.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.contains(said), "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_told() {
    let (client, mut server) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let _ = server.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let mut call = Call::start(client, GET_FLOWS, b"").await.unwrap();
    let grpc::Answer::Ended(Err(failure)) = call.next().await else { panic!("it has ended") };
    assert!(failure.message.contains("the connection broke"), "{failure}");
}

const POD: &str = r#"{"metadata":{"name":"hubble-relay-x","namespace":"kube-system"},
    "spec":{"containers":[{"name":"hubble-relay","ports":[{"name":"grpc","containerPort":4245}]}]},
    "status":{"conditions":[{"type":"Ready","status":"True"}]}}"#;

/// An API server with a relay behind it.
async fn cluster(pods: &'static str, to: std::net::SocketAddr) -> (FakeServer, Live) {
    let server = FakeServer::start(move |path, _| {
        if path.contains("/pods/hubble-relay-x/portforward?") {
            assert!(path.contains("ports=4245"), "{path}");
            Reply::Forward(4245, to)
        } else if path.starts_with("/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dhubble-relay") {
            Reply::Http(200, format!(r#"{{"metadata":{{}},"items":[{pods}]}}"#))
        } else if path.contains("/services?") {
            Reply::Http(200, r#"{"metadata":{},"items":[{"metadata":{"name":"hubble-relay"},"spec":{"ports":[{"port":80}]}}]}"#.to_owned())
        } else if path.contains("/pods?") {
            Reply::Http(200, r#"{"metadata":{},"items":[]}"#.to_owned())
        } else {
            status(404, "not here")
        }
    })
    .await;
    let options = LiveOptions {
        server: Some(server.url.clone()),
        kubeconfig: Some("/dev/null".into()),
        ..LiveOptions::default()
    };
    let live = Live::connect(options).await.unwrap();
    (server, live)
}

fn question(line: &str) -> Question {
    Question { place: Place::Relay, argv: line.split(' ').map(str::to_owned).collect() }
}

const FOLLOW: &str = "hubble observe --follow -o jsonpb";

#[tokio::test]
async fn flows_come_through_a_forwarded_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let body = answers().map(|(message, _)| frame(&message)).collect();
        serve(stream, well(body)).await
    });
    let (_server, live) = cluster(POD, address).await;
    let asked = format!("{FOLLOW} --type drop");
    let chunks: Vec<Chunk> = live.start(question(&asked)).await.unwrap().collect().await;
    let (last, before) = chunks.split_last().unwrap();
    assert_eq!(*last, Chunk::Ended(Ok(0)));
    let mut text = Vec::new();
    for chunk in before {
        let Chunk::Out(bytes) = chunk else { panic!("{chunk:?}") };
        text.extend_from_slice(bytes);
    }
    let lines: Vec<Value> = text
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines, answers().map(|(_, json)| json).collect::<Vec<_>>());
    drop(live);
    assert_eq!(serving.await.unwrap(), frame(b"\x18\x01\x32\x04\x32\x02\x08\x01"));
}

#[tokio::test]
async fn dropping_a_stream_ends_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let body = vec![frame(&answers().next().unwrap().0)];
        serve(stream, Served { hangs: true, ..well(body) }).await
    });
    let (_server, live) = cluster(POD, address).await;
    let mut stream = live.start(question(FOLLOW)).await.unwrap();
    assert!(matches!(stream.next().await, Some(Chunk::Out(_))));
    drop(stream);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(4), serving).await;
    ended.expect("the server hears of it").unwrap();
}

#[tokio::test]
async fn no_relay_a_dead_one_and_words_it_does_not_know() {
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (server, live) = cluster("", nowhere).await;
    let failure = live.start(question(FOLLOW)).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert!(failure.message.contains("no relay"), "{failure}");
    assert_eq!(server.n_asked("portforward"), 0);

    let (server, live) = cluster(POD, nowhere).await;
    let failure = live.start(question("hubble observe -o compact")).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::InvalidInput);
    assert_eq!(server.n_asked("portforward"), 0);

    let chunks: Vec<Chunk> = live.start(question(FOLLOW)).await.unwrap().collect().await;
    let [Chunk::Ended(Err(failure))] = &chunks[..] else { panic!("{chunks:?}") };
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(
        failure
            .message
            .starts_with("relay kube-system/hubble-relay-x: failed to connect to localhost:4245"),
        "{failure}"
    );
}
