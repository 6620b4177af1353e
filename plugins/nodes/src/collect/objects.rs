//! Asks for objects, each kind with the paths that are read of it.
//!
//! Apart from the commands because `nodes cluster` and `nodes top` ask no host.

use std::collections::BTreeMap;

use lab_model::cilium::CiliumNode;
use lab_model::kubernetes::{ConfigMap, Node, Pod, Service, ServiceCidr};
use lab_plugin::{Fact, Failure, Selection, cluster, log, partial};
use serde::de::DeserializeOwned;

use super::Scope;
use crate::model::Usage;
use crate::model::inputs::{ClusterInputs, Inputs, List};
use crate::parse::objects::{
    ComponentPod, DaemonSet, EndpointSlice, NodeMetrics, PodIpPool, PodMetrics,
};
use crate::parse::quantity;

/// Objects of one scope; a kind that cannot be read is told and stays unknown.
pub(super) fn objects(scope: Scope) -> Inputs {
    let kept = ["metadata.labels", "spec.podCIDR", "spec.podCIDRs", "spec.unschedulable"];
    let status = ["addresses", "conditions", "nodeInfo", "capacity", "allocatable"];
    let mut of = Selection::new("v1", "Node");
    of.keep = kept.iter().map(|&path| path.to_owned()).collect();
    of.keep.extend(status.iter().map(|path| format!("status.{path}")));
    let mut inputs = Inputs { nodes: list(of), ..Inputs::default() };
    let of = Selection::new("cilium.io/v2", "CiliumNode").keep("spec.ipam").keep("spec.addresses");
    inputs.cilium_nodes = list::<CiliumNode>(of);
    if scope == Scope::Addresses {
        return inputs;
    }
    inputs.config = config_map("cilium-config");
    if inputs
        .config
        .known()
        .is_some_and(|config| config.get("ipam").is_some_and(|it| it == "multi-pool"))
    {
        inputs.pools =
            list::<PodIpPool>(Selection::new("cilium.io/v2alpha1", "CiliumPodIPPool").keep("spec"));
    }
    let of = Selection::new("apps/v1", "DaemonSet").namespace("kube-system");
    inputs.daemon_set = one::<DaemonSet>(&of.keep("spec.template.spec.containers"), "cilium");
    inputs.server = match cluster::version() {
        Ok(text) => Fact::Known(text),
        Err(failure) => {
            partial("version", &failure);
            Fact::Unknown(failure.message().to_owned())
        }
    };
    if scope == Scope::Nodes {
        inputs.pods = count_pods();
        let of = Selection::new("v1", "Pod").labels("k8s-app=cilium").keep("spec.nodeName");
        let of = of.keep("status.phase").keep("status.conditions");
        inputs.agents = list::<ComponentPod>(of.keep("status.containerStatuses"));
    } else {
        inputs.cluster = cluster_wide();
    }
    inputs
}

fn cluster_wide() -> ClusterInputs {
    let service = |namespace: &str, name: &str| {
        one::<Service>(&Selection::new("v1", "Service").namespace(namespace), name)
    };
    let slices = Selection::new("discovery.k8s.io/v1", "EndpointSlice")
        .namespace("default")
        .labels("kubernetes.io/service-name=kubernetes");
    let pods = Selection::new("v1", "Pod")
        .namespace("kube-system")
        .labels("component in (kube-apiserver,kube-controller-manager)")
        .keep("metadata.labels")
        .keep("spec.nodeName")
        .keep("spec.containers.command")
        .keep("spec.containers.args");
    ClusterInputs {
        kubeadm: config_map("kubeadm-config"),
        kubelet: config_map("kubelet-config"),
        components: list(pods),
        api_service: service("default", "kubernetes"),
        dns_service: service("kube-system", "kube-dns"),
        endpoints: list::<EndpointSlice>(slices),
        // Since Kubernetes 1.33; a capture may have been made before anybody asked for them.
        service_cidrs: quiet::<ServiceCidr>(
            Selection::new("networking.k8s.io/v1", "ServiceCIDR").keep("spec"),
        ),
    }
}

/// Pods of each node that have not ended; nothing else is kept of them.
fn count_pods() -> Fact<BTreeMap<String, u32>> {
    let of = Selection::new("v1", "Pod").keep("spec.nodeName").keep("status.phase");
    let mut counts = BTreeMap::<String, u32>::new();
    for pod in of.list::<Pod>() {
        match pod {
            Ok(pod) if pod.has_ended() => {}
            Ok(pod) => {
                let Some(node) = pod.node_name() else { continue };
                match counts.get_mut(node) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(node.to_owned(), 1)),
                }
            }
            Err(failure) => {
                // Half a count would pass for a whole one.
                partial("Pod", &failure);
                return Fact::Unknown(failure.message().to_owned());
            }
        }
    }
    Fact::Known(counts)
}

/// CPU and memory in use on each node. Many clusters have no metrics API, so its failure is a
/// value and told by a finding.
pub fn node_usage() -> Fact<BTreeMap<String, Usage>> {
    let of = Selection::new("metrics.k8s.io/v1beta1", "NodeMetrics").keep("usage");
    quiet::<NodeMetrics>(of).map(|all| {
        let usage = all.items.iter().map(|node| {
            let usage = Usage {
                cpu: quantity::parse_quantity(&node.usage.cpu),
                memory: quantity::parse_quantity(&node.usage.memory),
            };
            (node.metadata.name.clone(), usage)
        });
        usage.collect()
    })
}

/// CPU and memory in use by each pod.
pub fn pod_usage() -> Fact<List<PodMetrics>> {
    quiet(Selection::new("metrics.k8s.io/v1beta1", "PodMetrics").keep("containers"))
}

/// Every Node, for what may be used of it.
pub fn nodes() -> Fact<List<Node>> {
    list(Selection::new("v1", "Node").keep("status.allocatable").keep("status.capacity"))
}

/// Every pod that has not ended.
pub fn pods() -> Fact<List<Pod>> {
    let of = Selection::new("v1", "Pod").keep("spec.nodeName").keep("status.phase");
    let mut pods = list::<Pod>(of);
    if let Fact::Known(pods) = &mut pods {
        pods.items.retain(|pod| !pod.has_ended());
    }
    pods
}

/// The keys of one `ConfigMap` of kube-system; not every cluster has each.
fn config_map(name: &str) -> Fact<BTreeMap<String, String>> {
    let of = Selection::new("v1", "ConfigMap").namespace("kube-system").keep("data");
    one::<ConfigMap>(&of, name).map(|map| map.data.clone())
}

fn one<T: DeserializeOwned>(of: &Selection, name: &str) -> Fact<T> {
    match of.get::<T>(name) {
        Ok(object) => Fact::Known(object),
        Err(Failure::NotFound(_)) => Fact::Absent,
        Err(failure) => {
            partial(name, &failure);
            Fact::Unknown(failure.message().to_owned())
        }
    }
}

/// A kind of objects; what fails is told, and what came is kept.
fn list<T: DeserializeOwned>(of: Selection) -> Fact<List<T>> {
    let subject = of.kind.clone();
    let (list, failure) = list_all(of);
    match failure {
        None => Fact::Known(list),
        Some(Failure::NotFound(_)) => Fact::Absent,
        Some(failure) => {
            partial(&subject, &failure);
            if list.items.is_empty() {
                Fact::Unknown(failure.message().to_owned())
            } else {
                Fact::Known(list)
            }
        }
    }
}

/// The same for a kind that many clusters lack: its absence is no partial.
fn quiet<T: DeserializeOwned>(of: Selection) -> Fact<List<T>> {
    let subject = of.kind.clone();
    let (list, failure) = list_all(of);
    match failure {
        None => Fact::Known(list),
        Some(Failure::NotFound(_)) => Fact::Absent,
        Some(failure) => {
            log::debug(&format!("{subject}: {}", failure.message()));
            if list.items.is_empty() {
                Fact::Unknown(failure.message().to_owned())
            } else {
                Fact::Known(list)
            }
        }
    }
}

/// Everything that can be read, and the first failure. An object that cannot be read costs
/// itself, a page that failed also what follows.
fn list_all<T: DeserializeOwned>(of: Selection) -> (List<T>, Option<Failure>) {
    let (mut list, mut first) = (List { items: Vec::new(), lost: None }, None);
    for object in of.list::<T>() {
        match object {
            Ok(object) => list.items.push(object),
            Err(failure) => {
                list.lost = Some(failure.message().to_owned());
                first.get_or_insert(failure);
            }
        }
    }
    (list, first)
}
