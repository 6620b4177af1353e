//! Who hands out the addresses of pods: labs of `up --ipam kubernetes` and `multi-pool`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::answers::{findings, rows, word};
use crate::cluster::{Cluster, NODES};

pub(crate) fn ranges_of_kubernetes(cluster: &Cluster) {
    let run = cluster.lab("nodes -o json").run().exits(0);
    for row in rows(&run, "nodes").iter().filter(|row| NODES.contains(&&*word(&row["host"]))) {
        assert!(word(&row["podCIDR"]).starts_with("10.244."), "{row}");
        assert_eq!(row["podCIDR"], row["ciliumPodCIDRs"], "{row}");
    }
    let codes: Vec<_> = findings(&run).into_iter().map(|found| found.code).collect();
    assert!(!codes.contains(&"nodes/pod-cidr-differs".to_owned()), "{codes:?}");
    let run = cluster.lab("nodes cluster -o json").run().exits(0);
    let facts = rows(&run, "facts");
    let of_kubernetes = |row: &&Value| row["fact"] == "cluster-cidr";
    for row in facts.iter().filter(of_kubernetes) {
        assert_eq!(word(&row["value"]), "10.244.0.0/16", "{row}");
        assert_ne!(word(&row["verdict"]), "not-used", "{row}");
    }
}

/// Addresses in use are those that each agent counts.
pub(crate) fn in_use(cluster: &Cluster) {
    let run = cluster.lab("ipam --deep -o json").run().exits(0);
    let shown = rows(&run, "ipam");
    for (node, cidr) in cluster.pod_cidrs() {
        let row = shown.iter().find(|row| row["host"] == node.as_str()).expect("a row");
        assert_eq!(word(&row["cidr"]), cidr, "{row}");
        let agent = cluster.agent(&node);
        let says = cluster
            .kubectl(&format!("-n kube-system exec {agent} -c cilium-agent -- cilium-dbg status"));
        let counted = format!("IPv4: {}/{} allocated from {cidr}", row["used"], row["total"]);
        assert!(says.contains(&counted), "{row}\n{says}");
    }
}

pub(crate) fn blocks_of_pools(cluster: &Cluster) {
    let objects: Value = serde_json::from_str(&cluster.kubectl("get ciliumnodes -o json"))
        .expect("kubectl prints JSON");
    let run = cluster.lab("nodes -o json").run().exits(0);
    let shown = rows(&run, "nodes");
    for object in objects["items"].as_array().expect("a list") {
        let name = word(&object["metadata"]["name"]);
        let pools = object["spec"]["ipam"]["pools"]["allocated"].as_array().expect("pools");
        let blocks: BTreeSet<String> =
            pools.iter().filter_map(|pool| pool["cidrs"].as_array()).flatten().map(word).collect();
        assert!(!blocks.is_empty(), "{object}");
        let row = shown.iter().find(|row| row["host"] == name.as_str()).expect("a row");
        let cell = word(&row["ciliumPodCIDRs"]);
        let told: BTreeSet<String> = cell.split(", ").map(str::to_owned).collect();
        assert_eq!(told, blocks, "{name}");
    }
    let run = cluster.lab("nodes cluster -o json").run().exits(0);
    let facts = rows(&run, "facts");
    assert!(facts.iter().any(|row| row["fact"] == "ipam-mode" && row["value"] == "multi-pool"));
    assert!(
        facts.iter().any(|row| row["fact"] == "cluster-cidr"
            && word(&row["value"]) == "172.20.0.0/16"
            && word(&row["verdict"]) == "used"),
        "the pool: {facts:#?}"
    );
}
