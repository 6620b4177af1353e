//! Everything that was asked, before anything is made of it.
//!
//! Apart from the model so that tests can put a cluster together answer by answer.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::cilium::{AgentEndpoint, CiliumEndpoint};
use lab_plugin::Fact;

use crate::parse::agent_status::AgentStatus;
use crate::parse::metrics::Sample;
use crate::parse::modules::Modules;
use crate::parse::node::NodeRecord;
use crate::parse::node_config::NodeConfig;
use crate::parse::objects::{Pod, Workload};
use crate::parse::peers::Peers;
use crate::parse::reverse_path::ReversePath;
use crate::parse::shared::{Fields, Files};

/// What a host and the agent on it answered.
#[derive(Clone, Debug)]
pub struct Answers {
    /// `cilium-dbg status -o json`.
    pub status: Fact<AgentStatus>,
    /// `cilium-dbg metrics list`.
    pub metrics: Fact<Vec<Sample>>,
    /// Health of its modules.
    pub modules: Fact<Modules>,
    /// `cilium-dbg config --all`, by the agent's names.
    pub settings: Fact<Fields>,
    /// The settings that the agent read when it started, by key.
    pub started_with: Fact<Files>,
    /// Its probes of the other nodes.
    pub peers: Fact<Peers>,
    /// `rp_filter` of its devices.
    pub reverse_path: Fact<ReversePath>,
    /// How far the host's clock is ahead of the one here, in milliseconds.
    pub clock: Fact<i64>,
    /// Its endpoints.
    pub endpoints: Fact<Vec<AgentEndpoint>>,
    /// A line of its log that says why it falls back to something older.
    pub fallbacks: Vec<String>,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            status: Fact::not_asked(),
            metrics: Fact::not_asked(),
            modules: Fact::not_asked(),
            settings: Fact::not_asked(),
            started_with: Fact::not_asked(),
            peers: Fact::not_asked(),
            reverse_path: Fact::not_asked(),
            clock: Fact::not_asked(),
            endpoints: Fact::not_asked(),
            fallbacks: Vec::new(),
        }
    }
}

/// Everything that was asked.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The namespace that Cilium is in.
    pub namespace: String,
    /// `cilium-config`.
    pub config: Fact<BTreeMap<String, String>>,
    /// Other `ConfigMap`s that agents read, by namespace and name.
    pub other_configs: BTreeMap<(String, String), BTreeMap<String, String>>,
    /// Settings for some nodes, in the order in which they overrule each other.
    pub node_configs: Fact<Vec<NodeConfig>>,
    /// Nodes.
    pub nodes: Fact<Vec<NodeRecord>>,
    /// Pods of Cilium.
    pub pods: Fact<Vec<Pod>>,
    /// `DaemonSets` and `Deployments` of Cilium.
    pub workloads: Vec<Workload>,
    /// `CiliumEndpoints`.
    pub endpoints: Fact<Vec<CiliumEndpoint>>,
    /// Hosts that can be asked, with their addresses; nodes alone.
    pub hosts: Vec<(String, Vec<IpAddr>)>,
    /// What hosts answered, by name.
    pub answers: BTreeMap<String, Answers>,
    /// Ends of logs of pods that crash, by `namespace/name`.
    pub logs: BTreeMap<String, String>,
    /// Unix time in milliseconds; none where the answers were recorded.
    pub now: Option<i64>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            namespace: "kube-system".to_owned(),
            config: Fact::not_asked(),
            other_configs: BTreeMap::new(),
            node_configs: Fact::not_asked(),
            nodes: Fact::not_asked(),
            pods: Fact::not_asked(),
            workloads: Vec::new(),
            endpoints: Fact::not_asked(),
            hosts: Vec::new(),
            answers: BTreeMap::new(),
            logs: BTreeMap::new(),
            now: None,
        }
    }
}
