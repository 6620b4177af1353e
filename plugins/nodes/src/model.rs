//! What is known of every host and of the cluster, and what is not.
//!
//! Plain values, each either known, unknown with its reason, or absent. Nothing here knows how
//! it was asked for, nor which column shows it.

pub mod build;
pub mod facts;
pub mod inputs;

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::cilium::IpamMode;
use lab_model::iproute2::DeviceName;
use lab_plugin::Fact;

use crate::parse::hosts_file::HostsFile;
use crate::parse::version::Version;

/// The cluster as this plugin sees it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Every host that is shown, nodes first.
    pub hosts: Vec<Host>,
    /// Names that `/etc/hosts` may hold: of every node and host, in the order of
    /// [`HostsFile::entries`].
    pub names: Vec<Name>,
    /// Every node, shown or not; `Unknown` when they could not be listed.
    pub nodes: Fact<Vec<Node>>,
    /// Who hands out pod addresses; absent without Cilium.
    pub ipam: Fact<IpamMode>,
    /// The ranges podCIDRs are cut from, each with where that is written.
    pub pools: Vec<(Prefix, String)>,
    /// The API server's version.
    pub server: Fact<Version>,
    /// The version that the agents' `DaemonSet` asks for.
    pub agents_wanted: Option<String>,
    /// Why there is no CPU and memory in use; `None` when there is.
    pub no_metrics: Option<String>,
}

/// A name of the cluster, and the addresses it may resolve to.
#[derive(Clone, Debug, Default)]
pub struct Name {
    /// The name.
    pub name: String,
    /// The addresses of the API: `InternalIP` and `ExternalIP`, or of an extra host those it is
    /// listed with.
    pub addresses: Vec<IpAddr>,
    /// Position in [`Cluster::hosts`], when it is shown.
    pub host: Option<usize>,
}

/// One host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// A machine of the cluster, not one beside it.
    pub is_node: bool,
    /// Position in the list of nodes.
    pub node: Option<usize>,
    /// podCIDRs of its `CiliumNode`.
    pub cilium_pod_cidrs: Fact<Vec<Prefix>>,
    /// The address of its `cilium_host`, as its `CiliumNode` has it.
    pub routers: Vec<IpAddr>,
    /// Devices with their addresses.
    pub devices: Fact<Vec<Device>>,
    /// What `/etc/hosts` says of known names.
    pub hosts_file: Fact<HostsFile>,
    /// What `hostname` printed.
    pub hostname: Fact<String>,
    /// Kernel release.
    pub kernel: Fact<String>,
    /// Operating system.
    pub os: Fact<String>,
    /// Its agent.
    pub agent: Fact<Agent>,
    /// Pods that have not ended.
    pub pods: Fact<u32>,
    /// CPU and memory in use.
    pub usage: Fact<Usage>,
}

/// One device of a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: DeviceName,
    /// `UP`, `DOWN`, `UNKNOWN` …
    pub state: String,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// Hardware address.
    pub mac: Option<String>,
    /// Its addresses with their prefix lengths.
    pub addresses: Vec<DeviceAddress>,
}

/// One address of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceAddress {
    /// The address.
    pub ip: IpAddr,
    /// Length of its network.
    pub len: u8,
    /// Valid beyond the link and the host.
    pub is_global: bool,
}

/// A Node as the API has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its roles, sorted.
    pub roles: Vec<String>,
    /// `Linux` unless it says `windows`.
    pub is_windows: bool,
    /// Takes no new pods.
    pub is_cordoned: bool,
    /// The addresses other nodes reach it at.
    pub internal: Vec<IpAddr>,
    /// The addresses others reach it at.
    pub external: Vec<IpAddr>,
    /// Its name by itself.
    pub hostname: Option<String>,
    /// The podCIDRs of its spec.
    pub pod_cidrs: Vec<Prefix>,
    /// Conditions: kind, status, `reason: message`.
    pub conditions: Vec<(String, String, String)>,
    /// What its kubelet reports of versions; empty fields are left out.
    pub kernel: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Container runtime.
    pub runtime: Option<String>,
    /// Architecture.
    pub arch: Option<String>,
    /// Kubelet.
    pub kubelet: Option<Version>,
    /// What pods may use.
    pub allocatable: Amounts,
    /// What there is.
    pub capacity: Amounts,
}

impl Node {
    /// Status and `reason: message` of a condition.
    pub fn condition(&self, kind: &str) -> Option<(&str, &str)> {
        let (_, status, why) = self.conditions.iter().find(|(known, _, _)| known == kind)?;
        Some((status, why))
    }

    /// Whether the address is one the API gives it.
    pub fn has(&self, ip: &IpAddr) -> bool {
        self.internal.contains(ip) || self.external.contains(ip)
    }
}

/// Cores, bytes and a number of pods.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amounts {
    /// Cores.
    pub cpu: Option<f64>,
    /// Bytes.
    pub memory: Option<f64>,
    /// How many pods.
    pub pods: Option<u32>,
}

/// CPU and memory in use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Cores.
    pub cpu: Option<f64>,
    /// Bytes.
    pub memory: Option<f64>,
}

/// The agent of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// `namespace/name` of its pod.
    pub pod: String,
    /// Whether it passes its checks; `None` when it does not say.
    pub is_ready: Option<bool>,
    /// Its state in few words.
    pub state: String,
    /// What runs, or else what its image is named.
    pub version: Option<String>,
    /// How many pods claim to be the node's agent.
    pub pods: usize,
}

impl Cluster {
    /// The Node of a host.
    pub fn node(&self, host: &Host) -> Fact<&Node> {
        if !host.is_node {
            return Fact::Absent;
        }
        match &self.nodes {
            Fact::Known(nodes) => match host.node.and_then(|idx| nodes.get(idx)) {
                Some(node) => Fact::Known(node),
                None => Fact::Unknown("the API has no Node of this name".to_owned()),
            },
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
            Fact::Absent => Fact::Absent,
        }
    }

    /// Every host that is a node, with its Node.
    pub fn shown_nodes(&self) -> impl Iterator<Item = (&Host, &Node)> {
        let nodes = self.nodes.known().map(Vec::as_slice).unwrap_or_default();
        self.hosts.iter().filter_map(move |host| Some((host, nodes.get(host.node?)?)))
    }

    /// Every node.
    pub fn all_nodes(&self) -> &[Node] {
        self.nodes.known().map(Vec::as_slice).unwrap_or_default()
    }

    /// On how many hosts each address is, for those that are on several.
    pub fn shared_addresses(&self) -> BTreeMap<IpAddr, u32> {
        let mut seen = BTreeMap::<IpAddr, u32>::new();
        for host in &self.hosts {
            let mut own: Vec<IpAddr> = host.global_addresses().map(|(_, it)| it.ip).collect();
            own.sort_unstable();
            own.dedup();
            for ip in own {
                *seen.entry(ip).or_default() += 1;
            }
        }
        seen.retain(|_, hosts| *hosts > 1);
        seen
    }
}

impl Host {
    /// Its addresses of global scope, in the order of its devices; none when not known.
    pub fn global_addresses(&self) -> impl Iterator<Item = (&Device, &DeviceAddress)> {
        let devices = self.devices.known().map(Vec::as_slice).unwrap_or_default();
        let all =
            devices.iter().flat_map(|device| device.addresses.iter().map(move |it| (device, it)));
        all.filter(|(_, address)| address.is_global)
    }

    /// Whether an address is on one of its devices; `None` when they are not known.
    pub fn is_local(&self, ip: IpAddr) -> Option<bool> {
        let devices = self.devices.known()?;
        Some(devices.iter().any(|device| device.addresses.iter().any(|it| it.ip == ip)))
    }
}
