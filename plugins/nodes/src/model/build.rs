//! Answers into the model: which Node, `CiliumNode`, agent and usage belong to which host.
//!
//! Pure; every answer that is missing stays a reason.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::cilium::{CiliumConfig, CiliumNode, ConfigSource, IpamMode};
use lab_model::{AddressFamily, Prefix, kubernetes};
use lab_plugin::Fact;

use super::inputs::{HostInput, Inputs, List};
use super::{Agent, Amounts, Cluster, Host, Name, Node, Usage};
use crate::parse::objects::{ComponentPod, DaemonSet};
use crate::parse::quantity::parse_quantity;
use crate::parse::version::Version;

/// Builds the model.
pub fn build(inputs: &Inputs) -> Cluster {
    let nodes = inputs.nodes.map(|list| list.items.iter().map(node).collect::<Vec<_>>());
    let all = nodes.known().map(Vec::as_slice).unwrap_or_default();
    let by_name: BTreeMap<&str, usize> =
        all.iter().enumerate().map(|(idx, node)| (node.name.as_str(), idx)).collect();
    let cilium: BTreeMap<&str, &CiliumNode> =
        List::items_of(&inputs.cilium_nodes).iter().map(|node| (node.name(), node)).collect();
    let mut agents = BTreeMap::<&str, Vec<&ComponentPod>>::new();
    for pod in List::items_of(&inputs.agents) {
        agents.entry(pod.node()).or_default().push(pod);
    }
    let hosts = inputs.hosts.iter().map(|host| {
        let name = host.name.as_str();
        let node = by_name.get(name).copied();
        let reported = |own: &Fact<String>, pick: fn(&Node) -> Option<&String>| {
            if !host.is_node {
                return own.clone();
            }
            match node.map(|idx| pick(&all[idx])) {
                Some(Some(value)) => Fact::Known(value.clone()),
                _ => Fact::Unknown("no kubelet has reported it".to_owned()),
            }
        };
        let of_cilium = cilium.get(name);
        Host {
            name: host.name.clone(),
            is_node: host.is_node,
            node,
            cilium_pod_cidrs: lookup(host, &inputs.cilium_nodes, of_cilium, |node| {
                node.pod_cidrs().collect()
            }),
            routers: of_cilium.map(|node| routers(node)).unwrap_or_default(),
            devices: host.devices.clone(),
            hosts_file: host.hosts_file.clone(),
            hostname: host.hostname.clone(),
            kernel: reported(&host.kernel, |node| node.kernel.as_ref()),
            os: reported(&host.os, |node| node.os.as_ref()),
            agent: lookup(host, &inputs.agents, agents.get(name), |pods| {
                agent(pods, &host.agent_version)
            }),
            pods: if host.is_node {
                inputs.pods.map(|counts| counts.get(name).copied().unwrap_or_default())
            } else {
                Fact::Absent
            },
            usage: usage(host, &inputs.metrics),
        }
    });
    let hosts: Vec<Host> = hosts.collect();
    let ipam = inputs.config.map(|config| {
        let mut read = CiliumConfig::default();
        read.apply(config, ConfigSource::ConfigMap);
        read.ipam.value
    });
    let no_metrics = match &inputs.metrics {
        Fact::Known(_) => None,
        Fact::Unknown(why) => Some(why.clone()),
        Fact::Absent => Some("the cluster has no `metrics.k8s.io/v1beta1`".to_owned()),
    };
    Cluster {
        names: names(inputs, &by_name, all),
        pools: pools(inputs, ipam.known()),
        hosts,
        ipam,
        server: server(&inputs.server),
        agents_wanted: inputs.daemon_set.known().and_then(DaemonSet::version),
        no_metrics,
        nodes,
    }
}

/// What a kind of objects says of a host: nothing about hosts that are no nodes, and nothing
/// certain while objects are missing.
fn lookup<K, V, T>(
    host: &HostInput,
    kind: &Fact<List<K>>,
    found: Option<&V>,
    make: impl FnOnce(&V) -> T,
) -> Fact<T> {
    if !host.is_node {
        return Fact::Absent;
    }
    match (kind, found) {
        (_, Some(found)) => Fact::Known(make(found)),
        (Fact::Known(List { lost: Some(why), .. }) | Fact::Unknown(why), None) => {
            Fact::Unknown(why.clone())
        }
        (Fact::Known(_) | Fact::Absent, None) => Fact::Absent,
    }
}

fn routers(node: &CiliumNode) -> Vec<IpAddr> {
    let families = [AddressFamily::V4, AddressFamily::V6];
    families.iter().filter_map(|family| node.router_ip(*family)).collect()
}

fn usage(host: &HostInput, metrics: &Fact<BTreeMap<String, Usage>>) -> Fact<Usage> {
    if !host.is_node {
        return Fact::Absent;
    }
    match metrics {
        Fact::Known(all) => match all.get(&host.name) {
            Some(usage) => Fact::Known(*usage),
            None => Fact::Unknown("the metrics API has no values of this node".to_owned()),
        },
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
        Fact::Absent => Fact::Unknown("the cluster has no metrics API".to_owned()),
    }
}

/// One agent of a node; of several the one that is ready.
fn agent(pods: &[&ComponentPod], running: &Fact<String>) -> Agent {
    let ready = pods.iter().find(|pod| pod.is_ready() == Some(true));
    let pod = ready.or(pods.first()).copied().cloned().unwrap_or_default();
    Agent {
        pod: format!("{}/{}", pod.metadata.namespace, pod.metadata.name),
        is_ready: pod.is_ready(),
        state: pod.state(),
        version: running.known().cloned().or_else(|| pod.agent_version()),
        pods: pods.len(),
    }
}

/// A Node.
pub fn node(node: &kubernetes::Node) -> Node {
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let info = node.info();
    let of_kind = |kind: &str| {
        let all = node.addresses().iter().filter(|address| address.kind == kind);
        all.map(|address| address.address.clone()).collect::<Vec<_>>()
    };
    let conditions = node.conditions().iter().map(|condition| {
        let why = match (condition.reason.as_str(), condition.message.as_str()) {
            (reason, "") => reason.to_owned(),
            ("", message) => message.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        };
        (condition.kind.clone(), condition.status.clone(), why)
    });
    let mut roles: Vec<String> = node.roles().map(str::to_owned).collect();
    roles.sort();
    Node {
        name: node.name().to_owned(),
        roles,
        is_windows: info.operating_system == "windows",
        is_cordoned: node.is_cordoned(),
        internal: node.internal_ips().collect(),
        external: of_kind("ExternalIP").iter().filter_map(|ip| ip.parse().ok()).collect(),
        hostname: of_kind("Hostname").into_iter().next(),
        pod_cidrs: node.pod_cidrs().to_vec(),
        conditions: conditions.collect(),
        kernel: said(&info.kernel_version),
        os: said(&info.os_image),
        runtime: said(&info.container_runtime_version),
        arch: said(&info.architecture),
        kubelet: Version::parse(&info.kubelet_version),
        allocatable: amounts(node.allocatable()),
        capacity: amounts(node.capacity()),
    }
}

fn amounts(resources: &kubernetes::Resources) -> Amounts {
    let read = |text: &Option<String>| text.as_deref().and_then(parse_quantity);
    let pods = resources.pods.as_deref().and_then(|text| text.parse().ok());
    Amounts { cpu: read(&resources.cpu), memory: read(&resources.memory), pods }
}

fn names(inputs: &Inputs, by_name: &BTreeMap<&str, usize>, nodes: &[Node]) -> Vec<Name> {
    let names = inputs.names.iter().enumerate().map(|(idx, name)| {
        let host = inputs.hosts.get(idx);
        let node = by_name.get(name.as_str()).map(|idx| &nodes[*idx]);
        let addresses = match (node, host) {
            (Some(node), _) => node.internal.iter().chain(&node.external).copied().collect(),
            (None, Some(host)) => host.known.clone(),
            (None, None) => Vec::new(),
        };
        Name { name: name.clone(), addresses, host: host.map(|_| idx) }
    });
    names.collect()
}

/// The ranges that podCIDRs in use are cut from, as far as Cilium's operator cuts them.
fn pools(inputs: &Inputs, ipam: Option<&IpamMode>) -> Vec<(Prefix, String)> {
    match ipam {
        Some(IpamMode::ClusterPool) => {
            let keys = ["cluster-pool-ipv4-cidr", "cluster-pool-ipv6-cidr"];
            let config = inputs.config.known();
            let texts = keys.iter().filter_map(|&key| Some((key, config?.get(key)?)));
            let ranges = texts.flat_map(|(key, text)| {
                let words = text.split([' ', ',']).filter_map(Prefix::parse);
                words.map(move |range| (range, format!("cilium-config {key}")))
            });
            ranges.collect()
        }
        Some(IpamMode::MultiPool) => {
            let ranges = List::items_of(&inputs.pools).iter().flat_map(|pool| {
                let place = format!("CiliumPodIPPool {}", pool.metadata.name);
                pool.cidrs().into_iter().map(move |range| (range, place.clone()))
            });
            ranges.collect()
        }
        _ => Vec::new(),
    }
}

fn server(document: &Fact<String>) -> Fact<Version> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        git_version: String,
    }
    let read = document.and_then(|text| {
        let document: Document = serde_json::from_str(text).ok()?;
        Version::parse(&document.git_version)
    });
    match read {
        Fact::Absent => Fact::Unknown("its version cannot be read".to_owned()),
        read => read,
    }
}
