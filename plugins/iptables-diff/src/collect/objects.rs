//! What the cluster's objects say of each host.

use std::collections::BTreeMap;

use lab_model::AddressFamily;
use lab_model::cilium::CiliumNode;
use lab_model::kubernetes::{ConfigMap, Node};
use lab_plugin::{Failure, Selection, log};
use serde::Deserialize;

use crate::expected::config::Config;
use crate::model::{Fleet, Host};

/// Adds what objects say to the hosts; what cannot be listed stays unknown.
pub(super) fn objects(fleet: &mut Fleet, with_config: bool) {
    let mut literals: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let nodes =
        Selection::new("v1", "Node").keep("metadata.name").keep("spec").keep("status.addresses");
    for node in read(nodes.list::<Node>(), "v1/Node") {
        let Some(host) = fleet.hosts.iter_mut().find(|host| host.name == node.name()) else {
            continue;
        };
        let values = literals.entry(host.name.clone()).or_default();
        for ip in node.internal_ips() {
            values.push((
                ip.to_string(),
                if ip.is_ipv4() { "$NODE_IP" } else { "$NODE_IP6" }.to_owned(),
            ));
            if !host.addresses.contains(&ip) {
                host.addresses.push(ip);
            }
        }
        for address in node.addresses().iter().filter(|address| address.kind == "ExternalIP") {
            values.push((address.address.clone(), "$NODE_EXTERNAL_IP".to_owned()));
        }
        for cidr in node.pod_cidrs() {
            values.push((cidr.to_string(), "$NODE_POD_CIDR".to_owned()));
        }
    }
    for node in
        read(Selection::new("cilium.io/v2", "CiliumNode").list::<CiliumNode>(), "CiliumNode")
    {
        let Some(host) = fleet.hosts.iter_mut().find(|host| host.name == node.name()) else {
            continue;
        };
        let values = literals.entry(host.name.clone()).or_default();
        let mut cidrs: Vec<(String, String)> = Vec::new();
        for (place, cidr) in node.pod_cidrs().enumerate() {
            let number = if place == 0 { String::new() } else { (place + 1).to_string() };
            cidrs.push((cidr.to_string(), format!("$POD_CIDR{number}")));
            host.pod_cidrs.push(cidr.to_string());
        }
        // The ranges that pods really have come first: they win over those of the Node.
        values.splice(0..0, cidrs);
        for (place, family) in [AddressFamily::V4, AddressFamily::V6].into_iter().enumerate() {
            host.routers[place] = node.router_ip(family);
            if let Some(ip) = node.router_ip(family) {
                values.push((ip.to_string(), "$ROUTER_IP".to_owned()));
                host.addresses.push(ip);
            }
            if let Some(ip) = node.health_ip(family) {
                values.push((ip.to_string(), "$HEALTH_IP".to_owned()));
            }
        }
    }
    for host in &mut fleet.hosts {
        for (value, name) in literals.remove(&host.name).unwrap_or_default() {
            host.literals.add(&value, &name);
        }
        if let Some(ip) = host.addresses.first().filter(|_| host.literals.is_empty()) {
            host.literals.add(&ip.to_string(), "$NODE_IP");
        }
    }
    if with_config {
        config(fleet);
    }
}

#[derive(Deserialize)]
struct Pod {
    metadata: PodMetadata,
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize)]
struct PodMetadata {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    node_name: Option<String>,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    #[serde(default)]
    name: String,
    #[serde(default)]
    image: String,
}

#[derive(Default, Deserialize)]
struct PodStatus {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

fn config(fleet: &mut Fleet) {
    let pods = Selection::new("v1", "Pod")
        .keep("metadata.labels")
        .keep("metadata.namespace")
        .keep("spec.nodeName")
        .keep("spec.containers")
        .keep("status.conditions");
    let mut is_listed = true;
    let mut namespace = "kube-system".to_owned();
    for pod in pods.list::<Pod>() {
        let pod = match pod {
            Ok(pod) => pod,
            Err(failure) => {
                is_listed = false;
                log::warn(&format!("v1/Pod: {}", failure.message()));
                continue;
            }
        };
        let Some(host) = pod.spec.node_name.as_ref().and_then(|name| host(fleet, name)) else {
            continue;
        };
        match pod.metadata.labels.get("k8s-app").map(String::as_str) {
            Some("cilium") => {
                let agent = pod.spec.containers.iter().find(|it| it.name == "cilium-agent");
                let image = agent.or(pod.spec.containers.first()).map(|it| it.image.as_str());
                host.cilium = image.and_then(version_of);
                let ready = pod.status.conditions.iter().find(|it| it.kind == "Ready");
                host.is_agent_ready = ready.map(|it| it.status == "True");
                namespace = pod.metadata.namespace;
            }
            Some("kube-proxy") => host.has_kube_proxy = Some(true),
            _ => {}
        }
    }
    for host in fleet.hosts.iter_mut().filter(|_| is_listed) {
        host.has_kube_proxy.get_or_insert(false);
    }
    // The agents' own namespace, which installers let people choose.
    let maps = Selection::new("v1", "ConfigMap").namespace(&namespace);
    fleet.config = Some(match maps.get::<ConfigMap>("cilium-config") {
        Ok(map) => Ok(Config::new(map.data)),
        Err(failure) => Err(failure.message().to_owned()),
    });
}

fn host<'f>(fleet: &'f mut Fleet, name: &str) -> Option<&'f mut Host> {
    fleet.hosts.iter_mut().find(|host| host.name == name)
}

/// `quay.io/cilium/cilium:v1.18.0@sha256:…` → `1.18.0`
fn version_of(image: &str) -> Option<String> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit_once('/')?.1.split_once(':')?;
    let version = tag.strip_prefix('v').unwrap_or(tag);
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned())
}

fn read<T>(objects: impl Iterator<Item = Result<T, Failure>>, kind: &str) -> Vec<T> {
    let mut read = Vec::new();
    for object in objects {
        match object {
            Ok(object) => read.push(object),
            Err(failure) => log::warn(&format!("{kind}: {}", failure.message())),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_tags_of_images() {
        for (image, version) in [
            ("quay.io/cilium/cilium:v1.18.0@sha256:abcd", Some("1.18.0")),
            ("registry:5000/cilium:1.17.6", Some("1.17.6")),
            ("quay.io/cilium/cilium:latest", None),
            ("quay.io/cilium/cilium@sha256:abcd", None),
            ("", None),
        ] {
            assert_eq!(version_of(image).as_deref(), version, "{image}");
        }
    }
}
