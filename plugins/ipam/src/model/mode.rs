//! Who hands out pod addresses, and so which objects tell the truth about them.

use std::fmt;

/// The mode of IPAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The operator cuts a range for each node out of a pool.
    ClusterPool,
    /// Kubernetes does; Cilium takes the node's podCIDR.
    Kubernetes,
    /// The operator hands ranges of several pools out on demand.
    MultiPool,
    /// Somebody else writes addresses into the `CiliumNode`.
    Crd,
    /// The operator takes addresses of AWS interfaces.
    Eni,
    /// The operator takes addresses of Azure interfaces.
    Azure,
    /// The operator takes addresses of Alibaba Cloud interfaces.
    AlibabaCloud,
    /// Another program hands them out, and Cilium does not know them.
    Delegated,
    /// Another CNI plugin does, and Cilium is chained behind it.
    Chained(String),
    /// The configuration names something that is not known here.
    Other(String),
    /// There is no configuration that could be read.
    Unknown,
}

impl Mode {
    /// The mode of the keys `ipam` and `cni-chaining-mode`.
    pub fn read(ipam: Option<&str>, chaining: Option<&str>) -> Self {
        // With `portmap` and `none` Cilium still hands out addresses itself.
        if let Some(name) = chaining.filter(|name| !matches!(*name, "" | "none" | "portmap")) {
            return Self::Chained(name.to_owned());
        }
        match ipam {
            None => Self::Unknown,
            Some("cluster-pool") => Self::ClusterPool,
            Some("kubernetes") => Self::Kubernetes,
            Some("multi-pool") => Self::MultiPool,
            Some("crd") => Self::Crd,
            Some("eni") => Self::Eni,
            Some("azure") => Self::Azure,
            Some("alibabacloud") => Self::AlibabaCloud,
            Some("delegated-plugin") => Self::Delegated,
            Some(other) => Self::Other(other.to_owned()),
        }
    }

    /// Whether Cilium does not know which addresses there are.
    pub const fn is_foreign(&self) -> bool {
        matches!(self, Self::Delegated | Self::Chained(_))
    }

    /// Whether a node holds a list of addresses and not ranges.
    pub const fn has_lists(&self) -> bool {
        matches!(self, Self::Crd | Self::Eni | Self::Azure | Self::AlibabaCloud)
    }

    /// Whether a node gets more when it needs more.
    pub const fn grows(&self) -> bool {
        matches!(self, Self::MultiPool | Self::Eni | Self::Azure | Self::AlibabaCloud)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClusterPool => "cluster-pool",
            Self::Kubernetes => "kubernetes",
            Self::MultiPool => "multi-pool",
            Self::Crd => "crd",
            Self::Eni => "eni",
            Self::Azure => "azure",
            Self::AlibabaCloud => "alibabacloud",
            Self::Delegated => "delegated-plugin",
            Self::Chained(name) => return write!(f, "chained:{name}"),
            Self::Other(name) => name,
            Self::Unknown => "?",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_known_and_the_rest_keeps_its_name() {
        for name in [
            "cluster-pool",
            "kubernetes",
            "multi-pool",
            "crd",
            "eni",
            "azure",
            "alibabacloud",
            "delegated-plugin",
        ] {
            let mode = Mode::read(Some(name), Some("none"));
            assert!(!matches!(mode, Mode::Other(_)), "{name}");
            assert_eq!(mode.to_string(), name);
        }
        assert_eq!(
            Mode::read(Some("cluster-pool-v2beta"), None).to_string(),
            "cluster-pool-v2beta"
        );
        assert_eq!(Mode::read(None, None), Mode::Unknown);
        // What Cilium's own IPAM is set to does not count behind another plugin.
        assert!(Mode::read(Some("cluster-pool"), Some("aws-cni")).is_foreign());
        assert_eq!(Mode::read(Some("kubernetes"), Some("portmap")), Mode::Kubernetes);
    }
}
