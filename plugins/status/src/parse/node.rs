//! Nodes as far as they are read here: where they are, and what is set for them alone.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::kubernetes::{NodeAddress, or_default};
use serde::Deserialize;

/// A Node.
///
/// - Source: `nodes`, API version v1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeObject {
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    addresses: Vec<NodeAddress>,
}

/// A setting that a Node has for its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSetting {
    /// The value.
    pub value: String,
    /// `annotation` or `label`.
    pub what: &'static str,
    /// Its whole name.
    pub name: String,
}

/// What is kept of a Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeRecord {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The addresses other nodes reach it at.
    pub internal_ips: Vec<IpAddr>,
    /// Settings that stand in its labels and annotations, by key. An agent takes them only if it is
    /// told to.
    pub settings: BTreeMap<String, NodeSetting>,
}

impl NodeObject {
    /// The record, without what is not needed.
    pub fn record(self) -> NodeRecord {
        let Metadata { name, labels, annotations } = self.metadata;
        let internal = self.status.addresses.iter().filter(|it| it.kind == "InternalIP");
        NodeRecord {
            internal_ips: internal.filter_map(|it| it.address.parse().ok()).collect(),
            settings: settings(&labels, annotations),
            labels,
            name,
        }
    }
}

/// What labels and annotations begin with that are settings.
const PREFIX: &str = "config.cilium.io";

/// Settings among labels and annotations.
///
/// - Shape: `config.cilium.io/KEY: VALUE`, where KEY is one that a `ConfigMap` may have; of label
///   and annotation the latter counts.
/// - Source: Cilium 1.17.6 to 1.20.2, `readNodeOverrides` in `pkg/option/resolver/resolver.go`: no
///   other annotation or label of a Node is a setting, and of a `CiliumNode` none is read. Those
///   for BGP and for encryption (`cilium.io/bgp-virtual-router…`, `network.cilium.io/…`) have no
///   key in `cilium-config`.
fn settings(
    labels: &BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
) -> BTreeMap<String, NodeSetting> {
    let labels = labels.iter().filter(|(name, _)| key_of(name).is_some());
    let labels = labels.map(|(name, value)| ("label", name.clone(), value.clone()));
    let annotations = annotations.into_iter().map(|(name, value)| ("annotation", name, value));
    labels
        .chain(annotations)
        .filter_map(|(what, name, value)| {
            Some((key_of(&name)?.to_owned(), NodeSetting { value, what, name }))
        })
        .collect()
}

/// The key that a label or annotation sets.
fn key_of(name: &str) -> Option<&str> {
    let (_, key) = name.split_once('/').filter(|_| name.starts_with(PREFIX))?;
    let is_key = !key.is_empty()
        && key != "."
        && !key.starts_with("..")
        && key.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter));
    is_key.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_in_labels_and_annotations() {
        let node = serde_json::from_str::<NodeObject>(
            r#"{"metadata":{"name":"n1","labels":{"config.cilium.io/debug":"false","a":"b",
            "config.cilium.io/mtu":"1400"},"annotations":{"config.cilium.io/debug":"true",
            "network.cilium.io/ipv4-pod-cidr":"10.0.0.0/24","config.cilium.io/a b":"x",
            "config.cilium.io/..":"x","config.cilium.io":"x"}},
            "status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"},
            {"type":"InternalIP","address":"x"},{"type":"Hostname","address":"n1"}]}}"#,
        )
        .unwrap()
        .record();
        assert_eq!(node.internal_ips.len(), 1);
        let keys: Vec<&str> = node.settings.keys().map(String::as_str).collect();
        assert_eq!(keys, ["debug", "mtu"]);
        let debug = &node.settings["debug"];
        assert_eq!((debug.value.as_str(), debug.what), ("true", "annotation"));
        assert_eq!(node.settings["mtu"].what, "label");
        let null = r#"{"metadata":{"labels":null,"annotations":null},"status":null}"#;
        let null = serde_json::from_str::<NodeObject>(null).unwrap().record();
        assert_eq!(null, NodeRecord::default());
    }
}
