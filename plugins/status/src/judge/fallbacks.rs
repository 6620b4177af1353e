//! `status/legacy-masquerade`, `status/legacy-host-routing`: done in the old way, and why.

use std::collections::BTreeMap;

use lab_plugin::Finding;

use crate::model::fallback::{Fallback, fallen_back, host_routing_reason};
use crate::model::{Cluster, Node};
use crate::parse::log_line;

/// What nodes have in common: the fallback, its reason, and the setting that stands for it.
type Group = (u8, String, Option<&'static str>);

/// Adds one finding for each fallback and reason.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut groups: BTreeMap<Group, Vec<&Node>> = BTreeMap::new();
    for node in &cluster.nodes {
        let Some(status) = node.answers.status.known() else { continue };
        let config = cluster.config.known();
        for it in fallen_back(status, config) {
            let line = said(node, it);
            let (setting, reason) = match (it, host_routing_reason(status, config)) {
                (Fallback::HostRouting, Some((setting, reason))) => {
                    (Some(setting), line.map_or_else(|| reason.to_owned(), log_line::gist))
                }
                (_, _) => (None, line.map_or_else(String::new, log_line::gist)),
            };
            groups
                .entry((u8::from(it == Fallback::HostRouting), reason, setting))
                .or_default()
                .push(node);
        }
    }
    for ((is_routing, reason, setting), nodes) in groups {
        let it = if is_routing == 1 { Fallback::HostRouting } else { Fallback::Masquerading };
        found.push(finding(cluster, it, &reason, setting, &nodes));
    }
}

/// The line in which the agent says so.
fn said(node: &Node, it: Fallback) -> Option<&str> {
    let mut lines = node.answers.fallbacks.iter();
    lines.find(|line| line.to_ascii_lowercase().contains(it.words())).map(String::as_str)
}

fn finding(
    cluster: &Cluster,
    it: Fallback,
    reason: &str,
    setting: Option<&'static str>,
    nodes: &[&Node],
) -> Finding {
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let names = super::some_of(&names);
    let why = if reason.is_empty() { "why is not known here" } else { reason };
    let (code, subject, message, key) = match it {
        Fallback::Masquerading => (
            "status/legacy-masquerade",
            "enable-bpf-masquerade",
            format!("BPF masquerading was asked for, and {names} use iptables: {why}"),
            "enable-bpf-masquerade",
        ),
        Fallback::HostRouting => (
            "status/legacy-host-routing",
            "host routing",
            format!("pods' packets go through the host's stack on {names}: {why}"),
            setting.unwrap_or("enable-host-legacy-routing"),
        ),
    };
    // Without BPF masquerading and kube-proxy replacement this is how the chart installs it.
    let is_known = setting == Some("enable-ipsec") || (setting.is_some() && !is_wanted(cluster));
    let mut finding = if is_known {
        Finding::info(code, subject, message)
    } else {
        Finding::warn(code, subject, message)
    };
    let value = cluster.setting(key).map_or_else(|| "not set".to_owned(), str::to_owned);
    finding = finding.evidence("cilium-config", format!("{key}: {value}"));
    if let Some(node) = nodes.first() {
        let status = node.answers.status.known();
        let place = format!("{}: cilium-dbg status", node.name);
        finding = match it {
            Fallback::Masquerading => {
                let mode =
                    status.and_then(|status| Some(status.masquerading.as_ref()?.mode.clone()));
                finding.evidence(place, format!("Masquerading: {}", mode.unwrap_or_default()))
            }
            Fallback::HostRouting => finding.evidence(place, "Routing: Host: Legacy"),
        };
        if let Some(line) = said(node, it) {
            finding = finding.evidence(format!("{}: log of the agent", node.name), line.trim());
        }
    }
    finding.fix(match (it, setting) {
        (Fallback::HostRouting, Some("enable-bpf-masquerade")) => helm("bpf.masquerade=true"),
        (Fallback::HostRouting, Some("kube-proxy-replacement")) => helm("kubeProxyReplacement=true"),
        (Fallback::HostRouting, Some("enable-ipsec")) => {
            "none while IPsec encrypts; WireGuard goes together with BPF host routing".to_owned()
        }
        (Fallback::HostRouting, Some(_)) => helm("endpointRoutes.enabled=false"),
        _ => format!(
            "kubectl --namespace {} logs ds/cilium --container cilium-agent | grep -i 'falling back'",
            cluster.namespace
        ),
    })
}

/// Whether somebody has asked for what BPF host routing needs.
fn is_wanted(cluster: &Cluster) -> bool {
    let on = |key: &str| cluster.setting(key) == Some("true");
    on("enable-bpf-masquerade")
        || cluster.setting("enable-host-legacy-routing") == Some("false")
        || cluster.setting("datapath-mode").is_some_and(|mode| mode.starts_with("netkit"))
}

fn helm(value: &str) -> String {
    format!(
        "helm upgrade cilium cilium/cilium --namespace kube-system --reuse-values --set {value}; then \
         kubectl --namespace kube-system rollout restart daemonset/cilium"
    )
}
