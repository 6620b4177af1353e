//! What all nodes' ranges are cut from in multi-pool IPAM: a `CiliumPodIPPool`.
//!
//! Apart from what nodes have of it, which is in their own objects.

use serde::Deserialize;

use super::ipam::Prefixes;
use crate::kubernetes::or_default;

/// A pool of multi-pool IPAM.
///
/// - Source: `ciliumpodippools`, cilium.io/v2alpha1, of Cilium 1.14 to 1.20.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct PodIpPool {
    #[serde(deserialize_with = "or_default")]
    metadata: PoolMetadata,
    #[serde(deserialize_with = "or_default")]
    spec: PoolSpec,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct PoolMetadata {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct PoolSpec {
    ipv4: Option<PoolFamily>,
    ipv6: Option<PoolFamily>,
    #[serde(rename = "allowFirstIP", deserialize_with = "or_default")]
    allow_first_ip: bool,
    #[serde(rename = "allowLastIP", deserialize_with = "or_default")]
    allow_last_ip: bool,
}

/// The ranges of one family of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolFamily {
    /// The ranges.
    pub cidrs: Prefixes,
    /// Length of the ranges that nodes get of them.
    #[serde(deserialize_with = "or_default")]
    pub mask_size: u8,
}

impl PodIpPool {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Its ranges of both families.
    pub fn families(&self) -> impl Iterator<Item = &PoolFamily> {
        self.spec.ipv4.iter().chain(&self.spec.ipv6)
    }

    /// Whether the first and the last address of a node's range can be used.
    pub const fn ends(&self) -> (bool, bool) {
        (self.spec.allow_first_ip, self.spec.allow_last_ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::parse_objects;

    #[test]
    fn a_pool_has_ranges_of_both_families() {
        let text = r#"[{"metadata":{"name":"blue"},"spec":{"ipv4":{"cidrs":["10.20.0.0/16"],"maskSize":27},
            "ipv6":{"cidrs":["fd01::/104"],"maskSize":120},"allowLastIP":true,"podSelector":{}}},{}]"#;
        let (pools, problems) = parse_objects::<PodIpPool>(text);
        assert_eq!(problems, []);
        let masks: Vec<u8> = pools[0].families().map(|family| family.mask_size).collect();
        assert_eq!(masks, [27, 120]);
        assert_eq!(pools[0].ends(), (false, true));
        assert_eq!((pools[1].name(), pools[1].families().count()), ("", 0));
    }
}
