//! The route a host ought to have for one podCIDR, from the settings and the other nodes.
//!
//! The decision table of the routing modes and nothing else: it looks at a host's tables only
//! to learn whether a peer is on the link, as the agent does.

use std::fmt;
use std::net::IpAddr;

use lab_forwarding::datapath::CILIUM_HOST;
use lab_forwarding::model::{Cluster, PodCidr};
use lab_forwarding::settings::Mode;
use lab_forwarding::tables;
use lab_model::Prefix;
use lab_model::iproute2::DeviceName;
use lab_model::walk::HostIdx;

/// What ought to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `PODCIDR via NODE dev DEVICE`: the agent makes it, the peer is on the link.
    Direct {
        /// The peer.
        gateway: IpAddr,
        /// The device on which the peer is reached; absent where that is not known.
        device: Option<DeviceName>,
    },
    /// Any route that leads there: the peer is behind this gateway.
    Across {
        /// The router in between.
        gateway: IpAddr,
        /// The peer's own address.
        peer: IpAddr,
    },
    /// Any route that leads there: the agent makes none in this mode.
    Outside,
    /// `PODCIDR via ROUTER dev cilium_host mtu N`.
    Tunnel {
        /// The host's own `cilium_host` address, where known.
        router: Option<IpAddr>,
        /// What encapsulation leaves of the MTU.
        mtu: Option<u32>,
    },
    /// `PODCIDR via ROUTER dev cilium_host` for the host's own pods.
    Local {
        /// The host's own `cilium_host` address, where known.
        router: Option<IpAddr>,
    },
    /// One route for each pod of the host.
    Endpoints,
    /// Nothing: no node, and whether it forwards for nodes is the walk's word.
    Nothing,
    /// Not to be said.
    Unknown(&'static str),
}

/// What `host` ought to have for `cidr`.
pub fn expect(cluster: &Cluster, host: HostIdx, cidr: &PodCidr) -> Expected {
    let own = &cluster.hosts[host];
    if !own.is_node {
        return Expected::Nothing;
    }
    let Some(settings) = &own.settings else {
        return Expected::Unknown("Cilium's configuration on this node is not known");
    };
    let v4 = cidr.prefix.address().is_ipv4();
    let router = own.routers.iter().find(|ip| ip.is_ipv4() == v4).copied();
    if cidr.host == host {
        return if settings.endpoint_routes {
            Expected::Endpoints
        } else if settings.local_node_route {
            Expected::Local { router }
        } else {
            Expected::Outside
        };
    }
    if matches!(settings.mode, Mode::Tunnel(_)) {
        return Expected::Tunnel { router, mtu: cluster.pod_mtu(host) };
    }
    if !settings.auto_direct {
        return Expected::Outside;
    }
    let peer = &cluster.hosts[cidr.host];
    let Some(address) = peer.internal.iter().find(|ip| ip.is_ipv4() == v4).copied() else {
        return Expected::Unknown("the address of the node that owns the range is not known");
    };
    let Ok(fib) = &own.fib else { return Expected::Unknown("the host gave no routing table") };
    // As createDirectRouteSpec: only the first answer's gateway counts.
    match tables::towards(fib, address) {
        Some((Some(gateway), _)) if gateway != address => {
            Expected::Across { gateway, peer: address }
        }
        Some((_, device)) => Expected::Direct { gateway: address, device },
        None => Expected::Direct { gateway: address, device: None },
    }
}

impl Expected {
    /// The route as `ip route` would print it; absent where several would do.
    pub fn line(&self, cidr: Prefix) -> Option<String> {
        let mut line = cidr.to_string();
        let mut add = |word: &str, value: Option<&dyn fmt::Display>| {
            if let Some(value) = value {
                use fmt::Write;
                // Writing into a String does not fail.
                let _ = write!(line, " {word} {value}");
            }
        };
        match self {
            Self::Direct { gateway, device } => {
                add("via", Some(gateway));
                add("dev", device.as_ref().map(|device| device as &dyn fmt::Display));
                add("proto", Some(&"kernel"));
            }
            Self::Tunnel { router, mtu } => {
                let router = router.as_ref().map(|router| router as &dyn fmt::Display);
                add("via", router);
                add("dev", Some(&CILIUM_HOST));
                add("proto", Some(&"kernel"));
                add("src", router);
                add("mtu", mtu.as_ref().map(|mtu| mtu as &dyn fmt::Display));
            }
            Self::Local { router } => {
                let router = router.as_ref().map(|router| router as &dyn fmt::Display);
                add("via", router);
                add("dev", Some(&CILIUM_HOST));
                add("proto", Some(&"kernel"));
                add("src", router);
            }
            _ => return None,
        }
        Some(line)
    }

    /// In words, for the column of expectations.
    pub fn words(&self, cidr: Prefix) -> Option<String> {
        match self {
            Self::Across { gateway, .. } => {
                Some(format!("any route that leads there, {gateway} is between"))
            }
            Self::Outside => Some("a static or learned route".to_owned()),
            Self::Endpoints => Some("one route for each pod".to_owned()),
            Self::Nothing | Self::Unknown(_) => None,
            _ => self.line(cidr),
        }
    }
}
