//! Every parser on small inputs, on hostile ones, and against a plain reading of the same JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{AddressFamily, Prefix, Problem};

/// The line each entry prints, and the places of the problems.
fn check_routes(json: &str, lines: &[&str], places: &[&str]) {
    let (routes, problems) = parse_routes(json);
    let printed: Vec<String> = routes.iter().map(ToString::to_string).collect();
    assert_eq!(printed, lines, "{json}");
    let found: Vec<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(found, places, "{problems:?}");
}

#[test]
fn routes_print_the_line_that_ip_prints() {
    for (entry, line) in [
        (
            r#"{"dst":"172.20.1.0/24","gateway":"192.168.10.101","dev":"eth1","protocol":"kernel","flags":[]}"#,
            "172.20.1.0/24 via 192.168.10.101 dev eth1 proto kernel",
        ),
        (
            r#"{"dst":"default","gateway":"10.0.2.2","dev":"eth0","flags":[]}"#,
            "default via 10.0.2.2 dev eth0",
        ),
        (
            r#"{"type":"unicast","dst":"10.0.2.0/24","dev":"eth0","table":"main","protocol":"boot","scope":"global","flags":[]}"#,
            "10.0.2.0/24 dev eth0",
        ),
        (
            r#"{"type":"local","dst":"10.0.2.15","dev":"eth0","table":"local","protocol":"kernel","scope":"host","prefsrc":"10.0.2.15","flags":[]}"#,
            "local 10.0.2.15 dev eth0 table local proto kernel scope host src 10.0.2.15",
        ),
        (
            r#"{"dst":"10.8.0.0/16","via":{"family":"inet6","host":"fe80::1"},"dev":"d0","flags":[]}"#,
            "10.8.0.0/16 via inet6 fe80::1 dev d0",
        ),
        (
            r#"{"dst":"default","via":{"family":"inet6","host":"fe80::1"},"dev":"d0","flags":[]}"#,
            "default via inet6 fe80::1 dev d0",
        ),
        (
            r#"{"dst":"10.9.0.0/16","flags":[],"nexthops":[{"gateway":"10.1.0.2","dev":"d0","weight":1,"flags":[]},{"gateway":"10.2.0.2","dev":"d1","weight":5,"flags":["linkdown"]}]}"#,
            "10.9.0.0/16\n\tnexthop via 10.1.0.2 dev d0 weight 1\n\tnexthop via 10.2.0.2 dev d1 weight 5 linkdown",
        ),
        (
            r#"{"dst":"10.5.0.0/16","gateway":"10.1.0.9","dev":"d0","protocol":"77","flags":["onlink"],"metrics":[{"mtu":1400,"advmss":1300}]}"#,
            "10.5.0.0/16 via 10.1.0.9 dev d0 proto 77 onlink mtu 1400 advmss 1300",
        ),
        (
            r#"{"dst":"10.3.0.0/16","tos":"0x10","dev":"d1","scope":"link","flags":["linkdown"],"metrics":[{"rtt":100,"ecn":null,"congestion":"reno"}]}"#,
            "10.3.0.0/16 tos 0x10 dev d1 scope link linkdown rtt 100ms features ecn congctl reno",
        ),
        // The tunnel's parameters repeat keys of the route.
        (
            r#"{"dst":"10.12.0.0/16","encap":"ip","id":100,"src":"0.0.0.0","dst":"10.1.0.5","ttl":0,"tos":0,"dev":"d1","scope":"link","flags":[]}"#,
            "10.12.0.0/16  encap ip dev d1 scope link",
        ),
        (
            r#"{"dst":"10.10.0.0/16","nhid":7,"gateway":"10.1.0.3","dev":"d0","flags":[],"flow":{"to":"5"}}"#,
            "10.10.0.0/16 nhid 7 via 10.1.0.3 dev d0 realm 5",
        ),
        (
            r#"{"type":"unreachable","dst":"default","metric":4278198272,"flags":[]}"#,
            "unreachable default metric 4278198272",
        ),
        (
            r#"{"type":"blackhole","dst":"default","dev":"lo","metric":5,"flags":[],"pref":"medium"}"#,
            "blackhole default dev lo metric 5 pref medium",
        ),
        (
            r#"{"dst":"2001:db8:8::/48","from":"2001:db8:7::/48","gateway":"2001:db8:1::2","dev":"d0","metric":1024,"flags":[],"expires":599,"pref":"high"}"#,
            "2001:db8:8::/48 from 2001:db8:7::/48 via 2001:db8:1::2 dev d0 metric 1024 expires 599sec pref high",
        ),
        (
            r#"{"dst":"10.0.0.0/8","dev":"a","table":"uplink","protocol":"ours","flags":["new-flag"],"later":{"x":[1]}}"#,
            "10.0.0.0/8 dev a table uplink proto ours",
        ),
    ] {
        check_routes(&format!("[{entry}]"), &[line], &[]);
        check_routes(&format!("[ {} ,\n {{ }} ]\n", entry.replace("\":", "\" : ")), &[line], &[]);
        let (routes, _) = parse_routes(&format!("[{entry}]"));
        let (from_text, problems) = parse_routes_text(line);
        assert_eq!((problems, from_text), (vec![], routes), "{line}");
    }
}

#[test]
fn a_bad_route_costs_only_itself() {
    for (entry, what) in [
        (r#"{"dev":"eth0"}"#, "the route has no dst"),
        (r#"{"dst":"10.0.0.0/33"}"#, "dst `10.0.0.0/33` cannot be read"),
        (r#"{"dst":["10.0.0.0/8"]}"#, "dst `` cannot be read"),
        (r#"{"dst":"10.0.0.0/8","gateway":"nowhere"}"#, "gateway `nowhere` cannot be read"),
        (
            r#"{"dst":"10.0.0.0/8","dev":"a-name-of-16-chr"}"#,
            "dev `a-name-of-16-chr` cannot be read",
        ),
        (r#"{"dst":"10.0.0.0/8","type":"sideways"}"#, "type `sideways` cannot be read"),
        (r#"{"dst":"10.0.0.0/8","metric":-1}"#, "metric `-1` cannot be read"),
    ] {
        let text = format!(r#"[{{"dst":"1.0.0.0/8"}},{entry},{{"dst":"2.0.0.0/8"}}]"#);
        check_routes(&text, &["1.0.0.0/8", "2.0.0.0/8"], &["entry 2"]);
        let (_, problems) = parse_routes(&text);
        assert_eq!((problems[0].what.as_str(), problems[0].line.as_str()), (what, entry));
    }
    // Of no weight for a lookup: told, and the route is kept.
    check_routes(r#"[{"dst":"1.0.0.0/8","scope":"odd"}]"#, &["1.0.0.0/8"], &["entry 1"]);
}

#[test]
fn output_that_is_cut_off_or_something_else_is_told() {
    let line = "1.0.0.0/8";
    for (text, lines, place) in [
        ("", &[][..], "entry 1"),
        ("  \n", &[], "entry 1"),
        ("[]", &[], ""),
        ("[ ]", &[], ""),
        (r#"[{"dst":"1.0.0.0/8"},{"dst":"2.0.0"#, &[line], "entry 2"),
        (r#"[{"dst":"1.0.0.0/8"}"#, &[line], "entry 1"),
        (r#"[{"dst":"1.0.0.0/8"}] x"#, &[line], "entry 1"),
        (r#"{"dst":"1.0.0.0/8"}"#, &[], "entry 1"),
        ("Error: ipv4: FIB table does not exist.", &[], "entry 1"),
        ("[1]", &[], "entry 1"),
    ] {
        let places: &[&str] = if place.is_empty() { &[] } else { &[place] };
        check_routes(text, lines, places);
    }
}

#[test]
fn escapes_are_read_like_any_json() {
    let (routes, problems) = parse_routes(r#"[{"d\u0073t":"1.0.0.0\/8","dev":"d\u00f6"}]"#);
    assert_eq!(problems, []);
    assert_eq!(routes[0].to_string(), "1.0.0.0/8 dev dö");
}

#[test]
fn rules_print_the_line_that_ip_prints() {
    for (entry, line) in [
        (r#"{"priority":0,"src":"all","table":"local"}"#, "0:\tfrom all lookup local"),
        (
            r#"{"priority":100,"src":"10.1.0.0","srclen":24,"dst":"10.9.0.0","dstlen":16,"fwmark":"0x200","fwmask":"0xf00","iif":"d0","iif_detached":null,"oif":"d1","table":"100"}"#,
            "100:\tfrom 10.1.0.0/24 to 10.9.0.0/16 fwmark 0x200/0xf00 iif d0 oif d1 lookup 100",
        ),
        (
            r#"{"priority":101,"not":null,"src":"10.1.0.0","srclen":24,"action":"blackhole"}"#,
            "101:\tnot from 10.1.0.0/24 blackhole",
        ),
        (
            r#"{"priority":105,"src":"all","goto":50000,"unresolved":null}"#,
            "105:\tfrom all goto 50000",
        ),
        (
            r#"{"priority":106,"src":"all","table":"main","suppress_prefixlen":0}"#,
            "106:\tfrom all lookup main suppress_prefixlength 0",
        ),
        (
            r#"{"priority":107,"src":"all","ipproto":"tcp","sport":80,"dport_start":100,"dport_end":200,"table":"2005"}"#,
            "107:\tfrom all ipproto tcp sport 80 dport 100-200 lookup 2005",
        ),
        (
            r#"{"priority":108,"src":"all","uid_start":0,"uid_end":100,"table":"2005"}"#,
            "108:\tfrom all uidrange 0-100 lookup 2005",
        ),
        (
            r#"{"priority":109,"src":"all","tun_id":55,"table":"uplink"}"#,
            "109:\tfrom all tun_id 55 lookup uplink",
        ),
        (r#"{"priority":110,"src":"all","l3mdev":null}"#, "110:\tfrom all lookup [l3mdev-table]"),
        (
            r#"{"priority":111,"src":"all","tos":"0x10","table":"9","protocol":"static"}"#,
            "111:\tfrom all tos 0x10 lookup 9 proto static",
        ),
        (r#"{"priority":112,"src":"all","nop":null}"#, "112:\tfrom all nop"),
        (
            r#"{"priority":113,"src":"all","fwmark":"0x5","table":"10","suppress_ifgroup":"5"}"#,
            "113:\tfrom all fwmark 0x5 lookup 10 suppress_ifgroup 5",
        ),
    ] {
        let (rules, problems) = parse_rules(&format!("[{entry}]"), AddressFamily::V4);
        assert_eq!(problems, [], "{entry}");
        assert_eq!(rules[0].to_string(), line);
        let (from_text, problems) = parse_rules_text(line, AddressFamily::V4);
        assert_eq!((problems, from_text), (vec![], rules), "{line}");
    }
}

#[test]
fn rules_that_cannot_be_read_are_told_and_unknown_selectors_kept() {
    let text = r#"[{"priority":1,"src":"all"},{"priority":2,"src":"fd00::","table":"main"},
        {"priority":3,"src":"all","fwmark":"blue","table":"main"},
        {"priority":4,"src":"all","dscp":"EF","ipproto":"l2tp","table":"main"},{}]"#;
    let (rules, problems) = parse_rules(text, AddressFamily::V4);
    let places: Vec<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(places, ["entry 1", "entry 2", "entry 3"]);
    assert_eq!(rules[0].unknown, ["dscp EF", "ipproto l2tp"]);
    let (rules, problems) =
        parse_rules_text("x\n7: from all\n8:\tfrom all dscp EF lookup 9\n", AddressFamily::V4);
    assert_eq!(problems.len(), 2);
    assert_eq!(rules[0].unknown, ["dscp EF"]);
}

#[test]
fn addresses_and_links_and_neighbors_are_read_in_both_forms() {
    let text = "\
4: d0@p0: <BROADCAST,UP,LOWER_UP> mtu 1400 qdisc noqueue master br0 state UP group default
    link/ether 4e:11:dc:ac:ba:b3 brd ff:ff:ff:ff:ff:ff
    inet 10.1.0.1/24 brd 10.1.0.255 scope global secondary d0
    inet 10.0.0.1 peer 10.0.0.2/32 scope link d0
    inet6 fe80::1/64 scope link tentative
    inet what
";
    let (addresses, problems) = parse_addresses_text(text);
    let read: Vec<String> = addresses
        .iter()
        .map(|it| format!("{} {}/{} {}", it.device, it.address, it.prefix_len, it.scope))
        .collect();
    assert_eq!(read, ["d0 10.1.0.1/24 global", "d0 10.0.0.1/32 link", "d0 fe80::1/64 link"]);
    assert_eq!(problems[0].place, "line 6");
    assert_eq!(addresses[0].network(), Prefix::parse("10.1.0.0/24"));

    let (links, problems) = parse_links_text(text);
    assert_eq!(problems, []);
    assert_eq!((links[0].ifindex, links[0].mtu), (4, Some(1400)));
    assert_eq!((links[0].peer.as_deref(), links[0].master.as_deref()), (Some("p0"), Some("br0")));
    assert!(links[0].is_up() && links[0].has_carrier() && links[0].operstate == "UP");

    let json = r#"[{"ifindex":6,"ifname":"vx","flags":["BROADCAST"],"mtu":1450,"operstate":"DOWN",
        "linkinfo":{"info_kind":"vxlan","info_data":{"id":42,"port":8472}}},
        {"ifname":"cilium_vxlan","linkinfo":{"info_kind":"vxlan","info_data":{"external":true,"id":0}}},
        {"ifname":"p0","link":"d0","linkinfo":{"info_kind":"veth","info_slave_data":{"id":"0x8001"}}},
        {"ifname":"blue","linkinfo":{"info_kind":"vrf","info_data":{"table":1000}}},{"mtu":1}]"#;
    let (links, problems) = parse_links(json);
    assert_eq!(problems.len(), 1);
    let ids: Vec<Option<u32>> = links.iter().map(|link| link.tunnel_id).collect();
    assert_eq!(ids, [Some(42), None, None, None]);
    assert_eq!((links[3].vrf_table, links[2].peer.as_deref()), (Some(1000), Some("d0")));
    assert!(!links[0].is_up());

    let text = "10.1.0.79 dev d0 FAILED \n\
                fe80::5 dev d0 lladdr 02:00:00:00:00:01 router  used 0/0/0probes 0 PERMANENT \nx\n";
    let json = r#"[{"dst":"10.1.0.79","dev":"d0","state":["FAILED"]},
        {"dst":"fe80::5","dev":"d0","lladdr":"02:00:00:00:00:01","router":null,"state":["PERMANENT"]},{"dst":"x"}]"#;
    let ((from_text, text_problems), (neighbors, problems)) =
        (parse_neighbors_text(text), parse_neighbors(json));
    assert_eq!(from_text, neighbors);
    assert!(neighbors[0].failed() && !neighbors[1].failed());
    assert_eq!((text_problems.len(), problems.len()), (1, 1));
}

/// The same route as a plain reading of the JSON finds it, `None` where it must be refused.
fn plain(entry: &Value) -> Option<String> {
    let text = |key: &str| match &entry[key] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let dst = text("dst")?;
    let gateway: Option<std::net::IpAddr> =
        text("gateway").map(|text| text.parse()).transpose().ok()?;
    let family = if entry.get("pref").is_some() || gateway.is_some_and(|it| it.is_ipv6()) {
        AddressFamily::V6
    } else {
        AddressFamily::V4
    };
    let dst = match dst.as_str() {
        "default" => Prefix::default_of(family),
        _ => dst.parse().ok()?,
    };
    let metric = text("metric").map_or(Some(0), |text| text.parse::<u32>().ok())?;
    let device = text("dev");
    if device.as_ref().is_some_and(|name| name.len() > 15) {
        return None;
    }
    let table = text("table").map_or(TableId::MAIN, |table| TableId::parse(&table));
    let protocol = text("protocol").map_or(Protocol::BOOT, |word| Protocol::parse(&word));
    Some(format!("{dst} {gateway:?} {device:?} {table} {metric} {protocol}"))
}

fn summary(route: &Route) -> String {
    let device = route.device.map(|device| device.to_string());
    format!(
        "{} {:?} {device:?} {} {} {}",
        route.dst, route.gateway, route.table, route.metric, route.protocol
    )
}

fn any_entry() -> impl Strategy<Value = Value> {
    fn one_of(values: &[Value]) -> impl Strategy<Value = Option<Value>> + use<> {
        proptest::option::of(proptest::sample::select(values.to_vec()))
    }
    let dsts = one_of(&[
        json!("default"),
        json!("10.0.0.0/8"),
        json!("10.1.2.3"),
        json!("fe80::/64"),
        json!("x/y"),
        json!("10.0.0.0/99"),
    ]);
    let gateways = one_of(&[json!("10.0.0.1"), json!("fe80::1"), json!("what"), json!(7)]);
    let devs =
        one_of(&[json!("eth0"), json!("döner"), json!("a\"\\b\n"), json!("sixteen-letters!")]);
    let tables = one_of(&[json!("local"), json!("2005"), json!(2005), json!("main")]);
    let metrics = one_of(&[json!(0), json!(1024), json!("20"), json!(1.5), json!(true)]);
    let protocols = one_of(&[json!("kernel"), json!("bgp"), json!("77"), json!(4)]);
    let others =
        one_of(&[json!({"a": [1, {"b": "]}"}]}), json!([]), json!("\u{1F980}"), json!(null)]);
    let prefs = one_of(&[json!("medium")]);
    (dsts, gateways, devs, tables, metrics, protocols, others, prefs).prop_map(
        |(dst, gateway, dev, table, metric, protocol, other, pref)| {
            let pairs = [
                ("dst", dst),
                ("gateway", gateway),
                ("dev", dev),
                ("table", table),
                ("metric", metric),
                ("protocol", protocol),
                ("aaa", other.clone()),
                ("zzz", other),
                ("pref", pref),
            ];
            let pairs = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
            Value::Object(pairs.collect())
        },
    )
}

proptest! {
    #[test]
    fn routes_equal_a_plain_reading(
        entries in proptest::collection::vec(any_entry(), 0..8),
        pretty: bool,
    ) {
        let value = Value::Array(entries.clone());
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let wanted: Vec<String> = entries.iter().filter_map(plain).collect();
        let (routes, _) = parse_routes(&text);
        let found: Vec<String> = routes.iter().map(summary).collect();
        prop_assert_eq!(found, wanted, "{}", text);
    }

    #[test]
    fn a_cut_never_changes_what_came_before(
        entries in proptest::collection::vec(any_entry(), 0..8),
        cut: prop::sample::Index,
    ) {
        let text = Value::Array(entries).to_string();
        let at = text.floor_char_boundary(cut.index(text.len() + 1));
        let (all, _) = parse_routes(&text);
        let (some, problems) = parse_routes(&text[..at]);
        prop_assert!(all.starts_with(&some));
        prop_assert!(at == text.len() || !problems.is_empty());
    }

    #[test]
    fn any_text_is_survived(
        text in "[ -~\n\té]{0,60}|([0-9]{1,3}:|default|local|10\\.0\\.0\\.0/8|::/0|via|inet6|dev|from|not|lookup|mtu|lock|nexthop|encap|fwmark|[a-z]{0,3}|\n|\n\t| |0x1/0x2|7-3){0,12}",
    ) {
        let wrapped = format!("[{{\"dst\":\"{text}\",{text}");
        for text in [text.as_str(), wrapped.as_str()] {
            let mut problems: Vec<Problem> = Vec::new();
            let mut printed = 0;
            let routes = [parse_routes(text), parse_routes_text(text)];
            for (route, found) in routes {
                printed += route.iter().map(|route| route.to_string().len()).sum::<usize>();
                problems.extend(found);
            }
            for family in [AddressFamily::V4, AddressFamily::V6] {
                problems.extend(parse_rules(text, family).1);
                let (rules, found) = parse_rules_text(text, family);
                printed += rules.iter().map(|rule| rule.to_string().len()).sum::<usize>();
                problems.extend(found);
            }
            problems.extend(parse_addresses(text).1);
            problems.extend(parse_addresses_text(text).1);
            problems.extend(parse_links(text).1);
            problems.extend(parse_links_text(text).1);
            problems.extend(parse_neighbors(text).1);
            problems.extend(parse_neighbors_text(text).1);
            // Printing must not panic either, whatever its length.
            prop_assert!(printed < 1 << 20);
            for problem in problems {
                prop_assert!(problem.line.chars().count() <= 200);
            }
        }
    }

    #[test]
    fn text_undoes_print(
        dst in "(10|20)\\.[0-9]\\.0\\.0/(16|24)|default|fd00::/16",
        via in proptest::option::of("192\\.168\\.[0-9]\\.1"),
        dev in "[a-z]{1,15}",
        metric in 0_u32..9,
        mtu in proptest::option::of(68_u32..9000),
        table in "(main|local|[0-9]{1,4}|blue)",
        protocol in "(kernel|bgp|static|[0-9]{1,2}|mine)",
    ) {
        let via = via.map_or(String::new(), |via| format!(" via inet {via}"));
        let mtu = mtu.map_or(String::new(), |mtu| format!(" mtu {mtu}"));
        let line = format!("{dst}{via} dev {dev} table {table} proto {protocol} metric {metric}{mtu}");
        let (routes, problems) = parse_routes_text(&line);
        prop_assert_eq!(&problems, &[]);
        let printed = routes[0].to_string();
        let (again, _) = parse_routes_text(&printed);
        prop_assert_eq!(&again, &routes);
        prop_assert_eq!(again[0].to_string(), printed);
    }
}
