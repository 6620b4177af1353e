//! Kubernetes objects as far as this plugin reads them, cut down to the fields that are kept.
//!
//! Apart from the model, because no other plugin reads rollouts, budgets and definitions. It must
//! not know what the fields mean for an upgrade.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::facts::{Crd, CrdVersion};
use crate::version::Version;

/// Null is what the API server and some tools write for nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Name, labels and annotations of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Its name.
    pub name: String,
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// How often its specification was changed.
    pub generation: i64,
}

impl Meta {
    /// `namespace/name`, or the name alone.
    pub fn path(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

/// A `DaemonSet` or `Deployment`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// Name, labels, annotations.
    pub metadata: Meta,
    spec: WorkloadSpec,
    /// How far its rollout is.
    #[serde(deserialize_with = "or_default")]
    pub status: Rollout,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WorkloadSpec {
    replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    update_strategy: Strategy,
    #[serde(deserialize_with = "or_default")]
    template: Template,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy {
    #[serde(rename = "type")]
    kind: String,
    rolling_update: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Template {
    #[serde(deserialize_with = "or_default")]
    spec: PodTemplateSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct PodTemplateSpec {
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
}

/// A container, as it is specified.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image, as `repository:tag@digest`.
    pub image: String,
    /// Its command line.
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<String>,
    /// Its environment.
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<EnvVar>,
}

/// A variable of a container's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value; empty when it comes from elsewhere.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}

/// Counts of a rollout; a `DaemonSet` and a `Deployment` name them differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rollout {
    /// Nodes that should run a pod of the `DaemonSet`.
    pub desired_number_scheduled: i64,
    /// Of those, how many have one.
    pub current_number_scheduled: i64,
    /// How many pods of the `DaemonSet` are ready.
    pub number_ready: i64,
    /// How many pods of the `DaemonSet` are of the present template.
    pub updated_number_scheduled: i64,
    /// How many pods of the `Deployment` are ready.
    pub ready_replicas: i64,
    /// How many pods of the `Deployment` are of the present template.
    pub updated_replicas: i64,
    /// The generation that the counts are about.
    pub observed_generation: i64,
}

impl Workload {
    /// The container of a name, or the first.
    pub fn container(&self, name: &str) -> Option<&Container> {
        let containers = &self.spec.template.spec.containers;
        containers.iter().find(|it| it.name == name).or_else(|| containers.first())
    }

    /// Replicas that a `Deployment` asks for.
    pub fn replicas(&self) -> i64 {
        self.spec.replicas.unwrap_or(1)
    }

    /// `RollingUpdate` or `OnDelete`.
    pub fn strategy(&self) -> &str {
        &self.spec.update_strategy.kind
    }

    /// `maxUnavailable` of a rolling update, as it is written.
    pub fn max_unavailable(&self) -> Option<String> {
        match self.spec.update_strategy.rolling_update.get("maxUnavailable")? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whether it is the `DaemonSet` of the agents.
    pub fn is_agent(&self) -> bool {
        self.metadata.label("k8s-app") == Some("cilium") && self.metadata.name != "cilium-envoy"
    }
}

/// A pod, as far as agents and nodes need it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PodObject {
    /// Name and annotations.
    pub metadata: Meta,
    spec: PodSpec,
    #[serde(deserialize_with = "or_default")]
    status: PodStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    #[serde(deserialize_with = "or_default")]
    node_name: String,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: String,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    ready: bool,
    restart_count: i64,
}

impl PodObject {
    /// The node it runs on; empty before it is placed.
    pub fn node(&self) -> &str {
        &self.spec.node_name
    }

    /// The image of a container, or of the first.
    pub fn image(&self, container: &str) -> Option<&str> {
        let containers = &self.spec.containers;
        let found = containers.iter().find(|it| it.name == container);
        found.or_else(|| containers.first()).map(|it| it.image.as_str())
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether a container, or the first, is ready; `None` when nothing is said.
    pub fn is_ready(&self, container: &str) -> Option<bool> {
        let statuses = &self.status.container_statuses;
        let found = statuses.iter().find(|it| it.name == container);
        found.or_else(|| statuses.first()).map(|it| it.ready)
    }

    /// How often its containers were started again.
    pub fn restarts(&self) -> i64 {
        self.status.container_statuses.iter().map(|it| it.restart_count).sum()
    }
}

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
