//! A real network of two hosts and a router in namespaces, probed by the real `ping`: the path
//! MTU comes out, whether the router tells it or large packets vanish in silence.
//!
//! Needs root, `ip` and the `ping` of iputils; says so and passes where one is missing.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::io::{Write as _, stderr};
use std::process::{Command, Output};
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::BoxStream;
use lab_backend::{
    About, Answer, Backend, Change, Chunk, Host, HostKind, Outcome, Page, Place, Question,
    Selection,
};
use lab_output::{Cell, Report};
use lab_plugin_test::Lab;
use lab_types::{Failure, Value};
use reach::Reach;

/// Hosts of the network; `switch` is between router and right, and nobody's host.
const HOSTS: [&str; 3] = ["left", "router", "right"];
const RIGHT: &str = "10.92.2.2";

/// Network namespaces that go away with the value.
struct Network {
    prefix: String,
    with_tracepath: bool,
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in HOSTS.iter().chain(&["switch"]) {
            let _ = Command::new("ip").args(["netns", "del", &self.namespace(name)]).output();
        }
    }
}

impl Network {
    /// `last` is the MTU of the link at which right is; `switch` of the switch's port on it.
    fn new(name: &str, last: u32, switch: u32) -> Result<Self, String> {
        let prefix = format!("lab-reach-{}-{name}", std::process::id());
        let made = Self { prefix, with_tracepath: false };
        for host in HOSTS.iter().chain(&["switch"]) {
            run(&["ip", "netns", "add", &made.namespace(host)])?;
        }
        let [left, router, right, between] =
            ["left", "router", "right", "switch"].map(|name| made.namespace(name));
        for line in [
            format!("ip -n {router} link add vl type veth peer name eth0 netns {left}"),
            format!("ip -n {router} link add vr type veth peer name vr netns {between}"),
            format!("ip -n {right} link add eth0 type veth peer name vx netns {between}"),
            format!("ip -n {between} link add br0 type bridge"),
            format!("ip -n {between} link set dev vr master br0"),
            format!("ip -n {between} link set dev vx master br0"),
            format!("ip -n {left} addr add 10.92.1.2/24 dev eth0"),
            format!("ip -n {router} addr add 10.92.1.1/24 dev vl"),
            format!("ip -n {router} addr add 10.92.2.1/24 dev vr"),
            format!("ip -n {right} addr add {RIGHT}/24 dev eth0"),
            format!("ip -n {router} link set dev vr mtu {last}"),
            format!("ip -n {right} link set dev eth0 mtu {last}"),
            format!("ip -n {between} link set dev vx mtu {switch}"),
            format!("ip -n {left} link set dev eth0 up"),
            format!("ip -n {router} link set dev vl up"),
            format!("ip -n {router} link set dev vr up"),
            format!("ip -n {between} link set dev vr up"),
            format!("ip -n {between} link set dev vx up"),
            format!("ip -n {between} link set dev br0 up"),
            format!("ip -n {right} link set dev eth0 up"),
            format!("ip -n {left} route add default via 10.92.1.1"),
            format!("ip -n {right} route add default via 10.92.2.1"),
            format!("ip netns exec {router} sysctl -qw net.ipv4.ip_forward=1"),
        ] {
            run(&line.split(' ').collect::<Vec<_>>())?;
        }
        let version = run(&["ip", "netns", "exec", &left, "ping", "-V"])?;
        if !String::from_utf8_lossy(&version.stdout).contains("iputils") {
            return Err("`ping` is not that of iputils".to_owned());
        }
        // Until both links are up packets are lost for another reason.
        for _ in 0..50 {
            if run(&["ip", "netns", "exec", &left, "ping", "-c", "1", "-W", "1", RIGHT]).is_ok() {
                return Ok(made);
            }
        }
        Err("the namespaces do not reach each other".to_owned())
    }

    fn namespace(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

fn run(argv: &[&str]) -> Result<Output, String> {
    let line = argv.join(" ");
    let output = Command::new(argv[0]).args(&argv[1..]).output();
    let output = output.map_err(|error| format!("cannot run `{}`: {error}", argv[0]))?;
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(output) } else { Err(format!("`{line}`: {why}")) }
}

fn not_there<T>() -> BoxFuture<'static, Answer<T>> {
    async { Err(Failure::not_found("there is no cluster")) }.boxed()
}

impl Backend for Network {
    fn about(&self) -> About {
        About::default()
    }
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        let host = |name: &str| Host {
            name: name.to_owned(),
            kind: HostKind::Extra,
            addresses: Vec::new(),
        };
        async move { Ok(HOSTS.map(host).into()) }.boxed()
    }
    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        not_there()
    }
    fn get<'a>(&'a self, _: &'a Selection, _: &'a str) -> BoxFuture<'a, Answer<String>> {
        not_there()
    }
    fn list<'a>(
        &'a self,
        _: &'a Selection,
        _: u32,
        _: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        async { Ok(Page::default()) }.boxed()
    }
    fn logs<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Option<&'a str>,
        _: u32,
        _: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        not_there()
    }
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        let Place::Host { host } = &question.place else { return not_there() };
        if question.argv[0] == "tracepath" && !self.with_tracepath {
            return async { Err(Failure::not_found("`tracepath` is not there")) }.boxed();
        }
        let ran = Command::new("ip")
            .args(["netns", "exec", &self.namespace(host)])
            .args(&question.argv)
            .output();
        let ran = ran.map_err(|error| Failure::other(error.to_string())).map(|output| Outcome {
            code: output.status.code().unwrap_or(-1),
            out: output.stdout,
            err: output.stderr,
            truncated: false,
        });
        async { ran }.boxed()
    }
    fn start(&self, _: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        not_there()
    }
    fn watch(&self, _: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        not_there()
    }
}

/// The network, or nothing where this machine cannot have one.
fn network(name: &str, last: u32, switch: u32) -> Option<Network> {
    match Network::new(name, last, switch) {
        Ok(made) => Some(made),
        Err(why) => {
            let _ = writeln!(stderr(), "network: skipped: {why}");
            None
        }
    }
}

/// `reach left RIGHT --mtu`, and the only row's cells as text.
fn reach(network: Network, columns: &[&str]) -> (Vec<String>, Report) {
    let values = [
        ("start", Value::Text("left".to_owned())),
        ("target", Value::Text(RIGHT.to_owned())),
        ("mtu", Value::Boolean(true)),
    ];
    let run = Lab::new(Arc::new(network)).run::<Reach>(&["reach"], &values);
    assert_eq!(run.result, Ok(()));
    let table = &run.report.tables[1];
    assert_eq!(table.rows().len(), 1);
    let cell = |id: &&str| {
        let at = table.columns().iter().position(|column| column.id == *id).unwrap();
        match &table.rows()[0].cells[at] {
            Cell::Text(text) | Cell::Health(_, text) => text.to_string(),
            Cell::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        }
    };
    (columns.iter().map(cell).collect(), run.report)
}

const COLUMNS: [&str; 7] =
    ["predicted", "measured", "verdict", "hops", "hopsBack", "pathMTU", "predictedMTU"];

#[test]
fn a_router_with_a_small_mtu_is_found_by_ping_alone() {
    let Some(network) = network("told", 1400, 1400) else { return };
    let (row, report) = reach(network, &COLUMNS);
    assert_eq!(row, ["delivered", "answered", "ok", "2", "2", "1400", "1400"]);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn tracepath_finds_the_same() {
    let Some(mut network) = network("tracepath", 1400, 1400) else { return };
    if Command::new("tracepath").arg("-V").output().is_err() {
        let _ = writeln!(stderr(), "network: skipped: there is no `tracepath`");
        return;
    }
    network.with_tracepath = true;
    let (row, _) = reach(network, &COLUMNS);
    assert_eq!(row, ["delivered", "answered", "ok", "2", "2", "1400", "1400"]);
}

#[test]
fn a_switch_that_drops_large_packets_in_silence_is_a_finding() {
    let Some(network) = network("silent", 1500, 1337) else { return };
    let (row, report) = reach(network, &COLUMNS);
    assert_eq!(row, ["delivered", "answered", "mtu", "2", "2", "1337", "1500"]);
    let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["reach/mtu"]);
    let evidence: Vec<&str> =
        report.findings[0].evidence.iter().map(|evidence| evidence.place.as_str()).collect();
    assert!(
        evidence.contains(&"left: ping -c 2 -i 0.2 -W 1 -M do -s 1309 10.92.2.2"),
        "{evidence:?}"
    );
}
