//! The Cilium agent of a node: everything this side of the seam knows of the product.
//!
//! Apart because it is the only place with a product's name: which pod answers for a node, which of
//! the product's kinds need no discovery, and what to say when they are missing. Runs nothing.

use std::collections::HashMap;

use lab_types::Failure;
use serde::Deserialize;

use crate::kinds::Row;

/// What the agents' pods are labelled with, in every release since 1.0.
pub(crate) const LABEL: &str = "k8s-app=cilium";
/// The agent's container; its pod has init containers and sometimes sidecars.
pub(crate) const CONTAINER: &str = "cilium-agent";
/// Where the agents live unless somebody moved them.
pub const NAMESPACE: &str = "kube-system";

/// The product's kinds.
pub(crate) const KINDS: &[Row] = &[
    ("cilium.io/v2", "CiliumBGPAdvertisement", "ciliumbgpadvertisements", false),
    ("cilium.io/v2", "CiliumBGPClusterConfig", "ciliumbgpclusterconfigs", false),
    ("cilium.io/v2", "CiliumBGPNodeConfig", "ciliumbgpnodeconfigs", false),
    ("cilium.io/v2", "CiliumBGPPeerConfig", "ciliumbgppeerconfigs", false),
    ("cilium.io/v2", "CiliumClusterwideEnvoyConfig", "ciliumclusterwideenvoyconfigs", false),
    ("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", false),
    ("cilium.io/v2", "CiliumEgressGatewayPolicy", "ciliumegressgatewaypolicies", false),
    ("cilium.io/v2", "CiliumEndpoint", "ciliumendpoints", true),
    ("cilium.io/v2", "CiliumEnvoyConfig", "ciliumenvoyconfigs", true),
    ("cilium.io/v2", "CiliumExternalWorkload", "ciliumexternalworkloads", false),
    ("cilium.io/v2", "CiliumIdentity", "ciliumidentities", false),
    ("cilium.io/v2", "CiliumLoadBalancerIPPool", "ciliumloadbalancerippools", false),
    ("cilium.io/v2", "CiliumLocalRedirectPolicy", "ciliumlocalredirectpolicies", true),
    ("cilium.io/v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies", true),
    ("cilium.io/v2", "CiliumNode", "ciliumnodes", false),
    ("cilium.io/v2", "CiliumNodeConfig", "ciliumnodeconfigs", true),
    ("cilium.io/v2alpha1", "CiliumBGPClusterConfig", "ciliumbgpclusterconfigs", false),
    ("cilium.io/v2alpha1", "CiliumBGPPeerConfig", "ciliumbgppeerconfigs", false),
    ("cilium.io/v2alpha1", "CiliumBGPPeeringPolicy", "ciliumbgppeeringpolicies", false),
    ("cilium.io/v2alpha1", "CiliumCIDRGroup", "ciliumcidrgroups", false),
    ("cilium.io/v2alpha1", "CiliumEndpointSlice", "ciliumendpointslices", false),
    ("cilium.io/v2alpha1", "CiliumL2AnnouncementPolicy", "ciliuml2announcementpolicies", false),
    ("cilium.io/v2alpha1", "CiliumLoadBalancerIPPool", "ciliumloadbalancerippools", false),
    ("cilium.io/v2alpha1", "CiliumPodIPPool", "ciliumpodippools", false),
    ("cilium.io/v2alpha1", "CiliumNodeConfig", "ciliumnodeconfigs", true),
];

/// What to say when the cluster lacks one of the product's kinds. A few exist wherever it runs.
pub(crate) fn hint_for_missing_kind(api_version: &str, kind: &str) -> Option<&'static str> {
    if !api_version.starts_with("cilium.io/") {
        None
    } else if matches!(
        kind,
        "CiliumNode" | "CiliumEndpoint" | "CiliumIdentity" | "CiliumNetworkPolicy"
    ) {
        Some("is Cilium installed? `kubectl get pods -A -l k8s-app=cilium` shows its agents")
    } else {
        Some("it may belong to a feature that is off, or to another release of Cilium")
    }
}

/// What the product is called.
pub(crate) const PRODUCT: &str = "Cilium";
/// The first and the last minor release whose agents' answers are known.
pub(crate) const SUPPORTED: ((u32, u32), (u32, u32)) = ((1, 14), (1, 20));
/// What prints an agent's version: the second is its name before 1.15.
pub(crate) const VERSION: [&[&str]; 2] = [&["cilium-dbg", "version"], &["cilium", "version"]];

/// The version in what [`VERSION`] prints: the daemon's, or the program's where no daemon answers.
///
/// Source: `Client: 1.18.0 274205f0 2025-07-29T12:48:35Z go version go1.26.8 linux/amd64`.
pub(crate) fn version(text: &str) -> Option<String> {
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label))?;
        line.split_whitespace().next().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    };
    after("Daemon:").or_else(|| after("Client:")).map(str::to_owned)
}

/// A pod that answers for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentPod {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Of the agent's container: it is on the node already.
    pub(crate) image: Option<String>,
    /// With what it was pulled.
    pub(crate) pull_secrets: Vec<String>,
    created: String,
    pub(crate) ready: bool,
    /// Why nothing can run in it; absent while the container runs.
    pub(crate) trouble: Option<String>,
}

/// The agents by node.
pub(crate) type Agents = HashMap<String, AgentPod>;

/// Chooses one agent for each node from pod documents: one that runs, ready before not ready, new
/// before old. Two on a node are normal while a daemon set rolls.
pub(crate) fn choose(pods: &[String]) -> Result<Agents, serde_json::Error> {
    let mut agents = Agents::new();
    for pod in pods {
        let Some((node, pod)) = read(pod)? else { continue };
        let better = agents.get(&node).is_none_or(|known| rank(&pod) > rank(known));
        if better {
            agents.insert(node, pod);
        }
    }
    Ok(agents)
}

fn rank(pod: &AgentPod) -> (bool, bool, &str) {
    (pod.trouble.is_none(), pod.ready, &pod.created)
}

/// The pod to ask on a node, or why there is none.
pub(crate) fn usable(agents: &Agents, node: &str) -> Result<AgentPod, Failure> {
    let Some(pod) = agents.get(node) else {
        return Err(Failure::unavailable(format!("no agent on node {node}"))
            .hint("`kubectl get pods -A -o wide -l k8s-app=cilium` shows where agents run"));
    };
    match &pod.trouble {
        None => Ok(pod.clone()),
        Some(why) => Err(Failure::unavailable(format!("agent on {node} is not ready: {why}"))
            .hint(format!(
                "`kubectl describe pod -n {} {}` shows its events",
                pod.namespace, pod.name
            ))),
    }
}

fn read(text: &str) -> Result<Option<(String, AgentPod)>, serde_json::Error> {
    let pod: Pod = serde_json::from_str(text)?;
    let Some(node) = pod.spec.node_name else { return Ok(None) };
    let image = pod.spec.containers.into_iter().find(|container| container.name == CONTAINER);
    let container = pod.status.container_statuses.iter().find(|status| status.name == CONTAINER);
    let trouble = if pod.metadata.deletion_timestamp.is_some()
        && !container.is_some_and(ContainerStatus::runs)
    {
        Some("Terminating".to_owned())
    } else {
        match container {
            Some(status) if status.runs() => None,
            Some(status) => Some(status.why().unwrap_or_else(|| pod.status.phase.clone())),
            None => Some(pod.status.reason.unwrap_or(pod.status.phase)),
        }
    };
    Ok(Some((
        node,
        AgentPod {
            namespace: pod.metadata.namespace,
            name: pod.metadata.name,
            image: image.and_then(|container| container.image),
            pull_secrets: pod.spec.image_pull_secrets.into_iter().map(|by| by.name).collect(),
            created: pod.metadata.creation_timestamp,
            ready: container.is_some_and(|status| status.ready)
                && pod.metadata.deletion_timestamp.is_none(),
            trouble,
        },
    )))
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    creation_timestamp: String,
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    #[serde(default)]
    containers: Vec<Container>,
    #[serde(default)]
    image_pull_secrets: Vec<Reference>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    image: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PodStatus {
    #[serde(default)]
    phase: String,
    reason: Option<String>,
    #[serde(default)]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    name: String,
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    state: HashMap<String, State>,
}

#[derive(Deserialize)]
struct State {
    reason: Option<String>,
}

impl ContainerStatus {
    fn runs(&self) -> bool {
        self.state.contains_key("running")
    }
    fn why(&self) -> Option<String> {
        self.state.values().find_map(|state| state.reason.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, node: &str, created: &str, state: &str, ready: bool) -> String {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"kube-system","creationTimestamp":"{created}"}},
            "spec":{{"nodeName":"{node}"}},"status":{{"phase":"Pending","containerStatuses":[
            {{"name":"sidecar","ready":true,"state":{{"running":{{}}}}}},
            {{"name":"cilium-agent","ready":{ready},"state":{state}}}]}}}}"#
        )
    }

    fn check(pods: &[String], expected: Result<&str, &str>) {
        let agents = choose(pods).unwrap();
        let found = usable(&agents, "n1").map(|pod| pod.name).map_err(|failure| failure.message);
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    const RUNS: &str = r#"{"running":{"startedAt":"x"}}"#;

    #[test]
    fn of_two_agents_the_ready_and_then_the_newer_answers() {
        let old = pod("old", "n1", "2026-01-01T00:00:00Z", RUNS, true);
        let new = pod("new", "n1", "2026-01-02T00:00:00Z", RUNS, true);
        let starting = pod("starting", "n1", "2026-01-03T00:00:00Z", RUNS, false);
        check(&[old.clone(), new.clone(), starting.clone()], Ok("new"));
        check(&[starting.clone(), old], Ok("old"));
        check(&[starting], Ok("starting"));
    }

    #[test]
    fn an_agent_that_does_not_run_says_why() {
        let crash = r#"{"waiting":{"reason":"CrashLoopBackOff"}}"#;
        check(
            &[pod("a", "n1", "", crash, false)],
            Err("agent on n1 is not ready: CrashLoopBackOff"),
        );
        let pending =
            r#"{"metadata":{"name":"a"},"spec":{"nodeName":"n1"},"status":{"phase":"Pending"}}"#;
        check(&[pending.to_owned()], Err("agent on n1 is not ready: Pending"));
    }

    #[test]
    fn the_daemon_s_version_goes_before_the_program_s() {
        for (text, expected) in [
            (
                "Client: 1.18.0 274205f0 2025 go version go1.26.8\nDaemon: 1.17.6 a go version\n",
                Some("1.17.6"),
            ),
            ("Client: 1.14.2 b58672d 2023 go version\nDaemon: <unknown>\n", Some("1.14.2")),
            ("Client: 1.20.0-rc.1 x\n", Some("1.20.0-rc.1")),
            ("Client:\n", None),
            ("", None),
            ("Cannot connect", None),
        ] {
            assert_eq!(version(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_node_without_an_agent_and_a_pod_without_a_node() {
        check(&[pod("a", "n2", "", RUNS, true)], Err("no agent on node n1"));
        check(&[r#"{"metadata":{"name":"a"}}"#.to_owned()], Err("no agent on node n1"));
    }
}
