//! Cilium's settings as types, each with where it came from.
//!
//! Apart because the same settings are spelled three ways: flags in the `ConfigMap`, fields in the
//! agent's own answer, words in its status. It must not know what follows from a setting.

use std::{collections::BTreeMap, fmt, net::IpAddr, ops::Deref};

use serde_json::Value;

use super::parse_agent_fields;
use crate::{Prefix, Problem};

/// Where a setting was found; later ones overrule earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigSource {
    /// Nowhere: Cilium's own default.
    Default,
    /// The `ConfigMap` `cilium-config`.
    ConfigMap,
    /// A `CiliumNodeConfig`, which overrules the `ConfigMap` on some nodes.
    NodeConfig,
    /// The running agent, which is what counts on its node.
    Agent,
}

/// A setting and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue<T> {
    /// The setting.
    pub value: T,
    /// Where it was found.
    pub source: ConfigSource,
}

impl<T> Deref for ConfigValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> ConfigValue<T> {
    const fn default(value: T) -> Self {
        Self { value, source: ConfigSource::Default }
    }
}

/// How packets between pods of different nodes travel (`routing-mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoutingMode {
    /// Encapsulated.
    Tunnel,
    /// As they are.
    Native,
}

/// What encapsulates them (`tunnel-protocol`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TunnelProtocol {
    /// VXLAN, UDP port 8472.
    Vxlan,
    /// Geneve, UDP port 6081.
    Geneve,
}

/// Who hands out pod addresses (`ipam`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IpamMode {
    /// Cilium's operator, out of cluster pools.
    ClusterPool,
    /// Kubernetes, with the podCIDRs of its nodes.
    Kubernetes,
    /// Cilium's operator, out of several pools of `CiliumPodIPPool`.
    MultiPool,
    /// A cloud or a custom resource: `eni`, `azure`, `alibabacloud`, `crd`, `delegated-plugin`.
    Other(String),
}

impl fmt::Display for IpamMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ClusterPool => "cluster-pool",
            Self::Kubernetes => "kubernetes",
            Self::MultiPool => "multi-pool",
            Self::Other(name) => name,
        })
    }
}

/// A setting that can be read from the text of a flag.
trait Setting: Sized {
    fn read(text: &str) -> Option<Self>;
}

impl Setting for bool {
    fn read(text: &str) -> Option<Self> {
        // The spellings the agent's flag library takes.
        match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        }
    }
}

impl Setting for u32 {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for RoutingMode {
    fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "tunnel" => Some(Self::Tunnel),
            "native" => Some(Self::Native),
            _ => None,
        }
    }
}

impl Setting for TunnelProtocol {
    fn read(text: &str) -> Option<Self> {
        match text {
            "vxlan" => Some(Self::Vxlan),
            "geneve" => Some(Self::Geneve),
            _ => None,
        }
    }
}

impl Setting for IpamMode {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "cluster-pool" => Self::ClusterPool,
            "kubernetes" => Self::Kubernetes,
            "multi-pool" => Self::MultiPool,
            _ => Self::Other(text.to_owned()),
        })
    }
}

impl Setting for Option<Prefix> {
    fn read(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { Prefix::parse(text).map(Some) }
    }
}

impl Setting for Vec<Prefix> {
    fn read(text: &str) -> Option<Self> {
        let parts = text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty());
        parts.map(Prefix::parse).collect()
    }
}

macro_rules! cilium_config {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $key:literal, $default:expr;)*) => {
        /// The settings of Cilium that decide how packets are routed.
        ///
        /// - Units: `mtu` in bytes, 0 when the agent takes it from the devices.
        /// - Source: flags of Cilium 1.17 to 1.20, which are the keys of the `ConfigMap`.
        #[derive(Debug, Clone, PartialEq)]
        pub struct CiliumConfig {
            $($(#[$doc])* #[doc = concat!(" Key `", $key, "`.")] pub $field: ConfigValue<$type>,)*
        }

        impl Default for CiliumConfig {
            fn default() -> Self {
                Self { $($field: ConfigValue::default($default),)* }
            }
        }

        impl CiliumConfig {
            /// Takes settings from one more place, over those known so far.
            ///
            /// - Shape: keys as in the `ConfigMap`; those that are not known are ignored.
            /// - Errors: a value that cannot be read becomes a [`Problem`], and what was known
            ///   before stays.
            pub fn apply(
                &mut self,
                settings: &BTreeMap<String, String>,
                source: ConfigSource,
            ) -> Vec<Problem> {
                let mut problems = Vec::new();
                $(if let Some(text) = settings.get($key) {
                    match Setting::read(text) {
                        Some(value) => self.$field = ConfigValue { value, source },
                        None => problems.push(Problem::new($key, text, "the value is not known")),
                    }
                })*
                problems
            }
        }
    };
}

cilium_config! {
    /// Encapsulated or not.
    routing_mode: RoutingMode = "routing-mode", RoutingMode::Tunnel;
    /// What encapsulates.
    tunnel_protocol: TunnelProtocol = "tunnel-protocol", TunnelProtocol::Vxlan;
    /// Whether native routing installs a route for each podCIDR of nodes on the same link.
    auto_direct_node_routes: bool = "auto-direct-node-routes", false;
    /// Whether a node that is not on the same link is left out without an error.
    direct_routing_skip_unreachable: bool = "direct-routing-skip-unreachable", false;
    /// Whether each local pod has a route of its own.
    enable_endpoint_routes: bool = "enable-endpoint-routes", false;
    /// Whether the node's own podCIDR has a route; see [`CiliumConfig::has_local_node_route`].
    enable_local_node_route: bool = "enable-local-node-route", true;
    /// Where no source address is rewritten; not a route.
    ipv4_native_routing_cidr: Option<Prefix> = "ipv4-native-routing-cidr", None;
    /// The same for IPv6.
    ipv6_native_routing_cidr: Option<Prefix> = "ipv6-native-routing-cidr", None;
    /// Whether IPv4 is on.
    enable_ipv4: bool = "enable-ipv4", true;
    /// Whether IPv6 is on.
    enable_ipv6: bool = "enable-ipv6", true;
    /// Whether pods leave the cluster with their node's address.
    enable_ipv4_masquerade: bool = "enable-ipv4-masquerade", true;
    /// The same for IPv6.
    enable_ipv6_masquerade: bool = "enable-ipv6-masquerade", true;
    /// Whether that is done by BPF and not by iptables.
    enable_bpf_masquerade: bool = "enable-bpf-masquerade", false;
    /// Whether the ranges of the ip-masq-agent decide about it.
    enable_ip_masq_agent: bool = "enable-ip-masq-agent", false;
    /// Who hands out pod addresses.
    ipam: IpamMode = "ipam", IpamMode::ClusterPool;
    /// Ranges podCIDRs are cut from.
    cluster_pool_ipv4_cidr: Vec<Prefix> = "cluster-pool-ipv4-cidr", Vec::new();
    /// The same for IPv6.
    cluster_pool_ipv6_cidr: Vec<Prefix> = "cluster-pool-ipv6-cidr", Vec::new();
    /// Length of the podCIDRs cut from them.
    cluster_pool_ipv4_mask_size: u32 = "cluster-pool-ipv4-mask-size", 24;
    /// Whether podCIDRs are announced by BGP.
    enable_bgp_control_plane: bool = "enable-bgp-control-plane", false;
    /// MTU of the devices.
    mtu: u32 = "mtu", 0;
    /// Metric of the routes that are installed.
    route_metric: u32 = "route-metric", 0;
    /// Whether an `unreachable` route stays when a pod goes.
    enable_unreachable_routes: bool = "enable-unreachable-routes", false;
    /// Whether traffic between nodes is encrypted with `IPsec`.
    enable_ipsec: bool = "enable-ipsec", false;
    /// Whether traffic between nodes is encrypted with `WireGuard`.
    enable_wireguard: bool = "enable-wireguard", false;
    /// Whether there is a proxy, for which 1.20 makes its rules depend on it.
    enable_l7_proxy: bool = "enable-l7-proxy", true;
    /// Whether Envoy resources are used, which adds a rule for what comes from the proxy.
    enable_envoy_config: bool = "enable-envoy-config", false;
}

impl CiliumConfig {
    /// Reads the data of the `ConfigMap` `cilium-config`; defaults fill in what it leaves out.
    pub fn from_config_map(data: &BTreeMap<String, String>) -> (Self, Vec<Problem>) {
        let mut config = Self::default();
        let problems = config.apply(data, ConfigSource::ConfigMap);
        (config, problems)
    }

    /// Whether the node's own podCIDR has a route: endpoint routes switch it off, whatever the
    /// setting was.
    pub fn has_local_node_route(&self) -> bool {
        *self.enable_local_node_route && !*self.enable_endpoint_routes
    }

    /// The ranges podCIDRs are cut from, of both families.
    pub fn cluster_pools(&self) -> impl Iterator<Item = Prefix> + '_ {
        self.cluster_pool_ipv4_cidr.iter().chain(self.cluster_pool_ipv6_cidr.iter()).copied()
    }
}

/// Fields of the agent's answer and the flags they stand for.
const AGENT_FIELDS: [(&str, &str); 20] = [
    ("RoutingMode", "routing-mode"),
    ("TunnelProtocol", "tunnel-protocol"),
    ("EnableAutoDirectRouting", "auto-direct-node-routes"),
    ("DirectRoutingSkipUnreachable", "direct-routing-skip-unreachable"),
    ("EnableEndpointRoutes", "enable-endpoint-routes"),
    ("EnableLocalNodeRoute", "enable-local-node-route"),
    ("EnableIPv4", "enable-ipv4"),
    ("EnableIPv6", "enable-ipv6"),
    ("EnableIPv4Masquerade", "enable-ipv4-masquerade"),
    ("EnableIPv6Masquerade", "enable-ipv6-masquerade"),
    ("EnableBPFMasquerade", "enable-bpf-masquerade"),
    ("EnableIPMasqAgent", "enable-ip-masq-agent"),
    ("IPAM", "ipam"),
    ("EnableBGPControlPlane", "enable-bgp-control-plane"),
    ("MTU", "mtu"),
    ("RouteMetric", "route-metric"),
    ("EnableUnreachableRoutes", "enable-unreachable-routes"),
    ("EnableIPSec", "enable-ipsec"),
    ("EnableWireguard", "enable-wireguard"),
    ("EnableL7Proxy", "enable-l7-proxy"),
];

/// Reads an agent's settings from `cilium-dbg config --all`, as JSON or as text, or from
/// `cilium-dbg status -o json`, for [`CiliumConfig::apply`].
///
/// - Shape: that of [`parse_agent_fields`]; the first has a field for each option, the second
///   `routing` and `masquerading`. The answer has the keys of the `ConfigMap`.
/// - Errors: never fails; text without any field gives no setting and one [`Problem`].
/// - Source: Cilium 1.17.6 and 1.18.0, whose options do not say the tunnel protocol: the status
///   does, in tunnel mode.
pub fn parse_agent_config(text: &str) -> (BTreeMap<String, String>, Vec<Problem>) {
    let (answer, problems) = parse_agent_fields(text);
    let mut settings = BTreeMap::new();
    let mut set = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            settings.insert(key.to_owned(), value);
        }
    };
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    for (field, key) in AGENT_FIELDS {
        set(key, answer.get(field).and_then(scalar));
    }
    for (field, key) in [
        ("IPv4NativeRoutingCIDR", "ipv4-native-routing-cidr"),
        ("IPv6NativeRoutingCIDR", "ipv6-native-routing-cidr"),
    ] {
        set(key, answer.get(field).and_then(go_network).map(|cidr| cidr.to_string()));
    }
    let status = |outer: &str, inner: &str| answer.get(outer)?.get(inner).and_then(scalar);
    set("routing-mode", status("routing", "inter-host-routing-mode"));
    set("tunnel-protocol", status("routing", "tunnel-protocol"));
    set("ipv4-native-routing-cidr", status("masquerading", "snat-exclusion-cidr-v4"));
    set("ipv6-native-routing-cidr", status("masquerading", "snat-exclusion-cidr-v6"));
    (settings, problems)
}

/// Reads a network the way Go prints one: `{"IP":"172.20.0.0","Mask":"//8AAA=="}`; `None` for
/// anything else.
pub fn go_network(value: &Value) -> Option<Prefix> {
    let address: IpAddr = value.get("IP")?.as_str()?.parse().ok()?;
    let mut ones = 0;
    // Base64 holds six bits in each letter, so a mask's ones are the leading ones of its letters.
    for letter in value.get("Mask")?.as_str()?.bytes().filter(|letter| *letter != b'=') {
        let bits = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        let leading = (bits << 2).leading_ones();
        ones += leading;
        if leading < 6 {
            break;
        }
    }
    Prefix::new(address, u8::try_from(ones).ok()?)
}

#[cfg(test)]
mod tests;
