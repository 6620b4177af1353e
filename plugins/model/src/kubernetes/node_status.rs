//! What a kubelet reports of its machine: versions, conditions, and how much there is to share.
//!
//! Apart from the node's addresses, which every plugin reads, because only a table of nodes
//! needs it. It must not know what is in use: that is the metrics API's business.

use serde::Deserialize;

use super::{Condition, Node};

/// Versions and names as the kubelet reports them; what it leaves out is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInfo {
    /// `amd64`, `arm64` …
    pub architecture: String,
    /// `containerd://1.7.27`.
    pub container_runtime_version: String,
    /// As `uname -r` prints it.
    pub kernel_version: String,
    /// `v1.33.2`.
    pub kubelet_version: String,
    /// `linux` or `windows`.
    pub operating_system: String,
    /// `PRETTY_NAME` of `/etc/os-release`.
    pub os_image: String,
}

/// Amounts of a node, as Kubernetes writes quantities: `2`, `250m`, `24684096Ki`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Cores.
    pub cpu: Option<String>,
    /// Bytes.
    pub memory: Option<String>,
    /// Number of pods.
    pub pods: Option<String>,
}

impl Node {
    /// Versions and names of the machine.
    pub const fn info(&self) -> &NodeInfo {
        &self.status.node_info
    }

    /// What the machine has.
    pub const fn capacity(&self) -> &Resources {
        &self.status.capacity
    }

    /// What of it pods may use.
    pub const fn allocatable(&self) -> &Resources {
        &self.status.allocatable
    }

    /// Every condition that is reported.
    pub fn conditions(&self) -> &[Condition] {
        &self.status.conditions
    }

    /// Whether it takes no new pods because somebody said so.
    pub const fn is_cordoned(&self) -> bool {
        self.spec.unschedulable
    }

    /// Its roles: what follows `node-role.kubernetes.io/` in its labels.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let labels = self.metadata.labels.keys();
        labels.filter_map(|label| label.strip_prefix("node-role.kubernetes.io/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::parse_objects;

    #[test]
    fn a_machine_is_what_its_kubelet_reports() {
        let text = r#"[{"metadata":{"name":"a","labels":{"node-role.kubernetes.io/control-plane":"",
            "kubernetes.io/os":"linux"}},"spec":{"unschedulable":true},
            "status":{"capacity":{"cpu":"2","memory":"24684096Ki","pods":"110"},
            "allocatable":{"cpu":"1900m"},
            "conditions":[{"type":"Ready","status":"False","message":"CNI is not ready"}],
            "nodeInfo":{"kubeletVersion":"v1.33.2","osImage":"Ubuntu 24.04.2 LTS"}}},{}]"#;
        let (nodes, problems) = parse_objects::<Node>(text);
        assert_eq!(problems, []);
        let node = &nodes[0];
        assert_eq!(node.roles().collect::<Vec<_>>(), ["control-plane"]);
        assert!(node.is_cordoned() && !nodes[1].is_cordoned());
        assert_eq!(node.capacity().pods.as_deref(), Some("110"));
        assert_eq!(node.allocatable().cpu.as_deref(), Some("1900m"));
        assert_eq!(node.allocatable().pods, None);
        assert_eq!(node.info().kubelet_version, "v1.33.2");
        assert_eq!(node.conditions()[0].message, "CNI is not ready");
        assert_eq!(nodes[1].info(), &NodeInfo::default());
    }
}
