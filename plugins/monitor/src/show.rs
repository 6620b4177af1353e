//! One event as a row.
//!
//! Apart from the columns because words are chosen here. It must not keep anything.

use std::borrow::Cow;
use std::fmt::Write as _;

use lab_model::monitor::{Drop, Event, Kind, Protocol, SourceFile, file_name, reserved_name};
use lab_plugin::{Health, Level, Timestamp};

use crate::names::Names;
use crate::numerals;
use crate::rows::EventRow;

/// How much of each event is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// With the record as the agent printed it.
    pub with_record: bool,
}

/// Texts of an event that have to be put together: written anew for each, in the room of the last.
#[derive(Debug, Default)]
pub struct Texts {
    source: String,
    destination: String,
    identities: [String; 2],
    flags: String,
    flow_hash: String,
}

impl Texts {
    /// The row of an event.
    pub fn row<'e>(
        &'e mut self,
        event: &'e Event<'_>,
        node: &'e str,
        time: Option<i64>,
        names: &Names,
        depth: Depth,
    ) -> EventRow<'e> {
        let parties =
            [(&event.source, &mut self.source), (&event.destination, &mut self.destination)];
        for ((party, side), identity) in parties.into_iter().zip(&mut self.identities) {
            side.clear();
            names.show(party, node, side);
            identity.clear();
            match party.identity.map(|number| (number, reserved_name(number))) {
                Some((_, Some(name))) => identity.push_str(name),
                Some((number, None)) => numerals::decimal(number, identity),
                None => {}
            }
        }
        self.flags.clear();
        self.flags.extend(event.flags.pieces());
        self.flow_hash.clear();
        if let Some(hash) = event.flow_hash {
            numerals::hexadecimal(hash, &mut self.flow_hash);
        }
        row(event, node, time, names, depth, self)
    }
}

fn row<'e>(
    event: &'e Event<'_>,
    node: &'e str,
    time: Option<i64>,
    names: &Names,
    depth: Depth,
    texts: &'e Texts,
) -> EventRow<'e> {
    let side = |party| {
        let mut shown = String::new();
        names.show(party, node, &mut shown);
        shown
    };
    let given = |text: &'e str| (!text.is_empty()).then_some(text);
    EventRow {
        time: event.time.or(time).map(Timestamp),
        node: if event.node.is_empty() { node } else { &event.node },
        r#type: event.kind.as_str(),
        verdict: verdict(event),
        source: &texts.source,
        destination: &texts.destination,
        protocol: match event.kind {
            Kind::L7 => Cow::Borrowed(&*event.l7_protocol),
            _ => event.protocol.as_str(),
        },
        flags: flags(event, texts),
        bytes: event.bytes,
        direction: event.direction.map(lab_model::monitor::Direction::as_str),
        point: event.point.map(lab_model::monitor::Point::as_str),
        reason: reason(event),
        state: &event.state,
        interface: &event.interface,
        source_identity: given(&texts.identities[0]),
        destination_identity: given(&texts.identities[1]),
        endpoint: event.reporter,
        file: event.drop.as_ref().and_then(file),
        policies: policies(event),
        tunnel: event.tunnel.as_ref().map(|tunnel| {
            let sides = [side(&tunnel.source), side(&tunnel.destination)];
            format!("{} {}", tunnel.protocol, sides.join(" -> ")).trim_start().to_owned()
        }),
        original: event.original.filter(|ip| !ip.is_unspecified()),
        flow_hash: given(&texts.flow_hash),
        cpu: event.cpu,
        record: depth.with_record.then_some(&*event.raw),
    }
}

/// What became of it.
fn verdict<'e>(event: &'e Event<'_>) -> Health<Cow<'e, str>> {
    let (level, word) = match event.kind {
        Kind::Drop => (Level::Bad, "dropped"),
        Kind::Trace => (Level::Good, "forwarded"),
        Kind::PolicyVerdict => match event.verdict.as_ref().map(|verdict| &*verdict.action) {
            Some("allow") => (Level::Good, "allowed"),
            Some("redirect") => (Level::Good, "redirected"),
            Some("audit") => (Level::Warn, "audited"),
            Some("deny") => (Level::Bad, "denied"),
            Some(other) => return Health(Level::Unknown, Cow::Borrowed(other)),
            None => (Level::Unknown, "unknown"),
        },
        Kind::L7 => match &*event.l7_verdict {
            "Forwarded" => (Level::Good, "forwarded"),
            "Denied" => (Level::Bad, "denied"),
            "Error" => (Level::Bad, "error"),
            other => return Health(Level::Unknown, Cow::Owned(other.to_ascii_lowercase())),
        },
        Kind::Lost => (Level::Warn, "lost"),
        Kind::Other => (Level::Unknown, "not understood"),
        Kind::TraceSock => (Level::Info, "translated"),
        _ => (Level::Info, "noted"),
    };
    Health(level, Cow::Borrowed(word))
}

fn flags<'e>(event: &'e Event<'_>, texts: &'e Texts) -> &'e str {
    match event.protocol {
        Protocol::Tcp if !texts.flags.is_empty() => &texts.flags,
        _ => &event.message,
    }
}

fn reason<'e>(event: &'e Event<'_>) -> Cow<'e, str> {
    Cow::Owned(match event.kind {
        Kind::Drop => event.drop.as_ref().map(words).unwrap_or_default(),
        Kind::PolicyVerdict => match &event.verdict {
            Some(verdict) if verdict.matched == "none" => "no rule matches".to_owned(),
            Some(verdict) => format!("rule matches {}", verdict.matched),
            None => String::new(),
        },
        Kind::L7 => format!("{} {}", event.l7_type, event.text).trim().to_owned(),
        _ => return Cow::Borrowed(&event.text),
    })
}

/// A reason with its extended error; a code that has no words is called so.
pub fn words(drop: &Drop<'_>) -> String {
    let mut text = match drop.reason.parse::<u8>() {
        Ok(code) => format!("code {code}"),
        Err(_) => drop.reason.to_string(),
    };
    if drop.ext_error != 0 {
        let _infallible = write!(text, ", error {}", drop.ext_error);
    }
    text
}

/// The file and line of a drop.
pub fn file(drop: &Drop<'_>) -> Option<String> {
    let name = match drop.file.as_ref()? {
        SourceFile::Name(name) => name.to_string(),
        // The release is not known here, so only names that never changed are given.
        SourceFile::Id(id) => {
            file_name(*id, None).map_or_else(|| format!("file {id}"), str::to_owned)
        }
    };
    Some(match drop.line {
        Some(line) => format!("{name}:{line}"),
        None => name,
    })
}

/// What printed a line, for evidence.
pub fn origin(raw: &str) -> &'static str {
    if raw.starts_with("{\"flow\"") { "hubble observe" } else { "cilium-dbg monitor" }
}

/// Policies that decided.
pub fn policies(event: &Event<'_>) -> Option<String> {
    (!event.policies.is_empty()).then(|| event.policies.join(","))
}
