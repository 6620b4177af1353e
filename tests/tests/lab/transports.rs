//! Nodes that are asked in another way than through their agents: the same answers, and nothing of
//! it stays behind.

use std::time::Duration;

use lab_tests::Run;

use crate::answers::rows;
use crate::cluster::{Cluster, NODES, eventually, text};

const OURS: &str = "get pods -A -l app.kubernetes.io/managed-by=kubectl-lab --no-headers -o name";

/// Agents may not be asked at all, so that every node needs a pod.
fn debug_pods_alone(cluster: &Cluster, more: &str) -> String {
    format!("transports = [\"debug-pod\"]\n{more}\n{}", cluster.settings())
}

fn none_is_left(cluster: &Cluster) {
    // A pod ends a second after it is told to.
    eventually("no debug pod is left", Duration::from_secs(30), || {
        cluster.kubectl(OURS).is_empty()
    });
}

pub(crate) fn by_debug_pods(cluster: &Cluster) {
    let agents = cluster.lab("routes -o json").run();
    let settings = debug_pods_alone(cluster, "");
    let pods = cluster.lab_with("routes -o json --debug-pods -v", &settings).run();
    none_is_left(cluster);
    for node in NODES {
        let line = format!("{node}: asked by debug pod kube-system/kubectl-lab-");
        assert_eq!(pods.err.matches(&line).count(), 1, "{}", pods.err);
    }
    let lines = |run: &Run| -> Vec<String> {
        let rows = rows(run, "routes");
        rows.iter().map(|row| format!("{} {}", row["host"], row["line"])).collect()
    };
    assert_eq!(lines(&pods), lines(&agents), "{}", pods.err);
    let without = cluster.lab_with("routes -o json", &settings).run();
    assert!(without.err.contains("no transport that is allowed reaches k8s-w1"), "{}", without.err);
    assert!(cluster.kubectl(OURS).is_empty(), "without leave none is made");
}

pub(crate) fn interrupted(cluster: &Cluster) {
    // Its image cannot be pulled here, so the run waits for its pods when the signal comes.
    let settings = debug_pods_alone(
        cluster,
        "[debug-pod]\nimage = \"registry.invalid/tools:1\"\nstart-timeout = \"2m\"",
    );
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let lab = cluster.lab_with("routes --debug-pods", &settings);
        let child = lab.start();
        eventually("its pods are there", Duration::from_secs(20), || {
            cluster.kubectl(OURS).lines().count() == NODES.len()
        });
        let mut kill = std::process::Command::new("kill");
        kill.args(["-s", signal, &child.id().to_string()]);
        assert!(kill.status().expect("it is there").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        // They are being deleted already; a kubelet in the middle of a pull takes its time.
        let deleted = cluster.kubectl(
            "get pods -A -l app.kubernetes.io/managed-by=kubectl-lab -o jsonpath={.items[*].metadata.deletionTimestamp}",
        );
        let left = cluster.kubectl(OURS).lines().count();
        assert!(deleted.split_whitespace().count() >= left, "{left} left, deleted: {deleted}");
        cluster.kubectl(
            "delete pods -n kube-system -l app.kubernetes.io/managed-by=kubectl-lab --force --grace-period=0 --ignore-not-found",
        );
    }
}

pub(crate) fn refused(cluster: &Cluster) {
    cluster.kubectl("create namespace strict");
    cluster.kubectl("label namespace strict pod-security.kubernetes.io/enforce=baseline");
    let settings = debug_pods_alone(cluster, "[debug-pod]\nnamespace = \"strict\"");
    let run = cluster.lab_with("routes --debug-pods", &settings).run();
    let hint = "kubectl label namespace strict pod-security.kubernetes.io/enforce=privileged";
    let command = run.err.split('`').find(|words| words.starts_with(hint)).map(str::to_owned);
    // The command of the hint is what allows it.
    if let Some(command) = &command {
        cluster.kubectl(command.trim_start_matches("kubectl "));
    }
    let allowed = cluster.lab_with("routes --debug-pods -o json", &settings).run();
    cluster.kubectl("delete namespace strict");
    assert!(run.err.contains("violates PodSecurity \"baseline:latest\""), "{}", run.err);
    assert!(command.is_some(), "{}", run.err);
    assert_eq!(allowed.code, Some(1), "the black hole is found: {}", allowed.err);
    assert!(allowed.json()["partial"].as_array().is_none_or(Vec::is_empty), "{}", allowed.err);
}
