//! What the recorded labs do not show: other datapaths, policy rules, IPv6, names.

use lab_model::AddressFamily;
use lab_model::iproute2::{IpRule, TableId};
use lab_model::walk::Disposition;

use super::*;
use crate::made::{A, Lab, fib_with, ip, lab, prefix, with, without};
use crate::model::{PodInput, build};
use crate::words::say;

/// How both ways end, and the first reason there is.
fn walked(lab: Lab, source: &str, destination: &str) -> (Disposition, Option<Disposition>, String) {
    let cluster = build(lab.inputs);
    let view = View::new(&cluster);
    let ends = Ends {
        source: Endpoint::resolve(&cluster, source).unwrap(),
        destination: Endpoint::resolve(&cluster, destination).unwrap(),
    };
    let path = ends.walk(&view).unwrap();
    let back = path.back.as_ref();
    let why =
        say(path.there.end().reason).or_else(|| back.ok().and_then(|it| say(it.end().reason)));
    (
        path.there.end().disposition,
        back.ok().map(|back| back.end().disposition),
        why.unwrap_or_default(),
    )
}

fn pods(mut lab: Lab) -> Lab {
    let pod = |name: &str, node: &str, address: &str| PodInput {
        name: name.to_owned(),
        node: node.to_owned(),
        ips: vec![ip(address)],
        host_network: false,
    };
    lab.inputs.pods = Some(vec![
        pod("default/one", "a", "10.1.0.7"),
        pod("default/two", "c", "10.1.2.7"),
        pod("other/one", "b", "10.1.1.7"),
    ]);
    lab
}

fn tunnel() -> Lab {
    let ranges = ["10.1.0", "10.1.1", "10.1.2"];
    let mut lab = pods(lab()).set("routing-mode", "tunnel");
    for (name, own) in ["a", "b", "c"].into_iter().zip(ranges) {
        let others = || ranges.iter().filter(move |range| **range != own);
        lab = lab.routes(name, |text| {
            let is_old = |line: &&str| {
                line.starts_with("10.1.0.0/16")
                    || others().any(|range| line.starts_with(&format!("{range}.0/24")))
            };
            let kept = text.lines().filter(|line| !is_old(line)).map(str::to_owned);
            let routes = others().map(|range| {
                format!(
                    "{range}.0/24 via {own}.1 dev cilium_host proto kernel src {own}.1 mtu 1450"
                )
            });
            kept.chain(routes).collect::<Vec<_>>().join("\n")
        });
    }
    lab
}

const BOTH: (Disposition, Option<Disposition>) =
    (Disposition::Delivered, Some(Disposition::Delivered));

fn check(lab: Lab, source: &str, destination: &str, there: Disposition, back: Option<Disposition>) {
    let ends = walked(lab, source, destination);
    assert_eq!((ends.0, ends.1), (there, back), "{source} to {destination}: {}", ends.2);
}

#[test]
fn pods_and_hosts_reach_each_other_in_every_mode() {
    for (source, destination) in [
        ("default/one", "default/two"),
        ("other/one", "default/two"),
        ("a", "default/two"),
        ("default/one", "c"),
        ("r", "default/one"),
        ("a", "c"),
    ] {
        check(pods(lab()), source, destination, BOTH.0, BOTH.1);
        if source != "r" {
            check(tunnel(), source, destination, BOTH.0, BOTH.1);
        }
    }
}

#[test]
fn a_router_with_routes_reaches_pods_in_a_tunnel_and_answers_keep_their_source() {
    check(tunnel(), "r", "default/two", BOTH.0, BOTH.1);
    let without_routes =
        tunnel().routes("r", |text| without("10.1.0.0/24")(&without("10.1.2.0/24")(text)));
    let ends = walked(without_routes, "r", "default/two");
    assert_eq!(ends.0, Disposition::BlackHole);
}

#[test]
fn legacy_host_routing_needs_the_kernels_route() {
    let legacy =
        |text: &str| {
            let mut lab = pods(lab()).set("enable-host-legacy-routing", "true");
            lab = lab.routes("c", |known| {
                if text.is_empty() { known.to_owned() } else { without(text)(known) }
            });
            lab
        };
    check(legacy(""), "default/one", "default/two", BOTH.0, BOTH.1);
    // Without it the packet takes the covering route back to the router.
    check(
        legacy("10.1.2.0/24"),
        "default/one",
        "default/two",
        Disposition::Loop,
        Some(Disposition::Delivered),
    );
}

#[test]
fn an_address_of_the_range_without_a_pod_is_refused_by_the_datapath() {
    let ends = walked(pods(lab()), "default/one", "10.1.0.99");
    assert_eq!(ends.0, Disposition::Denied, "{}", ends.2);
}

#[test]
fn policy_rules_of_a_cloud_choose_the_table() {
    let mut lab = pods(lab());
    let mut rules = IpRule::defaults(AddressFamily::V4);
    let mut own = IpRule::lookup(AddressFamily::V4, 111, TableId(11));
    own.from = Some(prefix("10.1.0.7/32"));
    rules.push(own);
    let lines = "local 192.168.1.10 dev eth1 table local\nblackhole default table 11\n";
    lab.host("a").fib = Ok(fib_with(&format!("{lines}{A}"), rules));
    let ends = walked(lab, "default/one", "default/two");
    assert_eq!((ends.0, ends.1), (Disposition::BlackHole, Some(Disposition::Delivered)));
}

#[test]
fn what_is_not_known_ends_in_unknown() {
    let mut silent = pods(lab());
    silent.host("r").fib = Err("timeout".to_owned());
    assert_eq!(walked(silent, "default/one", "default/two").2, "timeout");
    let masq = pods(lab()).set("enable-ip-masq-agent", "true");
    assert_eq!(walked(masq, "default/one", "192.168.1.200").0, Disposition::Unknown);
    let mut bare = pods(lab());
    bare.inputs.config = None;
    assert_eq!(walked(bare, "default/one", "default/two").0, Disposition::Unknown);
    let mut twins = pods(lab());
    let twin = twins.host("b").addresses.as_ref().unwrap().clone();
    twins.host("c").addresses.as_mut().unwrap().extend(twin);
    assert_eq!(walked(twins, "a", "192.168.1.11").0, Disposition::Unknown);
    let mut drops = pods(lab());
    drops.host("r").forward_drops = Some(true);
    assert_eq!(walked(drops, "default/one", "default/two").0, Disposition::FilteredUnknown);
}

#[test]
fn a_neighbor_that_does_not_answer_is_unreachable() {
    let mut lab = pods(lab());
    let eth1 = lab_model::iproute2::DeviceName::new("eth1").unwrap();
    lab.host("a").neighbors = Ok(vec![(eth1, ip("192.168.1.200"), "FAILED".to_owned())]);
    let ends = walked(lab, "default/one", "default/two");
    assert_eq!(
        (ends.0, ends.2.as_str()),
        (Disposition::NeighborUnreachable, "192.168.1.200: FAILED")
    );
}

#[test]
fn ipv6_ways_are_walked_as_ipv4_ones() {
    let mut lab = lab();
    let eth1 = lab_model::iproute2::DeviceName::new("eth1").unwrap();
    let ends = [("a", "fd00::10", "fd00:1::"), ("b", "fd00::11", "fd00:2::")];
    for (idx, (name, own, range)) in ends.into_iter().enumerate() {
        let network = prefix("fd00::/112");
        let address = crate::model::Address { device: eth1, ip: ip(own), network, is_global: true };
        lab.host(name).addresses.as_mut().unwrap().push(address);
        let claim = &mut lab.inputs.cilium_nodes.as_mut().unwrap()[idx];
        claim.internal.push(ip(own));
        claim.pod_cidrs.push(prefix(&format!("{range}/64")));
        let (_, peer, theirs) = ends[1 - idx];
        let route = format!("{theirs}/64 via {peer} dev eth1 proto kernel metric 1024 pref medium");
        lab = lab.routes(name, with(&route));
    }
    let pod = |name: &str, node: &str, address: &str| PodInput {
        name: name.to_owned(),
        node: node.to_owned(),
        ips: vec![ip(address)],
        host_network: false,
    };
    lab.inputs.pods = Some(vec![pod("x/a", "a", "fd00:1::7"), pod("x/b", "b", "fd00:2::7")]);
    // Without a native-routing CIDR the node's address takes the pod's place, and the answer to
    // that needs a route which is not there.
    let named = Lab { inputs: lab.inputs }.set("ipv6-native-routing-cidr", "fd00::/16");
    check(named, "x/a", "x/b", BOTH.0, BOTH.1);
}

#[test]
fn names_mean_one_thing_or_are_refused() {
    let cluster = build(pods(lab()).inputs);
    let refused = |name: &str| Endpoint::resolve(&cluster, name).unwrap_err().0;
    assert!(refused("one").contains("say `default/one` or `other/one`"));
    assert!(refused("default/none").contains("no pod"));
    assert!(refused("nobody").contains("no pod, no host and no address"));
    let two = Endpoint::resolve(&cluster, "two").unwrap();
    assert_eq!(two, Endpoint::resolve(&cluster, "10.1.2.7").unwrap());
    assert_eq!(
        Endpoint::resolve(&cluster, "192.168.2.200").unwrap().host(),
        cluster.host_named("r")
    );
}
