//! What is known of the cluster: every host's tables beside what its objects say of it.
//!
//! Built once from the answers, then only read. Holds observation and the facts expectation
//! rests on; which route ought to be there is `judge`'s word, and no column is known here.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::fib::Fib;
use lab_model::iproute2::DeviceName;
use lab_model::walk::HostIdx;

mod build;
mod inputs;

pub use build::build;
pub use inputs::{
    Address, Agent, Answer, CiliumNodeInput, HostInput, Inputs, Link, NodeConfigInput, NodeInput,
    PodInput,
};

use crate::settings::Settings;

/// A pod with an address of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// `namespace/name`.
    pub name: String,
    /// Host it is on.
    pub host: HostIdx,
}

/// One host.
pub struct Host {
    /// Its name.
    pub name: String,
    /// A Kubernetes node.
    pub is_node: bool,
    /// Rules and tables.
    pub fib: Answer<Fib>,
    /// Addresses of its devices; why there are none.
    pub addresses: Answer<Vec<Address>>,
    /// Its devices, where they were read.
    pub links: HashMap<DeviceName, Link>,
    /// States of neighbors that are not usable.
    pub dead: HashMap<(DeviceName, IpAddr), &'static str>,
    /// Policy of the FORWARD chain is DROP.
    pub forward_drops: bool,
    /// Addresses peers use as next hop, best first.
    pub internal: Vec<IpAddr>,
    /// Addresses of `cilium_host`.
    pub routers: Vec<IpAddr>,
    /// Ranges of its pods.
    pub pod_cidrs: Vec<Prefix>,
    /// `Node.spec.podCIDRs`.
    pub node_pod_cidrs: Vec<Prefix>,
    /// `InternalIPs` of the Node object.
    pub node_internal: Vec<IpAddr>,
    /// What its agent runs with; absent when no configuration is known.
    pub settings: Option<Settings>,
    /// State of its agent.
    pub agent: Agent,
}

/// The range of one node's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodCidr {
    /// The range.
    pub prefix: Prefix,
    /// Host whose pods it is for.
    pub host: HostIdx,
}

/// Everything that is known.
pub struct Cluster {
    /// Hosts: nodes first, as listed.
    pub hosts: Vec<Host>,
    /// Every podCIDR, ordered by prefix.
    pub cidrs: Vec<PodCidr>,
    /// Whether the nodes' ranges could be read at all.
    pub cidrs_known: bool,
    /// Pods by address; absent when they were not asked for.
    pub pods: Option<HashMap<IpAddr, Pod>>,
    /// Pods by name, also those with their node's addresses.
    pub pod_names: BTreeMap<String, (HostIdx, Vec<IpAddr>)>,
    /// Ranges of Services.
    pub service_cidrs: Vec<Prefix>,
    /// Ranges that podCIDRs are cut from.
    pub pools: Vec<Prefix>,
    /// Version of Cilium that runs.
    pub version: Option<String>,
    /// Subjects without an answer, and why.
    pub absent: Vec<(String, String)>,
    pub(crate) owners: HashMap<IpAddr, Vec<(HostIdx, Option<Address>)>>,
    pub(crate) by_name: HashMap<String, HostIdx>,
}

impl Cluster {
    /// A host by its name.
    pub fn host_named(&self, name: &str) -> Option<HostIdx> {
        self.by_name.get(name).copied()
    }

    /// Hosts that are nodes.
    pub fn nodes(&self) -> impl Iterator<Item = (HostIdx, &Host)> {
        self.hosts.iter().enumerate().filter(|(_, host)| host.is_node)
    }

    /// The podCIDR that holds an address: the longest, then the first claim.
    pub fn cidr_of(&self, address: IpAddr) -> Option<PodCidr> {
        let holds = self.cidrs.iter().filter(|cidr| cidr.prefix.contains(address));
        holds
            .reduce(|best, cidr| if cidr.prefix.len() > best.prefix.len() { cidr } else { best })
            .copied()
    }

    /// The pod that has an address.
    pub fn pod_at(&self, address: IpAddr) -> Option<&Pod> {
        self.pods.as_ref()?.get(&address)
    }

    /// Hosts that own an address.
    pub fn owners(&self, address: IpAddr) -> impl Iterator<Item = HostIdx> + '_ {
        self.owners.get(&address).into_iter().flatten().map(|(host, _)| *host)
    }

    /// The only host that owns an address.
    pub fn owner(&self, address: IpAddr) -> Option<HostIdx> {
        let mut owners = self.owners(address);
        let first = owners.next()?;
        owners.next().is_none().then_some(first)
    }

    /// Whether an address is one of the cluster's own: pods, Services, known hosts.
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.pools.iter().chain(&self.service_cidrs).any(|range| range.contains(address))
            || self.cidr_of(address).is_some()
            || self.owners.contains_key(&address)
    }

    /// Whether the outside knows nothing of an address: the cluster's own, and networks behind
    /// known hosts.
    pub fn is_inside(&self, address: IpAddr) -> bool {
        self.is_own(address)
            || self.hosts.iter().any(|host| {
                host.addresses.iter().flatten().any(|own| {
                    own.is_global && !own.network.is_host() && own.network.contains(address)
                })
            })
    }

    /// The MTU a node's pods are given (`pkg/mtu`): that of the device with the node's address,
    /// or the one set by hand, less what encapsulation takes.
    pub fn pod_mtu(&self, host: HostIdx) -> Option<u32> {
        let host = &self.hosts[host];
        let settings = host.settings.as_ref()?;
        let base = settings.mtu.or_else(|| {
            let own = host.addresses.as_ref().ok()?;
            let device = own.iter().find(|own| host.internal.contains(&own.ip))?.device;
            host.links.get(&device)?.mtu
        })?;
        Some(base.saturating_sub(settings.overhead()))
    }
}
