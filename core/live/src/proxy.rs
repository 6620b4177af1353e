//! Whether a server is asked directly although the environment names a proxy.
//!
//! Apart because kube 5.0 compares `NO_PROXY` with the proxy's own address. The rules are those of
//! Go's `httpproxy`, which kubectl uses. Pure.

use std::net::IpAddr;

/// Whether `host` is in the list `no_proxy`. This machine always is.
pub(crate) fn bypasses(no_proxy: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy
        .split(',')
        .map(|entry| entry.trim().to_lowercase())
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            if entry == "*" {
                return true;
            }
            if let Some(address) = address {
                return covers(without_port(&entry), address);
            }
            let name = without_port(&entry).trim_start_matches('*');
            match name.strip_prefix('.') {
                Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
                None => host
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            }
        })
}

/// `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
fn covers(entry: &str, address: IpAddr) -> bool {
    let (network, length) = entry.split_once('/').unwrap_or((entry, ""));
    let Ok(network) = network.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
    let (network, address, bits) = match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let length = if length.is_empty() { bits } else { length.parse().unwrap_or(u32::MAX) };
    length <= bits && (network ^ address).checked_shr(bits - length).unwrap_or(0) == 0
}

fn without_port(entry: &str) -> &str {
    match entry.rsplit_once(':') {
        Some((host, port))
            if port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_go() {
        for (no_proxy, host, expected) in [
            ("", "127.0.0.1", true),
            ("", "localhost", true),
            ("", "10.0.0.1", false),
            ("*", "example.org", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("0.0.0.0/0", "11.1.2.3", true),
            ("a, 192.168.10.100", "192.168.10.100", true),
            ("192.168.10.100:6443", "192.168.10.100", true),
            ("fd00::/8", "[fd12::1]", true),
            ("fd00::/8", "10.0.0.1", false),
            ("10.0.0.0/99", "10.0.0.0", false),
            ("example.org", "api.example.org", true),
            ("example.org", "notexample.org", false),
            (".example.org", "api.Example.org", true),
            (".example.org", "example.org", false),
            ("*.example.org", "api.example.org", true),
        ] {
            assert_eq!(bypasses(no_proxy, host), expected, "{no_proxy} {host}");
        }
    }
}
