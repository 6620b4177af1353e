//! Settings by the place they come from.

use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn defaults_fill_in_and_say_so() {
    let (config, problems) =
        CiliumConfig::from_config_map(&map(&[("routing-mode", "native"), ("debug", "true")]));
    assert_eq!(problems, []);
    assert_eq!(*config.routing_mode, RoutingMode::Native);
    assert_eq!(config.routing_mode.source, ConfigSource::ConfigMap);
    assert!(!*config.auto_direct_node_routes);
    assert_eq!(config.auto_direct_node_routes.source, ConfigSource::Default);
    assert!(config.has_local_node_route());
}

#[test]
fn endpoint_routes_switch_the_local_node_route_off() {
    let (config, _) = CiliumConfig::from_config_map(&map(&[("enable-endpoint-routes", "true")]));
    assert!(!config.has_local_node_route());
}

#[test]
fn a_value_that_is_not_known_leaves_the_default_and_is_told() {
    let (config, problems) = CiliumConfig::from_config_map(&map(&[
        ("enable-bpf-masquerade", "perhaps"),
        ("ipv4-native-routing-cidr", ""),
        ("cluster-pool-ipv4-cidr", "10.0.0.0/8, 172.20.0.0/16"),
    ]));
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].place, "enable-bpf-masquerade");
    assert_eq!(*config.ipv4_native_routing_cidr, None);
    assert_eq!(config.cluster_pools().count(), 2);
}

#[test]
fn the_agent_overrules_the_config_map() {
    let (mut config, _) = CiliumConfig::from_config_map(&map(&[("routing-mode", "native")]));
    let text = r#"{"RoutingMode":"tunnel","EnableIPv6":false,"MTU":0,"IPAM":"multi-pool",
        "IPv4NativeRoutingCIDR":{"IP":"172.20.0.0","Mask":"//8AAA=="},
        "IPv6NativeRoutingCIDR":null,"Devices":["eth0"]}"#;
    let (settings, problems) = parse_agent_config(text);
    assert_eq!(problems, []);
    assert_eq!(config.apply(&settings, ConfigSource::Agent), []);
    assert_eq!(*config.routing_mode, RoutingMode::Tunnel);
    assert_eq!(*config.ipam, IpamMode::MultiPool);
    assert_eq!(*config.ipv4_native_routing_cidr, Prefix::parse("172.20.0.0/16"));
    assert_eq!(config.ipv4_native_routing_cidr.source, ConfigSource::Agent);
}

#[test]
fn the_status_says_the_tunnel_protocol() {
    let text = r#"{"routing":{"inter-host-routing-mode":"Tunnel","tunnel-protocol":"geneve"},
        "masquerading":{"snat-exclusion-cidr-v4":"10.0.0.0/8"}}"#;
    let (settings, _) = parse_agent_config(text);
    let mut config = CiliumConfig::default();
    assert_eq!(config.apply(&settings, ConfigSource::Agent), []);
    assert_eq!(*config.tunnel_protocol, TunnelProtocol::Geneve);
    assert_eq!(*config.ipv4_native_routing_cidr, Prefix::parse("10.0.0.0/8"));
}

#[test]
fn masks_of_every_kind_are_counted() {
    for (mask, len) in [("/////w==", 32), ("//8AAA==", 16), ("/+AAAA==", 11), ("AAAAAA==", 0)] {
        let value = serde_json::json!({"IP": "172.20.0.0", "Mask": mask});
        assert_eq!(go_network(&value).map(|cidr| cidr.len()), Some(len), "{mask}");
    }
    assert_eq!(parse_agent_config("not json").1.len(), 1);
}
