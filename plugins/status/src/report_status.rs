//! Agents and what runs beside them as rows of `status`.

use lab_plugin::{Fact, Health, Level, Percent, Timestamp};

use crate::model::{Cluster, Node};
use crate::parse::agent_status::{AgentStatus, State};
use crate::parse::modules::Modules;
use crate::parse::objects::{Pod, Workload};
use crate::rows::{AgentRow, ComponentRow, Number};

/// Names in a cell at most.
const NAMES: usize = 2;

/// One row for each node, with its key.
pub fn agent_rows(cluster: &Cluster) -> impl Iterator<Item = (String, AgentRow)> {
    let rows = cluster.nodes.iter().zip(cluster.clock_skews());
    rows.map(|(node, skew)| (node.name.clone(), agent_row(node, &skew)))
}

/// A count as a cell has it.
fn integer<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "seconds for people")]
fn agent_row(node: &Node, skew: &Fact<i64>) -> AgentRow {
    let status = &node.answers.status;
    let text = |take: fn(&AgentStatus) -> Option<String>| status.and_then(take);
    let of_metric = |name: &str| match node.metric_sum(name) {
        Some(number) => Fact::Known(number),
        None => node.answers.metrics.and_then(|_| None),
    };
    let fullest = match node.map_pressures() {
        Some(all) => {
            all.first().map_or(Fact::Absent, |first| Fact::Known((first.0.to_owned(), first.1)))
        }
        None => node.answers.metrics.and_then(|_| None),
    };
    AgentRow {
        host: node.name.clone(),
        ready: node.agent.map(ready),
        version: match node.version() {
            Some(version) => Fact::Known(version.to_owned()),
            None => status.and_then(|_| None),
        },
        restarts: node.agent.map(|pod| i64::from(pod.restarts)),
        endpoints: node.endpoints.map(|(ready, all)| format!("{ready}/{all}")),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float is cut at the ends of its range"
        )]
        identities: of_metric("cilium_identity").map(|number| *number as i64),
        ipam: status.and_then(|status| status.ipam.map(|(used, all)| format!("{used}/{all}"))),
        routing: text(|status| {
            let routing = status.routing.as_ref()?;
            let network = routing.network.to_ascii_lowercase();
            Some(match &routing.tunnel {
                Some(tunnel) if network == "tunnel" => format!("tunnel {tunnel}"),
                _ => network,
            })
        }),
        host_routing: text(|status| Some(status.routing.as_ref()?.host.to_ascii_lowercase())),
        kube_proxy_replacement: text(|status| {
            Some(status.kube_proxy_replacement.as_ref()?.to_ascii_lowercase())
        }),
        masquerading: text(|status| {
            let masquerading = status.masquerading.as_ref()?;
            Some(if masquerading.is_enabled {
                masquerading.mode.to_ascii_lowercase()
            } else {
                "off".to_owned()
            })
        }),
        modules: node.modules().map(modules),
        controllers: status.and_then(controllers),
        peers: peers(node),
        map_pressure: fullest.map(|(_, pressure)| Percent(*pressure)),
        api: status.and_then(|status| status.kubernetes.as_ref().map(health)),
        started: node.agent.and_then(|pod| pod.started.map(Timestamp)),
        kvstore: text(|status| Some(status.kvstore.as_ref()?.word.to_ascii_lowercase())),
        encryption: text(|status| Some(status.encryption.as_ref()?.to_ascii_lowercase())),
        proxy: text(|status| status.proxy.clone()),
        hubble: text(|status| status.hubble.clone()),
        fullest_map: fullest.map(|(name, _)| name.clone()),
        clock_skew: skew.map(|skew| *skew as f64 / 1000.0),
        monitor_lost: status.and_then(|status| status.monitor_lost.map(integer)),
        drops: of_metric("cilium_drop_count_total").map(|number| Number(*number)),
        device_mode: text(|status| status.device_mode.clone()),
        attach_mode: text(|status| status.attach_mode.clone()),
        not_masqueraded: text(|status| {
            let excluded = &status.masquerading.as_ref()?.excluded;
            (!excluded.is_empty()).then(|| excluded.join(" "))
        }),
        pod: node.agent.map(|pod| pod.name.clone()),
    }
}

fn ready(pod: &Pod) -> Health {
    if pod.is_crashing() {
        return Health(Level::Bad, "crash-loop".to_owned());
    }
    match pod.is_ready {
        Some(true) => Health(Level::Good, "ready".to_owned()),
        Some(false) => Health(Level::Bad, pod.state().to_ascii_lowercase()),
        None => Health(Level::Unknown, "unknown".to_owned()),
    }
}

fn health(state: &State) -> Health {
    let level = match state.word.as_str() {
        "Ok" => Level::Good,
        "Disabled" => Level::Info,
        "Warning" => Level::Warn,
        _ => Level::Bad,
    };
    Health(level, state.word.to_ascii_lowercase())
}

fn modules(modules: &Modules) -> Health {
    if modules.n_degraded == 0 {
        return Health(Level::Good, "ok".to_owned());
    }
    let mut names: Vec<&str> = modules
        .degraded
        .iter()
        .map(|it| it.module.rsplit('.').next().unwrap_or(&it.module))
        .collect();
    names.dedup();
    let text = match names.as_slice() {
        [] => String::new(),
        all if all.len() <= NAMES => format!(": {}", all.join(", ")),
        [first, second, rest @ ..] => format!(": {first}, {second} and {} more", rest.len()),
        // Never reached: one name is covered above.
        [_] => String::new(),
    };
    Health(Level::Warn, format!("{} degraded{text}", modules.n_degraded))
}

fn controllers(status: &AgentStatus) -> Option<Health> {
    let all = status.n_controllers?;
    let mut failing = status.failing().map(|it| it.name.as_str());
    Some(match (failing.next(), failing.count()) {
        (None, _) => Health(Level::Good, format!("{all} ok")),
        (Some(first), 0) => Health(Level::Warn, format!("1 of {all} failing: {first}")),
        (Some(first), more) => {
            Health(Level::Warn, format!("{} of {all} failing: {first} …", more + 1))
        }
    })
}

fn peers(node: &Node) -> Fact<Health> {
    if let Some(peers) = node.answers.peers.known() {
        let reached = peers.all.iter().filter(|peer| peer.is_reached()).count();
        let missed = peers.all.iter().filter(|peer| peer.is_unreachable()).count();
        let unknown = peers.all.len() - reached - missed;
        let level = match (missed, unknown) {
            (0, 0) => Level::Good,
            (0, _) => Level::Unknown,
            _ => Level::Bad,
        };
        let text = format!("{reached}/{}", peers.all.len());
        let text = if unknown > 0 { format!("{text} ({unknown} unknown)") } else { text };
        return Fact::Known(Health(level, text));
    }
    match node.answers.status.known().map(|status| status.probes_peers) {
        Some(Some(false)) => Fact::Known(Health(Level::Info, "not-probed".to_owned())),
        _ => node.answers.peers.and_then(|_| None),
    }
}

/// One row for each workload of Cilium, with its key.
pub fn component_rows(cluster: &Cluster) -> impl Iterator<Item = (String, ComponentRow)> {
    cluster
        .workloads
        .iter()
        .map(|it| (format!("{}/{}", it.kind, it.name), component_row(cluster, it)))
}

fn component_row(cluster: &Cluster, it: &Workload) -> ComponentRow {
    let pods = || cluster.pods.iter().filter(|pod| pod.component == it.name);
    let restarts: i64 = pods().map(|pod| i64::from(pod.restarts)).sum();
    let state = match it.desired {
        _ if pods().any(Pod::is_crashing) => Health(Level::Bad, "crash-loop".to_owned()),
        Some(desired) if it.ready < desired => Health(Level::Warn, "not-ready".to_owned()),
        Some(desired) if it.updated < desired => Health(Level::Info, "rolling-out".to_owned()),
        Some(_) => Health(Level::Good, "ready".to_owned()),
        None => Health(Level::Unknown, "unknown".to_owned()),
    };
    ComponentRow {
        kind: it.kind,
        name: it.name.clone(),
        state,
        desired: it.desired,
        ready: it.ready,
        available: it.available,
        up_to_date: it.updated,
        version: it.version.clone(),
        restarts,
        namespace: it.namespace.clone(),
    }
}
