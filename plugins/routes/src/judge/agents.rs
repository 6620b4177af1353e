//! `routes/agent-not-ready`, `routes/unanswered`: what is not known, and why.

use lab_forwarding::model::Agent;
use lab_plugin::{Finding, Level};

use super::Facts;

/// Adds one finding for each host that rows are `unknown` for.
pub(super) fn check(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    for host in &facts.view.cluster.hosts {
        if let Err(why) = &host.fib {
            let message = "its routes are not known, so nothing is said about them";
            found.push(
                Finding::new(Level::Unknown, "routes/unanswered", host.name.clone(), message)
                    .evidence(host.name.clone(), why.clone())
                    .fix(format!(
                        "ask it alone and see why: kubectl lab routes -v --host {}",
                        host.name
                    )),
            );
            continue;
        }
        let why = match &host.agent {
            Agent::NotReady(why) | Agent::Silent(why) if host.is_node => why,
            _ => continue,
        };
        let message = "its agent is not ready: routes that are not there may come yet";
        found.push(
            Finding::new(Level::Unknown, "routes/agent-not-ready", host.name.clone(), message)
                .evidence(format!("{}: cilium-dbg status -o json", host.name), why.clone())
                .fix(format!(
                    "kubectl --namespace kube-system get pods --selector k8s-app=cilium \
                     --field-selector spec.nodeName={}",
                    host.name
                )),
        );
    }
}
