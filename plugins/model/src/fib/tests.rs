//! Lookups on small hosts, and on random ones against a scan of everything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::iproute2::{DeviceName, Mark, parse_routes_text, parse_rules_text};

fn rules(text: &str, family: AddressFamily) -> Vec<IpRule> {
    let (rules, problems) = parse_rules_text(text, family);
    assert_eq!(problems, []);
    rules
}

fn fib(rule_text: &str, route_text: &str) -> Fib {
    let (routes, problems) = parse_routes_text(route_text);
    assert_eq!(problems, []);
    let mut all = rules(rule_text, AddressFamily::V4);
    if route_text.contains(':') && !rule_text.is_empty() {
        let v6 = rule_text.lines().filter(|line| !line.contains('.'));
        all.extend(v6.flat_map(|line| rules(line, AddressFamily::V6)));
    }
    Fib::new(all, routes)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// One word for an outcome: the route's line, or what became of the packet.
fn outcome(lookup: &Lookup<'_>) -> String {
    match lookup.outcome {
        Outcome::Found(route) => route.to_string(),
        Outcome::Discard(kind, Some(route)) => format!("{kind} by {}", route.dst),
        Outcome::Discard(kind, None) => format!("{kind} by rule"),
        Outcome::NoRoute => "no route".to_owned(),
        Outcome::Undecided(rule) => format!("undecided {}", rule.priority),
    }
}

fn check(fib: &Fib, query: &Query<'_>, expected: &str) {
    assert_eq!(outcome(&fib.lookup(query)), expected, "{query:?}");
}

const SEED: &str = "\
default via 10.0.2.2 dev eth0
172.20.0.0/24 via 172.20.0.95 dev cilium_host proto kernel src 172.20.0.95
172.20.0.0/16 via 192.168.10.200 dev eth1 proto static
172.20.1.0/24 via 192.168.10.101 dev eth1 proto kernel
192.168.10.0/24 dev eth1 proto kernel scope link src 192.168.10.100
local 192.168.10.100 dev eth1 table local proto kernel scope host src 192.168.10.100
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
";

#[test]
fn the_longest_prefix_wins() {
    let fib = fib("", SEED);
    for (dst, expected) in [
        ("172.20.1.7", "172.20.1.0/24 via 192.168.10.101 dev eth1 proto kernel"),
        ("172.20.2.7", "172.20.0.0/16 via 192.168.10.200 dev eth1 proto static"),
        ("8.8.8.8", "default via 10.0.2.2 dev eth0"),
        (
            "192.168.10.100",
            "local 192.168.10.100 dev eth1 table local proto kernel scope host src 192.168.10.100",
        ),
        ("2001:db8::1", "no route"),
    ] {
        check(&fib, &Query::to(ip(dst)), expected);
    }
    assert!(fib.has_assumed_rules(AddressFamily::V4));
    assert!(fib.is_local(ip("127.0.0.53")) && !fib.is_local(ip("8.8.8.8")));
}

#[test]
fn prefixes_that_cover_and_parts_are_listed() {
    let fib = fib("", SEED);
    let main = TableId::MAIN;
    let dsts = |routes: &mut dyn Iterator<Item = &Route>| {
        routes.map(|route| route.dst.to_string()).collect::<Vec<_>>()
    };
    let prefix = |text: &str| Prefix::parse(text).unwrap();
    let address = ip("172.20.1.7");
    assert_eq!(
        dsts(&mut fib.matching(main, address)),
        ["172.20.1.0/24", "172.20.0.0/16", "0.0.0.0/0"]
    );
    assert_eq!(
        dsts(&mut fib.covering(main, prefix("172.20.0.0/16"))),
        ["172.20.0.0/16", "0.0.0.0/0"]
    );
    assert_eq!(
        dsts(&mut fib.within(main, prefix("172.20.0.0/16"))),
        ["172.20.0.0/24", "172.20.1.0/24"]
    );
    assert_eq!(dsts(&mut fib.exact(main, prefix("172.20.1.0/24"))), ["172.20.1.0/24"]);
    assert_eq!(dsts(&mut fib.exact(main, prefix("172.20.1.0/25"))), [""; 0]);
    assert_eq!(dsts(&mut fib.within(TableId(7), prefix("0.0.0.0/0"))), [""; 0]);
    assert_eq!(dsts(&mut fib.within(main, prefix("0.0.0.0/0"))).len(), 4);
    assert_eq!(dsts(&mut fib.within(main, prefix("255.0.0.0/8"))), [""; 0]);
    assert_eq!(dsts(&mut fib.within(main, prefix("::/0"))), [""; 0]);
}

#[test]
fn the_lowest_metric_wins_and_a_dead_leg_is_passed_over() {
    let fib = fib(
        "",
        "10.0.0.0/8 via 192.0.2.1 dev a metric 20\n\
         10.0.0.0/8 via 192.0.2.2 dev b metric 10\n\
         10.1.0.0/16 dev c scope link dead linkdown\n\
         10.2.0.0/16 dev c scope link linkdown\n\
         10.3.0.0/16\n\tnexthop via 192.0.2.3 dev a weight 1 dead\n\tnexthop via 192.0.2.4 dev b weight 2\n",
    );
    let by_b = "10.0.0.0/8 via 192.0.2.2 dev b metric 10";
    check(&fib, &Query::to(ip("10.9.0.1")), by_b);
    check(&fib, &Query::to(ip("10.1.0.1")), by_b);
    let linkdown = Query::to(ip("10.2.0.1"));
    check(&fib, &linkdown, "10.2.0.0/16 dev c scope link linkdown");
    check(&fib, &Query { ignore_linkdown: true, ..linkdown }, by_b);
    let ecmp = fib.lookup(&Query::to(ip("10.3.0.1"))).route().unwrap();
    assert_eq!(ecmp.legs().count(), 2);
}

#[test]
fn throw_goes_on_and_the_others_end_the_lookup() {
    let fib = fib(
        "0: from all lookup local\n10: from all lookup 100\n32766: from all lookup main\n",
        "throw 10.1.0.0/16 table 100\n\
         blackhole 10.2.0.0/16 table 100\n\
         unreachable 10.3.0.0/16 table 100\n\
         prohibit 10.4.0.0/16 table 100\n\
         10.0.0.0/8 dev a table 100 scope link\n\
         default via 192.0.2.1 dev b\n",
    );
    for (dst, expected) in [
        ("10.1.0.1", "default via 192.0.2.1 dev b"),
        ("10.2.0.1", "blackhole by 10.2.0.0/16"),
        ("10.3.0.1", "unreachable by 10.3.0.0/16"),
        ("10.4.0.1", "prohibit by 10.4.0.0/16"),
        ("10.5.0.1", "10.0.0.0/8 dev a table 100 scope link"),
    ] {
        check(&fib, &Query::to(ip(dst)), expected);
    }
}

#[test]
fn marks_devices_and_addresses_select_rules() {
    let fib = fib(
        "9: from all fwmark 0x200/0xf00 lookup 2004\n\
         20: from 10.1.0.0/16 to 10.2.0.0/16 blackhole\n\
         30: from all iif lo to 10.3.0.0/16 prohibit\n\
         31: from all iif eth9 unreachable\n\
         32: from all oif eth8 unreachable\n\
         33: not from all to 10.0.0.0/8 lookup 300\n\
         32766: from all lookup main\n",
        "local default dev lo table 2004 scope host\n\
         default via 192.0.2.9 dev x table 300\n\
         10.0.0.0/8 via 192.0.2.1 dev eth0\n",
    );
    let main = "10.0.0.0/8 via 192.0.2.1 dev eth0";
    let base = Query::to(ip("10.9.0.1"));
    check(&fib, &base, main);
    check(&fib, &Query { mark: 0xa200, ..base }, "local default dev lo table 2004 scope host");
    check(&fib, &Query { mark: 0xa00, ..base }, main);
    check(&fib, &Query { iif: Some("eth9"), ..base }, "unreachable by rule");
    check(&fib, &Query { oif: Some("eth8"), ..base }, "unreachable by rule");
    let to = Query::to(ip("10.2.0.1"));
    check(&fib, &Query { src: Some(ip("10.1.5.5")), ..to }, "blackhole by rule");
    check(&fib, &Query { src: Some(ip("10.7.5.5")), ..to }, main);
    check(&fib, &to, main);
    let own = Query::to(ip("10.3.0.1"));
    check(&fib, &own, "prohibit by rule");
    check(&fib, &Query { iif: Some("eth1"), ..own }, main);
    check(&fib, &Query::to(ip("8.8.8.8")), "default via 192.0.2.9 dev x table 300");
}

#[test]
fn a_rule_nobody_can_decide_says_so_only_where_it_matters() {
    let fib = fib(
        "5: from all ipproto tcp dport 80 lookup 100\n\
         6: from all to 10.2.0.0/16 dscp EF lookup 100\n\
         7: from all uidrange 0-100 lookup 200\n\
         8: not from 10.0.0.0/8 flowlabel 5 lookup 300\n\
         1000: from all lookup [l3mdev-table]\n\
         32766: from all lookup main\n",
        "10.1.0.0/16 dev web table 100 scope link\n\
         10.2.0.0/16 dev web table 100 scope link\n\
         10.5.0.0/16 dev x table 300 scope link\n\
         default via 192.0.2.1 dev eth0\n",
    );
    let main = "default via 192.0.2.1 dev eth0";
    let web = Query::to(ip("10.1.0.1"));
    check(&fib, &web, "undecided 5");
    let tcp = Query { ip_protocol: Some(6), dport: Some(80), ..web };
    check(&fib, &tcp, "10.1.0.0/16 dev web table 100 scope link");
    check(&fib, &Query { dport: Some(81), ..tcp }, main);
    check(&fib, &Query { dport: None, ip_protocol: Some(17), ..tcp }, main);
    check(&fib, &Query { ip_protocol: Some(17), ..Query::to(ip("10.2.0.1")) }, "undecided 6");
    // Rules 5 and 7 may match, but their tables have nothing for this destination.
    check(&fib, &Query::to(ip("8.8.8.8")), main);
    check(&fib, &Query { iif: Some("eth1"), ..Query::to(ip("8.8.8.8")) }, "undecided 1000");
    let inverted = Query::to(ip("10.5.0.1"));
    check(&fib, &inverted, "10.5.0.0/16 dev x table 300 scope link");
    check(&fib, &Query { src: Some(ip("10.1.1.1")), ..inverted }, "undecided 8");
}

#[test]
fn goto_jumps_ahead_and_nowhere_else() {
    let fib = fib(
        "10: from all to 10.1.0.0/16 goto 40\n\
         11: from all to 10.2.0.0/16 goto 39\n\
         12: from all to 10.3.0.0/16 goto 5\n\
         20: from all lookup 100\n\
         40: from all lookup main\n",
        "10.0.0.0/8 dev a table 100 scope link\n10.0.0.0/8 dev b scope link\n",
    );
    let (first, second) = ("10.0.0.0/8 dev a table 100 scope link", "10.0.0.0/8 dev b scope link");
    for (dst, expected) in
        [("10.1.0.1", second), ("10.2.0.1", first), ("10.3.0.1", first), ("10.4.0.1", first)]
    {
        check(&fib, &Query::to(ip(dst)), expected);
    }
}

#[test]
fn short_answers_are_suppressed() {
    let fib = fib(
        "10: from all lookup main suppress_prefixlength 0\n20: from all lookup 100\n",
        "default via 192.0.2.1 dev a\n10.0.0.0/8 dev b scope link\nblackhole 11.0.0.0/8\n\
         default dev wg table 100 scope link\n",
    );
    check(&fib, &Query::to(ip("8.8.8.8")), "default dev wg table 100 scope link");
    check(&fib, &Query::to(ip("10.0.0.1")), "10.0.0.0/8 dev b scope link");
    check(&fib, &Query::to(ip("11.0.0.1")), "blackhole by 11.0.0.0/8");
}

#[test]
fn a_packet_that_came_in_counts_as_roots() {
    let fib = fib(
        "10: from all uidrange 0-0 blackhole\n20: from all lookup main\n",
        "default via 192.0.2.1 dev a\n",
    );
    let query = Query { uid: Some(3), ..Query::to(ip("8.8.8.8")) };
    check(&fib, &query, "default via 192.0.2.1 dev a");
    check(&fib, &Query { iif: Some("eth0"), ..query }, "blackhole by rule");
}

#[test]
fn local_and_main_are_one_table_until_there_is_a_rule() {
    let routes = "local 127.0.0.0/8 dev lo table local scope host\n127.5.0.0/16 dev a scope link\n";
    let local = "local 127.0.0.0/8 dev lo table local scope host";
    let query = Query::to(ip("127.5.0.1"));
    check(&fib("", routes), &query, "127.5.0.0/16 dev a scope link");
    let with_rule = "0: from all lookup local\n9: from all fwmark 1 lookup 5\n\
                     32766: from all lookup main\n32767: from all lookup default\n";
    check(&fib(with_rule, routes), &query, local);
    check(&fib("", routes), &Query::to(ip("127.6.0.1")), local);
}

#[test]
fn another_type_of_service_is_not_looked_up() {
    let fib = fib("", "10.0.0.0/8 tos 0x10 dev a scope link\n10.0.0.0/8 dev b scope link\n");
    check(&fib, &Query::to(ip("10.0.0.1")), "10.0.0.0/8 dev b scope link");
}

#[test]
fn ipv6_prefers_by_preference_and_device() {
    let routes = "2001:db8::/32 dev a metric 1024 pref medium\n\
                  2001:db8::/32 dev b metric 1024 pref medium\n\
                  2001:db8::/32 dev c metric 2048 pref medium\n\
                  2001:db8:1::/48 dev a metric 1024 pref low\n\
                  2001:db8:1::/48 dev b metric 1024 pref high\n\
                  default dev e metric 1024 pref medium\n";
    let fib = fib("", routes);
    let line = |dev: &str| format!("2001:db8::/32 dev {dev} metric 1024 pref medium");
    let to = Query::to(ip("2001:db8:5::1"));
    check(&fib, &to, &line("a"));
    check(&fib, &Query { oif: Some("b"), ..to }, &line("b"));
    check(&fib, &Query { iif: Some("b"), ..to }, &line("b"));
    check(&fib, &Query { oif: Some("c"), ..to }, "2001:db8::/32 dev c metric 2048 pref medium");
    check(&fib, &Query { oif: Some("e"), ..to }, "default dev e metric 1024 pref medium");
    // With a source, the device is only a wish.
    let sent = Query { src: Some(ip("2001:db8:7::1")), ..to };
    check(&fib, &Query { oif: Some("c"), ..sent }, &line("a"));
    check(&fib, &Query::to(ip("2001:db8:1::1")), "2001:db8:1::/48 dev b metric 1024 pref high");
}

#[test]
fn a_prefix_with_routes_for_other_sources_only_is_passed_over() {
    let fib = fib(
        "",
        "2001:db8::/32 from fd00::/8 dev a metric 1024 pref medium\n\
         2001:db8::/32 dev b metric 1 pref medium\n\
         2001::/16 dev c metric 1024 pref medium\n\
         2001:db8:1::/48 from ::/1 dev d metric 1024 pref medium\n\
         2001:db8:2::/48 dev e metric 1024 dead linkdown pref medium\n",
    );
    let other = "2001::/16 dev c metric 1024 pref medium";
    check(&fib, &Query::to(ip("2001:db8:5::1")), other);
    let from = |src| Query { src: Some(ip(src)), ..Query::to(ip("2001:db8:5::1")) };
    check(&fib, &from("2001::1"), other);
    check(&fib, &from("fd00::1"), "2001:db8::/32 from fd00::/8 dev a metric 1024 pref medium");
    // No source yet is the source `::`.
    let line = "2001:db8:1::/48 from ::/1 dev d metric 1024 pref medium";
    check(&fib, &Query::to(ip("2001:db8:1::1")), line);
    let root = "default from fd00::/8 dev a metric 1 pref medium\n\
                default dev b metric 2 pref medium\n";
    let default = "default dev b metric 2 pref medium";
    check(&self::fib("", root), &Query::to(ip("2001::1")), default);
    // On the way back from a longer prefix it is not passed over.
    let dead = Query { src: Some(ip("2001::1")), ..Query::to(ip("2001:db8:2::1")) };
    check(&fib, &dead, "2001:db8::/32 dev b metric 1 pref medium");
}

/// One random route, of few prefixes so that they nest.
fn any_route() -> impl Strategy<Value = Route> {
    let kinds = prop_oneof![
        6 => Just(RouteType::Unicast),
        1 => Just(RouteType::Throw),
        1 => Just(RouteType::Blackhole),
    ];
    let tables = prop_oneof![Just(TableId::LOCAL), Just(TableId::MAIN), Just(TableId(100))];
    let flags = prop_oneof![4 => Just(RouteFlags::NONE), 1 => Just(RouteFlags::DEAD)];
    (any_address(), 0_u8..=32, kinds, tables, 0_u32..3, flags, "[a-c]").prop_map(
        |(address, len, route_type, table, metric, flags, device)| {
            let len = if address.is_ipv4() { len } else { len * 4 };
            let mut route = Route::to(Prefix::new(address, len).unwrap());
            (route.route_type, route.table, route.metric) = (route_type, table, metric);
            (route.flags, route.device) = (flags, DeviceName::new(&device));
            route
        },
    )
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0_u32..8, 0_u32..8).prop_map(|(a, b)| Ipv4Addr::from_bits(a << 29 | b).into()),
        (0_u128..8, 0_u128..8).prop_map(|(a, b)| Ipv6Addr::from_bits(a << 125 | b).into()),
    ]
}

fn any_rule() -> impl Strategy<Value = IpRule> {
    let families = prop_oneof![Just(AddressFamily::V4), Just(AddressFamily::V6)];
    let actions = prop_oneof![
        4 => prop_oneof![Just(TableId::MAIN), Just(TableId(100)), Just(TableId(7))]
            .prop_map(RuleAction::Lookup),
        1 => Just(RuleAction::Discard(RouteType::Prohibit)),
        1 => (0_u32..40).prop_map(RuleAction::Goto),
        1 => Just(RuleAction::Nop),
    ];
    let marks = proptest::option::of((0_u32..4).prop_map(|value| Mark { value, mask: 3 }));
    let prefixes = || proptest::option::of((any_address(), 0_u8..4));
    let suppress = proptest::option::weighted(0.2, 0_u8..4);
    (families, 0_u32..40, actions, marks, prefixes(), prefixes(), any::<bool>(), suppress).prop_map(
        |(family, priority, action, mark, from, to, inverted, suppress)| {
            let prefix = |it: Option<(IpAddr, u8)>| {
                let (address, len) = it?;
                Prefix::new(address, len).filter(|prefix| prefix.family() == family)
            };
            let mut rule = IpRule::lookup(family, priority, TableId::MAIN);
            (rule.action, rule.mark, rule.inverted) = (action, mark, inverted);
            (rule.from, rule.to, rule.suppress_prefixlength) = (prefix(from), prefix(to), suppress);
            rule
        },
    )
}

/// What a table says, by looking at each of its routes: the reading of the kernel's rules that
/// needs no structure at all.
fn scan_table<'a>(routes: &'a [Route], table: TableId, query: &Query<'_>) -> Option<&'a Route> {
    let fits = routes.iter().enumerate().filter(|(_, route)| {
        let is_dead = route.flags.has(RouteFlags::DEAD);
        // The type counts before the state of the leg in IPv4 only.
        let skips = is_dead && (route.route_type == RouteType::Unicast || query.dst.is_ipv6());
        route.table == table && route.dst.contains(query.dst) && !skips
    });
    let best = fits.min_by_key(|(index, route)| (u8::MAX - route.dst.len(), route.metric, *index));
    best.map(|(_, route)| route).filter(|route| route.route_type != RouteType::Throw)
}

fn scan(rules: &[IpRule], routes: &[Route], query: &Query<'_>) -> String {
    let family = AddressFamily::of(query.dst);
    let mut rules: Vec<&IpRule> = rules.iter().filter(|rule| rule.family == family).collect();
    rules.sort_by_key(|rule| rule.priority);
    let mut at = 0;
    while at < rules.len() {
        let rule = rules[at];
        at += 1;
        let zero = Some(family.unspecified()).filter(IpAddr::is_ipv4);
        let matches = rule.mark.is_none_or(|mark| query.mark & mark.mask == mark.value)
            && rule
                .from
                .is_none_or(|from| query.src.or(zero).is_some_and(|src| from.contains(src)))
            && rule.to.is_none_or(|to| to.contains(query.dst));
        if matches == rule.inverted {
            continue;
        }
        match rule.action {
            RuleAction::Discard(kind) => return format!("{kind} by rule"),
            RuleAction::Goto(to) if to > rule.priority => {
                at = rules.iter().position(|rule| rule.priority == to).unwrap_or(at);
            }
            RuleAction::Lookup(table) => match scan_table(routes, table, query) {
                Some(route) if route.route_type.discards() => {
                    return format!("{} by {}", route.route_type, route.dst);
                }
                Some(route)
                    if rule.suppress_prefixlength.is_none_or(|len| route.dst.len() > len) =>
                {
                    return route.to_string();
                }
                _ => {}
            },
            _ => {}
        }
    }
    "no route".to_owned()
}

proptest! {
    #[test]
    fn lookup_equals_a_scan_of_everything(
        mut rules in proptest::collection::vec(any_rule(), 0..8),
        routes in proptest::collection::vec(any_route(), 0..40),
        queries in proptest::collection::vec((any_address(), proptest::option::of(any_address()), 0_u32..4), 1..20),
    ) {
        // Never the default rules alone: with those, local and main are one table.
        for family in [AddressFamily::V4, AddressFamily::V6] {
            rules.push(IpRule::lookup(family, 1, TableId::LOCAL));
            rules.push(IpRule::lookup(family, 50, TableId::MAIN));
        }
        let fib = Fib::new(rules.clone(), routes.clone());
        for (dst, src, mark) in queries {
            let src = src.filter(|src| src.is_ipv4() == dst.is_ipv4());
            let query = Query { src, mark, ..Query::to(dst) };
            prop_assert_eq!(outcome(&fib.lookup(&query)), scan(&rules, &routes, &query));
        }
    }

    #[test]
    fn lists_equal_a_scan_of_everything(
        routes in proptest::collection::vec(any_route(), 0..40),
        address in any_address(),
        len in 0_u8..=32,
    ) {
        let fib = Fib::new(vec![], routes.clone());
        let prefix = Prefix::new(address, len).unwrap();
        let sorted = |found: Vec<&Route>| {
            let mut lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            lines.sort();
            lines
        };
        let scan = |keep: &dyn Fn(&Prefix) -> bool| {
            sorted(routes.iter().filter(|it| it.table == TableId::MAIN && keep(&it.dst)).collect())
        };
        let main = TableId::MAIN;
        prop_assert_eq!(sorted(fib.covering(main, prefix).collect()), scan(&|dst| dst.covers(&prefix)));
        prop_assert_eq!(sorted(fib.exact(main, prefix).collect()), scan(&|dst| *dst == prefix));
        prop_assert_eq!(
            sorted(fib.within(main, prefix).collect()),
            scan(&|dst| prefix.covers(dst) && *dst != prefix)
        );
        let lens: Vec<u8> = fib.matching(main, address).map(|route| route.dst.len()).collect();
        prop_assert!(lens.is_sorted_by(|a, b| a >= b));
    }
}
