//! Codes of drops, and the agent's words for them.
//!
//! Apart because it is a table that grows with each release, while everything else matches by
//! code. It must not know what to do about a drop: a plugin explains them.

/// A code of the datapath.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The code; from [`Reason::FIRST_DROP`] on the packet was dropped.
    pub code: u8,
    /// A name for `kubectl lab explain drop/…`: for life, unlike the words.
    pub name: &'static str,
    /// The agent's words, of the newest release that has them.
    pub text: &'static str,
}

impl Reason {
    /// The first code that means that the packet was dropped; those below are notices.
    pub const FIRST_DROP: u8 = 130;

    /// The reason of a code.
    pub fn of(code: u8) -> Option<&'static Self> {
        let at = REASONS.binary_search_by_key(&code, |reason| reason.code).ok()?;
        REASONS.get(at)
    }

    /// The reason of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        REASONS.iter().find(|reason| reason.name == name)
    }

    /// Whether it is a step of the datapath's own and no fault: the packet goes on elsewhere.
    pub const fn is_control_flow(&self) -> bool {
        matches!(self.code, 173 | 189 | 199..=201 | 205)
    }
}

const fn reason(code: u8, name: &'static str, text: &'static str) -> Reason {
    Reason { code, name, text }
}

/// Every known code, by number.
///
/// - Source: pkg/monitor/api/drop.go of Cilium 1.14 to 1.20.
pub const REASONS: &[Reason] = &[
    reason(0, "success", "Success"),
    reason(2, "invalid-packet-notice", "Invalid packet"),
    reason(3, "interface", "Interface"),
    reason(4, "interface-decrypted", "Interface Decrypted"),
    reason(
        5,
        "lb-sock-cgroup-no-backend-slot-entry-found",
        "LB, sock cgroup: No backend slot entry found",
    ),
    reason(6, "lb-sock-cgroup-no-backend-entry-found", "LB, sock cgroup: No backend entry found"),
    reason(
        7,
        "lb-sock-cgroup-reverse-entry-update-failed",
        "LB, sock cgroup: Reverse entry update failed",
    ),
    reason(8, "lb-sock-cgroup-reverse-entry-stale", "LB, sock cgroup: Reverse entry stale"),
    reason(9, "fragmented-packet", "Fragmented packet"),
    reason(10, "fragmented-packet-entry-update-failed", "Fragmented packet entry update failed"),
    reason(11, "missed-tail-call-to-custom-program", "Missed tail call to custom program"),
    reason(12, "interface-decrypting", "Interface Decrypting"),
    reason(13, "interface-encrypting", "Interface Encrypting"),
    reason(
        14,
        "lb-sock-cgroup-reverse-entry-delete-succeeded",
        "LB: sock cgroup: Reverse entry delete succeeded",
    ),
    reason(15, "mtu-error-message", "MTU error message"),
    reason(130, "invalid-source-mac", "Invalid source mac"),
    reason(131, "invalid-destination-mac", "Invalid destination mac"),
    reason(132, "invalid-source-ip", "Invalid source ip"),
    reason(133, "policy-denied", "Policy denied"),
    reason(134, "invalid-packet", "Invalid packet"),
    reason(135, "ct-truncated-or-invalid-header", "CT: Truncated or invalid header"),
    reason(136, "fragmentation-needed", "Fragmentation needed"),
    reason(137, "ct-unknown-l4-protocol", "CT: Unknown L4 protocol"),
    reason(138, "ct-cant-create-entry-from-packet", "CT: Can't create entry from packet"),
    reason(139, "unsupported-l3-protocol", "Unsupported L3 protocol"),
    reason(140, "missed-tail-call", "Missed tail call"),
    reason(141, "error-writing-to-packet", "Error writing to packet"),
    reason(142, "unknown-l4-protocol", "Unknown L4 protocol"),
    reason(143, "unknown-icmpv4-code", "Unknown ICMPv4 code"),
    reason(144, "unknown-icmpv4-type", "Unknown ICMPv4 type"),
    reason(145, "unknown-icmpv6-code", "Unknown ICMPv6 code"),
    reason(146, "unknown-icmpv6-type", "Unknown ICMPv6 type"),
    reason(147, "error-retrieving-tunnel-key", "Error retrieving tunnel key"),
    reason(148, "error-retrieving-tunnel-options", "Error retrieving tunnel options"),
    reason(149, "invalid-geneve-option", "Invalid Geneve option"),
    reason(150, "unknown-l3-target-address", "Unknown L3 target address"),
    reason(151, "stale-or-unroutable-ip", "Stale or unroutable IP"),
    reason(152, "no-matching-local-container-found", "No matching local container found"),
    reason(153, "error-while-correcting-l3-checksum", "Error while correcting L3 checksum"),
    reason(154, "error-while-correcting-l4-checksum", "Error while correcting L4 checksum"),
    reason(155, "ct-map-insertion-failed", "CT: Map insertion failed"),
    reason(156, "invalid-ipv6-extension-header", "Invalid IPv6 extension header"),
    reason(157, "ip-fragmentation-not-supported", "IP fragmentation not supported"),
    reason(158, "service-backend-not-found", "Service backend not found"),
    reason(159, "policy-denied-l4", "Policy denied (L4)"),
    reason(160, "no-tunnel-endpoint", "No tunnel/encapsulation endpoint (datapath BUG!)"),
    reason(161, "nat-46-64-not-enabled", "NAT 46/64 not enabled"),
    reason(162, "reached-edt-rate-limiting-drop-horizon", "Reached EDT rate-limiting drop horizon"),
    reason(163, "unknown-connection-tracking-state", "Unknown connection tracking state"),
    reason(164, "local-host-is-unreachable", "Local host is unreachable"),
    reason(
        165,
        "no-configuration-available-to-perform-policy-decision",
        "No configuration available to perform policy decision",
    ),
    reason(166, "unsupported-l2-protocol", "Unsupported L2 protocol"),
    reason(167, "no-mapping-for-nat-masquerade", "No mapping for NAT masquerade"),
    reason(
        168,
        "unsupported-protocol-for-nat-masquerade",
        "Unsupported protocol for NAT masquerade",
    ),
    reason(169, "fib-lookup-failed", "FIB lookup failed"),
    reason(170, "encapsulation-traffic-is-prohibited", "Encapsulation traffic is prohibited"),
    reason(171, "invalid-identity", "Invalid identity"),
    reason(172, "unknown-sender", "Unknown sender"),
    reason(173, "nat-not-needed", "NAT not needed"),
    reason(174, "is-a-clusterip", "Is a ClusterIP"),
    reason(
        175,
        "first-logical-datagram-fragment-not-found",
        "First logical datagram fragment not found",
    ),
    reason(176, "forbidden-icmpv6-message", "Forbidden ICMPv6 message"),
    reason(177, "denied-by-lb-src-range-check", "Denied by LB src range check"),
    reason(178, "socket-lookup-failed", "Socket lookup failed"),
    reason(179, "socket-assign-failed", "Socket assign failed"),
    reason(
        180,
        "proxy-redirection-not-supported-for-protocol",
        "Proxy redirection not supported for protocol",
    ),
    reason(181, "policy-denied-by-denylist", "Policy denied by denylist"),
    reason(182, "vlan-traffic-disallowed-by-vlan-filter", "VLAN traffic disallowed by VLAN filter"),
    reason(183, "incorrect-vni-from-vtep", "Incorrect VNI from VTEP"),
    reason(184, "failed-to-update-or-lookup-tc-buffer", "Failed to update or lookup TC buffer"),
    reason(185, "no-sid-was-found-for-the-ip-address", "No SID was found for the IP address"),
    reason(
        186,
        "srv6-state-was-removed-during-tail-call",
        "SRv6 state was removed during tail call",
    ),
    reason(187, "nat46-failed", "L3 translation from IPv4 to IPv6 failed (NAT46)"),
    reason(188, "nat64-failed", "L3 translation from IPv6 to IPv4 failed (NAT64)"),
    reason(189, "authentication-required", "Authentication required"),
    reason(190, "no-conntrack-map-found", "No conntrack map found"),
    reason(191, "no-nat-map-found", "No nat map found"),
    reason(192, "invalid-clusterid", "Invalid ClusterID"),
    reason(
        193,
        "unsupported-packet-protocol-for-dsr-encapsulation",
        "Unsupported packet protocol for DSR encapsulation",
    ),
    reason(194, "no-egress-gateway-found", "No egress gateway found"),
    reason(195, "traffic-is-unencrypted", "Traffic is unencrypted"),
    reason(196, "ttl-exceeded", "TTL exceeded"),
    reason(197, "no-node-id-found", "No node ID found"),
    reason(198, "rate-limited", "Rate limited"),
    reason(199, "igmp-handled", "IGMP handled"),
    reason(200, "igmp-subscribed", "IGMP subscribed"),
    reason(201, "multicast-handled", "Multicast handled"),
    reason(202, "host-datapath-not-ready", "Host datapath not ready"),
    reason(203, "endpoint-policy-program-not-available", "Endpoint policy program not available"),
    reason(204, "no-egress-ip-configured", "No Egress IP configured"),
    reason(205, "punt-to-proxy", "Punt to proxy"),
    reason(206, "no-device", "No device"),
    reason(
        207,
        "first-logical-datagram-fragment-not-found-from-world",
        "First logical datagram fragment not found from world",
    ),
];

/// Words of releases that named a code otherwise.
const FORMER: [(u8, &str); 4] = [
    (133, "Policy denied (L3)"),
    (136, "CT: Missing TCP ACK flag"),
    (151, "Not a local target address"),
    (161, "Failed to insert into proxymap"),
];

/// The code of the agent's words, or of a number. Words that two codes have mean the drop.
pub(super) fn code_of(words: &str) -> Option<u8> {
    if let Ok(code) = words.parse() {
        return Some(code);
    }
    // Nearly every drop is one of a few, and the commonest is asked first.
    if words == "Policy denied" {
        return Some(133);
    }
    let known = REASONS.iter().rev().find(|reason| reason.text == words).map(|reason| reason.code);
    known.or_else(|| FORMER.iter().find(|(_, former)| *former == words).map(|(code, _)| *code))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_rise_and_names_are_unique_words() {
        assert!(REASONS.is_sorted_by(|one, next| one.code < next.code));
        let names: BTreeSet<&str> = REASONS.iter().map(|reason| reason.name).collect();
        assert_eq!(names.len(), REASONS.len());
        for reason in REASONS {
            let plain = |letter: char| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'
            };
            assert!(reason.name.chars().all(plain), "{}", reason.name);
            assert_eq!(Reason::named(reason.name), Some(reason));
            assert_eq!(Reason::of(reason.code), Some(reason));
        }
    }

    #[test]
    fn words_lead_to_codes() {
        for (words, code) in [
            ("Policy denied", Some(133)),
            ("Unsupported L3 protocol", Some(139)),
            ("Invalid packet", Some(134)),
            ("CT: Missing TCP ACK flag", Some(136)),
            ("217", Some(217)),
            ("A word of the next release", None),
            ("", None),
        ] {
            assert_eq!(code_of(words), code, "{words}");
        }
    }
}
