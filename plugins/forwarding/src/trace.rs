//! From two names to a path, there and back.
//!
//! Turns what the user typed into a flow, walks it, and walks the answer: the address the
//! answer goes to is the one the far end saw. It must not draw anything.

use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::iproute2::DeviceName;
use lab_model::walk::{
    self, Disposition, End, Flow, HostIdx, Packet, Step, Trace, unspecified_like,
};

use crate::datapath::{SOME_LXC, Translation, View};
use crate::model::Cluster;
use crate::tables;

/// One end of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A pod with an address of its own.
    Pod {
        /// `namespace/name`, or the address where no pod is known by it.
        name: String,
        /// Host it is on.
        host: HostIdx,
        /// Its addresses, IPv4 first.
        ips: Vec<IpAddr>,
    },
    /// A host, by all or one of its addresses.
    Host {
        /// Which.
        host: HostIdx,
        /// The address that was meant; none when the host was named.
        ip: Option<IpAddr>,
    },
    /// An address that belongs to none of the known hosts.
    Outside(IpAddr),
}

/// Why a name cannot be traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved(pub String);

/// Both directions.
pub struct Path<'v> {
    /// The request.
    pub there: Trace<'v>,
    /// The answer; why there is none to follow otherwise.
    pub back: Result<Trace<'v>, &'static str>,
    /// Source and destination of the request as it was sent.
    pub packet: Packet,
    /// Smallest MTU of the request's way, the sending pod's own included.
    pub mtu_there: Option<u32>,
    /// And of the answer's.
    pub mtu_back: Option<u32>,
}

/// Both ends of a way, in one family.
#[derive(Clone, Debug)]
pub struct Ends {
    /// Where the request starts.
    pub source: Endpoint,
    /// Where it goes.
    pub destination: Endpoint,
}

impl Endpoint {
    /// Finds what a name means: an address, `namespace/pod`, a host, or a pod's bare name.
    ///
    /// # Errors
    /// Names nobody has, and bare pod names that several namespaces have.
    pub fn resolve(cluster: &Cluster, name: &str) -> Result<Self, Unresolved> {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return Ok(Self::of_address(cluster, ip));
        }
        if let Some(host) = cluster.host_named(name) {
            return Ok(Self::Host { host, ip: None });
        }
        let name = name.strip_prefix("pod/").unwrap_or(name);
        if name.contains('/') {
            return match cluster.pod_names.get(name) {
                Some((host, ips)) => Ok(Self::of_pod(cluster, name, *host, ips)),
                None => Err(Unresolved(format!("no pod `{name}` with an address was found"))),
            };
        }
        let mut same = cluster
            .pod_names
            .iter()
            .filter(|(full, _)| full.split_once('/').is_some_and(|(_, short)| short == name));
        match (same.next(), same.next()) {
            (Some((full, (host, ips))), None) => Ok(Self::of_pod(cluster, full, *host, ips)),
            (Some((first, _)), Some((second, _))) => Err(Unresolved(format!(
                "several pods are named `{name}`: say `{first}` or `{second}`"
            ))),
            _ => Err(Unresolved(format!("`{name}` is no pod, no host and no address"))),
        }
    }

    fn of_pod(cluster: &Cluster, name: &str, host: HostIdx, ips: &[IpAddr]) -> Self {
        let own = ips.iter().any(|ip| cluster.pod_at(*ip).is_some());
        if own {
            Self::Pod { name: name.to_owned(), host, ips: ips.to_vec() }
        } else {
            Self::Host { host, ip: ips.first().copied() }
        }
    }

    fn of_address(cluster: &Cluster, ip: IpAddr) -> Self {
        if let Some(pod) = cluster.pod_at(ip) {
            return Self::Pod { name: pod.name.clone(), host: pod.host, ips: vec![ip] };
        }
        match cluster.owner(ip) {
            Some(host) => Self::Host { host, ip: Some(ip) },
            None => match cluster.cidr_of(ip) {
                Some(cidr) if cluster.pods.is_none() => {
                    Self::Pod { name: ip.to_string(), host: cidr.host, ips: vec![ip] }
                }
                _ => Self::Outside(ip),
            },
        }
    }

    /// The host on which packets of this end start.
    pub fn host(&self) -> Option<HostIdx> {
        match self {
            Self::Pod { host, .. } | Self::Host { host, .. } => Some(*host),
            Self::Outside(_) => None,
        }
    }

    /// Its name for people.
    pub fn name(&self, cluster: &Cluster) -> String {
        match self {
            Self::Pod { name, .. } => name.clone(),
            Self::Host { host, ip: None } => cluster.hosts[*host].name.clone(),
            Self::Host { host, ip: Some(ip) } => format!("{} ({ip})", cluster.hosts[*host].name),
            Self::Outside(ip) => ip.to_string(),
        }
    }

    /// An address of this end in a family.
    fn address(&self, cluster: &Cluster, v4: bool) -> Option<IpAddr> {
        match self {
            Self::Pod { ips, .. } => ips.iter().find(|ip| ip.is_ipv4() == v4).copied(),
            Self::Host { ip: Some(ip), .. } | Self::Outside(ip) => {
                (ip.is_ipv4() == v4).then_some(*ip)
            }
            Self::Host { host, ip: None } => {
                let host = &cluster.hosts[*host];
                let own = host.addresses.iter().flatten().filter(|own| own.is_global);
                let known = host.internal.iter().copied().chain(own.map(|own| own.ip));
                known.into_iter().find(|ip| ip.is_ipv4() == v4)
            }
        }
    }

    /// The source of a packet that starts here: a host leaves it to its kernel.
    fn source(&self, cluster: &Cluster, destination: IpAddr) -> Option<IpAddr> {
        match self {
            Self::Host { ip: None, .. } => Some(unspecified_like(destination)),
            _ => self.address(cluster, destination.is_ipv4()),
        }
    }

    /// The device by which a packet that starts here enters its host.
    fn in_device(&self, cluster: &Cluster, ip: IpAddr) -> Option<DeviceName> {
        let Self::Pod { host, .. } = self else { return None };
        let own_route = cluster.hosts[*host].fib.as_ref().ok().and_then(|fib| {
            let own = tables::exact(fib, &Prefix::host(ip))?;
            own.device.filter(|device| device.starts_with("lxc"))
        });
        own_route.or_else(|| DeviceName::new(SOME_LXC))
    }
}

impl Ends {
    /// Walks there and back.
    ///
    /// # Errors
    /// Ends without a common address family, and sources that start on no known host.
    pub fn walk<'v>(&self, view: &'v View<'v>) -> Result<Path<'v>, Unresolved> {
        let cluster = view.cluster;
        let family = || Unresolved("the two ends have no address family in common".to_owned());
        let v4 = [&self.source, &self.destination]
            .iter()
            .all(|end| end.address(cluster, true).is_some());
        let destination = self.destination.address(cluster, v4).ok_or_else(family)?;
        let source = self.source.source(cluster, destination).ok_or_else(family)?;
        let Some(host) = self.source.host() else {
            return Err(Unresolved(format!(
                "`{}` belongs to no known host: a way starts at a pod, a node or an extra host",
                self.source.name(cluster)
            )));
        };
        let request = Packet::request(source, destination);
        let in_device = self.source.in_device(cluster, source);
        let there = walk::trace(view, &Flow { packet: request, host, in_device });
        let packet = sent(&there, request);
        let translation = translation(&there, packet.source);
        if let Some(translation) = translation {
            // An answer is walked once, so nothing was remembered before.
            let _ = view.translation.set(translation);
        }
        let seen = translation.map_or(packet.source, |translation| translation.outer);
        let answer = Packet { source: seen, ..packet }.answer();
        let back = self.back(view, &there, answer);
        let mtu_there = least(there.mtu(), pod_mtu(cluster, &self.source));
        let mtu_back = match &back {
            Ok(back) => least(back.mtu(), pod_mtu(cluster, &self.destination)),
            Err(_) => None,
        };
        Ok(Path { there, back, packet, mtu_there, mtu_back })
    }

    fn back<'v>(
        &self,
        view: &'v View<'v>,
        there: &Trace<'_>,
        answer: Packet,
    ) -> Result<Trace<'v>, &'static str> {
        if answer.destination.is_unspecified() {
            return Err("the source address of the request is not known");
        }
        if let Some(host) = self.destination.host() {
            let in_device = self.destination.in_device(view.cluster, answer.source);
            return Ok(walk::trace(view, &Flow { packet: answer, host, in_device }));
        }
        // An address outside: only one on the link of the last host is known to answer.
        if there.end().disposition != Disposition::Exits {
            return Err("the request does not get there, and nobody known has the address");
        }
        let attached = there.branches.iter().find_map(|branch| {
            let hop = branch.hops.last()?;
            let direct = hop.next_hop == Some(answer.source);
            direct.then_some((hop.host, hop.out_device?))
        });
        let Some((host, device)) = attached else {
            return Err("the answer comes from beyond the known hosts");
        };
        let on_link = view.cluster.hosts[host].addresses.iter().flatten().any(|own| {
            own.device == device
                && own.ip == answer.destination
                && own.network.contains(answer.source)
        });
        if !on_link {
            return Err("the address outside knows no way to the sender's address");
        }
        Ok(walk::trace(view, &Flow { packet: answer, host, in_device: Some(device) }))
    }
}

/// The MTU a pod at an end is given.
fn pod_mtu(cluster: &Cluster, end: &Endpoint) -> Option<u32> {
    match end {
        Endpoint::Pod { host, .. } => cluster.pod_mtu(*host),
        _ => None,
    }
}

fn least(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).min()
}

/// The request with the source its host chose.
fn sent(trace: &Trace<'_>, request: Packet) -> Packet {
    if !request.source.is_unspecified() {
        return request;
    }
    let first = trace.branches.first().and_then(|branch| branch.hops.first());
    first.map_or(request, |hop| Packet { source: hop.packet.source, ..request })
}

/// What the masquerading node remembers.
fn translation(trace: &Trace<'_>, inner: IpAddr) -> Option<Translation> {
    trace.branches.iter().flat_map(|branch| &branch.hops).find_map(|hop| {
        hop.steps.iter().find_map(|step| match step {
            Step::Masquerade(outer) => Some(Translation { host: hop.host, outer, inner }),
            _ => None,
        })
    })
}

impl Path<'_> {
    /// Whether request and answer both arrive.
    pub fn works(&self) -> bool {
        let arrives = |end: End<'_>| end.disposition.is_success();
        arrives(self.there.end())
            && self.back.as_ref().is_ok_and(|back| back.end().disposition == Disposition::Delivered)
    }
}

#[cfg(test)]
mod tests;
