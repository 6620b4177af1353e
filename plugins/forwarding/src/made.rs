//! A cluster made by hand for tests: nodes `a` and `b` on one link, `c` behind the router `r`.
//!
//! Apart from the tests because those of every plugin over this crate use it, with the feature
//! `made`. Text that is not what it should be ends the test.

#![expect(clippy::unwrap_used, reason = "a test ends where its cluster cannot be made")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::fib::Fib;
use lab_model::iproute2::{DeviceName, IpRule, parse_routes_text};
use lab_model::{AddressFamily, Prefix};

use crate::model::{Address, Agent, CiliumNodeInput, HostInput, Inputs, Link, NodeInput};

/// Main table of node `a`, as `ip route` prints it.
pub const A: &str = "10.1.0.0/24 via 10.1.0.1 dev cilium_host proto kernel src 10.1.0.1
10.1.1.0/24 via 192.168.1.11 dev eth1 proto kernel
10.1.0.0/16 via 192.168.1.200 dev eth1 proto static
192.168.1.0/24 dev eth1 proto kernel scope link src 192.168.1.10
192.168.2.0/24 via 192.168.1.200 dev eth1 proto static";
/// Main table of node `b`, as `ip route` prints it.
pub const B: &str = "10.1.0.0/24 via 192.168.1.10 dev eth1 proto kernel
10.1.1.0/24 via 10.1.1.1 dev cilium_host proto kernel src 10.1.1.1
10.1.0.0/16 via 192.168.1.200 dev eth1 proto static
192.168.1.0/24 dev eth1 proto kernel scope link src 192.168.1.11
192.168.2.0/24 via 192.168.1.200 dev eth1 proto static";
/// Main table of node `c`, as `ip route` prints it.
pub const C: &str = "10.1.2.0/24 via 10.1.2.1 dev cilium_host proto kernel src 10.1.2.1
10.1.0.0/16 via 192.168.2.200 dev eth1 proto static
192.168.2.0/24 dev eth1 proto kernel scope link src 192.168.2.10
192.168.1.0/24 via 192.168.2.200 dev eth1 proto static";
/// Main table of the router, as `ip route` prints it.
pub const R: &str = "default via 10.0.2.2 dev eth0
10.1.0.0/24 via 192.168.1.10 dev eth1 proto static
10.1.1.0/24 via 192.168.1.11 dev eth1 proto static
10.1.2.0/24 via 192.168.2.10 dev eth2 proto static
192.168.1.0/24 dev eth1 proto kernel scope link src 192.168.1.200
192.168.2.0/24 dev eth2 proto kernel scope link src 192.168.2.200";

/// A cluster in order, to be put out of it.
pub struct Lab {
    /// What the hosts and objects say.
    pub inputs: Inputs,
}

/// An address.
pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A prefix; bits of the host are dropped.
pub fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

/// A device.
pub fn device(name: &str) -> DeviceName {
    DeviceName::new(name).unwrap()
}

/// Tables with the rules of a plain host.
pub fn fib(routes: &str) -> Fib {
    fib_with(routes, IpRule::defaults(AddressFamily::V4))
}

/// Tables with these rules.
pub fn fib_with(routes: &str, rules: Vec<IpRule>) -> Fib {
    let (parsed, problems) = parse_routes_text(routes);
    assert_eq!(problems, [], "{routes}");
    Fib::new(rules, parsed)
}

/// A host with addresses (`device`, `address/length`), their local routes and a main table.
pub fn host(name: &str, is_node: bool, addresses: &[(&str, &str)], routes: &str) -> HostInput {
    let own = addresses.iter().map(|(dev, text)| Address {
        device: device(dev),
        ip: ip(text.split_once('/').unwrap().0),
        network: prefix(text),
        is_global: true,
    });
    let local = addresses.iter().map(|(dev, text)| {
        let own = text.split_once('/').unwrap().0;
        format!("local {own} dev {dev} table local proto kernel scope host src {own}\n")
    });
    let links = ["eth0", "eth1", "eth2", "cilium_host"]
        .map(|name| (device(name), Link { mtu: Some(1500), is_down: false }));
    HostInput {
        name: name.to_owned(),
        is_node,
        known: Vec::new(),
        fib: Ok(fib(&format!("{}{routes}", local.collect::<String>()))),
        addresses: Ok(own.collect()),
        links: Ok(links.to_vec()),
        neighbors: Ok(Vec::new()),
        forward_drops: None,
        in_force: None,
        agent: if is_node { Agent::Ready } else { Agent::NotAsked },
    }
}

/// The cluster in order: native routing, and a router with a route to every range.
pub fn lab() -> Lab {
    let nodes = [
        ("a", "192.168.1.10", "10.1.0"),
        ("b", "192.168.1.11", "10.1.1"),
        ("c", "192.168.2.10", "10.1.2"),
    ];
    let node = |(name, own, _): &(&str, &str, &str), number: usize| NodeInput {
        name: (*name).to_owned(),
        labels: BTreeMap::new(),
        internal: vec![ip(own)],
        pod_cidrs: vec![prefix(&format!("10.244.{number}.0/24"))],
    };
    let cilium = |(name, own, range): &(&str, &str, &str)| CiliumNodeInput {
        name: (*name).to_owned(),
        internal: vec![ip(own)],
        routers: vec![ip(&format!("{range}.1"))],
        pod_cidrs: vec![prefix(&format!("{range}.0/24"))],
    };
    let config = [
        ("routing-mode", "native"),
        ("auto-direct-node-routes", "true"),
        ("ipv4-native-routing-cidr", "10.1.0.0/16"),
        ("cluster-pool-ipv4-cidr", "10.1.0.0/16"),
        ("enable-bpf-masquerade", "true"),
        ("enable-l7-proxy", "false"),
    ];
    let own = |range: &str| format!("{range}.1/32");
    let inputs = Inputs {
        hosts: vec![
            host("a", true, &[("eth1", "192.168.1.10/24"), ("cilium_host", &own("10.1.0"))], A),
            host("b", true, &[("eth1", "192.168.1.11/24"), ("cilium_host", &own("10.1.1"))], B),
            host("c", true, &[("eth1", "192.168.2.10/24"), ("cilium_host", &own("10.1.2"))], C),
            host("r", false, &[("eth1", "192.168.1.200/24"), ("eth2", "192.168.2.200/24")], R),
        ],
        nodes: nodes.iter().enumerate().map(|(number, of)| node(of, number)).collect(),
        cilium_nodes: Some(nodes.iter().map(cilium).collect()),
        config: Some(config.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        ..Inputs::default()
    };
    Lab { inputs }
}

impl Lab {
    /// Another table on one host, its own addresses kept.
    #[must_use]
    pub fn routes(mut self, name: &str, edit: impl Fn(&str) -> String) -> Self {
        let texts = [("a", A), ("b", B), ("c", C), ("r", R)];
        let text = edit(texts.iter().find(|(known, _)| *known == name).unwrap().1);
        let input = self.inputs.hosts.iter_mut().find(|host| host.name == name).unwrap();
        let addresses: Vec<(String, String)> = input
            .addresses
            .iter()
            .flatten()
            .map(|own| (own.device.to_string(), format!("{}/{}", own.ip, own.network.len())))
            .collect();
        let addresses: Vec<(&str, &str)> =
            addresses.iter().map(|(dev, own)| (dev.as_str(), own.as_str())).collect();
        input.fib = host(name, input.is_node, &addresses, &text).fib;
        self
    }

    /// Another value in `cilium-config`.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.inputs.config.as_mut().unwrap().insert(key.to_owned(), value.to_owned());
        self
    }

    /// One host, to be changed.
    pub fn host(&mut self, name: &str) -> &mut HostInput {
        self.inputs.hosts.iter_mut().find(|host| host.name == name).unwrap()
    }
}

/// Takes lines that begin so out of a table.
pub fn without(line: &str) -> impl Fn(&str) -> String + '_ {
    move |text| {
        assert!(text.contains(line), "no {line}");
        text.lines().filter(|known| !known.starts_with(line)).collect::<Vec<_>>().join("\n")
    }
}

/// Adds a line to a table.
pub fn with(line: &str) -> impl Fn(&str) -> String + '_ {
    move |text| format!("{text}\n{line}")
}
