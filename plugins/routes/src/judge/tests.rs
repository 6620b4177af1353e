//! Each check over the smallest cluster that shows it: one that fires, one that nearly fires,
//! one with unknown input.

use lab_forwarding::collect::ROUTES;
use lab_forwarding::made::{A, Lab, fib_with, ip, lab, prefix, with, without};
use lab_forwarding::matrix::matrix;
use lab_forwarding::model::{Agent, Cluster, PodInput, build};
use lab_forwarding::reach::reach;
use lab_model::AddressFamily;
use lab_model::iproute2::IpRule;
use lab_plugin::{Finding, Level};

use super::*;

/// What is said of a cluster made by hand.
trait Findings {
    fn found(self) -> Vec<Finding>;
    fn codes(self) -> Vec<(String, String)>;
}

impl Findings for Lab {
    fn found(self) -> Vec<Finding> {
        judged(&build(self.inputs))
    }

    fn codes(self) -> Vec<(String, String)> {
        let found = self.found();
        found.into_iter().map(|finding| (finding.code, finding.subject)).collect()
    }
}

fn judged(cluster: &Cluster) -> Vec<Finding> {
    let view = View::of_ranges(cluster);
    let strays = strays::judge(cluster);
    let mut bad = Vec::new();
    for host in 0..cluster.hosts.len() {
        for (idx, cidr) in cluster.cidrs.iter().enumerate() {
            let pair = pair(&view, host, cidr);
            if !matches!(pair.verdict, Verdict::Ok | Verdict::Covered) {
                bad.push(Judged { host, cidr: idx, pair });
            }
        }
    }
    let matrix = matrix(&view, |_| true, |_| true);
    for (from, host) in cluster.hosts.iter().enumerate() {
        for (to, cidr) in cluster.cidrs.iter().enumerate() {
            if host.is_node && cidr.host != from && !host.pod_cidrs.is_empty() {
                let walked = reach(&view, from, cidr).0.disposition;
                assert_eq!(matrix.end(from, to), Some(walked), "the shortcut is no other opinion");
            }
        }
    }
    findings(&Facts { view: &view, judged: &bad, strays: &strays, matrix: &matrix })
}

fn named(code: &str, subject: &str) -> (String, String) {
    (format!("routes/{code}"), subject.to_owned())
}

#[test]
fn a_cluster_in_order_has_no_findings() {
    assert_eq!(lab().codes(), []);
}

#[test]
fn a_router_without_a_route_is_a_black_hole_with_the_missing_line_as_cure() {
    let found = lab().routes("r", without("10.1.2.0/24")).found();
    let hole = found.iter().find(|finding| finding.code == "routes/black-hole").unwrap();
    assert_eq!(hole.subject, "r: 10.1.2.0/24");
    assert!(hole.fixes[0].ends_with("ip route add 10.1.2.0/24 via 192.168.2.10 dev eth2"));
    assert!(
        hole.evidence.contains(&(format!("r: {ROUTES}"), "default via 10.0.2.2 dev eth0".into()))
    );
    // The other way works, so the cause shows as one-way too.
    assert!(found.iter().any(|finding| finding.code == "routes/one-way"));
}

#[test]
fn a_router_that_is_not_known_is_no_black_hole() {
    let mut lab = lab();
    lab.host("r").fib = Err("timeout".to_owned());
    assert_eq!(lab.codes(), [named("unanswered", "r")]);
}

#[test]
fn without_a_default_route_the_router_refuses() {
    let edit = |text: &str| without("10.1.2.0/24")(&without("default")(text));
    let found = lab().routes("r", edit).codes();
    assert!(found.contains(&named("unreachable", "r: 10.1.2.0/24")), "{found:?}");
}

#[test]
fn two_hosts_that_point_at_each_other_loop() {
    let back = |text: &str| {
        without("10.1.2.0/24")(text) + "\n10.1.2.0/24 via 192.168.1.10 dev eth1 proto static"
    };
    let found = lab().routes("r", back).codes();
    assert!(found.iter().any(|(code, _)| code == "routes/loop"), "{found:?}");
}

#[test]
fn a_missing_direct_route_is_told_with_its_line() {
    let edit = |text: &str| without("10.1.0.0/16")(&without("10.1.1.0/24")(text));
    let found = lab().routes("a", edit).found();
    let missing = found.iter().find(|finding| finding.code == "routes/missing").unwrap();
    assert_eq!(missing.subject, "a");
    let line = "ip route add 10.1.1.0/24 via 192.168.1.11 dev eth1 proto kernel";
    assert!(missing.fixes[1].ends_with(line), "{:?}", missing.fixes);
}

#[test]
fn a_covering_static_route_is_not_missing() {
    assert_eq!(lab().routes("a", without("10.1.1.0/24")).codes(), []);
}

#[test]
fn a_missing_route_of_an_agent_that_is_not_ready_is_unknown() {
    let edit = |text: &str| without("10.1.0.0/16")(&without("10.1.1.0/24")(text));
    let mut lab = lab().routes("a", edit);
    lab.host("a").agent = Agent::NotReady("Failure".to_owned());
    let found = lab.codes();
    assert!(!found.iter().any(|(code, _)| code == "routes/missing"), "{found:?}");
    assert!(found.contains(&named("agent-not-ready", "a")), "{found:?}");
}

#[test]
fn issue_31066_gateway_of_the_former_node_address_is_wrong() {
    let edit = |text: &str| {
        text.replace(
            "via 192.168.1.11 dev eth1 proto kernel",
            "via 192.168.1.99 dev eth1 proto kernel",
        )
    };
    let found = lab().routes("a", edit).codes();
    assert!(found.contains(&named("wrong-next-hop", "a")), "{found:?}");
}

#[test]
fn a_route_by_hand_that_arrives_is_not_wrong() {
    let edit = |text: &str| {
        text.replace(
            "10.1.1.0/24 via 192.168.1.11 dev eth1 proto kernel",
            "10.1.1.0/24 via 192.168.1.200 dev eth1 proto static",
        )
    };
    assert_eq!(lab().routes("a", edit).codes(), []);
}

#[test]
fn another_device_than_the_peers_is_wrong() {
    let edit = |text: &str| {
        text.replace(
            "192.168.1.11 dev eth1 proto kernel",
            "192.168.1.11 dev eth2 proto kernel onlink",
        )
    };
    let found = lab().routes("a", edit).codes();
    assert!(found.contains(&named("wrong-device", "a")), "{found:?}");
}

#[test]
fn a_longer_route_of_a_bridge_shadows() {
    let found =
        lab().routes("a", with("10.1.1.128/25 dev docker0 proto kernel scope link")).codes();
    assert_eq!(found, [named("shadowed", "a")]);
}

#[test]
fn a_longer_route_to_the_owner_does_not_shadow() {
    let line = "10.1.1.128/25 via 192.168.1.11 dev eth1 proto static";
    assert_eq!(lab().routes("a", with(line)).codes(), []);
}

#[test]
fn issue_28137_route_left_by_a_dead_node_is_stale() {
    let line = "10.1.9.0/24 via 192.168.1.19 dev eth1 proto kernel";
    let found = lab().routes("a", with(line)).found();
    assert_eq!(found[0].code, "routes/stale");
    assert!(found[0].fixes[0].ends_with("ip route del 10.1.9.0/24 via 192.168.1.19 dev eth1"));
}

#[test]
fn a_route_outside_the_pods_range_is_nobodys_leftover() {
    let line = "10.7.9.0/24 via 192.168.1.19 dev eth1 proto kernel";
    assert_eq!(lab().routes("a", with(line)).codes(), []);
}

#[test]
fn without_cilium_nodes_nothing_is_stale() {
    let mut lab = lab().routes("a", with("10.1.9.0/24 via 192.168.1.19 dev eth1 proto kernel"));
    lab.inputs.cilium_nodes = None;
    assert_eq!(lab.codes(), []);
}

#[test]
fn direct_routes_of_native_mode_are_stale_in_a_tunnel() {
    let found = lab().set("routing-mode", "tunnel").codes();
    assert!(found.contains(&named("stale", "a")), "{found:?}");
}

#[test]
fn routes_of_a_tunnel_are_stale_in_native_mode() {
    let line = "10.1.2.0/24 via 10.1.0.1 dev cilium_host proto kernel mtu 1450";
    let found = lab().routes("a", with(line)).found();
    let stale = found.iter().find(|finding| finding.code == "routes/stale");
    let fixes = stale.map(|finding| finding.fixes.join("\n")).unwrap_or_default();
    assert!(fixes.ends_with("ip route del 10.1.2.0/24 via 10.1.0.1 dev cilium_host"), "{found:?}");
}

#[test]
fn a_direct_route_across_a_router_is_unexpected() {
    let line = "10.1.2.0/24 via 192.168.2.10 dev eth1 proto kernel onlink";
    let found = lab().routes("a", with(line)).codes();
    assert!(found.contains(&named("unexpected", "a")), "{found:?}");
}

#[test]
fn routes_to_node_spec_pod_cidr_are_the_wrong_cure() {
    let found =
        lab().routes("r", with("10.244.1.0/24 via 192.168.1.11 dev eth1 proto static")).found();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "routes/unused-pod-cidr");
    assert!(found[0].fixes[1].contains("10.1.1.0/24 via 192.168.1.11 dev eth1"));
}

#[test]
fn node_spec_pod_cidr_that_pods_use_is_right() {
    let mut lab = lab().routes("r", with("10.1.1.128/25 via 192.168.1.11 dev eth1 proto static"));
    lab.inputs.nodes[1].pod_cidrs = vec![prefix("10.1.1.0/24")];
    assert_eq!(lab.codes(), []);
}

#[test]
fn two_claims_of_one_range_are_a_conflict() {
    let mut lab = lab();
    lab.inputs.cilium_nodes.as_mut().unwrap()[1].pod_cidrs = vec![prefix("10.1.0.128/25")];
    let found = lab.codes();
    assert!(found.contains(&named("conflict", "10.1.0.128/25")), "{found:?}");
}

#[test]
fn a_range_outside_the_native_cidr_is_masqueraded() {
    let found = lab().set("ipv4-native-routing-cidr", "10.1.0.0/23").codes();
    assert_eq!(found, [named("outside-native-cidr", "cilium-config")]);
    let off = lab().set("ipv4-native-routing-cidr", "10.1.0.0/23");
    assert_eq!(off.set("enable-ipv4-masquerade", "false").codes(), []);
    assert_eq!(lab().set("ipv4-native-routing-cidr", "").codes(), []);
}

#[test]
fn a_narrow_device_on_the_way_is_told_once_for_each_sender() {
    let mut narrow = lab();
    let links = narrow.host("r").links.as_mut().unwrap();
    links
        .iter_mut()
        .filter(|(name, _)| *name == "eth2")
        .for_each(|(_, link)| link.mtu = Some(1400));
    let found = narrow.codes();
    assert_eq!(found, [named("mtu", "a"), named("mtu", "b")]);
    let mut unknown = lab();
    unknown.host("r").links = Err("timeout".to_owned());
    assert_eq!(unknown.codes(), []);
}

fn rules(priorities: &[u32]) -> Vec<IpRule> {
    let local = |priority: &u32| {
        IpRule::lookup(AddressFamily::V4, *priority, lab_model::iproute2::TableId::LOCAL)
    };
    let main = IpRule::lookup(AddressFamily::V4, 32766, lab_model::iproute2::TableId::MAIN);
    priorities.iter().map(local).chain([main]).collect()
}

#[test]
fn the_local_rule_belongs_at_100_where_there_is_a_proxy() {
    let codes = |proxy: &str, priorities: &[u32]| {
        let mut lab = lab().set("enable-l7-proxy", proxy);
        let lines =
            "local 192.168.1.10 dev eth1 table local\nlocal 10.1.0.1 dev cilium_host table local\n";
        lab.host("a").fib = Ok(fib_with(&format!("{lines}{A}"), rules(priorities)));
        for other in ["b", "c"] {
            lab.host(other).fib = Err("timeout".to_owned());
        }
        let found = lab.codes();
        found.into_iter().filter(|(code, _)| code == "routes/local-rule").count()
    };
    assert_eq!(codes("true", &[0]), 1);
    assert_eq!(codes("true", &[0, 100]), 1);
    assert_eq!(codes("true", &[100]), 0);
    assert_eq!(codes("false", &[0]), 0);
    assert_eq!(codes("false", &[]), 1);
}

#[test]
fn a_node_with_two_addresses_by_its_two_objects_is_told() {
    let mut lab = lab();
    lab.inputs.nodes[0].internal = vec![ip("192.168.1.77")];
    assert_eq!(lab.codes(), [named("node-address", "a")]);
}

/// With endpoint routes on `a` and one pod there.
fn with_pod(own_route: &str) -> Lab {
    let edit = |text: &str| without("10.1.0.0/24")(text) + "\n" + own_route;
    let mut lab = lab().routes("a", edit);
    lab.host("a").in_force = Some(r#"{"EnableEndpointRoutes":true}"#.to_owned());
    lab.inputs.pods = Some(vec![PodInput {
        name: "default/web".to_owned(),
        node: "a".to_owned(),
        ips: vec![ip("10.1.0.7")],
        host_network: false,
    }]);
    lab
}

#[test]
fn every_pod_has_a_route_and_every_route_a_pod() {
    assert_eq!(with_pod("10.1.0.7 dev lxc7 proto kernel scope link").codes(), []);
    let other = with_pod("10.1.0.8 dev lxc8 proto kernel scope link").codes();
    assert_eq!(other, [named("missing-pod-route", "a"), named("stale-pod-route", "a")]);
    let mut unknown = with_pod("10.1.0.8 dev lxc8 proto kernel scope link");
    unknown.inputs.pods = None;
    assert_eq!(unknown.codes(), []);
}

#[test]
fn every_code_is_explained_and_unknown_is_never_bad() {
    let codes = [
        "black-hole",
        "loop",
        "unreachable",
        "missing",
        "stale",
        "wrong-next-hop",
        "wrong-device",
        "shadowed",
        "conflict",
        "unexpected",
        "outside-native-cidr",
        "mtu",
        "one-way",
        "unused-pod-cidr",
        "local-rule",
        "missing-pod-route",
        "stale-pod-route",
        "node-address",
        "agent-not-ready",
        "unanswered",
    ];
    let explained: Vec<&str> =
        crate::explain::EXPLANATIONS.iter().map(|explained| explained.code).collect();
    assert_eq!(explained, codes.map(|code| format!("routes/{code}")));
    for explained in crate::explain::EXPLANATIONS {
        for part in ["Checks: ", "Why: ", "See for yourself: ", "Fix: ", "Since: ", "Source: "] {
            assert!(explained.text.contains(part), "{} lacks {part}", explained.code);
        }
    }
    let mut silent = lab();
    silent.host("a").fib = Err("denied".to_owned());
    assert!(silent.found().iter().all(|finding| finding.level == Level::Unknown));
}
