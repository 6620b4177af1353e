//! Hosts that do not answer: the others are shown, and what is not known is called unknown.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lab_tests::{Lab, Run, Scratch};

use crate::answers::{findings, partial, rows, word};
use crate::cluster::{Cluster, NODES, ROUTER, eventually, text};

/// One host is silent, with this in the words about it; all it ought to have said is unknown, and
/// nothing of it is missing. The others are shown.
#[track_caller]
fn is_silent(run: &Run, host: &str, saying: &str) {
    let silent = partial(run);
    let subjects: Vec<_> = silent.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, [host], "{}", run.err);
    assert!(run.err.contains(saying), "`{saying}` is not in {}", run.err);
    assert!(run.err.contains("1 of 4 hosts gave no answer"), "{}", run.err);
    for row in rows(run, "routes") {
        if row["host"] == host {
            assert_eq!(word(&row["verdict"]), "unknown", "{row}");
        } else {
            assert!(!word(&row["line"]).is_empty(), "{row}");
        }
    }
    for other in NODES.into_iter().chain([ROUTER]).filter(|other| *other != host) {
        assert!(rows(run, "routes").iter().any(|row| row["host"] == other), "{other} is shown");
    }
    // Of a silent node, the finding about the others stays.
    let holes = findings(run).iter().filter(|finding| finding.code == "routes/black-hole").count();
    let expected = usize::from(host != ROUTER);
    assert_eq!(holes, expected, "{}", run.out);
    assert_eq!(run.code, Some(if host == ROUTER { 3 } else { 1 }), "{}", run.err);
}

fn whole(run: &Run) -> bool {
    partial(run).is_empty() && run.code == Some(1)
}

fn wait_until_whole(cluster: &Cluster) {
    cluster.agents_ready();
    eventually("every host answers again", Duration::from_mins(1), || {
        whole(&cluster.lab("routes -o json").run())
    });
}

pub(crate) fn agent_replaced_before(cluster: &Cluster) {
    let agent = cluster.agent("k8s-w1");
    cluster
        .kubectl(&format!("-n kube-system delete --grace-period=0 --force --wait=false {agent}"));
    let run = cluster.lab("routes -o json").run();
    // The pod may be gone, starting, or already there again.
    if !whole(&run) {
        is_silent(&run, "k8s-w1", "k8s-w1");
    }
    wait_until_whole(cluster);
}

pub(crate) fn agent_killed_meanwhile(cluster: &Cluster) {
    // Held in the middle: its runtime stands still while the others answer, and goes on without
    // the container.
    let runtime = cluster.on("k8s-w1", "pidof containerd").trim().to_owned();
    let stopped = cluster.change(
        "k8s-w1",
        &format!("kill -STOP {runtime}"),
        &format!("kill -CONT {runtime}"),
    );
    let lab = cluster.lab("routes -o json --timeout 20s");
    let child = lab.start();
    std::thread::sleep(Duration::from_secs(1));
    cluster.on("k8s-w1", "kill -KILL $(pidof cilium-agent)");
    drop(stopped);
    let output = child.wait_with_output().expect("it ends");
    let run =
        Run { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code() };
    if !whole(&run) {
        is_silent(&run, "k8s-w1", "k8s-w1");
    }
    wait_until_whole(cluster);
}

pub(crate) fn runtime_hangs(cluster: &Cluster) {
    let runtime = cluster.on("k8s-w1", "pidof containerd").trim().to_owned();
    let stopped = cluster.change(
        "k8s-w1",
        &format!("kill -STOP {runtime}"),
        &format!("kill -CONT {runtime}"),
    );
    let began = Instant::now();
    let run = cluster.lab("routes -o json --timeout 4s").run();
    let took = began.elapsed();
    is_silent(&run, "k8s-w1", "did not end within 4s");
    assert!(run.err.contains("--timeout 60s"), "{}", run.err);
    assert!(took < Duration::from_secs(15), "the deadline is one for all: {took:?}");
    drop(stopped);
    wait_until_whole(cluster);
}

pub(crate) fn kubelet_refuses(cluster: &Cluster) {
    let rule = "INPUT -p tcp --dport 10250 -j REJECT --reject-with tcp-reset";
    let closed =
        cluster.change("k8s-w1", &format!("iptables -I {rule}"), &format!("iptables -D {rule}"));
    let run = cluster.lab("routes -o json").run();
    is_silent(&run, "k8s-w1", "the API server cannot reach its kubelet");
    assert!(run.err.contains("port 10250"), "{}", run.err);
    drop(closed);
    wait_until_whole(cluster);
}

/// The program with the router reached in another way.
fn with_router(cluster: &Cluster, ssh: &str, identity: &Path, known_hosts: &Path) -> Lab {
    cluster.lab_with("routes -o json", &cluster.router_as(ssh, identity, known_hosts))
}

const LOGIN: &str = "vagrant@192.168.10.200";

pub(crate) fn wrong_key(cluster: &Cluster) {
    let folder = Scratch::new();
    let key = folder.path("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key);
    assert!(keygen.status().expect("ssh is there").success());
    let run = with_router(cluster, LOGIN, &key, &cluster.known_hosts()).run();
    is_silent(&run, ROUTER, "the login was refused");
    assert!(run.err.contains("identity"), "{}", run.err);
}

pub(crate) fn unknown_host_key(cluster: &Cluster) {
    let folder = Scratch::new();
    let nobody = folder.put("known_hosts", "");
    let run = with_router(cluster, LOGIN, &cluster.state("id_ed25519"), &nobody).run();
    is_silent(&run, ROUTER, "its host key is not known");
    assert!(run.err.contains(&format!("`ssh {LOGIN}`")), "how to accept it: {}", run.err);
    assert_eq!(std::fs::read_to_string(&nobody).expect("it is there"), "", "nothing is trusted");
}

pub(crate) fn router_refuses(cluster: &Cluster) {
    let rule = "INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset";
    let _closed =
        cluster.change(ROUTER, &format!("iptables -I {rule}"), &format!("iptables -D {rule}"));
    is_silent(&cluster.lab("routes -o json").run(), ROUTER, "connection refused");
}

pub(crate) fn router_is_not_there(cluster: &Cluster) {
    let key = cluster.state("id_ed25519");
    let began = Instant::now();
    let run = with_router(cluster, "vagrant@192.168.10.250", &key, &cluster.known_hosts()).run();
    is_silent(&run, ROUTER, "no route to it");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(12), "one attempt, not one for each question: {took:?}");
}
