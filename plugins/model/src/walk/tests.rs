//! A walk over small networks made by hand, and over generated ones: it always ends, it agrees
//! with each host's own lookup, and what it delivers is delivered at the owner.

use std::collections::HashMap;
use std::net::IpAddr;

use super::*;
use crate::fib::{Fib, Query};
use crate::iproute2::{DeviceName, IpRule, Route, RouteType, parse_routes_text};
use crate::{AddressFamily, Prefix};

/// Hosts on one link each pair of which sees the other.
struct Hosts {
    names: Vec<String>,
    fibs: Vec<Result<Fib, String>>,
    owners: HashMap<IpAddr, HostIdx>,
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Hosts `a`, `b` … with addresses 10.0.0.1, 10.0.0.2 … and the routes given as text.
fn hosts(routes: &[&str]) -> Hosts {
    let mut made = Hosts { names: Vec::new(), fibs: Vec::new(), owners: HashMap::new() };
    for (index, text) in routes.iter().enumerate() {
        let own = ip(&format!("10.0.0.{}", index + 1));
        let local = format!("local {own} dev eth0 table local proto kernel scope host");
        let (parsed, problems) = parse_routes_text(&format!("{local}\n{text}"));
        assert_eq!(problems, [], "{text}");
        made.names.push(format!("host-{index}"));
        made.fibs.push(Ok(Fib::new(IpRule::defaults(AddressFamily::V4), parsed)));
        made.owners.insert(own, index);
    }
    made
}

impl Network for Hosts {
    fn name(&self, host: HostIdx) -> &str {
        &self.names[host]
    }
    fn fib(&self, host: HostIdx) -> Result<&Fib, &str> {
        self.fibs[host].as_ref().map_err(String::as_str)
    }
    fn mtu(&self, host: HostIdx, _: DeviceName) -> Option<u32> {
        Some(1500 - u32::try_from(host).unwrap())
    }
    fn is_down(&self, _: HostIdx, device: DeviceName) -> bool {
        device == "down0"
    }
    fn neighbor(&self, host: HostIdx, _: DeviceName, address: IpAddr) -> Neighbor<'_> {
        match self.owners.get(&address) {
            Some(&owner) if owner != host => Neighbor::Host(owner, DeviceName::new("eth0")),
            _ => Neighbor::Outside,
        }
    }
    fn source(&self, host: HostIdx, _: &Leg<'_>, _: IpAddr) -> Option<IpAddr> {
        self.owners.iter().find(|(_, owner)| **owner == host).map(|(own, _)| *own)
    }
    fn beyond(&self, _: HostIdx, _: &Packet, leg: &Leg<'_>) -> End<'_> {
        let default = leg.route.dst.is_default();
        End::plain(if default { Disposition::BlackHole } else { Disposition::Exits })
    }
}

fn flow(to: &str) -> Flow {
    let packet = Packet::request(unspecified_like(ip(to)), ip(to));
    Flow { packet, host: 0, in_device: None }
}

fn check(routes: &[&str], to: &str, expected: Disposition) {
    let hosts = hosts(routes);
    let flow = flow(to);
    let trace = trace(&hosts, &flow);
    assert_eq!(trace.end().disposition, expected, "{routes:?} to {to}");
    assert_eq!(fate(&hosts, &flow).0, trace.end(), "a fate is a trace without its hops");
}

#[test]
fn every_disposition_has_its_cause() {
    let on_link = "10.0.0.0/24 dev eth0";
    check(&[on_link, on_link], "10.0.0.2", Disposition::Delivered);
    check(&[on_link], "10.0.0.1", Disposition::Delivered);
    check(&[on_link], "10.0.0.9", Disposition::Exits);
    check(&[on_link], "10.9.0.1", Disposition::NoRoute);
    check(&["unreachable 10.9.0.0/16"], "10.9.0.1", Disposition::Denied);
    check(&["prohibit 10.9.0.0/16"], "10.9.0.1", Disposition::Denied);
    check(&["blackhole 10.9.0.0/16"], "10.9.0.1", Disposition::BlackHole);
    check(&["default via 10.0.0.9 dev eth0"], "10.9.0.1", Disposition::BlackHole);
    check(&["10.0.0.0/24 dev down0", on_link], "10.0.0.2", Disposition::NeighborUnreachable);
    let circle = ["10.9.0.0/16 via 10.0.0.2 dev eth0", "10.9.0.0/16 via 10.0.0.1 dev eth0"];
    check(&circle, "10.9.0.1", Disposition::Loop);
}

#[test]
fn a_host_without_an_answer_ends_in_unknown_with_its_reason() {
    let mut hosts = hosts(&["10.9.0.0/16 via 10.0.0.2 dev eth0", ""]);
    hosts.fibs[1] = Err("timeout".to_owned());
    let end = trace(&hosts, &flow("10.9.0.1")).end();
    assert_eq!(end, End::because(Disposition::Unknown, "timeout"));
}

#[test]
fn every_leg_is_a_branch_and_the_worst_one_counts() {
    let routes = [
        "10.9.0.0/16 \n\tnexthop via 10.0.0.2 dev eth0 weight 1 \n\tnexthop via 10.0.0.3 dev eth0 weight 1 ",
        "local 10.9.0.0/16 dev lo",
        "unreachable 10.9.0.0/16",
    ];
    let hosts = hosts(&routes);
    let trace = trace(&hosts, &flow("10.9.0.1"));
    assert_eq!(trace.branches.len(), 2);
    assert_eq!(trace.end().disposition, Disposition::Denied);
    let ends: Vec<_> = trace.branches.iter().map(|branch| branch.end.disposition).collect();
    assert!(ends.contains(&Disposition::Delivered));
}

#[test]
fn the_smallest_mtu_of_route_and_device_counts() {
    let routes = [
        "10.9.0.0/16 via 10.0.0.2 dev eth0",
        "10.9.0.0/16 via 10.0.0.3 dev eth0 mtu 1400",
        "local 10.9.0.0/16 dev lo",
    ];
    let hosts = hosts(&routes);
    assert_eq!(trace(&hosts, &flow("10.9.0.1")).mtu(), Some(1400));
    assert_eq!(fate(&hosts, &flow("10.9.0.1")).1.hops, 3);
}

#[test]
fn many_forks_end() {
    // Each host forks to two others: the branches are bounded, not the time.
    let leg = |to: usize| format!("\tnexthop via 10.0.0.{to} dev eth0 weight 1");
    let texts: Vec<String> = (0..20_usize)
        .map(|host| {
            format!("10.9.0.0/16\n{}\n{}", leg((host + 1) % 20 + 1), leg((host + 7) % 20 + 1))
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let hosts = hosts(&texts);
    let trace = trace(&hosts, &flow("10.9.0.1"));
    assert!(trace.branches.len() <= MOST_BRANCHES + MOST_HOPS * 2);
}

/// Wraps everything to 10.9.0.0/16 at host 0 and leaves unwrapping to host 2.
struct Tunneled(Hosts);

impl Network for Tunneled {
    fn name(&self, host: HostIdx) -> &str {
        self.0.name(host)
    }
    fn fib(&self, host: HostIdx) -> Result<&Fib, &str> {
        self.0.fib(host)
    }
    fn mtu(&self, host: HostIdx, device: DeviceName) -> Option<u32> {
        self.0.mtu(host, device)
    }
    fn is_down(&self, host: HostIdx, device: DeviceName) -> bool {
        self.0.is_down(host, device)
    }
    fn neighbor(&self, host: HostIdx, device: DeviceName, address: IpAddr) -> Neighbor<'_> {
        self.0.neighbor(host, device, address)
    }
    fn source(&self, host: HostIdx, leg: &Leg<'_>, to: IpAddr) -> Option<IpAddr> {
        self.0.source(host, leg, to)
    }
    fn beyond(&self, host: HostIdx, packet: &Packet, leg: &Leg<'_>) -> End<'_> {
        self.0.beyond(host, packet, leg)
    }
    fn arrive(&self, host: HostIdx, in_device: Option<DeviceName>, packet: &Packet) -> Arrival<'_> {
        let device = DeviceName::new("tun0").unwrap();
        match (host, in_device) {
            (0, None) if packet.destination == ip("10.9.0.1") => Arrival::Encapsulate(Wrap {
                source: ip("10.0.0.1"),
                destination: ip("10.0.0.3"),
                overhead: 50,
                device,
            }),
            (2, Some(from)) if from == device => Arrival::Deliver("pod"),
            _ => Arrival::Kernel,
        }
    }
}

#[test]
fn a_tunnel_passes_hosts_that_know_nothing_of_what_is_inside() {
    let hosts = hosts(&["10.0.0.3 via 10.0.0.2 dev eth0", "10.0.0.0/24 dev eth0", ""]);
    let hosts = Tunneled(hosts);
    let trace = trace(&hosts, &flow("10.9.0.1"));
    assert_eq!(trace.end().disposition, Disposition::Delivered);
    let hops = &trace.branches[0].hops;
    assert_eq!(hops.iter().map(|hop| hop.host).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(hops[1].packet.destination, ip("10.0.0.3"));
    assert_eq!(hops[2].packet.destination, ip("10.9.0.1"));
    assert_eq!(trace.mtu(), Some(1449), "1499 on the second host, less the outer headers");
    let acts: Vec<_> = hops[2].steps.iter().collect();
    assert_eq!(acts, [Step::Decapsulate, Step::Deliver("pod")]);
}

/// A small generator: the same sequence for the same seed, without a dependency.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn generated(random: &mut Random) -> Hosts {
    let n_hosts = 2 + random.below(6);
    let mut made = Hosts { names: Vec::new(), fibs: Vec::new(), owners: HashMap::new() };
    for index in 0..n_hosts {
        let own = ip(&format!("10.0.0.{}", index + 1));
        let mut local = Route::to(Prefix::host(own));
        local.route_type = RouteType::Local;
        local.table = crate::iproute2::TableId::LOCAL;
        local.device = DeviceName::new("eth0");
        let mut routes = vec![local];
        for _ in 0..random.below(8) {
            let length = [0, 8, 16, 24, 30, 32][usize::try_from(random.below(6)).unwrap()];
            let base = ip(&format!("10.{}.0.{}", random.below(3), random.below(8)));
            let mut route = Route::to(Prefix::new(base, length).unwrap());
            route.device = DeviceName::new(if random.below(9) == 0 { "down0" } else { "eth0" });
            if random.below(4) > 0 {
                route.gateway = Some(ip(&format!("10.0.0.{}", 1 + random.below(n_hosts + 1))));
            }
            route.metric = u32::try_from(random.below(3)).unwrap();
            if random.below(12) == 0 {
                route.route_type = RouteType::Unreachable;
            }
            routes.push(route);
        }
        made.names.push(format!("host-{index}"));
        made.fibs.push(Ok(Fib::new(IpRule::defaults(AddressFamily::V4), routes)));
        made.owners.insert(own, usize::try_from(index).unwrap());
    }
    made
}

#[test]
fn generated_networks_end_agree_with_lookups_and_deliver_at_owners() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        let hosts = generated(&mut random);
        let to = ip(&format!("10.{}.0.{}", random.below(3), random.below(9)));
        let flow = flow(&to.to_string());
        let trace = trace(&hosts, &flow);
        assert_eq!(fate(&hosts, &flow).0.disposition, trace.end().disposition);
        for branch in &trace.branches {
            assert!(!branch.hops.is_empty() && branch.hops.len() <= MOST_HOPS);
            for hop in &branch.hops {
                let fib = hosts.fib(hop.host).unwrap();
                let in_device = hop.in_device.map(|device| device.to_string());
                let query = Query { iif: in_device.as_deref(), ..Query::to(to) };
                assert_eq!(hop.route, fib.lookup(&query).route().or(hop.route));
            }
            let last = branch.hops.last().unwrap();
            if branch.end.disposition == Disposition::Delivered {
                assert_eq!(hosts.owners.get(&to), Some(&last.host));
            }
        }
    }
}
