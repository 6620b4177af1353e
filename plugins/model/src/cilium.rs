//! Objects and settings of Cilium, as far as more than one plugin reads them.
//!
//! Apart from [`crate::kubernetes`] because a cluster may have those without these. It must not
//! know routes: what Cilium does with its settings is judged by a plugin.

mod agent_ipam;
mod config;
mod fields;
mod ipam;
mod pool;

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Deserializer};

pub use self::agent_ipam::{
    AgentEndpoint, AgentIpam, Allocation, parse_agent_endpoints, parse_agent_ipam,
};
pub use self::config::{
    CiliumConfig, ConfigSource, ConfigValue, IpamMode, RoutingMode, TunnelProtocol, go_network,
    parse_agent_config,
};
pub use self::fields::parse_agent_fields;
pub use self::ipam::{Interface, IpamNode, PoolRequest, Prefixes};
pub use self::pool::{PodIpPool, PoolFamily};
use crate::{
    AddressFamily, Prefix,
    kubernetes::{Metadata, lenient_list, or_default},
};

/// A node as Cilium knows it.
///
/// - Source: `ciliumnodes`, cilium.io/v2, of Cilium 1.17 and 1.18.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct CiliumNode {
    /// Name, equal to that of the Kubernetes node.
    pub metadata: Metadata,
    spec: NodeSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    addresses: Vec<CiliumNodeAddress>,
    ipam: Ipam,
    health: Health,
    encryption: Encryption,
}

/// One address of a `CiliumNode`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct CiliumNodeAddress {
    /// `InternalIP`, `ExternalIP`, `CiliumInternalIP` …
    #[serde(rename = "type")]
    pub kind: String,
    /// The address.
    pub ip: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Ipam {
    #[serde(rename = "podCIDRs", deserialize_with = "lenient_list")]
    pod_cidrs: Vec<Prefix>,
    pools: Pools,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Pools {
    allocated: Vec<AllocatedPool>,
}

/// What a node holds of one pool under multi-pool IPAM.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AllocatedPool {
    /// Name of the pool.
    pub pool: String,
    /// The ranges it holds.
    #[serde(deserialize_with = "lenient_list")]
    pub cidrs: Vec<Prefix>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Health {
    #[serde(deserialize_with = "lenient_ip")]
    ipv4: Option<IpAddr>,
    #[serde(deserialize_with = "lenient_ip")]
    ipv6: Option<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Encryption {
    key: Option<u32>,
}

impl CiliumNode {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// All its addresses.
    pub fn addresses(&self) -> &[CiliumNodeAddress] {
        &self.spec.addresses
    }

    fn first(&self, kind: &str, family: AddressFamily) -> Option<IpAddr> {
        let of_kind = self.spec.addresses.iter().filter(|address| address.kind == kind);
        let mut ips = of_kind.filter_map(|address| address.ip.parse().ok());
        ips.find(|ip| AddressFamily::of(*ip) == family)
    }

    /// The address other nodes send to: the `InternalIP`, or else the `ExternalIP`, or else any that
    /// is not Cilium's own. The order in which Cilium itself looks for it.
    pub fn node_ip(&self, family: AddressFamily) -> Option<IpAddr> {
        let internal = self.first("InternalIP", family);
        internal.or_else(|| self.first("ExternalIP", family)).or_else(|| {
            let others = self.spec.addresses.iter().filter(|it| it.kind != "CiliumInternalIP");
            let mut ips = others.filter_map(|address| address.ip.parse().ok());
            ips.find(|ip| AddressFamily::of(*ip) == family)
        })
    }

    /// The address on `cilium_host`: the next hop of the routes to local pods.
    pub fn router_ip(&self, family: AddressFamily) -> Option<IpAddr> {
        self.first("CiliumInternalIP", family)
    }

    /// The address of the health endpoint.
    pub const fn health_ip(&self, family: AddressFamily) -> Option<IpAddr> {
        match family {
            AddressFamily::V4 => self.spec.health.ipv4,
            AddressFamily::V6 => self.spec.health.ipv6,
        }
    }

    /// Every range its pods get addresses from: `ipam.podCIDRs`, then those of its pools.
    pub fn pod_cidrs(&self) -> impl Iterator<Item = Prefix> + '_ {
        let pools = self.pools().iter().flat_map(|pool| pool.cidrs.iter());
        self.spec.ipam.pod_cidrs.iter().chain(pools).copied()
    }

    /// What it holds of each pool; empty unless IPAM is multi-pool.
    pub fn pools(&self) -> &[AllocatedPool] {
        &self.spec.ipam.pools.allocated
    }

    /// The key it uses for `IPsec`; `None` or 0 without.
    pub const fn encryption_key(&self) -> Option<u32> {
        self.spec.encryption.key
    }
}

/// An endpoint: a pod that Cilium connects.
///
/// - Source: `ciliumendpoints`, cilium.io/v2, of Cilium 1.17 and 1.18.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct CiliumEndpoint {
    /// Name and namespace, equal to those of the pod.
    pub metadata: Metadata,
    status: EndpointStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct EndpointStatus {
    id: Option<u64>,
    identity: EndpointIdentity,
    networking: Networking,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct EndpointIdentity {
    id: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    labels: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Networking {
    addressing: Vec<BTreeMap<String, String>>,
    #[serde(deserialize_with = "lenient_ip")]
    node: Option<IpAddr>,
}

impl CiliumEndpoint {
    /// Its addresses.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let pairs = self.status.networking.addressing.iter().flat_map(BTreeMap::values);
        pairs.filter_map(|ip| ip.parse().ok())
    }

    /// Address of the node it is on; `None` when the agent has not said.
    pub const fn node_ip(&self) -> Option<IpAddr> {
        self.status.networking.node
    }

    /// Its number, which means something on its node only.
    pub const fn id(&self) -> Option<u64> {
        self.status.id
    }

    /// Its security identity.
    pub const fn identity(&self) -> Option<u64> {
        self.status.identity.id
    }

    /// The labels that its identity stands for, each with its source: `k8s:app=curl`.
    pub fn labels(&self) -> &[String] {
        &self.status.identity.labels
    }

    /// `ready`, `regenerating`, `waiting-for-identity` …; empty when not said.
    pub fn state(&self) -> &str {
        &self.status.state
    }
}

/// Reads an address; text that is none counts as absent, so that it does not cost the object.
fn lenient_ip<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::parse_objects;

    #[test]
    fn a_node_has_a_router_and_podcidrs_of_its_pools() {
        let text = r#"[{"metadata":{"name":"k8s-w1"},"spec":{
            "addresses":[{"ip":"172.20.1.130","type":"CiliumInternalIP"},
                         {"ip":"192.168.10.101","type":"InternalIP"}],
            "encryption":{},"health":{"ipv4":"172.20.1.7"},
            "ipam":{"podCIDRs":["172.20.1.0/24"],"pools":{"allocated":[
                {"pool":"blue","cidrs":["10.20.0.0/27","10.20.0.32/27"]}]}}}}]"#;
        let (nodes, problems) = parse_objects::<CiliumNode>(text);
        assert_eq!(problems, []);
        let node = &nodes[0];
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(node.node_ip(AddressFamily::V4), ip("192.168.10.101"));
        assert_eq!(node.node_ip(AddressFamily::V6), None);
        assert_eq!(node.router_ip(AddressFamily::V4), ip("172.20.1.130"));
        assert_eq!(node.health_ip(AddressFamily::V4), ip("172.20.1.7"));
        let cidrs: Vec<String> = node.pod_cidrs().map(|cidr| cidr.to_string()).collect();
        assert_eq!(cidrs, ["172.20.1.0/24", "10.20.0.0/27", "10.20.0.32/27"]);
        assert_eq!(node.encryption_key(), None);
    }

    #[test]
    fn a_node_without_internal_ip_falls_back_like_cilium() {
        let with = |kind: &str| {
            let text = format!(
                r#"[{{"spec":{{"addresses":[{{"ip":"172.20.1.130","type":"CiliumInternalIP"}},
                    {{"ip":"203.0.113.7","type":"{kind}"}}]}}}}]"#
            );
            parse_objects::<CiliumNode>(&text).0[0].node_ip(AddressFamily::V4)
        };
        assert_eq!(with("ExternalIP"), "203.0.113.7".parse().ok());
        assert_eq!(with("Hostname"), "203.0.113.7".parse().ok());
        assert_eq!(with("CiliumInternalIP"), None);
    }

    #[test]
    fn an_endpoint_is_its_addresses_and_its_node() {
        let text = r#"[{"metadata":{"name":"curl-pod","namespace":"default"},"status":{"id":114,
            "identity":{"id":46329},"networking":{"addressing":[{"ipv4":"172.20.0.148"}],
            "node":"192.168.10.100"},"state":"ready"}}]"#;
        let (endpoints, problems) = parse_objects::<CiliumEndpoint>(text);
        assert_eq!(problems, []);
        assert_eq!(endpoints[0].ips().count(), 1);
        assert_eq!(endpoints[0].node_ip(), "192.168.10.100".parse().ok());
        assert_eq!((endpoints[0].id(), endpoints[0].identity()), (Some(114), Some(46329)));
        assert_eq!(endpoints[0].state(), "ready");
        assert!(endpoints[0].labels().is_empty());
    }
}
