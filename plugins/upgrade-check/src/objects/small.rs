//! Objects of which few fields are read: definitions, Services, budgets, alerts, endpoints.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Meta, or_default};
use crate::facts::{Crd, CrdVersion};
use crate::version::Version;

/// A custom resource's definition, without its schema.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CrdObject {
    /// Name, labels, annotations.
    pub metadata: Meta,
    spec: CrdSpec,
    #[serde(deserialize_with = "or_default")]
    status: CrdStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct CrdSpec {
    #[serde(deserialize_with = "or_default")]
    versions: Vec<CrdVersion>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CrdStatus {
    #[serde(deserialize_with = "or_default")]
    stored_versions: Vec<String>,
}

impl CrdObject {
    /// Its name and what rules ask about it; `None` for resources of others.
    pub fn record(self) -> Option<(String, Crd)> {
        let name = self.metadata.name;
        if !name.ends_with(".cilium.io") && !name.ends_with(".gateway.networking.k8s.io") {
            return None;
        }
        let schema = self.metadata.labels.get("io.cilium.k8s.crd.schema.version").cloned();
        let bundle = self.metadata.annotations.get("gateway.networking.k8s.io/bundle-version");
        let bundle = bundle.and_then(|text| text.parse::<Version>().ok());
        let stored = self.status.stored_versions;
        Some((name, Crd { versions: self.spec.versions, stored, schema, bundle }))
    }
}

/// An object whose specification is looked through as it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AnyObject {
    /// Name and namespace.
    pub metadata: Meta,
    /// Its specification; null where there is none.
    pub spec: Value,
    /// The specifications of a policy with several.
    pub specs: Value,
}

/// A Service, as far as its ports and affinity go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ServiceObject {
    /// Name and namespace.
    pub metadata: Meta,
    spec: ServiceSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceSpec {
    session_affinity: String,
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
    #[serde(rename = "clusterIPs", deserialize_with = "or_default")]
    cluster_ips: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<ServicePort>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct ServicePort {
    port: u16,
    protocol: String,
}

impl ServiceObject {
    /// Whether it keeps a client at one backend.
    pub fn has_affinity(&self) -> bool {
        self.spec.session_affinity == "ClientIP"
    }

    /// Whether this is one of its addresses in the cluster with one of its ports; without a
    /// protocol, for any.
    pub fn has(&self, address: &str, port: u16, protocol: Option<&str>) -> bool {
        let mut addresses = self.spec.cluster_ips.iter().chain([&self.spec.cluster_ip]);
        address != "None"
            && addresses.any(|it| it == address)
            && self.spec.ports.iter().any(|it| {
                // TCP is what a port without a protocol is for.
                let of_port = if it.protocol.is_empty() { "TCP" } else { &it.protocol };
                it.port == port && protocol.is_none_or(|protocol| protocol == of_port)
            })
    }

    /// A port that it has for TCP and for another protocol.
    pub fn shared_port(&self) -> Option<u16> {
        let ports = &self.spec.ports;
        let shared = ports.iter().find(|one| {
            ports.iter().any(|other| other.port == one.port && other.protocol != one.protocol)
        });
        shared.map(|it| it.port)
    }
}

/// A `PodDisruptionBudget`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Name and namespace.
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    status: BudgetStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BudgetStatus {
    disruptions_allowed: Option<i64>,
    expected_pods: i64,
}

impl Budget {
    /// Whether it guards pods and allows none of them to be disrupted.
    pub fn is_blocking(&self) -> bool {
        self.status.disruptions_allowed == Some(0) && self.status.expected_pods > 0
    }
}

/// A `PrometheusRule`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AlertRules {
    /// Name and namespace.
    pub metadata: Meta,
    spec: AlertSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct AlertSpec {
    #[serde(deserialize_with = "or_default")]
    groups: Vec<AlertGroup>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct AlertGroup {
    #[serde(deserialize_with = "or_default")]
    rules: Vec<Alert>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Alert {
    expr: Value,
}

impl AlertRules {
    /// Words of its expressions that may be metrics of Cilium.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        let rules = self.spec.groups.iter().flat_map(|group| &group.rules);
        let words = rules.filter_map(|rule| rule.expr.as_str()).flat_map(|expression| {
            expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        });
        words.filter(|word| {
            ["cilium_", "hubble_", "envoy_", "workqueue_"].iter().any(|it| word.starts_with(it))
        })
    }
}

/// An object of which only the name is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Name and namespace.
    pub metadata: Meta,
}

/// A `CiliumEndpoint`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EndpointObject {
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    status: EndpointStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct EndpointStatus {
    state: Option<String>,
    identity: Value,
    networking: Value,
}

impl EndpointObject {
    /// Its name, state, identity and addresses.
    pub fn record(self) -> (String, Option<String>, Option<i64>, Vec<String>) {
        let status = self.status;
        let identity = status.identity.get("id").and_then(Value::as_i64);
        let pairs = status.networking.get("addressing").and_then(Value::as_array);
        let ips = pairs.into_iter().flatten().flat_map(|pair| {
            ["ipv4", "ipv6"].into_iter().filter_map(|family| pair.get(family)?.as_str())
        });
        let ips = ips.map(str::to_owned).collect();
        (self.metadata.path(), status.state, identity, ips)
    }
}

/// A `CiliumIdentity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IdentityObject {
    /// Its name is its number.
    pub metadata: Meta,
    /// The labels it stands for.
    #[serde(rename = "security-labels", deserialize_with = "or_default")]
    pub security_labels: BTreeMap<String, String>,
}
