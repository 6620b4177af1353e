//! What is known of a cluster when its upgrade is judged: plain values, each with why it is not
//! known where it is not.
//!
//! Rules look at nothing else. It must not know where the values came from, nor what is wrong
//! with them.

use std::collections::BTreeMap;

use lab_plugin::Fact;
use serde::Deserialize;

use crate::marks::Mark;
use crate::version::Version;

/// Something that was seen, as evidence shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Where: an object, a key, a node.
    pub place: String,
    /// Word for word what.
    pub text: String,
}

impl Seen {
    /// What was seen at a place.
    pub fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

/// A machine of the cluster, as its kubelet describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFact {
    /// Its name.
    pub name: String,
    /// The kernel, as `uname -r` prints it.
    pub kernel: String,
    /// `PRETTY_NAME` of its system, such as `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// The kernel's version; `None` when its text is none. Read once: every rule about kernels
    /// asks each node.
    pub version: Option<Version>,
}

impl NodeFact {
    /// A machine with its kernel and system.
    pub fn new(name: impl Into<String>, kernel: impl Into<String>, os: impl Into<String>) -> Self {
        let kernel = kernel.into();
        let version = kernel.parse().ok();
        Self { name: name.into(), kernel, os: os.into(), version }
    }
}

/// A custom resource's definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crd {
    /// Its versions in the order of the definition.
    pub versions: Vec<CrdVersion>,
    /// Versions that objects may still be stored in.
    pub stored: Vec<String>,
    /// `io.cilium.k8s.crd.schema.version`.
    pub schema: Option<String>,
    /// `gateway.networking.k8s.io/bundle-version`.
    pub bundle: Option<Version>,
}

/// One version of a custom resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CrdVersion {
    /// `v2alpha1`.
    pub name: String,
    /// Whether the API server answers for it.
    pub served: bool,
    /// Whether new objects are stored in it.
    pub storage: bool,
    /// Whether the API server warns of it.
    pub deprecated: bool,
}

/// Everything that rules look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Cilium's version now.
    pub from: Version,
    /// The version that is wanted.
    pub to: Version,
    /// The API server's version.
    pub kubernetes: Fact<Version>,
    /// `cilium-config`.
    pub config: Fact<BTreeMap<String, String>>,
    /// Flags on the command lines of agent and operator, without `--`.
    pub args: Fact<BTreeMap<String, String>>,
    /// Environment of the agent's container; what comes from elsewhere is empty.
    pub env: Fact<BTreeMap<String, String>>,
    /// Values of the Helm release by their path, such as `hubble.relay.enabled`.
    pub values: Fact<BTreeMap<String, String>>,
    /// The nodes.
    pub nodes: Fact<Vec<NodeFact>>,
    /// Definitions of Cilium's resources and of those of the Gateway API, by name.
    pub crds: Fact<BTreeMap<String, Crd>>,
    /// Metrics of Cilium that alerts use, each with the `PrometheusRule` that does.
    pub metrics: Fact<BTreeMap<String, String>>,
    /// How many agents may be down at once, as the `DaemonSet` has it.
    pub max_unavailable: Option<String>,
    /// What was found in objects, by what it is; a mark that is not here was not looked for.
    pub marks: BTreeMap<Mark, Fact<Vec<Seen>>>,
}

impl Facts {
    /// Nothing known but the two versions.
    pub fn new(from: Version, to: Version) -> Self {
        Self {
            from,
            to,
            kubernetes: Fact::not_asked(),
            config: Fact::not_asked(),
            args: Fact::not_asked(),
            env: Fact::not_asked(),
            values: Fact::not_asked(),
            nodes: Fact::not_asked(),
            crds: Fact::not_asked(),
            metrics: Fact::not_asked(),
            max_unavailable: None,
            marks: BTreeMap::new(),
        }
    }

    /// A setting of `cilium-config`; `None` where the key or the whole is not known.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.config.known()?.get(key).map(String::as_str)
    }

    /// Whether the wanted version is older than the one that runs.
    pub fn is_downgrade(&self) -> bool {
        self.to.line() < self.from.line()
            || (self.to.line() == self.from.line() && self.to.is_below(&self.from))
    }
}
