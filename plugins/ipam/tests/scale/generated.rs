//! A cluster of any size, in which nothing is wrong.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use ipam::inputs::{Endpoint, Inputs, Phase, Pod};
use lab_plugin::Fact;

/// A cluster of nodes with a /24 each, and so many pods on each with their endpoints.
pub(crate) fn generated(n_nodes: u32, n_pods: u32) -> Inputs {
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
