//! Outputs of real agents: every line is understood, and all formats tell the same.
//!
//! The captures hold what `cilium-dbg monitor` printed on three nodes of five clusters, in each
//! format at the same time.
#![expect(clippy::unwrap_used, reason = "all of it is a test, helpers included")]

use std::collections::BTreeMap;

use lab_backend::{Backend, Capture, Place, Question};
use lab_model::monitor::{Event, Kind, Protocol, Reader, TcpFlags};
use proptest::prelude::*;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const CLUSTERS: [&str; 5] = [
    "cilium-1.17.6-native",
    "cilium-1.18.0-native",
    "cilium-1.18.0-native-fixed",
    "cilium-1.18.0-native-seed",
    "cilium-1.18.0-tunnel",
];
const NODES: [&str; 3] = ["k8s-ctr", "k8s-w0", "k8s-w1"];
const FORMATS: [&str; 6] = ["", "-j", "-v", "-v -v", "--type drop -j", "--type policy-verdict"];

fn output(cluster: &str, node: &str, format: &str) -> Vec<u8> {
    let capture = Capture::open(format!("{CAPTURES}/{cluster}.zip")).unwrap();
    let argv = ["cilium-dbg", "monitor"].into_iter().chain(format.split_whitespace());
    let question = Question {
        place: Place::Agent { host: node.to_owned() },
        argv: argv.map(str::to_owned).collect(),
    };
    futures::executor::block_on(capture.run(&question)).unwrap().out
}

/// Every event of an output, read in pieces of a size.
fn events(bytes: &[u8], piece: usize) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    let mut keep = |event: Event<'_>| events.push(event.into_owned());
    let mut reader = Reader::new();
    for piece in bytes.chunks(piece) {
        reader.feed(piece, &mut keep);
    }
    reader.finish(&mut keep);
    events
}

/// Who asked or answered whom: what the agents tell of them, their identities.
type Parties = (Option<u32>, Option<u32>);

/// What became of each request, what it was, and between whom.
fn requests(file: &str) -> Vec<(String, String, String, Parties)> {
    let folder = "/../../tests/fixtures/text/cilium-1.18.0-proxy/k8s-ctr";
    let path = [env!("CARGO_MANIFEST_DIR"), folder, "/", file].concat();
    let told = events(&std::fs::read(path).unwrap(), 4096);
    assert!(told.iter().all(|event| event.kind == Kind::L7 && event.l7_protocol == "dns"));
    assert!(told.iter().all(|event| event.direction == told[0].direction));
    let of = |event: &Event<'_>| {
        let words = [&event.l7_type, &event.l7_verdict, &event.text];
        let [kind, verdict, text] = words.map(|word| word.clone().into_owned());
        // Labels and number of the pod stand at its side and at no other.
        for party in [&event.source, &event.destination] {
            let is_pod = party.identity == Some(2071);
            assert_eq!(party.endpoint, is_pod.then_some(2643), "{}", event.raw);
        }
        (kind, verdict, text, (event.source.identity, event.destination.identity))
    };
    told.iter().map(of).collect()
}

#[test]
fn a_request_is_told_in_the_same_words_whoever_tells_it() {
    let json = requests("cilium-dbg-monitor-type-l7-j.txt");
    // Read off the file itself.
    let told = |kind: &str, verdict: &str, text: &str| {
        let parties =
            if kind == "Response" { (Some(6), Some(2071)) } else { (Some(2071), Some(6)) };
        (kind.to_owned(), verdict.to_owned(), text.to_owned(), parties)
    };
    assert_eq!(
        json,
        [
            told("Request", "Forwarded", "www.lab.test. A"),
            told("Request", "Forwarded", "www.lab.test. AAAA"),
            told("Response", "Forwarded", "www.lab.test. A => 192.0.2.7"),
            told("Response", "Forwarded", "www.lab.test. AAAA => Refused"),
            told("Request", "Denied", "www.other.test. AAAA"),
            told("Request", "Denied", "www.other.test. A"),
            told("Request", "Denied", "www.other.test. AAAA"),
            told("Request", "Denied", "www.other.test. A"),
        ]
    );
    assert_eq!(requests("hubble-observe-type-l7-o-jsonpb.txt"), json);
    // The text says nothing of a refusal.
    let mut text = json;
    text[3].2 = "www.lab.test. AAAA".to_owned();
    assert_eq!(requests("cilium-dbg-monitor-type-l7.txt"), text);
}

#[test]
fn every_line_of_every_real_output_is_understood() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for cluster in CLUSTERS {
        for node in NODES {
            for format in FORMATS {
                for event in events(&output(cluster, node, format), 4096) {
                    *kinds.entry(event.kind.as_str()).or_default() += 1;
                    let place = format!("{cluster} {node} {format}: {}", event.raw);
                    // Nothing that the agents print is left over.
                    assert_ne!(event.kind, Kind::Other, "{place}");
                    if matches!(event.kind, Kind::Drop | Kind::Trace | Kind::PolicyVerdict) {
                        assert!(event.source.address.is_some(), "{place}");
                        assert!(event.destination.address.is_some(), "{place}");
                        assert_ne!(event.protocol, Protocol::Unknown, "{place}");
                    }
                    if event.kind == Kind::Trace {
                        assert!(event.point.is_some() && !event.state.is_empty(), "{place}");
                    }
                    if let Some(drop) = &event.drop {
                        assert!(drop.code.is_some(), "{place}");
                    }
                }
            }
        }
    }
    // Counted with grep in the outputs themselves.
    let expected = [
        ("agent", 254),
        ("drop", 179),
        ("log", 68),
        ("policy-verdict", 205),
        ("trace", 4916),
        ("trace-sock", 2013),
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}

/// What the text of the default level tells of an event, too.
fn told(event: &Event<'_>) -> Option<String> {
    if !matches!(event.kind, Kind::Drop | Kind::Trace | Kind::Agent) {
        return None;
    }
    if event.kind == Kind::Agent {
        // The order of labels in its document is not the same twice.
        return event.text.split(':').next().map(str::to_owned);
    }
    let drop = event.drop.as_ref().map(|drop| (drop.code, drop.line, drop.ext_error));
    let side = |party: &lab_model::monitor::Party<'_>| (party.address, party.port, party.identity);
    Some(format!(
        "{:?} {:?} {:?} {:?} {:?} {} {} {:?} {} {:?} {}",
        event.kind,
        event.point,
        event.flow_hash,
        (side(&event.source), side(&event.destination), event.destination.endpoint),
        event.protocol,
        event.flags.only(TcpFlags::TOLD),
        event.message,
        drop,
        event.state,
        // Only JSON says which endpoint's program dropped a packet.
        event.direction.filter(|_| event.kind == Kind::Trace),
        event.interface,
    ))
}

/// How many events two outputs have in common, and of how many in the shorter one.
fn common(one: &[u8], other: &[u8]) -> (usize, usize) {
    let told = |bytes: &[u8]| -> Vec<String> {
        events(bytes, usize::MAX).iter().filter_map(told).collect()
    };
    let (one, other) = (told(one), told(other));
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &one {
        *left.entry(event).or_default() += 1;
    }
    let shared = other
        .iter()
        .filter(|event| {
            left.get_mut(event.as_str()).is_some_and(|n| {
                *n > 0 && {
                    *n -= 1;
                    true
                }
            })
        })
        .count();
    (shared, one.len().min(other.len()))
}

#[test]
fn json_and_text_tell_the_same() {
    for cluster in CLUSTERS {
        for node in NODES {
            let [json, text] = ["-j", ""].map(|format| output(cluster, node, format));
            let (shared, all) = common(&json, &text);
            // The two were not started and stopped in the same moment.
            assert!(all - shared <= 1, "{cluster} {node}: {shared} of {all}");
        }
    }
}

#[test]
fn verbose_records_tell_the_same_and_their_layers() {
    for cluster in CLUSTERS {
        for node in NODES {
            let [json, text] = ["-j", "-v -v"].map(|format| output(cluster, node, format));
            let keys = |bytes: &[u8]| -> BTreeMap<String, usize> {
                let mut keys = BTreeMap::new();
                for event in events(bytes, 777) {
                    if matches!(event.kind, Kind::Drop | Kind::Trace) {
                        let key = format!(
                            "{:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {:?}",
                            event.kind,
                            event.point,
                            (event.cpu, event.flow_hash, event.reporter, event.bytes),
                            (event.source.address, event.source.port, event.source.identity),
                            (event.destination.address, event.destination.port),
                            event.flags,
                            event.message,
                            event.state,
                            event.drop.map(|drop| drop.reason.into_owned()),
                        );
                        *keys.entry(key).or_default() += 1;
                    }
                }
                keys
            };
            // The two were not started and stopped in the same moment.
            let (json, text) = (keys(&json), keys(&text));
            let shared = json.keys().filter(|key| text.contains_key(*key)).count();
            assert_eq!(shared, json.len().min(text.len()), "{cluster} {node}");
        }
    }
}

/// A real output to cut and to break, with every shape in it.
fn mixed() -> Vec<u8> {
    ["-j", "", "-v", "-v -v"]
        .into_iter()
        .flat_map(|format| output("cilium-1.18.0-native", "k8s-w1", format))
        .collect()
}

#[test]
fn pieces_of_any_size_give_the_same_events() {
    let bytes = mixed();
    let whole = events(&bytes, usize::MAX);
    for piece in [1, 2, 3, 64, 1000, 1001, 65536] {
        assert_eq!(events(&bytes, piece), whole, "{piece}");
    }
}

#[test]
fn a_line_without_an_end_is_handed_over_in_pieces() {
    let mut reader = Reader::new();
    let mut lengths = Vec::new();
    let long = vec![b'{'; 100_000];
    for _ in 0..10 {
        reader.feed(&long, |event| lengths.push(event.raw.len()));
    }
    reader.feed(b"end\nxx", |event| lengths.push(event.raw.len()));
    reader.finish(|event| lengths.push(event.raw.len()));
    assert_eq!(lengths.iter().sum::<usize>(), 1_000_005);
    assert!(lengths.iter().all(|&length| length <= 256 << 10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Bytes flipped, lines cut out, pieces of any size: nothing panics, and what was not
    /// touched is still understood.
    #[test]
    fn broken_outputs_are_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..60),
        cut in any::<prop::sample::Index>(),
        piece in 1_usize..3000,
    ) {
        let mut bytes = mixed();
        let at = cut.index(bytes.len());
        bytes.drain(at..(at + 100).min(bytes.len()));
        let whole = events(&bytes, usize::MAX).len();
        for (index, byte) in &flips {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        let broken = events(&bytes, piece).len();
        // A flip may break a record in a few, or join two.
        prop_assert!(broken + 20 * flips.len() + 1 >= whole, "{broken} of {whole}");
    }

    /// Lines made of the words that the parsers look for, in any order.
    #[test]
    fn any_words_are_survived(line in prop::collection::vec(prop::sample::select(WORDS), 0..30)) {
        let line = line.concat();
        let mut seen = 0;
        let mut reader = Reader::new();
        reader.feed(line.as_bytes(), |_| seen += 1);
        reader.finish(|_| seen += 1);
    }
}

const WORDS: &[&str] = &[
    "xx drop (",
    ") flow ",
    "0x0",
    " to endpoint ",
    ", ifindex ",
    ", file ",
    "bpf_lxc.c:1",
    ", , identity ",
    "1->2",
    ": ",
    "10.0.0.1",
    "[fd00::1]",
    ":80",
    " -> ",
    "tcp SYN",
    "icmp ",
    "-> endpoint ",
    "7",
    " state ",
    " orig-ip ",
    "CPU 01: ",
    "MARK ",
    " FROM ",
    "DROP: ",
    "DEBUG: ",
    " bytes, ",
    "reason ",
    "to-network: ",
    "é",
    "Lost ",
    " events",
    "\n",
    "{",
    "}",
    "\"type\":",
    "\"trace\"",
    ",",
    "\"summary\":{",
    "\"l3\":{\"src\":",
    "\"",
    "\\",
    "----",
    "TCP\t{",
    "SrcPort=",
    "FIN=true ",
    "Policy verdict log: flow ",
    " local EP ID ",
    ", remote ID ",
    ", proto ",
    ", ingress, action ",
    "deny, ",
    "auth: ",
    "match ",
    ">> ",
    "[tunnel ",
    "]",
    " vxlan",
    "\"flow\":{",
    "-> Request http from ",
    " ([",
    "])",
    ", verdict ",
    "== ",
    "[",
    "] ",
    "\r",
];
