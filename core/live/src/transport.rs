//! The ways to a node's commands, by name, and what each can do for a node.
//!
//! Apart so that settings, messages and `doctor` share one vocabulary. Carries nothing.

use std::time::Duration;

use lab_types::Failure;

/// A way to run a command on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Exec in the pod of the node's agent, which shares the node's network.
    Agent,
    /// The system's `ssh`, where a node is named in the settings.
    Ssh,
    /// Exec in a pod that is made for this and deleted again, where that is allowed.
    DebugPod,
}

impl Transport {
    /// The order that counts when nothing is said.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Ssh, Self::DebugPod];
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::Ssh => "ssh",
            Self::DebugPod => "debug pod",
        })
    }
}

/// Whether one transport reaches a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachability {
    /// Which one.
    pub transport: Transport,
    /// What came of it.
    pub state: Reached,
}

/// What came of trying a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// A command ran.
    Yes {
        /// By what: `pod kube-system/cilium-x`, `vagrant@192.168.10.200`.
        by: String,
        /// From asking to the exit code, connecting included.
        took: Duration,
    },
    /// A debug pod would be admitted; none was made.
    Admitted {
        /// The namespace it would be made in.
        namespace: String,
    },
    /// Not, and why.
    No(Failure),
    /// Nobody allowed or configured it; the text says how to.
    Unused(String),
}
