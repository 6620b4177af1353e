//! Puts the cluster together out of everything that was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lab_plugin::Fact;

use super::{Cluster, Node};
use crate::inputs::Inputs;
use crate::parse::objects::Pod;

/// The cluster.
pub fn build(inputs: Inputs) -> Cluster {
    let Inputs {
        namespace,
        config,
        other_configs,
        node_configs,
        nodes,
        pods,
        workloads,
        endpoints,
        hosts,
        ..
    } = inputs;
    let mut answers = inputs.answers;
    let mut labels: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut node_of: BTreeMap<IpAddr, String> = BTreeMap::new();
    let mut node_settings = BTreeMap::new();
    for node in nodes.known().into_iter().flatten() {
        labels.insert(node.name.clone(), node.labels.clone());
        node_of.extend(node.internal_ips.iter().map(|ip| (*ip, node.name.clone())));
        if !node.settings.is_empty() {
            node_settings.insert(node.name.clone(), node.settings.clone());
        }
    }
    for (name, ips) in &hosts {
        node_of.extend(ips.iter().map(|ip| (*ip, name.clone())));
    }
    let counted = endpoints.map(|all| {
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for endpoint in all {
            let node = endpoint.node_ip().and_then(|ip| node_of.get(&ip));
            let Some(node) = node else { continue };
            let of_node = counts.entry(node.as_str()).or_default();
            of_node.0 += usize::from(endpoint.state() == "ready");
            of_node.1 += 1;
        }
        counts.into_iter().map(|(node, count)| (node.to_owned(), count)).collect::<BTreeMap<_, _>>()
    });
    let is_endpoint_crd_off = config
        .known()
        .and_then(|config| config.get("disable-endpoint-crd"))
        .is_some_and(|value| value == "true");
    let names: BTreeSet<&str> = hosts.iter().map(|(name, _)| name.as_str()).collect();
    let made = names.into_iter().map(|name| Node {
        name: name.to_owned(),
        labels: labels.get(name).cloned().unwrap_or_default(),
        agent: agent(&pods, name),
        answers: answers.remove(name).unwrap_or_default(),
        endpoints: if is_endpoint_crd_off {
            Fact::Absent
        } else {
            counted.map(|counts| counts.get(name).copied().unwrap_or_default())
        },
    });
    let nodes: Vec<Node> = made.collect();
    let has_agents = pods.known().into_iter().flatten().any(|pod| pod.component == "cilium");
    Cluster {
        has_cilium: has_agents || config.known().is_some() || !workloads.is_empty(),
        namespace,
        nodes,
        config,
        other_configs,
        node_settings,
        node_configs,
        pods: pods.known().cloned().unwrap_or_default(),
        workloads,
        logs: inputs.logs,
        now: inputs.now,
    }
}

/// The agent's pod of a node. While an agent is replaced there are two; the one counts that is
/// ready, and else the one that is not on its way out.
fn agent(pods: &Fact<Vec<Pod>>, node: &str) -> Fact<Pod> {
    pods.and_then(|pods| {
        let own = pods.iter().filter(|pod| pod.component == "cilium" && pod.node == node);
        own.max_by_key(|pod| (pod.is_ready == Some(true), !pod.is_leaving)).cloned()
    })
}
