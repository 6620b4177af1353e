//! Checks that nearly fire, checks with nothing known, and those that recordings cannot show.

use std::collections::BTreeMap;
use std::rc::Rc;

use lab_plugin::{Fact, Finding, Level};

use super::{Options, all};
use crate::inputs::Answers;
use crate::model::{Cluster, Node};
use crate::parse::agent_status::{AgentStatus, Controller, State};
use crate::parse::metrics::{Sample, Value};
use crate::parse::modules::Modules;
use crate::parse::objects::{Pod, Workload};
use crate::parse::peers::{Peer, Peers, Reach};
use crate::parse::reverse_path::ReversePath;

fn pod(node: &str) -> Pod {
    Pod {
        namespace: "kube-system".to_owned(),
        name: format!("cilium-{node}"),
        component: "cilium".to_owned(),
        node: node.to_owned(),
        is_ready: Some(true),
        phase: "Running".to_owned(),
        version: Some("1.18.0".to_owned()),
        ..Pod::default()
    }
}

fn node(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        labels: BTreeMap::new(),
        agent: Fact::Known(pod(name)),
        answers: Answers::default(),
        endpoints: Fact::not_asked(),
    }
}

fn cluster(nodes: Vec<Node>) -> Cluster {
    Cluster {
        namespace: "kube-system".to_owned(),
        has_cilium: true,
        config: Fact::Known(BTreeMap::new()),
        other_configs: BTreeMap::new(),
        node_settings: BTreeMap::new(),
        node_configs: Fact::Absent,
        pods: nodes.iter().filter_map(|node| node.agent.known().cloned()).collect(),
        workloads: Vec::new(),
        logs: BTreeMap::new(),
        now: None,
        nodes,
    }
}

fn told(cluster: &Cluster) -> Vec<Finding> {
    all(cluster, Options::default())
}

fn codes(cluster: &Cluster) -> Vec<String> {
    told(cluster).into_iter().map(|finding| finding.code).collect()
}

#[test]
fn nothing_known_tells_nothing() {
    assert!(codes(&cluster(vec![node("a"), node("b")])).is_empty());
    let mut unknown = node("a");
    unknown.agent = Fact::Unknown("denied".to_owned());
    let mut cluster = cluster(vec![unknown]);
    cluster.config = Fact::Unknown("denied".to_owned());
    assert!(codes(&cluster).is_empty());
    cluster.nodes[0].agent = Fact::Absent;
    cluster.has_cilium = false;
    assert!(codes(&cluster).is_empty());
}

fn at(name: &str, ahead: i64) -> Node {
    let mut node = node(name);
    node.answers.clock = Fact::Known(ahead);
    node
}

#[test]
fn clocks_are_compared_with_each_other() {
    let skewed = told(&cluster(vec![at("a", 200), at("b", -9_000), at("c", 0)]));
    assert_eq!(skewed.len(), 1);
    assert_eq!((skewed[0].code.as_str(), skewed[0].subject.as_str()), ("status/clock-skew", "b"));
    assert!(skewed[0].message.contains("9 s behind"), "{}", skewed[0].message);
    // The clock here is an hour wrong.
    assert!(
        codes(&cluster(vec![at("a", 3_600_000), at("b", 3_600_500), at("c", 3_604_000)]))
            .is_empty()
    );
    assert!(codes(&cluster(vec![at("a", 0), node("b"), at("c", 5_000)])).is_empty());
}

#[test]
fn states_that_are_switched_off_are_fine() {
    let state = |word: &str| Some(State { word: word.to_owned(), message: String::new() });
    let mut fine = node("a");
    fine.answers.status = Fact::Known(AgentStatus {
        cilium: state("Ok"),
        kvstore: state("Disabled"),
        controllers: Some(vec![Controller {
            // It has failed, and succeeded since.
            failures: 9,
            message: "no".to_owned(),
            ..Controller::default()
        }]),
        ..AgentStatus::default()
    });
    assert!(codes(&cluster(vec![fine.clone()])).is_empty());
    if let Fact::Known(status) = &mut fine.answers.status {
        status.kvstore = state("Warning");
    }
    let found = told(&cluster(vec![fine]));
    assert_eq!((found.len(), found[0].level), (1, Level::Warn));
}

#[test]
fn patches_of_one_minor_version_are_worth_knowing() {
    let mut own = cluster(vec![node("a"), node("b")]);
    own.workloads = vec![Workload {
        kind: "Deployment",
        namespace: "kube-system".to_owned(),
        name: "cilium-operator".to_owned(),
        desired: Some(1),
        ready: 1,
        available: 1,
        updated: 1,
        version: Some("1.18.2".to_owned()),
    }];
    let found = told(&own);
    assert_eq!((found.len(), found[0].level), (1, Level::Info));
    own.workloads[0].version = None;
    assert!(codes(&own).is_empty());
}

#[test]
fn loose_is_not_strict() {
    let with = |all: u8, own: u8| {
        let mut node = node("a");
        node.answers.reverse_path = Fact::Known(ReversePath {
            all,
            default: Some(1),
            devices: vec![("cilium_host".to_owned(), own), ("eth0".to_owned(), 1)],
        });
        codes(&cluster(vec![node]))
    };
    assert!(with(0, 0).is_empty());
    assert!(with(2, 1).is_empty());
    assert!(with(0, 2).is_empty());
    assert_eq!(with(1, 0), ["status/rp-filter"]);
    assert_eq!(with(0, 1), ["status/rp-filter"]);
}

#[test]
fn a_strict_device_is_in_the_way_of_dsr_alone() {
    let with = |dsr: Option<&str>| {
        let mut node = node("a");
        node.answers.status = Fact::Known(AgentStatus {
            dsr_device: dsr.map(str::to_owned),
            ..AgentStatus::default()
        });
        let devices = vec![("cilium_host".to_owned(), 0), ("eth0".to_owned(), 1)];
        node.answers.reverse_path = Fact::Known(ReversePath { all: 0, default: None, devices });
        codes(&cluster(vec![node]))
    };
    assert!(with(None).is_empty());
    assert!(with(Some("eth1")).is_empty());
    assert_eq!(with(Some("eth0")), ["status/rp-filter"]);
}

#[test]
fn numbers_that_are_none_fill_no_map() {
    let with = |pressure: f64| {
        let mut node = node("a");
        node.answers.metrics = Fact::Known(vec![Sample {
            name: "cilium_bpf_map_pressure".into(),
            labels: Rc::new([("map_name".to_owned(), "ct4_global".to_owned())].into()),
            value: Value::Number(pressure),
        }]);
        codes(&cluster(vec![node]))
    };
    for pressure in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.8] {
        assert!(with(pressure).is_empty(), "{pressure}");
    }
    assert_eq!(with(0.801), ["status/map-pressure"]);
}

#[test]
fn a_number_of_degraded_modules_is_told_without_names() {
    let mut counted = node("a");
    counted.answers.modules =
        Fact::Known(Modules { ok: 9, stopped: 1, n_degraded: 2, degraded: Vec::new() });
    let found = told(&cluster(vec![counted]));
    assert_eq!((found.len(), found[0].code.as_str()), (1, "status/module-degraded"));
    assert!(found[0].evidence[0].1.contains("degraded 2"));
}

#[test]
fn a_peer_that_many_miss_is_told_once() {
    let missing = |name: &str, host: Reach| {
        let mut node = node(name);
        let peer = Peer { name: "x".to_owned(), ip: "10.0.0.9".to_owned(), host, endpoint: None };
        node.answers.peers = Fact::Known(Peers { all: vec![peer], at: String::new() });
        node
    };
    let failed = || Reach::Failed("icmp: timed out".to_owned());
    let nodes = vec![missing("a", failed()), missing("b", failed()), missing("c", Reach::Unknown)];
    let found = told(&cluster(nodes));
    assert_eq!((found.len(), found[0].subject.as_str()), (1, "x"));
    assert!(found[0].message.contains("from 2 of 3 nodes"), "{}", found[0].message);
}

#[test]
fn what_is_told_too_often_is_counted() {
    let nodes = (0..50).map(|number| {
        let mut node = node(&format!("n{number:02}"));
        node.agent = Fact::Absent;
        node
    });
    let found = told(&cluster(nodes.collect()));
    assert_eq!(found.len(), lab_plugin::findings::PER_CODE);
    assert!(found[19].message.ends_with("and 30 more of the same kind"), "{}", found[19].message);
}
