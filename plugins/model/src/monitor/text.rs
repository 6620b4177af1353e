//! One line of text that `cilium-dbg monitor` prints at the default level, at `-v`, and between
//! its lines of JSON.
//!
//! Apart from [`verbose`](super::verbose), whose records have many lines. It must not fail: a
//! line that it does not know is left alone.

use std::borrow::Cow;

use super::{
    Event, Kind, Point, Protocol, SourceFile, Verdict, connection,
    identity::reserved_identity,
    json::{direction, hash},
    l7, verbose,
};

/// Reads one line; `None` when it is none that the monitor is known to print.
///
/// - Shape: pkg/monitor and cilium-dbg/cmd/monitor.go of Cilium 1.14 to 1.20.
pub fn parse_text_line(line: &str) -> Option<Event<'_>> {
    let text = line.trim_end();
    let read = match text.as_bytes().first()? {
        b'x' => drop(text),
        b'P' => verdict(text),
        b'-' | b'<' | b'?' => {
            l7::parse_text(text).or_else(|| trace(text)).or_else(|| capture(text))
        }
        b'=' => capture(text),
        b'>' => agent(text),
        b'C' => processor(text),
        b'R' => recorder(text),
        b'u' => unknown_trace(text),
        _ => None,
    };
    let event = read.or_else(|| log(text))?;
    Some(Event { raw: Cow::Borrowed(line), ..event })
}

/// `xx drop (Policy denied) flow 0x0 to endpoint 775, ifindex 3, file bpf_lxc.c:2127, , identity
/// 46329->8534: …`
fn drop(text: &str) -> Option<Event<'_>> {
    let rest = text.strip_prefix("xx drop (")?;
    // A reason may hold brackets of its own.
    let (reason, rest) = rest.split_once(") flow ")?;
    let (flow, rest) = rest.split_once(' ')?;
    let rest = rest.strip_prefix("to endpoint ")?;
    let (endpoint, rest) = rest.split_once(", ")?;
    let (fields, rest) = rest.split_once(", identity ")?;
    let (identities, packet) = rest.split_once(": ")?;
    let mut event = Event::of(Kind::Drop, text);
    event.set_reason(Cow::Borrowed(reason));
    event.flow_hash = hash(flow);
    event.destination.endpoint = Some(endpoint.parse().ok()?).filter(|&id| id != 0);
    for field in fields.split(", ") {
        if let Some(index) = field.strip_prefix("ifindex ") {
            event.interface = Cow::Borrowed(index);
        } else if let Some(file) = field.strip_prefix("file ") {
            let (name, line) = file.split_once(':')?;
            let drop = event.drop.get_or_insert_default();
            drop.file = Some(SourceFile::Name(Cow::Borrowed(name)));
            let end = line.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(line.len());
            drop.line = line[..end].parse().ok();
        }
    }
    set_identities(identities, &mut event)?;
    connection::read(packet, &mut event).then_some(event)
}

/// `46329->8534`, words for the reserved ones.
pub(super) fn set_identities(text: &str, event: &mut Event<'_>) -> Option<()> {
    let (source, destination) = text.split_once("->")?;
    event.source.identity = Some(reserved_identity(source)?);
    event.destination.identity = Some(reserved_identity(destination)?);
    Some(())
}

/// `-> endpoint 775 flow 0x0 , identity 46329->8534 state new ifindex lxcc72195e207ef orig-ip
/// 172.20.0.148: …`
fn trace(text: &str) -> Option<Event<'_>> {
    let (point, rest) = Point::of_summary(text)?;
    let mut event = Event::of(Kind::Trace, text);
    event.point = Some(point);
    trace_rest(rest, event)
}

fn unknown_trace(text: &str) -> Option<Event<'_>> {
    trace_rest(text.strip_prefix("unknown trace")?, Event::of(Kind::Trace, text))
}

fn trace_rest<'a>(rest: &'a str, mut event: Event<'a>) -> Option<Event<'a>> {
    let (target, rest) = rest.split_once(" flow ")?;
    let target = target.trim_ascii();
    let target = target.strip_suffix("encrypted").unwrap_or(target).trim_ascii();
    match (event.point, target) {
        (Some(Point::ToEndpoint), id) => {
            event.destination.endpoint = Some(id.parse().ok()?).filter(|&id| id != 0);
        }
        (Some(Point::FromEndpoint), id) => event.reporter = Some(id.parse().ok()?),
        (Some(Point::ToProxy), target) => {
            event.proxy_port = target.strip_prefix("port ").and_then(|port| port.parse().ok());
        }
        (_, "" | "from") => {}
        _ => return None,
    }
    let (flow, rest) = rest.split_once(' ')?;
    event.flow_hash = hash(flow);
    let (_, rest) = rest.split_once(", identity ")?;
    let (identities, rest) = rest.split_once(' ')?;
    set_identities(identities, &mut event)?;
    let (_, rest) = rest.split_once("state ")?;
    let (state, rest) = rest.split_once(" ifindex ")?;
    event.state = Cow::Borrowed(state);
    let (interface, rest) = rest.split_once(" orig-ip ")?;
    event.interface = Cow::Borrowed(interface.trim_ascii());
    let (original, packet) = rest.split_once(": ")?;
    event.original = original.parse().ok();
    event.set_direction();
    connection::read(packet, &mut event).then_some(event)
}

/// `Policy verdict log: flow 0x0 local EP ID 775, remote ID 46329, proto 1, ingress, action
/// deny, auth: disabled, match none, …`
fn verdict(text: &str) -> Option<Event<'_>> {
    let rest = text.strip_prefix("Policy verdict log: flow ")?;
    let (flow, rest) = rest.split_once(" local EP ID ")?;
    let (local, rest) = rest.split_once(", remote ID ")?;
    let (remote, rest) = rest.split_once(", proto ")?;
    let (protocol, rest) = rest.split_once(", ")?;
    let (way, rest) = rest.split_once(", action ")?;
    let (action, rest) = rest.split_once(", ")?;
    // Releases before 1.14 have no authentication.
    let (auth, rest) = match rest.strip_prefix("auth: ") {
        Some(rest) => rest.split_once(", ")?,
        None => ("", rest),
    };
    let (matched, packet) = rest.strip_prefix("match ")?.split_once(", ")?;
    let mut event = Event::of(Kind::PolicyVerdict, text);
    event.flow_hash = hash(flow);
    event.direction = Some(direction(way)?);
    event.reporter = Some(local.parse().ok()?);
    let remote = Some(reserved_identity(remote)?);
    let (this, other) = match way {
        "egress" => (&mut event.source, &mut event.destination),
        _ => (&mut event.destination, &mut event.source),
    };
    (this.endpoint, other.identity) = (event.reporter, remote);
    let number = protocol.parse().ok().map(Protocol::of_number);
    let (action, matched, auth) = (action.into(), matched.into(), auth.into());
    event.verdict = Some(Verdict { action, matched, auth });
    if !connection::read(packet, &mut event) {
        return None;
    }
    if event.protocol == Protocol::Unknown {
        event.protocol = number?;
    }
    Some(event)
}

/// `-> lxc123: …`, `<- load-balancer 4: …`, `== v4->v6 12: …`, `-> proxy port 10001: …`
fn capture(text: &str) -> Option<Event<'_>> {
    let (prefix, packet) = text.split_once(": ")?;
    if !["-> ", "<- ", "== "].iter().any(|arrow| prefix.starts_with(arrow)) {
        return None;
    }
    let mut event = Event::words(Kind::Capture, prefix, text);
    connection::read(packet, &mut event).then_some(event)
}

/// `>> Policy updated: {…}`
fn agent(text: &str) -> Option<Event<'_>> {
    Some(Event::words(Kind::Agent, text.strip_prefix(">> ")?, text))
}

/// Lines that begin with the processor: sockets, lost events, debugging.
fn processor(text: &str) -> Option<Event<'_>> {
    let (cpu, rest) = text.strip_prefix("CPU ")?.split_once(": ")?;
    let cpu = Some(cpu.trim_ascii().parse().ok()?);
    let mut event = if let Some(rest) = rest.strip_prefix("Lost ") {
        let (count, events) = rest.split_once(' ')?;
        if !events.starts_with("event") {
            return None;
        }
        let count = Some(count.parse().ok()?);
        Event { count, ..Event::words(Kind::Lost, rest, text) }
    } else if rest.starts_with('[') {
        socket(rest, text)?
    } else if rest.starts_with("MARK ") {
        verbose::parse_header(rest, text)?
    } else if rest.starts_with("Unknown event") {
        Event::words(Kind::Log, rest, text)
    } else {
        return None;
    };
    event.cpu = cpu;
    Some(event)
}

/// `[pre-xlate-rev] cgroup_id: 14579 sock_cookie: 34909, dst [192.168.10.100]:41658 tcp`
fn socket<'a>(rest: &'a str, text: &'a str) -> Option<Event<'a>> {
    let (point, tail) = rest.strip_prefix('[')?.split_once("] ")?;
    let (_, destination) = tail.split_once(", dst [")?;
    let (address, rest) = destination.split_once("]:")?;
    let (port, protocol) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut event = Event::words(Kind::TraceSock, tail.split(", dst ").next()?, text);
    // Its points are of the socket, not of the packet.
    event.state = Cow::Borrowed(point);
    event.destination.address = Some(address.parse().ok()?);
    event.destination.port = Some(port.parse().ok()?);
    event.protocol = Protocol::parse(protocol.trim_ascii()).unwrap_or_default();
    Some(event)
}

/// `Recorder capture: dir:… rule:… ts:… caplen:… len:…`
fn recorder(text: &str) -> Option<Event<'_>> {
    let rest = text.strip_prefix("Recorder capture: ")?;
    let field = |name: &str| {
        let (_, tail) = rest.split_once(name)?;
        tail.split([' ', ',']).next()?.parse().ok()
    };
    let mut event = Event::words(Kind::Recorder, rest, text);
    (event.captured, event.bytes) = (field("caplen:"), field(" len:"));
    Some(event)
}

/// What the monitor says of itself and not of packets, by its beginning.
const LOGS: [&str; 12] = [
    "time=",
    "level=",
    "Listening for events on ",
    "Press Ctrl-C to quit",
    "Received an interrupt, disconnecting from monitor",
    "Error while parsing ",
    "cannot decode message type ",
    "Unknown payload type",
    "Unknown event",
    "Error: ",
    "endpoint ",
    "command terminated with exit code ",
];

fn log(text: &str) -> Option<Event<'_>> {
    let known = LOGS.iter().any(|start| text.starts_with(start));
    known.then(|| Event::words(Kind::Log, text, text))
}
