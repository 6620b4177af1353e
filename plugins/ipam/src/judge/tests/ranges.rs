//! Ranges and pools that share addresses, or miss what they are for.

use super::*;

#[test]
fn text_that_is_no_range_is_told_and_the_rest_is_kept() {
    good()
        .change(|made| {
            made.cilium[1]["spec"]["ipam"]["podCIDRs"] = json!(["172.20.1.0/24", "172.20.1.0/33"]);
        })
        .check(&[(Warn, "malformed", "CiliumNode b")]);
    good().set("cluster-pool-ipv4-cidr", "172.20.0.0/16 172.21.0.0/x").check(&[(
        Warn,
        "malformed",
        "ConfigMap kube-system/cilium-config",
    )]);
    // Bits behind the length are what people write: the range is that of the network.
    good()
        .change(|made| made.cilium[1]["spec"]["ipam"]["podCIDRs"] = json!(["172.20.1.7/24"]))
        .check(&[]);
}

#[test]
fn a_pool_that_cannot_be_cut_is_refused_by_the_operator() {
    good().set("cluster-pool-ipv4-mask-size", "12").check(&[(
        Bad,
        "pool-unusable",
        "172.20.0.0/16",
    )]);
    good()
        .set("enable-ipv6", "true")
        .set("cluster-pool-ipv6-cidr", "fd00::/64")
        .set("cluster-pool-ipv6-mask-size", "120")
        .check(&[(Bad, "pool-unusable", "fd00::/64")]);
    good()
        .set("cluster-pool-ipv4-cidr", "172.0.0.0/8")
        .set("cluster-pool-ipv4-mask-size", "30")
        .check(&[]);
}

#[test]
fn a_range_outside_of_every_pool_is_left_over() {
    good()
        .set("ipv4-native-routing-cidr", "172.0.0.0/8")
        .set("cluster-pool-ipv4-cidr", "172.21.0.0/16")
        .check(&[(Warn, "outside-pool", "a"), (Warn, "outside-pool", "b")]);
}

#[test]
fn a_range_outside_of_native_routing_is_masqueraded() {
    let outside = || good().set("ipv4-native-routing-cidr", "172.20.0.0/24");
    outside().check(&[(Warn, "outside-native-routing", "172.20.0.0/24")]);
    outside().set("enable-ipv4-masquerade", "false").check(&[]);
    // That agent has ranges of its own.
    outside().set("enable-ip-masq-agent", "true").check(&[]);
    outside().set("routing-mode", "tunnel").check(&[]);
}

#[test]
fn two_nodes_with_one_range_are_told_once() {
    good()
        .change(|made| {
            made.cilium[1] = cilium("b", "192.168.1.2", "172.20.0.3", "172.20.0.0/24");
            made.pods[1] = pod("q", "b", "172.20.0.11");
            made.endpoints[1] = endpoint("q", "192.168.1.2", "172.20.0.11");
        })
        .check(&[(Bad, "overlap-nodes", "172.20.0.0/24")]);
    // One range inside of another.
    good()
        .change(|made| {
            made.cilium[1] = cilium("b", "192.168.1.2", "172.20.0.200", "172.20.0.128/25");
            made.pods[1] = pod("q", "b", "172.20.0.201");
            made.endpoints[1] = endpoint("q", "192.168.1.2", "172.20.0.201");
        })
        .check(&[(Bad, "overlap-nodes", "172.20.0.128/25")]);
    // A node that lists its own range twice is in nobody's way.
    good()
        .change(|made| {
            made.cilium[1]["spec"]["ipam"]["podCIDRs"] = json!(["172.20.1.0/24", "172.20.1.0/24"]);
        })
        .check(&[]);
}

fn multi_pool() -> Made {
    let pool = |name: &str, cidr: &str| json!({"metadata": {"name": name}, "spec": {"ipv4": {"cidrs": [cidr], "maskSize": 27}}});
    good().set("ipam", "multi-pool").change(|made| {
        made.pools = vec![pool("default", "172.20.0.0/17"), pool("blue", "172.20.128.0/17")];
        for (at, (own, other)) in
            [("172.20.0.0/27", "172.20.128.0/27"), ("172.20.0.32/27", "172.20.128.32/27")].into_iter().enumerate()
        {
            made.cilium[at]["spec"]["ipam"] = json!({"pools": {
                "requested": [{"pool": "default", "needed": {"ipv4-addrs": 16}}],
                "allocated": [{"pool": "default", "cidrs": [own]}, {"pool": "blue", "cidrs": [other]}]}});
        }
        made.cilium[1]["spec"]["addresses"][1]["ip"] = json!("172.20.0.34");
        made.pods[1] = pod("q", "b", "172.20.128.40");
        made.endpoints[1] = endpoint("q", "192.168.1.2", "172.20.128.40");
    })
}

#[test]
fn pools_must_not_share_addresses() {
    multi_pool().check(&[]);
    multi_pool()
        .change(|made| {
            made.pools[1]["spec"]["ipv4"]["cidrs"] = json!(["172.20.128.0/17", "172.20.64.0/18"]);
        })
        .check(&[(Bad, "overlap-pools", "172.20.64.0/18")]);
    // Pools of one address each.
    multi_pool()
        .change(|made| {
            for name in ["x", "y"] {
                made.pools.push(json!({"metadata": {"name": name},
                    "spec": {"ipv4": {"cidrs": ["172.30.0.1/32"], "maskSize": 32}}}));
            }
        })
        .check(&[(Bad, "overlap-pools", "172.30.0.1/32")]);
    good().set("cluster-pool-ipv4-cidr", "172.20.0.0/16,172.20.0.0/20").check(&[(
        Bad,
        "overlap-pools",
        "172.20.0.0/20",
    )]);
}

#[test]
fn a_node_that_gets_less_than_it_asks_for_is_told() {
    multi_pool()
        .change(|made| {
            made.cilium[0]["spec"]["ipam"]["pools"]["requested"][0]["needed"]["ipv4-addrs"] =
                json!(31);
        })
        .check(&[(Warn, "pool-request", "a")]);
    multi_pool()
        .change(|made| {
            made.cilium[0]["spec"]["ipam"]["pools"]["requested"][0]["needed"]["ipv4-addrs"] =
                json!(30);
        })
        .check(&[]);
}

#[test]
fn a_pool_that_is_asked_for_must_exist() {
    let ask = |pool: &str| {
        let pool = pool.to_owned();
        multi_pool().change(move |made| {
            made.pods[1]["metadata"]["annotations"] = json!({"ipam.cilium.io/ip-pool": pool});
        })
    };
    ask("blue").check(&[]);
    ask("green").check(&[(Bad, "unknown-pool", "n/q")]);
    multi_pool()
        .change(|made| made.inputs.namespaces = [("n".to_owned(), "green".to_owned())].into())
        .check(&[(Bad, "unknown-pool", "n/p"), (Bad, "unknown-pool", "n/q")]);
}

#[test]
fn a_node_inside_of_pods_addresses_is_out_of_reach() {
    // The pool that Helm brings, and nodes of a private network.
    let default_pool = || {
        good()
            .set("cluster-pool-ipv4-cidr", "10.0.0.0/8")
            .set("ipv4-native-routing-cidr", "10.0.0.0/8")
            .change(|made| {
                made.inputs.service_ranges.clear();
                for (at, name) in ["a", "b"].into_iter().enumerate() {
                    let (ip, pod_ip) = (format!("10.9.0.{}", at + 1), format!("10.0.{at}.10"));
                    made.nodes[at] = node(name, &ip, "10.244.0.0/24");
                    made.cilium[at] =
                        cilium(name, &ip, &format!("10.0.{at}.2"), &format!("10.0.{at}.0/24"));
                    let pod_name = ["p", "q"][at];
                    made.pods[at] = pod(pod_name, name, &pod_ip);
                    made.endpoints[at] = endpoint(pod_name, &ip, &pod_ip);
                }
            })
    };
    default_pool().check(&[(Warn, "overlap-node-network", "10.0.0.0/8")]);
    default_pool()
        .change(|made| {
            made.cilium[1]["spec"]["ipam"]["podCIDRs"] = json!(["10.0.1.0/24", "10.9.0.0/24"]);
        })
        .check(&[(Bad, "overlap-node-network", "10.0.0.0/8")]);
}

#[test]
fn services_and_pods_must_not_share_addresses() {
    let services = |prefix: &str| {
        let prefix = prefix.parse().unwrap();
        good().change(|made| made.inputs.service_ranges[0].prefix = prefix)
    };
    services("172.20.128.0/20").check(&[(Bad, "overlap-services", "172.20.0.0/16")]);
    services("172.0.0.0/8").check(&[(Bad, "overlap-services", "172.20.0.0/16")]);
    services("172.21.0.0/16").check(&[]);
}

#[test]
fn a_host_beside_the_cluster_must_not_be_in_pods_networks() {
    let route = |dst: &str, gateway: Option<&str>| {
        let (dst, gateway) = (dst.parse().unwrap(), gateway.map(|ip| ip.parse().unwrap()));
        good().change(move |made| {
            made.inputs.extra_routes.push(ExtraRoute {
                host: "router".to_owned(),
                dst,
                gateways: gateway.into_iter().collect(),
                line: format!("{dst} dev eth1"),
            });
        })
    };
    route("172.20.5.0/24", None).check(&[(Bad, "overlap-extra-route", "172.20.0.0/16")]);
    route("172.20.0.0/24", Some("192.168.9.9")).check(&[(
        Warn,
        "overlap-extra-route",
        "172.20.0.0/16",
    )]);
    // That is how pods are reached.
    route("172.20.0.0/24", Some("192.168.1.1")).check(&[]);
    // That is on the way to somebody who knows them.
    route("172.20.0.0/16", Some("192.168.9.9")).check(&[]);
    route("192.168.9.0/24", None).check(&[]);
}
