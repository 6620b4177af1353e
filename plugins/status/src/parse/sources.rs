//! Where an agent's settings come from, and in which order.

use std::collections::BTreeSet;

/// A place that settings are read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A `ConfigMap`, by namespace and name; without a namespace that of the agents.
    ConfigMap(Option<String>, String),
    /// Every `CiliumNodeConfig` of a namespace that selects the node; with a name that one, whatever
    /// it selects.
    NodeConfigs(Option<String>, Option<String>),
    /// Labels and annotations of a Node; without a name those of the agent's own.
    Node(Option<String>),
}

/// All of them; a later one overrules those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// In their order.
    pub all: Vec<Source>,
    /// Keys that others than the first may have; any where it is empty.
    allowed: BTreeSet<String>,
    /// Keys that they may not; of no account where some are allowed.
    denied: BTreeSet<String>,
}

/// The `ConfigMap` that the chart makes.
pub const CONFIG: &str = "cilium-config";

impl Default for Sources {
    /// Those of an agent that is told nothing else.
    fn default() -> Self {
        Self {
            all: vec![Source::ConfigMap(None, CONFIG.to_owned()), Source::NodeConfigs(None, None)],
            allowed: BTreeSet::new(),
            denied: BTreeSet::new(),
        }
    }
}

impl Sources {
    /// Those of an agent that reads the `ConfigMap` as it is.
    pub fn plain() -> Self {
        let mut sources = Self::default();
        sources.all.truncate(1);
        sources
    }

    /// Reads the words of the init container that gathers them.
    ///
    /// - Shape: `cilium-dbg build-config --source=config-map:cilium-config,cilium-node-config,node:
    ///   --allow-config-keys=debug,mtu --deny-config-keys=ipam`. Each flag may come again, and adds
    ///   to itself. A source is a kind and, behind `:`, a name or `namespace/name`; both may be
    ///   left out. One of an unknown kind is left out, for such an agent does not start.
    /// - Source: Cilium 1.17.6 to 1.20.2, `cilium-dbg/cmd/build-config.go`; values
    ///   daemon.configSources, daemon.allowedConfigOverrides and daemon.blockedConfigOverrides of
    ///   the chart.
    pub fn parse(words: &[String]) -> Self {
        let mut sources = Self::default();
        let mut named: Option<Vec<Source>> = None;
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (word, None),
            };
            if !matches!(flag, "--source" | "--allow-config-keys" | "--deny-config-keys") {
                continue;
            }
            let Some(value) = value.or_else(|| words.next()) else { break };
            let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
            match flag {
                "--source" => named.get_or_insert_default().extend(parts.filter_map(source)),
                "--allow-config-keys" => sources.allowed.extend(parts.map(str::to_owned)),
                _ => sources.denied.extend(parts.map(str::to_owned)),
            }
        }
        sources.all = named.unwrap_or(sources.all);
        sources
    }

    /// Whether others than the first may say something about a key.
    pub fn may_overrule(&self, key: &str) -> bool {
        if self.allowed.is_empty() {
            !self.denied.contains(key)
        } else {
            self.allowed.contains(key)
        }
    }
}

fn source(text: &str) -> Option<Source> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    // What the kubelet puts in is the agent's own.
    let given = |text: &str| {
        Some(text.to_owned()).filter(|text| !text.is_empty() && !text.starts_with("$("))
    };
    let (namespace, name) = match rest.split_once('/') {
        Some((namespace, name)) => (given(namespace), given(name)),
        None if kind == "cilium-node-config" => (given(rest), None),
        None => (None, given(rest)),
    };
    match kind {
        "config-map" => {
            Some(Source::ConfigMap(namespace, name.unwrap_or_else(|| CONFIG.to_owned())))
        }
        "cilium-node-config" => Some(Source::NodeConfigs(namespace, name)),
        "node" => Some(Source::Node(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Sources {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Sources::parse(&words)
    }

    #[test]
    fn without_a_word_there_are_two() {
        assert_eq!(parse("cilium-dbg build-config"), Sources::default());
        assert_eq!(Sources::plain().all, [Source::ConfigMap(None, "cilium-config".to_owned())]);
    }

    #[test]
    fn each_kind_has_its_short_form() {
        let text = |text: &str| Some(text.to_owned());
        let all = |line: &str| parse(line).all;
        assert_eq!(
            all("build-config --source=config-map:cilium-config,cilium-node-config,node:"),
            [
                Source::ConfigMap(None, "cilium-config".to_owned()),
                Source::NodeConfigs(None, None),
                Source::Node(None),
            ]
        );
        assert_eq!(
            all(
                "--source config-map:a/b --source=cilium-node-config:a --source cilium-node-config:a/c"
            ),
            [
                Source::ConfigMap(text("a"), "b".to_owned()),
                Source::NodeConfigs(text("a"), None),
                Source::NodeConfigs(text("a"), text("c")),
            ]
        );
        assert_eq!(
            all("--source=node:$(K8S_NODE_NAME),node:n1,magic:x,,config-map:"),
            [
                Source::Node(None),
                Source::Node(text("n1")),
                Source::ConfigMap(None, "cilium-config".to_owned()),
            ]
        );
        assert_eq!(all("--source"), Sources::default().all);
    }

    #[test]
    fn some_keys_may_be_all_that_is_allowed() {
        assert!(Sources::default().may_overrule("ipam"));
        let denied = parse("--deny-config-keys=ipam,mtu");
        assert!(!denied.may_overrule("ipam") && denied.may_overrule("debug"));
        let allowed = parse("--deny-config-keys=debug --allow-config-keys=debug");
        assert!(!allowed.may_overrule("ipam") && allowed.may_overrule("debug"));
    }
}
