//! Fields out of the string of a packet's layer: `TCP {Contents=[..32..] … SYN=true …}`.
//!
//! Apart because JSON has these strings in it and text has them on lines of their own. It must
//! not read what nobody asks for: a layer has hundreds of bytes.

use std::borrow::Cow;

use super::{Event, Protocol, TcpFlags, Tunnel, connection::read_address};

/// The word after ` name=`.
pub(super) fn field<'a>(layer: &'a str, name: &str) -> Option<&'a str> {
    let bytes = layer.as_bytes();
    let mut from = 0;
    // Names are rare in their first letter, so this looks at few places.
    while let Some(found) = memchr::memchr(*name.as_bytes().first()?, bytes.get(from..)?) {
        let at = from + found;
        from = at + 1;
        let Some(value) = layer.get(at..).and_then(|rest| rest.strip_prefix(name)) else {
            continue;
        };
        let starts = at > 0 && matches!(bytes[at - 1], b' ' | b'{');
        if let Some(value) = value.strip_prefix('=').filter(|_| starts) {
            let end = value.find([' ', '}']).unwrap_or(value.len());
            return value.get(..end);
        }
    }
    None
}

/// The flags in the string of a TCP layer.
pub(super) fn tcp_flags(layer: &str) -> Option<TcpFlags> {
    let bytes = layer.as_bytes();
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'F', bytes.get(from..)?) {
        let at = from + found;
        from = at + 1;
        if let Some(fields) = layer.get(at..).filter(|rest| rest.starts_with("FIN=")) {
            return Some(TcpFlags::of_layer(fields));
        }
    }
    None
}

/// Fills in what one line of a record says of the packet: `TCP\t{… SrcPort=80(http) …}`.
///
/// Layers come from the outside in. Behind the one of a tunnel another packet begins, and what
/// was read so far is the tunnel's.
pub(super) fn fill<'a>(line: &'a str, event: &mut Event<'a>) {
    let Some((name, layer)) = line.split_once("\t{") else { return };
    // `field` wants the bracket or a blank before a name.
    let layer = line.get(line.len() - layer.len() - 1..).unwrap_or_default();
    let address = |name: &str| field(layer, name).and_then(read_address);
    match name {
        "Ethernet" => {
            event.message = Cow::Borrowed(field(layer, "EthernetType").unwrap_or_default());
            event.source.name = Cow::Borrowed(field(layer, "SrcMAC").unwrap_or_default());
            event.destination.name = Cow::Borrowed(field(layer, "DstMAC").unwrap_or_default());
        }
        "IPv4" | "IPv6" => {
            (event.source.address, event.destination.address) =
                (address("SrcIP"), address("DstIP"));
            event.source.name = Cow::Borrowed("");
            event.destination.name = Cow::Borrowed("");
            event.message = Cow::Borrowed("");
        }
        "TCP" | "UDP" | "SCTP" => {
            event.protocol = Protocol::parse(name).unwrap_or_default();
            (event.source.port, event.destination.port) =
                (port(layer, "SrcPort"), port(layer, "DstPort"));
            event.flags = tcp_flags(layer).unwrap_or_default();
        }
        "ICMPv4" | "ICMPv6" => {
            event.protocol = Protocol::parse(name).unwrap_or_default();
            event.message = Cow::Borrowed(field(layer, "TypeCode").unwrap_or_default());
        }
        "VXLAN" | "Geneve" => {
            let protocol = Cow::Borrowed(if name == "VXLAN" { "vxlan" } else { "geneve" });
            let mut tunnel = Tunnel { protocol, ..Tunnel::default() };
            for (outer, inner) in [
                (&mut tunnel.source, &mut event.source),
                (&mut tunnel.destination, &mut event.destination),
            ] {
                (outer.address, outer.port) = (inner.address.take(), inner.port.take());
            }
            event.protocol = Protocol::Unknown;
            event.tunnel = Some(Box::new(tunnel));
        }
        _ => {}
    }
}

/// A port, behind which its service may stand: `80(http)`.
fn port(layer: &str, name: &str) -> Option<u16> {
    let word = field(layer, name)?;
    let end = word.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(word.len());
    word[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let layer =
            "ICMPv4\\t{Contents=[..8..] TypeCodes=1 XTypeCode=2 TypeCode=EchoReply Checksum=15496}";
        assert_eq!(field(layer, "TypeCode"), Some("EchoReply"));
        assert_eq!(field(layer, "Checksum"), Some("15496"));
        assert_eq!(field(layer, "Contents"), Some("[..8..]"));
        assert_eq!(field(layer, "Type"), None);
        assert_eq!(field("", "Type"), None);
    }

    #[test]
    fn flags_are_found_behind_anything() {
        let layer = "TCP\\t{Contents=[F] SrcPort=1 DataOffset=8 FIN=false SYN=true RST=false PSH=false ACK=true}";
        assert_eq!(tcp_flags(layer).unwrap().to_string(), "SYN");
        assert_eq!(tcp_flags("TCP {FIN"), None);
    }
}
