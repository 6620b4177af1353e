//! Answers into the model's inputs: what the shared parsers leave to be taken over.
//!
//! Pure: text and objects in, records out. Which question an answer belongs to is collect's
//! business.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::cilium::CiliumNode;
use lab_model::kubernetes::{Node, Pod};
use lab_model::{AddressFamily, Prefix};

use crate::model::{Address, Agent, CiliumNodeInput, NodeConfigInput, NodeInput, PodInput};

/// An address of a device.
pub fn address(parsed: &lab_model::iproute2::Address) -> Option<Address> {
    Some(Address {
        device: parsed.device,
        ip: parsed.address,
        network: parsed.network()?,
        is_global: parsed.scope == lab_model::iproute2::Scope::GLOBAL,
    })
}

/// Whether the policy of the filter table's FORWARD chain is DROP.
pub fn forward_drops(text: &str) -> bool {
    let mut in_filter = false;
    for line in text.lines() {
        if let Some(table) = line.strip_prefix('*') {
            in_filter = table.trim() == "filter";
        } else if in_filter && line.starts_with(":FORWARD DROP") {
            return true;
        }
    }
    false
}

/// The agent's word on itself, and the version that runs: from the JSON of `cilium-dbg status`,
/// or from the line `Cilium:  Ok  1.18.0 (v1.18.0-274205f0)` of its text.
pub fn agent(text: &str) -> (Agent, Option<String>) {
    #[derive(serde::Deserialize)]
    struct Status {
        cilium: Part,
    }
    #[derive(serde::Deserialize)]
    struct Part {
        #[serde(default)]
        state: String,
        #[serde(default)]
        msg: String,
    }
    let line = || {
        let line = text.lines().find_map(|line| line.strip_prefix("Cilium:"))?.trim();
        let (state, msg) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        Some(Part { state: state.to_owned(), msg: msg.trim().to_owned() })
    };
    let part = serde_json::from_str(text).map(|status: Status| status.cilium).ok().or_else(line);
    let Some(Part { state, msg }) = part else {
        return (Agent::Silent("its status cannot be read".to_owned()), None);
    };
    let version = msg.split(' ').next().filter(|word| word.starts_with(char::is_numeric));
    let version = version.map(str::to_owned);
    let agent =
        if state == "Ok" { Agent::Ready } else { Agent::NotReady(format!("{state}: {msg}")) };
    (agent, version)
}

/// A Node.
pub fn node(node: &Node) -> NodeInput {
    NodeInput {
        name: node.name().to_owned(),
        labels: node.metadata.labels.clone(),
        internal: node.internal_ips().collect(),
        pod_cidrs: node.pod_cidrs().to_vec(),
    }
}

/// A `CiliumNode`, with the addresses peers use.
pub fn cilium_node(node: &CiliumNode) -> CiliumNodeInput {
    let families = [AddressFamily::V4, AddressFamily::V6];
    CiliumNodeInput {
        name: node.name().to_owned(),
        internal: families.iter().filter_map(|family| node.node_ip(*family)).collect(),
        routers: families.iter().filter_map(|family| node.router_ip(*family)).collect(),
        pod_cidrs: node.pod_cidrs().collect(),
    }
}

/// A Pod that has an address and has not ended.
pub fn pod(pod: &Pod) -> Option<PodInput> {
    let node = pod.node_name()?;
    let ips: Vec<IpAddr> = pod.ips().collect();
    if ips.is_empty() || pod.has_ended() {
        return None;
    }
    Some(PodInput {
        name: format!("{}/{}", pod.namespace(), pod.name()),
        node: node.to_owned(),
        ips,
        host_network: pod.has_host_network(),
    })
}

/// `serviceSubnet` of kubeadm's `ClusterConfiguration`.
pub fn service_cidrs(data: &BTreeMap<String, String>) -> Vec<Prefix> {
    let lines = data.get("ClusterConfiguration").map(String::as_str).unwrap_or_default();
    let value = lines.lines().find_map(|line| line.trim().strip_prefix("serviceSubnet:"));
    let ranges = value.unwrap_or_default().split(',');
    ranges.filter_map(|range| Prefix::parse(range.trim().trim_matches('"'))).collect()
}

/// The agents' `DaemonSet`, as far as it is read.
#[derive(serde::Deserialize)]
pub struct DaemonSet {
    spec: serde_json::Value,
}

impl DaemonSet {
    /// The version in the agent's image: `1.18.0` of `quay.io/cilium/cilium:v1.18.0@sha256:…`.
    pub fn version(&self) -> Option<String> {
        let containers = self.spec.pointer("/template/spec/containers")?.as_array()?;
        let agent = containers.iter().find(|container| container["name"] == "cilium-agent")?;
        let image = agent["image"].as_str()?;
        let named = image.split_once('@').map_or(image, |(named, _)| named);
        let tag = named.rsplit_once(':')?.1;
        let version = tag.strip_prefix('v').unwrap_or(tag);
        let is_tag =
            version.starts_with(|first: char| first.is_ascii_digit()) && !tag.contains('/');
        is_tag.then(|| version.to_owned())
    }
}

/// A `CiliumNodeConfig`, as far as it is read.
#[derive(serde::Deserialize)]
pub struct NodeConfig {
    spec: NodeConfigSpec,
}

#[derive(serde::Deserialize)]
struct NodeConfigSpec {
    #[serde(default)]
    defaults: BTreeMap<String, String>,
    #[serde(default, rename = "nodeSelector")]
    selector: LabelSelector,
}

#[derive(Default, serde::Deserialize)]
struct LabelSelector {
    #[serde(default, rename = "matchLabels")]
    labels: BTreeMap<String, String>,
}

impl From<NodeConfig> for NodeConfigInput {
    fn from(config: NodeConfig) -> Self {
        Self { selector: config.spec.selector.labels, keys: config.spec.defaults }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_filter_tables_policy_counts() {
        let mangle = "*mangle\n:FORWARD DROP [0:0]\n*filter\n:FORWARD ACCEPT [0:0]\n";
        assert!(!forward_drops(mangle));
        assert!(forward_drops("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n"));
    }

    #[test]
    fn an_agent_is_ready_by_its_own_word_only() {
        let ready = r#"{"cilium":{"state":"Ok","msg":"1.18.0 (v1.18.0-274205f0)"}}"#;
        assert_eq!(agent(ready), (Agent::Ready, Some("1.18.0".to_owned())));
        let failing = r#"{"cilium":{"state":"Failure","msg":"datapath not ready"}}"#;
        let failing = agent(failing).0;
        assert_eq!(failing, Agent::NotReady("Failure: datapath not ready".to_owned()));
        assert!(matches!(agent("no agent").0, Agent::Silent(_)));
        let text = "KVStore:   Disabled\nCilium:                 Ok   1.18.0 (v1.18.0-274205f0)\n";
        assert_eq!(agent(text), (Agent::Ready, Some("1.18.0".to_owned())));
        let failing = "Cilium:   Failure   datapath not ready\n";
        let expected = Agent::NotReady("Failure: datapath not ready".to_owned());
        assert_eq!(agent(failing), (expected, None));
    }

    #[test]
    fn the_version_is_the_tag_of_the_agents_image() {
        let of = |image: &str| {
            let containers = serde_json::json!([{"name": "cilium-agent", "image": image}]);
            let spec = serde_json::json!({"template": {"spec": {"containers": containers}}});
            DaemonSet { spec }.version()
        };
        assert_eq!(of("quay.io/cilium/cilium:v1.18.0@sha256:ab"), Some("1.18.0".to_owned()));
        assert_eq!(of("registry:5000/cilium:1.17.6"), Some("1.17.6".to_owned()));
        assert_eq!(of("registry:5000/cilium@sha256:ab"), None);
    }

    #[test]
    fn service_subnet_comes_from_kubeadm() {
        let data = [(
            "ClusterConfiguration".to_owned(),
            "networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/16\n".to_owned(),
        )];
        let cidrs = service_cidrs(&data.into_iter().collect());
        assert_eq!(cidrs, Prefix::parse("10.96.0.0/16").into_iter().collect::<Vec<_>>());
    }
}
