//! `nodes/kubelet-skew`, `nodes/kubelet-differs`, `nodes/kubelet-config`: kubelets against the
//! API server and against each other.

use std::collections::BTreeMap;

use lab_plugin::Finding;

use crate::model::{Cluster, Node};
use crate::parse::version::Version;

/// How many minor versions a kubelet may be older than the API server, since Kubernetes 1.28.
const OLDER: u32 = 3;

/// Adds the findings of kubelets' versions.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut by_version = BTreeMap::<&Version, Vec<String>>::new();
    for (host, node) in cluster.shown_nodes() {
        let Some(version) = &node.kubelet else { continue };
        by_version.entry(version).or_default().push(host.name.clone());
    }
    let versions: Vec<(&Version, Vec<String>)> = by_version.into_iter().collect();
    if let Some(server) = cluster.server.known() {
        for (version, names) in &versions {
            found.extend(skew(version, server, names));
        }
    }
    let [(oldest, _), .., (newest, _)] = versions.as_slice() else { return };
    let message = format!("nodes run kubelets from {oldest} to {newest}");
    let code = "nodes/kubelet-differs";
    let mut finding = if oldest.minor() == newest.minor() {
        Finding::info(code, "kubelet", message)
    } else {
        Finding::warn(code, "kubelet", message)
    };
    for (version, names) in versions.iter().take(4) {
        finding = finding.evidence(super::some_of(names), version.text.clone());
    }
    let names = &versions[0].1;
    found.push(finding.fix(format!(
        "bring {} to {newest}: kubectl drain NODE --ignore-daemonsets, kubeadm upgrade node, a new \
         kubelet package, systemctl restart kubelet, kubectl uncordon NODE",
        super::some_of(names)
    )));
}

fn skew(version: &Version, server: &Version, names: &[String]) -> Option<Finding> {
    let ((major, minor), (of_server, most)) = (version.minor(), server.minor());
    let is_newer = (major, minor) > (of_server, most);
    // Before 1.28 two minor versions were allowed.
    let older = if most >= 28 { OLDER } else { 2 };
    if !is_newer && (major != of_server || minor + older >= most) {
        return None;
    }
    let names = super::some_of(names);
    let message = if is_newer {
        format!("the kubelet of {names} is newer than the API server, which is not supported")
    } else {
        format!(
            "the kubelet of {names} is more than {older} minor versions older than the API server"
        )
    };
    Some(
        Finding::bad("nodes/kubelet-skew", version.text.clone(), message)
            .evidence(names, version.text.clone())
            .evidence("API server", server.text.clone())
            .fix(if is_newer {
                "upgrade the control plane first: kubeadm upgrade plan".to_owned()
            } else {
                "upgrade the kubelets, one minor version after the other: kubeadm upgrade node"
                    .to_owned()
            }),
    )
}

/// A setting of kubelets, and the nodes of each value.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What it is.
    pub name: &'static str,
    /// Nodes by value; `None` where it is not reported. The most common value comes first.
    pub values: Vec<(Option<String>, Vec<String>)>,
    /// Ought to be the same on every node.
    pub is_config: bool,
}

/// What kubelets report of themselves, folded by value.
pub fn settings(cluster: &Cluster) -> Vec<Setting> {
    type Pick = fn(&Node) -> Option<String>;
    let picks: [(&'static str, bool, Pick); 8] = [
        ("kubelet", false, |node| node.kubelet.as_ref().map(|version| version.text.clone())),
        ("container runtime", false, |node| node.runtime.clone()),
        ("operating system", false, |node| node.os.clone()),
        ("kernel", false, |node| node.kernel.clone()),
        ("architecture", false, |node| node.arch.clone()),
        ("max pods", true, |node| node.capacity.pods.map(|pods| pods.to_string())),
        ("reserved cpu", true, |node| {
            let reserved = (node.capacity.cpu? - node.allocatable.cpu?) * 1000.0;
            Some(format!("{reserved:.0}m"))
        }),
        ("reserved memory", true, |node| {
            let reserved = (node.capacity.memory? - node.allocatable.memory?) / 1024.0;
            Some(format!("{reserved:.0}Ki"))
        }),
    ];
    let fold = |(name, is_config, pick): (&'static str, bool, Pick)| {
        let mut values = BTreeMap::<Option<String>, Vec<String>>::new();
        for (host, node) in cluster.shown_nodes() {
            values.entry(pick(node)).or_default().push(host.name.clone());
        }
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
        Setting { name, values, is_config }
    };
    picks.into_iter().map(fold).collect()
}

/// Adds one finding for each setting that differs between kubelets.
pub(super) fn check_settings(cluster: &Cluster, found: &mut Vec<Finding>) {
    for setting in settings(cluster).iter().filter(|setting| setting.is_config) {
        let known: Vec<_> = setting
            .values
            .iter()
            .filter_map(|(value, names)| Some((value.as_ref()?, names)))
            .collect();
        if known.len() < 2 {
            continue;
        }
        let message = format!("{} differs between nodes: {} values", setting.name, known.len());
        let mut finding = Finding::info("nodes/kubelet-config", setting.name, message);
        for (value, names) in known.iter().take(4) {
            finding = finding.evidence(super::some_of(names), (*value).clone());
        }
        found.push(finding.fix(format!(
            "compare: kubectl get --raw /api/v1/nodes/{}/proxy/configz",
            known[1].1[0]
        )));
    }
}
