//! The first line of a record at `-v -v`: `CPU 01: MARK 0x0 FROM 775 to-endpoint: 98 bytes …`.
//!
//! Apart from [`text`](super::text), which reads lines that are whole events. It must not know
//! the lines around it: [`record`](super::record) puts them together.

use std::borrow::Cow;

use super::{Event, Kind, Point, json::hash, text::set_identities};

/// Reads what follows the processor: `MARK 0x0 FROM 775 …`. At `-v` the messages of debugging
/// have the same form and are whole.
pub(super) fn parse_header<'a>(rest: &'a str, raw: &'a str) -> Option<Event<'a>> {
    let rest = rest.strip_prefix("MARK ")?;
    // 1.20 may write ` [ IP-TRACE-ID = N ]` behind the mark.
    let (mark, rest) = rest.split_once(" FROM ")?;
    let (reporter, rest) = rest.split_once(' ')?;
    let (word, rest) = rest.split_once(": ")?;
    let mut event = Event::of(Kind::Trace, raw);
    event.flow_hash = hash(mark.split(' ').next()?);
    event.reporter = Some(reporter.parse().ok()?).filter(|&id| id != 0);
    match word {
        "DROP" => drop(rest, &mut event)?,
        "DEBUG" => debug(rest, &mut event),
        word => {
            event.point = Point::parse(word);
            if event.point.is_none() && !word.starts_with("unknown") {
                return None;
            }
            trace(rest, &mut event)?;
        }
    }
    event.set_direction();
    Some(event)
}

/// `98 bytes, reason Policy denied, identity 46329->8534, to endpoint 775`
fn drop<'a>(rest: &'a str, event: &mut Event<'a>) -> Option<()> {
    event.kind = Kind::Drop;
    let (bytes, rest) = rest.split_once(" bytes, reason ")?;
    event.bytes = Some(bytes.parse().ok()?);
    // A reason may hold a comma: it ends where one of the known fields begins.
    let ends = [", identity ", ", to endpoint ", " [ IP-TRACE-ID"];
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    event.set_reason(Cow::Borrowed(&rest[..end]));
    fields(&rest[end..], event)
}

/// `98 bytes (98 captured), state new, interface eth1, , identity 8534->46329, orig-ip 0.0.0.0,
/// to endpoint 775`
fn trace<'a>(rest: &'a str, event: &mut Event<'a>) -> Option<()> {
    let (bytes, rest) = rest.split_once(" bytes (")?;
    let (captured, rest) = rest.split_once(" captured)")?;
    event.bytes = Some(bytes.parse().ok()?);
    event.captured = Some(captured.parse().ok()?);
    fields(rest, event)
}

/// Fields in any order; those that are not known are passed over.
fn fields<'a>(rest: &'a str, event: &mut Event<'a>) -> Option<()> {
    for field in rest.split(", ") {
        let field = field.trim_matches([',', ' ']);
        if let Some(state) = field.strip_prefix("state ") {
            event.state = Cow::Borrowed(state);
        } else if let Some(interface) = field.strip_prefix("interface ") {
            event.interface = Cow::Borrowed(interface);
        } else if let Some(identities) = field.strip_prefix("identity ") {
            set_identities(identities.split(' ').next()?, event)?;
        } else if let Some(address) = field.strip_prefix("orig-ip ") {
            event.original = address.parse().ok();
        } else if let Some(endpoint) = field.strip_prefix("to endpoint ") {
            let endpoint = endpoint.split(' ').next()?;
            event.destination.endpoint = Some(endpoint.parse().ok()?).filter(|&id| id != 0);
        } else if let Some(port) = field.strip_prefix("to proxy-port ") {
            event.proxy_port = Some(port.parse().ok()?);
        }
    }
    Some(())
}

/// `74 bytes, Load-balancer 4 …` is a captured packet, anything else a message.
fn debug<'a>(rest: &'a str, event: &mut Event<'a>) {
    event.kind = Kind::Debug;
    event.text = Cow::Borrowed(rest);
    if let Some((bytes, text)) = rest.split_once(" bytes, ")
        && let Ok(bytes) = bytes.parse()
    {
        event.kind = Kind::Capture;
        (event.bytes, event.text) = (Some(bytes), Cow::Borrowed(text));
    }
}
