//! What the agents see: packets that were really sent are shown on the nodes that saw them.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lab_tests::{Run, Scratch};
use serde_json::Value;

use crate::answers::{rows, word};
use crate::cluster::{Beside, Cluster, NODES, Pod};

fn probe(cluster: &Cluster, node: &str) -> Pod {
    let pods = cluster.pods();
    let pod = pods.iter().find(|pod| pod.app == "probe" && pod.node == node);
    pod.expect("one on every node").clone()
}

/// Runs a command for some seconds while packets are sent from a pod, one each second.
fn meanwhile(cluster: &Cluster, line: &str, from: &Pod, send: &str) -> Run {
    meanwhile_with(cluster, line, &cluster.settings(), from, send)
}

pub(crate) fn meanwhile_with(
    cluster: &Cluster,
    line: &str,
    settings: &str,
    from: &Pod,
    send: &str,
) -> Run {
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            thread::sleep(Duration::from_secs(3));
            let mut words = vec!["exec", &*from.name, "--", "sh", "-c", send];
            words.insert(0, "--namespace=default");
            // That nothing comes back is what some of them are for.
            let _ = cluster.command("kubectl").args(words).stdin(Stdio::null()).output();
        });
        let run = cluster.lab_with(line, settings).run();
        sender.join().expect("the sender ends");
        run
    })
}

pub(crate) fn events(run: &Run) -> Vec<Value> {
    run.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Nodes that have seen packets from one pod to an address or pod, with the verdicts.
fn seen(events: &[Value], from: &str, to: &str) -> Vec<(String, String)> {
    let mut seen: Vec<_> = events
        .iter()
        .filter(|event| word(&event["source"]).contains(from))
        .filter(|event| word(&event["destination"]).contains(to))
        .map(|event| (word(&event["node"]), word(&event["verdict"]["text"])))
        .collect();
    seen.sort();
    seen.dedup();
    seen
}

pub(crate) fn pings(cluster: &Cluster) {
    let [ctr, w1, _] = NODES;
    let (from, to) = (probe(cluster, ctr), probe(cluster, w1));
    // The plugin is compiled before packets are sent.
    cluster.lab("monitor --via agent --for 1s -o ndjson").run();
    let scratch = Scratch::new();
    let record = scratch.path("monitor.zip");
    let line = format!("monitor --via agent --for 12s -o ndjson --record {}", record.display());
    let send = format!("ping -c 4 -W 1 {}", to.ip);
    let run = meanwhile(cluster, &line, &from, &send);
    let forwarded = |node: &str| (node.to_owned(), "forwarded".to_owned());
    let came = events(&run);
    assert_eq!(seen(&came, &from.name, &to.name), [forwarded(ctr), forwarded(w1)], "{}", run.err);
    let stamps: Vec<String> = came.iter().map(|event| word(&event["time"])).collect();
    assert!(stamps.iter().all(|time| time.contains('T')), "{stamps:?}");
    // Recorded, the same events with the same times, in their order.
    let run = cluster.lab("monitor -o ndjson --from").arg(&record).run();
    let again = events(&run);
    assert_eq!(seen(&again, &from.name, &to.name), [forwarded(ctr), forwarded(w1)]);
    let stamps: Vec<String> = again.iter().map(|event| word(&event["time"])).collect();
    assert!(!stamps.is_empty() && stamps.is_sorted(), "{stamps:?}");
}

pub(crate) fn lost(cluster: &Cluster) {
    let [ctr, _, w0] = NODES;
    let (from, to) = (probe(cluster, ctr), probe(cluster, w0));
    let line = format!("monitor lost default/{} default/{} --for 12s -o json", from.name, to.name);
    let run = meanwhile(cluster, &line, &from, &format!("ping -c 5 -W 1 {}", to.ip));
    let codes = crate::answers::findings(&run);
    assert!(codes.iter().any(|found| found.code == "monitor/lost"), "{}\n{}", run.out, run.err);
    let sights = rows(&run, "seen");
    assert!(!sights.is_empty() && sights.iter().all(|row| word(&row["node"]) == ctr), "{sights:?}");
}

pub(crate) fn denied(cluster: &Cluster) {
    let [ctr, w1, _] = NODES;
    let (from, to) = (probe(cluster, ctr), probe(cluster, w1));
    let policy = r#"{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy",
        "metadata":{"name":"lab-deny","namespace":"default"},
        "spec":{"endpointSelector":{"matchLabels":{"app":"probe"}},
        "ingress":[{"fromEndpoints":[{"matchLabels":{"app":"nobody"}}]}]}}"#;
    let file = Scratch::new();
    let path = file.path("policy.json");
    std::fs::write(&path, policy).expect("a file can be written");
    let path = path.display().to_string();
    let _policy = cluster.change_objects(&["apply", "-f", &path], &["delete", "-f", &path]);
    thread::sleep(Duration::from_secs(3));
    let run = meanwhile(
        cluster,
        "monitor drops --via agent --for 12s -o json",
        &from,
        &format!("ping -c 4 -W 1 {}", to.ip),
    );
    let drops = rows(&run, "drops");
    let found = drops.iter().any(|row| {
        word(&row["reason"]["text"]) == "Policy denied"
            && word(&row["source"]).contains(&from.name)
            && word(&row["destination"]).contains(&to.name)
            && word(&row["nodes"]) == w1
    });
    assert!(found, "{}\n{}", run.out, run.err);
}

/// Runs `monitor` while packets are sent, beside every agent's own `cilium-dbg monitor`: both have
/// seen the same number of packets from one address to another on every node.
fn as_the_agents_saw(cluster: &Cluster, from: &Pod, send: &str, to: &[(&str, &str)]) {
    let line = "monitor --via agent --type trace --for 14s -o ndjson";
    thread::scope(|scope| {
        let agents = NODES.map(|node| {
            scope.spawn(move || {
                let agent = cluster.agent(node);
                let follow = "-c cilium-agent -- timeout 14 cilium-dbg monitor --type trace";
                let words = format!("-n kube-system exec {agent} {follow}");
                let mut command = cluster.command("kubectl");
                let said = command.args(words.split(' ')).stdin(Stdio::null()).output();
                String::from_utf8_lossy(&said.expect("kubectl runs").stdout).into_owned()
            })
        });
        let run = meanwhile(cluster, line, from, send);
        let came = events(&run);
        let raw = agents.map(|agent| agent.join().expect("an agent's words"));
        let mut total = 0;
        for (node, raw) in NODES.iter().zip(&raw) {
            for (ip, name) in to {
                let is_raw = |line: &&str| {
                    let (_, flow) = line.rsplit_once(": ").unwrap_or_default();
                    flow.starts_with(&from.ip) && flow.contains(&format!("-> {ip}"))
                };
                let is_ours = |event: &&Value| {
                    word(&event["node"]) == *node
                        && word(&event["source"]).contains(&from.name)
                        && word(&event["destination"]).contains(name)
                };
                let theirs: Vec<&str> = raw.lines().filter(is_raw).collect();
                let ours = came.iter().filter(is_ours).count();
                assert_eq!(ours, theirs.len(), "{name} on {node}: {theirs:#?}\n{}", run.err);
                total += ours;
            }
        }
        assert!(total > 0, "nobody saw anything: {}", run.err);
    });
}

pub(crate) fn service(cluster: &Cluster) {
    let pods = cluster.pods();
    let from = pods.iter().find(|pod| pod.name == "curl-pod").expect("a client").clone();
    let web: Vec<(&str, &str)> = pods
        .iter()
        .filter(|pod| pod.app == "webpod")
        .map(|pod| (pod.ip.as_str(), pod.name.as_str()))
        .collect();
    let ip = cluster.kubectl("get service webpod -o jsonpath={.spec.clusterIP}");
    let send = format!("for i in 1 2 3 4 5; do curl -s -m 1 -o /dev/null http://{ip}/; done");
    as_the_agents_saw(cluster, &from, &send, &web);
}

pub(crate) fn node_ping(cluster: &Cluster) {
    let [ctr, w1, _] = NODES;
    let from = probe(cluster, ctr);
    let path = "jsonpath={.status.addresses[0].address}";
    let ip = cluster.kubectl(&format!("get node {w1} -o {path}"));
    as_the_agents_saw(cluster, &from, &format!("ping -c 4 -W 1 {ip}"), &[(&ip, w1)]);
}

/// A real Hubble Relay, which has its flows from the agent of one node, and that one's peers from
/// it; ended when it is dropped.
pub(crate) struct Relay {
    _running: Beside,
    _files: Scratch,
}

impl Relay {
    /// Where it is found: behind a pod that has the node's network.
    pub(crate) const SETTINGS: &str = r#"
[relay]
namespace = "kube-system"
selector = "component=kube-apiserver"
port = 4245
tls = false
"#;

    /// Starts it; `None`, aloud, where the lab was built without.
    pub(crate) fn start(cluster: &Cluster) -> Option<Self> {
        let programs = "cilium-1.18.0";
        if !cluster.has_built(&format!("{programs}/hubble-relay")) {
            crate::say(format_args!("lab: not run: the lab was built without hubble-relay"));
            return None;
        }
        let [ctr, ..] = NODES;
        let files = Scratch::new();
        let [ca, certificate, key] =
            ["ca.crt", "tls.crt", "tls.key"].map(|name| hubble_secret(cluster, &files, name));
        let path = "jsonpath={.status.addresses[0].address}";
        let peers = format!("{}:4244", cluster.kubectl(&format!("get node {ctr} -o {path}")));
        let words = [
            "serve",
            "--peer-service",
            &peers,
            "--tls-hubble-client-cert-file",
            &certificate,
            "--tls-hubble-client-key-file",
            &key,
            "--tls-hubble-server-ca-files",
            &ca,
            "--disable-server-tls",
            "--listen-address=127.0.0.1:4245",
            "--health-listen-address=127.0.0.1:4222",
            "--gops=false",
        ];
        let running = cluster.beside(ctr, &format!("{programs}/hubble-relay"), &words);
        thread::sleep(Duration::from_secs(5));
        Some(Self { _running: running, _files: files })
    }
}

/// A file of the agents' own certificate, which is for clients too.
fn hubble_secret(cluster: &Cluster, files: &Scratch, name: &str) -> String {
    let path = format!("jsonpath={{.data.{}}}", name.replace('.', "\\."));
    let coded =
        cluster.kubectl(&format!("-n kube-system get secret hubble-server-certs -o {path}"));
    let file = files.path(&format!("{name}.base64"));
    std::fs::write(&file, coded).expect("a file can be written");
    let plain = Command::new("base64").arg("-d").arg(&file).output().expect("coreutils are there");
    let file = files.path(name);
    std::fs::write(&file, plain.stdout).expect("a file can be written");
    file.display().to_string()
}

/// The flows of a real Hubble Relay, which has them from every agent: a ping there and back is
/// seen on both nodes.
pub(crate) fn relay(cluster: &Cluster) {
    let [ctr, w1, _] = NODES;
    let Some(relay) = Relay::start(cluster) else { return };
    let (from, to) = (probe(cluster, ctr), probe(cluster, w1));
    let send = format!("ping -c 4 -W 1 {}", to.ip);
    let line = "monitor --via hubble --for 12s -o ndjson";
    let settings = format!("{}{}", cluster.settings(), Relay::SETTINGS);
    let run = meanwhile_with(cluster, line, &settings, &from, &send);
    drop(relay);
    let came = events(&run);
    let forwarded = |node: &str| (node.to_owned(), "forwarded".to_owned());
    let (there, back) = (seen(&came, &from.name, &to.name), seen(&came, &to.name, &from.name));
    assert_eq!(there, [forwarded(ctr), forwarded(w1)], "{}", run.err);
    assert_eq!(back, [forwarded(ctr), forwarded(w1)], "{}", run.err);
}
