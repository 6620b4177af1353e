//! What is known of every host, side by side: rules of both families and backends, tools, sets,
//! and what the cluster's objects say of it.
//!
//! Apart from `collect.rs` because it is plain data that tests can make. It must not know columns.

use std::net::IpAddr;

use lab_netfilter::ipset::Sets;
use lab_netfilter::literal::Literals;
use lab_netfilter::nft::NftTable;
use lab_netfilter::ruleset::{Ruleset, Store, Tool};

use crate::expected::config::Config;

/// Everything that was collected.
#[derive(Debug, Default)]
pub struct Fleet {
    /// The texts of all rules.
    pub store: Store,
    /// Hosts in the order of the cluster, nodes first.
    pub hosts: Vec<Host>,
    /// What cilium-config says; why it is not known otherwise.
    pub config: Answer<Config>,
}

/// A value, or why it is not known; none where it was not asked.
pub type Answer<T> = Option<Result<T, String>>;

/// One of the two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// `ipv4`, `ipv6`
    pub const fn word(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }

    /// The tool of this family.
    pub const fn tool(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }
}

/// One host.
#[derive(Debug, Default)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Whether it is a node of the cluster.
    pub is_node: bool,
    /// Values that are its own.
    pub literals: Literals,
    /// Addresses that are its own, as far as objects and its devices tell.
    pub addresses: Vec<IpAddr>,
    /// Its podCIDRs, as Cilium uses them.
    pub pod_cidrs: Vec<String>,
    /// The address of its `cilium_host`, by family.
    pub routers: [Option<IpAddr>; 2],
    /// Version of its Cilium agent, such as `1.18.0`.
    pub cilium: Option<String>,
    /// Whether its agent is ready.
    pub is_agent_ready: Option<bool>,
    /// Whether kube-proxy runs on it; unknown without the list of pods.
    pub has_kube_proxy: Option<bool>,
    /// What the host's own tool prints, by family.
    pub rules: [Answer<Dump>; 2],
    /// What the tools of the two backends print, by family.
    pub legacy: [Answer<Dump>; 2],
    /// As `legacy`.
    pub nft: [Answer<Dump>; 2],
    /// The tool.
    pub tool: Answer<Tool>,
    /// Its sets.
    pub sets: Answer<Sets>,
    /// Tables of nftables.
    pub nft_tables: Answer<Vec<NftTable>>,
}

/// One dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// Where it is from, as evidence says it: `k8s-w1: iptables-save -c`.
    pub place: String,
    /// What it holds.
    pub set: Ruleset,
}

impl Host {
    /// The rules of a family.
    pub fn set(&self, family: Family) -> Option<&Ruleset> {
        self.dump(family).map(|dump| &dump.set)
    }

    /// The dump of a family.
    pub fn dump(&self, family: Family) -> Option<&Dump> {
        self.rules[family as usize].as_ref()?.as_ref().ok()
    }

    /// Why there are no rules of a family.
    pub fn why(&self, family: Family) -> Option<&str> {
        self.rules[family as usize].as_ref()?.as_ref().err().map(String::as_str)
    }

    /// `nf_tables`, `legacy`, or `nf_tables + legacy` where both hold rules; none where nothing
    /// says it.
    pub fn backend(&self) -> Option<String> {
        let own = self
            .dump(Family::V4)
            .and_then(|dump| dump.set.tool.as_ref())
            .or_else(|| self.tool.as_ref()?.as_ref().ok())?
            .backend
            .clone()?;
        Some(match self.second_backend() {
            Some((_, other, _)) => format!("{own} + {other}"),
            None => own,
        })
    }

    /// The backend that holds rules besides the one that the host's tool shows: its family, its
    /// name, and the place and text of its first rule or of the warning.
    pub fn second_backend(&self) -> Option<(Family, &'static str, Option<&Dump>)> {
        for family in Family::BOTH {
            let own = self.dump(family).and_then(|dump| dump.set.tool.as_ref());
            let own = own.and_then(|tool| tool.backend.as_deref()).unwrap_or("nf_tables");
            let (word, other) = match own {
                "legacy" => ("nf_tables", &self.nft[family as usize]),
                _ => ("legacy", &self.legacy[family as usize]),
            };
            if let Some(Ok(dump)) = other
                && dump.set.n_rules() > 0
                && self.set(family).is_some_and(|set| set.n_rules() > 0)
            {
                return Some((family, word, Some(dump)));
            }
            let warned = self.set(family).is_some_and(|set| {
                let is_told = |kind| kind == lab_netfilter::ruleset::TroubleKind::OtherBackend;
                set.troubles.iter().any(|trouble| is_told(trouble.kind))
            });
            if warned && other.is_none() {
                return Some((family, word, None));
            }
        }
        None
    }

    /// Version and backend of the tool.
    pub fn tool(&self) -> Option<&Tool> {
        self.dump(Family::V4)
            .and_then(|dump| dump.set.tool.as_ref())
            .or_else(|| self.tool.as_ref()?.as_ref().ok())
    }
}

impl Fleet {
    /// Hosts that are compared: nodes; every host where none is a node.
    pub fn compared(&self) -> Vec<usize> {
        let nodes: Vec<usize> =
            (0..self.hosts.len()).filter(|idx| self.hosts[*idx].is_node).collect();
        if nodes.is_empty() { (0..self.hosts.len()).collect() } else { nodes }
    }
}
