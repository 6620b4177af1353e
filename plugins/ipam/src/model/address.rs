//! One address: who has it, who agrees, and what is to be thought of it.
//!
//! Everything that is told about addresses one by one comes from here, so that the table, the
//! counts and the findings cannot disagree.

use std::net::IpAddr;

use lab_plugin::Fact;

use super::{By, Claim, Cluster, Kind, NONE};
use crate::inputs::Phase;

/// A pod that started less than this long ago may not be everywhere yet.
const YOUNG_MS: i64 = 30_000;

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A pod.
    Pod(u32),
    /// The router of its node.
    Router,
    /// The health endpoint of its node.
    Health,
    /// The ingress of its node.
    Ingress,
    /// Something of the node that only the node itself names.
    Named(u32),
    /// A pod that has ended.
    Ended(u32),
    /// Nobody.
    Nobody,
}

impl Owner {
    /// Whether it is the node's own and no pod's.
    pub const fn is_reserved(&self) -> bool {
        matches!(self, Self::Router | Self::Health | Self::Ingress)
    }
}

/// Who says that an address is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of five places")]
pub struct Sources {
    /// The Pod's status.
    pub pod: bool,
    /// The `CiliumEndpoint`.
    pub endpoint: bool,
    /// The `CiliumNode`.
    pub cilium_node: bool,
    /// The agent's allocations.
    pub agent: bool,
    /// The agent's endpoints.
    pub agent_endpoint: bool,
}

impl Sources {
    /// In words.
    pub fn words(self) -> String {
        let all = [
            (self.pod, "pod"),
            (self.endpoint, "endpoint"),
            (self.cilium_node, "ciliumnode"),
            (self.agent, "agent"),
            (self.agent_endpoint, "agent-endpoint"),
        ];
        let said: Vec<&str> = all.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
        said.join(",")
    }
}

/// What is to be thought of an address, the worst that is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All who should know it agree.
    Ok,
    /// A pod that has ended still has it.
    Ended,
    /// It is handed out and nobody has it.
    Suspect,
    /// A running pod that Cilium does not know.
    NoEndpoint,
    /// In use and not handed out.
    NotAllocated,
    /// A pod outside of what its node holds.
    Outside,
    /// The pod and its endpoint have different addresses.
    Differs,
    /// Several have it.
    Duplicate,
}

impl Verdict {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Ended => "ended",
            Self::Suspect => "suspect",
            Self::NoEndpoint => "no-endpoint",
            Self::NotAllocated => "not-allocated",
            Self::Outside => "outside",
            Self::Differs => "differs",
            Self::Duplicate => "duplicate",
        }
    }
}

/// One address.
#[derive(Clone, Debug)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The node it is on.
    pub node: Option<u32>,
    /// The range it is counted in.
    pub range: Option<u32>,
    /// Who has it.
    pub owner: Owner,
    /// Since when, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Who says so.
    pub sources: Sources,
    /// What is to be thought of it.
    pub verdict: Verdict,
}

/// A list that nearly always has one entry: the first costs no allocation, of a million.
struct Few<T> {
    first: Option<T>,
    others: Vec<T>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, others: Vec::new() }
    }
}

impl<T> Few<T> {
    fn push(&mut self, entry: T) {
        match self.first {
            None => self.first = Some(entry),
            Some(_) => self.others.push(entry),
        }
    }

    fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.others)
    }

    const fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

/// Who claims one address, taken apart.
#[derive(Default)]
struct Group {
    sources: Sources,
    pods: Few<u32>,
    endpoints: Few<u32>,
    ended: Option<u32>,
    reserved: Few<(u32, Owner)>,
    nodes: Few<u32>,
    /// Node and owner's word, of lists of used addresses and of agents.
    named: Few<(u32, u32)>,
    is_used: bool,
}

impl Group {
    fn of(claims: &[Claim]) -> Self {
        let mut group = Self::default();
        for claim in claims {
            let sources = &mut group.sources;
            match claim.by {
                By::Pod(at) => {
                    sources.pod = true;
                    group.pods.push(at);
                }
                By::EndedPod(at) => group.ended = group.ended.or(Some(at)),
                By::Endpoint(at) => {
                    sources.endpoint = true;
                    group.endpoints.push(at);
                }
                By::Router(at) => group.reserved.push((at, Owner::Router)),
                By::Health(at) => group.reserved.push((at, Owner::Health)),
                By::Ingress(at) => group.reserved.push((at, Owner::Ingress)),
                By::Used(node, word) => {
                    sources.cilium_node = true;
                    group.is_used = true;
                    group.named.push((node, word));
                }
                By::Agent(node, word) => {
                    sources.agent = true;
                    group.named.push((node, word));
                }
                By::AgentEndpoint(node, word) => {
                    sources.agent_endpoint = true;
                    group.named.push((node, word));
                }
                By::NodeAddress(at) => group.nodes.push(at),
            }
        }
        group.sources.cilium_node |= !group.reserved.is_empty();
        group
    }

    /// Whether anybody holds it now.
    fn is_held(&self) -> bool {
        let s = self.sources;
        s.pod || s.endpoint || s.cilium_node || s.agent || s.agent_endpoint
    }
}

impl Cluster {
    /// What is known of an address; `None` when it is in nobody's use, as that of a pod that
    /// ended, or that of a node itself.
    pub fn address(&self, claims: &[Claim]) -> Option<Address> {
        let ip = claims.first()?.ip;
        let group = Group::of(claims);
        if !group.is_held() {
            return None;
        }
        let owner = self.owner(&group);
        let node = self.node_in(&group, &owner);
        let range = self.range_at(ip, node);
        let node = node.or_else(|| Some(self.ranges.get(range? as usize)?.node));
        let since = match &owner {
            Owner::Pod(at) | Owner::Ended(at) => self.pods[*at as usize].since,
            Owner::Nobody => {
                let endpoint = group.endpoints.first();
                endpoint.and_then(|at| self.endpoint_list[*at as usize].since)
            }
            _ => None,
        };
        let verdict = self.verdict(ip, &group, &owner, node, range);
        Some(Address { ip, node, range, owner, since, sources: group.sources, verdict })
    }

    fn owner(&self, group: &Group) -> Owner {
        if let Some(at) = group.pods.first() {
            return Owner::Pod(*at);
        }
        if let Some((_, owner)) = group.reserved.first() {
            return owner.clone();
        }
        for (_, word) in group.named.iter() {
            match self.words.get(*word as usize).map(String::as_str) {
                Some("router") => return Owner::Router,
                Some("health") => return Owner::Health,
                Some("ingress") => return Owner::Ingress,
                // Names of pods have a namespace; whatever has none is something of the node.
                Some(text) if !text.is_empty() && !text.contains('/') => {
                    return Owner::Named(*word);
                }
                _ => {}
            }
        }
        if let Some(at) = self.expected(group) {
            return Owner::Pod(at);
        }
        match group.ended {
            Some(at) => Owner::Ended(at),
            None => Owner::Nobody,
        }
    }

    /// A pod that the address is meant for and whose status does not say so yet.
    fn expected(&self, group: &Group) -> Option<u32> {
        let by_endpoint = group.endpoints.iter().map(|at| self.pod_of[*at as usize]);
        let by_word = group.named.iter().filter_map(|(_, word)| {
            let (namespace, name) = self.words.get(*word as usize)?.split_once('/')?;
            // Behind the name an agent may say more, such as `[restored]`.
            self.pod_at(namespace, name.split(' ').next().unwrap_or_default())
        });
        by_endpoint.chain(by_word).find(|at| {
            self.pods.get(*at as usize).is_some_and(|pod| pod.counts() && pod.ips.is_empty())
        })
    }

    fn node_in(&self, group: &Group, owner: &Owner) -> Option<u32> {
        if let Owner::Pod(at) | Owner::Ended(at) = owner {
            return Some(self.node_of[*at as usize]).filter(|node| *node != NONE);
        }
        let reserved = group.reserved.first().map(|(node, _)| *node);
        reserved.or_else(|| group.named.first().map(|(node, _)| *node)).or_else(|| {
            let endpoint = &self.endpoint_list[*group.endpoints.first()? as usize];
            self.node_with(endpoint.node?)
        })
    }

    /// The node that has an address for itself.
    pub fn node_with(&self, ip: IpAddr) -> Option<u32> {
        let from = self.claims.partition_point(|claim| claim.ip < ip);
        let mut same = self.claims[from..].iter().take_while(|claim| claim.ip == ip);
        same.find_map(|claim| match claim.by {
            By::NodeAddress(at) => Some(at),
            _ => None,
        })
    }

    /// Whether a pod may not have reached every place yet, or is on its way out.
    pub fn is_settling(&self, pod: u32) -> bool {
        let pod = &self.pods[pod as usize];
        let is_young = match (self.now, pod.since) {
            (Some(now), Some(since)) => now.saturating_sub(since) < YOUNG_MS,
            _ => false,
        };
        pod.is_leaving || pod.phase != Phase::Running || is_young
    }

    fn verdict(
        &self,
        ip: IpAddr,
        group: &Group,
        owner: &Owner,
        node: Option<u32>,
        range: Option<u32>,
    ) -> Verdict {
        if self.is_duplicate(group) {
            return Verdict::Duplicate;
        }
        let Owner::Pod(at) = *owner else {
            return match owner {
                // An endpoint may be older than the pod's new address.
                Owner::Nobody if self.endpoint_differs(group) => Verdict::Differs,
                Owner::Nobody if self.pods_known.known().is_none() => Verdict::Ok,
                Owner::Nobody => Verdict::Suspect,
                Owner::Ended(_) => Verdict::Ended,
                _ => Verdict::Ok,
            };
        };
        let pod = &self.pods[at as usize];
        let endpoint = self.endpoint_of[at as usize];
        let is_settling = self.is_settling(at);
        if endpoint != NONE && !is_settling {
            let endpoint = &self.endpoint_list[endpoint as usize];
            if !endpoint.ips.is_empty() && !endpoint.ips.contains(&ip) {
                return Verdict::Differs;
            }
        }
        let is_counted_there = range.is_some_and(|at| Some(self.ranges[at as usize].node) == node);
        if let Some(node) = node
            && !is_counted_there
            && !self.mode.is_foreign()
            && self.is_in_node(ip, node) == Some(false)
        {
            return Verdict::Outside;
        }
        if !is_settling && self.is_unallocated(pod.node.as_ref(), group, range) {
            return Verdict::NotAllocated;
        }
        if endpoint == NONE && !is_settling && matches!(self.endpoints, Fact::Known(())) {
            return Verdict::NoEndpoint;
        }
        Verdict::Ok
    }

    /// Whether more than one has it. What names the same pod twice is one.
    fn is_duplicate(&self, group: &Group) -> bool {
        let pods = group.pods.iter().filter(|at| !self.pods[**at as usize].is_leaving);
        let n_pods = pods.count();
        // With another program's addresses every node may have the same router address.
        let reserved = group.reserved.iter().filter(|_| !self.mode.is_foreign());
        let mut nodes: Vec<u32> = reserved.map(|(node, _)| *node).collect();
        // The address of a node alone is nobody's but its own; a cloud's router may share it.
        if n_pods > 0 || !nodes.is_empty() {
            nodes.extend(group.nodes.iter());
        }
        nodes.sort_unstable();
        nodes.dedup();
        // An endpoint of another pod that runs is another holder.
        let strangers = group.endpoints.iter().filter(|at| {
            let pod = self.pod_of[**at as usize];
            pod != NONE
                && !group.pods.iter().any(|own| *own == pod)
                && !self.is_settling(pod)
                && !group.pods.is_empty()
        });
        n_pods + nodes.len() > 1 || strangers.count() > 0
    }

    /// Whether it is that of an endpoint whose pod has another address.
    fn endpoint_differs(&self, group: &Group) -> bool {
        group.endpoints.iter().any(|at| {
            let pod = self.pod_of[*at as usize];
            pod != NONE
                && self.pods[pod as usize].counts()
                && !self.pods[pod as usize].ips.is_empty()
                && !self.is_settling(pod)
        })
    }

    /// Whether a pod uses what nobody handed out: of a list that says what is used, or of an
    /// agent that was asked.
    fn is_unallocated(&self, node: &str, group: &Group, range: Option<u32>) -> bool {
        if let Some(ipam) = self.agents.get(node).and_then(|agent| agent.ipam.known()) {
            return !ipam.allocations.is_empty() && !group.sources.agent;
        }
        let is_list = range.is_some_and(|at| self.ranges[at as usize].kind == Kind::List);
        is_list && !group.is_used && self.says_what_is_used(node)
    }

    fn says_what_is_used(&self, node: &str) -> bool {
        let node = self.node_at(node).and_then(|at| self.node(at));
        node.and_then(|node| node.cilium.as_ref()).is_some_and(|node| node.used().next().is_some())
    }
}
