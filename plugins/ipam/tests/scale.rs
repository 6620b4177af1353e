//! Ten thousand ranges and a million addresses: that nothing is quadratic. The times are printed
//! by `cargo test --release --test scale -- --ignored --nocapture`; a test does not judge them.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Instant;

use ipam::inputs::{Endpoint, Inputs, Phase, Pod};
use ipam::judge::{Options, all};
use ipam::model::build::build;
use lab_plugin::Fact;

/// A cluster of nodes with a /24 each, and so many pods on each with their endpoints.
fn generated(n_nodes: u32, n_pods: u32) -> Inputs {
    let config = [
        ("ipam", "cluster-pool"),
        ("cluster-pool-ipv4-cidr", "10.0.0.0/8"),
        ("cluster-pool-ipv4-mask-size", "24"),
        ("enable-ipv6", "false"),
    ];
    let mut inputs = Inputs {
        config: Fact::Known(
            config.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        ),
        ..Inputs::default()
    };
    let (mut nodes, mut cilium) = (Vec::new(), Vec::new());
    let (mut pods, mut endpoints) = (Vec::new(), Vec::new());
    let namespace: Rc<str> = Rc::from("default");
    for node in 0..n_nodes {
        let base = 0x0a00_0000 | node << 8;
        let ip = |low: u32| IpAddr::V4(Ipv4Addr::from_bits(base | low));
        let own = IpAddr::V4(Ipv4Addr::from_bits(0xc0a8_0000 + node + 1));
        let name = format!("n{node:05}");
        nodes.push(
            serde_json::from_value(serde_json::json!({"metadata": {"name": name},
                "status": {"addresses": [{"type": "InternalIP", "address": own}]}}))
            .expect("a node"),
        );
        cilium.push(
            serde_json::from_value(serde_json::json!({"metadata": {"name": name}, "spec": {
                "addresses": [{"type": "InternalIP", "ip": own}, {"type": "CiliumInternalIP", "ip": ip(1)}],
                "ipam": {"podCIDRs": [format!("{}/24", ip(0))]}}}))
            .expect("a CiliumNode"),
        );
        let node: Rc<str> = Rc::from(name);
        for low in 0..n_pods {
            let name: Box<str> = format!("p-{node}-{low:03}").into();
            let uid: Box<str> = format!("uid-{node}-{low}").into();
            let ips: Box<[IpAddr]> = [ip(low + 2)].into();
            pods.push(Pod {
                namespace: namespace.clone(),
                name: name.clone(),
                uid: uid.clone(),
                node: node.clone(),
                ips: ips.clone(),
                phase: Phase::Running,
                ..Pod::default()
            });
            endpoints.push(Endpoint {
                namespace: namespace.clone(),
                name,
                pod_uid: Some(uid),
                ips,
                node: Some(own),
                since: None,
            });
        }
    }
    inputs.nodes = Fact::Known(nodes);
    inputs.cilium_nodes = Fact::Known(cilium);
    inputs.pods = Fact::Known(pods);
    inputs.endpoints = Fact::Known(endpoints);
    inputs
}

#[test]
fn a_thousand_nodes_are_counted_right() {
    let cluster = build(generated(1000, 30));
    assert_eq!(cluster.ranges.len(), 1000);
    assert!(cluster.ranges.iter().all(|range| range.used == 31 && range.reserved == 1));
    let uses = cluster.pool_uses();
    assert_eq!(uses[0].used, 1000);
    assert_eq!(uses[0].free().known(), Some(&(65_536 - 1000)));
    assert_eq!(all(&cluster, &Options::default()), []);
}

#[test]
fn what_is_wrong_everywhere_is_told_briefly() {
    let mut inputs = generated(500, 40);
    // Every endpoint is gone, and every node has the first one's range too.
    inputs.endpoints = Fact::Known(Vec::new());
    let found = all(&build(inputs), &Options::default());
    assert_eq!(found.len(), 20, "{:?}", found.first());
    assert!(
        found[19].message.ends_with("and 19980 more of the same kind"),
        "{}",
        found[19].message
    );
}

#[test]
#[ignore = "prints times; nothing is judged"]
#[expect(clippy::print_stderr, reason = "its output is what it is for")]
fn ten_thousand_ranges_and_a_million_addresses() {
    let inputs = generated(10_000, 100);
    let start = Instant::now();
    let cluster = build(inputs);
    let built = start.elapsed();
    let start = Instant::now();
    let found = all(&cluster, &Options::default());
    let judged = start.elapsed();
    eprintln!("{} claims: built in {built:?}, judged in {judged:?}", cluster.claims.len());
    assert_eq!(found, []);
}
