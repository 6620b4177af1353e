//! Settings three ways: as they are written, as an agent read them at its start, and as they are
//! in force there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use serde_json::Value;

use super::{Cluster, Node, values};
use crate::known;
use crate::parse::sources::{CONFIG, Source, Sources};

/// How a setting stands on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What is written is in force.
    InForce,
    /// Nothing is written, and the agent goes by its own default.
    Unwritten,
    /// Another value is in force, which the agent works out from other settings or the node.
    Derived,
    /// Another value is in force: it was changed, and the agent has not been restarted.
    Drift,
    /// The agent does not show this setting, or its answer cannot be compared.
    NotShown,
    /// The agent was not heard.
    Unknown,
}

impl Verdict {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Unwritten => "default",
            Self::Derived => "derived",
            Self::Drift => "drift",
            Self::NotShown => "not-shown",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a value stands that overrules `cilium-config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A `ConfigMap` of another name.
    ConfigMap(String),
    /// A `CiliumNodeConfig`.
    NodeConfig(String),
    /// An annotation or label: which of them, and its name.
    Own(&'static str, String),
    /// The same of another node than the agent's, and that node's name.
    OfNode(&'static str, String, String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigMap(name) => write!(f, "ConfigMap {name}"),
            Self::NodeConfig(name) => write!(f, "CiliumNodeConfig {name}"),
            Self::Own(what, name) => write!(f, "{what} {name}"),
            Self::OfNode(what, name, node) => write!(f, "{what} {name} of Node {node}"),
        }
    }
}

impl Origin {
    /// Where it can be read, for an agent on that node.
    pub fn place(&self, node: &str) -> String {
        match self {
            Self::Own(what, name) => format!("Node {node}, {what} {name}"),
            _ => self.to_string(),
        }
    }
}

/// A setting on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnNode {
    /// What `cilium-config` says.
    pub written: Option<String>,
    /// What overrules that on this node, and where it stands: of all sources of the agent the last
    /// one that says anything.
    pub overruling: Option<(String, Origin)>,
    /// What the agent read when it started.
    pub started_with: Option<String>,
    /// The agent's own name for it and the value that is in force.
    pub in_force: Option<(String, String)>,
    /// How that stands.
    pub verdict: Verdict,
}

impl OnNode {
    /// What ought to be in force: what is written, for this node above all.
    pub fn wanted(&self) -> Option<&str> {
        let own = self.overruling.as_ref().map(|(value, _)| value.as_str());
        own.or(self.written.as_deref())
    }
}

/// Settings of nodes, prepared so that looking one up does not search each time.
pub struct Settings<'c> {
    cluster: &'c Cluster,
    /// For each node the fields of its agent, by their letters alone.
    fields: Vec<BTreeMap<String, &'c str>>,
}

/// A name's letters, by which most fields are those of their keys.
fn letters(name: &str) -> String {
    name.chars().filter(|letter| *letter != '-').map(|letter| letter.to_ascii_lowercase()).collect()
}

impl<'c> Settings<'c> {
    /// Prepares those of a cluster.
    pub fn of(cluster: &'c Cluster) -> Self {
        let fields = cluster.nodes.iter().map(|node| {
            let known = node.answers.settings.known().into_iter().flatten();
            known.map(|(field, _)| (letters(field), &**field)).collect()
        });
        Self { cluster, fields: fields.collect() }
    }

    /// Every key that is written anywhere, or was when an agent started.
    pub fn keys(&self) -> BTreeSet<&'c str> {
        let nodes = self.cluster.nodes.iter();
        let started =
            nodes.flat_map(|node| node.answers.started_with.known().into_iter().flatten());
        // Where the settings come from is written beside them, by the agent's own init container.
        let is_setting =
            |key: &&str| !matches!(*key, "config-sources" | "config-sources-overrides");
        let started = started.map(|(key, _)| &**key).filter(is_setting);
        let configs = self.cluster.node_configs.known().into_iter().flatten();
        let own = configs.flat_map(|config| config.settings().keys().map(String::as_str));
        let others = self.cluster.other_configs.values().flat_map(BTreeMap::keys);
        let of_nodes = self.cluster.node_settings.iter().flat_map(|(name, settings)| {
            let is_taken = self.takes_settings_of(name);
            settings.keys().filter(move |_| is_taken)
        });
        let written = self.cluster.config.known().into_iter().flatten();
        let all = written.map(|(key, _)| key.as_str()).chain(own).chain(started);
        all.chain(others.chain(of_nodes).map(String::as_str)).collect()
    }

    /// Whether an agent takes settings from the Node of that name.
    fn takes_settings_of(&self, name: &str) -> bool {
        let takes = |node: &Node| {
            sources(node).all.iter().any(|source| match source {
                Source::Node(None) => node.name == name,
                Source::Node(Some(named)) => named == name,
                _ => false,
            })
        };
        self.cluster.nodes.iter().any(takes)
    }

    /// What overrules `cilium-config` on a node.
    ///
    /// - Order: that of the agent's sources, of which a later one counts; the first may set every
    ///   key, the others those that they are allowed to. Of `CiliumNodeConfig`s the one whose name
    ///   comes last counts.
    /// - Source: Cilium 1.17.6 to 1.20.2, `ResolveConfigurations` in
    ///   `pkg/option/resolver/resolver.go`.
    fn overruling(&self, node: &Node, key: &str) -> Option<(String, Origin)> {
        let cluster = self.cluster;
        let sources = sources(node);
        let mut last = None;
        for (number, source) in sources.all.iter().enumerate() {
            if number == 1 && !sources.may_overrule(key) {
                break;
            }
            match source {
                Source::ConfigMap(namespace, name) => {
                    let namespace = namespace.as_ref().unwrap_or(&cluster.namespace);
                    if name == CONFIG && *namespace == cluster.namespace {
                        // It overrules what stands before it.
                        if cluster.setting(key).is_some() {
                            last = None;
                        }
                        continue;
                    }
                    let other = cluster.other_configs.get(&(namespace.clone(), name.clone()));
                    if let Some(value) = other.and_then(|other| other.get(key)) {
                        last = Some((value.clone(), Origin::ConfigMap(name.clone())));
                    }
                }
                Source::NodeConfigs(namespace, name) => {
                    let namespace = namespace.as_ref().unwrap_or(&cluster.namespace);
                    let configs = cluster.node_configs.known().into_iter().flatten();
                    let found = configs
                        .filter(|config| config.is(namespace, name.as_deref()))
                        .filter(|config| name.is_some() || config.matches(&node.labels))
                        .filter_map(|config| {
                            let origin = Origin::NodeConfig(config.metadata.name.clone());
                            Some((config.settings().get(key)?.clone(), origin))
                        })
                        .next_back();
                    last = found.or(last);
                }
                Source::Node(name) => {
                    let named = name.as_ref().filter(|name| **name != node.name);
                    let settings = cluster.node_settings.get(named.unwrap_or(&node.name));
                    if let Some(own) = settings.and_then(|settings| settings.get(key)) {
                        let origin = match named {
                            Some(named) => {
                                Origin::OfNode(own.what, own.name.clone(), named.clone())
                            }
                            None => Origin::Own(own.what, own.name.clone()),
                        };
                        last = Some((own.value.clone(), origin));
                    }
                }
            }
        }
        last
    }

    /// The key that a word means: a key, or an agent's name for one.
    pub fn key_of(&self, word: &str) -> Option<String> {
        let keys = self.keys();
        if keys.contains(word) || known::find(word).is_some() {
            return Some(word.to_owned());
        }
        let all = keys.iter().copied().chain(known::all().map(|known| known.key));
        let by_field = all.into_iter().find(|key| known::is_field_of(word, key));
        by_field.map(str::to_owned).or_else(|| {
            let has_field = self.fields.iter().any(|fields| fields.contains_key(&letters(word)));
            has_field.then(|| word.to_owned())
        })
    }

    /// A setting on the node of that place in the cluster's list.
    pub fn on_node(&self, at: usize, key: &str) -> Option<OnNode> {
        let node = self.cluster.nodes.get(at)?;
        let written = self.cluster.setting(key).map(str::to_owned);
        let overruling = self.overruling(node, key);
        let field = self.field(at, node, key);
        let mut own =
            OnNode {
                // A file that is empty is not printed.
                started_with: node.answers.started_with.known().map(|files| {
                    files.get(key).map(|value| (**value).to_owned()).unwrap_or_default()
                }),
                in_force: None,
                verdict: Verdict::Unknown,
                written,
                overruling,
            };
        let is_gone = own.wanted().is_none()
            && self.cluster.config.known().is_some()
            && own.started_with.as_ref().is_some_and(|value| !value.is_empty());
        own.verdict = if is_gone && !known::is_of_operator(key) {
            Verdict::Drift
        } else {
            verdict(node, key, &own, field.as_ref().map(|(_, value)| value))
        };
        own.in_force = field.map(|(name, value)| (name, values::shown_like(own.wanted(), &value)));
        Some(own)
    }

    /// The agent's own name for a setting and its value.
    fn field(&self, at: usize, node: &Node, key: &str) -> Option<(String, Value)> {
        // Some are told by the status alone.
        let status = node.answers.status.known();
        let of_status = match key {
            "kube-proxy-replacement" => {
                status.and_then(|status| status.kube_proxy_replacement.as_deref())
            }
            "tunnel-protocol" => {
                status.and_then(|status| status.routing.as_ref()?.tunnel.as_deref())
            }
            _ => None,
        };
        if let Some(word) = of_status {
            return Some(("status".to_owned(), Value::String(word.to_ascii_lowercase())));
        }
        if known::WITHOUT_FIELD.contains(&key) {
            return None;
        }
        let wanted = letters(known::alias(key).unwrap_or(key));
        let name = *self.fields.get(at)?.get(&wanted)?;
        let value = Value::clone(node.answers.settings.known()?.get(name)?);
        Some((name.to_owned(), value))
    }
}

/// Where the agent of a node takes its settings from.
fn sources(node: &Node) -> &Sources {
    static USUAL: LazyLock<Sources> = LazyLock::new(Sources::default);
    node.agent.known().map_or(&*USUAL, |pod| &pod.sources)
}

fn verdict(node: &Node, key: &str, own: &OnNode, field: Option<&Value>) -> Verdict {
    let Some(wanted) = own.wanted() else {
        return match (field, node.answers.settings.known()) {
            (Some(_), _) => Verdict::Unwritten,
            (None, Some(_)) => Verdict::NotShown,
            (None, None) => Verdict::Unknown,
        };
    };
    if known::is_of_operator(key) {
        return Verdict::NotShown;
    }
    let is_in_force = field.and_then(|field| values::same(wanted, field));
    if let Some(started_with) = own.started_with.as_deref() {
        // What it read is what counts; it may have made something else of it.
        return match (started_with.trim() == wanted.trim(), is_in_force) {
            (false, _) => Verdict::Drift,
            (true, Some(false)) => Verdict::Derived,
            (true, _) => Verdict::InForce,
        };
    }
    let may_become =
        field.is_some_and(|field| known::may_become(key, wanted, &values::shown(field)));
    match (is_in_force, field) {
        (Some(true), _) => Verdict::InForce,
        (_, Some(_)) if may_become => Verdict::Derived,
        (Some(false), _) => Verdict::Drift,
        (None, Some(_)) => Verdict::NotShown,
        (None, None) if node.answers.settings.known().is_some() => Verdict::NotShown,
        (None, None) => Verdict::Unknown,
    }
}
