//! Whole outputs of real hosts: what is read from JSON, from text, and printed is the same.
//!
//! `fixtures/README.md` says which command made each file.
#![expect(clippy::unwrap_used, reason = "all of it is a test, helpers included")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use lab_model::{
    AddressFamily,
    fib::{Fib, Outcome, Query},
    iproute2::{
        Route, TableId, parse_addresses, parse_addresses_text, parse_links, parse_links_text,
        parse_neighbors, parse_routes, parse_routes_text, parse_rules, parse_rules_text,
    },
};

const HOSTS: [&str; 4] = [
    "1.17.6-native-k8s-w0",
    "1.18.0-native-seed-k8s-ctr",
    "1.18.0-native-seed-router",
    "1.18.0-tunnel-k8s-w1",
];

fn read(host: &str, output: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ip");
    fs::read_to_string(path.join(format!("{host}.{output}"))).unwrap()
}

fn routes(host: &str) -> Vec<Route> {
    let (routes, problems) = parse_routes(&read(host, "route-all.json"));
    assert_eq!(problems, [], "{host}");
    routes
}

fn fib(host: &str) -> Fib {
    let (rules, _) = parse_rules(&read(host, "rule.json"), AddressFamily::V4);
    Fib::new(rules, routes(host))
}

#[test]
fn routes_print_the_text_of_the_same_moment() {
    for host in HOSTS {
        let text = read(host, "route.txt");
        let wanted: Vec<&str> = text.lines().map(str::trim_end).collect();
        let main: Vec<Route> = routes(host)
            .into_iter()
            .filter(|route| route.table == TableId::MAIN && route.family() == AddressFamily::V4)
            .collect();
        let printed: Vec<String> = main.iter().map(ToString::to_string).collect();
        assert_eq!(printed, wanted, "{host}");
        let (from_text, problems) = parse_routes_text(&text);
        assert_eq!(problems, [], "{host}");
        assert_eq!(from_text, main, "{host}");
    }
}

#[test]
fn rules_and_addresses_are_the_same_in_both_forms() {
    for host in HOSTS {
        let (rules, problems) = parse_rules(&read(host, "rule.json"), AddressFamily::V4);
        assert_eq!(problems, [], "{host}");
        let text = read(host, "rule.txt");
        assert_eq!(parse_rules_text(&text, AddressFamily::V4), (rules.clone(), vec![]), "{host}");
        let printed: Vec<String> = rules.iter().map(ToString::to_string).collect();
        assert_eq!(printed, text.lines().collect::<Vec<_>>(), "{host}");

        let addresses = parse_addresses(&read(host, "addr.json"));
        assert_eq!(addresses.1, [], "{host}");
        assert_eq!(parse_addresses_text(&read(host, "addr.txt")), addresses, "{host}");

        let (links, problems) = parse_links(&read(host, "link.json"));
        assert_eq!(problems, [], "{host}");
        let (from_text, problems) = parse_links_text(&read(host, "addr.txt"));
        assert_eq!(problems, [], "{host}");
        let names = |links: &[lab_model::iproute2::Link]| {
            let parts = links.iter().map(|link| (link.name.clone(), link.mtu, link.peer.clone()));
            parts.collect::<BTreeSet<_>>()
        };
        assert_eq!(names(&from_text), names(&links), "{host}");

        let (neighbors, problems) = parse_neighbors(&read(host, "neigh.json"));
        assert_eq!(problems, [], "{host}");
        assert!(!neighbors.is_empty(), "{host}");
    }
}

#[test]
fn local_addresses_are_those_of_the_devices() {
    for host in HOSTS {
        let fib = fib(host);
        let (addresses, _) = parse_addresses(&read(host, "addr.json"));
        for address in addresses {
            assert!(fib.is_local(address.address), "{host} {}", address.address);
        }
    }
}

#[test]
fn pods_of_each_mode_are_reached_the_way_the_lines_say() {
    for (host, dst, line) in [
        (
            "1.18.0-native-seed-k8s-ctr",
            "172.20.1.7",
            "172.20.1.0/24 via 192.168.10.101 dev eth1 proto kernel",
        ),
        // Off the link: no route of its own, so the covering static one takes it.
        (
            "1.18.0-native-seed-k8s-ctr",
            "172.20.2.7",
            "172.20.0.0/16 via 192.168.10.200 dev eth1 proto static",
        ),
        (
            "1.18.0-tunnel-k8s-w1",
            "172.20.1.7",
            "172.20.1.0/24 via 172.20.2.49 dev cilium_host proto kernel src 172.20.2.49 mtu 1450",
        ),
        (
            "1.18.0-tunnel-k8s-w1",
            "172.20.2.74",
            "172.20.2.74 dev lxc74a22ce0db4e proto kernel scope link",
        ),
        // The router has no route to any pod.
        ("1.18.0-native-seed-router", "172.20.1.7", "default via 10.0.2.2 dev eth0"),
    ] {
        let fib = fib(host);
        let lookup = fib.lookup(&Query::to(dst.parse().unwrap()));
        let Outcome::Found(route) = lookup.outcome else { panic!("{host} {dst}: {lookup:?}") };
        assert_eq!(route.to_string(), line, "{host} {dst}");
    }
}
