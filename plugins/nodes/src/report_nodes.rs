//! The model as rows of `nodes` and `nodes addr`.

use lab_plugin::{Bytes, Cores, Fact, Failure, Health, Level, Percent};

use crate::judge;
use crate::model::{Agent, Cluster, Host, Node};
use crate::rows::{AddressRow, HostRow};

/// One row for each host.
pub fn host_row(cluster: &Cluster, idx: usize, host: &Host) -> HostRow {
    let node = cluster.node(host);
    let allocatable = |pick: fn(&Node) -> Option<f64>| reported(node.map(|node| pick(node)));
    let cpu_allocatable = allocatable(|node| node.allocatable.cpu);
    let memory_allocatable = allocatable(|node| node.allocatable.memory);
    let cpu_used = reported(host.usage.map(|usage| usage.cpu));
    let memory_used = reported(host.usage.map(|usage| usage.memory));
    HostRow {
        host: host.name.clone(),
        role: if host.is_node {
            node.map(|node| role(node))
        } else {
            Fact::Known("extra".to_owned())
        },
        ready: node.map(|node| ready(node)),
        internal_ip: node.and_then(|node| joined(&node.internal)),
        pod_cidr: node.and_then(|node| joined(&node.pod_cidrs)),
        cilium_pod_cidrs: host.cilium_pod_cidrs.and_then(|cidrs| joined(cidrs)),
        kubelet: reported(node.map(|node| node.kubelet.as_ref().map(|it| it.text.clone()))),
        agent: host.agent.map(agent),
        agent_version: reported(host.agent.map(|agent| agent.version.clone())),
        cpu: share(&cpu_used, &cpu_allocatable),
        memory: share(&memory_used, &memory_allocatable),
        pods: host.pods.map(|pods| *pods),
        pod_capacity: reported(node.map(|node| node.allocatable.pods)),
        etc_hosts: etc_hosts(&judge::agreement(cluster, idx, host)),
        addresses: host.devices.and_then(|_| {
            let all: Vec<_> = host.global_addresses().map(|(_, address)| address.ip).collect();
            joined(&all)
        }),
        kernel: host.kernel.clone(),
        os: host.os.clone(),
        runtime: reported(node.map(|node| node.runtime.clone())),
        arch: reported(node.map(|node| node.arch.clone())),
        cpu_used: cpu_used.map(|cores| Cores(*cores)),
        cpu_allocatable: cpu_allocatable.map(|cores| Cores(*cores)),
        memory_used: memory_used.map(|bytes| Bytes(*bytes)),
        memory_allocatable: memory_allocatable.map(|bytes| Bytes(*bytes)),
        conditions: node.and_then(|node| conditions(node)),
        hostname: host.hostname.clone(),
    }
}

/// What ought to be reported and is not is unknown, not absent.
pub(crate) fn reported<T: Clone>(value: Fact<Option<T>>) -> Fact<T> {
    match value {
        Fact::Known(Some(value)) => Fact::Known(value),
        Fact::Known(None) => Fact::Unknown("not reported".to_owned()),
        Fact::Unknown(why) => Fact::Unknown(why),
        Fact::Absent => Fact::Absent,
    }
}

/// Used of what may be used; unknown where either is.
pub(crate) fn share(used: &Fact<f64>, of: &Fact<f64>) -> Fact<Percent> {
    match (used, of) {
        (Fact::Absent, _) | (_, Fact::Absent) => Fact::Absent,
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::Unknown(why.clone()),
        (Fact::Known(used), Fact::Known(of)) if *of > 0.0 => Fact::Known(Percent(used / of)),
        _ => Fact::Unknown("nothing is allocatable".to_owned()),
    }
}

fn joined<T: ToString>(values: &[T]) -> Option<String> {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn role(node: &Node) -> String {
    if node.roles.is_empty() { "worker".to_owned() } else { node.roles.join(", ") }
}

fn ready(node: &Node) -> Health {
    let (level, word) = match node.condition("Ready") {
        Some(("True", _)) => (Level::Good, "ready"),
        Some(("False", _)) => (Level::Bad, "not-ready"),
        Some(_) => (Level::Bad, "not-heard"),
        None => (Level::Unknown, "?"),
    };
    match (node.is_cordoned, level) {
        (false, _) => Health(level, word.to_owned()),
        (true, Level::Good) => Health(Level::Info, "ready, cordoned".to_owned()),
        (true, _) => Health(level, format!("{word}, cordoned")),
    }
}

fn agent(agent: &Agent) -> Health {
    match agent.is_ready {
        Some(true) => Health(Level::Good, "ready".to_owned()),
        Some(false) => Health(Level::Bad, "not-ready".to_owned()),
        None => Health(Level::Unknown, "?".to_owned()),
    }
}

fn conditions(node: &Node) -> Option<String> {
    let bad =
        node.conditions.iter().filter(|(kind, status, _)| kind != "Ready" && status == "True");
    let bad: Vec<&str> = bad.map(|(kind, _, _)| kind.as_str()).collect();
    joined(&bad)
}

fn etc_hosts(agreement: &Fact<judge::Agreement>) -> Fact<Health> {
    agreement.map(|agreement| match agreement {
        judge::Agreement { differ: 1.., .. } => Health(Level::Warn, "differs".to_owned()),
        judge::Agreement { agree, of, .. } if agree == of => {
            Health(Level::Good, "agrees".to_owned())
        }
        judge::Agreement { agree: 0, .. } => Health(Level::Info, "no-names".to_owned()),
        judge::Agreement { agree, of, .. } => Health(Level::Good, format!("{agree} of {of}")),
    })
}

/// Which rows `nodes addr` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// IPv4 addresses, as `ip -br -4 addr` lists them.
    Ipv4,
    /// Every address and every device.
    All,
}

/// Hands the rows of every host's addresses to `push`, each with its key.
///
/// # Errors
/// Those of `push`.
pub fn address_rows(
    cluster: &Cluster,
    show: Show,
    mut push: impl FnMut(&str, AddressRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let shared = cluster.shared_addresses();
    for host in &cluster.hosts {
        let bare = AddressRow {
            host: host.name.clone(),
            device: None,
            state: None,
            address: Fact::Absent,
            known_as: None,
            on_hosts: None,
            mtu: None,
            mac: None,
        };
        if let Fact::Unknown(why) = &host.devices {
            let address = Fact::Unknown(why.clone());
            push(&host.name, AddressRow { address, ..bare })?;
            continue;
        }
        for device in host.devices.known().map(Vec::as_slice).unwrap_or_default() {
            let of_device = AddressRow {
                device: Some(device.name.to_string()),
                state: Some(device.state.clone()).filter(|state| !state.is_empty()),
                mtu: device.mtu,
                mac: device.mac.clone(),
                ..bare.clone()
            };
            if device.addresses.is_empty() && show == Show::All {
                push(&format!("{}/{}", host.name, device.name), of_device.clone())?;
            }
            for address in &device.addresses {
                if show == Show::Ipv4 && !address.ip.is_ipv4() {
                    continue;
                }
                let shown = format!("{}/{}", address.ip, address.len);
                let row = AddressRow {
                    address: Fact::Known(shown.clone()),
                    known_as: known_as(cluster, host, address.ip),
                    on_hosts: shared.get(&address.ip).copied(),
                    ..of_device.clone()
                };
                push(&format!("{}/{}/{shown}", host.name, device.name), row)?;
            }
        }
    }
    Ok(())
}

fn known_as(cluster: &Cluster, host: &Host, ip: std::net::IpAddr) -> Option<&'static str> {
    if host.routers.contains(&ip) {
        return Some("CiliumInternalIP");
    }
    let node = cluster.node(host);
    let node = node.known()?;
    if node.internal.contains(&ip) {
        Some("InternalIP")
    } else {
        node.external.contains(&ip).then_some("ExternalIP")
    }
}
