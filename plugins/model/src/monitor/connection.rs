//! The line that the agent writes for a packet: `10.0.0.1:80 -> 10.0.0.2:4000 tcp SYN, ACK`.
//!
//! Apart because drops, traces, verdicts and captures all end with it. It must not know which
//! of them it stands in.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{Event, Party, Protocol, TcpFlags, Tunnel};

/// Reads a connection into an event. False when it is none, and then nothing was filled.
///
/// - Shape: of 1.14 to 1.20; until 1.17 an ICMP message stands without the word `icmp`.
/// - Source: pkg/monitor/dissect.go (`GetConnectionInfo`).
pub(super) fn read<'a>(text: &'a str, event: &mut Event<'a>) -> bool {
    let text = text.trim_ascii();
    // Packets that the agent could not take apart are still events.
    if text == "[unknown]" || text == "[error]" {
        return true;
    }
    let (inner, outer) = match text.split_once(" [tunnel ") {
        Some((inner, outer)) => match read_sides(outer.trim_end_matches(']')) {
            Some(sides) => (inner, Some(sides)),
            None => return false,
        },
        None => (text, None),
    };
    let Some((source, destination, rest)) = read_sides(inner) else { return false };
    if let Some((outer_source, outer_destination, protocol)) = outer {
        event.tunnel = Some(Box::new(Tunnel {
            source: outer_source,
            destination: outer_destination,
            protocol: Cow::Borrowed(protocol),
        }));
    }
    let is_v6 = matches!(source.address, Some(IpAddr::V6(_)));
    event.source.take_address(source);
    event.destination.take_address(destination);
    let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    match Protocol::parse(word) {
        Some(Protocol::Tcp) => {
            event.protocol = Protocol::Tcp;
            event.flags =
                tail.split(", ").map(TcpFlags::parse).fold(TcpFlags::NONE, TcpFlags::with);
        }
        Some(Protocol::Icmp | Protocol::Icmpv6) => read_icmp(tail, is_v6, event),
        Some(protocol) => {
            event.protocol = protocol;
            event.message = Cow::Borrowed(tail);
        }
        None if event.source.address.is_none() => event.message = Cow::Borrowed(rest),
        None if rest.is_empty() => {}
        None => read_icmp(rest, is_v6, event),
    }
    true
}

fn read_icmp<'a>(message: &'a str, is_v6: bool, event: &mut Event<'a>) {
    event.protocol = if is_v6 { Protocol::Icmpv6 } else { Protocol::Icmp };
    event.message = Cow::Borrowed(message);
}

/// Two sides and what follows them.
fn read_sides(text: &str) -> Option<(Party<'_>, Party<'_>, &str)> {
    let (source, rest) = text.split_once(" -> ")?;
    let (destination, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((read_side(source)?, read_side(destination)?, rest))
}

fn read_side(text: &str) -> Option<Party<'_>> {
    let address = |address, port| Party { address: Some(address), port, ..Party::default() };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once("]:")?;
        return Some(address(read_address(host)?, Some(port.parse().ok()?)));
    }
    if let Some(found) = read_address(text) {
        return Some(address(found, None));
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && let Ok(host) = host.parse::<Ipv4Addr>()
    {
        return Some(address(IpAddr::V4(host), Some(port.parse().ok()?)));
    }
    is_hardware_address(text).then(|| Party { name: Cow::Borrowed(text), ..Party::default() })
}

/// Reads an address.
pub(super) fn read_address(text: &str) -> Option<IpAddr> {
    if text.bytes().any(|byte| byte == b':') {
        text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    } else {
        text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    }
}

fn is_hardware_address(text: &str) -> bool {
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split(':').count() == 6 && text.split(':').all(is_byte)
}

impl<'a> Party<'a> {
    /// Takes where it is from another one, and keeps who it is.
    pub(super) fn take_address(&mut self, other: Party<'a>) {
        self.address = other.address;
        self.port = other.port;
        self.name = other.name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source, destination, protocol, flags and message of a connection.
    fn check(text: &str, expected: Option<(&str, &str, &str, &str, &str)>) {
        let mut event = Event::default();
        let read = read(text, &mut event);
        let Some((source, destination, protocol, flags, message)) = expected else {
            assert!(!read, "{text}");
            assert_eq!(event, Event::default(), "{text}");
            return;
        };
        assert!(read, "{text}");
        let side = |party: &Party| match (party.address, party.port) {
            (Some(address), Some(port)) => format!("{address} {port}"),
            (Some(address), None) => address.to_string(),
            _ => party.name.to_string(),
        };
        assert_eq!(side(&event.source), source, "{text}");
        assert_eq!(side(&event.destination), destination, "{text}");
        assert_eq!(event.protocol.as_str(), protocol, "{text}");
        assert_eq!(event.flags.to_string(), flags, "{text}");
        assert_eq!(event.message, message, "{text}");
    }

    #[test]
    fn connections_are_read_in_all_their_forms() {
        check(
            "192.168.10.101:51182 -> 192.168.10.100:6443 tcp ACK, FIN",
            Some(("192.168.10.101 51182", "192.168.10.100 6443", "tcp", "ACK,FIN", "")),
        );
        check(
            "[fd00::1]:53 -> [fd00::2]:4000 udp",
            Some(("fd00::1 53", "fd00::2 4000", "udp", "", "")),
        );
        check(
            "172.20.0.148 -> 172.20.2.98 icmp EchoRequest",
            Some(("172.20.0.148", "172.20.2.98", "icmp", "", "EchoRequest")),
        );
        check(
            "172.20.0.109 -> 172.20.0.9 DestinationUnreachable(Port)",
            Some(("172.20.0.109", "172.20.0.9", "icmp", "", "DestinationUnreachable(Port)")),
        );
        check(
            "fe80::1 -> ff02::2 icmp RouterSolicitation",
            Some(("fe80::1", "ff02::2", "icmpv6", "", "RouterSolicitation")),
        );
        check("10.0.0.1 -> 224.0.0.18 vrrp", Some(("10.0.0.1", "224.0.0.18", "vrrp", "", "")));
        check("10.0.0.1 -> 10.0.0.2", Some(("10.0.0.1", "10.0.0.2", "", "", "")));
        check(
            "4e:af:f5:31:eb:de -> ff:ff:ff:ff:ff:ff ARP",
            Some(("4e:af:f5:31:eb:de", "ff:ff:ff:ff:ff:ff", "", "", "ARP")),
        );
        check("[unknown]", Some(("", "", "", "", "")));
        for text in [
            "",
            "->",
            "10.0.0.1",
            "10.0.0.1 -> ",
            "10.0.0.1:x -> 10.0.0.2:1 tcp",
            "a -> b",
            "[::1 -> [::2]:1",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_tunnel_is_kept_beside_the_packet_in_it() {
        let mut event = Event::default();
        let text = "172.20.0.31:1 -> 172.20.1.7:80 tcp SYN [tunnel 192.168.10.100:51234 -> 192.168.10.101:8472 vxlan]";
        assert!(read(text, &mut event));
        assert_eq!(event.flags.to_string(), "SYN");
        let tunnel = event.tunnel.unwrap();
        assert_eq!(tunnel.protocol, "vxlan");
        assert_eq!(tunnel.destination.address, Some("192.168.10.101".parse().unwrap()));
        assert_eq!(tunnel.destination.port, Some(8472));
    }
}
