//! One event as a row.
//!
//! Apart from the columns because words are chosen here. It must not keep anything.

use std::fmt::Write as _;
use std::rc::Rc;

use lab_model::monitor::{Drop, Event, Kind, Protocol, SourceFile, file_name, reserved_name};
use lab_plugin::{Health, Level, Timestamp};

use crate::names::Names;
use crate::rows::EventRow;

/// How much of each event is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// With the record as the agent printed it.
    pub with_record: bool,
}

/// The row of an event.
pub fn row(
    event: &Event<'_>,
    node: &Rc<str>,
    time: Option<i64>,
    names: &Names,
    depth: Depth,
) -> EventRow {
    let side = |party| {
        let mut shown = String::with_capacity(40);
        names.show(party, node, &mut shown);
        shown
    };
    let identity = |number: Option<u32>| {
        let number = number?;
        Some(reserved_name(number).map_or_else(|| number.to_string(), str::to_owned))
    };
    EventRow {
        time: event.time.or(time).map(Timestamp),
        node: if event.node.is_empty() { String::from(&**node) } else { event.node.to_string() },
        r#type: event.kind.as_str(),
        verdict: verdict(event),
        source: side(&event.source),
        destination: side(&event.destination),
        protocol: match event.kind {
            Kind::L7 => event.l7_protocol.to_string(),
            _ => event.protocol.as_str().into_owned(),
        },
        flags: flags(event),
        bytes: event.bytes,
        direction: event.direction.map(lab_model::monitor::Direction::as_str),
        point: event.point.map(lab_model::monitor::Point::as_str),
        reason: reason(event),
        state: event.state.to_string(),
        interface: event.interface.to_string(),
        source_identity: identity(event.source.identity),
        destination_identity: identity(event.destination.identity),
        endpoint: event.reporter,
        file: event.drop.as_ref().and_then(file),
        policies: policies(event),
        tunnel: event.tunnel.as_ref().map(|tunnel| {
            let sides = [side(&tunnel.source), side(&tunnel.destination)];
            format!("{} {}", tunnel.protocol, sides.join(" -> ")).trim_start().to_owned()
        }),
        original: event.original.filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string()),
        flow_hash: event.flow_hash.map(|hash| format!("{hash:#x}")),
        cpu: event.cpu,
        record: depth.with_record.then(|| event.raw.to_string()),
    }
}

/// What became of it.
pub fn verdict(event: &Event<'_>) -> Health {
    let (level, word) = match event.kind {
        Kind::Drop => (Level::Bad, "dropped"),
        Kind::Trace => (Level::Good, "forwarded"),
        Kind::PolicyVerdict => match event.verdict.as_ref().map(|verdict| &*verdict.action) {
            Some("allow") => (Level::Good, "allowed"),
            Some("redirect") => (Level::Good, "redirected"),
            Some("audit") => (Level::Warn, "audited"),
            Some("deny") => (Level::Bad, "denied"),
            Some(other) => return Health(Level::Unknown, other.to_owned()),
            None => (Level::Unknown, "unknown"),
        },
        Kind::L7 => match &*event.l7_verdict {
            "Forwarded" => (Level::Good, "forwarded"),
            "Denied" | "Dropped" => (Level::Bad, "denied"),
            "Error" => (Level::Bad, "error"),
            other => return Health(Level::Unknown, other.to_ascii_lowercase()),
        },
        Kind::Lost => (Level::Warn, "lost"),
        Kind::Other => (Level::Unknown, "not understood"),
        Kind::TraceSock => (Level::Info, "translated"),
        _ => (Level::Info, "noted"),
    };
    Health(level, word.to_owned())
}

fn flags(event: &Event<'_>) -> String {
    match event.protocol {
        Protocol::Tcp if !event.flags.is_empty() => event.flags.to_string(),
        _ => event.message.to_string(),
    }
}

fn reason(event: &Event<'_>) -> String {
    match event.kind {
        Kind::Drop => event.drop.as_ref().map(words).unwrap_or_default(),
        Kind::PolicyVerdict => match &event.verdict {
            Some(verdict) if verdict.matched == "none" => "no rule matches".to_owned(),
            Some(verdict) => format!("rule matches {}", verdict.matched),
            None => String::new(),
        },
        Kind::L7 => format!("{} {}", event.l7_type, event.text).trim().to_owned(),
        _ => event.text.to_string(),
    }
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
