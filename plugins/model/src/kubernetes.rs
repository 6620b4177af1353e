//! Objects of Kubernetes, as far as more than one plugin reads them.
//!
//! Apart from [`crate::cilium`] because these exist in every cluster. It must not know how the
//! objects were fetched, nor what a network plugin makes of them.
//!
//! Every struct is a slim reading of the API object: fields nobody asks for are skipped while
//! deserialising, so a node costs its addresses and not its list of images. Absent fields are
//! empty, because the API server leaves empty ones out.

pub mod flags;
mod node_status;
pub mod settings;

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Deserializer};

pub use self::node_status::{NodeInfo, Resources};
use crate::{Prefix, Problem, problem::read_entries};

/// Name and namespace of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Name, unique within the namespace and kind.
    pub name: String,
    /// Namespace; empty for objects that have none.
    pub namespace: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// When deletion was asked for, as RFC 3339; the object then only waits for its end.
    pub deletion_timestamp: Option<String>,
}

/// A machine of the cluster.
///
/// - Source: `nodes`, API version v1.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Name.
    pub metadata: Metadata,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    #[serde(rename = "podCIDR", deserialize_with = "lenient")]
    pod_cidr: Option<Prefix>,
    #[serde(rename = "podCIDRs", deserialize_with = "lenient_list")]
    pod_cidrs: Vec<Prefix>,
    unschedulable: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    addresses: Vec<NodeAddress>,
    conditions: Vec<Condition>,
    #[serde(rename = "nodeInfo")]
    node_info: NodeInfo,
    capacity: Resources,
    allocatable: Resources,
}

/// An address of a node as Kubernetes knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct NodeAddress {
    /// `InternalIP`, `ExternalIP`, `Hostname` …
    #[serde(rename = "type")]
    pub kind: String,
    /// An IP address or a name, by kind.
    pub address: String,
}

/// One condition of an object, such as `Ready`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word for machines.
    pub reason: String,
    /// A line for people.
    pub message: String,
}

impl Node {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The addresses other nodes reach it at, at most one of each family.
    pub fn internal_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let internal = self.status.addresses.iter().filter(|address| address.kind == "InternalIP");
        internal.filter_map(|address| address.address.parse().ok())
    }

    /// All addresses, of every kind.
    pub fn addresses(&self) -> &[NodeAddress] {
        &self.status.addresses
    }

    /// The `podCIDRs` the controller manager gave it. Cilium only goes by them with `ipam:
    /// kubernetes`; otherwise a `CiliumNode` has the ones in use.
    pub fn pod_cidrs(&self) -> &[Prefix] {
        if self.spec.pod_cidrs.is_empty() {
            self.spec.pod_cidr.as_slice()
        } else {
            &self.spec.pod_cidrs
        }
    }

    /// Whether the kubelet says that it is ready; `None` when it says nothing or is not heard.
    pub fn is_ready(&self) -> Option<bool> {
        let ready = self.status.conditions.iter().find(|condition| condition.kind == "Ready")?;
        match ready.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        }
    }
}

/// A pod.
///
/// - Source: `pods`, API version v1.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Name, namespace, and whether it is being deleted.
    pub metadata: Metadata,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: String,
    host_network: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: String,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct PodIp {
    ip: String,
}

impl Pod {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.metadata.namespace
    }

    /// The node it runs on, `None` before it is placed.
    pub fn node_name(&self) -> Option<&str> {
        Some(self.spec.node_name.as_str()).filter(|name| !name.is_empty())
    }

    /// Its addresses; those of the node when it uses the host's network.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let first = self.status.pod_ip.as_deref().filter(|_| self.status.pod_ips.is_empty());
        let all = self.status.pod_ips.iter().map(|entry| entry.ip.as_str());
        first.into_iter().chain(all).filter_map(|ip| ip.parse().ok())
    }

    /// Whether it shares the network of its node.
    pub const fn has_host_network(&self) -> bool {
        self.spec.host_network
    }

    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub fn phase(&self) -> &str {
        &self.status.phase
    }

    /// Whether it has ended; its address may then belong to another pod.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase(), "Succeeded" | "Failed")
    }

    /// Whether it passes its readiness checks; `None` when nothing is said.
    pub fn is_ready(&self) -> Option<bool> {
        let ready = self.status.conditions.iter().find(|condition| condition.kind == "Ready")?;
        Some(ready.status == "True")
    }

    /// Whether its deletion was asked for.
    pub const fn is_being_deleted(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }
}

/// A `ConfigMap`.
///
/// - Source: `configmaps`, API version v1.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// Name and namespace.
    pub metadata: Metadata,
    /// Keys and values, all text.
    pub data: BTreeMap<String, String>,
}

/// A range `ClusterIPs` are taken from.
///
/// - Source: `servicecidrs`, networking.k8s.io/v1 since Kubernetes 1.33.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ServiceCidr {
    /// Name.
    pub metadata: Metadata,
    spec: ServiceCidrSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct ServiceCidrSpec {
    #[serde(deserialize_with = "lenient_list")]
    cidrs: Vec<Prefix>,
}

impl ServiceCidr {
    /// The ranges, at most one of each family.
    pub fn cidrs(&self) -> &[Prefix] {
        &self.spec.cidrs
    }
}

/// A service, as far as its addresses go.
///
/// - Source: `services`, API version v1.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Name and namespace.
    pub metadata: Metadata,
    spec: ServiceSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct ServiceSpec {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Vec<String>,
}

impl Service {
    /// Its virtual addresses; empty for a headless service and for an `ExternalName`.
    pub fn cluster_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let first = self.spec.cluster_ip.as_deref().filter(|_| self.spec.cluster_ips.is_empty());
        let all = self.spec.cluster_ips.iter().map(String::as_str);
        first.into_iter().chain(all).filter_map(|ip| ip.parse().ok())
    }

    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub fn kind(&self) -> &str {
        &self.spec.kind
    }
}

/// Reads the objects of one kind from the array under `items`, or from a whole list.
///
/// - Shape: `[{…},…]`, or `{"items":[…]}` as `kubectl get -o json` prints; unknown fields are
///   skipped.
/// - Errors: never fails; an object that cannot be read becomes a [`Problem`] and the others are
///   kept.
/// - Source: Kubernetes API 1.33.
pub fn parse_objects<'a, T: Deserialize<'a>>(text: &'a str) -> (Vec<T>, Vec<Problem>) {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        items: &'a serde_json::value::RawValue,
    }
    if !text.trim_start().starts_with('{') {
        return read_entries(text);
    }
    match serde_json::from_str::<List<'_>>(text) {
        Ok(list) => read_entries(list.items.get()),
        Err(error) => (Vec::new(), vec![Problem::new("the list", text, error.to_string())]),
    }
}

/// Milliseconds since 1970 of a time in an object, such as `2026-11-23T03:06:59Z`; `None` for
/// anything else.
pub fn parse_time(text: &str) -> Option<i64> {
    crate::monitor::milliseconds(text)
}

/// Reads a value for serde's `deserialize_with`; `null` is what an empty one is written as by some
/// programs.
///
/// # Errors
/// Those of the value.
pub fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a prefix; text that is none counts as absent, so that it does not cost the object.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Prefix>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(Prefix::parse))
}

/// Reads prefixes and leaves out what is none.
pub(crate) fn lenient_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Prefix>, D::Error> {
    let texts = Option::<Vec<String>>::deserialize(deserializer)?;
    Ok(texts.into_iter().flatten().filter_map(|text| Prefix::parse(&text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_its_addresses_podcidrs_and_readiness() {
        let text = r#"[{"kind":"Node","metadata":{"name":"k8s-ctr","uid":"d67b"},
            "spec":{"podCIDR":"10.244.0.0/24","podCIDRs":["10.244.0.0/24","x"]},
            "status":{"addresses":[{"address":"192.168.10.100","type":"InternalIP"},
                                   {"address":"k8s-ctr","type":"Hostname"}],
                      "conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}],
                      "images":[{"names":["a"]}]}}]"#;
        let (nodes, problems) = parse_objects::<Node>(text);
        assert_eq!(problems, []);
        let node = &nodes[0];
        assert_eq!(node.name(), "k8s-ctr");
        assert_eq!(node.internal_ips().next().unwrap().to_string(), "192.168.10.100");
        assert_eq!(node.internal_ips().count(), 1);
        assert_eq!(node.pod_cidrs(), ["10.244.0.0/24".parse().unwrap()]);
        assert_eq!(node.is_ready(), Some(true));
        assert_eq!(Node::default().is_ready(), None);
    }

    #[test]
    fn a_pod_is_its_place_and_its_addresses() {
        let text = r#"{"items":[{"metadata":{"name":"a","namespace":"default",
            "deletionTimestamp":"2026-11-23T03:00:04Z"},
            "spec":{"nodeName":"k8s-w1","hostNetwork":true},
            "status":{"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}],
                      "conditions":[{"type":"Ready","status":"False"}]}},
            {"metadata":{"name":"b"},"status":{"podIP":"10.0.0.2"}},{"metadata":7}]}"#;
        let (pods, problems) = parse_objects::<Pod>(text);
        assert_eq!(problems.len(), 1);
        assert_eq!(pods[0].ips().count(), 2);
        assert!(pods[0].has_host_network() && pods[0].is_being_deleted());
        assert_eq!(pods[0].node_name(), Some("k8s-w1"));
        assert_eq!(pods[0].is_ready(), Some(false));
        assert_eq!(pods[1].ips().count(), 1);
        assert_eq!((pods[1].node_name(), pods[1].is_ready()), (None, None));
    }

    #[test]
    fn headless_services_have_no_address() {
        let text = r#"[{"spec":{"type":"ClusterIP","clusterIP":"None","clusterIPs":["None"]}},
            {"spec":{"clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1"]}}]"#;
        let (services, _) = parse_objects::<Service>(text);
        assert_eq!(services[0].cluster_ips().count(), 0);
        assert_eq!(services[1].cluster_ips().count(), 1);
    }
}
