//! Everything that was asked, before anything is made of it.
//!
//! Apart from the model so that tests can put a cluster together answer by answer.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::cilium::CiliumNode;
use lab_model::kubernetes::{self, Service, ServiceCidr};
use lab_plugin::Fact;

use super::{Device, Usage};
use crate::parse::hosts_file::HostsFile;
use crate::parse::objects::{ComponentPod, DaemonSet, EndpointSlice, PodIpPool};

/// Objects of a kind, and why some are missing.
#[derive(Clone, Debug, Default)]
pub struct List<T> {
    /// Those that could be read.
    pub items: Vec<T>,
    /// Why others could not.
    pub lost: Option<String>,
}

impl<T> List<T> {
    /// The objects that could be read; none where the kind is not known.
    pub fn items_of(list: &Fact<Self>) -> &[T] {
        list.known().map(|list| list.items.as_slice()).unwrap_or_default()
    }
}

/// Everything that was asked.
#[derive(Debug)]
pub struct Inputs {
    /// The hosts that are shown.
    pub hosts: Vec<HostInput>,
    /// Names of those hosts, then of nodes that are not shown.
    pub names: Vec<String>,
    /// Nodes.
    pub nodes: Fact<List<kubernetes::Node>>,
    /// `CiliumNodes`.
    pub cilium_nodes: Fact<List<CiliumNode>>,
    /// Pods of each node that have not ended.
    pub pods: Fact<BTreeMap<String, u32>>,
    /// The agents' pods.
    pub agents: Fact<List<ComponentPod>>,
    /// `cilium-config`.
    pub config: Fact<BTreeMap<String, String>>,
    /// The agents' `DaemonSet`.
    pub daemon_set: Fact<DaemonSet>,
    /// Pools of multi-pool IPAM.
    pub pools: Fact<List<PodIpPool>>,
    /// The API server's version document.
    pub server: Fact<String>,
    /// CPU and memory in use on each node.
    pub metrics: Fact<BTreeMap<String, Usage>>,
    /// What only `nodes cluster` asks.
    pub cluster: ClusterInputs,
}

/// What the cluster has in common.
#[derive(Debug)]
pub struct ClusterInputs {
    /// `kubeadm-config`.
    pub kubeadm: Fact<BTreeMap<String, String>>,
    /// `kubelet-config`.
    pub kubelet: Fact<BTreeMap<String, String>>,
    /// API servers and controller managers.
    pub components: Fact<List<ComponentPod>>,
    /// Service `default/kubernetes`.
    pub api_service: Fact<Service>,
    /// Service `kube-system/kube-dns`.
    pub dns_service: Fact<Service>,
    /// Endpoints of `default/kubernetes`.
    pub endpoints: Fact<List<EndpointSlice>>,
    /// `ServiceCIDRs`.
    pub service_cidrs: Fact<List<ServiceCidr>>,
}

/// One host's answers.
#[derive(Clone, Debug)]
pub struct HostInput {
    /// Its name.
    pub name: String,
    /// A machine of the cluster.
    pub is_node: bool,
    /// The addresses it is listed with.
    pub known: Vec<IpAddr>,
    /// Devices with their addresses.
    pub devices: Fact<Vec<Device>>,
    /// Known names in `/etc/hosts`.
    pub hosts_file: Fact<HostsFile>,
    /// What `hostname` printed.
    pub hostname: Fact<String>,
    /// Kernel release.
    pub kernel: Fact<String>,
    /// Operating system.
    pub os: Fact<String>,
    /// The version that the agent itself tells.
    pub agent_version: Fact<String>,
}

fn not_asked<T>() -> Fact<T> {
    Fact::Unknown("not asked".to_owned())
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            names: Vec::new(),
            nodes: not_asked(),
            cilium_nodes: not_asked(),
            pods: not_asked(),
            agents: not_asked(),
            config: not_asked(),
            daemon_set: not_asked(),
            pools: not_asked(),
            server: not_asked(),
            metrics: not_asked(),
            cluster: ClusterInputs::default(),
        }
    }
}

impl Default for ClusterInputs {
    fn default() -> Self {
        Self {
            kubeadm: not_asked(),
            kubelet: not_asked(),
            components: not_asked(),
            api_service: not_asked(),
            dns_service: not_asked(),
            endpoints: not_asked(),
            service_cidrs: not_asked(),
        }
    }
}

impl Default for HostInput {
    fn default() -> Self {
        Self {
            name: String::new(),
            is_node: true,
            known: Vec::new(),
            devices: not_asked(),
            hosts_file: not_asked(),
            hostname: not_asked(),
            kernel: not_asked(),
            os: not_asked(),
            agent_version: not_asked(),
        }
    }
}
