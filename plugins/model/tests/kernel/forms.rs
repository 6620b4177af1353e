//! Text and JSON of the same state of a kernel are read as the same records: every command that
//! a Cilium sysdump holds as text and a live host answers as JSON.

use std::fmt::Write as _;

use lab_model::{
    AddressFamily,
    iproute2::{
        IpRule, Link, Protocol, Route, RouteType, TableId, local_routes, read_addresses,
        read_links, read_neighbors, read_routes, read_rules,
    },
};

use crate::namespace::{N_DEVICES, Namespace};
use crate::random::{Random, random_route, random_rule};

/// Addresses, devices of several kinds, neighbors, routes in numbered tables and rules.
fn furnish(namespace: &Namespace, random: &mut Random) {
    let mut links = String::from("link add br0 type bridge\nlink set br0 mtu 1400 up\n");
    links.push_str(
        "link add dum0 type dummy\nlink set dum0 master br0\nlink set dum0 up\n\
         link add vx0 type vxlan id 7 dstport 8472 dev d1 remote 10.100.1.2\nlink set vx0 up\n\
         link add link d2 name d2.5 type vlan id 5\nlink set d2.5 addrgenmode none\n\
         link add vrf9 type vrf table 9\nlink set vrf9 up\n\
         link add gone type veth peer name away\n",
    );
    for device in ["br0", "dum0", "d2.5"] {
        let (a, b) = (random.below(200), random.below(32));
        writeln!(links, "addr add 10.{a}.{b}.1/{} dev {device}", 8 + random.below(25)).unwrap();
        if random.one_in(2) {
            writeln!(links, "addr add 10.{a}.{b}.9 peer 10.9.9.9/32 dev {device}").unwrap();
        }
        writeln!(links, "addr add 172.16.{b}.1/24 brd + dev {device} scope link").unwrap();
    }
    for i in 0..N_DEVICES {
        writeln!(
            links,
            "neigh add 10.100.{i}.{} dev d{i} lladdr 02:00:00:00:00:0{i}",
            2 + random.below(90)
        )
        .unwrap();
        writeln!(links, "neigh add 10.100.{i}.{} dev d{i} nud failed", 100 + random.below(90))
            .unwrap();
        writeln!(
            links,
            "neigh add fd00:100:{i}::{} dev d{i} lladdr 02:00:00:00:01:0{i} nud stale",
            2 + random.below(9)
        )
        .unwrap();
    }
    namespace.batch(&["-force", "-batch", "-"], &links);
    for family in [AddressFamily::V4, AddressFamily::V6] {
        let option = if family == AddressFamily::V6 { "-6" } else { "-4" };
        let mut batch = String::new();
        for _ in 0..40 {
            let route = random_route(random, family);
            writeln!(batch, "{}", route.trim_start_matches("-6 ")).unwrap();
        }
        for _ in 0..8 {
            let priority = 200 + random.below(1000);
            writeln!(batch, "{}", random_rule(random, family, priority)).unwrap();
        }
        namespace.batch(&[option, "-force", "-batch", "-"], &batch);
    }
}

/// What both forms say of a device; the text has no kind.
fn plain(links: Vec<Link>) -> Vec<Link> {
    let strip = |link| Link { kind: None, tunnel_id: None, vrf_table: None, ..link };
    links.into_iter().map(strip).collect()
}

fn sorted(routes: &[Route]) -> Vec<String> {
    let mut lines: Vec<String> = routes.iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

/// Compares every pair of forms; how many records were compared.
fn compare(namespace: &Namespace) -> usize {
    let ip = |line: &str| namespace.ip(&line.split(' ').collect::<Vec<_>>()).unwrap();
    let mut n_records = 0;
    for (text, json) in [
        ("route show table all", "-j route show table all"),
        ("-4 route show table all", "-j -4 route show table all"),
        ("-4 r", "-j -4 route"),
        ("-6 r", "-j -6 route"),
        ("-6 route show table all", "-j -6 route show table all"),
    ] {
        let (from_text, from_json) = (read_routes(&ip(text)), read_routes(&ip(json)));
        assert_eq!(from_text, from_json, "ip {text}");
        assert_eq!(from_text.1, [], "ip {text}");
        n_records += from_text.0.len();
    }
    let (all, _) = read_routes(&ip("-j -4 route show table all"));
    let mut tables: Vec<u32> = all.iter().map(|route| route.table.0).collect();
    tables.sort_unstable();
    tables.dedup();
    for number in tables {
        // Bugtool asks by number; a line then says nothing of its table.
        let (routes, problems) = read_routes(&ip(&format!("-4 route show table {number}")));
        assert_eq!(problems, []);
        let numbered: Vec<Route> =
            routes.into_iter().map(|route| Route { table: TableId(number), ..route }).collect();
        let expected: Vec<Route> =
            all.iter().filter(|route| route.table.0 == number).cloned().collect();
        assert_eq!(numbered, expected, "table {number}");
    }
    for (family, option) in [(AddressFamily::V4, ""), (AddressFamily::V6, "-6 ")] {
        for detail in ["", "-d "] {
            let json = read_rules(&ip(&format!("-j {option}{detail}rule")), family);
            assert_eq!(read_rules(&ip(&format!("{option}{detail}rule")), family), json);
            assert_eq!(json.1, []);
            n_records += json.0.len();
        }
        // What `-d` adds is who made a rule.
        let [plain, detailed] = ["rule", "-d rule"].map(|text| {
            let (rules, _) = read_rules(&ip(&format!("{option}{text}")), family);
            let nobodys = |rule| IpRule { protocol: Protocol::UNSPEC, ..rule };
            rules.into_iter().map(nobodys).collect::<Vec<_>>()
        });
        assert_eq!(plain, detailed);
    }
    let addresses = read_addresses(&ip("-j addr"));
    assert_eq!(read_addresses(&ip("a")), addresses);
    assert_eq!(addresses.1, []);
    let (links, problems) = read_links(&ip("-j -d link"));
    assert_eq!(problems, []);
    let links = plain(links);
    for text in ["a", "link", "-d link", "-d -s l", "-d -s -s l"] {
        let (from_text, problems) = read_links(&ip(text));
        assert_eq!((plain(from_text), problems), (links.clone(), vec![]), "ip {text}");
    }
    for (text, json) in [("n", "-j neigh"), ("-4 n", "-j -4 neigh"), ("-6 n", "-j -6 neigh")] {
        let (from_text, from_json) = (read_neighbors(&ip(text)), read_neighbors(&ip(json)));
        assert_eq!(from_text, from_json, "ip {text}");
        n_records += from_json.0.len();
    }
    compare_local(namespace, &addresses.0);
    n_records + addresses.0.len() + links.len()
}

/// The table `local` is what its addresses make it; devices that are down have fewer routes.
fn compare_local(namespace: &Namespace, addresses: &[lab_model::iproute2::Address]) {
    let (links, _) = read_links(&namespace.ip(&["-j", "link"]).unwrap());
    let own = addresses.iter().filter_map(|own| {
        let is_up = links.iter().any(|link| link.name == own.device.as_str() && link.is_up());
        Some((own.device, own.address, own.network()?)).filter(|_| is_up)
    });
    let concluded: Vec<Route> = local_routes(own);
    let (kernel, _) =
        read_routes(&namespace.ip(&["-4", "route", "show", "table", "local"]).unwrap());
    let kernel: Vec<Route> =
        kernel.into_iter().map(|route| Route { table: TableId::LOCAL, ..route }).collect();
    let is_local = |route: &&Route| route.route_type == RouteType::Local;
    let [kernel, concluded] = [kernel, concluded].map(|routes| {
        let local: Vec<Route> = routes
            .iter()
            .filter(is_local)
            // Random routes may be in the table as well, and the kernel chooses one source.
            .filter(|route| route.protocol == Protocol::KERNEL)
            .map(|route| Route { prefsrc: None, ..route.clone() })
            .collect();
        let mut texts = sorted(&local);
        texts.dedup();
        texts
    });
    assert_eq!(kernel, concluded);
}

#[test]
fn text_and_json_of_one_state_are_the_same_records() {
    let mut n_records = 0;
    for seed in 1..=4 {
        let mut random = Random((seed + 77_u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let namespace = match Namespace::new(2_000_000 + seed, false) {
            Ok(namespace) => namespace,
            Err(why) => {
                eprintln!("SKIPPED: text and JSON of `ip` were not compared: {why}");
                return;
            }
        };
        furnish(&namespace, &mut random);
        namespace.rest();
        n_records += compare(&namespace);
    }
    eprintln!("{n_records} records of `ip` are the same as text and as JSON");
    assert!(n_records > 800, "the worlds are too simple: {n_records}");
}
