//! Events of `cilium-dbg monitor -j`: one object on a line.
//!
//! Apart from the text because it is the form that is read by the hundred thousand each second:
//! everything is borrowed, and the layers' strings, most of a line, are passed over. It must not
//! fail: a line that is no event of this form is left to the others.

use std::borrow::Cow;

use crate::{
    monitor::{
        Event, Kind, Party, Point, Protocol, SourceFile, TcpFlags, Tunnel,
        connection::read_address, event::Direction, hubble, l7, layers,
    },
    scan::{Broken, Scanner},
};

/// Reads one line; `None` when it is not an event in JSON.
///
/// - Shape: an object with `type`, of `cilium-dbg monitor -j`; or with `flow`, of Hubble.
///   Unknown keys are ignored, keys may come in any order.
pub fn parse_json_line(line: &str) -> Option<Event<'_>> {
    let mut scanner = Scanner::new(line);
    let mut event = Event::of(Kind::Other, line);
    let mut kind = None;
    let mut other = None;
    let read = scanner.object(|scanner, key| {
        let field = read_field(scanner, key, &mut event)?;
        match field {
            Field::Kind(word) => kind = Some(word),
            Field::Other(form) => {
                other = Some(form);
                return Err(Broken("another form"));
            }
            Field::Taken => {}
        }
        Ok(())
    });
    if other == Some(Form::Hubble) {
        return hubble::parse_line(line);
    }
    read.ok()?;
    event.kind = match kind?.as_ref() {
        "trace" => Kind::Trace,
        "drop" => Kind::Drop,
        "capture" => Kind::Capture,
        "debug" => Kind::Debug,
        "agent" => Kind::Agent,
        "logRecord" => return l7::parse_json(line),
        // An error of the monitor's own.
        "debug_capture_error" => Kind::Log,
        _ => return None,
    };
    if event.kind != Kind::Drop {
        event.drop = None;
    }
    event.set_direction();
    Some(event)
}

/// What a field was.
enum Field<'a> {
    Kind(Cow<'a, str>),
    Other(Form),
    Taken,
}

/// Objects that another file reads.
#[derive(PartialEq)]
enum Form {
    Hubble,
}

fn read_field<'a>(
    scanner: &mut Scanner<'a>,
    key: &str,
    event: &mut Event<'a>,
) -> Result<Field<'a>, Broken> {
    match key {
        "type" => return Ok(Field::Kind(text(scanner)?)),
        "cpu" => {
            event.cpu = text(scanner)?.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok();
        }
        "mark" => event.flow_hash = hash(&text(scanner)?),
        "source" => event.reporter = number(scanner)?.filter(|&id| id != 0),
        "bytes" => event.bytes = number(scanner)?,
        "srcLabel" => event.source.identity = number(scanner)?,
        "dstLabel" => event.destination.identity = number(scanner)?,
        "dstID" => event.destination.endpoint = number(scanner)?.filter(|&id| id != 0),
        "state" => event.state = text(scanner)?,
        "observationPoint" => event.point = Point::parse(&text(scanner)?),
        "traceSummary" => read_summary(scanner.raw_string()?, event),
        "ifindex" | "Ifindex" => event.interface = text(scanner)?,
        "reason" => event.set_reason(text(scanner)?),
        "Line" => event.drop.get_or_insert_default().line = number(scanner)?,
        "File" => {
            let file = number(scanner)?.and_then(|id: u32| u8::try_from(id).ok());
            event.drop.get_or_insert_default().file = file.map(SourceFile::Id);
        }
        "ExtError" => {
            event.drop.get_or_insert_default().ext_error = number(scanner)?.unwrap_or_default();
        }
        "summary" if scanner.peek() == b'{' => read_packet(scanner, event)?,
        "summary" | "subtype" | "prefix" => event.text = text(scanner)?,
        "message" => {
            let message = value(scanner)?;
            event.text = match (event.text.is_empty(), message) {
                (true, message) => message,
                (false, message) => Cow::Owned(format!("{}: {message}", event.text)),
            };
        }
        "flow" | "lost_events" | "node_status" => return Ok(Field::Other(Form::Hubble)),
        _ => scanner.skip()?,
    }
    Ok(Field::Taken)
}

/// A string, or the letters of a number; empty for anything else.
pub(super) fn text<'a>(scanner: &mut Scanner<'a>) -> Result<Cow<'a, str>, Broken> {
    let is_null = scanner.peek() == b'n';
    Ok(scanner.scalar()?.filter(|_| !is_null).unwrap_or_default())
}

/// A string, or the text of any other value.
fn value<'a>(scanner: &mut Scanner<'a>) -> Result<Cow<'a, str>, Broken> {
    if scanner.peek() == b'"' {
        return scanner.string();
    }
    let start = scanner.at();
    scanner.skip()?;
    Ok(Cow::Borrowed(scanner.since(start)))
}

pub(super) fn number<T: std::str::FromStr>(scanner: &mut Scanner<'_>) -> Result<Option<T>, Broken> {
    Ok(scanner.scalar()?.and_then(|word| word.parse().ok()))
}

/// A hash as the agent prints it, such as `0x1136dcf2`; none for 0.
pub(super) fn hash(word: &str) -> Option<u32> {
    u32::from_str_radix(word.strip_prefix("0x")?, 16).ok().filter(|&hash| hash != 0)
}

/// The port of the proxy is told nowhere else: `-> proxy port 10001`, the arrow escaped.
fn read_summary(summary: &str, event: &mut Event<'_>) {
    let last = summary.rsplit_once(' ').filter(|(before, _)| before.ends_with(" proxy port"));
    event.proxy_port = last.and_then(|(_, port)| port.parse().ok());
}

/// The layers of a packet.
fn read_packet<'a>(scanner: &mut Scanner<'a>, event: &mut Event<'a>) -> Result<(), Broken> {
    let mut tunnel = None;
    scanner.object(|scanner, layer| {
        match layer {
            "l3" => read_flow(scanner, event, |party, side| party.address = read_address(&side))?,
            "l4" => read_flow(scanner, event, |party, side| party.port = side.parse().ok())?,
            // Only where there is no address: frames that carry no IP.
            "l2" => read_flow(scanner, event, |party, side| party.name = side)?,
            "tcp" => {
                event.protocol = Protocol::Tcp;
                event.flags = layers::tcp_flags(scanner.raw_string()?).unwrap_or(TcpFlags::NONE);
            }
            "icmpv4" | "icmpv6" => {
                event.protocol = if layer == "icmpv4" { Protocol::Icmp } else { Protocol::Icmpv6 };
                let code = layers::field(scanner.raw_string()?, "TypeCode");
                event.message = Cow::Borrowed(code.unwrap_or_default());
            }
            "udp" | "sctp" | "vrrp" | "igmp" => {
                event.protocol = Protocol::parse(layer).unwrap_or_default();
                scanner.skip()?;
            }
            "ethernet" if event.message.is_empty() => {
                let ethernet = layers::field(scanner.raw_string()?, "EthernetType");
                event.message = Cow::Borrowed(ethernet.unwrap_or_default());
            }
            "tunnel" => tunnel = Some(read_tunnel(scanner)?),
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    event.tunnel = tunnel.map(Box::new);
    if event.source.address.is_some() {
        event.source.name = Cow::Borrowed("");
        event.destination.name = Cow::Borrowed("");
        // The type of the frame says nothing that the address does not.
        if !matches!(event.protocol, Protocol::Icmp | Protocol::Icmpv6) {
            event.message = Cow::Borrowed("");
        }
    }
    Ok(())
}

/// `{"src": …, "dst": …}` of one layer.
fn read_flow<'a>(
    scanner: &mut Scanner<'a>,
    event: &mut Event<'a>,
    mut set: impl FnMut(&mut Party<'a>, Cow<'a, str>),
) -> Result<(), Broken> {
    if scanner.peek() != b'{' {
        return scanner.skip();
    }
    scanner.object(|scanner, side| {
        match side {
            "src" => set(&mut event.source, text(scanner)?),
            "dst" => set(&mut event.destination, text(scanner)?),
            _ => scanner.skip()?,
        }
        Ok(())
    })
}

/// The layers around the packet.
fn read_tunnel<'a>(scanner: &mut Scanner<'a>) -> Result<Tunnel<'a>, Broken> {
    let mut outer = Event::default();
    let mut protocol = "";
    if scanner.peek() != b'{' {
        scanner.skip()?;
        return Ok(Tunnel::default());
    }
    scanner.object(|scanner, layer| {
        match layer {
            "l3" => {
                read_flow(scanner, &mut outer, |party, side| party.address = read_address(&side))?;
            }
            "l4" => {
                read_flow(scanner, &mut outer, |party, side| party.port = side.parse().ok())?;
            }
            "vxlan" => {
                protocol = "vxlan";
                scanner.skip()?;
            }
            "geneve" => {
                protocol = "geneve";
                scanner.skip()?;
            }
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let Event { source, destination, .. } = outer;
    Ok(Tunnel { source, destination, protocol: Cow::Borrowed(protocol) })
}

/// The direction of the proxy's word.
pub(super) fn direction(word: &str) -> Option<Direction> {
    match word {
        "Ingress" | "ingress" | "INGRESS" => Some(Direction::Ingress),
        "Egress" | "egress" | "EGRESS" => Some(Direction::Egress),
        _ => None,
    }
}
