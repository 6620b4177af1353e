//! From answers to the model: who owns what, and what each agent runs with.
//!
//! Never fails: what is absent stays absent.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::cilium::{CiliumConfig, ConfigSource, parse_agent_config};
use lab_model::walk::HostIdx;

use super::{
    Address, Agent, CiliumNodeInput, Cluster, Host, HostInput, Inputs, NodeConfigInput, NodeInput,
    Pod, PodCidr, PodInput,
};
use crate::settings::{Settings, more_of_agent};

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
    node_configs: &[NodeConfigInput],
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
    for NodeConfigInput { selector, keys } in node_configs {
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
