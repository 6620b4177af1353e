//! Flows as `hubble observe -o jsonpb` writes them, and as sysdumps keep them.
//!
//! Apart from the agent's JSON because only the events are the same, not one key of it. It must
//! not know gRPC: whoever asks a relay hands over the same objects.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{
    Drop, Event, Kind, Party, Point, Protocol, SourceFile, TcpFlags, Verdict,
    connection::read_address,
    reasons::{self, Reason},
    time,
};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    flow: Option<Flow<'a>>,
    lost_events: Option<Lost>,
    #[serde(borrow, default)]
    node_name: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
}

/// `num_events_lost` is a 64-bit number, which JSON of protocol buffers writes as a string.
#[derive(Deserialize)]
struct Lost {
    #[serde(default)]
    source: Value,
    #[serde(default)]
    num_events_lost: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Flow<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    node_name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "named")]
    verdict: Cow<'a, str>,
    #[serde(rename = "IP", borrow)]
    ip: Option<Pair<'a>>,
    #[serde(borrow)]
    ethernet: Option<Pair<'a>>,
    l4: Map<String, Value>,
    #[serde(borrow)]
    source: Endpoint<'a>,
    #[serde(borrow)]
    destination: Endpoint<'a>,
    #[serde(rename = "Type", borrow, deserialize_with = "named")]
    kind: Cow<'a, str>,
    event_type: Option<EventType>,
    #[serde(borrow, deserialize_with = "named")]
    traffic_direction: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "named")]
    trace_observation_point: Cow<'a, str>,
    drop_reason: Option<u32>,
    #[serde(borrow, deserialize_with = "named")]
    drop_reason_desc: Cow<'a, str>,
    is_reply: Option<bool>,
    interface: Option<Map<String, Value>>,
    proxy_port: Option<u16>,
    file: Option<Map<String, Value>>,
    policy_match_type: Option<u32>,
    ingress_allowed_by: Vec<Policy>,
    egress_allowed_by: Vec<Policy>,
    ingress_denied_by: Vec<Policy>,
    egress_denied_by: Vec<Policy>,
    l7: Option<Map<String, Value>>,
    #[serde(rename = "Summary", borrow)]
    summary: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pair<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    destination: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Endpoint<'a> {
    #[serde(rename = "ID")]
    id: u32,
    identity: u32,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    labels: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pod_name: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EventType {
    #[serde(rename = "type")]
    kind: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Policy {
    name: String,
    namespace: String,
}

/// A name, or the number that stands for one in the JSON of protocol buffers when whoever wrote it
/// is older than whoever told it.
fn named<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Cow<'a, str>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Word<'a> {
        Name(#[serde(borrow)] Cow<'a, str>),
        Number(i32),
    }
    Ok(match Word::deserialize(from)? {
        Word::Name(name) => name,
        Word::Number(number) => Cow::Owned(number.to_string()),
    })
}

/// Numbers of Cilium's messages, `event_type.type` of a flow.
///
/// - Source: pkg/monitor/api/types.go.
const MESSAGES: [(u32, Kind); 6] = [
    (1, Kind::Drop),
    (3, Kind::Capture),
    (4, Kind::Trace),
    (5, Kind::PolicyVerdict),
    (129, Kind::L7),
    (7, Kind::TraceSock),
];

/// What `policy_match_type` means, in the words of the agent's text.
///
/// - Source: pkg/monitor/api (`PolicyMatchType`).
const MATCHES: [&str; 7] = ["none", "L3-Only", "L3-L4", "L4-Only", "all", "L3-Proto", "Proto-Only"];

/// What a relay says of nodes that it hears, or does not hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// What became of them.
    pub state: NodeState,
    /// Their names, without that of their cluster.
    pub nodes: Vec<String>,
    /// Why, if it says so.
    pub message: String,
}

/// The state of a node behind a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Its flows come.
    Connected,
    /// They do not, for now.
    Unavailable,
    /// It has left the cluster.
    Gone,
    /// It answered with an error, and is not asked again.
    Error,
    /// A state of another release.
    Unknown,
}

impl NodeStatus {
    /// Reads a line; `None` when it says nothing of nodes.
    ///
    /// - Source: api/v1/relay/relay.proto.
    pub fn read(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line {
            node_status: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            #[serde(default)]
            state_change: Value,
            #[serde(default)]
            node_names: Vec<String>,
            #[serde(default)]
            message: String,
        }
        let Line { node_status: status } = serde_json::from_str(line).ok()?;
        let state = match status.state_change.as_str() {
            Some("NODE_CONNECTED") => NodeState::Connected,
            Some("NODE_UNAVAILABLE") => NodeState::Unavailable,
            Some("NODE_GONE") => NodeState::Gone,
            Some("NODE_ERROR") => NodeState::Error,
            _ => NodeState::Unknown,
        };
        let nodes = status.node_names.iter().map(|name| own_name(name).to_owned()).collect();
        Some(Self { state, nodes, message: status.message })
    }
}

/// The name of a node: with several clusters its cluster's leads.
fn own_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, node)| node)
}

/// Reads one line; `None` when it is not of Hubble.
///
/// - Shape: an object with `flow`, `lost_events` or `node_status`.
/// - Source: api/v1/flow/flow.proto, api/v1/observer/observer.proto.
pub(super) fn parse_line(line: &str) -> Option<Event<'_>> {
    let read: Line<'_> = serde_json::from_str(line).ok()?;
    let mut event = match (read.flow, read.lost_events) {
        (Some(flow), _) => flow.into_event(line),
        (None, Some(lost)) => {
            let count = match &lost.num_events_lost {
                Value::String(digits) => digits.parse().ok(),
                other => other.as_u64(),
            };
            let text = format!("lost in {}", lost.source.as_str().unwrap_or("an unknown place"));
            Event { count, text: Cow::Owned(text), ..Event::of(Kind::Lost, line) }
        }
        _ => Event::words(Kind::Log, line, line),
    };
    if event.node.is_empty() {
        event.node = read.node_name;
    }
    if event.node.contains('/') {
        event.node = Cow::Owned(own_name(&event.node).to_owned());
    }
    event.time = event.time.or_else(|| time::milliseconds(&read.time));
    Some(event)
}

impl<'a> Flow<'a> {
    fn into_event(self, line: &'a str) -> Event<'a> {
        let message = self.event_type.as_ref().map(|of| of.kind);
        let kind = MESSAGES.iter().find(|(number, _)| Some(*number) == message);
        let kind = match (kind, self.verdict.as_ref(), self.kind.as_ref()) {
            (Some((_, kind)), ..) => *kind,
            (None, _, "L7") => Kind::L7,
            (None, "DROPPED", _) => Kind::Drop,
            _ => Kind::Trace,
        };
        let mut event = Event::of(kind, line);
        event.time = time::milliseconds(&self.time);
        event.direction = super::json::direction(&self.traffic_direction);
        event.policies = self.policies();
        event.drop = (kind == Kind::Drop).then(|| self.drop());
        event.verdict = (kind == Kind::PolicyVerdict).then(|| self.verdict());
        event.point = Point::of_hubble(&self.trace_observation_point);
        event.proxy_port = self.proxy_port.filter(|&port| port != 0);
        if let Some(interface) = &self.interface {
            let word = interface.get("name").or_else(|| interface.get("index"));
            event.interface = Cow::Owned(word.map(words).unwrap_or_default());
        }
        event.state = Cow::Borrowed(match self.is_reply {
            Some(true) => "reply",
            _ => "",
        });
        self.read_l4(&mut event);
        if let Some(l7) = &self.l7 {
            event.l7_type =
                Cow::Owned(capitalized(l7.get("type").and_then(Value::as_str).unwrap_or_default()));
            event.l7_verdict = Cow::Owned(capitalized(&self.verdict));
            let known = ["http", "dns", "kafka"].into_iter().find(|name| l7.contains_key(*name));
            event.l7_protocol = Cow::Borrowed(known.unwrap_or("l7"));
            event.text.clone_from(&self.summary);
        }
        let ip = self.ip.unwrap_or_default();
        let ethernet = self.ethernet.unwrap_or_default();
        fill(&mut event.source, self.source, &ip.source, ethernet.source);
        fill(&mut event.destination, self.destination, &ip.destination, ethernet.destination);
        event.node = self.node_name;
        event
    }

    fn policies(&self) -> Vec<Cow<'a, str>> {
        let lists = [
            &self.ingress_denied_by,
            &self.egress_denied_by,
            &self.ingress_allowed_by,
            &self.egress_allowed_by,
        ];
        let named = |policy: &Policy| match policy.namespace.as_str() {
            "" => policy.name.clone(),
            namespace => format!("{namespace}/{}", policy.name),
        };
        lists.into_iter().flatten().map(|policy| Cow::Owned(named(policy))).collect()
    }

    fn drop(&self) -> Drop<'a> {
        let code = self.drop_reason.and_then(|code| u8::try_from(code).ok());
        // The agent's words, so that one reason has one name whoever tells it.
        let reason = match code.and_then(Reason::of) {
            Some(reason) => Cow::Borrowed(reason.text),
            None if self.drop_reason_desc.is_empty() => {
                Cow::Owned(code.map(|code| code.to_string()).unwrap_or_default())
            }
            None => self.drop_reason_desc.clone(),
        };
        let file = self.file.as_ref();
        let name = file.and_then(|file| file.get("name")).map(words);
        Drop {
            code: code.or_else(|| reasons::code_of(&reason)),
            reason,
            ext_error: 0,
            file: name.map(|name| SourceFile::Name(Cow::Owned(name))),
            line: file
                .and_then(|file| file.get("line")?.as_u64())
                .and_then(|line| u32::try_from(line).ok()),
        }
    }

    fn verdict(&self) -> Verdict<'a> {
        let action = match self.verdict.as_ref() {
            "FORWARDED" => Cow::Borrowed("allow"),
            "DROPPED" => Cow::Borrowed("deny"),
            "REDIRECTED" => Cow::Borrowed("redirect"),
            "AUDIT" => Cow::Borrowed("audit"),
            other => Cow::Owned(other.to_ascii_lowercase()),
        };
        let matched = self.policy_match_type.and_then(|number| usize::try_from(number).ok());
        let matched = matched.and_then(|at| MATCHES.get(at)).copied().unwrap_or_default();
        Verdict { action, matched: Cow::Borrowed(matched), auth: Cow::Borrowed("") }
    }

    fn read_l4(&self, event: &mut Event<'a>) {
        let Some((name, fields)) = self.l4.iter().next() else { return };
        event.protocol = Protocol::parse(name).unwrap_or_default();
        let port = |name: &str| {
            let port = fields.get(name).and_then(Value::as_u64)?;
            u16::try_from(port).ok().filter(|&port| port != 0)
        };
        (event.source.port, event.destination.port) =
            (port("source_port"), port("destination_port"));
        if let Some(Value::Object(flags)) = fields.get("flags") {
            let set = flags.iter().filter(|(_, value)| value.as_bool() == Some(true));
            event.flags =
                set.map(|(name, _)| TcpFlags::parse(name)).fold(TcpFlags::NONE, TcpFlags::with);
        }
        if matches!(event.protocol, Protocol::Icmp | Protocol::Icmpv6) {
            let summary = self.summary.split_once(' ').map_or("", |(_, message)| message);
            event.message = Cow::Owned(summary.to_owned());
        }
    }
}

fn fill<'a>(party: &mut Party<'a>, of: Endpoint<'a>, address: &str, hardware: Cow<'a, str>) {
    party.endpoint = Some(of.id).filter(|&id| id != 0);
    party.identity = Some(of.identity);
    party.address = read_address(address);
    party.labels = of.labels;
    party.name = if !of.pod_name.is_empty() {
        Cow::Owned(format!("{}/{}", of.namespace, of.pod_name))
    } else if party.address.is_none() {
        hardware
    } else {
        Cow::Borrowed("")
    };
}

/// A string as it is, anything else as JSON has it.
fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `FORWARDED` → `Forwarded`, as the agent writes it.
fn capitalized(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let mut letters = lower.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Direction;

    #[test]
    fn a_dropped_flow_names_its_pods_and_its_policy() {
        let line = r#"{"flow":{"time":"2026-11-23T03:03:49.19Z","verdict":"DROPPED","ethernet":{"source":"12:58:84:f3:f9:61","destination":"0a:a7:6b:ce:4d:68"},"IP":{"source":"172.20.0.148","destination":"172.20.2.98","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":40860,"destination_port":8080,"flags":{"SYN":true}}},"source":{"identity":46329,"namespace":"default","labels":["k8s:app=curl"],"pod_name":"curl-pod"},"destination":{"ID":775,"identity":8534,"namespace":"default","pod_name":"webpod-x"},"Type":"L3_L4","node_name":"default/k8s-w1","event_type":{"type":1,"sub_type":133},"traffic_direction":"INGRESS","drop_reason_desc":"POLICY_DENIED","drop_reason":133,"ingress_denied_by":[{"name":"only-http","namespace":"default"}],"Summary":"TCP Flags: SYN","file":{"name":"bpf_lxc.c","line":2127}},"node_name":"default/k8s-w1","time":"2026-11-23T03:03:49.19Z"}"#;
        let event = parse_line(line).unwrap();
        assert_eq!(event.kind, Kind::Drop);
        assert_eq!(event.time, Some(1_795_403_029_190));
        assert_eq!(event.node, "k8s-w1");
        assert_eq!((&*event.source.name, event.source.port), ("default/curl-pod", Some(40860)));
        assert_eq!(event.destination.endpoint, Some(775));
        assert_eq!(event.flags.to_string(), "SYN");
        assert_eq!(event.direction, Some(Direction::Ingress));
        assert_eq!(event.policies, ["default/only-http"]);
        let drop = event.drop.unwrap();
        assert_eq!((&*drop.reason, drop.code, drop.line), ("Policy denied", Some(133), Some(2127)));
    }

    #[test]
    fn lost_events_and_other_messages_are_events() {
        let lost = parse_line(r#"{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"12"},"node_name":"k8s-w1","time":"2026-11-23T03:03:49Z"}"#).unwrap();
        assert_eq!((lost.kind, lost.count, &*lost.node), (Kind::Lost, Some(12), "k8s-w1"));
        let status = parse_line(r#"{"node_status":{"state_change":"NODE_CONNECTED"}}"#).unwrap();
        assert_eq!(status.kind, Kind::Log);
        assert_eq!(NodeStatus::read(&status.raw).unwrap().state, NodeState::Connected);
        assert_eq!(parse_line(r#"{"flow":7}"#), None);
    }

    #[test]
    fn numbers_that_have_no_name_yet_cost_nothing_else() {
        let line = r#"{"flow":{"verdict":99,"Type":9,"traffic_direction":7,"trace_observation_point":77,"drop_reason":230,"drop_reason_desc":230,"event_type":{"type":1},"IP":{"source":"10.0.0.1","destination":"10.0.0.2"}}}"#;
        let event = parse_line(line).unwrap();
        assert_eq!((event.kind, event.point, event.direction), (Kind::Drop, None, None));
        assert_eq!(event.source.address, Some([10, 0, 0, 1].into()));
        let drop = event.drop.unwrap();
        assert_eq!((drop.code, &*drop.reason), (Some(230), "230"));
    }

    #[test]
    fn nodes_that_a_relay_hears_are_read() {
        let line = r#"{"node_status":{"state_change":"NODE_UNAVAILABLE","node_names":["default/k8s-w0","k8s-w1"],"message":"refused"},"node_name":"relay"}"#;
        let status = NodeStatus::read(line).unwrap();
        assert_eq!((status.state, status.message.as_str()), (NodeState::Unavailable, "refused"));
        assert_eq!(status.nodes, ["k8s-w0", "k8s-w1"]);
        let later = NodeStatus::read(r#"{"node_status":{"state_change":12}}"#).unwrap();
        assert_eq!(later.state, NodeState::Unknown);
        for other in ["", "{}", r#"{"flow":{}}"#, r#"{"node_status":7}"#] {
            assert_eq!(NodeStatus::read(other), None, "{other}");
        }
    }

    #[test]
    fn an_l7_flow_keeps_hubbles_own_line() {
        let line = r#"{"flow":{"verdict":"DROPPED","IP":{"source":"10.0.0.1","destination":"10.0.0.2"},"l4":{"TCP":{"source_port":1,"destination_port":80}},"Type":"L7","event_type":{"type":129},"l7":{"type":"REQUEST","http":{"method":"GET","url":"http://x/"}},"Summary":"HTTP/1.1 GET http://x/","policy_match_type":2}}"#;
        let event = parse_line(line).unwrap();
        assert_eq!((event.kind, &*event.text), (Kind::L7, "HTTP/1.1 GET http://x/"));
        assert_eq!((&*event.l7_type, &*event.l7_verdict), ("Request", "Dropped"));
        assert_eq!(event.drop, None);
    }
}
