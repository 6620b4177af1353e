//! What can be asked, and what an answer looks like.

use serde::Deserialize;
use serde::Serialize;

/// Whether a host is a node of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    /// A Kubernetes node.
    Node,
    /// A host beside the cluster that the user's settings name, such as a router.
    Extra,
}

/// A machine that can be asked. Never identified by its first address: hosts of a lab often
/// share one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The node's name, or the name in the settings.
    pub name: String,
    /// Node or not.
    pub kind: HostKind,
    /// Addresses by which others know it; of a node its `InternalIP`s.
    pub addresses: Vec<String>,
}

/// Where a command runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The network namespace of the host itself.
    Host {
        /// Which host.
        host: String,
    },
    /// The container of the Cilium agent on that host.
    Agent {
        /// Which host.
        host: String,
    },
    /// A container of a pod.
    Pod {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        name: String,
        /// The pod's only or first container when absent.
        container: Option<String>,
    },
    /// The relay that gathers what the agents of all hosts see. It runs nothing: it answers a
    /// command in the words of the program that people ask it with.
    Relay,
}

impl Place {
    /// The host it names, if it names one.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Host { host } | Self::Agent { host } => Some(host),
            Self::Pod { .. } | Self::Relay => None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host { host } => f.write_str(host),
            Self::Agent { host } => write!(f, "agent on {host}"),
            Self::Pod { namespace, name, .. } => write!(f, "pod {namespace}/{name}"),
            Self::Relay => f.write_str("relay"),
        }
    }
}

/// One command at one place. Words, never a shell line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// Where it runs.
    pub place: Place,
    /// Program and arguments.
    pub argv: Vec<String>,
}

/// What a command printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit status.
    pub code: i32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: Vec<u8>,
    /// Output was cut at a limit.
    pub truncated: bool,
}

/// Which objects are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// `v1`, `cilium.io/v2`.
    pub api_version: String,
    /// `Node`.
    pub kind: String,
    /// Only this namespace.
    pub namespace: Option<String>,
    /// A label selector, as kubectl's `-l`.
    pub labels: Option<String>,
    /// A field selector, as kubectl's `--field-selector`.
    pub fields: Option<String>,
    /// Dotted paths to keep; all when empty. `metadata.name` and `metadata.namespace` always stay.
    pub keep: Vec<String>,
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.api_version, self.kind)
    }
}

/// Objects, one JSON document each, and where the next page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// JSON documents.
    pub items: Vec<String>,
    /// Pass it to the next call; absent on the last page.
    pub more: Option<String>,
}
