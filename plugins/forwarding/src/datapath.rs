//! What Cilium's datapath does to a packet that a walk brings to a node.
//!
//! The kernel's tables are the walk's business; this file is the rest: delivery to pods,
//! tunnels, and masquerading. Every rule names where in Cilium it comes from. It must not know
//! what a route ought to be.
//!
//! Sources, Cilium 1.17.6 and 1.18.0: `bpf/bpf_lxc.c` (from a pod), `bpf/bpf_host.c` (from the
//! network, and through `cilium_host`), `bpf/bpf_overlay.c` (out of a tunnel), `bpf/lib/nat.h`
//! (`snat_v4_needs_masquerade`).

use std::cell::OnceCell;
use std::net::IpAddr;

use lab_model::fib::Fib;
use lab_model::iproute2::DeviceName;
use lab_model::walk::{
    Arrival, Departure, Disposition, End, HostIdx, Leg, Neighbor, Network, Packet, Reason, Wrap,
};

use crate::model::{Address, Cluster, Host};
use crate::settings::{Mode, Settings};

/// The device through which a host talks to its own pods.
pub const CILIUM_HOST: &str = "cilium_host";
/// A pod's device whose name is not known.
pub const SOME_LXC: &str = "lxc*";

/// IPAM modes in which a default gateway of the cloud knows the pods' addresses.
const CLOUD_IPAM: [&str; 4] = ["eni", "azure", "alibabacloud", "delegated-plugin"];

/// A translation that a node keeps for the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The node that masqueraded.
    pub host: HostIdx,
    /// The address it used.
    pub outer: IpAddr,
    /// The pod's own address.
    pub inner: IpAddr,
}

/// The cluster as a walk sees it.
pub struct View<'c> {
    /// Everything known.
    pub cluster: &'c Cluster,
    /// The translation an answer will meet, once a request has made it.
    pub translation: OnceCell<Translation>,
    /// Any address of a podCIDR counts as a pod: for ways between nodes, where no one pod is
    /// meant.
    pub any_pod: bool,
}

impl<'c> View<'c> {
    /// For packets between pods that exist.
    pub fn new(cluster: &'c Cluster) -> Self {
        Self { cluster, translation: OnceCell::new(), any_pod: cluster.pods.is_none() }
    }

    /// For packets between nodes' pods in general.
    pub fn of_ranges(cluster: &'c Cluster) -> Self {
        Self { cluster, translation: OnceCell::new(), any_pod: true }
    }

    fn host(&self, host: HostIdx) -> &'c Host {
        &self.cluster.hosts[host]
    }

    /// The pod of this host that has an address.
    fn local_pod(&self, host: HostIdx, address: IpAddr) -> Option<&'c str> {
        if let Some(pod) = self.cluster.pod_at(address) {
            return (pod.host == host).then_some(pod.name.as_str());
        }
        let own = self.host(host);
        let holds = self.any_pod
            && !own.routers.contains(&address)
            && own.pod_cidrs.iter().any(|cidr| cidr.contains(address));
        holds.then_some("a pod")
    }

    /// The node a tunnel leads to for an address: what the ipcache says of podCIDRs and of the
    /// other nodes' `cilium_host` addresses.
    fn tunnel_to(&self, host: HostIdx, address: IpAddr) -> Option<(HostIdx, IpAddr)> {
        let router = self
            .cluster
            .owners
            .get(&address)
            .into_iter()
            .flatten()
            .map(|(owner, _)| *owner)
            .find(|owner| self.host(*owner).routers.contains(&address));
        let pod = || self.cluster.pod_at(address).map(|pod| pod.host);
        let range = || self.cluster.cidr_of(address).map(|cidr| cidr.host);
        let to = router.or_else(pod).or_else(range).filter(|to| *to != host)?;
        let outer = self.host(to).internal.iter().find(|ip| ip.is_ipv4() == address.is_ipv4());
        outer.or_else(|| self.host(to).internal.first()).map(|ip| (to, *ip))
    }

    fn wrap(&self, host: HostIdx, destination: IpAddr, settings: &Settings) -> Option<Wrap> {
        let Mode::Tunnel(tunnel) = settings.mode else { return None };
        let own = &self.host(host).internal;
        let source = own.iter().find(|ip| ip.is_ipv4() == destination.is_ipv4())?;
        Some(Wrap {
            source: *source,
            destination,
            overhead: settings.overhead(),
            device: DeviceName::new(tunnel.device())?,
        })
    }

    /// The address a node puts in a pod's place on a device: the device's first global one.
    fn egress_address(&self, host: HostIdx, device: DeviceName, like: IpAddr) -> Option<IpAddr> {
        let addresses = self.host(host).addresses.as_ref().ok()?;
        addresses
            .iter()
            .find(|own| own.device == device && own.is_global && own.ip.is_ipv4() == like.is_ipv4())
            .map(|own| own.ip)
    }

    /// Whether a packet of a local pod gets the node's address on its way out.
    ///
    /// In the order of `snat_v4_needs_masquerade`: the native-routing CIDR keeps the pod's
    /// address; so do other nodes in native mode, but not in tunnel mode, where such packets
    /// travel outside the tunnel; so does an answer. In iptables mode the node's chain has the
    /// same exemptions (`! -d CIDR`, and the ipset of node addresses in native mode).
    fn masquerades(&self, host: HostIdx, packet: &Packet, settings: &Settings) -> bool {
        let Packet { source, destination, reply, .. } = *packet;
        if reply || !settings.masquerades(source) || self.local_pod(host, source).is_none() {
            return false;
        }
        if settings.keeps_source_towards(destination) {
            return false;
        }
        // Without a native-routing CIDR the node's own range is the exempt one.
        let native = settings.native_cidrs.iter().any(|cidr| cidr.contains(source));
        if !native && self.host(host).pod_cidrs.iter().any(|cidr| cidr.contains(destination)) {
            return false;
        }
        let is_node = self.cluster.owners(destination).any(|owner| {
            let owner = self.host(owner);
            owner.is_node && owner.internal.contains(&destination)
        });
        !(is_node && settings.mode == Mode::Native)
    }
}

impl Network for View<'_> {
    fn name(&self, host: HostIdx) -> &str {
        &self.host(host).name
    }

    fn fib(&self, host: HostIdx) -> Result<&Fib, &str> {
        self.host(host).fib.as_ref().map_err(String::as_str)
    }

    fn mtu(&self, host: HostIdx, device: DeviceName) -> Option<u32> {
        self.host(host).links.get(&device)?.mtu
    }

    fn is_down(&self, host: HostIdx, device: DeviceName) -> bool {
        self.host(host).links.get(&device).is_some_and(|link| link.is_down)
    }

    fn neighbor(&self, host: HostIdx, device: DeviceName, address: IpAddr) -> Neighbor<'_> {
        let own = self.host(host);
        if let Some(state) = own.dead.get(&(device, address)) {
            return Neighbor::Dead(state);
        }
        let Some(owners) = self.cluster.owners.get(&address) else { return Neighbor::Outside };
        let mut found = None;
        for &(owner, theirs) in owners {
            if owner == host || !shares_link(own, device, address, theirs.as_ref()) {
                continue;
            }
            if found.is_some() {
                return Neighbor::Ambiguous("several known hosts have the next hop's address");
            }
            found = Some((owner, theirs.map(|theirs| theirs.device)));
        }
        found.map_or(Neighbor::Outside, |(owner, device)| Neighbor::Host(owner, device))
    }

    fn source(&self, host: HostIdx, leg: &Leg<'_>, destination: IpAddr) -> Option<IpAddr> {
        if let Some(source) = leg.route.prefsrc {
            return Some(source);
        }
        let own = self.host(host).addresses.as_ref().ok()?;
        let of_family = |own: &&Address| own.ip.is_ipv4() == destination.is_ipv4();
        let next = leg.gateway.unwrap_or(destination);
        let on_device = || own.iter().filter(of_family).filter(|own| own.device == leg.device);
        // As inet_select_addr: the network of the next hop first, then the device, then any.
        on_device()
            .find(|own| own.network.contains(next))
            .or_else(|| on_device().find(|own| own.is_global))
            .or_else(|| own.iter().filter(of_family).find(|own| own.is_global))
            .map(|own| own.ip)
    }

    fn beyond(&self, host: HostIdx, packet: &Packet, leg: &Leg<'_>) -> End<'_> {
        let Some(gateway) = leg.gateway else {
            // Others may live on a link too; only what is the cluster's own should be known.
            if self.cluster.is_own(packet.destination) {
                return End {
                    disposition: Disposition::NeighborUnreachable,
                    reason: Reason::Neighbor(packet.destination, "no known host has it"),
                };
            }
            return End::plain(Disposition::Exits);
        };
        if !self.cluster.is_inside(packet.destination) {
            return End { disposition: Disposition::Exits, reason: Reason::Gateway(gateway) };
        }
        let cloud = self
            .host(host)
            .settings
            .as_ref()
            .is_some_and(|settings| CLOUD_IPAM.contains(&settings.ipam.as_str()));
        let disposition = if leg.route.dst.is_default() && !cloud {
            Disposition::BlackHole
        } else {
            Disposition::Unknown
        };
        End { disposition, reason: Reason::Gateway(gateway) }
    }

    fn arrive(&self, host: HostIdx, in_device: Option<DeviceName>, packet: &Packet) -> Arrival<'_> {
        let own = self.host(host);
        if !own.is_node {
            return Arrival::Kernel;
        }
        if packet.reply
            && let Some(translation) = self.translation.get()
            && translation.host == host
            && translation.outer == packet.destination
        {
            return Arrival::Translate(Packet { destination: translation.inner, ..*packet });
        }
        // The host's own packets meet the kernel's tables first.
        let Some(in_device) = in_device else { return Arrival::Kernel };
        let from_pod = in_device.starts_with("lxc");
        let Some(settings) = &own.settings else {
            return Arrival::End(End::because(
                Disposition::Unknown,
                "Cilium's configuration on this node is not known",
            ));
        };
        let from_tunnel = in_device.starts_with("cilium_");
        // A pod's own program and the tunnel's look for local pods first; the network devices'
        // does so unless host routing is legacy.
        if (from_pod || from_tunnel || !settings.legacy_host_routing)
            && let Some(pod) = self.local_pod(host, packet.destination)
        {
            return Arrival::Deliver(pod);
        }
        if from_pod
            && matches!(settings.mode, Mode::Tunnel(_))
            && let Some((_, outer)) = self.tunnel_to(host, packet.destination)
        {
            return match self.wrap(host, outer, settings) {
                Some(wrap) => Arrival::Encapsulate(wrap),
                None => Arrival::End(End::because(
                    Disposition::Unknown,
                    "the node's own tunnel address is not known",
                )),
            };
        }
        Arrival::Kernel
    }

    fn leave(
        &self,
        host: HostIdx,
        in_device: Option<DeviceName>,
        packet: &Packet,
        leg: &Leg<'_>,
    ) -> Departure<'_> {
        let own = self.host(host);
        if !own.is_node {
            return Departure::Kernel;
        }
        let device = leg.device;
        if device.starts_with("lxc") {
            return match self.local_pod(host, packet.destination) {
                Some(pod) => Departure::Deliver(pod),
                None => Departure::End(End::because(
                    Disposition::Denied,
                    "the pod's device is there and no pod has the address",
                )),
            };
        }
        let Some(settings) = &own.settings else { return Departure::Kernel };
        if device == CILIUM_HOST {
            if let Some(pod) = self.local_pod(host, packet.destination) {
                return Departure::Deliver(pod);
            }
            if let Some((_, outer)) = self.tunnel_to(host, packet.destination)
                && let Some(wrap) = self.wrap(host, outer, settings)
            {
                return Departure::Encapsulate(wrap);
            }
            return Departure::End(End::because(
                Disposition::Denied,
                "behind cilium_host no pod and no tunnel has the address",
            ));
        }
        let from_pod = in_device.is_some_and(|device| device.starts_with("lxc"));
        if from_pod && self.masquerades(host, packet, settings) {
            if settings.ip_masq_agent {
                return Departure::End(End::because(
                    Disposition::Unknown,
                    "ip-masq-agent decides whether the source is masqueraded",
                ));
            }
            let by_datapath = settings.bpf_masquerade && !settings.devices.is_empty();
            if by_datapath && !settings.devices.iter().any(|known| device == known.as_str()) {
                return Departure::Kernel;
            }
            return match self.egress_address(host, device, packet.source) {
                Some(address) => Departure::Masquerade(address),
                None => Departure::End(End::because(
                    Disposition::Unknown,
                    "the address that the node masquerades with is not known",
                )),
            };
        }
        Departure::Kernel
    }

    fn filter(&self, host: HostIdx, _: Option<DeviceName>, _: &Packet) -> Option<End<'_>> {
        let own = self.host(host);
        // On a node Cilium's own chain accepts what belongs to pods.
        (own.forward_drops && !own.is_node).then_some(End::because(
            Disposition::FilteredUnknown,
            "the policy of its FORWARD chain is DROP",
        ))
    }
}

/// Whether an address of another host can be on the link behind a device: either network holds
/// the other's address. Without addresses of one side nothing speaks against it.
fn shares_link(own: &Host, device: DeviceName, next: IpAddr, theirs: Option<&Address>) -> bool {
    let (Ok(addresses), Some(theirs)) = (&own.addresses, theirs) else { return true };
    let mut on_device = addresses
        .iter()
        .filter(|own| own.device == device && own.ip.is_ipv4() == next.is_ipv4())
        .peekable();
    // A device without an address of its own routes by others' addresses.
    on_device.peek().is_none()
        || on_device.any(|own| own.network.contains(next) || theirs.network.contains(own.ip))
}
