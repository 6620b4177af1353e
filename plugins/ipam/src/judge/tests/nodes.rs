//! What the nodes and their ranges are, mode by mode.

use super::*;

#[test]
fn the_nodes_range_must_be_the_ciliumnodes_in_kubernetes_mode() {
    let kubernetes = || {
        good().set("ipam", "kubernetes").change(|made| {
            made.nodes[0] = node("a", "192.168.1.1", "172.20.0.0/24");
            made.nodes[1] = node("b", "192.168.1.2", "172.20.1.0/24");
        })
    };
    kubernetes().check(&[]);
    let found = kubernetes().findings();
    assert!(found[0].message.contains("is the range of its pods"), "{found:?}");
    kubernetes()
        .change(|made| made.nodes[1] = node("b", "192.168.1.2", "10.244.1.0/24"))
        .check(&[(Bad, "node-pod-cidr", "podCIDR")]);
}

#[test]
fn modes_that_cannot_be_judged_say_so() {
    let of = |mode: &str| good().set("ipam", mode);
    of("delegated-plugin").check(&[(Info, "unknown-mode", "ipam")]);
    of("cluster-pool-v2beta").check(&[(Unknown, "unknown-mode", "ipam")]);
    good().set("cni-chaining-mode", "aws-cni").check(&[(Info, "unknown-mode", "ipam")]);
    good().change(|made| made.config.retain(|(key, _)| key != "ipam")).check(&[(
        Unknown,
        "unknown-mode",
        "ipam",
    )]);
    // What pods use is shown all the same.
    let cluster = of("delegated-plugin").cluster();
    assert_eq!(cluster.ranges[0].used, 2);
    assert!(cluster.ranges[0].total.known().is_none());
}

#[test]
fn an_error_of_the_operator_is_told_word_for_word() {
    let error = "range 172.20.0.0/24 is already taken";
    let broken = good().change(|made| {
        made.cilium[1]["status"]["ipam"]["operator-status"]["error"] = json!(error);
    });
    broken.clone().check(&[(Bad, "operator-error", "b")]);
    let found = broken.findings();
    let evidence = &found.iter().find(|it| it.code == "ipam/operator-error").unwrap().evidence;
    assert!(evidence[0].1.ends_with(error), "{evidence:?}");
    good()
        .change(|made| made.cilium[1]["status"]["ipam"]["operator-status"]["error"] = json!(" "))
        .check(&[]);
}

#[test]
fn a_node_without_a_range_waits() {
    good()
        .change(|made| {
            made.cilium[1]["spec"]["ipam"] = json!({});
            made.pods.pop();
            made.endpoints.pop();
        })
        .check(&[(Bad, "no-range", "b")]);
}

#[test]
fn nodes_come_in_pairs() {
    good()
        .change(|made| {
            made.cilium.pop();
            made.pods.pop();
            made.endpoints.pop();
        })
        .check(&[(Bad, "node-without-cilium-node", "b")]);
    good()
        .change(|made| {
            made.nodes.pop();
            made.pods.pop();
            made.endpoints.pop();
        })
        .check(&[(Warn, "cilium-node-without-node", "b")]);
    // Nodes that could not be listed are not missing.
    let cluster = good().change(|made| made.nodes.clear()).cluster();
    let cluster = Cluster { nodes_known: Fact::Unknown("denied".to_owned()), ..cluster };
    let found = all(&cluster, &Options::default());
    assert!(found.iter().all(|it| it.code != "ipam/cilium-node-without-node"), "{found:?}");
}
