//! Asks: objects of the cluster, and agents where their image does not say its version or the
//! user wants to know what they run with.
//!
//! The only stage that waits. Of each object only the paths that are read are carried. Kinds that
//! no rule on the way asks for are not read.

mod hosts;

use std::collections::BTreeMap;

use lab_model::kubernetes::{ConfigMap, Node};
use lab_plugin::{Fact, Failure, Selection, cluster, partial, settings};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::inputs::Inputs;
use crate::objects::{
    AlertRules, AnyObject, Budget, CrdObject, EndpointObject, IdentityObject, Named, PodObject,
    ServiceObject, Workload,
};
use crate::version::Version;

pub use hosts::{COMMANDS, host_state};

/// Kinds of objects with the reason for each, as the card declares them.
pub const KINDS: [(&str, &str); 25] = [
    ("v1/ConfigMap", "cilium-config, and whether clustermesh-remote-users is there"),
    ("v1/Node", "kernel, system and state of every node"),
    ("v1/Pod", "version, node and state of every agent; room on the nodes on the way to 1.16"),
    ("v1/Service", "affinity, ports and addresses, on the way to 1.17, 1.17.16 and 1.18"),
    ("apps/v1/DaemonSet", "image, settings and rollout of the agents; whether kube-proxy runs"),
    ("apps/v1/Deployment", "image and state of operator, relay and clustermesh-apiserver"),
    ("policy/v1/PodDisruptionBudget", "budgets of Cilium's pods"),
    (
        "apiextensions.k8s.io/v1/CustomResourceDefinition",
        "versions that Cilium's resources have and are stored in",
    ),
    ("cilium.io/v2/CiliumNetworkPolicy", "policies that change their meaning or do not fit"),
    ("cilium.io/v2/CiliumClusterwideNetworkPolicy", "the same for the whole cluster"),
    (
        "cilium.io/v2alpha1/CiliumCIDRGroup",
        "groups that policies name, and whether there are any, on the way to 1.18",
    ),
    (
        "cilium.io/v2alpha1/CiliumLoadBalancerIPPool",
        "fields that went, and whether there are any, on the way to 1.19",
    ),
    ("cilium.io/v2alpha1/CiliumBGPPeeringPolicy", "whether BGP is still set up so"),
    ("cilium.io/v2alpha1/CiliumBGPPeerConfig", "a field that went, on the way to 1.18"),
    ("cilium.io/v2/CiliumExternalWorkload", "whether there are any, on the way to 1.18"),
    ("cilium.io/v2/CiliumEnvoyConfig", "traffic that goes through a proxy"),
    ("cilium.io/v2/CiliumClusterwideEnvoyConfig", "the same for the whole cluster"),
    (
        "cilium.io/v2/CiliumLocalRedirectPolicy",
        "redirects that change, on the way to 1.16 and 1.17.16",
    ),
    ("cilium.io/v2/CiliumEgressGatewayPolicy", "traffic that leaves through a gateway"),
    ("cilium.io/v2/CiliumNode", "fields that went, with ENI on the way to 1.20"),
    ("cilium.io/v2/CiliumIdentity", "how many there are; which, for `upgrade-check diff`"),
    ("cilium.io/v2/CiliumEndpoint", "state and identity, for `upgrade-check diff`"),
    ("gateway.networking.k8s.io/v1alpha2/TLSRoute", "routes at risk, on the way to 1.20"),
    ("monitoring.coreos.com/v1/PrometheusRule", "alerts on metrics that go"),
    ("cilium.io/v2alpha1/CiliumBGPClusterConfig", "whether there are any, on the way to 1.18"),
];

/// A kind whose objects are looked through.
struct Looked {
    api_version: &'static str,
    kind: &'static str,
    /// The plural, as its definition is named.
    plural: &'static str,
    /// What is kept of each.
    paths: &'static [&'static str],
    /// The last minor whose rules ask for it; `None` where those of every minor do.
    until: Option<u32>,
}

const fn looked(
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    paths: &'static [&'static str],
    until: Option<u32>,
) -> Looked {
    Looked { api_version, kind, plural, paths, until }
}

const NAME: &[&str] = &["metadata.name"];
const SPEC: &[&str] = &["spec", "specs"];
const V2: &str = "cilium.io/v2";
const ALPHA: &str = "cilium.io/v2alpha1";

#[rustfmt::skip]
const LOOKED_THROUGH: [Looked; 14] = [
    looked(V2, "CiliumNetworkPolicy", "ciliumnetworkpolicies", SPEC, None),
    looked(V2, "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", SPEC, None),
    looked(ALPHA, "CiliumCIDRGroup", "ciliumcidrgroups", NAME, Some(18)),
    looked(ALPHA, "CiliumLoadBalancerIPPool", "ciliumloadbalancerippools", &["spec.cidrs", "spec.allowFirstLastIPs"], Some(19)),
    looked(ALPHA, "CiliumBGPPeeringPolicy", "ciliumbgppeeringpolicies", NAME, Some(19)),
    looked(ALPHA, "CiliumBGPClusterConfig", "ciliumbgpclusterconfigs", NAME, Some(18)),
    looked(ALPHA, "CiliumBGPPeerConfig", "ciliumbgppeerconfigs", &["spec.transport"], Some(18)),
    looked(V2, "CiliumExternalWorkload", "ciliumexternalworkloads", NAME, Some(18)),
    looked(V2, "CiliumEnvoyConfig", "ciliumenvoyconfigs", NAME, None),
    looked(V2, "CiliumClusterwideEnvoyConfig", "ciliumclusterwideenvoyconfigs", NAME, None),
    looked(V2, "CiliumLocalRedirectPolicy", "ciliumlocalredirectpolicies", &["spec.skipRedirectFromBackend", "spec.redirectFrontend.addressMatcher"], Some(18)),
    looked(V2, "CiliumEgressGatewayPolicy", "ciliumegressgatewaypolicies", NAME, None),
    looked(V2, "CiliumNode", "ciliumnodes", &["spec.eni"], Some(20)),
    looked("gateway.networking.k8s.io/v1alpha2", "TLSRoute", "tlsroutes", NAME, Some(20)),
];

/// Rules of the user, as TOML.
pub fn extra_rules() -> Option<String> {
    settings::get("extra-rules")
}

/// What tells which version runs, and what it runs with.
pub fn core() -> Inputs {
    let mut inputs = Inputs { kubernetes: kubernetes(), ..Inputs::default() };
    let mut of = Selection::new("apps/v1", "DaemonSet");
    of.keep = workload_paths(&["spec.updateStrategy"]);
    inputs.daemon_sets = list::<Workload, _>(of, Some);
    let namespace = inputs.namespace().to_owned();
    inputs.config = config_map(&namespace, "cilium-config");
    let of = Selection::new("v1", "Pod")
        .namespace(&namespace)
        .labels("k8s-app=cilium")
        .keep("spec.nodeName")
        .keep("spec.containers.name")
        .keep("spec.containers.image")
        .keep("status.phase")
        .keep("status.containerStatuses.name")
        .keep("status.containerStatuses.ready")
        .keep("status.containerStatuses.restartCount");
    inputs.agents = list::<PodObject, _>(of, Some);
    let has_tag = inputs.agents.known().is_some_and(|pods| {
        pods.iter().any(|pod| pod.image("cilium-agent").and_then(Version::of_image).is_some())
    });
    if !has_tag && inputs.agent_set().is_some() {
        hosts::versions(&mut inputs);
    }
    inputs
}

/// Everything else that rules between two versions ask for.
pub fn rest(inputs: &mut Inputs, from: &Version, is_deep: bool) {
    let namespace = inputs.namespace().to_owned();
    let mut of = Selection::new("apps/v1", "Deployment").namespace(&namespace);
    of.keep = workload_paths(&["spec.replicas"]);
    inputs.deployments = list::<Workload, _>(of, Some);
    let of = Selection::new("v1", "Node")
        .keep("spec.unschedulable")
        .keep("status.nodeInfo")
        .keep("status.conditions")
        .keep("status.allocatable.pods");
    inputs.nodes = list::<Node, _>(of, Some);
    inputs.crds = crds();
    for looked in LOOKED_THROUGH {
        if looked.until.is_none_or(|until| from.minor < until) {
            inputs.objects.insert(looked.kind, looked_through(inputs, &looked));
        }
    }
    if from.minor < 17 {
        let of = Selection::new("v1", "Pod")
            .keep("spec.nodeName")
            .keep("status.phase")
            .keep("metadata.annotations.policy\\.cilium\\.io/proxy-visibility");
        inputs.pods = list::<PodObject, _>(of, Some);
    }
    if from.minor < 18 {
        let of = Selection::new("v1", "Service")
            .keep("spec.sessionAffinity")
            .keep("spec.clusterIP")
            .keep("spec.clusterIPs")
            .keep("spec.ports.port")
            .keep("spec.ports.protocol");
        inputs.services = list::<ServiceObject, _>(of, Some);
        // Identities change once, so there must be room for them.
        let of = Selection::new("cilium.io/v2", "CiliumIdentity").keep("metadata.name");
        inputs.n_identities = list::<Named, _>(of, Some).map(Vec::len);
    }
    let of =
        Selection::new("policy/v1", "PodDisruptionBudget").namespace(&namespace).keep("status");
    inputs.budgets = list::<Budget, _>(of, Some);
    if inputs.budgets == Fact::Absent {
        inputs.budgets = Fact::Known(Vec::new());
    }
    let of =
        Selection::new("monitoring.coreos.com/v1", "PrometheusRule").keep("spec.groups.rules.expr");
    inputs.alerts = list::<AlertRules, _>(of, Some);
    let has_mesh = inputs.deployments.known().into_iter().flatten();
    if has_mesh.into_iter().any(|it| it.metadata.name == "clustermesh-apiserver") {
        inputs.has_remote_users = match config_map(&namespace, "clustermesh-remote-users") {
            Fact::Known(_) => Fact::Known(true),
            Fact::Absent => Fact::Known(false),
            Fact::Unknown(why) => Fact::Unknown(why),
        };
    }
    if is_deep {
        hosts::settings(inputs);
    }
}

/// Definitions of Cilium's resources and of the Gateway API's.
pub fn crds() -> Fact<BTreeMap<String, crate::facts::Crd>> {
    let of = Selection::new("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        .keep("metadata.labels.io\\.cilium\\.k8s\\.crd\\.schema\\.version")
        .keep("metadata.annotations.gateway\\.networking\\.k8s\\.io/bundle-version")
        .keep("spec.versions.name")
        .keep("spec.versions.served")
        .keep("spec.versions.storage")
        .keep("spec.versions.deprecated")
        .keep("status.storedVersions");
    list::<CrdObject, _>(of, CrdObject::record).map(|all| all.iter().cloned().collect())
}

fn workload_paths(more: &[&str]) -> Vec<String> {
    let paths = [
        "metadata.labels",
        "metadata.generation",
        "metadata.annotations",
        "spec.template.spec.containers.name",
        "spec.template.spec.containers.image",
        "spec.template.spec.containers.args",
        "spec.template.spec.containers.env.name",
        "spec.template.spec.containers.env.value",
        "status",
    ];
    paths.iter().chain(more).map(|&path| path.to_owned()).collect()
}

fn looked_through(inputs: &Inputs, looked: &Looked) -> Fact<Vec<AnyObject>> {
    // Where it is not defined there is nothing to read, and nothing to be refused.
    let group = looked.api_version.split('/').next().unwrap_or_default();
    if let Fact::Known(crds) = &inputs.crds
        && !crds.contains_key(&format!("{}.{group}", looked.plural))
    {
        return Fact::Known(Vec::new());
    }
    let ipam = inputs.config.known().map(|config| config.get("ipam").map(String::as_str));
    if looked.kind == "CiliumNode" && ipam.is_some_and(|ipam| ipam != Some("eni")) {
        return Fact::Known(Vec::new());
    }
    let mut of = Selection::new(looked.api_version, looked.kind);
    of.keep = looked.paths.iter().map(|&path| path.to_owned()).collect();
    list::<AnyObject, _>(of, Some)
}

fn kubernetes() -> Fact<Version> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Said {
        git_version: String,
    }
    let said = cluster::version().map_err(|failure| failure.message().to_owned());
    let said = said
        .and_then(|text| serde_json::from_str::<Said>(&text).map_err(|error| error.to_string()));
    let version = said
        .and_then(|said| said.git_version.parse::<Version>().map_err(|error| error.to_string()));
    match version {
        Ok(version) => Fact::Known(version),
        Err(why) => {
            partial("API server", &Failure::Other(format!("its version: {why}")));
            Fact::Unknown(why)
        }
    }
}

/// The data of a `ConfigMap`.
pub fn config_map(namespace: &str, name: &str) -> Fact<BTreeMap<String, String>> {
    let of = Selection::new("v1", "ConfigMap").namespace(namespace).keep("data");
    match of.get::<ConfigMap>(name) {
        Ok(map) => Fact::Known(map.data),
        Err(Failure::NotFound(_)) => Fact::Absent,
        Err(failure) => {
            partial(name, &failure);
            Fact::Unknown(unreadable(&failure))
        }
    }
}

/// A kind of objects as records; what fails is told, and what came is kept.
pub fn list<T: DeserializeOwned, R>(
    of: Selection,
    mut record: impl FnMut(T) -> Option<R>,
) -> Fact<Vec<R>> {
    let subject = of.kind.clone();
    let (mut records, mut first) = (Vec::new(), None);
    for object in of.list::<T>() {
        match object {
            Ok(object) => records.extend(record(object)),
            Err(failure) => {
                first.get_or_insert(failure);
            }
        }
    }
    match first {
        None => Fact::Known(records),
        Some(Failure::NotFound(_)) if records.is_empty() => Fact::Absent,
        Some(failure) => {
            partial(&subject, &failure);
            // Half a list would let a rule pass that it should not.
            Fact::Unknown(unreadable(&failure))
        }
    }
}

fn unreadable(failure: &Failure) -> String {
    match failure {
        Failure::Denied(what) => format!("not allowed to read it: {what}"),
        failure => failure.message().to_owned(),
    }
}

/// Endpoints and identities, as the API server has them.
pub fn endpoints() -> (Fact<Vec<crate::state::Endpoint>>, Fact<Vec<Identity>>) {
    let of = Selection::new("cilium.io/v2", "CiliumEndpoint")
        .keep("status.state")
        .keep("status.identity.id")
        .keep("status.networking.addressing");
    let endpoints = list::<EndpointObject, _>(of, |it| Some(it.record()));
    let of = Selection::new("cilium.io/v2", "CiliumIdentity").keep("security-labels");
    let identities =
        list::<IdentityObject, _>(of, |it| Some((it.metadata.name, it.security_labels)));
    (endpoints, identities)
}

/// An identity's number and the labels it stands for.
pub type Identity = (String, BTreeMap<String, String>);
