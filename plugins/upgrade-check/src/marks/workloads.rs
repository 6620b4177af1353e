//! What agents, operator, nodes and their rollouts bear.

use std::collections::{BTreeMap, BTreeSet};

use lab_model::kubernetes::Node;
use lab_plugin::Fact;

use super::Mark;
use crate::facts::Seen;
use crate::inputs::Inputs;
use crate::kernels;
use crate::objects::{PodObject, Workload};
use crate::version::Version;

type Marks = BTreeMap<Mark, Fact<Vec<Seen>>>;

/// Everything about what runs.
pub fn look(inputs: &Inputs, from: &Version, marks: &mut Marks) {
    agents(inputs, marks);
    components(inputs, from, marks);
    nodes(inputs, marks);
    kube_proxy(inputs, marks);
    drift(inputs, marks);
    owner(inputs, marks);
    let budgets = inputs.budgets.map(|budgets| {
        let blocking = budgets.iter().filter(|budget| budget.is_blocking());
        blocking
            .map(|it| Seen::new(format!("PodDisruptionBudget {}", it.metadata.path()), "0 allowed"))
            .collect()
    });
    marks.insert(Mark::PdbBlocking, budgets);
}

fn agents(inputs: &Inputs, marks: &mut Marks) {
    let name = "cilium-agent";
    let not_ready = inputs.agents.map(|agents| {
        let bad = agents.iter().filter(|pod| pod.is_ready(name) == Some(false));
        bad.map(|pod| Seen::new(pod.node(), format!("{} is not ready", pod.metadata.path())))
            .collect()
    });
    marks.insert(Mark::AgentNotReady, not_ready);
    let missing = both(&inputs.agents, &inputs.nodes, |agents, nodes| {
        let served: BTreeSet<&str> = agents.iter().map(PodObject::node).collect();
        let lacks = nodes
            .iter()
            .filter(|node| !served.contains(node.name()) && node.is_ready() == Some(true));
        lacks.map(|node| Seen::new(node.name(), "no pod of the agent")).collect()
    });
    marks.insert(Mark::AgentMissing, missing);
    let wanted = inputs.agent_set().and_then(|set| image(set, name));
    let other = inputs.agents.map(|agents| {
        let other = agents.iter().filter(|pod| {
            let version = pod.image(name).and_then(Version::of_image);
            matches!((&version, &wanted), (Some(one), Some(other)) if one != other)
        });
        other.map(|pod| Seen::new(pod.node(), pod.image(name).unwrap_or_default())).collect()
    });
    marks.insert(Mark::AgentOther, other);
    let of_set = |make: &dyn Fn(&Workload) -> Vec<Seen>| {
        inputs.daemon_sets.map(|_| inputs.agent_set().map(make).unwrap_or_default())
    };
    marks.insert(Mark::AgentPending, of_set(&pending));
    let on_delete = |set: &Workload| {
        let is_so = set.strategy() == "OnDelete";
        let seen = || Seen::new(set_place(set), "updateStrategy: OnDelete");
        is_so.then(seen).into_iter().collect()
    };
    marks.insert(Mark::AgentOnDelete, of_set(&on_delete));
    let no_tag = |set: &Workload| {
        let image = set.container(name).map_or("", |container| container.image.as_str());
        let seen = || Seen::new(set_place(set), image);
        Version::of_image(image).is_none().then(seen).into_iter().collect()
    };
    marks.insert(Mark::AgentUnknownImage, of_set(&no_tag));
    let mirrored = |set: &Workload| {
        let image = set.container(name).map_or("", |container| container.image.as_str());
        let is_mirrored = !image.is_empty() && !image.starts_with("quay.io/cilium/");
        is_mirrored.then(|| Seen::new(set_place(set), image)).into_iter().collect()
    };
    marks.insert(Mark::AgentMirrored, of_set(&mirrored));
}

fn pending(set: &Workload) -> Vec<Seen> {
    let status = &set.status;
    let mut seen = Vec::new();
    // Recordings may lack the counts; a generation that was observed shows that they are there.
    if status.observed_generation > 0
        && status.updated_number_scheduled < status.desired_number_scheduled
    {
        seen.push(Seen::new(
            set_place(set),
            format!(
                "{} of {} pods are of the present template",
                status.updated_number_scheduled, status.desired_number_scheduled
            ),
        ));
    }
    if status.observed_generation > 0 && status.observed_generation < set.metadata.generation {
        seen.push(Seen::new(
            set_place(set),
            format!(
                "generation {}, and only {} was seen by the controller",
                set.metadata.generation, status.observed_generation
            ),
        ));
    }
    seen
}

fn set_place(set: &Workload) -> String {
    format!("DaemonSet {}", set.metadata.path())
}

fn image(workload: &Workload, container: &str) -> Option<Version> {
    Version::of_image(&workload.container(container)?.image)
}

/// What is made of two facts, where both are known.
fn both<A, B>(
    one: &Fact<A>,
    other: &Fact<B>,
    make: impl FnOnce(&A, &B) -> Vec<Seen>,
) -> Fact<Vec<Seen>> {
    match (one, other) {
        (Fact::Known(one), Fact::Known(other)) => Fact::Known(make(one, other)),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::Unknown(why.clone()),
        _ => Fact::Absent,
    }
}

fn components(inputs: &Inputs, from: &Version, marks: &mut Marks) {
    let named = |name: &str| -> Fact<Option<Workload>> {
        inputs.deployments.map(|all| all.iter().find(|it| it.metadata.name == name).cloned())
    };
    let operator = named("cilium-operator");
    let place = |it: &Workload| format!("Deployment {}", it.metadata.path());
    let namespace = inputs.namespace();
    marks.insert(
        Mark::OperatorNone,
        operator.map(|found| match found {
            Some(_) => Vec::new(),
            None => {
                vec![Seen::new(format!("namespace {namespace}"), "no Deployment cilium-operator")]
            }
        }),
    );
    marks.insert(
        Mark::OperatorNotReady,
        operator.map(|found| {
            let found = found.as_ref().filter(|it| it.status.ready_replicas < 1);
            let found = found.filter(|it| it.replicas() > 0);
            found.map(|it| Seen::new(place(it), "0 replicas are ready")).into_iter().collect()
        }),
    );
    for (mark, name) in [
        (Mark::OperatorOther, "cilium-operator"),
        (Mark::RelayOther, "hubble-relay"),
        (Mark::MeshOther, "clustermesh-apiserver"),
    ] {
        let other = named(name).map(|found| {
            let Some(workload) = found else { return Vec::new() };
            let container = if name == "clustermesh-apiserver" { "apiserver" } else { name };
            let is_other = image(workload, container)
                .is_some_and(|it| it.line() != from.line() || it.patch != from.patch);
            let text = workload.container(container).map_or("", |it| it.image.as_str());
            is_other.then(|| Seen::new(place(workload), text)).into_iter().collect()
        });
        marks.insert(mark, other);
    }
    let mesh = named("clustermesh-apiserver").map(|found| {
        found.iter().map(|it| Seen::new(place(it), "clustermesh-apiserver")).collect::<Vec<_>>()
    });
    let no_users =
        both(
            &mesh,
            &inputs.has_remote_users,
            |mesh, has| {
                if *has { Vec::new() } else { mesh.clone() }
            },
        );
    // Nobody asks for the ConfigMap where there is no mesh.
    let no_users = if mesh.known().is_some_and(Vec::is_empty) { Fact::Absent } else { no_users };
    marks.insert(Mark::MeshServer, mesh);
    marks.insert(Mark::MeshNoUsers, no_users);
    let sets = |name: &'static str| {
        inputs.daemon_sets.map(move |sets| {
            let found = sets.iter().filter(move |it| it.metadata.name == name);
            found.map(|it| Seen::new(set_place(it), "")).collect::<Vec<_>>()
        })
    };
    marks.insert(Mark::EnvoyDaemonSet, sets("cilium-envoy"));
    let left = sets("cilium-pre-flight-check").known().cloned().unwrap_or_default();
    let left = named("cilium-pre-flight-check").map(|found| {
        let mut left = left.clone();
        left.extend(found.iter().map(|it| Seen::new(place(it), "")));
        left
    });
    marks.insert(Mark::Preflight, left);
}

fn nodes(inputs: &Inputs, marks: &mut Marks) {
    let with = |make: &dyn Fn(&Node) -> Option<String>| {
        inputs.nodes.map(|nodes| {
            let found = nodes.iter().filter_map(|node| Some(Seen::new(node.name(), make(node)?)));
            found.collect::<Vec<_>>()
        })
    };
    let cordoned = |node: &Node| node.is_cordoned().then(|| "unschedulable: true".to_owned());
    marks.insert(Mark::NodeCordoned, with(&cordoned));
    let not_ready =
        |node: &Node| (node.is_ready() != Some(true)).then(|| "Ready is not True".to_owned());
    marks.insert(Mark::NodeNotReady, with(&not_ready));
    let pressure = |node: &Node| {
        let pressed = node.conditions().iter().filter(|it| it.kind.ends_with("Pressure"));
        let mut pressed = pressed.filter(|it| it.status == "True");
        pressed.next().map(|it| format!("{}: {}", it.kind, it.message))
    };
    marks.insert(Mark::NodePressure, with(&pressure));
    let old = |node: &Node| {
        let kernel = &node.info().kernel_version;
        kernels::is_old_rhel(kernel).then(|| kernel.clone())
    };
    marks.insert(Mark::NodeOldRhel, with(&old));
    let full = both(&inputs.pods, &inputs.nodes, |pods, nodes| {
        let mut used: BTreeMap<&str, u64> = BTreeMap::new();
        for pod in pods.iter().filter(|pod| !pod.has_ended()) {
            *used.entry(pod.node()).or_default() += 1;
        }
        let full = nodes.iter().filter_map(|node| {
            let most: u64 = node.allocatable().pods.as_deref()?.parse().ok()?;
            let n_pods = used.get(node.name()).copied().unwrap_or(0);
            (n_pods >= most).then(|| Seen::new(node.name(), format!("{n_pods} of {most} pods")))
        });
        full.collect()
    });
    marks.insert(Mark::NodeFull, full);
    let visible = inputs.pods.map(|pods| {
        let annotated = pods.iter().filter_map(|pod| {
            let value = pod.metadata.annotations.get("policy.cilium.io/proxy-visibility")?;
            Some(Seen::new(format!("Pod {}", pod.metadata.path()), value))
        });
        annotated.collect()
    });
    marks.insert(Mark::ProxyVisibility, visible);
}

fn kube_proxy(inputs: &Inputs, marks: &mut Marks) {
    let sets = inputs.daemon_sets.map(|sets| {
        let found = sets.iter().find(|it| it.metadata.name == "kube-proxy");
        found.map(|it| (set_place(it), it.status.desired_number_scheduled))
    });
    let running = sets.map(|found| {
        let found = found.as_ref().filter(|(_, n_nodes)| *n_nodes > 0);
        found.map(|(place, n)| Seen::new(place, format!("on {n} nodes"))).into_iter().collect()
    });
    let none = running.map(|running: &Vec<Seen>| {
        let none = || Seen::new("DaemonSets", "no kube-proxy");
        running.is_empty().then(none).into_iter().collect()
    });
    marks.insert(Mark::KubeProxyRunning, running);
    marks.insert(Mark::KubeProxyNone, none);
}

/// Agents that run with other settings than the `ConfigMap` has: they were not restarted since.
fn drift(inputs: &Inputs, marks: &mut Marks) {
    let drift = both(&inputs.running, &inputs.config, |running, config| {
        let of_host = running.iter().flat_map(|(host, settings)| {
            settings.iter().filter_map(move |(key, value)| {
                let wanted = config.get(key)?;
                let is_same = same(wanted, value);
                (!is_same)
                    .then(|| Seen::new(host, format!("{key}: {value}; cilium-config has {wanted}")))
            })
        });
        of_host.collect()
    });
    // Asking every agent is the user's choice; a mark that is not there was not looked for.
    if inputs.running != Fact::not_asked() {
        marks.insert(Mark::AgentDrift, drift);
    }
}

fn same(one: &str, other: &str) -> bool {
    // An empty setting leaves the choice to the agent, which then says what it chose.
    one.eq_ignore_ascii_case(other) || one.is_empty()
}

fn owner(inputs: &Inputs, marks: &mut Marks) {
    let of_set = |make: &dyn Fn(&Workload) -> Option<String>| {
        inputs.daemon_sets.map(|_| {
            let set = inputs.agent_set();
            let seen = set.and_then(|set| Some(Seen::new(set_place(set), make(set)?)));
            seen.into_iter().collect::<Vec<_>>()
        })
    };
    let git_ops = |set: &Workload| {
        let meta = &set.metadata;
        let names = meta.labels.keys().chain(meta.annotations.keys());
        let mut owners = names.filter(|name| {
            ["argocd.argoproj.io/", "helm.toolkit.fluxcd.io/", "kustomize.toolkit.fluxcd.io/"]
                .iter()
                .any(|owner| name.starts_with(owner))
        });
        owners.next().cloned()
    };
    marks.insert(Mark::GitOps, of_set(&git_ops));
    let not_helm = |set: &Workload| {
        let manager = set.metadata.labels.get("app.kubernetes.io/managed-by");
        match manager.map(String::as_str) {
            Some("Helm") => None,
            Some(other) => Some(format!("app.kubernetes.io/managed-by: {other}")),
            None => Some("no label app.kubernetes.io/managed-by".to_owned()),
        }
    };
    marks.insert(Mark::NotHelm, of_set(&not_helm));
}
