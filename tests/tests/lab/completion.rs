//! The real `kubectl lab <TAB>`.

use crate::cluster::{Cluster, text};

pub(crate) fn through_kubectl(cluster: &Cluster) {
    check(cluster, &["lab", ""], &["routes", "capture", "explain"]);
    check(cluster, &["lab", "routes", ""], &["trace", "matrix"]);
    check(cluster, &["lab", "routes", "-o", ""], &["json", "wide"]);

    let mut kubectl = cluster.command("kubectl");
    let output = kubectl.args(["lab", "routes", "-o", "name"]).output().expect("it is built");
    assert_eq!(output.status.code(), Some(1), "kubectl hands the exit code on: {output:?}");
    assert!(text(&output.stdout).contains("k8s-w0"), "{output:?}");
}

fn check(cluster: &Cluster, words: &[&str], expected: &[&str]) {
    let mut kubectl = cluster.command("kubectl");
    let output = kubectl.arg("__complete").args(words).output().expect("it is built");
    let offered = text(&output.stdout);
    let names: Vec<&str> = offered.lines().filter_map(|line| line.split('\t').next()).collect();
    for name in expected {
        assert!(names.contains(name), "`{name}` is not offered after {words:?}: {offered}");
    }
}
