//! Everything that was asked, before anything is made of it.
//!
//! Apart from the model so that tests can put a cluster together answer by answer. A pod and an
//! endpoint are small here: a cluster has many.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use lab_model::Prefix;
use lab_model::cilium::{AgentEndpoint, AgentIpam, IpamNode, PodIpPool};
use lab_model::kubernetes::Node;
use lab_plugin::Fact;

/// How far a pod's life has come, as far as its address goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It runs.
    Running,
    /// It has succeeded or failed: its address is no longer its own.
    Ended,
    /// It starts, or nobody knows.
    #[default]
    Other,
}

/// What is kept of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: Rc<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its identity, which a successor of the same name does not have.
    pub uid: Box<str>,
    /// The node it runs on; empty before it is placed.
    pub node: Rc<str>,
    /// Its addresses.
    pub ips: Box<[IpAddr]>,
    /// It has the addresses of its node.
    pub host_network: bool,
    /// How far it has come.
    pub phase: Phase,
    /// Its deletion was asked for.
    pub is_leaving: bool,
    /// When it was started, in milliseconds since 1970.
    pub since: Option<i64>,
    /// The pool that its annotation asks for, by family or for both.
    pub pool: Option<Box<str>>,
}

impl Pod {
    /// `namespace/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether it has an address of the pod network now.
    pub fn counts(&self) -> bool {
        !self.host_network && self.phase != Phase::Ended
    }
}

/// What is kept of a `CiliumEndpoint`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Its namespace.
    pub namespace: Rc<str>,
    /// Its name, that of its pod.
    pub name: Box<str>,
    /// The identity of its pod, where it says so.
    pub pod_uid: Option<Box<str>>,
    /// Its addresses.
    pub ips: Box<[IpAddr]>,
    /// The address of its node.
    pub node: Option<IpAddr>,
    /// When it was made, in milliseconds since 1970.
    pub since: Option<i64>,
}

impl Endpoint {
    /// `namespace/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// What an agent answered.
#[derive(Clone, Debug)]
pub struct Agent {
    /// `cilium-dbg status -o json`.
    pub ipam: Fact<AgentIpam>,
    /// `cilium-dbg endpoint list -o json`.
    pub endpoints: Fact<Vec<AgentEndpoint>>,
}

/// A route of a host beside the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraRoute {
    /// The host.
    pub host: String,
    /// Its destination.
    pub dst: Prefix,
    /// Next hops; none for a network that the host is in.
    pub gateways: Vec<IpAddr>,
    /// The route as it is written.
    pub line: String,
}

/// A range and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The range.
    pub prefix: Prefix,
    /// The place.
    pub place: String,
    /// The very line.
    pub line: String,
}

/// Addresses of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `namespace/name`.
    pub path: String,
    /// Its addresses, each with what it is: `ClusterIP`, `LoadBalancer`, `external`.
    pub ips: Vec<(IpAddr, &'static str)>,
}

/// What Kubernetes itself cuts nodes' ranges from.
#[derive(Clone, Debug, Default)]
pub struct Kubernetes {
    /// Its ranges for pods.
    pub cluster_cidrs: Vec<Stated>,
    /// Length of a node's range of IPv4.
    pub mask4: Option<u8>,
    /// Length of a node's range of IPv6.
    pub mask6: Option<u8>,
}

/// Everything that was asked.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `cilium-config`.
    pub config: Fact<BTreeMap<String, String>>,
    /// Nodes.
    pub nodes: Fact<Vec<Node>>,
    /// `CiliumNodes`.
    pub cilium_nodes: Fact<Vec<IpamNode>>,
    /// Pods with an address or a node.
    pub pods: Fact<Vec<Pod>>,
    /// `CiliumEndpoints`.
    pub endpoints: Fact<Vec<Endpoint>>,
    /// Pools of multi-pool IPAM.
    pub pools: Fact<Vec<PodIpPool>>,
    /// Pools that namespaces ask for by annotation.
    pub namespaces: BTreeMap<String, String>,
    /// Ranges of Services.
    pub service_ranges: Vec<Stated>,
    /// Services.
    pub services: Fact<Vec<Service>>,
    /// Kubernetes' own ranges.
    pub kubernetes: Kubernetes,
    /// Hosts beside the cluster with their addresses.
    pub extra_hosts: Vec<(String, Vec<IpAddr>)>,
    /// Routes of hosts beside the cluster.
    pub extra_routes: Vec<ExtraRoute>,
    /// Agents by node; empty unless they were asked.
    pub agents: BTreeMap<String, Agent>,
    /// Nodes that the user does not want to see.
    pub hidden: BTreeSet<String>,
    /// Unix time in milliseconds; none where the answers were recorded.
    pub now: Option<i64>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            config: Fact::not_asked(),
            nodes: Fact::not_asked(),
            cilium_nodes: Fact::not_asked(),
            pods: Fact::not_asked(),
            endpoints: Fact::not_asked(),
            pools: Fact::not_asked(),
            namespaces: BTreeMap::new(),
            service_ranges: Vec::new(),
            services: Fact::not_asked(),
            kubernetes: Kubernetes::default(),
            extra_hosts: Vec::new(),
            extra_routes: Vec::new(),
            agents: BTreeMap::new(),
            hidden: BTreeSet::new(),
            now: None,
        }
    }
}
