//! Who holds which ranges and addresses, put together from everything that was asked.
//!
//! Plain values. Nothing here knows how it was asked for, which column shows it, or what is
//! wrong. Everything of which there are many is a number: an address is a claim of 32 bytes, and
//! whoever claims the same one stands next to it.

pub mod address;
pub mod build;
pub mod mode;
pub mod pools;

use std::collections::HashMap;
use std::net::IpAddr;

use lab_model::cilium::{CiliumConfig, IpamNode};
use lab_model::{AddressFamily, Prefix};
use lab_plugin::Fact;

use crate::inputs::{Agent, Endpoint, ExtraRoute, Pod, Service, Stated};
use crate::space::blocks::Rule;
use crate::space::index::Index;

pub use address::{Address, Owner, Sources, Verdict};
pub use mode::Mode;
pub use pools::Pool;

/// No position.
pub const NONE: u32 = u32::MAX;

/// The cluster as this plugin sees it.
#[derive(Debug)]
pub struct Cluster {
    /// Who hands out addresses.
    pub mode: Mode,
    /// The very line that says so.
    pub mode_line: String,
    /// Settings of Cilium.
    pub config: CiliumConfig,
    /// The pool of pods that ask for none.
    pub default_pool: String,
    /// Whether endpoints exist as objects.
    pub endpoints: Fact<()>,
    /// Whether Pods could be read.
    pub pods_known: Fact<()>,
    /// Whether Nodes could be read.
    pub nodes_known: Fact<()>,
    /// Whether `CiliumNodes` could be read.
    pub cilium_nodes_known: Fact<()>,
    /// Nodes of either kind, by name.
    pub nodes: Vec<Node>,
    /// What nodes hold, by node.
    pub ranges: Vec<Range>,
    /// Ranges that belong to one node alone, by position in `ranges`.
    pub blocks: Blocks,
    /// Addresses of lists, with the range they are counted in.
    pub listed: HashMap<IpAddr, u32>,
    /// What nodes' ranges are cut from.
    pub pools: Vec<Pool>,
    /// Pods, by namespace and name.
    pub pods: Vec<Pod>,
    /// Endpoints, by namespace and name.
    pub endpoint_list: Vec<Endpoint>,
    /// The endpoint of each pod.
    pub endpoint_of: Vec<u32>,
    /// The pod of each endpoint: the very one, not a successor of its name.
    pub pod_of: Vec<u32>,
    /// The node of each pod.
    pub node_of: Vec<u32>,
    /// Every claim on an address, by address.
    pub claims: Vec<Claim>,
    /// Where in them the addresses begin of which something is to be thought.
    pub odd: Vec<u32>,
    /// Owners as nodes and agents write them.
    pub words: Vec<String>,
    /// Pools that namespaces ask for.
    pub namespaces: std::collections::BTreeMap<String, String>,
    /// Ranges of Services.
    pub service_ranges: Vec<Stated>,
    /// Services.
    pub services: Fact<Vec<Service>>,
    /// Kubernetes' own ranges for pods.
    pub cluster_cidrs: Vec<Stated>,
    /// Hosts beside the cluster with their addresses.
    pub extra_hosts: Vec<(String, Vec<IpAddr>)>,
    /// Routes of hosts beside the cluster.
    pub extra_routes: Vec<ExtraRoute>,
    /// What agents said; empty unless they were asked.
    pub agents: std::collections::BTreeMap<String, Agent>,
    /// Nodes that are counted and not shown.
    pub hidden: std::collections::BTreeSet<String>,
    /// Texts that are no range: where they stand, and the text.
    pub unread: Vec<(String, String)>,
    /// Unix time in milliseconds, unless recorded.
    pub now: Option<i64>,
}

/// One machine.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What Kubernetes says.
    pub kubernetes: Option<KubernetesNode>,
    /// What Cilium says.
    pub cilium: Option<Box<IpamNode>>,
    /// Positions of its ranges.
    pub ranges: std::ops::Range<usize>,
    /// Pods that have not ended, those with its own addresses included.
    pub pods: u32,
}

/// A Node object.
#[derive(Clone, Debug, Default)]
pub struct KubernetesNode {
    /// `spec.podCIDRs`.
    pub pod_cidrs: Vec<Prefix>,
    /// Its internal addresses.
    pub internal: Vec<IpAddr>,
    /// How many pods it takes.
    pub max_pods: Option<u32>,
}

/// Something a node hands addresses out of: a range of its own, or a list of addresses.
#[derive(Clone, Debug)]
pub struct Range {
    /// Position of the node.
    pub node: u32,
    /// Name of its pool or interface.
    pub pool: Option<String>,
    /// The range; of a list the subnet, which others share.
    pub prefix: Option<Prefix>,
    /// The family of its addresses.
    pub family: Option<AddressFamily>,
    /// How its addresses are counted.
    pub kind: Kind,
    /// Where it is written.
    pub field: &'static str,
    /// Addresses that can be handed out.
    pub total: Fact<u128>,
    /// Addresses in use.
    pub used: u128,
    /// Of them, those of the node itself: router, health, ingress.
    pub reserved: u128,
    /// Of them, those held by nobody.
    pub leaked: u128,
    /// The largest free block.
    pub largest_free: Option<Prefix>,
    /// `in-use`, `depleted` or `released`, where the node says so.
    pub status: Option<String>,
}

/// How the addresses of a range are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A block of the node's own.
    Block(Rule),
    /// A list of addresses.
    List,
    /// Nobody here knows: another program hands them out.
    Foreign,
}

/// Ranges of nodes in order.
#[derive(Debug, Default)]
pub struct Blocks {
    /// The order; its holders are positions in `at`.
    pub index: Index,
    /// Positions in [`Cluster::ranges`].
    pub at: Vec<u32>,
}

/// Somebody says that an address is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub ip: IpAddr,
    /// Who says so.
    pub by: By,
}

/// Who claims an address, each with a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The status of a pod that has not ended.
    Pod(u32),
    /// The status of a pod that has.
    EndedPod(u32),
    /// A `CiliumEndpoint`.
    Endpoint(u32),
    /// The router of a node.
    Router(u32),
    /// The health endpoint of a node.
    Health(u32),
    /// The ingress of a node.
    Ingress(u32),
    /// A node's list of used addresses: node, and position of the owner's word.
    Used(u32, u32),
    /// An agent: node, and position of the owner's word.
    Agent(u32, u32),
    /// An agent's endpoint: node, and position of its pod's word.
    AgentEndpoint(u32, u32),
    /// An address of a node itself.
    NodeAddress(u32),
}

impl Cluster {
    /// Claims of one address after the other.
    pub fn groups(&self) -> impl Iterator<Item = &[Claim]> {
        self.claims.chunk_by(|one, other| one.ip == other.ip)
    }

    /// Claims of those addresses alone of which something is to be thought.
    pub fn odd_groups(&self) -> impl Iterator<Item = &[Claim]> {
        self.odd.iter().filter_map(|from| {
            let rest = self.claims.get(*from as usize..)?;
            rest.chunk_by(|one, other| one.ip == other.ip).next()
        })
    }

    /// The node of a position.
    pub fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    /// The name of a node.
    pub fn node_name(&self, at: u32) -> &str {
        self.node(at).map_or("?", |node| node.name.as_str())
    }

    /// The position of a node.
    pub fn node_at(&self, name: &str) -> Option<u32> {
        let at = self.nodes.binary_search_by(|node| node.name.as_str().cmp(name)).ok()?;
        u32::try_from(at).ok()
    }

    /// The ranges of a node.
    pub fn ranges_of(&self, node: u32) -> &[Range] {
        let ranges = self.node(node).map(|node| node.ranges.clone()).unwrap_or_default();
        self.ranges.get(ranges).unwrap_or_default()
    }

    /// The range that an address is counted in: the smallest of the node's own, else of any.
    pub fn range_at(&self, ip: IpAddr, node: Option<u32>) -> Option<u32> {
        if let Some(at) = self.listed.get(&ip) {
            return Some(*at);
        }
        let mut first = None;
        for (_, holders) in self.blocks.index.holding(ip) {
            for holder in holders {
                let at = *self.blocks.at.get(*holder as usize)?;
                if node.is_none_or(|node| self.ranges[at as usize].node == node) {
                    return Some(at);
                }
                first = first.or(Some(at));
            }
        }
        first
    }

    /// Whether an address is in one of the ranges or lists of a node; `None` where the node has
    /// none that could say so.
    pub fn is_in_node(&self, ip: IpAddr, node: u32) -> Option<bool> {
        let family = AddressFamily::of(ip);
        let ranges = self.ranges_of(node);
        let of_family = |range: &Range| range.kind != Kind::Foreign && range.family == Some(family);
        if !ranges.iter().any(of_family) {
            return None;
        }
        let found = self.range_at(ip, Some(node));
        Some(found.is_some_and(|at| self.ranges[at as usize].node == node))
    }

    /// The endpoint of a name, whichever pod it is of.
    pub fn endpoint_named(&self, namespace: &str, name: &str) -> Option<&Endpoint> {
        let key = (namespace, name);
        let list = &self.endpoint_list;
        let at = list.binary_search_by(|it| (&*it.namespace, &*it.name).cmp(&key)).ok()?;
        list.get(at)
    }

    /// Pods by `namespace/name`.
    pub fn pod_at(&self, namespace: &str, name: &str) -> Option<u32> {
        let key = (namespace, name);
        let at = self.pods.binary_search_by(|pod| (&*pod.namespace, &*pod.name).cmp(&key)).ok()?;
        u32::try_from(at).ok()
    }
}
