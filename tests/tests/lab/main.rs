//! End to end, on a real cluster: what the program says is compared with what the hosts say and
//! with what pings do.
//!
//! One test, because the scenarios share a cluster and break it in turn. Each puts back what it
//! changed, also when it fails; the rest still runs, and the failures are listed at the end.
//! `KUBECTL_LAB_TEST_LAB=1` turns it on once `tests/lab/up` has brought the cluster up, and which
//! scenarios run follows from what it was brought up with;
//! `KUBECTL_LAB_TEST_ONLY=word` runs the scenarios whose name holds that word, and
//! `KUBECTL_LAB_TEST_MINUTES=n` begins none after so many minutes.

mod access;
mod answers;
mod api;
mod captures;
mod cluster;
mod completion;
mod cures;
mod doctor;
mod each;
mod faults;
mod forwarding;
mod ipam;
mod iptables;
mod monitor;
mod nodes;
mod proxy;
mod reach;
mod routes;
mod scale;
mod silent_hosts;
mod status;
mod sysdumps;
mod transports;
mod upgrade;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use cluster::Cluster;

const TURNED_ON: &str = "KUBECTL_LAB_TEST_LAB";
const ONLY: &str = "KUBECTL_LAB_TEST_ONLY";
const MINUTES: &str = "KUBECTL_LAB_TEST_MINUTES";
/// Set in the process that sits at the desk.
const AT_THE_DESK: &str = "KUBECTL_LAB_TEST_AT_THE_DESK";

/// A name, and what is done under it.
type Scenario = (&'static str, fn(&Cluster));

/// The scenarios of the usual lab, in this order, so that the routing mode changes only twice.
const SCENARIOS: &[Scenario] = &[
    ("native: the black hole is found, word for word", routes::black_hole),
    ("native: every row is a line of its host", routes::rows_are_lines_of_the_hosts),
    ("native: a trace across the router ends where the packet does", routes::traces),
    ("native: the matrix shows the pairs that are lost", routes::matrix),
    ("native: pings come back where trace says so", forwarding::live),
    ("capture: the same tables as live", captures::same_tables),
    ("capture: --record holds what the run asked", captures::recorded),
    ("capture: --against shows the one route that changed", captures::against),
    ("nodes: the table says what kubectl and the hosts say", nodes::table),
    ("nodes: addresses are those that `ip` prints", nodes::addresses),
    ("nodes: facts of the cluster with their places", nodes::facts),
    ("nodes: figures are those of the metrics API", nodes::top),
    ("sysdump: the same answers as live and as a capture", sysdumps::same_answers),
    ("each: equal answers are one", each::folded),
    ("each: rows from a command that prints JSON", each::rows_from_json),
    ("each: a rule of Cilium's that is gone on one node", each::removed_rule),
    ("each: nothing is changed without consent", each::no_consent),
    ("reach: what is measured is what pings do", reach::everybody),
    ("reach: a firewall that no table shows", reach::firewall),
    ("reach: the MTU of a narrow link", reach::narrow_link),
    ("completion: kubectl asks the program", completion::through_kubectl),
    ("iptables: nodes are equal, and as the model says", iptables::healthy),
    ("iptables: a rule removed, moved, duplicated, changed", iptables::broken),
    ("iptables: two moments, and a file", iptables::moments),
    ("ipam: addresses in use are those that the agents count", ipam::in_use),
    ("status: what is shown is what the agents say", status::table),
    ("status: a setting that waits for a restart", status::drift),
    ("status: an agent that ends as soon as it starts", status::crash_loop),
    ("monitor: pings are seen where they pass, live and recorded", monitor::pings),
    ("monitor: a connection to a Service, as the agents saw it", monitor::service),
    ("monitor: pings of a node, as the agents saw them", monitor::node_ping),
    ("monitor: the black hole is where packets are lost", monitor::lost),
    ("monitor: a denied ping is dropped where it arrives", monitor::denied),
    ("monitor: pings by a real Hubble Relay", monitor::relay),
    ("monitor: names that the proxy was asked for, and what it refused", proxy::names),
    ("fault: a direct route is missing", faults::missing),
    ("fault: a route of a node that is gone", faults::stale),
    ("fault: a direct route to the wrong node", faults::wrong_next_hop),
    ("fault: a link is narrower than the pods think", faults::narrow_link),
    ("fault: routes of the tunnel mode stayed behind", faults::left_by_tunnel_mode),
    ("silent: an agent is replaced just before the run", silent_hosts::agent_replaced_before),
    ("silent: an agent is killed during the run", silent_hosts::agent_killed_meanwhile),
    ("silent: a container runtime hangs", silent_hosts::runtime_hangs),
    ("silent: a kubelet refuses", silent_hosts::kubelet_refuses),
    ("silent: the router refuses the key", silent_hosts::wrong_key),
    ("silent: the router's host key is not known", silent_hosts::unknown_host_key),
    ("silent: the router refuses connections", silent_hosts::router_refuses),
    ("silent: the router is not there", silent_hosts::router_is_not_there),
    ("debug pods: the same answers, and none is left", transports::by_debug_pods),
    ("debug pods: a signal while they start", transports::interrupted),
    ("debug pods: a namespace that admits none", transports::refused),
    ("access: a user without any right", access::no_right),
    ("access: a user who may read and not exec", access::no_exec),
    ("access: an extra host with the name of a node", access::one_name_twice),
    ("doctor: a cluster that is well", doctor::sound),
    ("doctor: a runtime that hangs, a router that refuses", doctor::broken),
    ("doctor: the roles that it prints are enough, and no more", doctor::roles),
    ("api: slow", api::slow),
    ("api: hangs", api::hangs),
    ("api: killed, and back", api::killed),
    ("cure: the static routes of the fix, as printed", cures::static_routes),
    ("cure: tunnel mode, and back", cures::tunnel),
    ("scale: a crowd of nodes", scale::crowd),
];

/// Those of a lab where Kubernetes hands out the ranges of pods, with kube-proxy if it is built.
const KUBERNETES_IPAM: &[Scenario] = &[
    ("kubernetes ipam: the Nodes' ranges are the pods' ranges", ipam::ranges_of_kubernetes),
    ("kubernetes ipam: kube-proxy's rules beside Cilium's", each::kube_proxy),
    ("kubernetes ipam: the black hole is found, word for word", routes::black_hole),
    ("kubernetes ipam: every row is a line of its host", routes::rows_are_lines_of_the_hosts),
    ("kubernetes ipam: pings come back where trace says so", forwarding::live),
    ("kubernetes ipam: the same tables as live", captures::same_tables),
];

/// Those of a lab where nodes take blocks out of pools.
const MULTI_POOL_IPAM: &[Scenario] = &[
    ("multi-pool ipam: every block of every node is shown", ipam::blocks_of_pools),
    ("multi-pool ipam: every row is a line of its host", routes::rows_are_lines_of_the_hosts),
    ("multi-pool ipam: pings come back where trace says so", forwarding::live),
    ("multi-pool ipam: the same tables as live", captures::same_tables),
];

/// Those of a lab that was brought up with an older Cilium, and has the usual one afterwards.
const OLDER_CILIUM: &[Scenario] =
    &[("upgrade: what is foretold is what 1.18.0 brings", upgrade::foretold)];

#[test]
fn live() {
    if std::env::var_os(TURNED_ON).is_none_or(|value| value != "1") {
        say(format_args!(
            "lab: skipped: {TURNED_ON}=1 runs it on the cluster that tests/lab/up brings up"
        ));
        return;
    }
    if std::env::var_os(AT_THE_DESK).is_none() {
        cluster::sit_down(AT_THE_DESK);
        return;
    }
    let cluster = Cluster::at_hand();
    cluster.settle();
    let only = std::env::var(ONLY).unwrap_or_default();
    let scenarios = match &*cluster.config("ipam") {
        "kubernetes" => KUBERNETES_IPAM,
        "multi-pool" => MULTI_POOL_IPAM,
        _ if cluster.agents_run(upgrade::FROM) => OLDER_CILIUM,
        _ => SCENARIOS,
    };
    let minutes = std::env::var(MINUTES).ok().map(|n| n.parse().expect("a number of minutes"));
    let ends = minutes.map(|minutes: u64| Instant::now() + Duration::from_secs(minutes * 60));
    let mut failed = Vec::new();
    assert!(scenarios.iter().any(|(name, _)| name.contains(&only)), "no scenario has `{only}`");
    for (name, scenario) in scenarios.iter().filter(|(name, _)| name.contains(&only)) {
        if ends.is_some_and(|ends| ends < Instant::now()) {
            say(format_args!("lab: not run, the time is up:  {name}"));
            continue;
        }
        // Twice, because three clusters' worth of machines share this one, and what is late once
        // is no fault of the program. Why it failed is said where it happened, also then.
        let passed = ["FAILED, once more", "FAILED"].into_iter().any(|word| {
            let began = Instant::now();
            let is_ok = catch_unwind(AssertUnwindSafe(|| scenario(&cluster))).is_ok();
            let took = began.elapsed().as_secs_f32();
            let word = if is_ok { "ok     " } else { word };
            say(format_args!("lab: {word} {took:5.1} s  {name}"));
            is_ok
        });
        if !passed {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "{} of the lab's scenarios failed: {failed:#?}", failed.len());
}

/// Says it even when the test passes.
fn say(line: std::fmt::Arguments<'_>) {
    let mut out = std::io::stderr();
    writeln!(out, "{line}").expect("stderr is open");
}
