//! Kubernetes objects as far as this plugin reads them, cut down to the fields that are kept.
//!
//! Apart from the model, because no other plugin reads rollouts, budgets and definitions. It must
//! not know what the fields mean for an upgrade.

mod small;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub use small::{
    AlertRules, AnyObject, Budget, CrdObject, EndpointObject, IdentityObject, Named, ServiceObject,
};

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
