//! Objects that no other plugin reads, as far as they are read here.
//!
//! Fields nobody asks for are skipped while deserialising; absent ones are empty.

use std::collections::BTreeMap;

use lab_model::Prefix;
use lab_model::kubernetes::{Condition, Metadata};
use serde::Deserialize;

use super::version::image_version;

/// A pod of the control plane, or an agent's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComponentPod {
    /// Name and namespace.
    pub metadata: Metadata,
    spec: ComponentSpec,
    status: ComponentStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ComponentSpec {
    node_name: String,
    containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ComponentStatus {
    phase: String,
    conditions: Vec<Condition>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
    command: Vec<String>,
    args: Vec<String>,
    env: Vec<Variable>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Variable {
    name: String,
    value: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    name: String,
    image: String,
    state: BTreeMap<String, State>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    reason: String,
}

impl ComponentPod {
    /// The node it runs on; empty before it is placed.
    pub fn node(&self) -> &str {
        &self.spec.node_name
    }

    /// Whether it passes its checks; `None` when it does not say.
    pub fn is_ready(&self) -> Option<bool> {
        let ready = self.status.conditions.iter().find(|condition| condition.kind == "Ready")?;
        match ready.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        }
    }

    /// Its state in few words: the reason it waits, or its phase.
    pub fn state(&self) -> String {
        let waits = self.status.container_statuses.iter().find_map(|status| {
            let reason = &status.state.get("waiting")?.reason;
            Some(format!("{} {reason}", status.name)).filter(|_| !reason.is_empty())
        });
        waits.unwrap_or_else(|| match self.status.phase.as_str() {
            "" => "no phase".to_owned(),
            phase => phase.to_owned(),
        })
    }

    /// The version in the image of the agent's container.
    pub fn agent_version(&self) -> Option<String> {
        let statuses = &self.status.container_statuses;
        let status = statuses.iter().find(|status| status.name == "cilium-agent")?;
        image_version(&status.image)
    }

    /// Command and arguments of its first container.
    pub fn words(&self) -> Vec<String> {
        let first = self.spec.containers.first();
        first.map(|it| it.command.iter().chain(&it.args).cloned().collect()).unwrap_or_default()
    }
}

/// A `DaemonSet`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DaemonSet {
    spec: DaemonSetSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct DaemonSetSpec {
    template: Template,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    spec: ComponentSpec,
}

impl DaemonSet {
    fn agent(&self) -> Option<&Container> {
        let containers = &self.spec.template.spec.containers;
        containers.iter().find(|container| container.name == "cilium-agent")
    }

    /// The version in the agent's image.
    pub fn version(&self) -> Option<String> {
        image_version(&self.agent()?.image)
    }

    /// Where its agents look for the API server, when that is set.
    pub fn api_endpoint(&self) -> Option<String> {
        let variable = |name: &str| {
            let known = self.agent()?.env.iter().find(|variable| variable.name == name)?;
            known.value.as_deref()
        };
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, "KUBERNETES_SERVICE_PORT");
        Some(endpoint(host, variable(port).unwrap_or("443")))
    }
}

/// `host:port`, with an IPv6 address in brackets.
pub fn endpoint(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// An `EndpointSlice`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointSlice {
    endpoints: Vec<Endpoint>,
    ports: Vec<Port>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Endpoint {
    addresses: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Port {
    port: Option<u16>,
}

impl EndpointSlice {
    /// Every address with the first port.
    pub fn endpoints(&self) -> impl Iterator<Item = String> {
        let port = self.ports.first().and_then(|port| port.port).unwrap_or(443).to_string();
        let addresses = self.endpoints.iter().flat_map(|it| &it.addresses);
        addresses.map(move |address| endpoint(address, &port))
    }
}

/// A pool of pod addresses of multi-pool IPAM.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodIpPool {
    /// Name.
    pub metadata: Metadata,
    spec: PoolSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PoolSpec {
    ipv4: PoolRanges,
    ipv6: PoolRanges,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PoolRanges {
    cidrs: Vec<String>,
}

impl PodIpPool {
    /// Its ranges.
    pub fn cidrs(&self) -> Vec<Prefix> {
        let texts = self.spec.ipv4.cidrs.iter().chain(&self.spec.ipv6.cidrs);
        texts.filter_map(|text| Prefix::parse(text)).collect()
    }
}

/// CPU and memory as the metrics API reports them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Amounts {
    /// Cores.
    pub cpu: String,
    /// Bytes.
    pub memory: String,
}

/// What a node uses.
///
/// - Source: `nodes`, metrics.k8s.io/v1beta1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeMetrics {
    /// Name of the node.
    pub metadata: Metadata,
    /// What was used on average over the window.
    pub usage: Amounts,
}

/// What a pod uses.
///
/// - Source: `pods`, metrics.k8s.io/v1beta1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodMetrics {
    /// Name and namespace of the pod.
    pub metadata: Metadata,
    /// Its containers.
    pub containers: Vec<ContainerMetrics>,
}

/// What a container uses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerMetrics {
    /// Its name.
    pub name: String,
    /// What was used on average over the window.
    pub usage: Amounts,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_agents_pod_says_what_it_waits_for() {
        let pod: ComponentPod = read(
            r#"{"metadata":{"name":"cilium-x"},"spec":{"nodeName":"k8s-w1"},"status":{
                "phase":"Pending","conditions":[{"type":"Ready","status":"False"}],
                "containerStatuses":[{"name":"cilium-agent","image":"q/cilium:v1.18.0",
                "state":{"waiting":{"reason":"ImagePullBackOff"}}}]}}"#,
        );
        assert_eq!(pod.node(), "k8s-w1");
        assert_eq!(pod.is_ready(), Some(false));
        assert_eq!(pod.state(), "cilium-agent ImagePullBackOff");
        assert_eq!(pod.agent_version().as_deref(), Some("1.18.0"));
        let bare = ComponentPod::default();
        assert_eq!((bare.is_ready(), bare.state().as_str()), (None, "no phase"));
    }

    #[test]
    fn agents_may_be_told_where_the_api_is() {
        let set: DaemonSet = read(
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"cilium-agent",
                "image":"q/cilium:v1.18.0@sha256:ab","env":[
                {"name":"KUBERNETES_SERVICE_HOST","value":"192.168.10.100"},
                {"name":"KUBERNETES_SERVICE_PORT","value":"6443"},{"name":"X"}]}]}}}}"#,
        );
        assert_eq!(set.api_endpoint().as_deref(), Some("192.168.10.100:6443"));
        assert_eq!(set.version().as_deref(), Some("1.18.0"));
        assert_eq!(DaemonSet::default().api_endpoint(), None);
    }

    #[test]
    fn endpoints_carry_their_port() {
        let slice: EndpointSlice = read(
            r#"{"endpoints":[{"addresses":["192.168.10.100"]},{"addresses":["fd00::1"]}],
                "ports":[{"port":6443}]}"#,
        );
        let all: Vec<_> = slice.endpoints().collect();
        assert_eq!(all, ["192.168.10.100:6443", "[fd00::1]:6443"]);
    }
}
