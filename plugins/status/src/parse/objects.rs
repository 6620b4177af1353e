//! Objects as far as they are read here.
//!
//! Fields nobody asks for are skipped while deserialising; absent ones are empty.

use lab_charts::version::Version;
use lab_model::kubernetes::{Condition, Metadata, or_default, parse_time};
use serde::Deserialize;

use super::sources::Sources;

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ended {
    /// Its exit code.
    pub exit_code: i64,
    /// `Error`, `OOMKilled`, `Completed` …
    pub reason: String,
    /// What it left as its last words; Cilium's charts ask for the end of the log.
    pub message: String,
    /// When, as RFC 3339.
    pub finished_at: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Running {
    started_at: String,
}

/// Why a container does not run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// `CrashLoopBackOff`, `ImagePullBackOff`, `PodInitializing` …
    pub reason: String,
    /// A line for people.
    pub message: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    running: Option<Running>,
    waiting: Option<Waiting>,
    terminated: Option<Ended>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    restart_count: u32,
    state: State,
    last_state: State,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct InitContainer {
    #[serde(deserialize_with = "or_default")]
    command: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    args: Vec<String>,
}

/// A pod of Cilium.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodObject {
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
    #[serde(deserialize_with = "or_default")]
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: String,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<InitContainer>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
}

/// What is kept of a pod of Cilium.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it is a part of: `cilium`, `cilium-operator`, `cilium-envoy`, `hubble-relay` …
    pub component: String,
    /// The node it runs on; empty before it is placed.
    pub node: String,
    /// Whether it passes its checks; `None` when it does not say.
    pub is_ready: Option<bool>,
    /// `Pending`, `Running` …
    pub phase: String,
    /// Its deletion was asked for.
    pub is_leaving: bool,
    /// Restarts of its containers.
    pub restarts: u32,
    /// When its container started, in milliseconds since 1970.
    pub started: Option<i64>,
    /// Version in the image that its first container is meant to run.
    pub version: Option<String>,
    /// Where it takes its settings from, as far as its init containers tell.
    pub sources: Sources,
    /// The container that does not run, and why.
    pub waiting: Option<(String, Waiting)>,
    /// The container that ended last, and how.
    pub ended: Option<(String, Ended)>,
}

/// The version in the image of its first container.
fn version(spec: &PodSpec) -> Option<String> {
    Version::of_image(&spec.containers.first()?.image).map(|version| version.to_string())
}

/// Where settings come from: one init container gathers them, and where others alone are there the
/// agent reads the `ConfigMap` itself (since 1.20, if nothing else is asked for). Where none is
/// known they are the usual ones.
fn sources(init_containers: &[InitContainer]) -> Sources {
    let words = |it: &InitContainer| [it.command.as_slice(), &it.args].concat();
    let mut gathering = init_containers.iter().map(words);
    let found = gathering.find(|words| words.iter().any(|word| word == "build-config"));
    match found {
        Some(words) => Sources::parse(&words),
        None if init_containers.is_empty() => Sources::default(),
        None => Sources::plain(),
    }
}

impl PodObject {
    /// The record, without what is not needed.
    pub fn record(self) -> Pod {
        let ready = self.status.conditions.iter().find(|condition| condition.kind == "Ready");
        let statuses =
            || self.status.init_container_statuses.iter().chain(&self.status.container_statuses);
        let named = |status: &ContainerStatus| status.name.clone();
        let waiting = statuses().find_map(|it| Some((named(it), it.state.waiting.clone()?)));
        let ended = statuses().find_map(|it| {
            // An init container that has completed has done its work.
            let now = it.state.terminated.clone().filter(|ended| ended.exit_code != 0);
            Some((named(it), now.or_else(|| it.last_state.terminated.clone())?))
        });
        let first = self.status.container_statuses.first();
        let running = first.and_then(|it| it.state.running.as_ref());
        let labels = &self.metadata.labels;
        let component = match labels.get("k8s-app").or_else(|| labels.get("name")) {
            Some(name) => name.clone(),
            None => labels.get("app.kubernetes.io/name").cloned().unwrap_or_default(),
        };
        Pod {
            component,
            node: self.spec.node_name.clone(),
            is_ready: ready.map(|condition| condition.status == "True"),
            is_leaving: self.metadata.deletion_timestamp.is_some(),
            restarts: self.status.container_statuses.iter().map(|it| it.restart_count).sum(),
            started: running.and_then(|it| parse_time(&it.started_at)),
            version: version(&self.spec),
            sources: sources(&self.spec.init_containers),
            waiting,
            ended,
            phase: self.status.phase,
            namespace: self.metadata.namespace,
            name: self.metadata.name,
        }
    }
}

impl Pod {
    /// `namespace/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Why it does not run, in few words: the reason it waits, or its phase.
    pub fn state(&self) -> String {
        match &self.waiting {
            Some((container, waiting)) if !waiting.reason.is_empty() => {
                format!("{container} {}", waiting.reason)
            }
            _ if self.phase.is_empty() => "no phase".to_owned(),
            _ => self.phase.clone(),
        }
    }

    /// Whether a container of it starts and ends again and again.
    pub fn is_crashing(&self) -> bool {
        let waits = self.waiting.as_ref();
        waits.is_some_and(|(_, waiting)| waiting.reason == "CrashLoopBackOff")
            // Between two tries it runs, or has just ended.
            || (self.is_ready == Some(false) && self.restarts > 0
                && self.ended.as_ref().is_some_and(|(_, ended)| ended.exit_code != 0))
    }
}

/// A `DaemonSet` or `Deployment`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkloadObject {
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: WorkloadSpec,
    #[serde(deserialize_with = "or_default")]
    status: WorkloadStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WorkloadSpec {
    replicas: Option<i64>,
    template: Template,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadStatus {
    desired_number_scheduled: Option<i64>,
    number_ready: Option<i64>,
    number_available: Option<i64>,
    updated_number_scheduled: Option<i64>,
    ready_replicas: Option<i64>,
    available_replicas: Option<i64>,
    updated_replicas: Option<i64>,
}

/// What is kept of a `DaemonSet` or `Deployment`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// `DaemonSet` or `Deployment`.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many pods there ought to be; `None` where nothing is said.
    pub desired: Option<i64>,
    /// How many are ready.
    pub ready: i64,
    /// How many have been ready for long enough.
    pub available: i64,
    /// How many are made after its present template.
    pub updated: i64,
    /// Version in the image of its first container.
    pub version: Option<String>,
}

impl WorkloadObject {
    /// The record. What a controller leaves out is 0, but for the number that is wanted.
    pub fn record(self, kind: &'static str) -> Workload {
        let status = &self.status;
        let either = |one: Option<i64>, other: Option<i64>| one.or(other).unwrap_or_default();
        Workload {
            kind,
            desired: status.desired_number_scheduled.or(self.spec.replicas),
            ready: either(status.number_ready, status.ready_replicas),
            available: either(status.number_available, status.available_replicas),
            updated: either(status.updated_number_scheduled, status.updated_replicas),
            version: version(&self.spec.template.spec),
            namespace: self.metadata.namespace,
            name: self.metadata.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::sources::Source;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_crashing_pod_has_last_words() {
        let pod = read::<PodObject>(
            r#"{"metadata":{"name":"hubble-relay-x","namespace":"kube-system","labels":{"k8s-app":"hubble-relay"}},
            "spec":{"nodeName":"k8s-ctr","containers":[{"name":"hubble-relay","image":"q/hubble-relay:v1.18.0"}]},
            "status":{"phase":"Running","conditions":[{"type":"Ready","status":"False"}],
            "initContainerStatuses":[{"name":"config","state":{"terminated":{"exitCode":0}}}],
            "containerStatuses":[{"name":"hubble-relay","restartCount":7,"image":"other:v9",
              "state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 5m0s"}},
              "lastState":{"terminated":{"exitCode":1,"reason":"Error","message":"Error: no\n"}}}]}}"#,
        )
        .record();
        assert_eq!((pod.component.as_str(), pod.restarts), ("hubble-relay", 7));
        assert!(pod.is_crashing());
        assert_eq!(pod.state(), "hubble-relay CrashLoopBackOff");
        assert_eq!(pod.version.as_deref(), Some("1.18.0"));
        assert_eq!(pod.ended.unwrap().1.message, "Error: no\n");
        let bare = PodObject::default().record();
        assert!(!bare.is_crashing());
        assert_eq!((bare.is_ready, bare.state().as_str()), (None, "no phase"));
        let null = read::<PodObject>(r#"{"status":{"containerStatuses":null,"conditions":null}}"#);
        assert_eq!(null.record().restarts, 0);
    }

    #[test]
    fn an_init_container_says_where_settings_come_from() {
        let sources = |containers: &str| {
            let pod = format!(r#"{{"spec":{{"initContainers":{containers}}}}}"#);
            read::<PodObject>(&pod).record().sources
        };
        assert_eq!(sources("null"), Sources::default());
        assert_eq!(sources(r#"[{"command":["cilium-dbg","build-config"]}]"#), Sources::default());
        assert_eq!(sources(r#"[{"command":["sh","-ec"],"args":["mount"]}]"#), Sources::plain());
        let told =
            sources(r#"[{"command":["cilium-dbg"],"args":["build-config","--source=node:"]}]"#);
        assert_eq!(told.all, [Source::Node(None)]);
    }

    #[test]
    fn a_restart_long_ago_is_no_loop() {
        let pod = read::<PodObject>(
            r#"{"status":{"conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[
            {"name":"a","restartCount":2,"state":{"running":{"startedAt":"2026-11-23T03:06:50Z"}},
            "lastState":{"terminated":{"exitCode":137}}}]}}"#,
        )
        .record();
        assert!(!pod.is_crashing());
        assert_eq!(pod.started, Some(1_795_403_210_000));
    }

    #[test]
    fn workloads_count_their_pods() {
        let set = read::<WorkloadObject>(
            r#"{"metadata":{"name":"cilium"},"status":{"desiredNumberScheduled":3,"numberReady":2}}"#,
        )
        .record("DaemonSet");
        assert_eq!((set.desired, set.ready, set.available), (Some(3), 2, 0));
        let deployment = read::<WorkloadObject>(
            r#"{"spec":{"replicas":1,"template":{"spec":{"containers":[{"image":"q/operator-generic:v1.18.0"}]}}},
            "status":{}}"#,
        )
        .record("Deployment");
        assert_eq!((deployment.desired, deployment.ready), (Some(1), 0));
        assert_eq!(deployment.version.as_deref(), Some("1.18.0"));
    }
}
