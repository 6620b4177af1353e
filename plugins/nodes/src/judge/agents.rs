//! `nodes/agent-not-ready`, `nodes/agent-version`: one agent on every node, all of one version.

use std::collections::BTreeMap;

use lab_plugin::{Fact, Finding, Level};

use crate::model::Cluster;

/// Adds the findings of agents. A cluster without any agent is not Cilium's, and has none.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let agents = || cluster.shown_nodes().filter_map(|(host, _)| host.agent.known());
    let has_cilium = agents().next().is_some()
        || cluster.shown_nodes().any(|(host, _)| host.cilium_pod_cidrs.known().is_some());
    if !has_cilium {
        return;
    }
    for (host, node) in cluster.shown_nodes() {
        let pods = format!(
            "kubectl --namespace kube-system get pods --output wide --selector k8s-app=cilium \
             --field-selector spec.nodeName={}",
            host.name
        );
        let (level, message, place, seen) = match &host.agent {
            Fact::Absent if node.is_windows => continue,
            Fact::Absent => (
                Level::Bad,
                "no agent runs there: its pods get no network",
                "Pod k8s-app=cilium".to_owned(),
                format!("none with spec.nodeName {}", host.name),
            ),
            Fact::Known(agent) if agent.is_ready == Some(false) => (
                Level::Bad,
                "its agent is not ready",
                format!("Pod {}", agent.pod),
                format!("Ready=False, {}", agent.state),
            ),
            Fact::Known(agent) if agent.is_ready.is_none() => (
                Level::Unknown,
                "its agent does not say whether it is ready",
                format!("Pod {}", agent.pod),
                agent.state.clone(),
            ),
            Fact::Known(agent) if agent.pods > 1 => (
                Level::Info,
                "several pods claim to be its agent; the one that is ready is shown",
                format!("Pod {}", agent.pod),
                format!("one of {}", agent.pods),
            ),
            _ => continue,
        };
        found.push(
            Finding::new(level, "nodes/agent-not-ready", host.name.clone(), message)
                .evidence(place, seen)
                .fix(pods),
        );
    }
    versions(cluster, found);
}

fn versions(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut by_version = BTreeMap::<&str, Vec<String>>::new();
    for (host, _) in cluster.shown_nodes() {
        let Some(version) = host.agent.known().and_then(|agent| agent.version.as_deref()) else {
            continue;
        };
        by_version.entry(version).or_default().push(host.name.clone());
    }
    let most = by_version.iter().max_by_key(|(_, names)| names.len());
    let Some(wanted) = cluster.agents_wanted.as_deref().or(most.map(|(version, _)| *version))
    else {
        return;
    };
    for (version, names) in by_version.iter().filter(|(version, _)| **version != wanted) {
        let message = format!("runs on {}, and {wanted} is meant to", super::some_of(names));
        let source = match &cluster.agents_wanted {
            Some(_) => "DaemonSet kube-system/cilium",
            None => "most agents",
        };
        found.push(
            Finding::warn("nodes/agent-version", (*version).to_owned(), message)
                .evidence(format!("{}: agent", names[0]), (*version).to_owned())
                .evidence(source, wanted)
                .fix("kubectl --namespace kube-system rollout status daemonset/cilium"),
        );
    }
}
