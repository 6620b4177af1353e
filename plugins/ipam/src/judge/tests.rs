//! Each finding: a good cluster broken in exactly that way, and cases that nearly are.

use std::rc::Rc;

use lab_model::cilium::{IpamNode, PodIpPool, parse_agent_endpoints, parse_agent_ipam};
use lab_model::kubernetes::Node;
use lab_plugin::Level::{Bad, Info, Unknown, Warn};
use lab_plugin::{Finding, Level};
use serde_json::{Value, json};

use super::*;
use crate::inputs::{Agent, ExtraRoute, Inputs, Stated};
use crate::model::build::build;
use crate::parse::{EndpointObject, PodObject, Words};
use lab_plugin::Fact;

/// A cluster that a test changes: nodes `a` and `b` with one pod each.
#[derive(Clone)]
struct Made {
    config: Vec<(String, String)>,
    nodes: Vec<Value>,
    cilium: Vec<Value>,
    pods: Vec<Value>,
    endpoints: Vec<Value>,
    pools: Vec<Value>,
    inputs: Inputs,
}

fn node(name: &str, ip: &str, cidr: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
        "status": {"addresses": [{"type": "InternalIP", "address": ip}], "allocatable": {"pods": "110"}}})
}

fn cilium(name: &str, ip: &str, router: &str, cidr: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"addresses": [
        {"type": "InternalIP", "ip": ip}, {"type": "CiliumInternalIP", "ip": router}],
        "ipam": {"podCIDRs": [cidr]}}, "status": {"ipam": {"operator-status": {}}}})
}

fn pod(name: &str, node: &str, ip: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "uid": format!("uid-{name}")},
        "spec": {"nodeName": node}, "status": {"phase": "Running", "podIPs": [{"ip": ip}]}})
}

fn endpoint(name: &str, node: &str, ip: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "ownerReferences": [
        {"kind": "Pod", "uid": format!("uid-{name}")}]},
        "status": {"networking": {"addressing": [{"ipv4": ip}], "node": node}}})
}

fn good() -> Made {
    let config = [
        ("ipam", "cluster-pool"),
        ("cluster-pool-ipv4-cidr", "172.20.0.0/16"),
        ("cluster-pool-ipv4-mask-size", "24"),
        ("routing-mode", "native"),
        ("ipv4-native-routing-cidr", "172.20.0.0/16"),
        ("enable-ipv6", "false"),
    ];
    Made {
        config: config.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        nodes: vec![
            node("a", "192.168.1.1", "10.244.0.0/24"),
            node("b", "192.168.1.2", "10.244.1.0/24"),
        ],
        cilium: vec![
            cilium("a", "192.168.1.1", "172.20.0.2", "172.20.0.0/24"),
            cilium("b", "192.168.1.2", "172.20.1.2", "172.20.1.0/24"),
        ],
        pods: vec![pod("p", "a", "172.20.0.10"), pod("q", "b", "172.20.1.10")],
        endpoints: vec![
            endpoint("p", "192.168.1.1", "172.20.0.10"),
            endpoint("q", "192.168.1.2", "172.20.1.10"),
        ],
        pools: Vec::new(),
        inputs: Inputs {
            service_ranges: vec![Stated {
                prefix: "10.96.0.0/16".parse().unwrap(),
                place: "ServiceCIDR kubernetes".to_owned(),
                line: "spec.cidrs: 10.96.0.0/16".to_owned(),
            }],
            ..Inputs::default()
        },
    }
}

impl Made {
    fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn set(mut self, key: &str, value: &str) -> Self {
        self.config.retain(|(known, _)| known != key);
        self.config.push((key.to_owned(), value.to_owned()));
        self
    }

    fn cluster(self) -> Cluster {
        fn read<T: serde::de::DeserializeOwned>(values: &[Value]) -> Vec<T> {
            values.iter().map(|value| serde_json::from_value(value.clone()).unwrap()).collect()
        }
        let mut words = Words::default();
        let pods = read::<PodObject>(&self.pods).into_iter().map(|it| it.record(&mut words));
        let pods = pods.collect();
        let endpoints = read::<EndpointObject>(&self.endpoints).into_iter();
        let endpoints = endpoints.map(|it| it.record(&mut words)).collect();
        let mut inputs = self.inputs;
        inputs.config = Fact::Known(self.config.into_iter().collect());
        inputs.nodes = Fact::Known(read::<Node>(&self.nodes));
        inputs.cilium_nodes = Fact::Known(read::<IpamNode>(&self.cilium));
        inputs.pods = Fact::Known(pods);
        inputs.endpoints = Fact::Known(endpoints);
        inputs.pools = Fact::Known(read::<PodIpPool>(&self.pools));
        build(inputs)
    }

    fn findings(self) -> Vec<Finding> {
        all(&self.cluster(), &Options::default())
    }

    /// Level, code and subject of what is found, but for the one that a good cluster has too.
    #[track_caller]
    fn check(self, expected: &[(Level, &str, &str)]) {
        let found = self.findings();
        let told: Vec<(Level, &str, &str)> = found
            .iter()
            .filter(|it| it.code != "ipam/node-pod-cidr" || it.level != Info)
            .map(|it| (it.level, it.code.trim_start_matches("ipam/"), it.subject.as_str()))
            .collect();
        assert_eq!(told, expected, "{found:#?}");
        for finding in &found {
            assert!(!finding.evidence.is_empty(), "{finding:?}");
            let is_told = finding.level == Info || !finding.fixes.is_empty();
            assert!(is_told, "{finding:?}");
            assert!(!finding.message.ends_with('.'), "{finding:?}");
            let explained = crate::explain::EXPLANATIONS.iter().any(|it| it.code == finding.code);
            assert!(explained, "{} is not explained", finding.code);
        }
    }
}

#[test]
fn a_good_cluster_has_nothing_but_the_answer_which_range_counts() {
    good().check(&[]);
    let found = good().findings();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "ipam/node-pod-cidr");
    assert!(found[0].message.contains("is ignored"), "{}", found[0].message);
    assert_eq!(found[0].evidence[1].1, "spec.podCIDRs: 10.244.0.0/24");
    assert_eq!(found[0].evidence[2].1, "spec.ipam.podCIDRs: 172.20.0.0/24");
}

#[test]
fn nothing_that_could_be_read_fires_nothing() {
    let found = all(&build(Inputs::default()), &Options::default());
    let told: Vec<_> = found.iter().map(|it| (it.level, it.code.as_str())).collect();
    assert_eq!(told, [(Unknown, "ipam/unknown-mode")]);
}

#[test]
fn the_nodes_range_must_be_the_ciliumnodes_in_kubernetes_mode() {
    let kubernetes = || {
        good().set("ipam", "kubernetes").change(|made| {
            made.nodes[0] = node("a", "192.168.1.1", "172.20.0.0/24");
            made.nodes[1] = node("b", "192.168.1.2", "172.20.1.0/24");
        })
    };
    kubernetes().check(&[]);
    let found = kubernetes().findings();
    assert!(found[0].message.contains("is the range of its pods"), "{found:?}");
    kubernetes()
        .change(|made| made.nodes[1] = node("b", "192.168.1.2", "10.244.1.0/24"))
        .check(&[(Bad, "node-pod-cidr", "podCIDR")]);
}

#[test]
fn modes_that_cannot_be_judged_say_so() {
    let of = |mode: &str| good().set("ipam", mode);
    of("delegated-plugin").check(&[(Info, "unknown-mode", "ipam")]);
    of("cluster-pool-v2beta").check(&[(Unknown, "unknown-mode", "ipam")]);
    good().set("cni-chaining-mode", "aws-cni").check(&[(Info, "unknown-mode", "ipam")]);
    good().change(|made| made.config.retain(|(key, _)| key != "ipam")).check(&[(
        Unknown,
        "unknown-mode",
        "ipam",
    )]);
    // What pods use is shown all the same.
    let cluster = of("delegated-plugin").cluster();
    assert_eq!(cluster.ranges[0].used, 2);
    assert!(cluster.ranges[0].total.known().is_none());
}

#[test]
fn an_error_of_the_operator_is_told_word_for_word() {
    let error = "range 172.20.0.0/24 is already taken";
    let broken = good().change(|made| {
        made.cilium[1]["status"]["ipam"]["operator-status"]["error"] = json!(error);
    });
    broken.clone().check(&[(Bad, "operator-error", "b")]);
    let found = broken.findings();
    let evidence = &found.iter().find(|it| it.code == "ipam/operator-error").unwrap().evidence;
    assert!(evidence[0].1.ends_with(error), "{evidence:?}");
    good()
        .change(|made| made.cilium[1]["status"]["ipam"]["operator-status"]["error"] = json!(" "))
        .check(&[]);
}

#[test]
fn a_node_without_a_range_waits() {
    good()
        .change(|made| {
            made.cilium[1]["spec"]["ipam"] = json!({});
            made.pods.pop();
            made.endpoints.pop();
        })
        .check(&[(Bad, "no-range", "b")]);
}

#[test]
fn nodes_come_in_pairs() {
    good()
        .change(|made| {
            made.cilium.pop();
            made.pods.pop();
            made.endpoints.pop();
        })
        .check(&[(Bad, "node-without-cilium-node", "b")]);
    good()
        .change(|made| {
            made.nodes.pop();
            made.pods.pop();
            made.endpoints.pop();
        })
        .check(&[(Warn, "cilium-node-without-node", "b")]);
    // Nodes that could not be listed are not missing.
    let cluster = good().change(|made| made.nodes.clear()).cluster();
    let cluster = Cluster { nodes_known: Fact::Unknown("denied".to_owned()), ..cluster };
    let found = all(&cluster, &Options::default());
    assert!(found.iter().all(|it| it.code != "ipam/cilium-node-without-node"), "{found:?}");
}

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

#[test]
fn a_pool_is_full_when_the_next_node_gets_nothing() {
    let of = |cidr: &str| good().set("cluster-pool-ipv4-cidr", cidr);
    of("172.20.0.0/23").check(&[(Bad, "pool-full", "cluster-pool")]);
    of("172.20.0.0/22").check(&[]);
    let cluster = of("172.20.0.0/22").cluster();
    let options = Options { warn_at: 50.0, ..Options::default() };
    let found = all(&cluster, &options);
    let full = found.iter().find(|it| it.code == "ipam/pool-full").unwrap();
    assert_eq!(full.level, Warn);
    assert_eq!(full.message, "2 of 4 IPv4 ranges are taken: 2 more, then a node gets none");
}

#[test]
fn a_node_is_full_when_the_next_pod_gets_nothing() {
    // A /29 has six addresses: the router and five pods.
    let with = |n_pods: usize| {
        good().set("cluster-pool-ipv4-mask-size", "29").change(move |made| {
            made.cilium[0] = cilium("a", "192.168.1.1", "172.20.0.1", "172.20.0.0/29");
            made.pods.remove(0);
            made.endpoints.remove(0);
            for at in 0..n_pods {
                let (name, ip) = (format!("x{at}"), format!("172.20.0.{}", at + 2));
                made.pods.push(pod(&name, "a", &ip));
                made.endpoints.push(endpoint(&name, "192.168.1.1", &ip));
            }
        })
    };
    with(5).check(&[(Bad, "node-full", "a")]);
    with(4).check(&[]);
    let options = Options { warn_at: 80.0, ..Options::default() };
    let found = all(&with(4).cluster(), &options);
    let full = found.iter().find(|it| it.code == "ipam/node-full").unwrap();
    assert_eq!(full.message, "5 of its 6 IPv4 addresses are in use, 1 are left");
    let cluster = with(4).cluster();
    assert_eq!(cluster.ranges[0].largest_free.unwrap().to_string(), "172.20.0.6/32");
}

#[test]
fn an_address_that_two_have_is_told_with_both() {
    let twice = || {
        good().change(|made| {
            made.pods.push(pod("r", "a", "172.20.0.10"));
            made.endpoints.push(endpoint("r", "192.168.1.1", "172.20.0.10"));
        })
    };
    twice().check(&[(Bad, "duplicate", "172.20.0.10")]);
    let found = twice().findings();
    let found = found.iter().find(|it| it.code == "ipam/duplicate").unwrap();
    assert_eq!(found.message, "n/p and n/r have it: packets reach one of them at best");
    // A finished pod keeps its address in its status, and the address goes to the next one.
    twice()
        .change(|made| {
            made.pods[2]["status"]["phase"] = json!("Succeeded");
            made.endpoints.pop();
        })
        .check(&[]);
    // A pod on its way out, likewise.
    twice()
        .change(|made| {
            made.pods[2]["metadata"]["deletionTimestamp"] = json!("2026-11-23T03:06:59Z");
        })
        .check(&[]);
    // Pods on the host's network share the node's address by design.
    good()
        .change(|made| {
            for name in ["h1", "h2"] {
                let mut pod = pod(name, "a", "192.168.1.1");
                pod["spec"]["hostNetwork"] = json!(true);
                made.pods.push(pod);
            }
        })
        .check(&[]);
    good()
        .change(|made| {
            made.cilium[1]["spec"]["addresses"][1]["ip"] = json!("172.20.0.10");
        })
        .check(&[(Bad, "duplicate", "172.20.0.10")]);
}

#[test]
fn a_pod_with_the_address_of_a_node_is_told() {
    good()
        .change(|made| {
            made.cilium[0]["spec"]["ipam"]["podCIDRs"] = json!(["172.20.0.0/24", "192.168.1.2/32"]);
            made.pods[0] = pod("p", "a", "192.168.1.2");
            made.endpoints[0] = endpoint("p", "192.168.1.1", "192.168.1.2");
        })
        .set("ipam", "other")
        .check(&[
            (Unknown, "unknown-mode", "ipam"),
            (Warn, "outside-native-routing", "172.20.0.0/16"),
            (Bad, "overlap-node-network", "192.168.1.2/32"),
            (Bad, "duplicate", "192.168.1.2"),
        ]);
}

#[test]
fn a_router_may_have_the_address_of_its_own_node() {
    let router = |node: &'static str| {
        good().change(move |made| made.cilium[0]["spec"]["addresses"][1]["ip"] = json!(node))
    };
    router("192.168.1.1").check(&[]);
    router("192.168.1.2").check(&[(Bad, "duplicate", "192.168.1.2")]);
}

#[test]
fn a_pod_with_several_addresses_is_one_holder() {
    good()
        .change(|made| {
            made.pods[0]["status"]["podIPs"] =
                json!([{"ip": "172.20.0.10"}, {"ip": "::ffff:172.20.0.10"}]);
        })
        .check(&[]);
}

#[test]
fn pod_and_endpoint_must_agree() {
    let differing =
        || good().change(|made| made.endpoints[0] = endpoint("p", "192.168.1.1", "172.20.0.77"));
    differing().check(&[(Bad, "endpoint-differs", "n/p")]);
    // A pod that ends is on its way: nothing is told of what it leaves.
    let leaving = differing().change(|made| {
        made.pods[0]["metadata"]["deletionTimestamp"] = json!("2026-11-23T03:06:59Z");
    });
    let found = leaving.findings();
    assert!(found.iter().all(|it| it.level == Info), "{found:?}");
}

#[test]
fn an_endpoint_names_the_node_of_its_pod() {
    good()
        .change(|made| made.endpoints[0] = endpoint("p", "192.168.1.2", "172.20.0.10"))
        .check(&[(Bad, "endpoint-node", "n/p")]);
}

#[test]
fn a_pod_outside_of_its_nodes_range_is_found_by_nobody() {
    let at = |ip: &str| {
        let ip = ip.to_owned();
        good().change(move |made| {
            made.pods[0] = pod("p", "a", &ip);
            made.endpoints[0] = endpoint("p", "192.168.1.1", &ip);
        })
    };
    at("10.244.0.5").check(&[(Bad, "pod-outside", "n/p")]);
    at("172.20.1.99").check(&[(Bad, "pod-outside", "n/p")]);
    let found = at("172.20.1.99").findings();
    let found = found.iter().find(|it| it.code == "ipam/pod-outside").unwrap();
    assert!(found.message.contains("is not a's but b's"), "{}", found.message);
}

fn agent(allocations: &Value) -> Agent {
    let text = json!({"ipam": {"allocations": allocations, "status": "IPv4: 2/254 allocated from 172.20.0.0/24"}});
    Agent {
        ipam: Fact::Known(parse_agent_ipam(&text.to_string()).0),
        endpoints: Fact::Known(parse_agent_endpoints("[]").0),
    }
}

#[test]
fn what_is_in_use_must_be_handed_out() {
    let deep = |allocations: Value| {
        good().change(move |made| {
            made.inputs.agents = [("a".to_owned(), agent(&allocations))].into();
        })
    };
    deep(json!({"172.20.0.2": "router", "172.20.0.10": "n/p"})).check(&[]);
    deep(json!({"172.20.0.2": "router"})).check(&[(Bad, "not-allocated", "n/p")]);
    // An agent that says nothing of addresses proves nothing.
    deep(json!({})).check(&[]);
    // Lists that say what is used.
    let listed = |used: Value| {
        good().set("ipam", "crd").change(move |made| {
            made.pods.pop();
            made.endpoints.pop();
            made.cilium[0]["spec"]["ipam"] =
                json!({"pool": {"172.20.0.10": {}, "172.20.0.11": {}}});
            made.cilium[0]["status"]["ipam"]["used"] = used;
            made.cilium[1]["spec"]["ipam"] = json!({"pool": {"172.20.1.10": {}}});
        })
    };
    listed(json!({"172.20.0.10": {"owner": "n/p"}})).check(&[]);
    listed(json!({"172.20.0.11": {"owner": "router"}}))
        .check(&[(Bad, "node-full", "a"), (Bad, "not-allocated", "n/p")]);
}

#[test]
fn a_pod_that_cilium_does_not_know_is_told() {
    let unknown = || good().change(|made| drop(made.endpoints.remove(0)));
    unknown().check(&[(Bad, "no-endpoint", "n/p")]);
    // An endpoint of a predecessor of the same name is no endpoint of this pod.
    good().change(|made| made.pods[0]["metadata"]["uid"] = json!("uid-new")).check(&[(
        Bad,
        "no-endpoint",
        "n/p",
    )]);
    // Too young, not running, on its way out, on the host's network.
    let young = || {
        unknown().change(|made| {
            made.pods[0]["status"]["startTime"] = json!("1970-01-01T00:01:00Z");
            made.inputs.now = Some(70_000);
        })
    };
    young().check(&[]);
    young().change(|made| made.inputs.now = Some(100_000)).check(&[(Bad, "no-endpoint", "n/p")]);
    unknown().change(|made| made.pods[0]["status"]["phase"] = json!("Pending")).check(&[]);
    unknown()
        .change(|made| {
            made.pods[0]["spec"]["hostNetwork"] = json!(true);
            made.pods[0]["status"]["podIPs"] = json!([{"ip": "192.168.1.1"}]);
        })
        .check(&[]);
    // Endpoints that could not be read are not missing.
    for fact in [Fact::Absent, Fact::Unknown("denied".to_owned())] {
        let cluster = Cluster { endpoints: fact, ..unknown().cluster() };
        let found = all(&cluster, &Options::default());
        assert!(found.iter().all(|it| it.code != "ipam/no-endpoint"), "{found:?}");
    }
}

#[test]
fn an_address_that_nobody_has_is_suspect_after_a_while() {
    let left = || {
        good().change(|made| {
            made.endpoints.push(endpoint("gone", "192.168.1.1", "172.20.0.50"));
        })
    };
    left().check(&[(Info, "suspect", "172.20.0.50")]);
    let cluster = left().cluster();
    assert_eq!((cluster.ranges[0].used, cluster.ranges[0].leaked), (3, 1));
    let options = Options { cooled: ["172.20.0.50".parse().unwrap()].into(), ..Options::default() };
    let found = all(&cluster, &options);
    assert_eq!(found.iter().find(|it| it.code == "ipam/suspect").unwrap().level, Warn);
    // An agent that names a pod which has another address by now: the name alone proves nothing.
    good()
        .change(|made| {
            let allocations =
                json!({"172.20.0.2": "router", "172.20.0.10": "n/p", "172.20.0.9": "n/p"});
            made.inputs.agents = [("a".to_owned(), agent(&allocations))].into();
        })
        .check(&[(Info, "suspect", "172.20.0.9")]);
    // A pod whose status does not have its address yet will have it.
    good()
        .change(|made| {
            made.pods[0]["status"]["podIPs"] = json!([]);
        })
        .check(&[]);
    // Pods that could not be read leave nobody without an owner.
    let cluster = Cluster { pods_known: Fact::Unknown("denied".to_owned()), ..left().cluster() };
    let found = all(&cluster, &Options::default());
    assert!(found.iter().all(|it| it.code != "ipam/suspect"), "{found:?}");
}

#[test]
fn a_pod_that_has_ended_must_not_be_counted() {
    let ended = || good().change(|made| made.pods[0]["status"]["phase"] = json!("Failed"));
    ended().check(&[(Warn, "ended-counted", "n/p")]);
    ended().change(|made| drop(made.endpoints.remove(0))).check(&[]);
}

#[test]
fn what_is_told_too_often_is_counted() {
    let found = good()
        .change(|made| {
            for at in 0..50 {
                made.pods.push(pod(&format!("x{at}"), "a", &format!("172.20.0.{}", at + 100)));
            }
        })
        .findings();
    let told: Vec<_> = found.iter().filter(|it| it.code == "ipam/no-endpoint").collect();
    assert_eq!(told.len(), PER_CODE);
    assert!(told[PER_CODE - 1].message.ends_with("; and 30 more of the same kind"));
}

#[test]
fn names_in_a_sentence_are_few() {
    let names = |n: usize| (0..n).map(|at| at.to_string()).collect::<Vec<_>>();
    assert_eq!(some_of(&names(0)), "");
    assert_eq!(some_of(&names(1)), "0");
    assert_eq!(some_of(&names(2)), "0 and 1");
    assert_eq!(some_of(&names(4)), "0, 1, 2 and 3");
    assert_eq!(some_of(&names(9)), "0, 1, 2 and 6 more");
    // Words that many share are kept once.
    let mut words = Words::default();
    assert!(Rc::ptr_eq(&words.keep("a"), &words.keep("a")));
}
