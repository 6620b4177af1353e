//! Answers into a cluster: nodes of both kinds joined, ranges counted, claims sorted.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use lab_model::cilium::{CiliumConfig, IpamNode, Prefixes};
use lab_model::kubernetes;
use lab_model::{AddressFamily, Prefix};
use lab_plugin::Fact;

use super::address::Verdict;
use super::{Blocks, By, Claim, Cluster, Kind, KubernetesNode, Mode, NONE, Node, Range, pools};
use crate::inputs::{Inputs, Phase, Pod};
use crate::space::blocks::{Rule, usable};
use crate::space::free::largest_free;
use crate::space::index::Index;
use crate::space::{bounds, canonical, number};

/// Makes a cluster of what was asked.
pub fn build(mut inputs: Inputs) -> Cluster {
    let no_data = BTreeMap::new();
    let data = inputs.config.known().unwrap_or(&no_data);
    let (config, problems) = CiliumConfig::from_config_map(data);
    let (ipam, chaining) = (data.get("ipam"), data.get("cni-chaining-mode"));
    let mode = Mode::read(ipam.map(String::as_str), chaining.map(String::as_str));
    let mode_line = match (&mode, ipam) {
        (Mode::Chained(name), _) => format!("cni-chaining-mode: {name}"),
        (_, Some(ipam)) => format!("ipam: {ipam}"),
        (_, None) => "no key ipam".to_owned(),
    };
    let default_pool =
        data.get("ipam-default-ip-pool").cloned().unwrap_or_else(|| "default".to_owned());
    let config_map = "ConfigMap kube-system/cilium-config";
    let settings = ["ipv4-native-routing-cidr", "ipv6-native-routing-cidr"];
    let unread = problems.into_iter().filter(|it| settings.contains(&it.place.as_str()));
    let mut unread: Vec<(String, String)> =
        unread.map(|it| (config_map.to_owned(), format!("{}: {}", it.place, it.line))).collect();
    let named = inputs.pools.known().map(Vec::as_slice).unwrap_or_default();
    let pools = pools::pools(&mode, data, &inputs.kubernetes, named, &mut unread);

    // The API hands objects over in an order that is nearly this one, which a stable sort sees.
    let mut pods = inputs.pods.take().unwrap_or_default();
    pods.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    let mut endpoints = inputs.endpoints.take().unwrap_or_default();
    endpoints.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));

    let mut cluster = Cluster {
        mode,
        mode_line,
        config,
        default_pool,
        endpoints: inputs.endpoints.map(|_| ()),
        pods_known: inputs.pods.map(|_| ()),
        nodes_known: inputs.nodes.map(|_| ()),
        cilium_nodes_known: inputs.cilium_nodes.map(|_| ()),
        nodes: Vec::new(),
        ranges: Vec::new(),
        blocks: Blocks::default(),
        listed: HashMap::new(),
        pools,
        pods,
        endpoint_list: endpoints,
        endpoint_of: Vec::new(),
        pod_of: Vec::new(),
        node_of: Vec::new(),
        claims: Vec::new(),
        odd: Vec::new(),
        words: Vec::new(),
        namespaces: inputs.namespaces,
        service_ranges: inputs.service_ranges,
        services: inputs.services,
        cluster_cidrs: inputs.kubernetes.cluster_cidrs,
        extra_hosts: inputs.extra_hosts,
        extra_routes: inputs.extra_routes,
        agents: inputs.agents,
        hidden: inputs.hidden,
        unread,
        now: inputs.now,
    };
    let nodes = inputs.nodes.take().unwrap_or_default();
    join_nodes(&mut cluster, &nodes, inputs.cilium_nodes.take().unwrap_or_default());
    for at in 0..cluster.nodes.len() {
        add_ranges(&mut cluster, at);
    }
    index_blocks(&mut cluster);
    pair_endpoints(&mut cluster);
    claim(&mut cluster);
    count(&mut cluster);
    cluster
}

fn join_nodes(cluster: &mut Cluster, nodes: &[kubernetes::Node], cilium: Vec<IpamNode>) {
    let mut by_name: BTreeMap<String, Node> = BTreeMap::new();
    let named = |name: &str| Node { name: name.to_owned(), ..Node::default() };
    for node in nodes {
        let entry = by_name.entry(node.name().to_owned()).or_insert_with(|| named(node.name()));
        let max_pods = node.allocatable().pods.as_deref().and_then(|text| text.parse().ok());
        entry.kubernetes = Some(KubernetesNode {
            pod_cidrs: node.pod_cidrs().to_vec(),
            internal: node.internal_ips().map(canonical).collect(),
            max_pods,
        });
    }
    for node in cilium {
        let entry = by_name.entry(node.name().to_owned()).or_insert_with(|| named(node.name()));
        entry.cilium = Some(Box::new(node));
    }
    cluster.nodes = by_name.into_values().collect();
    let by_name: HashMap<&str, u32> =
        cluster.nodes.iter().map(|node| node.name.as_str()).zip(0..).collect();
    let node_of = |pod: &Pod| by_name.get(&*pod.node).copied().unwrap_or(NONE);
    cluster.node_of = cluster.pods.iter().map(node_of).collect();
    for (pod, node) in cluster.pods.iter().zip(&cluster.node_of) {
        if let Some(node) = cluster.nodes.get_mut(*node as usize)
            && pod.phase != Phase::Ended
        {
            node.pods += 1;
        }
    }
}

/// Adds what a node holds, from whichever part of its objects says it: a cluster on its way
/// from one mode to another has more than one.
fn add_ranges(cluster: &mut Cluster, at: usize) {
    let from = cluster.ranges.len();
    let node = u32::try_from(at).unwrap_or(NONE);
    if cluster.mode.is_foreign() {
        cluster.ranges.push(Range::new(
            node,
            None,
            None,
            Kind::Foreign,
            "status.podIPs of its pods",
        ));
        cluster.nodes[at].ranges = from..cluster.ranges.len();
        return;
    }
    let name = &cluster.nodes[at].name;
    if let Some(object) = &cluster.nodes[at].cilium {
        let place = format!("CiliumNode {name}");
        let mut unreadable = |prefixes: &Prefixes, field: &str| {
            let texts = prefixes.unread.iter();
            cluster.unread.extend(texts.map(|text| (place.clone(), format!("{field}: {text}"))));
        };
        let field = "spec.ipam.podCIDRs";
        unreadable(object.pod_cidrs(), field);
        for prefix in &object.pod_cidrs().read {
            let pool = cluster.pools.iter().find(|pool| pool.prefix.covers(prefix));
            let pool = pool.map(|pool| pool.prefix.to_string());
            let kind = Kind::Block(Rule::HostScope);
            let mut range = Range::new(node, pool, Some(*prefix), kind, field);
            range.status = object.range_status(prefix).map(str::to_owned);
            cluster.ranges.push(range);
        }
        let field = "spec.ipam.pools.allocated";
        for (pool, prefixes, (first, last)) in object.allocated() {
            unreadable(prefixes, field);
            let of_pool = cluster.pools.iter().find(|it| it.name == pool).map(|it| it.rule);
            // Before 1.20 only the pool itself says it.
            let rule = match of_pool {
                Some(Rule::MultiPool { first: a, last: b }) => {
                    Rule::MultiPool { first: a || first, last: b || last }
                }
                _ => Rule::MultiPool { first, last },
            };
            cluster.ranges.extend(prefixes.read.iter().map(|prefix| {
                Range::new(node, Some(pool.to_owned()), Some(*prefix), Kind::Block(rule), field)
            }));
        }
        add_lists(object, node, &mut cluster.ranges, &mut cluster.listed, &mut cluster.unread);
    } else if cluster.mode == Mode::Kubernetes
        && let Some(object) = &cluster.nodes[at].kubernetes
    {
        for prefix in &object.pod_cidrs {
            let pool = cluster.pools.iter().find(|pool| pool.prefix.covers(prefix));
            let pool = pool.map(|pool| pool.prefix.to_string());
            let kind = Kind::Block(Rule::HostScope);
            cluster.ranges.push(Range::new(node, pool, Some(*prefix), kind, "Node spec.podCIDRs"));
        }
    }
    cluster.nodes[at].ranges = from..cluster.ranges.len();
}

/// Addresses of a list, in a group for each interface and family.
fn add_lists(
    object: &IpamNode,
    node: u32,
    ranges: &mut Vec<Range>,
    listed: &mut HashMap<IpAddr, u32>,
    unread: &mut Vec<(String, String)>,
) {
    let interfaces = object.interfaces();
    let mut groups: BTreeMap<(AddressFamily, &str), Vec<IpAddr>> = BTreeMap::new();
    for (text, ip, resource) in object.pool() {
        match ip {
            Some(ip) => {
                let ip = canonical(ip);
                groups.entry((AddressFamily::of(ip), resource)).or_default().push(ip);
            }
            None => {
                unread.push((
                    format!("CiliumNode {}", object.name()),
                    format!("spec.ipam.pool: {text}"),
                ));
            }
        }
    }
    let mut field = "spec.ipam.pool";
    if groups.is_empty() {
        // From 1.20 on the addresses of a cloud stand in the status alone.
        field = "status of its interfaces";
        for interface in &interfaces {
            for ip in &interface.addresses {
                let key = (AddressFamily::of(*ip), interface.id.as_str());
                groups.entry(key).or_default().push(canonical(*ip));
            }
        }
    }
    for ((family, resource), addresses) in groups {
        let at = u32::try_from(ranges.len()).unwrap_or(NONE);
        let subnet = interfaces.iter().find(|it| it.id == resource).and_then(|it| it.subnet);
        let subnet = subnet.filter(|subnet| subnet.family() == family);
        let pool = Some(resource.to_owned()).filter(|name| !name.is_empty());
        let mut range = Range::new(node, pool, subnet, Kind::List, field);
        range.family = Some(family);
        range.total = Fact::Known(addresses.len() as u128);
        ranges.push(range);
        // Of two nodes that list an address the first keeps it; the claims tell of both.
        for ip in addresses {
            listed.entry(ip).or_insert(at);
        }
    }
}

impl Range {
    fn new(
        node: u32,
        pool: Option<String>,
        prefix: Option<Prefix>,
        kind: Kind,
        field: &'static str,
    ) -> Self {
        let total = match (kind, prefix) {
            (Kind::Block(rule), Some(prefix)) => Fact::Known(usable(&prefix, rule)),
            (Kind::Foreign, _) => {
                Fact::Unknown("another program hands out the addresses".to_owned())
            }
            _ => Fact::Known(0),
        };
        Self {
            node,
            pool,
            prefix,
            family: prefix.map(|prefix| prefix.family()),
            kind,
            field,
            total,
            used: 0,
            reserved: 0,
            leaked: 0,
            largest_free: None,
            status: None,
        }
    }

    /// Addresses that are left.
    pub fn free(&self) -> Fact<u128> {
        self.total.map(|total| total.saturating_sub(self.used))
    }

    /// The share that is in use; none of a range without addresses.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn share(&self) -> Fact<f64> {
        match self.total.known() {
            Some(0) => Fact::Absent,
            _ => self.total.map(|total| self.used as f64 / *total as f64),
        }
    }
}

fn index_blocks(cluster: &mut Cluster) {
    let blocks = (0..).zip(&cluster.ranges).filter_map(|(at, range)| match range.kind {
        Kind::Block(_) => Some((at, range.prefix?)),
        _ => None,
    });
    let (at, prefixes): (Vec<u32>, Vec<Prefix>) = blocks.unzip();
    cluster.blocks = Blocks { index: Index::new(prefixes), at };
}

/// Finds the pod of each endpoint. The identity decides: after a pod of a `StatefulSet` was made
/// anew there are two of one name.
fn pair_endpoints(cluster: &mut Cluster) {
    cluster.endpoint_of = vec![NONE; cluster.pods.len()];
    cluster.pod_of = vec![NONE; cluster.endpoint_list.len()];
    // Both stand in the same order, so one walk finds all pairs.
    let mut pod_at = 0;
    for at in 0..cluster.endpoint_list.len() {
        let endpoint = &cluster.endpoint_list[at];
        let key = (&endpoint.namespace, &endpoint.name);
        while let Some(pod) = cluster.pods.get(pod_at)
            && (&pod.namespace, &pod.name) < key
        {
            pod_at += 1;
        }
        let Some(pod) = cluster.pods.get(pod_at) else { break };
        if (&pod.namespace, &pod.name) != key {
            continue;
        }
        let is_same = match &endpoint.pod_uid {
            Some(uid) if !uid.is_empty() && !pod.uid.is_empty() => *uid == pod.uid,
            // Without an identity the address decides.
            _ => pod.ips.is_empty() || endpoint.ips.iter().any(|ip| pod.ips.contains(ip)),
        };
        if is_same {
            cluster.pod_of[at] = u32::try_from(pod_at).unwrap_or(NONE);
            cluster.endpoint_of[pod_at] = u32::try_from(at).unwrap_or(NONE);
        }
    }
}

/// Collects who says what of which address, and sorts it.
fn claim(cluster: &mut Cluster) {
    let mut claims = Vec::with_capacity(
        cluster.pods.len() + cluster.endpoint_list.len() + 4 * cluster.nodes.len(),
    );
    for (at, pod) in (0..).zip(&cluster.pods) {
        if pod.host_network {
            continue;
        }
        let by = if pod.phase == Phase::Ended { By::EndedPod(at) } else { By::Pod(at) };
        claims.extend(pod.ips.iter().map(|ip| Claim { ip: *ip, by }));
    }
    for (at, endpoint) in (0..).zip(&cluster.endpoint_list) {
        claims.extend(endpoint.ips.iter().map(|ip| Claim { ip: *ip, by: By::Endpoint(at) }));
    }
    let mut words = Vec::new();
    let mut word = |text: &str| {
        words.push(text.to_owned());
        u32::try_from(words.len() - 1).unwrap_or(NONE)
    };
    for (at, node) in (0..).zip(&cluster.nodes) {
        if let Some(cilium) = &node.cilium {
            claims.extend(cilium.router_ips().map(|ip| Claim { ip, by: By::Router(at) }));
            claims.extend(cilium.health_ips().map(|ip| Claim { ip, by: By::Health(at) }));
            claims.extend(cilium.ingress_ips().map(|ip| Claim { ip, by: By::Ingress(at) }));
            for (_, ip, owner) in cilium.used() {
                if let Some(ip) = ip {
                    claims.push(Claim { ip, by: By::Used(at, word(owner)) });
                }
            }
            claims.extend(cilium.node_ips().map(|ip| Claim { ip, by: By::NodeAddress(at) }));
        }
        let internal = node.kubernetes.iter().flat_map(|node| &node.internal);
        claims.extend(internal.map(|ip| Claim { ip: *ip, by: By::NodeAddress(at) }));
        if let Some(agent) = cluster.agents.get(&node.name) {
            for allocation in agent.ipam.known().into_iter().flat_map(|ipam| &ipam.allocations) {
                let by = By::Agent(at, word(&allocation.owner));
                claims.push(Claim { ip: allocation.ip, by });
            }
            for endpoint in agent.endpoints.known().into_iter().flatten() {
                let owner = endpoint.pod.as_deref().or(endpoint.reserved.as_deref());
                let by = By::AgentEndpoint(at, word(owner.unwrap_or_default()));
                // The host endpoint has the node's own addresses.
                if endpoint.reserved.as_deref() != Some("host") {
                    claims.extend(endpoint.ips.iter().map(|ip| Claim { ip: *ip, by }));
                }
            }
        }
    }
    for claim in &mut claims {
        claim.ip = canonical(claim.ip);
    }
    claims.sort_unstable_by(order);
    claims.dedup();
    cluster.claims = claims;
    cluster.words = words;
}

/// By address, then by who claims it. Two numbers compare several times as fast as two addresses
/// do, and there are millions.
fn order(one: &Claim, other: &Claim) -> Ordering {
    let key = |claim: &Claim| (claim.ip.is_ipv6(), number(claim.ip));
    key(one).cmp(&key(other)).then_with(|| one.by.cmp(&other.by))
}

/// Counts what is in use of each range, finds the largest block that is left, and notes the
/// addresses of which something is to be thought.
fn count(cluster: &mut Cluster) {
    let mut counts = vec![(0_u128, 0_u128, 0_u128); cluster.ranges.len()];
    let mut in_use: Vec<(u32, u128)> = Vec::with_capacity(cluster.claims.len());
    let mut odd = Vec::new();
    let mut at_claim = 0_usize;
    for group in cluster.groups() {
        let from = at_claim;
        at_claim += group.len();
        let Some(address) = cluster.address(group) else { continue };
        if address.verdict != Verdict::Ok {
            odd.push(u32::try_from(from).unwrap_or(NONE));
        }
        // What a pod uses behind another plugin is its node's, whatever its address is.
        let range = if cluster.mode.is_foreign() {
            address.node.map(|node| node_range(cluster, node))
        } else {
            address.range
        };
        let Some(at) = range.filter(|at| (*at as usize) < counts.len()) else { continue };
        let count = &mut counts[at as usize];
        count.0 += 1;
        count.1 += u128::from(address.owner.is_reserved());
        count.2 += u128::from(address.verdict == Verdict::Suspect);
        in_use.push((at, number(address.ip)));
    }
    cluster.odd = odd;
    let mut by_range = grouped(&in_use, &counts);
    for (at, range) in cluster.ranges.iter_mut().enumerate() {
        (range.used, range.reserved, range.leaked) = counts[at];
        let own = std::mem::take(&mut by_range[at]);
        let (Kind::Block(rule), Some(prefix)) = (range.kind, range.prefix) else { continue };
        if usable(&prefix, rule) == 0 {
            continue;
        }
        range.largest_free = free_block(&prefix, rule, &own);
    }
}

/// The addresses of each range. They come in order, so each range's are in order too.
fn grouped(in_use: &[(u32, u128)], counts: &[(u128, u128, u128)]) -> Vec<Vec<u128>> {
    let room = |count: &(u128, u128, u128)| usize::try_from(count.0).unwrap_or_default();
    let mut by_range: Vec<Vec<u128>> =
        counts.iter().map(|count| Vec::with_capacity(room(count))).collect();
    for (at, number) in in_use {
        by_range[*at as usize].push(*number);
    }
    by_range
}

fn node_range(cluster: &Cluster, node: u32) -> u32 {
    let ranges = cluster.node(node).map(|node| node.ranges.start).unwrap_or_default();
    u32::try_from(ranges).unwrap_or(NONE)
}

/// The largest free block; addresses at the ends that are never handed out are no free ones.
fn free_block(prefix: &Prefix, rule: Rule, used: &[u128]) -> Option<Prefix> {
    let (low, high) = bounds(prefix);
    let has_ends = prefix.family().bits() - prefix.len() >= 2;
    let (first, last) = match rule {
        Rule::HostScope => (true, true),
        Rule::MultiPool { first, last } => (!first, !last),
    };
    let ends = |is_kept: bool, at: u128| (has_ends && is_kept).then_some((at, at));
    let used = used.iter().map(|at| (*at, *at));
    let taken = ends(first, low).into_iter().chain(used).chain(ends(last, high));
    largest_free(prefix, taken)
}
