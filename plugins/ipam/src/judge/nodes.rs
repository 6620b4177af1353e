//! What the objects of nodes say about themselves: which range counts, who waits, what the
//! operator could not do.

use lab_model::{AddressFamily, Prefix};
use lab_plugin::{Fact, Finding, Level};

use super::{evidence, list, some_of};
use crate::model::{Cluster, Kind, Mode, Node};
use crate::parse::family_word;

const CONFIG: &str = "ConfigMap kube-system/cilium-config";

/// Adds the findings of nodes.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    mode(cluster, found);
    which_counts(cluster, found);
    operator_errors(cluster, found);
    waiting(cluster, found);
    lonely(cluster, found);
    requests(cluster, found);
    unknown_pools(cluster, found);
}

/// `ipam/unknown-mode`.
fn mode(cluster: &Cluster, found: &mut Vec<Finding>) {
    let code = "ipam/unknown-mode";
    let unknown = |message: &str| Finding::new(Level::Unknown, code, "ipam", message);
    let told = match &cluster.mode {
        Mode::Delegated => Finding::info(
            code,
            "ipam",
            "another program hands out addresses: what pods use is shown, what is left is not known",
        )
        .fix("ask that program: its name is in /etc/cni/net.d on a node, key `ipam`"),
        Mode::Chained(name) => Finding::info(
            code,
            "ipam",
            format!("{name} hands out addresses and Cilium is chained behind it: what is left is not known"),
        )
        .fix(format!("ask {name} for its addresses")),
        Mode::Other(name) => unknown(&format!(
            "ipam={name} is not known here: ranges that the CiliumNodes have are shown, and what \
             their pods use"
        ))
        .fix("kubectl get ciliumnodes -o yaml"),
        Mode::Unknown => unknown("the mode of IPAM is not known: ranges that the CiliumNodes have are shown")
            .fix("kubectl --namespace kube-system get configmap cilium-config -o jsonpath='{.data.ipam}'"),
        _ => return,
    };
    found.push(told.evidence(CONFIG, cluster.mode_line.clone()));
}

/// podCIDRs as Cilium has them.
fn cilium_cidrs(node: &Node) -> Vec<Prefix> {
    let Some(cilium) = &node.cilium else { return Vec::new() };
    let pools = cilium.allocated().flat_map(|(_, prefixes, _)| prefixes.read.iter());
    cilium.pod_cidrs().read.iter().chain(pools).copied().collect()
}

/// `ipam/node-pod-cidr`: which of the two ranges counts.
fn which_counts(cluster: &Cluster, found: &mut Vec<Finding>) {
    let code = "ipam/node-pod-cidr";
    let stated =
        |node: &&Node| node.kubernetes.as_ref().is_some_and(|node| !node.pod_cidrs.is_empty());
    let nodes: Vec<&Node> = cluster.nodes.iter().filter(stated).collect();
    let Some(first) = nodes.first() else { return };
    let kubernetes = |node: &Node| {
        node.kubernetes.as_ref().map(|node| node.pod_cidrs.clone()).unwrap_or_default()
    };
    let both = |node: &Node| {
        [
            (format!("Node {}", node.name), format!("spec.podCIDRs: {}", list(&kubernetes(node)))),
            (
                format!("CiliumNode {}", node.name),
                format!("spec.ipam.podCIDRs: {}", list(&cilium_cidrs(node))),
            ),
        ]
    };
    let mode_line = (CONFIG.to_owned(), cluster.mode_line.clone());
    // Whether another program uses it is that program's business.
    if matches!(cluster.mode, Mode::Unknown | Mode::Other(_)) || cluster.mode.is_foreign() {
        return;
    }
    if cluster.mode != Mode::Kubernetes {
        let counts = match cluster.mode {
            Mode::ClusterPool | Mode::MultiPool => ", the CiliumNodes' ranges count",
            _ => "",
        };
        let message = format!(
            "with ipam={} Node.spec.podCIDR is ignored: pods get no address from it{counts}",
            cluster.mode
        );
        let finding = Finding::info(code, "podCIDR", message);
        let lines = std::iter::once(mode_line).chain(both(first));
        found.push(evidence(finding, lines).fix(
            "none is needed; write routes, firewall rules and policies for the ranges that \
             `kubectl lab ipam` shows",
        ));
        return;
    }
    let sorted = |mut cidrs: Vec<Prefix>| {
        cidrs.sort_unstable();
        cidrs
    };
    let differing: Vec<&&Node> = nodes
        .iter()
        .filter(|node| node.cilium.is_some())
        .filter(|node| sorted(kubernetes(node)) != sorted(cilium_cidrs(node)))
        .collect();
    if let Some(node) = differing.first() {
        let names: Vec<String> = differing.iter().map(|node| node.name.clone()).collect();
        let message = format!(
            "with ipam=kubernetes the Node's podCIDR counts, and {} {} another",
            some_of(&names),
            if names.len() == 1 { "has" } else { "have" }
        );
        let finding = Finding::bad(code, "podCIDR", message);
        let lines = std::iter::once(mode_line).chain(both(node));
        found.push(evidence(finding, lines).fix(format!(
            "kubectl --namespace kube-system delete pod --selector k8s-app=cilium --field-selector \
             spec.nodeName={}",
            node.name
        )));
        return;
    }
    let finding = Finding::info(
        code,
        "podCIDR",
        "with ipam=kubernetes the Node's podCIDR is the range of its pods",
    );
    found.push(evidence(finding, std::iter::once(mode_line).chain(both(first))));
}

/// `ipam/operator-error`.
fn operator_errors(cluster: &Cluster, found: &mut Vec<Finding>) {
    for node in &cluster.nodes {
        let Some(error) = node.cilium.as_ref().and_then(|node| node.operator_error()) else {
            continue;
        };
        found.push(
            Finding::bad(
                "ipam/operator-error",
                node.name.clone(),
                "the operator could not give it a range or an address",
            )
            .evidence(
                format!("CiliumNode {}", node.name),
                format!("status.ipam.operator-status.error: {error}"),
            )
            .fix("kubectl --namespace kube-system logs deployment/cilium-operator --tail 100"),
        );
    }
}

/// `ipam/no-range`: an agent waits for it.
fn waiting(cluster: &Cluster, found: &mut Vec<Finding>) {
    if cluster.mode.is_foreign() {
        return;
    }
    for node in &cluster.nodes {
        let Some(cilium) = &node.cilium else { continue };
        if !node.ranges.is_empty() {
            continue;
        }
        let what = if cluster.mode.has_lists() { "address" } else { "range" };
        let mut finding = Finding::bad(
            "ipam/no-range",
            node.name.clone(),
            format!("its CiliumNode has no {what}: the agent waits, and no pod starts there"),
        )
        .evidence(format!("CiliumNode {}", cilium.name()), "spec.ipam: no podCIDRs, pools or pool");
        finding = match cluster.mode {
            Mode::Kubernetes => finding
                .fix("start kube-controller-manager with --allocate-node-cidrs and --cluster-cidr")
                .fix(format!("kubectl get node {} -o jsonpath='{{.spec.podCIDRs}}'", node.name)),
            _ => finding
                .fix("kubectl --namespace kube-system get pods --selector io.cilium/app=operator")
                .fix("kubectl lab ipam: is there a free block in the pool?"),
        };
        found.push(finding);
    }
}

/// `ipam/node-without-cilium-node` and `ipam/cilium-node-without-node`.
fn lonely(cluster: &Cluster, found: &mut Vec<Finding>) {
    let (Fact::Known(()), Fact::Known(())) = (&cluster.nodes_known, &cluster.cilium_nodes_known)
    else {
        return;
    };
    for node in &cluster.nodes {
        if node.cilium.is_none() {
            found.push(
                Finding::bad(
                    "ipam/node-without-cilium-node",
                    node.name.clone(),
                    "there is no CiliumNode for it: pods there get no address from Cilium",
                )
                .evidence("CiliumNode", format!("none is named {}", node.name))
                .fix(format!(
                    "kubectl --namespace kube-system get pods --selector k8s-app=cilium \
                     --field-selector spec.nodeName={}",
                    node.name
                )),
            );
        } else if node.kubernetes.is_none() {
            let held = list(&cilium_cidrs(node));
            found.push(
                Finding::warn(
                    "ipam/cilium-node-without-node",
                    node.name.clone(),
                    format!("its Node is gone, and it still holds {}", or_nothing(&held)),
                )
                .evidence(
                    format!("CiliumNode {}", node.name),
                    format!("spec.ipam.podCIDRs: {held}"),
                )
                .evidence("Node", format!("none is named {}", node.name))
                .fix(format!("kubectl delete ciliumnode {}", node.name)),
            );
        }
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "no range" } else { text }
}

/// `ipam/pool-request`: the operator has not given what was asked for.
fn requests(cluster: &Cluster, found: &mut Vec<Finding>) {
    for (at, node) in (0..).zip(&cluster.nodes) {
        let Some(cilium) = &node.cilium else { continue };
        for request in cilium.requested() {
            for family in [AddressFamily::V4, AddressFamily::V6] {
                let needed = u128::from(request.needed(family));
                let own = cluster.ranges_of(at).iter().filter(|range| {
                    range.pool.as_deref() == Some(&*request.pool)
                        && range.family == Some(family)
                        && matches!(range.kind, Kind::Block(_))
                });
                let held: u128 = own.filter_map(|range| range.total.known()).sum();
                if held >= needed {
                    continue;
                }
                let word = family_word(family);
                found.push(
                    Finding::warn(
                        "ipam/pool-request",
                        node.name.clone(),
                        format!(
                            "it asks pool {} for {needed} {word} addresses and has {held}",
                            request.pool
                        ),
                    )
                    .evidence(
                        format!("CiliumNode {}", node.name),
                        format!("spec.ipam.pools.requested: {}, needed: {needed}", request.pool),
                    )
                    .evidence(
                        format!("CiliumNode {}", node.name),
                        format!("spec.ipam.pools.allocated: {held} addresses"),
                    )
                    .fix(format!("kubectl get ciliumpodippool {} -o yaml", request.pool))
                    .fix("add a range to the pool, or wait: the operator answers within seconds"),
                );
            }
        }
    }
}

/// `ipam/unknown-pool`: a pod asks for a pool that does not exist.
fn unknown_pools(cluster: &Cluster, found: &mut Vec<Finding>) {
    if cluster.mode != Mode::MultiPool || cluster.pools.is_empty() {
        return;
    }
    let mut names: Vec<&str> = cluster.pools.iter().map(|pool| pool.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for pod in cluster.pods.iter().filter(|pod| pod.counts()) {
        let (pool, place) = match (&pod.pool, cluster.namespaces.get(&*pod.namespace)) {
            (Some(pool), _) => (&**pool, format!("Pod {}", pod.path())),
            (None, Some(pool)) => (pool.as_str(), format!("Namespace {}", pod.namespace)),
            (None, None) => continue,
        };
        if names.binary_search(&pool).is_ok() {
            continue;
        }
        found.push(
            Finding::bad(
                "ipam/unknown-pool",
                pod.path(),
                format!("it asks for pool {pool}, which does not exist: it gets no address"),
            )
            .evidence(place, format!("ipam.cilium.io/ip-pool: {pool}"))
            .evidence("CiliumPodIPPool", names.join(", "))
            .fix(format!("make a CiliumPodIPPool {pool}, or take one of: {}", names.join(", "))),
        );
    }
}
