//! What an observer's answers are made of: messages, fields and names of values.
//!
//! Tables rather than generated code: the answers are only written down as JSON, so one small walk
//! over the bytes does for all of them, whatever a later release adds is passed over, and nothing
//! has to be installed to build this. What is left out of Cilium's own files: `extensions`, of which
//! only their authors know the content.
//!
//! Source: `api/v1/observer/observer.proto`, `api/v1/flow/flow.proto` and `api/v1/relay/relay.proto`
//! of Cilium 1.18.0. Numbers are for ever; names of 1.14 to 1.20 that differ are told as numbers.

use Type::{Long, Moment, Named, Nested, Signed, Switch, Text, Unsigned, Wrapped};

/// The fields of a message, by rising number.
pub(super) struct Message(pub(super) &'static [Field]);

/// A field.
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) of: Type,
    pub(super) is_list: bool,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Type {
    /// `bool`
    Switch,
    /// `int32`
    Signed,
    /// `uint32`
    Unsigned,
    /// `uint64`: text in JSON, whose numbers are not that long.
    Long,
    /// `string`
    Text,
    /// An enumeration.
    Named(Names),
    /// `google.protobuf.Timestamp`
    Moment,
    /// A number or switch that can be absent, and is then not 0: `google.protobuf.BoolValue`.
    Wrapped(&'static Type),
    /// A message.
    Nested(&'static Message),
}

/// Numbers and names of an enumeration.
pub(super) type Names = &'static [(u32, &'static str)];

const fn one(number: u32, name: &'static str, of: Type) -> Field {
    Field { number, name, of, is_list: false }
}

const fn many(number: u32, name: &'static str, of: Type) -> Field {
    Field { number, name, of, is_list: true }
}

/// Whether a path of names leads to a field of flows; only its last one may be a list.
pub(super) fn is_of_flow(path: &str) -> bool {
    let (mut of, mut names) = (Some(&FLOW), path.split('.').peekable());
    while let Some(name) = names.next() {
        let found = of.and_then(|of| of.0.iter().find(|field| field.name == name));
        let Some(field) = found else { return false };
        of = match field.of {
            Nested(of) if !field.is_list || names.peek().is_none() => Some(of),
            _ => None,
        };
    }
    true
}

pub(super) static RESPONSE: Message = Message(&[
    one(1, "flow", Nested(&FLOW)),
    one(2, "node_status", Nested(&NODE_STATUS_EVENT)),
    one(3, "lost_events", Nested(&LOST_EVENT)),
    one(1000, "node_name", Text),
    one(1001, "time", Moment),
]);

static FLOW: Message = Message(&[
    one(1, "time", Moment),
    one(2, "verdict", Named(VERDICT)),
    one(3, "drop_reason", Unsigned),
    one(4, "ethernet", Nested(&ETHERNET)),
    one(5, "IP", Nested(&IP)),
    one(6, "l4", Nested(&LAYER4)),
    one(8, "source", Nested(&ENDPOINT)),
    one(9, "destination", Nested(&ENDPOINT)),
    one(10, "Type", Named(FLOW_TYPE)),
    one(11, "node_name", Text),
    many(13, "source_names", Text),
    many(14, "destination_names", Text),
    one(15, "l7", Nested(&LAYER7)),
    one(16, "reply", Switch),
    one(19, "event_type", Nested(&CILIUM_EVENT_TYPE)),
    one(20, "source_service", Nested(&SERVICE)),
    one(21, "destination_service", Nested(&SERVICE)),
    one(22, "traffic_direction", Named(TRAFFIC_DIRECTION)),
    one(23, "policy_match_type", Unsigned),
    one(24, "trace_observation_point", Named(TRACE_OBSERVATION_POINT)),
    one(25, "drop_reason_desc", Named(DROP_REASON)),
    one(26, "is_reply", Wrapped(&Switch)),
    one(27, "debug_capture_point", Named(DEBUG_CAPTURE_POINT)),
    one(28, "interface", Nested(&NETWORK_INTERFACE)),
    one(29, "proxy_port", Unsigned),
    one(30, "trace_context", Nested(&TRACE_CONTEXT)),
    one(31, "sock_xlate_point", Named(SOCKET_TRANSLATION_POINT)),
    one(32, "socket_cookie", Long),
    one(33, "cgroup_id", Long),
    one(34, "uuid", Text),
    one(35, "auth_type", Named(AUTH_TYPE)),
    one(36, "trace_reason", Named(TRACE_REASON)),
    many(37, "node_labels", Text),
    one(38, "file", Nested(&FILE_INFO)),
    one(39, "tunnel", Nested(&TUNNEL)),
    many(21_001, "egress_allowed_by", Nested(&POLICY)),
    many(21_002, "ingress_allowed_by", Nested(&POLICY)),
    many(21_004, "egress_denied_by", Nested(&POLICY)),
    many(21_005, "ingress_denied_by", Nested(&POLICY)),
    many(21_006, "policy_log", Text),
    one(100_000, "Summary", Text),
]);

static ETHERNET: Message = Message(&[one(1, "source", Text), one(2, "destination", Text)]);

static IP: Message = Message(&[
    one(1, "source", Text),
    one(2, "destination", Text),
    one(3, "ipVersion", Named(IPVERSION)),
    one(4, "encrypted", Switch),
    one(5, "source_xlated", Text),
]);

static LAYER4: Message = Message(&[
    one(1, "TCP", Nested(&TCP)),
    one(2, "UDP", Nested(&UDP)),
    one(3, "ICMPv4", Nested(&ICMPV4)),
    one(4, "ICMPv6", Nested(&ICMPV6)),
    one(5, "SCTP", Nested(&SCTP)),
]);

static TCP: Message = Message(&[
    one(1, "source_port", Unsigned),
    one(2, "destination_port", Unsigned),
    one(3, "flags", Nested(&TCPFLAGS)),
]);

static TCPFLAGS: Message = Message(&[
    one(1, "FIN", Switch),
    one(2, "SYN", Switch),
    one(3, "RST", Switch),
    one(4, "PSH", Switch),
    one(5, "ACK", Switch),
    one(6, "URG", Switch),
    one(7, "ECE", Switch),
    one(8, "CWR", Switch),
    one(9, "NS", Switch),
]);

static UDP: Message =
    Message(&[one(1, "source_port", Unsigned), one(2, "destination_port", Unsigned)]);

static ICMPV4: Message = Message(&[one(1, "type", Unsigned), one(2, "code", Unsigned)]);

static ICMPV6: Message = Message(&[one(1, "type", Unsigned), one(2, "code", Unsigned)]);

static SCTP: Message =
    Message(&[one(1, "source_port", Unsigned), one(2, "destination_port", Unsigned)]);

static ENDPOINT: Message = Message(&[
    one(1, "ID", Unsigned),
    one(2, "identity", Unsigned),
    one(3, "namespace", Text),
    many(4, "labels", Text),
    one(5, "pod_name", Text),
    many(6, "workloads", Nested(&WORKLOAD)),
    one(7, "cluster_name", Text),
]);

static WORKLOAD: Message = Message(&[one(1, "name", Text), one(2, "kind", Text)]);

static LAYER7: Message = Message(&[
    one(1, "type", Named(L7_FLOW_TYPE)),
    one(2, "latency_ns", Long),
    one(100, "dns", Nested(&DNS)),
    one(101, "http", Nested(&HTTP)),
    one(102, "kafka", Nested(&KAFKA)),
]);

static DNS: Message = Message(&[
    one(1, "query", Text),
    many(2, "ips", Text),
    one(3, "ttl", Unsigned),
    many(4, "cnames", Text),
    one(5, "observation_source", Text),
    one(6, "rcode", Unsigned),
    many(7, "qtypes", Text),
    many(8, "rrtypes", Text),
]);

static HTTP: Message = Message(&[
    one(1, "code", Unsigned),
    one(2, "method", Text),
    one(3, "url", Text),
    one(4, "protocol", Text),
    many(5, "headers", Nested(&HTTPHEADER)),
]);

static HTTPHEADER: Message = Message(&[one(1, "key", Text), one(2, "value", Text)]);

static KAFKA: Message = Message(&[
    one(1, "error_code", Signed),
    one(2, "api_version", Signed),
    one(3, "api_key", Text),
    one(4, "correlation_id", Signed),
    one(5, "topic", Text),
]);

static CILIUM_EVENT_TYPE: Message = Message(&[one(1, "type", Signed), one(2, "sub_type", Signed)]);

static SERVICE: Message = Message(&[one(1, "name", Text), one(2, "namespace", Text)]);

static NETWORK_INTERFACE: Message = Message(&[one(1, "index", Unsigned), one(2, "name", Text)]);

static TRACE_CONTEXT: Message = Message(&[one(1, "parent", Nested(&TRACE_PARENT))]);

static TRACE_PARENT: Message = Message(&[one(1, "trace_id", Text)]);

static FILE_INFO: Message = Message(&[one(1, "name", Text), one(2, "line", Unsigned)]);

static TUNNEL: Message = Message(&[
    one(1, "protocol", Named(TUNNEL_PROTOCOL)),
    one(2, "IP", Nested(&IP)),
    one(3, "l4", Nested(&LAYER4)),
]);

static POLICY: Message = Message(&[
    one(1, "name", Text),
    one(2, "namespace", Text),
    many(3, "labels", Text),
    one(4, "revision", Long),
    one(5, "kind", Text),
]);

static NODE_STATUS_EVENT: Message = Message(&[
    one(1, "state_change", Named(NODE_STATE)),
    many(2, "node_names", Text),
    one(3, "message", Text),
]);

static LOST_EVENT: Message = Message(&[
    one(1, "source", Named(LOST_EVENT_SOURCE)),
    one(2, "num_events_lost", Long),
    one(3, "cpu", Wrapped(&Signed)),
]);

static VERDICT: Names = &[
    (0, "VERDICT_UNKNOWN"),
    (1, "FORWARDED"),
    (2, "DROPPED"),
    (3, "ERROR"),
    (4, "AUDIT"),
    (5, "REDIRECTED"),
    (6, "TRACED"),
    (7, "TRANSLATED"),
];

static IPVERSION: Names = &[(0, "IP_NOT_USED"), (1, "IPv4"), (2, "IPv6")];

static FLOW_TYPE: Names = &[(0, "UNKNOWN_TYPE"), (1, "L3_L4"), (2, "L7"), (3, "SOCK")];

static L7_FLOW_TYPE: Names =
    &[(0, "UNKNOWN_L7_TYPE"), (1, "REQUEST"), (2, "RESPONSE"), (3, "SAMPLE")];

static TRAFFIC_DIRECTION: Names =
    &[(0, "TRAFFIC_DIRECTION_UNKNOWN"), (1, "INGRESS"), (2, "EGRESS")];

static TRACE_OBSERVATION_POINT: Names = &[
    (0, "UNKNOWN_POINT"),
    (1, "TO_PROXY"),
    (2, "TO_HOST"),
    (3, "TO_STACK"),
    (4, "TO_OVERLAY"),
    (5, "FROM_ENDPOINT"),
    (6, "FROM_PROXY"),
    (7, "FROM_HOST"),
    (8, "FROM_STACK"),
    (9, "FROM_OVERLAY"),
    (10, "FROM_NETWORK"),
    (11, "TO_NETWORK"),
    (12, "FROM_CRYPTO"),
    (13, "TO_CRYPTO"),
    (101, "TO_ENDPOINT"),
];

static DROP_REASON: Names = &[
    (0, "DROP_REASON_UNKNOWN"),
    (130, "INVALID_SOURCE_MAC"),
    (131, "INVALID_DESTINATION_MAC"),
    (132, "INVALID_SOURCE_IP"),
    (133, "POLICY_DENIED"),
    (134, "INVALID_PACKET_DROPPED"),
    (135, "CT_TRUNCATED_OR_INVALID_HEADER"),
    (136, "CT_MISSING_TCP_ACK_FLAG"),
    (137, "CT_UNKNOWN_L4_PROTOCOL"),
    (138, "CT_CANNOT_CREATE_ENTRY_FROM_PACKET"),
    (139, "UNSUPPORTED_L3_PROTOCOL"),
    (140, "MISSED_TAIL_CALL"),
    (141, "ERROR_WRITING_TO_PACKET"),
    (142, "UNKNOWN_L4_PROTOCOL"),
    (143, "UNKNOWN_ICMPV4_CODE"),
    (144, "UNKNOWN_ICMPV4_TYPE"),
    (145, "UNKNOWN_ICMPV6_CODE"),
    (146, "UNKNOWN_ICMPV6_TYPE"),
    (147, "ERROR_RETRIEVING_TUNNEL_KEY"),
    (148, "ERROR_RETRIEVING_TUNNEL_OPTIONS"),
    (149, "INVALID_GENEVE_OPTION"),
    (150, "UNKNOWN_L3_TARGET_ADDRESS"),
    (151, "STALE_OR_UNROUTABLE_IP"),
    (152, "NO_MATCHING_LOCAL_CONTAINER_FOUND"),
    (153, "ERROR_WHILE_CORRECTING_L3_CHECKSUM"),
    (154, "ERROR_WHILE_CORRECTING_L4_CHECKSUM"),
    (155, "CT_MAP_INSERTION_FAILED"),
    (156, "INVALID_IPV6_EXTENSION_HEADER"),
    (157, "IP_FRAGMENTATION_NOT_SUPPORTED"),
    (158, "SERVICE_BACKEND_NOT_FOUND"),
    (160, "NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT"),
    (161, "FAILED_TO_INSERT_INTO_PROXYMAP"),
    (162, "REACHED_EDT_RATE_LIMITING_DROP_HORIZON"),
    (163, "UNKNOWN_CONNECTION_TRACKING_STATE"),
    (164, "LOCAL_HOST_IS_UNREACHABLE"),
    (165, "NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION"),
    (166, "UNSUPPORTED_L2_PROTOCOL"),
    (167, "NO_MAPPING_FOR_NAT_MASQUERADE"),
    (168, "UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE"),
    (169, "FIB_LOOKUP_FAILED"),
    (170, "ENCAPSULATION_TRAFFIC_IS_PROHIBITED"),
    (171, "INVALID_IDENTITY"),
    (172, "UNKNOWN_SENDER"),
    (173, "NAT_NOT_NEEDED"),
    (174, "IS_A_CLUSTERIP"),
    (175, "FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND"),
    (176, "FORBIDDEN_ICMPV6_MESSAGE"),
    (177, "DENIED_BY_LB_SRC_RANGE_CHECK"),
    (178, "SOCKET_LOOKUP_FAILED"),
    (179, "SOCKET_ASSIGN_FAILED"),
    (180, "PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL"),
    (181, "POLICY_DENY"),
    (182, "VLAN_FILTERED"),
    (183, "INVALID_VNI"),
    (184, "INVALID_TC_BUFFER"),
    (185, "NO_SID"),
    (186, "MISSING_SRV6_STATE"),
    (187, "NAT46"),
    (188, "NAT64"),
    (189, "AUTH_REQUIRED"),
    (190, "CT_NO_MAP_FOUND"),
    (191, "SNAT_NO_MAP_FOUND"),
    (192, "INVALID_CLUSTER_ID"),
    (193, "UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP"),
    (194, "NO_EGRESS_GATEWAY"),
    (195, "UNENCRYPTED_TRAFFIC"),
    (196, "TTL_EXCEEDED"),
    (197, "NO_NODE_ID"),
    (198, "DROP_RATE_LIMITED"),
    (199, "IGMP_HANDLED"),
    (200, "IGMP_SUBSCRIBED"),
    (201, "MULTICAST_HANDLED"),
    (202, "DROP_HOST_NOT_READY"),
    (203, "DROP_EP_NOT_READY"),
    (204, "DROP_NO_EGRESS_IP"),
    (205, "DROP_PUNT_PROXY"),
];

static DEBUG_CAPTURE_POINT: Names = &[
    (0, "DBG_CAPTURE_POINT_UNKNOWN"),
    (4, "DBG_CAPTURE_DELIVERY"),
    (5, "DBG_CAPTURE_FROM_LB"),
    (6, "DBG_CAPTURE_AFTER_V46"),
    (7, "DBG_CAPTURE_AFTER_V64"),
    (8, "DBG_CAPTURE_PROXY_PRE"),
    (9, "DBG_CAPTURE_PROXY_POST"),
    (10, "DBG_CAPTURE_SNAT_PRE"),
    (11, "DBG_CAPTURE_SNAT_POST"),
];

static SOCKET_TRANSLATION_POINT: Names = &[
    (0, "SOCK_XLATE_POINT_UNKNOWN"),
    (1, "SOCK_XLATE_POINT_PRE_DIRECTION_FWD"),
    (2, "SOCK_XLATE_POINT_POST_DIRECTION_FWD"),
    (3, "SOCK_XLATE_POINT_PRE_DIRECTION_REV"),
    (4, "SOCK_XLATE_POINT_POST_DIRECTION_REV"),
];

static AUTH_TYPE: Names = &[(0, "DISABLED"), (1, "SPIRE"), (2, "TEST_ALWAYS_FAIL")];

static TRACE_REASON: Names = &[
    (0, "TRACE_REASON_UNKNOWN"),
    (1, "NEW"),
    (2, "ESTABLISHED"),
    (3, "REPLY"),
    (4, "RELATED"),
    (5, "REOPENED"),
    (6, "SRV6_ENCAP"),
    (7, "SRV6_DECAP"),
    (8, "ENCRYPT_OVERLAY"),
];

static TUNNEL_PROTOCOL: Names = &[(0, "UNKNOWN"), (1, "VXLAN"), (2, "GENEVE")];

static NODE_STATE: Names = &[
    (0, "UNKNOWN_NODE_STATE"),
    (1, "NODE_CONNECTED"),
    (2, "NODE_UNAVAILABLE"),
    (3, "NODE_GONE"),
    (4, "NODE_ERROR"),
];

static LOST_EVENT_SOURCE: Names = &[
    (0, "UNKNOWN_LOST_EVENT_SOURCE"),
    (1, "PERF_EVENT_RING_BUFFER"),
    (2, "OBSERVER_EVENTS_QUEUE"),
    (3, "HUBBLE_RING_BUFFER"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &Message) -> usize {
        assert!(message.0.is_sorted_by_key(|field| field.number));
        let nested = message.0.iter().map(|field| match field.of {
            Nested(of) => check(of),
            Named(names) => {
                assert!(names.is_sorted_by_key(|(number, _)| number) && names[0].0 == 0);
                0
            }
            _ => 0,
        });
        message.0.len() + nested.sum::<usize>()
    }

    #[test]
    fn fields_and_names_can_be_looked_up_by_halves() {
        assert!(check(&RESPONSE) > 150);
    }
}
