//! `status/module-degraded`, `status/peer-off-segment`: parts of agents that say they do not work.

use std::collections::BTreeMap;

use lab_plugin::{Finding, Level};

use crate::model::{Cluster, Node};
use crate::parse::modules::Degraded;

/// Whether the reason is that another node is on another link, so that no route can lead to it.
fn is_off_segment(it: &Degraded) -> bool {
    it.error.contains("must be directly reachable")
        || it.error.contains("direct-routing-skip-unreachable")
}

/// Adds one finding for all nodes whose peers are on another link, and one for each part of a
/// module.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut parts: BTreeMap<(&str, &str), Vec<(&Node, &Degraded)>> = BTreeMap::new();
    let mut off: Vec<(&Node, &Degraded)> = Vec::new();
    for node in &cluster.nodes {
        let Some(modules) = node.answers.modules.known() else { continue };
        for it in &modules.degraded {
            if is_off_segment(it) {
                off.push((node, it));
            } else {
                parts.entry((&it.module, kind(&it.component))).or_default().push((node, it));
            }
        }
    }
    if !off.is_empty() {
        found.push(off_segment(&off));
    }
    for ((module, component), nodes) in parts {
        found.push(degraded(cluster, module, component, &nodes));
    }
    counted(cluster, found);
}

/// A component without the endpoint that it is about, so that many of one kind are told once.
fn kind(component: &str) -> &str {
    if component.starts_with("cilium-endpoint-") {
        return component.rsplit('.').next().unwrap_or(component);
    }
    component
}

/// One line for each error; agents join several.
fn lines(node: &Node, it: &Degraded) -> Vec<(String, String)> {
    let name = if it.component.is_empty() {
        it.module.clone()
    } else {
        format!("{}.{}", it.module, it.component)
    };
    let place = format!("{}: {name}", node.name);
    if it.error.trim().is_empty() {
        return vec![(place, it.message.clone())];
    }
    it.error.lines().map(|error| (place.clone(), format!("{}: {error}", it.message))).collect()
}

fn off_segment(off: &[(&Node, &Degraded)]) -> Finding {
    let mut names: Vec<&str> = off.iter().map(|(node, _)| node.name.as_str()).collect();
    names.dedup();
    let short = |(_, it): &(&Node, &Degraded)| -> String {
        it.module.rsplit('.').next().unwrap_or(&it.module).to_owned()
    };
    let mut modules: Vec<String> = off.iter().map(short).collect();
    modules.sort_unstable();
    modules.dedup();
    let message = format!(
        "{} is degraded on {}: no direct route can lead to a node on another link, so its pods are out \
         of reach unless somebody else routes there",
        modules.join(" and "),
        super::some_of(&names)
    );
    let finding = Finding::bad("status/peer-off-segment", "auto-direct-node-routes", message);
    super::evidence(finding, off.iter().flat_map(|(node, it)| lines(node, it)))
        .fix(
            "give the router between the links a route to each podCIDR, and let agents leave such nodes \
             out: helm upgrade cilium cilium/cilium --namespace kube-system --reuse-values --set \
             directRoutingSkipUnreachable=true",
        )
        .fix(
            "or encapsulate: helm upgrade cilium cilium/cilium --namespace kube-system --reuse-values \
             --set routingMode=tunnel --set autoDirectNodeRoutes=false --set \
             installNoConntrackIptablesRules=false",
        )
        .fix("kubectl lab routes")
}

fn degraded(
    cluster: &Cluster,
    module: &str,
    component: &str,
    nodes: &[(&Node, &Degraded)],
) -> Finding {
    let mut names: Vec<&str> = nodes.iter().map(|(node, _)| node.name.as_str()).collect();
    names.dedup();
    let short = module.strip_prefix("agent.").unwrap_or(module);
    let subject =
        if component.is_empty() { short.to_owned() } else { format!("{short}.{component}") };
    let why = nodes.first().map_or("", |(_, it)| it.message.as_str());
    let message = format!("degraded on {}: {why}", super::some_of(&names));
    let finding = Finding::new(Level::Warn, "status/module-degraded", subject, message);
    super::evidence(finding, nodes.iter().flat_map(|(node, it)| lines(node, it))).fix(format!(
        "kubectl --namespace {} logs ds/cilium --container cilium-agent | grep {}",
        cluster.namespace, module
    ))
}

/// Where only the number is known.
fn counted(cluster: &Cluster, found: &mut Vec<Finding>) {
    for node in &cluster.nodes {
        let modules = node.modules();
        let Some(modules) =
            modules.known().filter(|it| it.degraded.is_empty() && it.n_degraded > 0)
        else {
            continue;
        };
        found.push(
            Finding::warn(
                "status/module-degraded",
                node.name.clone(),
                format!("{} parts of modules are degraded; which ones is not known here", modules.n_degraded),
            )
            .evidence(
                format!("{}: health of modules", node.name),
                format!("degraded {}, stopped {}, ok {}", modules.n_degraded, modules.stopped, modules.ok),
            )
            .fix(format!(
                "kubectl --namespace {} exec {} --container cilium-agent -- cilium-dbg shell -- db/show health",
                cluster.namespace,
                node.agent.known().map_or("ds/cilium", |pod| pod.name.as_str()),
            )),
        );
    }
}
