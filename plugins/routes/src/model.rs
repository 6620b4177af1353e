//! What is known of the cluster: every host's tables beside what its objects say of it.
//!
//! Built once from the answers, then only read. Holds observation and the facts expectation
//! rests on; which route ought to be there is `judge`'s word, and no column is known here.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::cilium::{CiliumConfig, ConfigSource, parse_agent_config};
use lab_model::fib::Fib;
use lab_model::iproute2::DeviceName;
use lab_model::walk::HostIdx;

use crate::settings::{Settings, more_of_agent};

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
    /// Keys of the ConfigMap `cilium-config`.
    pub config: Option<BTreeMap<String, String>>,
    /// Keys of each `CiliumNodeConfig`, with the labels of the nodes it is for.
    pub node_configs: Vec<(BTreeMap<String, String>, BTreeMap<String, String>)>,
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
    /// Addresses of type InternalIP.
    pub internal: Vec<IpAddr>,
    /// `spec.podCIDRs`.
    pub pod_cidrs: Vec<Prefix>,
}

/// What matters of a `CiliumNode`.
pub struct CiliumNodeInput {
    /// Its name.
    pub name: String,
    /// InternalIP first, then ExternalIP: what peers use as next hop.
    pub internal: Vec<IpAddr>,
    /// CiliumInternalIP: addresses of `cilium_host`.
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
    /// InternalIPs of the Node object.
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

/// Builds the model. Never fails: what is absent stays absent.
pub fn build(inputs: Inputs) -> Cluster {
    let Inputs {
        hosts,
        nodes,
        cilium_nodes,
        pods,
        config,
        node_configs,
        service_cidrs,
        version,
        absent,
    } = inputs;
    let nodes: HashMap<String, NodeInput> =
        nodes.into_iter().map(|node| (node.name.clone(), node)).collect();
    let cidrs_known = cilium_nodes.is_some();
    let mut cilium: HashMap<String, CiliumNodeInput> = cilium_nodes
        .unwrap_or_default()
        .into_iter()
        .map(|node| (node.name.clone(), node))
        .collect();
    let mut built: Vec<Host> = hosts
        .into_iter()
        .map(|input| {
            let node = nodes.get(&input.name);
            let claim = cilium.remove(&input.name);
            let settings = settings_of(config.as_ref(), &node_configs, node, &input);
            host_of(input, node, claim, settings)
        })
        .collect();
    // A CiliumNode whose host was not asked still owns its ranges.
    let mut rest: Vec<CiliumNodeInput> = cilium.into_values().collect();
    rest.sort_by(|a, b| a.name.cmp(&b.name));
    for claim in rest {
        let input = silent_host(&claim.name);
        let node = nodes.get(&claim.name);
        let settings = settings_of(config.as_ref(), &node_configs, node, &input);
        built.push(host_of(input, node, Some(claim), settings));
    }
    let mut cidrs: Vec<PodCidr> = built
        .iter()
        .enumerate()
        .flat_map(|(host, of)| of.pod_cidrs.iter().map(move |&prefix| PodCidr { prefix, host }))
        .collect();
    cidrs.sort_by_key(|cidr| (cidr.prefix, cidr.host));
    let mut pools: Vec<Prefix> = built
        .iter()
        .filter_map(|host| host.settings.as_ref())
        .flat_map(|settings| settings.pools.iter().chain(&settings.native_cidrs).copied())
        .collect();
    pools.sort();
    pools.dedup();
    let by_name: HashMap<String, HostIdx> =
        built.iter().enumerate().map(|(idx, host)| (host.name.clone(), idx)).collect();
    let owners = owners_of(&built);
    let (pods, pod_names) = pods_of(pods, &by_name);
    Cluster {
        hosts: built,
        cidrs,
        cidrs_known,
        pods,
        pod_names,
        service_cidrs,
        pools,
        version,
        absent,
        owners,
        by_name,
    }
}

fn silent_host(name: &str) -> HostInput {
    let why = || Err("the host was not asked".to_owned());
    HostInput {
        name: name.to_owned(),
        is_node: true,
        known: Vec::new(),
        fib: Err("the host was not asked".to_owned()),
        addresses: why().map(|()| Vec::new()),
        links: why().map(|()| Vec::new()),
        neighbors: why().map(|()| Vec::new()),
        forward_drops: None,
        in_force: None,
        agent: Agent::NotAsked,
    }
}

fn settings_of(
    config: Option<&BTreeMap<String, String>>,
    node_configs: &[(BTreeMap<String, String>, BTreeMap<String, String>)],
    node: Option<&NodeInput>,
    input: &HostInput,
) -> Option<Settings> {
    if !input.is_node {
        return None;
    }
    let mut known = CiliumConfig::default();
    let mut more = BTreeMap::new();
    // A value that cannot be read leaves the one before; which are odd is doctor's business.
    let mut take = |keys: &BTreeMap<String, String>, source| {
        let _ = known.apply(keys, source);
        for key in ["enable-host-legacy-routing", "devices"] {
            if let Some(value) = keys.get(key) {
                more.insert(key.to_owned(), value.clone());
            }
        }
    };
    if let Some(config) = config {
        take(config, ConfigSource::ConfigMap);
    }
    for (selector, keys) in node_configs {
        let meant = node.is_some_and(|node| {
            selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
        });
        if meant {
            take(keys, ConfigSource::NodeConfig);
        }
    }
    let in_force = input.in_force.as_deref().map(|json| (parse_agent_config(json).0, json));
    let in_force = in_force.filter(|(keys, _)| !keys.is_empty());
    if let Some((keys, json)) = &in_force {
        take(keys, ConfigSource::Agent);
        take(&more_of_agent(json), ConfigSource::Agent);
    }
    (config.is_some() || in_force.is_some()).then(|| Settings::of(&known, &more))
}

fn host_of(
    input: HostInput,
    node: Option<&NodeInput>,
    claim: Option<CiliumNodeInput>,
    settings: Option<Settings>,
) -> Host {
    let node_internal = node.map(|node| node.internal.clone()).unwrap_or_default();
    let (internal, routers, pod_cidrs) = match claim {
        Some(claim) => (claim.internal, claim.routers, claim.pod_cidrs),
        None => (node_internal.clone(), Vec::new(), Vec::new()),
    };
    let internal = if internal.is_empty() { input.known } else { internal };
    let dead = input.neighbors.unwrap_or_default().into_iter().filter_map(|(device, ip, state)| {
        let state = match state.as_str() {
            "FAILED" => "FAILED",
            "INCOMPLETE" => "INCOMPLETE",
            _ => return None,
        };
        Some(((device, ip), state))
    });
    Host {
        name: input.name,
        is_node: input.is_node,
        fib: input.fib,
        addresses: input.addresses,
        links: input.links.unwrap_or_default().into_iter().collect(),
        dead: dead.collect(),
        forward_drops: input.forward_drops.unwrap_or(false),
        internal,
        routers,
        pod_cidrs,
        node_pod_cidrs: node.map(|node| node.pod_cidrs.clone()).unwrap_or_default(),
        node_internal,
        settings,
        agent: input.agent,
    }
}

fn owners_of(hosts: &[Host]) -> HashMap<IpAddr, Vec<(HostIdx, Option<Address>)>> {
    let mut owners: HashMap<IpAddr, Vec<(HostIdx, Option<Address>)>> = HashMap::new();
    for (idx, host) in hosts.iter().enumerate() {
        for address in host.addresses.iter().flatten() {
            if !address.ip.is_loopback() {
                owners.entry(address.ip).or_default().push((idx, Some(*address)));
            }
        }
        for ip in host.internal.iter().chain(&host.routers) {
            let known = owners.entry(*ip).or_default();
            if known.iter().all(|(owner, _)| *owner != idx) {
                known.push((idx, None));
            }
        }
    }
    owners
}

type PodNames = BTreeMap<String, (HostIdx, Vec<IpAddr>)>;

fn pods_of(
    pods: Option<Vec<PodInput>>,
    by_name: &HashMap<String, HostIdx>,
) -> (Option<HashMap<IpAddr, Pod>>, PodNames) {
    let Some(pods) = pods else { return (None, BTreeMap::new()) };
    let mut by_address = HashMap::new();
    let mut names = BTreeMap::new();
    for pod in pods {
        let Some(&host) = by_name.get(&pod.node) else { continue };
        if !pod.host_network {
            for &ip in &pod.ips {
                by_address.insert(ip, Pod { name: pod.name.clone(), host });
            }
        }
        names.insert(pod.name, (host, pod.ips));
    }
    (Some(by_address), names)
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
        holds.reduce(|best, cidr| if cidr.prefix.len() > best.prefix.len() { cidr } else { best })
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
