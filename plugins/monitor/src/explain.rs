//! What each finding and each reason of a drop means, and its usual cure.
//!
//! Apart from the reasons' table, which is shared: advice belongs to this plugin. A test keeps
//! it complete.

use lab_model::monitor::Reason;

/// The code of findings about reasons that no release known here has.
pub const UNKNOWN: &str = "drop/unknown";

/// Texts of `kubectl lab explain` that are not about one reason.
pub const OTHERS: [(&str, &str); 4] = [
    (
        "monitor/lost",
        "Checks: the agents saw packets from one pod to the other leave a node, and none saw them arrive.\n\
         Why: what is lost between hosts is no drop of Cilium: every agent counts it as forwarded, and nobody sends an error back.\n\
         See for yourself: `kubectl lab monitor lost NS/POD NS/POD` while packets are sent; `kubectl lab monitor --related-to NS/POD` shows the same events one by one.\n\
         Fix: what `kubectl lab routes trace NS/POD NS/POD` names; where the routing tables are in order, look at what is between the hosts: security groups, MTU, reverse path filters.\n\
         Since: 0.1.0.\n\
         Source: the agents' events against the walk over the routing tables of every known host. With monitor-aggregation above `none` an agent tells of new connections and changes of state only, which is enough for this.",
    ),
    (
        "monitor/dropped",
        "Checks: the agents saw packets of the pair dropped by the datapath.\n\
         Why: a drop is Cilium's decision and has a reason; the path between the hosts has no part in it.\n\
         See for yourself: `kubectl lab monitor drops --related-to NS/POD`.\n\
         Fix: `kubectl lab explain drop/NAME` with the name of the reason.\n\
         Since: 0.1.0.\n\
         Source: drop notifications of the agents.",
    ),
    (
        "monitor/source",
        "Checks: who was asked for events, on a cluster where a relay gathers the flows of all nodes.\n\
         Why: flows of the relay come by one connection and are packets and requests alone; events of the agents have bytes, marks and what the agents do. What is missing in one may be in the other.\n\
         See for yourself: `kubectl get pods -A -l k8s-app=hubble-relay`, `kubectl lab monitor --via agent`.\n\
         Fix: none is needed; `--via agent` or `--via hubble` says who is to be asked, and `[relay]` in the settings where the relay is and how it speaks TLS.\n\
         Since: 0.1.0.\n\
         Source: pods with the label k8s-app=hubble-relay, and their answer within three seconds.",
    ),
    (
        UNKNOWN,
        "Checks: an agent dropped packets for a reason that none of the releases 1.14 to 1.20 has.\n\
         Why: the agent is of another release than this program knows; its words, or its number, are shown as they came.\n\
         See for yourself: `kubectl lab monitor --type drop`.\n\
         Fix: look the number up in pkg/monitor/api/drop.go of the agent's release.\n\
         Since: 0.1.0.\n\
         Source: cilium-dbg monitor.",
    ),
];

/// Meaning and usual cure of a code.
struct Text(u8, &'static str, &'static str);

/// The usual cure of a code.
pub fn cure(code: u8) -> Option<&'static str> {
    TEXTS.iter().find(|text| text.0 == code).map(|text| text.2)
}

/// Every reason as `kubectl lab explain` prints it: name and text.
pub fn reasons() -> impl Iterator<Item = (String, String)> {
    TEXTS.iter().filter_map(|Text(code, means, cure)| {
        let reason = Reason::of(*code)?;
        let text = format!(
            "Means: {means}\n\
             Usual cure: {cure}\n\
             See for yourself: `kubectl lab monitor drops --reason '{}'`\n\
             Code: {code}, in the agent's words `{}`.\n\
             Since: 0.1.0.\n\
             Source: pkg/monitor/api/drop.go of Cilium 1.14 to 1.20.",
            reason.text.replace(['(', ')', '\''], "."),
            reason.text,
        );
        Some((format!("drop/{}", reason.name), text))
    })
}

const NOT_IN_USE: &str =
    "no release in use drops for this; update the agent, and report it if it comes again.";
const BROKEN_PACKET: &str = "capture it with `tcpdump` on the device of the sender and look for offloading (`ethtool -k`) or a sender that is broken; a few of them are noise of the network.";
const MAP_LOST: &str = "restart the agent of the node; if it comes again, compare `cilium-dbg map list` with another node and report it.";
const TAIL_CALL: &str = "a moment of it while an endpoint is regenerated or the agent is updated is normal; if it stays, look for failed regenerations in `cilium-dbg endpoint list` and restart the agent.";
const NOT_A_FAULT: &str = "nothing to cure: a step of the datapath, the packet goes on elsewhere.";
const SERVICE_SIDE: &str = "look at `cilium-dbg service list` on the node, and at the endpoints of the service (`kubectl get endpointslices`).";
const SRV6: &str = "look at the SRv6 policies and at `cilium-dbg bpf srv6` on the node.";

const TEXTS: &[Text] = &[
    Text(130, "the packet came from a hardware address that is not the endpoint's.", NOT_IN_USE),
    Text(131, "the packet went to a hardware address that is not the endpoint's.", NOT_IN_USE),
    Text(
        132,
        "an endpoint sent a packet with a source address that is not its own.",
        "find out why the pod sends with another address: an address added by hand, a VPN or a nested network in the pod. Packets of a pod that was just deleted look the same.",
    ),
    Text(
        133,
        "no rule of any policy allows it, and a policy selects the endpoint.",
        "add a rule that allows it, or accept it: `kubectl get cnp,ccnp,netpol -A` shows the policies, `cilium-dbg endpoint get ID` what they came to, and `kubectl lab monitor --type policy-verdict` which side denied it.",
    ),
    Text(134, "the packet's headers are cut off or make no sense.", BROKEN_PACKET),
    Text(135, "connection tracking found the layer 4 header cut off or invalid.", BROKEN_PACKET),
    Text(
        136,
        "the packet is too large for the way and may not be fragmented; older releases: a TCP packet without ACK outside a connection.",
        "make the MTU of pods, tunnel and devices fit: `kubectl lab routes trace` shows the smallest one of the way.",
    ),
    Text(
        137,
        "connection tracking does not know the layer 4 protocol.",
        "only TCP, UDP, SCTP (when enabled) and ICMP are tracked; find the sender and decide whether it needs that protocol between pods.",
    ),
    Text(138, "no entry for connection tracking can be made of the packet.", NOT_IN_USE),
    Text(
        139,
        "the packet is of a protocol of layer 3 that this endpoint does not speak: mostly IPv6 while IPv6 is switched off in Cilium.",
        "harmless for router solicitations and other link-local IPv6 of pods; enable IPv6 in Cilium, or switch it off in the pods (`net.ipv6.conf.all.disable_ipv6=1`), to silence it.",
    ),
    Text(
        140,
        "a part of the datapath's program was not loaded when the packet needed it.",
        TAIL_CALL,
    ),
    Text(
        141,
        "the datapath could not write to the packet.",
        "an old kernel or a broken driver; look in `dmesg`, and report it with `cilium-dbg bugtool`.",
    ),
    Text(
        142,
        "the layer 4 protocol is not known.",
        "as with connection tracking: TCP, UDP, SCTP (when enabled) and ICMP are spoken; for SCTP set `sctp.enabled=true`.",
    ),
    Text(143, "an ICMPv4 message has an unknown code.", BROKEN_PACKET),
    Text(144, "an ICMPv4 message has an unknown type.", BROKEN_PACKET),
    Text(145, "an ICMPv6 message has an unknown code.", BROKEN_PACKET),
    Text(146, "an ICMPv6 message has an unknown type.", BROKEN_PACKET),
    Text(
        147,
        "the packet came from the tunnel without a key to read.",
        "something else sends to the tunnel's port: compare ports and protocols of the tunnels of all nodes (`cilium-dbg config --all`), and look for another overlay on UDP 8472 or 6081.",
    ),
    Text(148, "the options of the tunnel's header cannot be read.", NOT_IN_USE),
    Text(149, "the Geneve header has an option that is not Cilium's.", NOT_IN_USE),
    Text(
        150,
        "the destination is no endpoint, no service and no host that the datapath knows at this point.",
        "the destination is gone or was never there; look the address up with `kubectl lab nodes addr` and `cilium-dbg bpf ipcache list`.",
    ),
    Text(
        151,
        "the destination address belongs to no endpoint of this node any more.",
        "normal for a moment after a pod was deleted. If it stays, another node has a stale route or entry: `kubectl lab routes`, and `cilium-dbg bpf ipcache list` on the sender's node.",
    ),
    Text(152, "no endpoint of this node has the destination address.", NOT_IN_USE),
    Text(153, "the IP checksum could not be corrected.", BROKEN_PACKET),
    Text(154, "the checksum of layer 4 could not be corrected.", BROKEN_PACKET),
    Text(
        155,
        "the table of connections is full.",
        "raise `bpf-ct-global-tcp-max` and `bpf-ct-global-any-max` (or `bpf-map-dynamic-size-ratio`), shorten the timeouts, and look for who opens the connections: `kubectl lab monitor flows`.",
    ),
    Text(156, "an IPv6 extension header is invalid or not understood.", BROKEN_PACKET),
    Text(
        157,
        "the packet is a fragment, and fragments are not tracked.",
        "leave `enable-ipv4-fragment-tracking` (and the one of IPv6) on, and avoid fragments: make the MTU fit.",
    ),
    Text(158, "the service has no backend, or the one that was chosen is gone.", SERVICE_SIDE),
    Text(
        159,
        "no policy allows this port; releases before 1.9 say so.",
        "as `drop/policy-denied`: add a rule for the port.",
    ),
    Text(
        160,
        "the datapath does not know to which node the packet has to be sent through the tunnel.",
        "the node is new or gone: compare `cilium-dbg node list` and `cilium-dbg bpf ipcache list` with `kubectl get ciliumnodes`, and restart the agent of the node that dropped it.",
    ),
    Text(
        161,
        "translation between IPv4 and IPv6 is asked for and switched off.",
        "set `enable-nat46x64-gateway`, or keep the families of service and backends the same.",
    ),
    Text(
        162,
        "the sender is over the bandwidth that its pod is limited to.",
        "raise or remove the annotation `kubernetes.io/egress-bandwidth` of the pod, or let it send less.",
    ),
    Text(163, "connection tracking came to a state that does not exist.", MAP_LOST),
    Text(
        164,
        "the host itself cannot be reached from here.",
        "look at the host's routes: `kubectl lab routes`; restart the agent of the node if `cilium_host` has no address.",
    ),
    Text(165, "the endpoint has no policy to decide by.", NOT_IN_USE),
    Text(
        166,
        "the frame is neither IPv4 nor IPv6 nor ARP.",
        "harmless: another protocol on the link, such as LLDP or spanning tree.",
    ),
    Text(
        167,
        "the answer belongs to no translation that the node made: it came too late, or was never asked for.",
        "harmless in small numbers. Many of them: the table of translations is full (`bpf-nat-global-max`) or connections last longer than their entries.",
    ),
    Text(
        168,
        "the protocol cannot be translated to the node's address.",
        "only TCP, UDP and ICMP (SCTP without changing ports) are masqueraded; exclude the destination with `ip-masq-agent` or native routing.",
    ),
    Text(
        169,
        "the kernel's routing tables have no usable way to the destination: no route, no neighbor, or a packet too large.",
        "the extended error is the kernel's: 2 unreachable, 4 prohibit, 7 no neighbor, 8 too large, and so on. `kubectl lab routes`, `ip route get ADDRESS` and `ip neigh` on the node tell the same.",
    ),
    Text(
        170,
        "a packet of a tunnel came where none may be.",
        "a pod sends to the tunnel's port of a node: find it, or allow it with care.",
    ),
    Text(
        171,
        "the packet carries an identity that cannot be.",
        "another sender uses the tunnel's port or the mark; compare the agents' releases and settings of all nodes.",
    ),
    Text(
        172,
        "the sender of a packet from the tunnel is not known.",
        "the node is not in the cluster, or not known yet: `cilium-dbg node list` on the node that dropped it.",
    ),
    Text(173, "the packet needs no translation.", NOT_A_FAULT),
    Text(
        174,
        "a packet came from outside to a ClusterIP.",
        "ClusterIPs are for inside; use a NodePort or a LoadBalancer, or set `bpf-lb-external-clusterip`.",
    ),
    Text(
        175,
        "a later fragment came before the first one, or the first one was lost.",
        "harmless in small numbers. Else make the MTU fit, or raise `bpf-fragments-map-max`.",
    ),
    Text(
        176,
        "an ICMPv6 message comes from where it may not come from.",
        "a pod sends neighbor or router advertisements: find out why.",
    ),
    Text(
        177,
        "the client's address is not in `loadBalancerSourceRanges` of the service.",
        "add its range to the service, or accept it.",
    ),
    Text(
        178,
        "the socket of the proxy was not found.",
        "the proxy is not up or was just restarted: look at `cilium-dbg status --verbose` and at the pods `cilium-envoy`.",
    ),
    Text(
        179,
        "the packet could not be handed to the socket of the proxy.",
        "look at the proxy as with `drop/socket-lookup-failed`, and for other programs that use transparent sockets on the host.",
    ),
    Text(
        180,
        "a policy of layer 7 selects a protocol that the proxy does not speak.",
        "restrict the rule with `http`, `dns` or `kafka` to TCP or UDP ports.",
    ),
    Text(
        181,
        "a rule of a policy denies it.",
        "find the deny rule: `kubectl get cnp,ccnp -A -o yaml | grep -A3 Deny`; deny rules win over all that allow.",
    ),
    Text(
        182,
        "the frame has a VLAN tag that is not let through.",
        "add the VLAN to `vlan-bpf-bypass`.",
    ),
    Text(
        183,
        "the packet of a VTEP carries another network's number.",
        "compare `vtep-*` in the configuration with the VTEP.",
    ),
    Text(184, "a buffer for the packet's translation is missing.", MAP_LOST),
    Text(185, "no SRv6 segment leads to the destination.", SRV6),
    Text(186, "SRv6 state was lost between two parts of the program.", SRV6),
    Text(187, "the packet cannot be written as IPv6.", BROKEN_PACKET),
    Text(188, "the packet cannot be written as IPv4.", BROKEN_PACKET),
    Text(
        189,
        "the policy asks for mutual authentication, which is under way.",
        "the first packets of a pair are dropped until it is done; if it stays, look at the SPIRE server and at `cilium-dbg bpf auth list`.",
    ),
    Text(190, "the table of connections for this endpoint or network is missing.", MAP_LOST),
    Text(191, "the table of translations is missing.", MAP_LOST),
    Text(
        192,
        "the packet carries the number of a cluster that is not known.",
        "compare `cluster-id` and `max-connected-clusters` of all clusters of the mesh: `cilium-dbg troubleshoot clustermesh`.",
    ),
    Text(
        193,
        "a packet for direct server return is of a protocol that cannot carry the service's address.",
        "use `bpf-lb-mode=snat` or `hybrid`, or `bpf-lb-dsr-dispatch=geneve`.",
    ),
    Text(
        194,
        "an egress gateway policy selects the packet, and no node is its gateway.",
        "label a node so that the policy's `nodeSelector` selects it, and look at `cilium-dbg bpf egress list`.",
    ),
    Text(
        195,
        "strict encryption is on, and the packet is not encrypted.",
        "let `cilium-dbg encrypt status` and the peers' keys be in order on both nodes; exempt ranges in `encryption-strict-mode-*`.",
    ),
    Text(
        196,
        "the packet has circled, or came with its time to live used up.",
        "look for a loop with `kubectl lab routes`; harmless for traceroute.",
    ),
    Text(
        197,
        "the number of the node is not known, so the packet cannot be encrypted to it.",
        "a new node: wait; else compare `cilium-dbg bpf nodeid list` on both nodes, and restart the agent of the one that dropped it.",
    ),
    Text(
        198,
        "more packets of this kind than the datapath handles each second, such as ICMP errors.",
        "harmless in small numbers; find the sender otherwise: `kubectl lab monitor flows`.",
    ),
    Text(199, "a message of IGMP was taken by the datapath.", NOT_A_FAULT),
    Text(200, "an endpoint joined a multicast group.", NOT_A_FAULT),
    Text(201, "a multicast packet was copied to its receivers.", NOT_A_FAULT),
    Text(
        202,
        "the node's programs are not in place yet.",
        "normal while the agent starts; else `cilium-dbg status` and the agent's log.",
    ),
    Text(203, "the endpoint's program is not in place: it is being made, or gone.", TAIL_CALL),
    Text(
        204,
        "an egress gateway has no address to send with.",
        "give the gateway node the `egressIP` of the policy, or name an interface that has an address.",
    ),
    Text(205, "the packet goes to the proxy by way of the host.", NOT_A_FAULT),
    Text(
        206,
        "the device that the packet should leave by is gone.",
        "normal for a moment when a pod is deleted; else look at `ip link` on the node and restart its agent.",
    ),
    Text(
        207,
        "a later fragment from outside the cluster came without its first one.",
        "as `drop/first-logical-datagram-fragment-not-found`: harmless in small numbers.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use lab_model::monitor::REASONS;

    #[test]
    fn every_code_of_a_drop_is_explained_once() {
        let codes: Vec<u8> = TEXTS.iter().map(|text| text.0).collect();
        let drops: Vec<u8> = REASONS
            .iter()
            .map(|reason| reason.code)
            .filter(|&code| code >= Reason::FIRST_DROP)
            .collect();
        assert_eq!(codes, drops);
        assert_eq!(reasons().count(), drops.len());
    }

    #[test]
    fn the_pattern_that_is_shown_finds_the_reason() {
        for reason in REASONS.iter().filter(|reason| reason.code >= Reason::FIRST_DROP) {
            let pattern = reason.text.replace(['(', ')', '\''], ".");
            let pattern = crate::filter::pattern(&pattern).unwrap();
            assert!(pattern.is_match(reason.text.as_bytes()), "{}", reason.text);
        }
    }
}
