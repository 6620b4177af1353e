//! Flows as `hubble observe -o jsonpb` writes them, and as sysdumps keep them.
//!
//! Apart from the agent's JSON because only the events are the same, not one key of it. It must
//! not know gRPC: whoever asks a relay hands over the same objects.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Drop, Event, Kind, Party, Point, Protocol, SourceFile, TcpFlags, Verdict,
    connection::read_address,
    json::{self, number, text},
    l7,
    reasons::{self, Reason},
    time,
};
use crate::scan::{Broken, Scanner};

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
    let mut scanner = Scanner::new(line);
    let mut event = None;
    let (mut node, mut time) = (Cow::Borrowed(""), None);
    let read = scanner.object(|scanner, key| {
        match key {
            "flow" => event = Some(read_flow(scanner, line)?),
            "lost_events" if event.is_none() => event = Some(read_lost(scanner, line)?),
            "node_name" => node = text(scanner)?,
            // Of a flow it is the flow's own.
            "time" if event.as_ref().is_none_or(|event: &Event<'_>| event.time.is_none()) => {
                time = time::milliseconds(&text(scanner)?);
            }
            _ => scanner.skip()?,
        }
        Ok(())
    });
    read.ok().filter(|()| scanner.peek() == 0)?;
    let mut event = event.unwrap_or_else(|| Event::words(Kind::Log, line, line));
    if event.node.is_empty() {
        event.node = node;
    }
    let own = own_name(&event.node).len();
    event.node = match event.node {
        Cow::Borrowed(name) => Cow::Borrowed(&name[name.len() - own..]),
        Cow::Owned(name) => Cow::Owned(name[name.len() - own..].to_owned()),
    };
    event.time = event.time.or(time);
    Some(event)
}

/// `num_events_lost` is a 64-bit number, which JSON of protocol buffers writes as a string.
fn read_lost<'a>(scanner: &mut Scanner<'a>, line: &'a str) -> Result<Event<'a>, Broken> {
    let (mut place, mut count) = (Cow::Borrowed("an unknown place"), None);
    scanner.object(|scanner, key| {
        match key {
            "source" if scanner.peek() == b'"' => place = scanner.string()?,
            "num_events_lost" => count = number(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let text = Cow::Owned(format!("lost in {place}"));
    Ok(Event { text, count, ..Event::of(Kind::Lost, line) })
}

/// What several parts of an event are made of, or what may stand behind the part that needs it.
/// A name is the number that stands for it when whoever wrote it is older than whoever told it.
#[derive(Default)]
struct Told<'a> {
    verdict: Cow<'a, str>,
    form: Cow<'a, str>,
    message: Option<u32>,
    drop_reason: Option<u32>,
    drop_words: Cow<'a, str>,
    file: Option<Cow<'a, str>>,
    line: Option<u32>,
    match_type: Option<usize>,
    summary: Cow<'a, str>,
    hardware: [Cow<'a, str>; 2],
    /// In the order in which they are told: what denies first.
    policies: [Vec<Cow<'a, str>>; 4],
}

fn read_flow<'a>(scanner: &mut Scanner<'a>, line: &'a str) -> Result<Event<'a>, Broken> {
    let mut event = Event::of(Kind::Trace, line);
    let mut told = Told::default();
    scanner.object(|scanner, key| {
        match key {
            "time" => event.time = time::milliseconds(&text(scanner)?),
            "node_name" => event.node = text(scanner)?,
            "IP" => {
                let [source, destination] = read_pair(scanner)?;
                event.source.address = read_address(&source);
                event.destination.address = read_address(&destination);
            }
            "ethernet" => told.hardware = read_pair(scanner)?,
            "l4" => read_l4(scanner, &mut event)?,
            "source" => read_endpoint(scanner, &mut event.source)?,
            "destination" => read_endpoint(scanner, &mut event.destination)?,
            "traffic_direction" => event.direction = json::direction(&text(scanner)?),
            "trace_observation_point" => event.point = Point::of_hubble(&text(scanner)?),
            "proxy_port" => event.proxy_port = number(scanner)?.filter(|&port| port != 0),
            "interface" => read_interface(scanner, &mut event)?,
            "is_reply" => {
                if text(scanner)? == "true" {
                    event.state = Cow::Borrowed("reply");
                }
            }
            "l7" => read_l7(scanner, &mut event)?,
            _ => read_told(scanner, key, &mut told)?,
        }
        Ok(())
    })?;
    told.fill(&mut event);
    Ok(event)
}

fn read_told<'a>(scanner: &mut Scanner<'a>, key: &str, told: &mut Told<'a>) -> Result<(), Broken> {
    match key {
        "verdict" => told.verdict = text(scanner)?,
        "Type" => told.form = text(scanner)?,
        "event_type" => members(scanner, |scanner, key| {
            if key == "type" { number(scanner).map(|of| told.message = of) } else { scanner.skip() }
        })?,
        "drop_reason" => told.drop_reason = number(scanner)?,
        "drop_reason_desc" => told.drop_words = text(scanner)?,
        "file" => members(scanner, |scanner, key| {
            match key {
                "name" => told.file = Some(text(scanner)?),
                "line" => told.line = number(scanner)?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?,
        "policy_match_type" => told.match_type = number(scanner)?,
        "Summary" => told.summary = text(scanner)?,
        "ingress_denied_by" => told.policies[0] = read_policies(scanner)?,
        "egress_denied_by" => told.policies[1] = read_policies(scanner)?,
        "ingress_allowed_by" => told.policies[2] = read_policies(scanner)?,
        "egress_allowed_by" => told.policies[3] = read_policies(scanner)?,
        _ => scanner.skip()?,
    }
    Ok(())
}

/// The members of an object; anything else has none, such as the `null` of some writers.
fn members<'a>(
    scanner: &mut Scanner<'a>,
    read: impl FnMut(&mut Scanner<'a>, &str) -> Result<(), Broken>,
) -> Result<(), Broken> {
    if scanner.peek() == b'{' { scanner.object(read) } else { scanner.skip() }
}

/// `source` and `destination` of a layer.
fn read_pair<'a>(scanner: &mut Scanner<'a>) -> Result<[Cow<'a, str>; 2], Broken> {
    let mut pair = [Cow::Borrowed(""), Cow::Borrowed("")];
    members(scanner, |scanner, key| {
        match key {
            "source" => pair[0] = text(scanner)?,
            "destination" => pair[1] = text(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    Ok(pair)
}

/// Ports and flags, below the name of their protocol.
fn read_l4<'a>(scanner: &mut Scanner<'a>, event: &mut Event<'a>) -> Result<(), Broken> {
    members(scanner, |scanner, protocol| {
        event.protocol = Protocol::parse(protocol).unwrap_or(event.protocol);
        members(scanner, |scanner, key| {
            match key {
                "source_port" => event.source.port = number(scanner)?.filter(|&port| port != 0),
                "destination_port" => {
                    event.destination.port = number(scanner)?.filter(|&port| port != 0);
                }
                "flags" => members(scanner, |scanner, flag| {
                    if text(scanner)? == "true" {
                        event.flags = event.flags.with(TcpFlags::parse(flag));
                    }
                    Ok(())
                })?,
                _ => scanner.skip()?,
            }
            Ok(())
        })
    })
}

fn read_endpoint<'a>(scanner: &mut Scanner<'a>, party: &mut Party<'a>) -> Result<(), Broken> {
    let (mut namespace, mut pod) = (Cow::Borrowed(""), Cow::Borrowed(""));
    let mut labels = None;
    members(scanner, |scanner, key| {
        match key {
            "ID" => party.endpoint = number(scanner)?.filter(|&id| id != 0),
            "identity" => party.identity = number(scanner)?,
            "namespace" => namespace = text(scanner)?,
            "pod_name" => pod = text(scanner)?,
            "labels" if scanner.peek() == b'[' => {
                labels = Some(scanner.rest());
                scanner.skip()?;
            }
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    if !pod.is_empty() {
        party.name = Cow::Owned([&namespace, "/", &pod].concat());
    } else if let Some(labels) = labels {
        // A pod is known by its name; what is no pod has nothing but these.
        Scanner::new(labels).array(|scanner| {
            party.labels.push(text(scanner)?);
            Ok(())
        })?;
    }
    Ok(())
}

fn read_interface<'a>(scanner: &mut Scanner<'a>, event: &mut Event<'a>) -> Result<(), Broken> {
    members(scanner, |scanner, key| {
        match key {
            "name" => event.interface = text(scanner)?,
            "index" if event.interface.is_empty() => event.interface = text(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    })
}

fn read_l7<'a>(scanner: &mut Scanner<'a>, event: &mut Event<'a>) -> Result<(), Broken> {
    event.l7_protocol = Cow::Borrowed("l7");
    members(scanner, |scanner, key| {
        if key == "type" {
            event.l7_type = Cow::Owned(capitalized(&text(scanner)?));
            return Ok(());
        }
        let Some(known) = ["http", "dns", "kafka"].into_iter().find(|name| *name == key) else {
            return scanner.skip();
        };
        event.l7_protocol = Cow::Borrowed(known);
        let before = scanner.rest();
        scanner.skip()?;
        let value = &before[..before.len() - scanner.rest().len()];
        if let Some(line) = l7::of_hubble(known, value) {
            event.text = Cow::Owned(line);
        }
        Ok(())
    })
}

/// Names of policies, each with its namespace unless it has none.
fn read_policies<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<Cow<'a, str>>, Broken> {
    let mut policies = Vec::new();
    if scanner.peek() != b'[' {
        scanner.skip()?;
        return Ok(policies);
    }
    scanner.array(|scanner| {
        let (mut namespace, mut name) = (Cow::Borrowed(""), Cow::Borrowed(""));
        members(scanner, |scanner, key| {
            match key {
                "name" => name = text(scanner)?,
                "namespace" => namespace = text(scanner)?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        policies.push(match &*namespace {
            "" => name,
            namespace => Cow::Owned([namespace, "/", &name].concat()),
        });
        Ok(())
    })?;
    Ok(policies)
}

impl<'a> Told<'a> {
    fn fill(mut self, event: &mut Event<'a>) {
        let kind = MESSAGES.iter().find(|(number, _)| Some(*number) == self.message);
        event.kind = match (kind, &*self.verdict, &*self.form) {
            (Some((_, kind)), ..) => *kind,
            (None, _, "L7") => Kind::L7,
            (None, "DROPPED", _) => Kind::Drop,
            _ => Kind::Trace,
        };
        event.policies = std::mem::take(&mut self.policies).into_iter().flatten().collect();
        if matches!(event.protocol, Protocol::Icmp | Protocol::Icmpv6) {
            event.message = match &self.summary {
                Cow::Borrowed(words) => Cow::Borrowed(behind_word(words)),
                Cow::Owned(words) => Cow::Owned(behind_word(words).to_owned()),
            };
        }
        let [source, destination] = std::mem::take(&mut self.hardware);
        name_by_hardware(&mut event.source, source);
        name_by_hardware(&mut event.destination, destination);
        match event.kind {
            Kind::Drop => event.drop = Some(self.drop()),
            Kind::PolicyVerdict => event.verdict = Some(self.verdict()),
            _ => {}
        }
        if !event.l7_protocol.is_empty() {
            event.l7_verdict = match &*self.verdict {
                // The agents' word, so that one verdict has one name whoever tells it.
                "DROPPED" => Cow::Borrowed("Denied"),
                other => Cow::Owned(capitalized(other)),
            };
            if event.text.is_empty() {
                event.text = self.summary;
            }
        }
    }

    fn drop(&mut self) -> Drop<'a> {
        let code = self.drop_reason.and_then(|code| u8::try_from(code).ok());
        // The agent's words, so that one reason has one name whoever tells it.
        let reason = match code.and_then(Reason::of) {
            Some(reason) => Cow::Borrowed(reason.text),
            None if self.drop_words.is_empty() => {
                Cow::Owned(code.map(|code| code.to_string()).unwrap_or_default())
            }
            None => std::mem::take(&mut self.drop_words),
        };
        Drop {
            code: code.or_else(|| reasons::code_of(&reason)),
            reason,
            ext_error: 0,
            file: self.file.take().map(SourceFile::Name),
            line: self.line,
        }
    }

    fn verdict(&self) -> Verdict<'a> {
        let action = match &*self.verdict {
            "FORWARDED" => Cow::Borrowed("allow"),
            "DROPPED" => Cow::Borrowed("deny"),
            "REDIRECTED" => Cow::Borrowed("redirect"),
            "AUDIT" => Cow::Borrowed("audit"),
            other => Cow::Owned(other.to_ascii_lowercase()),
        };
        let matched = self.match_type.and_then(|at| MATCHES.get(at)).copied().unwrap_or_default();
        Verdict { action, matched: Cow::Borrowed(matched), auth: Cow::Borrowed("") }
    }
}

/// `ICMPv4 EchoRequest` → `EchoRequest`.
fn behind_word(summary: &str) -> &str {
    summary.split_once(' ').map_or("", |(_, message)| message)
}

/// What sends no IP has no other name.
fn name_by_hardware<'a>(party: &mut Party<'a>, hardware: Cow<'a, str>) {
    // Hubble leaves out what is 0, the identity of what has none.
    party.identity.get_or_insert(0);
    if party.name.is_empty() && party.address.is_none() {
        party.name = hardware;
    }
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
mod tests;
