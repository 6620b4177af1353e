//! Conversations: who speaks to whom, both directions together.
//!
//! Apart from the columns because this counts and they show. It must not wait or ask.

use std::rc::Rc;

use lab_model::monitor::{Event, Kind, Protocol, TcpFlags};
use lab_plugin::Timestamp;

use crate::names::Names;
use crate::rows::FlowRow;
use crate::tally::Tally;
use crate::who::Who;

/// A conversation. A client's port is no part of it: each connection has another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    client: Who,
    server: Who,
    port: Option<u16>,
    protocol: Protocol,
    /// `http`, `dns` …; empty for packets.
    l7: Box<str>,
}

/// What else is known of a conversation.
#[derive(Debug, Default)]
pub struct Known {
    identities: (Option<u32>, Option<u32>),
    requests: u64,
    answers: u64,
    drops: u64,
    denied: u64,
    bytes: u64,
}

/// All conversations.
#[derive(Debug)]
pub struct Flows {
    /// The rows.
    pub tally: Tally<Key, Known>,
}

impl Flows {
    /// With so many rows at most.
    pub fn new(max: usize) -> Self {
        Self { tally: Tally::new(max) }
    }

    /// Counts an event. Verdicts are not counted: the packet itself is an event too.
    pub fn add(&mut self, event: &Event<'_>, node: &Rc<str>, time: Option<i64>) {
        if !matches!(event.kind, Kind::Trace | Kind::Drop | Kind::L7) {
            return;
        }
        let is_answer = is_answer(event);
        let (client, server) = if is_answer {
            (&event.destination, &event.source)
        } else {
            (&event.source, &event.destination)
        };
        let key = Key {
            client: Who::of(client, node),
            server: Who::of(server, node),
            port: server.port,
            protocol: event.protocol,
            l7: Box::from(&*event.l7_protocol),
        };
        let known = self.tally.add(key, node, event.time.or(time), Known::default);
        known.identities = (client.identity, server.identity);
        known.bytes += u64::from(event.bytes.unwrap_or_default());
        match event.kind {
            Kind::Drop => known.drops += 1,
            _ if is_answer => known.answers += 1,
            _ => known.requests += 1,
        }
        if event.l7_verdict == "Denied" {
            known.denied += 1;
        }
    }

    /// The row of a key, and its key in the table.
    pub fn row(&self, key: &Key, names: &Names, is_live: bool) -> Option<(String, FlowRow)> {
        let entry = self.tally.get(key)?;
        let side = |who: &Who, port, identity| {
            let (party, node) = who.party(port, identity);
            let mut shown = String::new();
            names.show(&party, node, &mut shown);
            shown
        };
        let known = &entry.value;
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let protocol = if key.l7.is_empty() { key.protocol.as_str() } else { (*key.l7).into() };
        let row = FlowRow {
            client: side(&key.client, None, known.identities.0),
            server: side(&key.server, key.port, known.identities.1),
            protocol: protocol.into_owned(),
            requests: count(known.requests),
            answers: count(known.answers),
            drops: count(known.drops),
            bytes: count(known.bytes),
            rate: is_live.then(|| self.tally.rate(entry)),
            last_seen: entry.last.map(Timestamp),
            nodes: entry.nodes.join(","),
            denied: count(known.denied),
        };
        let name = format!("{:?}/{:?}:{:?}/{}", key.client, key.server, key.port, row.protocol);
        Some((name, row))
    }
}

/// Whether an event is of an answer. The datapath says so where it tracks the connection; for
/// the hosts' own packets it does not, and there the server is taken to be the lower port.
pub fn is_answer(event: &Event<'_>) -> bool {
    let opens = event.flags.only(TcpFlags::TOLD) == TcpFlags::parse("SYN");
    match (&*event.state, event.kind) {
        ("reply", _) => true,
        (_, Kind::L7) => &*event.l7_type == "Response" && event.direction.is_none(),
        _ if opens => false,
        ("established" | "", Kind::Trace) => match (event.source.port, event.destination.port) {
            (Some(source), Some(destination)) => source < destination && source < 32768,
            _ => &*event.message == "EchoReply",
        },
        _ => false,
    }
}
