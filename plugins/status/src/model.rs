//! The cluster as its agents are: everything that is known of each, in one place.

pub mod build;
pub mod defaults;
pub mod fallback;
pub mod settings;
pub mod values;

use std::collections::BTreeMap;

use lab_charts::version::Version;
use lab_plugin::Fact;

use crate::inputs::Answers;
use crate::parse::metrics::Sample;
use crate::parse::modules::Modules;
use crate::parse::node::NodeSetting;
use crate::parse::node_config::NodeConfig;
use crate::parse::objects::{Pod, Workload};

/// A node and the agent on it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The agent's pod; the one that is ready, where several claim to be it.
    pub agent: Fact<Pod>,
    /// What the agent and the host answered.
    pub answers: Answers,
    /// How many of its endpoints are ready, and how many there are.
    pub endpoints: Fact<(usize, usize)>,
}

impl Node {
    /// Version of the agent that runs; that of its image where it does not say.
    pub fn version(&self) -> Option<&str> {
        let own = self.answers.status.known().and_then(|status| status.version());
        own.or_else(|| self.agent.known()?.version.as_deref())
    }

    /// A metric's value without labels, or the sum over all of them.
    pub fn metric_sum(&self, name: &str) -> Option<f64> {
        let samples = self.answers.metrics.known()?;
        let mut numbers =
            samples.iter().filter(|sample| &*sample.name == name).filter_map(Sample::number);
        let first = numbers.next()?;
        Some(numbers.fold(first, |sum, number| sum + number))
    }

    /// How full its BPF maps are, the fullest first; `None` where metrics are not known.
    ///
    /// - Units: 0 to 1.
    pub fn map_pressures(&self) -> Option<Vec<(&str, f64)>> {
        let samples = self.answers.metrics.known()?;
        let of_maps = samples.iter().filter(|sample| &*sample.name == "cilium_bpf_map_pressure");
        let mut all: Vec<(&str, f64)> = of_maps
            .filter_map(|sample| Some((sample.label("map_name")?, sample.number()?)))
            .filter(|(_, pressure)| pressure.is_finite())
            .collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        Some(all)
    }

    /// Health of its modules; their numbers alone where only metrics tell it.
    pub fn modules(&self) -> Fact<Modules> {
        if self.answers.modules.known().is_some() {
            return self.answers.modules.clone();
        }
        let Some(samples) = self.answers.metrics.known() else {
            return self.answers.modules.clone();
        };
        let mut own =
            samples.iter().filter(|sample| &*sample.name == "cilium_hive_status").peekable();
        if own.peek().is_none() {
            return self.answers.modules.clone();
        }
        let mut modules = Modules::default();
        for sample in own {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float is cut at the ends of its range"
            )]
            let number = sample.number().unwrap_or_default() as usize;
            match sample.label("status") {
                Some("degraded") => modules.n_degraded += number,
                Some("stopped") => modules.stopped += number,
                Some("ok") => modules.ok += number,
                _ => {}
            }
        }
        Fact::Known(modules)
    }
}

/// Everything that is known.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The namespace that Cilium is in.
    pub namespace: String,
    /// Its nodes by name; those that the user wants to see.
    pub nodes: Vec<Node>,
    /// Whether Cilium is there at all.
    pub has_cilium: bool,
    /// `cilium-config`.
    pub config: Fact<BTreeMap<String, String>>,
    /// Other `ConfigMap`s that agents read, by namespace and name.
    pub other_configs: BTreeMap<(String, String), BTreeMap<String, String>>,
    /// Settings in labels and annotations of Nodes, by node and key; agents take them only if they
    /// are told to.
    pub node_settings: BTreeMap<String, BTreeMap<String, NodeSetting>>,
    /// Settings for some nodes, in the order in which they overrule each other.
    pub node_configs: Fact<Vec<NodeConfig>>,
    /// Pods of Cilium, agents among them.
    pub pods: Vec<Pod>,
    /// `DaemonSets` and `Deployments` of Cilium.
    pub workloads: Vec<Workload>,
    /// Ends of logs of pods that crash, by `namespace/name`.
    pub logs: BTreeMap<String, String>,
    /// Unix time in milliseconds; none where the answers were recorded.
    pub now: Option<i64>,
}

impl Cluster {
    /// A setting of `cilium-config`.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.config.known()?.get(key).map(String::as_str)
    }

    /// How far each node's clock is from that of most others, in milliseconds, in the order of the
    /// nodes.
    ///
    /// The clock here may be wrong itself, so nodes are compared with the middle of them.
    pub fn clock_skews(&self) -> Vec<Fact<i64>> {
        let mut known: Vec<i64> =
            self.nodes.iter().filter_map(|node| node.answers.clock.known().copied()).collect();
        known.sort_unstable();
        let middle = known.get(known.len().saturating_sub(1) / 2).copied().unwrap_or_default();
        self.nodes
            .iter()
            .map(|node| node.answers.clock.map(|it| it.saturating_sub(middle)))
            .collect()
    }

    /// The version that most agents have; of two that as many have the newer one.
    pub fn version(&self) -> Option<Version> {
        let mut counts: BTreeMap<Version, usize> = BTreeMap::new();
        for node in &self.nodes {
            if let Some(version) = node.version().and_then(|text| text.parse().ok()) {
                *counts.entry(version).or_default() += 1;
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(version, _)| version)
    }
}
