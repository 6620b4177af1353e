//! Everything that was asked, as it came: what the model is built from.
//!
//! Plain records, so that tests make clusters by hand. Knows nothing of how they are asked for.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::fib::Fib;
use lab_model::iproute2::DeviceName;

/// An answer, or the one line why there is none.
pub type Answer<T> = Result<T, String>;

/// Everything that was asked, as it came.
#[derive(Default)]
pub struct Inputs {
    /// Hosts in the order they were listed.
    pub hosts: Vec<HostInput>,
    /// Nodes.
    pub nodes: Vec<NodeInput>,
    /// `CiliumNode`s; their answer decides what can be expected at all.
    pub cilium_nodes: Option<Vec<CiliumNodeInput>>,
    /// Pods, where they were asked for.
    pub pods: Option<Vec<PodInput>>,
    /// Keys of the `ConfigMap` `cilium-config`.
    pub config: Option<BTreeMap<String, String>>,
    /// Every `CiliumNodeConfig`.
    pub node_configs: Vec<NodeConfigInput>,
    /// Ranges of Services.
    pub service_cidrs: Vec<Prefix>,
    /// Version of Cilium that runs.
    pub version: Option<String>,
    /// Why something above is absent, by subject.
    pub absent: Vec<(String, String)>,
}

/// One host's answers.
pub struct HostInput {
    /// Its name.
    pub name: String,
    /// A Kubernetes node; otherwise an extra host such as a router.
    pub is_node: bool,
    /// Addresses the host list gives.
    pub known: Vec<IpAddr>,
    /// Rules and tables.
    pub fib: Answer<Fib>,
    /// Addresses of its devices.
    pub addresses: Answer<Vec<Address>>,
    /// Its devices.
    pub links: Answer<Vec<(DeviceName, Link)>>,
    /// Its neighbors, with the kernel's state.
    pub neighbors: Answer<Vec<(DeviceName, IpAddr, String)>>,
    /// Policy of the FORWARD chain is DROP.
    pub forward_drops: Option<bool>,
    /// What `cilium-dbg config --all` printed.
    pub in_force: Option<String>,
    /// The agent's own word.
    pub agent: Agent,
}

/// State of a node's agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agent {
    /// It says so itself.
    Ready,
    /// It answers, and something is wrong.
    NotReady(String),
    /// It was not asked.
    NotAsked,
    /// It gave no answer.
    Silent(String),
}

/// One address of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The device.
    pub device: DeviceName,
    /// The address itself.
    pub ip: IpAddr,
    /// Its network.
    pub network: Prefix,
    /// Reachable from other hosts: scope `global`.
    pub is_global: bool,
}

/// One device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Largest packet.
    pub mtu: Option<u32>,
    /// Known to be down.
    pub is_down: bool,
}

/// What matters of a Node.
pub struct NodeInput {
    /// Its name.
    pub name: String,
    /// Its labels, for `CiliumNodeConfig`.
    pub labels: BTreeMap<String, String>,
    /// Addresses of type `InternalIP`.
    pub internal: Vec<IpAddr>,
    /// `spec.podCIDRs`.
    pub pod_cidrs: Vec<Prefix>,
}

/// What matters of a `CiliumNodeConfig`.
pub struct NodeConfigInput {
    /// Labels of the nodes it is for.
    pub selector: BTreeMap<String, String>,
    /// Keys as in `cilium-config`.
    pub keys: BTreeMap<String, String>,
}

/// What matters of a `CiliumNode`.
pub struct CiliumNodeInput {
    /// Its name.
    pub name: String,
    /// `InternalIP` first, then `ExternalIP`: what peers use as next hop.
    pub internal: Vec<IpAddr>,
    /// `CiliumInternalIP`: addresses of `cilium_host`.
    pub routers: Vec<IpAddr>,
    /// Every range of the node, of every pool.
    pub pod_cidrs: Vec<Prefix>,
}

/// What matters of a Pod.
pub struct PodInput {
    /// `namespace/name`.
    pub name: String,
    /// Node it is on.
    pub node: String,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
    /// It uses its node's addresses.
    pub host_network: bool,
}
