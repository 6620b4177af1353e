//! `status/peer-unreachable`: nodes that others' probes do not reach. Not probed yet is not down.

use std::collections::BTreeMap;

use lab_plugin::Finding;

use crate::model::{Cluster, Node};
use crate::parse::peers::{Peer, Reach};

/// Adds one finding for each node that is not reached.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut missed: BTreeMap<&str, Vec<(&Node, &Peer)>> = BTreeMap::new();
    let mut n_probing = 0_usize;
    for node in &cluster.nodes {
        let Some(peers) = node.answers.peers.known() else {
            found.extend(counted(node));
            continue;
        };
        n_probing += 1;
        for peer in peers.all.iter().filter(|peer| peer.is_unreachable()) {
            missed.entry(&peer.name).or_default().push((node, peer));
        }
    }
    for (name, by) in missed {
        let names: Vec<&str> = by.iter().map(|(node, _)| node.name.as_str()).collect();
        let is_host = by.iter().any(|(_, peer)| matches!(peer.host, Reach::Failed(_)));
        let what = if is_host { "it is" } else { "its pods are" };
        let message = format!(
            "{what} not reached from {} of {n_probing} nodes: {}",
            names.len(),
            super::some_of(&names)
        );
        let lines = by.iter().flat_map(|(node, peer)| {
            let place =
                |what: &str| format!("{}: cilium-health status: {} {what}", node.name, peer.name);
            let host = match &peer.host {
                Reach::Failed(why) => Some((place("host"), format!("{} {why}", peer.ip))),
                _ => None,
            };
            let endpoint = match &peer.endpoint {
                Some(Reach::Failed(why)) => Some((place("endpoint"), why.clone())),
                _ => None,
            };
            host.into_iter().chain(endpoint)
        });
        let finding = Finding::bad("status/peer-unreachable", name, message);
        found.push(
            super::evidence(finding, lines)
                .fix(format!("kubectl lab reach {} {name}", names[0]))
                .fix("kubectl lab routes; let TCP port 4240 and ICMP through between nodes"),
        );
    }
}

/// Where the probes themselves could not be read, and the agent counts those that failed.
fn counted(node: &Node) -> Option<Finding> {
    const METRIC: &str = "cilium_unreachable_nodes";
    let number = node.metric_sum(METRIC).filter(|number| *number >= 1.0)?;
    let message = format!("its agent does not reach {number} nodes; which ones is not known here");
    Some(
        Finding::warn("status/peer-unreachable", node.name.clone(), message)
            .evidence(
                format!("{}: cilium-dbg metrics list", node.name),
                format!("{METRIC} {number}"),
            )
            .fix("kubectl lab reach; let TCP port 4240 and ICMP through between nodes"),
    )
}
