//! Flows as an observer tells them: made of recorded events of agents, by what an agent's own
//! Hubble makes of the same events.
//!
//! Apart from how they are sent. Each is encoded once; what differs from one to the next, its
//! moment and its node, has a place of a fixed length in it.
//!
//! Source: `pkg/hubble/parser/threefour` and `api/v1/flow/flow.proto` of Cilium 1.18.0. As there,
//! the answer's own name and moment come before the flow.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::executor::block_on;
use lab_backend::{Answer, Backend, Selection, demo};
use lab_model::monitor::{
    Event, Kind, Party, Point, Protocol, SourceFile, TcpFlags, file_name, parse_json_line,
    reserved_name,
};
use serde_json::Value;

use super::{http2, mask};
use crate::crowd::Crowd;

/// The node whose labels all flows have.
const NODE: &str = "k8s-w1";
const CLUSTER: &str = "default";
/// Bytes of a moment.
const MOMENT: usize = 12;
/// Of nanoseconds: from here on they have the same number of bytes.
const LONG: u32 = 1 << 28;
/// The release whose files events name.
const MINOR: Option<u32> = Some(18);

/// Flows, over and over.
#[derive(Debug)]
pub struct Flows {
    /// As messages, for the node and the moment that stand in for all others.
    encoded: Vec<Vec<u8>>,
    node: String,
    moment: [u8; MOMENT],
    framed: Vec<Flow>,
}

/// A flow as a frame of data, with places for what differs.
#[derive(Debug)]
pub(super) struct Flow {
    frame: Vec<u8>,
    nodes: Vec<usize>,
    moments: Vec<usize>,
}

/// What a node is called by an observer.
pub(super) fn node(at: u32) -> String {
    format!("{CLUSTER}/{}", Crowd::node(at))
}

/// A moment as a timestamp has it. So that it is always as long, it is squeezed into the later part
/// of its second.
pub(super) fn moment(at: SystemTime) -> [u8; MOMENT] {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut fields = Message::default();
    fields.number(1, since.as_secs());
    fields.number(2, u64::from(LONG + since.subsec_nanos() / 10 * 7));
    let mut moment = [0; MOMENT];
    // Seconds have five bytes from 1978 to 3058.
    moment.copy_from_slice(&fields.0[..MOMENT]);
    moment
}

impl Flows {
    /// What observers tell of these events; what is no packet they do not tell.
    ///
    /// - Errors: the demo, whose pods and nodes these are, cannot be read.
    pub fn of(events: &[Vec<u8>]) -> Answer<Self> {
        let names = Names::of_demo()?;
        let text = events.iter().filter_map(|line| std::str::from_utf8(line).ok());
        let (node, moment) = (node(0), moment(SystemTime::now()));
        let encoded = text
            .enumerate()
            .filter_map(|(n, line)| {
                let event = parse_json_line(line.trim_end())?;
                let record: Value = serde_json::from_str(line).ok()?;
                encoded(&names, n, &event, &record, &node, &moment)
            })
            .collect();
        Ok(Self::framing(encoded, node, moment))
    }

    fn framing(encoded: Vec<Vec<u8>>, node: String, moment: [u8; MOMENT]) -> Self {
        let framed = encoded.iter().map(|flow| frame(flow, &node, &moment)).collect();
        Self { encoded, node, moment, framed }
    }

    /// The same flows with no more than these fields.
    pub(super) fn masked(&self, fields: &[String]) -> Self {
        let encoded = self.encoded.iter().map(|flow| mask::apply(fields, flow)).collect();
        Self::framing(encoded, self.node.clone(), self.moment)
    }

    pub(super) fn nth(&self, nth: u32) -> &Flow {
        &self.framed[nth as usize % self.framed.len()]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.framed.is_empty()
    }

    /// What a relay says before all else: the nodes that it hears.
    pub(super) fn connected(crowd: &Crowd) -> Vec<u8> {
        let mut status = Message::default();
        // NODE_CONNECTED
        status.number(1, 1);
        for at in 0..crowd.nodes {
            status.bytes(2, node(at).as_bytes());
        }
        let mut answer = Message::default();
        answer.bytes(2, &status.0);
        answer.bytes(1000, b"hubble-relay");
        answer.bytes(1001, &moment(SystemTime::now()));
        framed(&answer.0)
    }
}

impl Flow {
    /// Its length, as it counts against what may be sent.
    pub(super) fn n_bytes(&self) -> usize {
        http2::counted(&self.frame)
    }

    /// Writes it as seen by a node at a moment.
    pub(super) fn write(&self, node: &str, moment: &[u8; MOMENT], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.frame);
        for at in &self.nodes {
            out[start + at..][..node.len()].copy_from_slice(node.as_bytes());
        }
        for at in &self.moments {
            out[start + at..][..MOMENT].copy_from_slice(moment);
        }
    }
}

/// A message of gRPC: not compressed, its length, itself.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// The frame of a flow.
fn frame(flow: &[u8], node: &str, moment: &[u8; MOMENT]) -> Flow {
    let mut answer = Message::default();
    answer.bytes(1000, node.as_bytes());
    answer.bytes(1001, moment);
    answer.bytes(1, flow);
    let frame = http2::data(&framed(&answer.0));
    let places = |of: &[u8]| {
        let windows = frame.windows(of.len()).enumerate();
        windows.filter(|(_, bytes)| *bytes == of).map(|(at, _)| at).collect()
    };
    Flow { nodes: places(node.as_bytes()), moments: places(moment), frame }
}

/// The flow of an event; none of what is no packet.
fn encoded(
    names: &Names,
    nth: usize,
    event: &Event<'_>,
    record: &Value,
    node: &str,
    moment: &[u8],
) -> Option<Vec<u8>> {
    let (kind, sub_type) = match event.kind {
        Kind::Drop => (1, u64::from(event.drop.as_ref()?.code?)),
        Kind::Trace => (4, number_of(event.point?)),
        _ => return None,
    };
    let is_reply = event.state == "reply";
    let (source, source_id) = names.endpoint(&event.source, event.reporter);
    let (destination, _) = names.endpoint(&event.destination, event.reporter);
    let of_source = source_id != 0 && Some(source_id) == event.reporter
        || event.source.identity == reserved("host");
    let mut flow = Message::default();
    flow.bytes(1, moment);
    // FORWARDED, DROPPED
    flow.number(2, if kind == 4 { 1 } else { 2 });
    if kind == 1 {
        flow.number(3, sub_type);
    }
    flow.bytes(4, &pair(text(record, "/summary/l2/src"), text(record, "/summary/l2/dst")).0);
    let address = |party: &Party<'_>| party.address.map(|of| of.to_string()).unwrap_or_default();
    let mut ip = pair(&address(&event.source), &address(&event.destination));
    ip.number(3, if event.source.address?.is_ipv4() { 1 } else { 2 });
    flow.bytes(5, &ip.0);
    let (l4, summary) = layer4(event)?;
    flow.bytes(6, &l4);
    flow.bytes(8, &source);
    flow.bytes(9, &destination);
    // L3_L4
    flow.number(10, 1);
    flow.bytes(11, node.as_bytes());
    flow.number(16, is_reply.into());
    let mut of_type = Message::default();
    of_type.number(1, kind);
    of_type.number(2, sub_type);
    flow.bytes(19, &of_type.0);
    // INGRESS, EGRESS
    flow.number(22, if of_source == is_reply { 1 } else { 2 });
    if kind == 4 {
        flow.number(24, if sub_type == 0 { 101 } else { sub_type });
        let mut reply = Message::default();
        reply.number(1, is_reply.into());
        flow.bytes(26, &reply.0);
        let mut interface = Message::default();
        interface.bytes(2, event.interface.as_bytes());
        flow.bytes(28, &interface.0);
    } else {
        flow.number(25, sub_type);
    }
    flow.bytes(34, format!("b0d9e1b4-1d0e-4c3a-9b1e-0a6a{nth:08x}").as_bytes());
    let reasons = ["", "new", "established", "reply", "related", "reopened"];
    let reason = reasons.iter().position(|word| *word == event.state).unwrap_or_default();
    flow.number(36, reason as u64);
    for label in &names.node_labels {
        flow.bytes(37, label.as_bytes());
    }
    if let Some(drop) = &event.drop {
        let mut file = Message::default();
        if let Some(SourceFile::Id(id)) = drop.file {
            file.bytes(1, file_name(id, MINOR).unwrap_or("unknown").as_bytes());
        }
        file.number(2, drop.line.unwrap_or_default().into());
        flow.bytes(38, &file.0);
    }
    flow.bytes(100_000, summary.as_bytes());
    Some(flow.0)
}

fn text<'a>(record: &'a Value, path: &str) -> &'a str {
    record.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A message of a source and a destination.
fn pair(source: &str, destination: &str) -> Message {
    let mut pair = Message::default();
    pair.bytes(1, source.as_bytes());
    pair.bytes(2, destination.as_bytes());
    pair
}

/// A point's number in the datapath.
fn number_of(point: Point) -> u64 {
    point as u64
}

fn reserved(word: &str) -> Option<u32> {
    lab_model::monitor::reserved_identity(word)
}

/// What is above IP, and the flow's summary.
fn layer4(event: &Event<'_>) -> Option<(Vec<u8>, String)> {
    let mut inner = Message::default();
    let (field, summary) = match event.protocol {
        protocol @ (Protocol::Tcp | Protocol::Udp) => {
            inner.number(1, event.source.port?.into());
            inner.number(2, event.destination.port?.into());
            if protocol == Protocol::Udp {
                (2, "UDP".to_owned())
            } else {
                let mut flags = Message::default();
                let words = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
                for (field, word) in (1..).zip(words) {
                    flags.number(field, event.flags.contains(TcpFlags::parse(word)).into());
                }
                inner.bytes(3, &flags.0);
                (1, format!("TCP Flags: {}", event.flags.to_string().replace(' ', ", ")))
            }
        }
        Protocol::Icmp => {
            inner.number(1, if event.message == "EchoRequest" { 8 } else { 0 });
            (3, format!("ICMPv4 {}", event.message))
        }
        _ => return None,
    };
    let mut l4 = Message::default();
    l4.bytes(field, &inner.0);
    Some((l4.0, summary))
}

/// Whose the addresses are.
struct Names {
    pods: HashMap<IpAddr, Known>,
    node_labels: Vec<String>,
}

/// A pod's endpoint.
struct Known {
    id: u32,
    identity: u32,
    namespace: String,
    pod: String,
    labels: Vec<String>,
    /// Name and kind.
    workload: Option<(String, String)>,
}

impl Names {
    fn of_demo() -> Answer<Self> {
        let demo = demo::open()?;
        let list = |api_version: &str, kind: &str| -> Answer<Vec<Value>> {
            let of = Selection {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                ..Selection::default()
            };
            let items = block_on(demo.list(&of, 0, None))?.items;
            Ok(items.iter().filter_map(|item| serde_json::from_str(item).ok()).collect())
        };
        let owners: HashMap<String, (String, String)> = list("v1", "Pod")?
            .iter()
            .filter_map(|pod| {
                let owner = |what| text(pod, &format!("/metadata/ownerReferences/0/{what}"));
                let (name, kind) = match (owner("name"), owner("kind")) {
                    (name, "ReplicaSet") => (name.rsplit_once('-')?.0, "Deployment"),
                    ("", _) => return None,
                    of => of,
                };
                let pod = text(pod, "/metadata/name").to_owned();
                Some((pod, (name.to_owned(), kind.to_owned())))
            })
            .collect();
        let endpoints = list("cilium.io/v2", "CiliumEndpoint")?;
        let pods = endpoints.iter().filter_map(|of| {
            let number = |path| u32::try_from(of.pointer(path)?.as_u64()?).ok();
            let labels = of.pointer("/status/identity/labels")?.as_array()?;
            let pod = text(of, "/metadata/name").to_owned();
            let known = Known {
                id: number("/status/id")?,
                identity: number("/status/identity/id")?,
                namespace: text(of, "/metadata/namespace").to_owned(),
                labels: labels.iter().filter_map(|of| Some(of.as_str()?.to_owned())).collect(),
                workload: owners.get(&pod).cloned(),
                pod,
            };
            let address = text(of, "/status/networking/addressing/0/ipv4").parse().ok()?;
            Some((address, known))
        });
        let nodes = list("v1", "Node")?;
        let node = nodes.iter().find(|of| text(of, "/metadata/name") == NODE);
        let labels = node.and_then(|of| of.pointer("/metadata/labels")?.as_object());
        let labels = labels.into_iter().flatten();
        Ok(Self {
            pods: pods.collect(),
            node_labels: labels
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                .collect(),
        })
    }

    /// One side of a packet, and the number of its endpoint on the node that saw it; 0 when it is
    /// not there.
    fn endpoint(&self, party: &Party<'_>, reporter: Option<u32>) -> (Vec<u8>, u32) {
        let pod = party.address.and_then(|address| self.pods.get(&address));
        let told = party.identity.filter(|&identity| identity != 0);
        let mut endpoint = Message::default();
        let Some(pod) = pod else {
            // Of what is no pod only nodes are in these events.
            let identity = told.or(reserved("remote-node")).unwrap_or_default();
            let is_host = Some(identity) == reserved("host");
            let id = if is_host { reporter.unwrap_or_default() } else { 0 };
            endpoint.number(1, id.into());
            endpoint.number(2, identity.into());
            if let Some(word) = reserved_name(identity) {
                endpoint.bytes(4, format!("reserved:{word}").as_bytes());
            }
            return (endpoint.0, id);
        };
        let id = if Some(pod.id) == reporter { pod.id } else { 0 };
        endpoint.number(1, id.into());
        endpoint.number(2, told.unwrap_or(pod.identity).into());
        endpoint.bytes(3, pod.namespace.as_bytes());
        for label in &pod.labels {
            endpoint.bytes(4, label.as_bytes());
        }
        endpoint.bytes(5, pod.pod.as_bytes());
        if let (Some((name, kind)), true) = (&pod.workload, id != 0) {
            endpoint.bytes(6, &pair(name, kind).0);
        }
        endpoint.bytes(7, CLUSTER.as_bytes());
        (endpoint.0, id)
    }
}

/// A message of protocol buffers that is written.
#[derive(Default)]
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    pub(super) fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    /// A number; 0 is what is not written.
    fn number(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(number);
        }
    }

    /// Text, or a message.
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROP: &[u8] = br#"{"cpu":"CPU 01:","type":"drop","mark":"0x0","reason":"Policy denied","source":389,"bytes":98,"srcLabel":16885,"dstLabel":18484,"dstID":389,"Line":2127,"File":2,"ExtError":0,"Ifindex":7,"summary":{"icmpv4":"ICMPv4\t{Contents=[..8..] Payload=[..56..] TypeCode=EchoRequest Checksum=25003 Id=162 Seq=1}","l2":{"src":"8e:9e:1f:eb:e6:c1","dst":"f2:a0:d9:d3:7e:24"},"l3":{"src":"172.20.0.197","dst":"172.20.0.82"}}}
"#;
    const AGENT: &[u8] = br#"{"type":"agent","subtype":"Policy updated","message":{}}"#;

    fn has(bytes: &[u8], part: &str) -> bool {
        bytes.windows(part.len()).any(|window| window == part.as_bytes())
    }

    #[test]
    fn a_drop_has_its_pods_and_says_who_saw_it_and_when() {
        let flows = Flows::of(&[DROP.to_vec(), AGENT.to_vec()]).unwrap();
        assert_eq!(flows.framed.len(), 1);
        let flow = flows.nth(7);
        let mut out = b"before".to_vec();
        let (node, moment) = (node(42), moment(SystemTime::now()));
        flow.write(&node, &moment, &mut out);
        let frame = &out[6..];
        assert_eq!(frame.len(), flow.frame.len());
        let twice = |part: &[u8]| frame.windows(part.len()).filter(|of| *of == part).count() == 2;
        assert!(twice(node.as_bytes()) && twice(&moment));
        for part in ["webpod-77cccf8449-sl8fn", "curl-pod", "Deployment", "k8s:app=webpod"] {
            assert!(has(frame, part), "{part}");
        }
        for part in ["8e:9e:1f:eb:e6:c1", "172.20.0.82", "ICMPv4 EchoRequest", "bpf_lxc.c"] {
            assert!(has(frame, part), "{part}");
        }
        assert_eq!(flow.n_bytes(), frame.len() - 9);
        assert_eq!(frame[..3], u32::try_from(flow.n_bytes()).unwrap().to_be_bytes()[1..]);
    }

    #[test]
    fn every_moment_is_as_long_as_any() {
        for nanoseconds in [0, 1, 999_999_999] {
            let at = UNIX_EPOCH + std::time::Duration::new(1_800_000_000, nanoseconds);
            assert_eq!(
                moment(at)[..],
                [&[8][..], &moment(at)[1..6], &[16], &moment(at)[7..]].concat()
            );
        }
    }
}
