//! What the agents see: packets that were really sent are shown on the nodes that saw them.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use lab_tests::{Run, Scratch};
use serde_json::Value;

use crate::answers::{rows, word};
use crate::cluster::{Cluster, NODES, Pod};

fn probe(cluster: &Cluster, node: &str) -> Pod {
    let pods = cluster.pods();
    let pod = pods.iter().find(|pod| pod.app == "probe" && pod.node == node);
    pod.expect("one on every node").clone()
}

/// Runs a command for some seconds while packets are sent from a pod, one each second.
fn meanwhile(cluster: &Cluster, line: &str, from: &Pod, send: &str) -> Run {
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            thread::sleep(Duration::from_secs(3));
            let mut words = vec!["exec", &*from.name, "--", "sh", "-c", send];
            words.insert(0, "--namespace=default");
            // That nothing comes back is what some of them are for.
            let _ = cluster.command("kubectl").args(words).stdin(Stdio::null()).output();
        });
        let run = cluster.lab(line).run();
        sender.join().expect("the sender ends");
        run
    })
}

fn events(run: &Run) -> Vec<Value> {
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
