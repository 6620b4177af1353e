//! `status/agent-not-ready`, `status/agent-state`: an agent that is not there, not ready, or says
//! itself that something does not work.

use lab_plugin::{Fact, Finding};

use crate::model::{Cluster, Node};
use crate::parse::agent_status::{AgentStatus, State};

/// Adds the findings of each node's agent. One that crashes has a finding of its own.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    for node in &cluster.nodes {
        pod(cluster, node, found);
        if let Some(status) = node.answers.status.known() {
            own_words(cluster, node, status, found);
        }
    }
}

fn pod(cluster: &Cluster, node: &Node, found: &mut Vec<Finding>) {
    let (message, place, seen) = match &node.agent {
        Fact::Absent => (
            "no agent runs there: its pods get no network".to_owned(),
            format!("Pods of {} with k8s-app=cilium", cluster.namespace),
            format!("none with spec.nodeName {}", node.name),
        ),
        Fact::Known(pod) if pod.is_ready == Some(false) && !pod.is_crashing() => {
            let why = match (&pod.waiting, pod.is_leaving) {
                (_, true) => "it is on its way out".to_owned(),
                (Some((container, waiting)), _) if !waiting.message.is_empty() => {
                    format!("{container} {}: {}", waiting.reason, waiting.message)
                }
                _ => pod.state(),
            };
            (format!("its agent is not ready: {}", pod.state()), format!("Pod {}", pod.path()), why)
        }
        _ => return,
    };
    let pods = format!(
        "kubectl --namespace {} get pods --output wide --selector k8s-app=cilium --field-selector \
         spec.nodeName={}",
        cluster.namespace, node.name
    );
    let mut finding =
        Finding::bad("status/agent-not-ready", node.name.clone(), message).evidence(place, seen);
    if let Fact::Known(pod) = &node.agent {
        finding =
            finding.fix(format!("kubectl --namespace {} describe pod {}", pod.namespace, pod.name));
    }
    found.push(finding.fix(pods));
}

/// What the agent says of itself, of the API server, and of a key-value store.
fn own_words(cluster: &Cluster, node: &Node, status: &AgentStatus, found: &mut Vec<Finding>) {
    let place = format!("{}: cilium-dbg status", node.name);
    let parts: [(&str, &Option<State>); 3] = [
        ("Cilium", &status.cilium),
        ("Kubernetes", &status.kubernetes),
        ("KVStore", &status.kvstore),
    ];
    for (title, state) in parts {
        let Some(state) = state.as_ref().filter(|state| !state.is_fine()) else { continue };
        let what = match title {
            "Cilium" => "its agent says that it does not work as it should",
            "Kubernetes" => "its agent has lost the API server: it knows no new pods and policies",
            _ => "its agent has lost the key-value store",
        };
        let message = format!("{what}: {}", state.message);
        let subject = node.name.clone();
        let finding = if state.word == "Warning" {
            Finding::warn("status/agent-state", subject, message)
        } else {
            Finding::bad("status/agent-state", subject, message)
        };
        let seen = format!("{title}: {} {}", state.word, state.message);
        let pod = node.agent.known().map_or("ds/cilium", |pod| pod.name.as_str());
        found.push(finding.evidence(place.clone(), seen.trim_end()).fix(format!(
            "kubectl --namespace {} exec {pod} --container cilium-agent -- cilium-dbg status --verbose",
            cluster.namespace
        )));
    }
    for (probe, since) in &status.stale {
        found.push(
            Finding::warn(
                "status/agent-state",
                node.name.clone(),
                format!("its agent's check `{probe}` has not come to an end since {since}"),
            )
            .evidence(place.clone(), format!("Stale status: \"{probe}\" since {since}"))
            .fix(super::restart(&cluster.namespace)),
        );
    }
}
