//! Names of the datapath's files, which JSON gives as numbers.
//!
//! Apart because the numbers mean other files in other releases. It must not guess: a number
//! whose release is not known, and that changed its meaning, has no name.

/// Files whose numbers have meant the same since there are numbers.
const SOURCES: [(u8, &str); 6] = [
    (1, "bpf_host.c"),
    (2, "bpf_lxc.c"),
    (3, "bpf_overlay.c"),
    (4, "bpf_xdp.c"),
    (5, "bpf_sock.c"),
    (7, "bpf_wireguard.c"),
];

/// Headers from 101 on, in 1.18.0.
const HEADERS_1_18: [&str; 17] = [
    "arp.h",
    "drop.h",
    "srv6.h",
    "icmp6.h",
    "nodeport.h",
    "lb.h",
    "mcast.h",
    "ipv4.h",
    "conntrack.h",
    "local_delivery.h",
    "trace.h",
    "encap.h",
    "encrypt.h",
    "host_firewall.h",
    "nodeport_egress.h",
    "ipv6.h",
    "classifiers.h",
];

/// Headers from 101 on, in 1.20.2.
const HEADERS_1_20: [&str; 15] = [
    "drop.h",
    "srv6.h",
    "icmp6.h",
    "nodeport.h",
    "lb.h",
    "mcast.h",
    "ipv4.h",
    "conntrack.h",
    "local_delivery.h",
    "trace.h",
    "encap.h",
    "host_firewall.h",
    "nodeport_egress.h",
    "ipv6.h",
    "classifiers.h",
];

/// The name of a file of the datapath; `minor` is the agent's release, 18 for 1.18.
///
/// - Source: pkg/monitor/api/files.go of 1.18.0 and 1.20.2; of other releases only the numbers
///   that never changed are named.
pub fn file_name(id: u8, minor: Option<u32>) -> Option<&'static str> {
    let source = SOURCES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name);
    let header = |names: &[&'static str]| names.get(usize::from(id.checked_sub(101)?)).copied();
    source.or_else(|| match minor? {
        18 if id == 6 => Some("bpf_network.c"),
        18 => header(&HEADERS_1_18),
        20 => header(&HEADERS_1_20),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_name_only_where_its_meaning_is_known() {
        assert_eq!(file_name(2, None), Some("bpf_lxc.c"));
        assert_eq!(file_name(109, Some(18)), Some("conntrack.h"));
        assert_eq!(file_name(109, Some(20)), Some("local_delivery.h"));
        assert_eq!(file_name(109, Some(19)), None);
        assert_eq!(file_name(109, None), None);
        assert_eq!(file_name(6, Some(20)), None);
        assert_eq!(file_name(255, Some(18)), None);
    }
}
