//! Each finding: a good cluster broken in exactly that way, and cases that nearly are.

mod addresses;
mod capacity;
mod nodes;
mod ranges;

use std::rc::Rc;

use lab_model::cilium::{IpamNode, PodIpPool, parse_agent_endpoints, parse_agent_ipam};
use lab_model::kubernetes::Node;
use lab_plugin::Level::{Bad, Info, Unknown, Warn};
use lab_plugin::{Fact, Finding, Level, findings};
use serde_json::{Value, json};

use super::*;
use crate::inputs::{Agent, ExtraRoute, Inputs, Stated};
use crate::model::build::build;
use crate::parse::{EndpointObject, PodObject, Words};

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
fn what_is_told_too_often_is_counted() {
    let found = good()
        .change(|made| {
            for at in 0..50 {
                made.pods.push(pod(&format!("x{at}"), "a", &format!("172.20.0.{}", at + 100)));
            }
        })
        .findings();
    let told: Vec<_> = found.iter().filter(|it| it.code == "ipam/no-endpoint").collect();
    assert_eq!(told.len(), findings::PER_CODE);
    assert!(told[findings::PER_CODE - 1].message.ends_with("; and 30 more of the same kind"));
}

#[test]
fn words_that_many_share_are_kept_once() {
    let mut words = Words::default();
    assert!(Rc::ptr_eq(&words.keep("a"), &words.keep("a")));
}
