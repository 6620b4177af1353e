//! What a node may hand out and what it has handed out: the parts of a `CiliumNode` that address
//! management reads.
//!
//! Apart from [`CiliumNode`](super::CiliumNode) because its lists can be long: with a cloud's
//! IPAM each address of a node is an entry, and whoever only wants a node's podCIDR should not
//! pay for them. It must not know how many addresses of a range can be used.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Deserializer};

use crate::{AddressFamily, Prefix, kubernetes::or_default};

/// Ranges, and the texts that are none: an object that is half wrong is still half right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prefixes {
    /// Those that can be read, in their order.
    pub read: Vec<Prefix>,
    /// The others, as they stand.
    pub unread: Vec<String>,
}

impl<'de> Deserialize<'de> for Prefixes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
        let mut prefixes = Self::default();
        for text in texts {
            match Prefix::parse(&text) {
                Some(prefix) => prefixes.read.push(prefix),
                None => prefixes.unread.push(text),
            }
        }
        Ok(prefixes)
    }
}

/// A `CiliumNode` as address management reads it.
///
/// - Source: `ciliumnodes`, cilium.io/v2, of Cilium 1.14 to 1.20.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct IpamNode {
    #[serde(deserialize_with = "or_default")]
    metadata: NodeMetadata,
    #[serde(deserialize_with = "or_default")]
    spec: NodeSpec,
    #[serde(deserialize_with = "or_default")]
    status: NodeStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeMetadata {
    name: String,
    creation_timestamp: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct NodeSpec {
    #[serde(deserialize_with = "or_default")]
    addresses: Vec<super::CiliumNodeAddress>,
    #[serde(deserialize_with = "or_default")]
    ipam: Ipam,
    #[serde(deserialize_with = "or_default")]
    health: Pair,
    #[serde(deserialize_with = "or_default")]
    ingress: Pair,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Pair {
    ipv4: Option<String>,
    ipv6: Option<String>,
}

impl Pair {
    fn ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let both = self.ipv4.iter().chain(&self.ipv6);
        both.filter_map(|text| text.parse().ok())
    }
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Ipam {
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Prefixes,
    #[serde(deserialize_with = "or_default")]
    pools: Pools,
    #[serde(deserialize_with = "or_default")]
    pool: BTreeMap<String, Entry>,
    #[serde(deserialize_with = "or_default")]
    ipv6_pool: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Pools {
    #[serde(deserialize_with = "or_default")]
    requested: Vec<PoolRequest>,
    #[serde(deserialize_with = "or_default")]
    allocated: Vec<Allocated>,
}

/// How many addresses a node asks a pool for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct PoolRequest {
    /// Name of the pool.
    pub pool: String,
    #[serde(deserialize_with = "or_default")]
    needed: Needed,
}

impl PoolRequest {
    /// The addresses of a family that it asks for, those in use included.
    pub const fn needed(&self, family: AddressFamily) -> u64 {
        match family {
            AddressFamily::V4 => self.needed.ipv4_addrs,
            AddressFamily::V6 => self.needed.ipv6_addrs,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Needed {
    #[serde(deserialize_with = "or_default")]
    ipv4_addrs: u64,
    #[serde(deserialize_with = "or_default")]
    ipv6_addrs: u64,
}

/// Ranges that a node holds of one pool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Allocated {
    pool: String,
    cidrs: Prefixes,
    #[serde(rename = "allowFirstIP", deserialize_with = "or_default")]
    allow_first_ip: bool,
    #[serde(rename = "allowLastIP", deserialize_with = "or_default")]
    allow_last_ip: bool,
}

/// An address of a list: who has it, and what it belongs to.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Entry {
    owner: Option<String>,
    resource: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct NodeStatus {
    #[serde(deserialize_with = "or_default")]
    ipam: IpamStatus,
    #[serde(deserialize_with = "or_default")]
    eni: EniStatus,
    #[serde(deserialize_with = "or_default")]
    azure: AzureStatus,
    #[serde(deserialize_with = "or_default")]
    alibaba_cloud: EniStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct IpamStatus {
    #[serde(deserialize_with = "or_default")]
    used: BTreeMap<String, Entry>,
    #[serde(deserialize_with = "or_default")]
    ipv6_used: BTreeMap<String, Entry>,
    #[serde(deserialize_with = "or_default")]
    pod_cidrs: BTreeMap<String, CidrStatus>,
    #[serde(deserialize_with = "or_default")]
    operator_status: OperatorStatus,
    #[serde(deserialize_with = "or_default")]
    release_ips: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct CidrStatus {
    status: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct OperatorStatus {
    error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct EniStatus {
    #[serde(deserialize_with = "or_default")]
    enis: BTreeMap<String, Eni>,
}

/// An interface of AWS or Alibaba Cloud. Both write a subnet with its range; only one lists
/// plain addresses.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Eni {
    #[serde(deserialize_with = "or_default")]
    subnet: Subnet,
    #[serde(deserialize_with = "or_default")]
    vswitch: VSwitch,
    #[serde(deserialize_with = "or_default")]
    addresses: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct VSwitch {
    cidr_block: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Subnet {
    cidr: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct AzureStatus {
    #[serde(deserialize_with = "or_default")]
    interfaces: Vec<AzureInterface>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct AzureInterface {
    id: String,
    cidr: Option<String>,
    #[serde(deserialize_with = "or_default")]
    subnet: Subnet,
    #[serde(deserialize_with = "or_default")]
    addresses: Vec<AzureAddress>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct AzureAddress {
    ip: String,
}

/// A cloud's interface with the addresses that it lends to pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The cloud's name for it, which entries of the list name as their resource.
    pub id: String,
    /// The subnet its addresses are from, shared with other nodes.
    pub subnet: Option<Prefix>,
    /// Its addresses, its own not included.
    pub addresses: Vec<IpAddr>,
}

/// One address of a list, with its owner or else what it belongs to.
fn entries(
    map: &BTreeMap<String, Entry>,
    pick: fn(&Entry) -> &Option<String>,
) -> impl Iterator<Item = (&str, Option<IpAddr>, &str)> {
    map.iter().map(move |(text, entry)| {
        let word = pick(entry).as_deref().unwrap_or_default();
        (text.as_str(), text.parse().ok(), word)
    })
}

impl IpamNode {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// When it was made, in milliseconds since 1970.
    pub fn created(&self) -> Option<i64> {
        crate::kubernetes::parse_time(self.metadata.creation_timestamp.as_deref()?)
    }

    /// The addresses that other nodes send to.
    pub fn node_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let own = |kind: &str| kind == "InternalIP" || kind == "ExternalIP";
        let all = self.spec.addresses.iter().filter(move |address| own(&address.kind));
        all.filter_map(|address| address.ip.parse().ok())
    }

    /// The addresses of `cilium_host`, one of each family.
    pub fn router_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let all = self.spec.addresses.iter().filter(|it| it.kind == "CiliumInternalIP");
        all.filter_map(|address| address.ip.parse().ok())
    }

    /// The addresses of the health endpoint.
    pub fn health_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.spec.health.ips()
    }

    /// The addresses that listeners of Ingress and Gateway API send from.
    pub fn ingress_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.spec.ingress.ips()
    }

    /// `spec.ipam.podCIDRs`.
    pub const fn pod_cidrs(&self) -> &Prefixes {
        &self.spec.ipam.pod_cidrs
    }

    /// What it asks pools for.
    pub fn requested(&self) -> &[PoolRequest] {
        &self.spec.ipam.pools.requested
    }

    /// What it holds of each pool: name, ranges, and whether the first and the last address of
    /// a range can be used.
    pub fn allocated(&self) -> impl Iterator<Item = (&str, &Prefixes, (bool, bool))> {
        self.spec
            .ipam
            .pools
            .allocated
            .iter()
            .map(|it| (it.pool.as_str(), &it.cidrs, (it.allow_first_ip, it.allow_last_ip)))
    }

    /// The list of addresses it may hand out: text, address, and what it belongs to.
    pub fn pool(&self) -> impl Iterator<Item = (&str, Option<IpAddr>, &str)> {
        let both = [&self.spec.ipam.pool, &self.spec.ipam.ipv6_pool];
        both.into_iter().flat_map(|map| entries(map, |entry| &entry.resource))
    }

    /// The addresses it says are in use: text, address, and who has it.
    pub fn used(&self) -> impl Iterator<Item = (&str, Option<IpAddr>, &str)> {
        let both = [&self.status.ipam.used, &self.status.ipam.ipv6_used];
        both.into_iter().flat_map(|map| entries(map, |entry| &entry.owner))
    }

    /// What the operator could not do for it.
    pub fn operator_error(&self) -> Option<&str> {
        self.status.ipam.operator_status.error.as_deref().filter(|text| !text.trim().is_empty())
    }

    /// `in-use`, `depleted` or `released`, where a range has such a word.
    pub fn range_status(&self, range: &Prefix) -> Option<&str> {
        let all = &self.status.ipam.pod_cidrs;
        let found = all.iter().find(|(text, _)| Prefix::parse(text) == Some(*range))?;
        found.1.status.as_deref()
    }

    /// Addresses that are on their way back to the cloud, and how far.
    pub fn releasing(&self) -> impl Iterator<Item = (IpAddr, &str)> {
        let all = self.status.ipam.release_ips.iter();
        all.filter_map(|(ip, state)| Some((ip.parse().ok()?, state.as_str())))
    }

    /// The cloud's interfaces, of whichever cloud.
    pub fn interfaces(&self) -> Vec<Interface> {
        let enis = self.status.eni.enis.iter().chain(&self.status.alibaba_cloud.enis);
        let subnet = |texts: [&Option<String>; 2]| {
            texts.into_iter().flatten().find_map(|text| Prefix::parse(text))
        };
        let enis = enis.map(|(id, eni)| Interface {
            id: id.clone(),
            subnet: subnet([&eni.subnet.cidr, &eni.vswitch.cidr_block]),
            addresses: eni.addresses.iter().filter_map(|ip| ip.parse().ok()).collect(),
        });
        let azure = self.status.azure.interfaces.iter().map(|interface| Interface {
            id: interface.id.clone(),
            subnet: subnet([&interface.subnet.cidr, &interface.cidr]),
            addresses: interface.addresses.iter().filter_map(|it| it.ip.parse().ok()).collect(),
        });
        enis.chain(azure).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::parse_objects;
    use proptest::prelude::*;

    fn node(text: &str) -> IpamNode {
        let (nodes, problems) = parse_objects::<IpamNode>(&format!("[{text}]"));
        assert_eq!(problems, [], "{text}");
        nodes.into_iter().next().unwrap()
    }

    #[test]
    fn ranges_that_are_none_are_kept_as_they_stand() {
        let node = node(
            r#"{"metadata":{"name":"a"},"spec":{"ipam":{"podCIDRs":["172.20.1.0/24","172.20.300.0/24",
                "fd00::/120"],"pools":{"allocated":[{"pool":"blue","cidrs":["x"],"allowFirstIP":true}],
                "requested":[{"pool":"blue","needed":{"ipv4-addrs":16}}]}}}}"#,
        );
        let read: Vec<String> = node.pod_cidrs().read.iter().map(ToString::to_string).collect();
        assert_eq!(read, ["172.20.1.0/24", "fd00::/120"]);
        assert_eq!(node.pod_cidrs().unread, ["172.20.300.0/24"]);
        let allocated: Vec<_> = node.allocated().collect();
        assert_eq!((allocated[0].0, allocated[0].2), ("blue", (true, false)));
        assert_eq!(allocated[0].1.unread, ["x"]);
        assert_eq!(node.requested()[0].needed(AddressFamily::V4), 16);
        assert_eq!(node.requested()[0].needed(AddressFamily::V6), 0);
    }

    #[test]
    fn nulls_and_missing_parts_are_empty() {
        for text in [
            "{}",
            r#"{"spec":null,"status":null,"metadata":null}"#,
            r#"{"metadata":{"name":"a"},"spec":{"addresses":null,"ipam":{"podCIDRs":null,"pools":null,
                "pool":null},"health":null,"ingress":{}},"status":{"ipam":{"used":null,
                "operator-status":null,"pod-cidrs":null},"eni":{"enis":null},"azure":{}}}"#,
        ] {
            let node = node(text);
            assert_eq!(node.pod_cidrs(), &Prefixes::default());
            assert_eq!(node.pool().count() + node.used().count() + node.interfaces().len(), 0);
            assert_eq!(node.operator_error(), None);
        }
    }

    #[test]
    fn addresses_of_clouds_know_their_interface() {
        let node = node(
            r#"{"metadata":{"name":"a"},"spec":{"ipam":{"pool":{"10.1.0.5":{"resource":"eni-1"},
                "10.1.0.6":{"resource":"eni-1"},"bad":{}}}},"status":{
                "ipam":{"used":{"10.1.0.5":{"owner":"default/a","resource":"eni-1"}},
                    "release-ips":{"10.1.0.6":"marked-for-release"}},
                "eni":{"enis":{"eni-1":{"subnet":{"id":"subnet-1","cidr":"10.1.0.0/24"},
                    "addresses":["10.1.0.5","10.1.0.6"]}}},
                "azure":{"interfaces":[{"id":"nic","cidr":"10.2.0.0/16","addresses":[{"ip":"10.2.0.4"}]}]},
                "alibaba-cloud":{"enis":{"eni-x":{"vswitch":{"cidr-block":"10.3.0.0/16"}}}}}}"#,
        );
        let pool: Vec<_> = node.pool().collect();
        assert_eq!(pool[0], ("10.1.0.5", "10.1.0.5".parse().ok(), "eni-1"));
        assert_eq!(pool[2], ("bad", None, ""));
        assert_eq!(node.used().next().unwrap().2, "default/a");
        assert_eq!(node.releasing().next().unwrap().1, "marked-for-release");
        let subnets: Vec<_> = node
            .interfaces()
            .iter()
            .map(|it| (it.id.clone(), it.subnet.unwrap().to_string(), it.addresses.len()))
            .collect();
        let expected =
            [("eni-1", "10.1.0.0/24", 2), ("eni-x", "10.3.0.0/16", 0), ("nic", "10.2.0.0/16", 1)];
        assert_eq!(subnets, expected.map(|(id, net, n)| (id.to_owned(), net.to_owned(), n)));
    }

    proptest! {
        #[test]
        fn any_object_is_survived(key in "[a-zA-Z-]{1,12}", value in "[\\[\\]{}:,\"a0/.]{0,12}") {
            let text = format!(r#"[{{"spec":{{"ipam":{{"podCIDRs":["{}"],"{key}":{value}}}}}}}]"#,
                value.replace('"', ""));
            let (nodes, _) = parse_objects::<IpamNode>(&text);
            for node in nodes {
                let _ = (node.pool().count(), node.interfaces().len());
            }
        }
    }
}
