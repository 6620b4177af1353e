//! Asks for objects of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use lab_model::cilium::CiliumEndpoint;
use lab_model::kubernetes::ConfigMap;
use lab_plugin::{Fact, Failure, Selection, log, partial};
use serde::de::DeserializeOwned;

use super::Scope;
use crate::inputs::Inputs;
use crate::parse::node::{NodeObject, NodeRecord};
use crate::parse::node_config::NodeConfig;
use crate::parse::objects::{Pod, PodObject, WorkloadObject};
use crate::parse::sources::{CONFIG, Source};

/// Kinds of objects with the reason for each, as the card declares them.
pub const KINDS: [(&str, &str); 9] = [
    ("v1/Node", "names, addresses and labels of every node, and settings in its annotations"),
    ("v1/Pod", "state, restarts and last words of Cilium's pods"),
    ("v1/Pod/log", "why an agent has ended, or falls back to something older"),
    ("v1/ConfigMap", "cilium-config, and others that agents are told to read"),
    ("apps/v1/DaemonSet", "how many agents and Envoys there ought to be"),
    ("apps/v1/Deployment", "how many operators and relays there ought to be"),
    ("cilium.io/v2/CiliumNodeConfig", "settings for some nodes"),
    ("cilium.io/v2alpha1/CiliumNodeConfig", "the same before Cilium 1.17"),
    ("cilium.io/v2/CiliumEndpoint", "endpoints of every node and their state"),
];

/// Labels of Cilium's pods, as the selectors of its charts have them.
const SELECTORS: [&str; 2] = [
    "k8s-app in (cilium,cilium-envoy,hubble-relay,hubble-ui,clustermesh-apiserver)",
    "name=cilium-operator",
];
/// Names of what Cilium's charts install.
const SETS: [&str; 2] = ["cilium", "cilium-envoy"];
const DEPLOYMENTS: [&str; 4] =
    ["cilium-operator", "hubble-relay", "hubble-ui", "clustermesh-apiserver"];

/// Asks for the objects that a command needs.
pub(super) fn objects(scope: Scope) -> Inputs {
    let has_settings = matches!(scope, Scope::Status | Scope::Config);
    let mut inputs = Inputs { nodes: nodes(has_settings), ..Inputs::default() };
    if has_settings {
        inputs.pods = pods();
        let mut pods = inputs.pods.known().into_iter().flatten();
        if let Some(agent) = pods.find(|pod| pod.component == "cilium") {
            inputs.namespace = agent.namespace.clone();
        }
        inputs.config = config(&inputs.namespace);
        settings_elsewhere(&mut inputs);
    }
    if scope == Scope::Status {
        let names = [("DaemonSet", &SETS[..]), ("Deployment", &DEPLOYMENTS[..])];
        for (kind, names) in names {
            let of = Selection::new("apps/v1", kind)
                .namespace(&inputs.namespace)
                .keep("spec.replicas")
                .keep("spec.template.spec.containers.image")
                .keep("status");
            let all = list::<WorkloadObject, _>(of, |it| it.record(kind));
            let own =
                all.known().into_iter().flatten().filter(|it| names.contains(&it.name.as_str()));
            inputs.workloads.extend(own.cloned());
        }
    }
    if matches!(scope, Scope::Status | Scope::Endpoints) {
        let mut of = Selection::new("cilium.io/v2", "CiliumEndpoint")
            .keep("status.id")
            .keep("status.networking")
            .keep("status.state");
        if scope == Scope::Endpoints {
            of = of.keep("status.identity");
        }
        inputs.endpoints = list::<CiliumEndpoint, _>(of, |endpoint| endpoint);
    }
    inputs
}

/// Agents run on Linux alone.
pub(super) fn is_windows(inputs: &Inputs, name: &str) -> bool {
    let mut nodes = inputs.nodes.known().into_iter().flatten();
    nodes.any(|node| {
        node.name == name && node.labels.get("kubernetes.io/os").is_some_and(|os| os == "windows")
    })
}

fn nodes(has_settings: bool) -> Fact<Vec<NodeRecord>> {
    let mut of = Selection::new("v1", "Node").keep("metadata.labels").keep("status.addresses");
    if has_settings {
        of = of.keep("metadata.annotations");
    }
    list::<NodeObject, _>(of, NodeObject::record)
}

fn pods() -> Fact<Vec<Pod>> {
    let mut all = Vec::new();
    for selector in SELECTORS {
        let of = Selection::new("v1", "Pod")
            .labels(selector)
            .keep("metadata.labels")
            .keep("metadata.deletionTimestamp")
            .keep("spec.nodeName")
            .keep("spec.containers.name")
            .keep("spec.containers.image")
            .keep("spec.initContainers.command")
            .keep("spec.initContainers.args")
            .keep("status.phase")
            .keep("status.conditions")
            .keep("status.initContainerStatuses")
            .keep("status.containerStatuses");
        match list::<PodObject, _>(of, PodObject::record) {
            Fact::Known(pods) => all.extend(pods),
            Fact::Unknown(why) => return Fact::Unknown(why),
            Fact::Absent => {}
        }
    }
    Fact::Known(all)
}

fn config(namespace: &str) -> Fact<BTreeMap<String, String>> {
    config_map(namespace, CONFIG)
}

fn config_map(namespace: &str, name: &str) -> Fact<BTreeMap<String, String>> {
    let of = Selection::new("v1", "ConfigMap").namespace(namespace).keep("data");
    match of.get::<ConfigMap>(name) {
        Ok(map) => Fact::Known(map.data),
        Err(Failure::NotFound(_)) => Fact::Absent,
        Err(failure) => {
            partial(name, &failure);
            Fact::Unknown(failure.message().to_owned())
        }
    }
}

/// Everything beside `cilium-config` that agents take settings from. Mostly that is the namespace's
/// `CiliumNodeConfig`s alone; what agents name otherwise is the same for all of them.
fn settings_elsewhere(inputs: &mut Inputs) {
    let own = inputs.namespace.clone();
    let place = |namespace: &Option<String>| namespace.clone().unwrap_or_else(|| own.clone());
    let agents = inputs.pods.known().into_iter().flatten().filter(|pod| pod.component == "cilium");
    let mut maps: BTreeSet<(String, String)> = BTreeSet::new();
    let mut namespaces = BTreeSet::from([own.clone()]);
    for source in agents.flat_map(|pod| &pod.sources.all) {
        match source {
            Source::ConfigMap(namespace, name) => {
                maps.insert((place(namespace), name.clone()));
            }
            Source::NodeConfigs(namespace, _) => {
                namespaces.insert(place(namespace));
            }
            Source::Node(_) => {}
        }
    }
    maps.remove(&(own.clone(), CONFIG.to_owned()));
    for (namespace, name) in maps {
        if let Fact::Known(data) = config_map(&namespace, &name) {
            inputs.other_configs.insert((namespace, name), data);
        }
    }
    let mut all = namespaces.iter().map(|namespace| node_configs(namespace));
    let first = all.next().unwrap_or(Fact::Absent);
    inputs.node_configs = all.fold(first, |before, more| match (before, more) {
        (Fact::Known(mut before), Fact::Known(more)) => {
            before.extend(more);
            Fact::Known(before)
        }
        (before @ Fact::Known(_), Fact::Absent) => before,
        (Fact::Absent, more) => more,
        (_, unknown @ Fact::Unknown(_)) | (unknown, _) => unknown,
    });
}

/// Settings for some nodes; hardly any cluster has them, and most captures lack the kind.
fn node_configs(namespace: &str) -> Fact<Vec<NodeConfig>> {
    let mut first = None;
    for version in ["cilium.io/v2", "cilium.io/v2alpha1"] {
        let of = Selection::new(version, "CiliumNodeConfig").namespace(namespace).keep("spec");
        match of.list::<NodeConfig>().collect::<Result<Vec<_>, _>>() {
            Ok(mut configs) => {
                configs.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
                return Fact::Known(configs);
            }
            Err(failure) => {
                first.get_or_insert(failure);
            }
        }
    }
    match first {
        Some(Failure::NotFound(_)) | None => Fact::Absent,
        Some(failure) => {
            log::debug(&format!("CiliumNodeConfig: {}", failure.message()));
            Fact::Unknown(failure.message().to_owned())
        }
    }
}

/// A kind of objects as records; what fails is told, and what came is kept.
fn list<T: DeserializeOwned, R>(of: Selection, mut record: impl FnMut(T) -> R) -> Fact<Vec<R>> {
    let subject = of.kind.clone();
    let (mut records, mut first) = (Vec::new(), None);
    for object in of.list::<T>() {
        match object {
            Ok(object) => records.push(record(object)),
            Err(failure) => {
                first.get_or_insert(failure);
            }
        }
    }
    match first {
        None => Fact::Known(records),
        Some(Failure::NotFound(_)) if records.is_empty() => Fact::Absent,
        Some(failure) => {
            partial(&subject, &failure);
            if records.is_empty() {
                Fact::Unknown(failure.message().to_owned())
            } else {
                Fact::Known(records)
            }
        }
    }
}
