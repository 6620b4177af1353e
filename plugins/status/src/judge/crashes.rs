//! `status/crash-loop`: a pod of Cilium that starts and ends again and again, and why.

use lab_plugin::Finding;

use crate::model::Cluster;
use crate::parse::log_line;
use crate::parse::objects::Pod;

/// Adds one finding for each pod.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    for pod in cluster.pods.iter().filter(|pod| pod.is_crashing()) {
        found.push(finding(cluster, pod));
    }
}

fn finding(cluster: &Cluster, pod: &Pod) -> Finding {
    let ended = pod.ended.as_ref();
    let container = ended
        .map(|(name, _)| name.as_str())
        .or(pod.waiting.as_ref().map(|(name, _)| name.as_str()))
        .unwrap_or(&pod.component);
    let kept =
        ended.map(|(_, ended)| ended.message.as_str()).filter(|text| !text.trim().is_empty());
    let log = cluster.logs.get(&pod.path()).map(String::as_str);
    let is_kept = log.is_none();
    let last = log.or(kept).and_then(log_line::fatal);
    let what = if pod.component == "cilium" { "its agent" } else { container };
    let is_agent = pod.component == "cilium" && !pod.node.is_empty();
    let subject = if is_agent { pod.node.clone() } else { pod.path() };
    let message = match last {
        Some(line) => format!("{what} ends as soon as it starts: {}", log_line::gist(line)),
        None => format!("{what} ends as soon as it starts, and its log does not say why"),
    };
    let mut finding = Finding::bad("status/crash-loop", subject, message);
    let last_end = ended.map_or_else(String::new, |(_, ended)| {
        format!(", exit code {} {}", ended.exit_code, ended.reason)
    });
    let state = format!("{}, {} restarts{last_end}", pod.state(), pod.restarts);
    finding = finding.evidence(format!("Pod {}", pod.path()), state.trim_end());
    if let Some(line) = last {
        let place = if is_kept { "last words" } else { "log" };
        finding = finding.evidence(format!("{container} of {}: {place}", pod.path()), line.trim());
    }
    if let Some(fix) = cure(last.unwrap_or_default(), ended.map(|(_, ended)| ended.reason.as_str()))
    {
        finding = finding.fix(fix);
    }
    finding.fix(format!(
        "kubectl --namespace {} logs {} --container {container} --previous",
        pod.namespace, pod.name
    ))
}

/// What cures an end whose reason is known.
fn cure(line: &str, reason: Option<&str>) -> Option<&'static str> {
    let line = line.to_ascii_lowercase();
    if line.contains("install-no-conntrack-iptables-rules") {
        return Some(
            "installNoConntrackIptablesRules needs routingMode=native, kubeProxyReplacement=true and \
             bpf.masquerade=true: set those, or take it back: helm upgrade cilium cilium/cilium \
             --namespace kube-system --reuse-values --set installNoConntrackIptablesRules=false",
        );
    }
    if line.contains("auto-direct-node-routes") && line.contains("tunnel") {
        return Some(
            "autoDirectNodeRoutes needs routingMode=native: helm upgrade cilium cilium/cilium \
             --namespace kube-system --reuse-values --set autoDirectNodeRoutes=false",
        );
    }
    if line.contains("native-routing-cidr") {
        return Some(
            "native routing with masquerading needs the range of pods: helm upgrade cilium \
             cilium/cilium --namespace kube-system --reuse-values --set ipv4NativeRoutingCIDR=RANGE",
        );
    }
    if line.contains("i/o timeout")
        || line.contains("connection refused")
        || line.contains("no route to host")
    {
        return Some(
            "the agent does not reach the API server: without kube-proxy it needs k8sServiceHost and \
             k8sServicePort in the chart's values",
        );
    }
    if reason == Some("OOMKilled") {
        return Some(
            "it was killed for want of memory: raise resources.limits.memory in the chart's values",
        );
    }
    None
}
