//! From names to what is probed: who sends, who answers, and through which address.
//!
//! Pure: the cluster and its Services are at hand. What a probe is made of is `measure`'s.

use std::net::{IpAddr, SocketAddr};

use lab_forwarding::model::Cluster;
use lab_forwarding::trace::{Endpoint, Unresolved};
use lab_model::walk::HostIdx;

use crate::services::Services;

/// Where a probe runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// On a host.
    Host(String),
    /// In a pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// Who sends.
#[derive(Clone, Debug)]
pub struct Source {
    /// For people.
    pub name: String,
    /// For the prediction.
    pub end: Endpoint,
    /// Where its probes run.
    pub at: At,
    /// The host that carries them.
    pub host: HostIdx,
}

/// Who answers.
#[derive(Clone, Debug)]
pub struct Target {
    /// For people.
    pub name: String,
    /// Where a packet to it may end: one end, or one for each endpoint of a Service.
    pub ends: Vec<Endpoint>,
    /// The address that is probed, where it is not that of the end.
    pub address: Option<IpAddr>,
    /// The TCP port that is connected to; otherwise it is pinged.
    pub port: Option<u16>,
}

impl Source {
    /// What a name means as a sender.
    ///
    /// # Errors
    /// Names nobody has, and ends in which nothing can run.
    pub fn resolve(cluster: &Cluster, name: &str) -> Result<Self, Unresolved> {
        let end = Endpoint::resolve(cluster, name)?;
        Self::of(cluster, end).ok_or_else(|| {
            Unresolved(format!(
                "nothing can be run at `{name}`: a probe starts at a pod, a node or an extra host"
            ))
        })
    }

    fn of(cluster: &Cluster, end: Endpoint) -> Option<Self> {
        let host = end.host()?;
        let (at, end) = match end {
            Endpoint::Pod { ref name, .. } => {
                let (namespace, short) = name.split_once('/')?;
                let (namespace, name) = (namespace.to_owned(), short.to_owned());
                (At::Pod { namespace, name }, end)
            }
            // A host's own packets get the address that its kernel chooses.
            _ => (At::Host(cluster.hosts[host].name.clone()), Endpoint::Host { host, ip: None }),
        };
        Some(Self { name: end.name(cluster), end, at, host })
    }
}

impl Target {
    /// What a name means as a destination: what a trace understands, `service/NAMESPACE/NAME`,
    /// or either with a port.
    ///
    /// # Errors
    /// Names nobody has, and Services without an address or a TCP port.
    pub fn resolve(cluster: &Cluster, services: &Services, name: &str) -> Result<Self, Unresolved> {
        let (plain, port) = split_port(name);
        if let Some(service) = service_name(plain) {
            return services.target(cluster, service, port);
        }
        if let Ok(address) = plain.parse::<IpAddr>()
            && let Some(target) = services.target_at(cluster, address, port)
        {
            return target;
        }
        let end = Endpoint::resolve(cluster, plain)?;
        Ok(Self::of(cluster, end, port))
    }

    fn of(cluster: &Cluster, end: Endpoint, port: Option<u16>) -> Self {
        let name = end.name(cluster);
        let name = port.map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
        Self { name, ends: vec![end], address: None, port }
    }

    /// Whether a probe would stay where it starts.
    pub fn is(&self, source: &Source) -> bool {
        matches!(&self.ends[..], [end] if *end == source.end)
    }
}

/// Whether Services have to be known to understand a destination.
pub fn needs_services(cluster: &Cluster, name: &str) -> bool {
    let (plain, _) = split_port(name);
    let foreign = |address: IpAddr| {
        cluster.pod_at(address).is_none() && cluster.owners(address).next().is_none()
    };
    service_name(plain).is_some() || plain.parse().is_ok_and(foreign)
}

/// The name after `service/` or `svc/`.
fn service_name(name: &str) -> Option<&str> {
    name.strip_prefix("service/").or_else(|| name.strip_prefix("svc/"))
}

/// `NAME:PORT`, `[ADDRESS]:PORT`.
fn split_port(name: &str) -> (&str, Option<u16>) {
    if name.parse::<IpAddr>().is_ok() {
        return (name, None);
    }
    let split = name.rsplit_once(':').and_then(|(plain, port)| Some((plain, port.parse().ok()?)));
    let Some((plain, port)) = split else { return (name, None) };
    let plain = match name.parse::<SocketAddr>() {
        Ok(_) => plain.trim_start_matches('[').trim_end_matches(']'),
        Err(_) => plain,
    };
    (plain, Some(port))
}

/// Senders when none is named: every host that can be asked, and a pod on each node.
pub fn all_sources(cluster: &Cluster, asked: &[String]) -> Vec<Source> {
    let hosts = asked.iter().filter_map(|name| cluster.host_named(name));
    let of_host = hosts.clone().map(|host| Endpoint::Host { host, ip: None });
    let of_pods = hosts.filter_map(|host| pod_of(cluster, host, Pick::First));
    of_host.chain(of_pods).filter_map(|end| Source::of(cluster, end)).collect()
}

/// Destinations when none is named: every node, and a pod on each, another than the one that
/// sends where there are two: so the way inside a node is probed too.
pub fn all_targets(cluster: &Cluster) -> Vec<Target> {
    let nodes: Vec<HostIdx> = cluster.nodes().map(|(host, _)| host).collect();
    let of_host = nodes.iter().map(|host| Endpoint::Host { host: *host, ip: None });
    let of_pods = nodes.iter().filter_map(|host| pod_of(cluster, *host, Pick::Last));
    of_host.chain(of_pods).map(|end| Target::of(cluster, end, None)).collect()
}

#[derive(Clone, Copy)]
enum Pick {
    First,
    Last,
}

/// A pod of a node with an address of its own; one of `kube-system` only where there is no
/// other.
fn pod_of(cluster: &Cluster, host: HostIdx, pick: Pick) -> Option<Endpoint> {
    let own = cluster
        .pod_names
        .iter()
        .filter(|(_, (on, ips))| *on == host && ips.iter().any(|ip| cluster.pod_at(*ip).is_some()));
    let is_users = |(name, _): &(&String, _)| !name.starts_with("kube-system/");
    let users = own.clone().filter(is_users);
    let found = match pick {
        Pick::First => users.clone().next().or_else(|| own.clone().next()),
        Pick::Last => users.clone().next_back().or_else(|| own.clone().next_back()),
    };
    let (name, (_, ips)) = found?;
    Some(Endpoint::Pod { name: name.clone(), host, ips: ips.clone() })
}

#[cfg(test)]
mod tests {
    use lab_forwarding::made::{ip, lab};
    use lab_forwarding::model::{PodInput, build};

    use super::*;

    fn cluster() -> Cluster {
        let mut lab = lab();
        let pod = |name: &str, node: &str, at: &str| PodInput {
            name: name.to_owned(),
            node: node.to_owned(),
            ips: vec![ip(at)],
            host_network: at.starts_with("192."),
        };
        lab.inputs.pods = Some(vec![
            pod("kube-system/dns", "a", "10.1.0.9"),
            pod("default/curl", "a", "10.1.0.10"),
            pod("default/web", "a", "10.1.0.11"),
            pod("kube-system/dns2", "b", "10.1.1.9"),
            pod("kube-system/agent", "c", "192.168.2.10"),
        ]);
        build(lab.inputs)
    }

    #[test]
    fn ports_are_told_from_addresses() {
        assert_eq!(split_port("10.0.0.1"), ("10.0.0.1", None));
        assert_eq!(split_port("10.0.0.1:80"), ("10.0.0.1", Some(80)));
        assert_eq!(split_port("fd00::1:80"), ("fd00::1:80", None));
        assert_eq!(split_port("[fd00::1]:80"), ("fd00::1", Some(80)));
        assert_eq!(split_port("default/web:8080"), ("default/web", Some(8080)));
        assert_eq!(split_port("web:http"), ("web:http", None));
        assert_eq!(split_port("web:99999"), ("web:99999", None));
    }

    #[test]
    fn every_host_and_a_pod_of_each_node_send() {
        let cluster = cluster();
        let asked = ["a", "b", "c", "r"].map(str::to_owned);
        let names: Vec<String> =
            all_sources(&cluster, &asked).into_iter().map(|source| source.name).collect();
        assert_eq!(names, ["a", "b", "c", "r", "default/curl", "kube-system/dns2"]);
        // A host that was left out with `--host` sends nothing.
        let names: Vec<String> =
            all_sources(&cluster, &asked[1..2]).into_iter().map(|source| source.name).collect();
        assert_eq!(names, ["b", "kube-system/dns2"]);
    }

    #[test]
    fn nodes_and_another_pod_of_each_answer() {
        let names: Vec<String> =
            all_targets(&cluster()).into_iter().map(|target| target.name).collect();
        assert_eq!(names, ["a", "b", "c", "default/web", "kube-system/dns2"]);
    }

    #[test]
    fn a_sender_must_be_a_place_where_something_can_run() {
        let cluster = cluster();
        let at = |name: &str| Source::resolve(&cluster, name).map(|source| source.at);
        assert_eq!(at("r"), Ok(At::Host("r".to_owned())));
        // An address of a host is the host; its kernel chooses the source.
        assert_eq!(at("192.168.1.10"), Ok(At::Host("a".to_owned())));
        let curl = At::Pod { namespace: "default".to_owned(), name: "curl".to_owned() };
        assert_eq!(at("10.1.0.10"), Ok(curl));
        // A pod that uses its node's network sends as the node does.
        assert_eq!(at("kube-system/agent"), Ok(At::Host("c".to_owned())));
        for name in ["192.0.2.1", "10.1.2.77", "nobody"] {
            assert!(at(name).is_err(), "{name}");
        }
    }
}
