//! What was asked and came, before anything is made of it.
//!
//! Apart so that the stage that asks and the stage that understands meet in plain values, which
//! tests write by hand.

use std::collections::{BTreeMap, BTreeSet};

use lab_model::kubernetes::Node;
use lab_plugin::Fact;

use crate::facts::Crd;
use crate::objects::{AlertRules, AnyObject, Budget, PodObject, ServiceObject, Workload};
use crate::version::Version;

/// Answers, each with why it is not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// `/version` of the API server.
    pub kubernetes: Fact<Version>,
    /// `cilium-config`.
    pub config: Fact<BTreeMap<String, String>>,
    /// Every `DaemonSet`.
    pub daemon_sets: Fact<Vec<Workload>>,
    /// `Deployment`s of Cilium's namespace.
    pub deployments: Fact<Vec<Workload>>,
    /// The agents' pods.
    pub agents: Fact<Vec<PodObject>>,
    /// Every pod, where that matters on the way.
    pub pods: Fact<Vec<PodObject>>,
    /// The nodes.
    pub nodes: Fact<Vec<Node>>,
    /// Definitions of Cilium's resources and the Gateway API's.
    pub crds: Fact<BTreeMap<String, Crd>>,
    /// Objects by their kind.
    pub objects: BTreeMap<&'static str, Fact<Vec<AnyObject>>>,
    /// Services.
    pub services: Fact<Vec<ServiceObject>>,
    /// Budgets in Cilium's namespace.
    pub budgets: Fact<Vec<Budget>>,
    /// Alerts.
    pub alerts: Fact<Vec<AlertRules>>,
    /// How many `CiliumIdentity` there are.
    pub n_identities: Fact<usize>,
    /// Whether the `ConfigMap` `clustermesh-remote-users` is there.
    pub has_remote_users: Fact<bool>,
    /// Versions that agents gave when their image does not, by host.
    pub asked_versions: BTreeMap<String, Fact<Version>>,
    /// Settings that agents run with, by host, as keys of `cilium-config`.
    pub running: Fact<BTreeMap<String, BTreeMap<String, String>>>,
    /// Values of the Helm release, by path.
    pub values: Fact<BTreeMap<String, String>>,
    /// Hosts that are asked.
    pub hosts: BTreeSet<String>,
}

/// What a command printed on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// The host.
    pub host: String,
    /// The command's words.
    pub command: &'static str,
    /// What it printed; `None` where it failed, which has been told.
    pub text: Option<String>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            kubernetes: Fact::not_asked(),
            config: Fact::not_asked(),
            daemon_sets: Fact::not_asked(),
            deployments: Fact::not_asked(),
            agents: Fact::not_asked(),
            pods: Fact::not_asked(),
            nodes: Fact::not_asked(),
            crds: Fact::not_asked(),
            objects: BTreeMap::new(),
            services: Fact::not_asked(),
            budgets: Fact::not_asked(),
            alerts: Fact::not_asked(),
            n_identities: Fact::not_asked(),
            has_remote_users: Fact::not_asked(),
            asked_versions: BTreeMap::new(),
            running: Fact::not_asked(),
            values: Fact::not_asked(),
            hosts: BTreeSet::new(),
        }
    }
}

impl Inputs {
    /// The agents' `DaemonSet`.
    pub fn agent_set(&self) -> Option<&Workload> {
        self.daemon_sets.known()?.iter().find(|set| set.is_agent())
    }

    /// The namespace that Cilium is in; `kube-system` where that is not seen.
    pub fn namespace(&self) -> &str {
        self.agent_set().map_or("kube-system", |set| set.metadata.namespace.as_str())
    }
}

/// The version of Cilium that runs, and where it was read.
///
/// The oldest of the agents counts: an upgrade that is half done has not been done. Agents are
/// believed before their `DaemonSet`, which says what is wanted.
pub fn running_version(inputs: &Inputs) -> Fact<(Version, String)> {
    let pods = inputs.agents.known().into_iter().flatten();
    let of_pods = pods.filter_map(|pod| {
        let version = Version::of_image(pod.image("cilium-agent")?)?;
        Some((version, format!("image of {}", pod.metadata.path())))
    });
    let asked = inputs.asked_versions.iter().filter_map(|(host, version)| {
        Some((version.known()?.clone(), format!("cilium-dbg version on {host}")))
    });
    let oldest = of_pods.chain(asked).min_by(|one, other| one.0.cmp(&other.0));
    match oldest.or_else(|| released_version(inputs)) {
        Some(found) => Fact::Known(found),
        None => match &inputs.daemon_sets {
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
            _ if inputs.agent_set().is_none() => Fact::Absent,
            _ => Fact::Unknown("no image of the agents has a version in its tag".to_owned()),
        },
    }
}

/// The version that the `DaemonSet` asks for, and where it was read: that of the release, with
/// which settings and definitions go, however many agents have followed.
pub fn released_version(inputs: &Inputs) -> Option<(Version, String)> {
    let set = inputs.agent_set()?;
    let version = Version::of_image(&set.container("cilium-agent")?.image)?;
    Some((version, format!("image of DaemonSet {}", set.metadata.path())))
}
