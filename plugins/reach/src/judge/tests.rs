//! Each check over the smallest cluster that shows it: one that fires, one that nearly fires,
//! one with unknown input.

use std::time::Duration;

use lab_forwarding::made::{Lab, ip, lab, without};
use lab_forwarding::model::{PodInput, build};
use lab_plugin::{Failure, Level, Outcome};

use super::*;
use crate::collect::Ask;
use crate::ends::{self, At};
use crate::rounds::{Options, probe};
use crate::services::Services;

/// Nodes `a`, `b`, `c` with a pod each, `c` behind the router.
fn with_pods(mut lab: Lab) -> Lab {
    let pod = |(name, node, at): (&str, &str, &str)| PodInput {
        name: name.to_owned(),
        node: node.to_owned(),
        ips: vec![ip(at)],
        host_network: false,
    };
    let pods = [("x/a", "a", "10.1.0.5"), ("x/b", "b", "10.1.1.5"), ("x/c", "c", "10.1.2.5")];
    lab.inputs.pods = Some(pods.map(pod).into());
    lab
}

/// What a probe meets: how many of two packets are answered, and the largest that arrive whole.
type Net<'n> = &'n dyn Fn(&str, &str) -> Option<(u32, u32)>;

fn answer(ask: &Ask, net: Net<'_>) -> Result<Outcome, Failure> {
    let from = match &ask.at {
        At::Host(name) => name.clone(),
        At::Pod { namespace, name } => format!("{namespace}/{name}"),
    };
    let to = ask.argv.last().unwrap();
    let Some((received, mtu)) = net(&from, to) else {
        return Err(Failure::NotFound("`ping` is not in that container".to_owned()));
    };
    if ask.argv[0] != "ping" {
        return Err(Failure::NotFound(format!("`{}` is not in that container", ask.argv[0])));
    }
    let size = ask.argv.iter().position(|word| word == "-s");
    let size = size.map_or(84, |at| ask.argv[at + 1].parse::<u32>().unwrap() + 28);
    let received = if size > mtu { 0 } else { received };
    let replies =
        "64 bytes from 10.0.0.1: icmp_seq=1 ttl=63 time=0.5 ms\n".repeat(received as usize);
    let text = format!("{replies}2 packets transmitted, {received} received, 50% packet loss\n");
    let code = i32::from(received == 0);
    Ok(Outcome { code, out: text.into_bytes(), err: Vec::new(), truncated: false })
}

/// Findings of every pair of hosts and pods, or of the named ones.
fn found(lab: Lab, from: &[&str], to: &[&str], net: Net<'_>) -> Vec<Finding> {
    let cluster = build(with_pods(lab).inputs);
    let asked = ["a", "b", "c", "r"].map(str::to_owned);
    let mut sources: Vec<Source> =
        from.iter().map(|name| Source::resolve(&cluster, name).unwrap()).collect();
    if sources.is_empty() {
        sources = ends::all_sources(&cluster, &asked);
    }
    let services = Services::default();
    let mut targets: Vec<Target> =
        to.iter().map(|name| Target::resolve(&cluster, &services, name).unwrap()).collect();
    if targets.is_empty() {
        targets = ends::all_targets(&cluster);
    }
    let pairs = crate::plan::plan(&sources, &targets, 1000).pairs;
    let options = Options { count: 2, interval: Duration::from_secs(1), with_path: true };
    let ask = |asks: &[Ask]| Ok(asks.iter().map(|ask| answer(ask, net)).collect());
    let probes = probe(&cluster, (&sources, &targets), &pairs, options, ask).unwrap();
    findings(&Facts { cluster: &cluster, sources: &sources, targets: &targets, probes: &probes })
}

fn codes(found: &[Finding]) -> Vec<(&str, &str, Level)> {
    found.iter().map(|it| (it.code.as_str(), it.subject.as_str(), it.level)).collect()
}

const WHOLE: Option<(u32, u32)> = Some((2, 1500));

#[test]
fn a_cluster_in_order_that_answers_has_no_findings() {
    assert_eq!(codes(&found(lab(), &[], &[], &|_, _| WHOLE)), []);
}

#[test]
fn a_pod_that_answers_nobody_is_one_finding() {
    let found =
        found(lab(), &[], &[], &|_, to| if to == "10.1.1.5" { Some((0, 0)) } else { WHOLE });
    assert_eq!(codes(&found), [("reach/unpredicted-loss", "x/b", Level::Bad)]);
    let it = &found[0];
    assert_eq!(
        it.message,
        "it gives no answer to a, b, c, r and 2 more, although packets should arrive there and come back"
    );
    // The command and what it printed, and the routes that promise it.
    assert!(it.evidence.contains(&(
        "a: ping -c 2 -W 1 10.1.1.5".to_owned(),
        "2 packets transmitted, 0 received, 50% packet loss".to_owned()
    )));
    assert!(it.evidence.contains(&(
        "a: ip -j route show table all".to_owned(),
        "10.1.1.0/24 via 192.168.1.11 dev eth1 proto kernel".to_owned()
    )));
    assert!(it.fixes[0].contains("ciliumnetworkpolicies"));
    assert!(it.fixes[1].ends_with("tcpdump -ni any icmp and host 10.1.1.5"), "{}", it.fixes[1]);
}

#[test]
fn a_host_that_reaches_nobody_is_one_finding() {
    let found = found(lab(), &[], &[], &|from, _| if from == "b" { Some((0, 0)) } else { WHOLE });
    assert_eq!(codes(&found), [("reach/unpredicted-loss", "b", Level::Bad)]);
}

#[test]
fn a_loss_that_is_predicted_names_the_host_and_the_route() {
    let broken = lab().routes("r", without("10.1.2.0/24"));
    let found = found(broken, &["x/a", "x/b"], &["x/c"], &|_, _| Some((0, 0)));
    assert_eq!(codes(&found), [("reach/lost", "r", Level::Bad)]);
    let it = &found[0];
    assert!(it.message.contains("packets end on r, black-hole"), "{}", it.message);
    assert!(it.message.contains("x/a > x/c, x/b > x/c"), "{}", it.message);
    let route = ("r: ip -j route show table all", "default via 10.0.2.2 dev eth0");
    assert!(it.evidence.contains(&(route.0.to_owned(), route.1.to_owned())), "{:?}", it.evidence);
    assert!(it.fixes[0].contains("ip route add 10.1.2.0/24 via 192.168.2.10 dev eth2"));
    assert!(it.fixes[1].ends_with("kubectl lab routes trace x/a x/c"), "{}", it.fixes[1]);
}

#[test]
fn a_router_without_a_way_to_pods_is_information() {
    let broken = lab().routes("r", without("10.1.2.0/24"));
    let found = found(broken, &["r"], &["x/c"], &|_, _| Some((0, 0)));
    assert_eq!(codes(&found), [("reach/lost", "r", Level::Info)]);
}

#[test]
fn a_loss_beyond_the_known_hosts_is_no_more_than_a_warning() {
    let found = found(lab(), &["a"], &["192.168.1.77"], &|_, _| Some((0, 0)));
    assert_eq!(codes(&found), [("reach/lost", "192.168.1.77", Level::Warn)]);
}

#[test]
fn an_answer_that_is_not_predicted_is_told() {
    let broken = lab().routes("r", without("10.1.2.0/24"));
    let found = found(broken, &["x/a"], &["x/c"], &|_, _| WHOLE);
    assert_eq!(codes(&found), [("reach/unpredicted-answer", "x/c", Level::Warn)]);
    assert!(found[0].message.ends_with("packets are lost on r"), "{}", found[0].message);
}

#[test]
fn half_of_the_answers_are_lossy() {
    let found = found(lab(), &["a", "b"], &["x/c"], &|_, _| Some((1, 1500)));
    assert_eq!(codes(&found), [("reach/lossy", "x/c", Level::Warn)]);
    assert_eq!(found[0].message, "2 of 4 answers came to a, b");
}

#[test]
fn a_way_narrower_than_its_devices_is_told_with_both_sizes() {
    let found = found(lab(), &["a"], &["x/c"], &|_, _| Some((2, 1300)));
    assert_eq!(codes(&found), [("reach/mtu", "x/c", Level::Warn)]);
    let commands: Vec<&str> = found[0].evidence.iter().map(|(place, _)| place.as_str()).collect();
    assert!(commands.contains(&"a: ping -c 2 -i 0.2 -W 1 -M do -s 1272 10.1.2.5"), "{commands:?}");
    assert!(commands.contains(&"a: ping -c 2 -i 0.2 -W 1 -M do -s 1273 10.1.2.5"), "{commands:?}");
}

#[test]
fn a_way_as_wide_as_its_devices_is_in_order() {
    assert_eq!(codes(&found(lab(), &["a"], &["x/c"], &|_, _| Some((2, 1500)))), []);
}

#[test]
fn what_was_not_measured_is_never_a_finding() {
    let broken = lab().routes("r", without("10.1.2.0/24"));
    assert_eq!(codes(&found(broken, &[], &[], &|_, _| None)), []);
}

#[test]
fn every_code_is_explained() {
    let explained: Vec<&str> =
        crate::explain::EXPLANATIONS.iter().map(|explained| explained.code).collect();
    let mut fired = Vec::new();
    let broken = || lab().routes("r", without("10.1.2.0/24"));
    fired.extend(found(lab(), &["a"], &["x/b"], &|_, _| Some((0, 0))));
    fired.extend(found(broken(), &["a"], &["x/c"], &|_, _| Some((0, 0))));
    fired.extend(found(broken(), &["a"], &["x/c"], &|_, _| WHOLE));
    fired.extend(found(lab(), &["a"], &["x/c"], &|_, _| Some((1, 1500))));
    fired.extend(found(lab(), &["a"], &["x/c"], &|_, _| Some((2, 1300))));
    let fired: Vec<&str> = fired.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(fired, explained);
    for explained in crate::explain::EXPLANATIONS {
        for part in
            ["Checks: ", "\nWhy: ", "\nSee for yourself: ", "\nFix: ", "\nSince: ", "\nSource: "]
        {
            assert!(explained.text.contains(part), "{} lacks {part:?}", explained.code);
        }
    }
}
