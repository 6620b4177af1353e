//! Endpoints as rows of `status endpoints`.
//!
//! An agent knows which directions policy is enforced in, and its own endpoints besides those of
//! pods; where it was not heard, the objects of the API server stand in.

use std::collections::BTreeSet;
use std::net::IpAddr;

use lab_model::cilium::{AgentEndpoint, CiliumEndpoint};
use lab_plugin::{Fact, Health, Level};

use crate::inputs::Inputs;
use crate::rows::EndpointRow;

/// Labels that tell where a pod is and not what it is.
const PLACES: [&str; 5] = [
    "k8s:io.cilium.k8s.namespace.labels.",
    "k8s:io.cilium.k8s.policy.cluster=",
    "k8s:io.kubernetes.pod.namespace=",
    "k8s:node-role.kubernetes.io/",
    "k8s:node.kubernetes.io/",
];

/// One row for each endpoint, with its key.
pub fn endpoint_rows(inputs: &Inputs) -> Vec<(String, EndpointRow)> {
    let mut rows = Vec::new();
    let mut heard = BTreeSet::new();
    for (host, answers) in &inputs.answers {
        let Some(endpoints) = answers.endpoints.known() else { continue };
        heard.insert(host.as_str());
        let of_agent =
            endpoints.iter().map(|it| (format!("{host}/{}", it.id), agent_row(host, it)));
        rows.extend(of_agent);
    }
    let host_of = |ip: Option<IpAddr>| {
        let ip = ip?;
        let hosts = inputs.hosts.iter().find(|(_, ips)| ips.contains(&ip));
        hosts.map(|(name, _)| name.as_str())
    };
    for endpoint in inputs.endpoints.known().into_iter().flatten() {
        let host = host_of(endpoint.node_ip());
        if host.is_some_and(|host| heard.contains(host)) {
            continue;
        }
        let path = format!("{}/{}", endpoint.metadata.namespace, endpoint.metadata.name);
        rows.push((path, object_row(host, endpoint)));
    }
    rows
}

fn own_labels(labels: &[String]) -> Option<String> {
    let own = labels.iter().filter(|label| !PLACES.iter().any(|place| label.starts_with(place)));
    let own: Vec<&str> = own.map(|label| label.strip_prefix("k8s:").unwrap_or(label)).collect();
    (!own.is_empty()).then(|| own.join(" "))
}

fn joined(ips: impl Iterator<Item = IpAddr>) -> Option<String> {
    let ips: Vec<String> = ips.map(|ip| ip.to_string()).collect();
    (!ips.is_empty()).then(|| ips.join(" "))
}

fn all_of(labels: &[String]) -> Option<String> {
    (!labels.is_empty()).then(|| labels.join(" "))
}

/// `none`, `ingress`, `egress`, `both`, each perhaps behind `audit-`.
fn enforced(policy: Option<&str>, direction: &str) -> Fact<Health> {
    let Some(policy) = policy else { return Fact::Unknown("its agent does not say".to_owned()) };
    let (is_audit, directions) = match policy.strip_prefix("audit-") {
        Some(directions) => (true, directions),
        None => (false, policy),
    };
    Fact::Known(match (directions == "both" || directions == direction, is_audit) {
        (true, false) => Health(Level::Good, "enforced".to_owned()),
        (true, true) => Health(Level::Warn, "audit".to_owned()),
        (false, _) => Health(Level::Info, "open".to_owned()),
    })
}

fn state(state: &str, health: Option<&str>) -> Fact<Health> {
    if state.is_empty() {
        return Fact::Unknown("nobody says".to_owned());
    }
    let is_well = health.is_none_or(|health| health == "OK");
    Fact::Known(match (state, is_well, health) {
        ("ready", true, _) => Health(Level::Good, state.to_owned()),
        (_, false, Some(health)) => {
            Health(Level::Bad, format!("{state}, {}", health.to_ascii_lowercase()))
        }
        _ => Health(Level::Warn, state.to_owned()),
    })
}

fn agent_row(host: &str, it: &AgentEndpoint) -> EndpointRow {
    let pod = it.pod.as_deref().filter(|pod| *pod != "/").and_then(|pod| pod.split_once('/'));
    let name = pod.map(|(_, name)| name).or(it.reserved.as_deref()).unwrap_or("unknown");
    EndpointRow {
        host: Some(host.to_owned()),
        namespace: pod.map(|(namespace, _)| namespace.to_owned()),
        name: name.to_owned(),
        ip: joined(it.ips.iter().copied()),
        id: i64::try_from(it.id).ok(),
        identity: it.identity.and_then(|identity| i64::try_from(identity).ok()),
        labels: own_labels(&it.labels),
        ingress: enforced(it.policy.as_deref(), "ingress"),
        egress: enforced(it.policy.as_deref(), "egress"),
        state: state(&it.state, it.health.as_deref()),
        source: "agent",
        all_labels: all_of(&it.labels),
    }
}

fn object_row(host: Option<&str>, it: &CiliumEndpoint) -> EndpointRow {
    let unknown = || Fact::Unknown("its agent was not heard".to_owned());
    EndpointRow {
        host: host.map(str::to_owned).or_else(|| it.node_ip().map(|ip| ip.to_string())),
        namespace: Some(it.metadata.namespace.clone()),
        name: it.metadata.name.clone(),
        ip: joined(it.ips()),
        id: it.id().and_then(|id| i64::try_from(id).ok()),
        identity: it.identity().and_then(|identity| i64::try_from(identity).ok()),
        labels: own_labels(it.labels()),
        ingress: unknown(),
        egress: unknown(),
        state: state(it.state(), None),
        source: "CiliumEndpoint",
        all_labels: all_of(it.labels()),
    }
}
