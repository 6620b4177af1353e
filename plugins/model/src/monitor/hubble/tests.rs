//! Flows as they are told, in any order and broken.

use proptest::prelude::*;

use super::*;
use crate::monitor::Direction;

#[test]
fn a_dropped_flow_names_its_pods_and_its_policy() {
    let line = r#"{"flow":{"time":"2026-11-23T03:03:49.19Z","verdict":"DROPPED","ethernet":{"source":"12:58:84:f3:f9:61","destination":"0a:a7:6b:ce:4d:68"},"IP":{"source":"172.20.0.148","destination":"172.20.2.98","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":40860,"destination_port":8080,"flags":{"SYN":true}}},"source":{"identity":46329,"namespace":"default","labels":["k8s:app=curl"],"pod_name":"curl-pod"},"destination":{"ID":775,"identity":8534,"namespace":"default","pod_name":"webpod-x"},"Type":"L3_L4","node_name":"default/k8s-w1","event_type":{"type":1,"sub_type":133},"traffic_direction":"INGRESS","drop_reason_desc":"POLICY_DENIED","drop_reason":133,"ingress_denied_by":[{"name":"only-http","namespace":"default"}],"Summary":"TCP Flags: SYN","file":{"name":"bpf_lxc.c","line":2127}},"node_name":"default/k8s-w1","time":"2026-11-23T03:03:49.19Z"}"#;
    let event = parse_line(line).unwrap();
    assert_eq!(event.kind, Kind::Drop);
    assert_eq!(event.time, Some(1_795_403_029_190));
    assert_eq!(event.node, "k8s-w1");
    assert_eq!((&*event.source.name, event.source.port), ("default/curl-pod", Some(40860)));
    assert_eq!(event.destination.endpoint, Some(775));
    assert_eq!(event.flags.to_string(), "SYN");
    assert_eq!(event.direction, Some(Direction::Ingress));
    assert_eq!(event.policies, ["default/only-http"]);
    let drop = event.drop.unwrap();
    assert_eq!((&*drop.reason, drop.code, drop.line), ("Policy denied", Some(133), Some(2127)));
}

#[test]
fn lost_events_and_other_messages_are_events() {
    let lost = parse_line(r#"{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"12"},"node_name":"k8s-w1","time":"2026-11-23T03:03:49Z"}"#).unwrap();
    assert_eq!((lost.kind, lost.count, &*lost.node), (Kind::Lost, Some(12), "k8s-w1"));
    let status = parse_line(r#"{"node_status":{"state_change":"NODE_CONNECTED"}}"#).unwrap();
    assert_eq!(status.kind, Kind::Log);
    assert_eq!(NodeStatus::read(&status.raw).unwrap().state, NodeState::Connected);
    assert_eq!(parse_line(r#"{"flow":7}"#), None);
}

#[test]
fn numbers_that_have_no_name_yet_cost_nothing_else() {
    let line = r#"{"flow":{"verdict":99,"Type":9,"traffic_direction":7,"trace_observation_point":77,"drop_reason":230,"drop_reason_desc":230,"event_type":{"type":1},"IP":{"source":"10.0.0.1","destination":"10.0.0.2"}}}"#;
    let event = parse_line(line).unwrap();
    assert_eq!((event.kind, event.point, event.direction), (Kind::Drop, None, None));
    assert_eq!(event.source.address, Some([10, 0, 0, 1].into()));
    let drop = event.drop.unwrap();
    assert_eq!((drop.code, &*drop.reason), (Some(230), "230"));
}

#[test]
fn nodes_that_a_relay_hears_are_read() {
    let line = r#"{"node_status":{"state_change":"NODE_UNAVAILABLE","node_names":["default/k8s-w0","k8s-w1"],"message":"refused"},"node_name":"relay"}"#;
    let status = NodeStatus::read(line).unwrap();
    assert_eq!((status.state, status.message.as_str()), (NodeState::Unavailable, "refused"));
    assert_eq!(status.nodes, ["k8s-w0", "k8s-w1"]);
    let later = NodeStatus::read(r#"{"node_status":{"state_change":12}}"#).unwrap();
    assert_eq!(later.state, NodeState::Unknown);
    for other in ["", "{}", r#"{"flow":{}}"#, r#"{"node_status":7}"#] {
        assert_eq!(NodeStatus::read(other), None, "{other}");
    }
}

#[test]
fn an_l7_flow_says_what_the_agent_says() {
    let line = r#"{"flow":{"verdict":"DROPPED","IP":{"source":"10.0.0.1","destination":"10.0.0.2"},"l4":{"TCP":{"source_port":1,"destination_port":80}},"Type":"L7","event_type":{"type":129},"l7":{"type":"REQUEST","http":{"method":"GET","url":"http://x/"}},"Summary":"HTTP/1.1 GET http://x/","policy_match_type":2}}"#;
    let event = parse_line(line).unwrap();
    assert_eq!((event.kind, &*event.text), (Kind::L7, "GET http://x/"));
    assert_eq!((&*event.l7_type, &*event.l7_verdict), ("Request", "Denied"));
    assert_eq!(event.drop, None);
}

const FLOWS: [&str; 3] = [
    r#"{"flow":{"time":"2026-11-23T03:03:49.19Z","verdict":"DROPPED","ethernet":{"source":"12:58:84:f3:f9:61","destination":"0a:a7:6b:ce:4d:68"},"IP":{"source":"172.20.0.148","destination":"172.20.2.98"},"l4":{"TCP":{"source_port":40860,"destination_port":8080,"flags":{"SYN":true,"ACK":false}}},"source":{"ID":7,"identity":46329,"namespace":"default","labels":["k8s:app=curl"],"pod_name":"curl-pod"},"destination":{"identity":8534,"labels":["k8s:a=b","c"]},"node_name":"default/k8s-w1","event_type":{"type":1},"traffic_direction":"INGRESS","drop_reason_desc":"POLICY_DENIED","drop_reason":133,"ingress_denied_by":[{"name":"only-http","namespace":"default"},{"name":"all"}],"Summary":"TCP Flags: SYN","file":{"name":"bpf_lxc.c","line":2127},"interface":{"index":9,"name":"lxc1"},"proxy_port":15001},"node_name":"x"}"#,
    r#"{"flow":{"time":"2026-11-23T03:03:49Z","verdict":"FORWARDED","ethernet":{"source":"12:58:84:f3:f9:61","destination":"0a:a7:6b:ce:4d:68"},"l4":{"ICMPv4":{"type":8}},"event_type":{"type":5},"policy_match_type":4,"is_reply":true,"trace_observation_point":"TO_ENDPOINT","Summary":"ICMPv4 EchoRequest","Type":"L3_L4"}}"#,
    r#"{"flow":{"verdict":"DROPPED","IP":{"source":"10.0.0.1","destination":"fd00::2"},"Type":"L7","event_type":{"type":129},"l7":{"type":"REQUEST","http":{"method":"GET"}},"Summary":"HTTP/1.1 \"GET\""},"time":"2026-11-23T03:03:49Z"}"#,
];

/// An object with its members in another order, and members of later releases between them.
fn shuffled(value: &Value, random: &mut impl FnMut() -> usize) -> String {
    let Value::Object(members) = value else { return value.to_string() };
    let mut members: Vec<_> = members
        .iter()
        .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), shuffled(value, random)))
        .collect();
    for later in [r#""later":{"a":[1,"}]",{}]}"#, r#""null" : null"#, r#""name\u0073":-1.5e3"#] {
        members.insert(random() % (members.len() + 1), later.to_owned());
    }
    for at in (1..members.len()).rev() {
        members.swap(at, random() % (at + 1));
    }
    format!("{{{}}}", members.join(" ,"))
}

proptest! {
    #[test]
    fn members_come_in_any_order_with_others_between(
        nth in 0..FLOWS.len(),
        choices in prop::collection::vec(any::<usize>(), 1..60),
    ) {
        let value: Value = serde_json::from_str(FLOWS[nth]).unwrap();
        let mut choices = choices.iter().copied().cycle();
        let line = shuffled(&value, &mut || choices.next().unwrap_or_default());
        let plain = |line: &str| Event { raw: Cow::Borrowed(""), ..parse_line(line).unwrap().into_owned() };
        prop_assert_eq!(plain(&line), plain(FLOWS[nth]), "{}", line);
    }

    #[test]
    fn a_line_that_is_cut_or_broken_is_survived(
        nth in 0..FLOWS.len(),
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0x20_u8..0x7f), 0..6),
    ) {
        let mut line = FLOWS[nth].as_bytes().to_vec();
        prop_assert_eq!(parse_line(&FLOWS[nth][..cut.index(line.len())]), None, "it is cut");
        for (at, byte) in flips {
            let at = at.index(line.len());
            line[at] = byte;
        }
        let _ = parse_line(std::str::from_utf8(&line).unwrap());
    }
}

#[test]
fn labels_stand_for_what_has_no_name_also_behind_white_space() {
    let line = r#"{"flow": {"source": {"identity": 2, "labels": ["reserved:world"]}, "destination": {"labels":["a"], "pod_name":"p", "namespace":"n"}}}"#;
    let event = parse_line(line).unwrap();
    assert_eq!(event.source.labels, ["reserved:world"]);
    assert_eq!((&*event.destination.name, event.destination.labels.len()), ("n/p", 0));
}
