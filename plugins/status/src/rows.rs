//! Columns: where words become cells.
//!
//! Column ids and their order are a promise: add at the end only. Nothing is judged here.

use lab_plugin::{Cell, ColumnKind, Fact, Health, IntoCell, Json, Percent, Timestamp, row};

/// A number that may be none: JSON has no word for `NaN` and infinities, so they are texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

impl IntoCell for Number {
    const KIND: ColumnKind = ColumnKind::Decimal;
    fn into_cell(self) -> Cell {
        match self.0 {
            number if number.is_nan() => Cell::Text("NaN".to_owned()),
            f64::INFINITY => Cell::Text("+Inf".to_owned()),
            f64::NEG_INFINITY => Cell::Text("-Inf".to_owned()),
            number => Cell::Decimal(number),
        }
    }
}

row! {
    /// One node and its agent.
    pub struct AgentRow {
        /// The node.
        pub host: String,
        /// Whether its agent is ready; `crash-loop` starts and ends again and again.
        pub ready: Fact<Health>,
        /// Version of the agent that runs, or of its image where it does not say.
        pub version: Fact<String>,
        /// How often its containers were started again.
        pub restarts: Fact<i64>,
        /// Endpoints that are ready, of all on the node.
        pub endpoints: Fact<String>,
        /// Security identities that the agent knows.
        pub identities: Fact<i64>,
        /// Addresses in use, of those that it can hand out.
        pub ipam: Fact<String>,
        /// How packets reach other nodes, in force: `native`, or `tunnel` with what encapsulates.
        pub routing: Fact<String>,
        /// Who forwards pods' packets on the node: `bpf`, or the host's stack (`legacy`).
        pub host_routing: Fact<String>,
        /// Whether it does what kube-proxy does.
        pub kube_proxy_replacement: Fact<String>,
        /// Who gives packets that leave the cluster their node's address.
        pub masquerading: Fact<String>,
        /// Modules that do not work, or `ok`.
        pub modules: Fact<Health>,
        /// Controllers that fail, or how many there are.
        pub controllers: Fact<Health>,
        /// Nodes that its probes reach; `not-probed` where probing is off.
        pub peers: Fact<Health>,
        /// The fullest of its BPF maps.
        pub map_pressure: Fact<Percent>,
        /// Its connection to the API server.
        pub api: Fact<Health>,
        /// When the agent started.
        pub started: Fact<Timestamp>,
        /// Its connection to a key-value store.
        pub kvstore: Fact<String> as wide,
        /// What encrypts between nodes.
        pub encryption: Fact<String> as wide,
        /// Redirects to the proxy.
        pub proxy: Fact<String> as wide,
        /// Flows that Hubble remembers, of those it can.
        pub hubble: Fact<String> as wide,
        /// Name of the fullest map.
        pub fullest_map: Fact<String> as wide,
        /// Seconds that its clock is ahead of most others'.
        pub clock_skew: Fact<f64> as wide,
        /// Events that its monitor has lost.
        pub monitor_lost: Fact<i64> as wide,
        /// Packets dropped since the agent started.
        pub drops: Fact<Number> as wide,
        /// How pods are connected.
        pub device_mode: Fact<String> as wide,
        /// How BPF programs are attached.
        pub attach_mode: Fact<String> as wide,
        /// Ranges that are not masqueraded.
        pub not_masqueraded: Fact<String> as wide,
        /// The agent's pod.
        pub pod: Fact<String> as wide,
    }
}

row! {
    /// One DaemonSet or Deployment of Cilium.
    pub struct ComponentRow {
        /// DaemonSet or Deployment.
        pub kind: &'static str,
        /// Its name.
        pub name: String,
        /// Whether all its pods are ready.
        pub state: Health,
        /// Pods that there ought to be.
        pub desired: Option<i64>,
        /// Pods that are ready.
        pub ready: i64,
        /// Pods that have been ready for long enough.
        pub available: i64,
        /// Pods made after its present template.
        pub up_to_date: i64,
        /// Version in its image.
        pub version: Option<String>,
        /// How often containers of its pods were started again.
        pub restarts: i64,
        /// Its namespace.
        pub namespace: String as wide,
    }
}

row! {
    /// One setting and one value of it that nodes have in common.
    pub struct SettingRow {
        /// The key.
        pub key: String,
        /// The value that is in force; `?` where no agent shows it.
        pub in_force: Fact<String>,
        /// What `cilium-config` says.
        pub written: Option<String>,
        /// What overrules that on these nodes: a CiliumNodeConfig, or an annotation of the Node.
        pub node_config: Option<String>,
        /// How these stand: `in-force`, `drift`, `derived` (the agent works it out itself),
        /// `default`, `not-shown`.
        pub verdict: Health,
        /// Nodes with this value; `all` for every one.
        pub hosts: String,
        /// What the chart of the cluster's version writes where no value is given.
        pub default: Fact<String>,
        /// What it is for.
        pub about: Option<&'static str> as wide,
        /// The agent's own name for it.
        pub field: Option<String> as wide,
        /// What it depends on, where the agent works it out itself.
        pub depends_on: Option<&'static str> as wide,
        /// Where that which overrules `cilium-config` stands.
        pub origin: Option<String> as wide,
        /// The release of the chart that the default is of.
        pub default_of: Fact<String> as hidden,
    }
}

row! {
    /// What one setting is.
    pub struct KeyRow {
        /// The key.
        pub key: String,
        /// What it is for.
        pub about: Option<&'static str>,
        /// What the chart of the cluster's version writes where no value is given.
        pub default: Fact<String>,
        /// What it depends on, where the agent works it out itself.
        pub depends_on: Option<&'static str>,
        /// The agent's own name for it.
        pub field: Option<String>,
        /// The release of the chart that the default is of.
        pub default_of: Fact<String> as hidden,
    }
}

row! {
    /// One setting on one node.
    pub struct NodeSettingRow {
        /// The node.
        pub host: String,
        /// The key.
        pub key: String,
        /// The value that is in force there.
        pub in_force: Fact<String>,
        /// What `cilium-config` says.
        pub written: Option<String>,
        /// What overrules that on this node, and where it stands.
        pub node_config: Option<String>,
        /// What the agent read when it started.
        pub started_with: Fact<String>,
        /// How these stand.
        pub verdict: Health,
    }
}

row! {
    /// One metric with one set of labels.
    pub struct MetricRow {
        /// Its name.
        pub name: String,
        /// Its labels, as Prometheus writes them.
        pub labels: String,
        /// The node; `*` for all of them.
        pub host: String,
        /// The value: the sum over all nodes, or the greatest where a sum makes no sense.
        pub value: Option<Number>,
        /// How the value is made of several nodes' values: `sum` or `max`.
        pub over: Option<&'static str>,
        /// Half of what a histogram has seen is below; of several nodes the greatest.
        pub p50: Option<Number>,
        /// Nine tenths of it are below.
        pub p90: Option<Number>,
        /// All of it but a hundredth is below.
        pub p99: Option<Number>,
        /// Change in a second, with --rate.
        pub rate: Option<Number>,
        /// How many nodes have it.
        pub n_hosts: i64,
        /// Its labels as a document.
        pub label_set: Json as hidden,
    }
}

row! {
    /// One endpoint.
    pub struct EndpointRow {
        /// The node.
        pub host: Option<String>,
        /// Its pod's namespace.
        pub namespace: Option<String>,
        /// Its pod, or `host`, `health`, `ingress`.
        pub name: String,
        /// Its addresses.
        pub ip: Option<String>,
        /// Its number on the node.
        pub id: Option<i64>,
        /// Its security identity.
        pub identity: Option<i64>,
        /// Labels that the identity stands for, without those of the namespace and the cluster.
        pub labels: Option<String>,
        /// Whether policy is enforced on what comes in: `enforced`, `audit`, or `open`.
        pub ingress: Fact<Health>,
        /// Whether policy is enforced on what goes out.
        pub egress: Fact<Health>,
        /// Its state, and its health where that is bad.
        pub state: Fact<Health>,
        /// Who says so: agent or CiliumEndpoint.
        pub source: &'static str as wide,
        /// Every label of the identity.
        pub all_labels: Option<String> as wide,
    }
}
