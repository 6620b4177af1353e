//! One clause of a rule against one value of a packet.
//!
//! Apart from the walk because a clause knows no chain. None is what cannot be decided.

use std::net::IpAddr;

use crate::spec::Clause;

pub(super) fn shown(clause: &Clause<'_>) -> String {
    let mut text = String::new();
    if clause.is_negated {
        text.push_str("! ");
    }
    text.push_str(clause.option);
    for value in clause.values {
        text.push(' ');
        text.push_str(value.raw);
    }
    text
}

/// Whether an address is in a prefix, a list of them or equal to an address.
pub(super) fn contains(prefix: &str, ip: IpAddr) -> Option<bool> {
    if prefix.contains(',') {
        let all: Option<Vec<bool>> = prefix.split(',').map(|one| contains(one, ip)).collect();
        return all.map(|all| all.contains(&true));
    }
    let (network, len) = match prefix.split_once('/') {
        Some((network, len)) => (network, Some(len)),
        None => (prefix, None),
    };
    match (network.parse().ok()?, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let mask = match len {
                None => u32::MAX,
                Some(len) => match len.parse::<u32>() {
                    Ok(0) => 0,
                    Ok(len @ 1..=32) => u32::MAX << (32 - len),
                    _ => len.parse::<std::net::Ipv4Addr>().ok()?.into(),
                },
            };
            Some(u32::from(network) & mask == u32::from(ip) & mask)
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let mask = match len.map(str::parse::<u32>) {
                None => u128::MAX,
                Some(Ok(0)) => 0,
                Some(Ok(len @ 1..=128)) => u128::MAX << (128 - len),
                Some(_) => return None,
            };
            Some(u128::from(network) & mask == u128::from(ip) & mask)
        }
        _ => Some(false),
    }
}

pub(super) fn is_protocol(value: &str, protocol: &str) -> bool {
    let number = match protocol {
        "tcp" => "6",
        "udp" => "17",
        "icmp" => "1",
        "ipv6-icmp" => "58",
        "sctp" => "132",
        _ => "",
    };
    matches!(value, "all" | "0") || value.eq_ignore_ascii_case(protocol) || value == number
}

pub(super) fn device(pattern: &str, name: Option<&str>) -> Option<bool> {
    if pattern == "+" {
        return Some(true);
    }
    let name = name?;
    Some(match pattern.strip_suffix('+') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    })
}

/// `80`, `80,443`, `30000:32767`; a packet without a port never matches.
pub(super) fn ports(value: &str, port: Option<u16>) -> Option<bool> {
    let Some(port) = port else { return Some(false) };
    let mut is_in = false;
    for part in value.split(',') {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        let from: u16 = if from.is_empty() { 0 } else { from.parse().ok()? };
        let to: u16 = if to.is_empty() { u16::MAX } else { to.parse().ok()? };
        is_in |= (from..=to).contains(&port);
    }
    Some(is_in)
}
