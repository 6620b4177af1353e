//! The settings of Cilium that decide which routes a node must have and what its datapath does.
//!
//! One value for each node, because `CiliumNodeConfig` and a half-finished roll-out make nodes
//! differ. What is not known stays absent; nothing here guesses.

use std::collections::BTreeMap;

use lab_model::Prefix;
use lab_model::cilium::{CiliumConfig, RoutingMode, TunnelProtocol, parse_agent_fields};
use serde_json::Value;

/// How pods of different nodes reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The network between the nodes routes podCIDRs.
    Native,
    /// Packets travel inside packets between the nodes.
    Tunnel(Tunnel),
}

/// The encapsulation of tunnel mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// UDP 8472.
    Vxlan,
    /// UDP 6081.
    Geneve,
}

impl Tunnel {
    /// The device the agent makes.
    pub fn device(self) -> &'static str {
        match self {
            Self::Vxlan => "cilium_vxlan",
            Self::Geneve => "cilium_geneve",
        }
    }

    /// Bytes that the outer headers take over an IPv4 underlay (`pkg/mtu`).
    pub fn overhead(self) -> u32 {
        50
    }
}

/// What one node's agent runs with.
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of Cilium's own")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Native or tunnel.
    pub mode: Mode,
    /// The agent installs a route to every peer's podCIDR.
    pub auto_direct: bool,
    /// Peers behind a router are left out without an error.
    pub skip_unreachable: bool,
    /// One route for each pod instead of one for the podCIDR.
    pub endpoint_routes: bool,
    /// The podCIDR of the node itself goes to `cilium_host`.
    pub local_node_route: bool,
    /// Ranges whose packets keep the pod's address.
    pub native_cidrs: Vec<Prefix>,
    /// Source addresses of pods are rewritten towards the outside, IPv4.
    pub masquerade: bool,
    /// The same for IPv6.
    pub masquerade_v6: bool,
    /// By the datapath; otherwise by iptables.
    pub bpf_masquerade: bool,
    /// Ranges come from an agent beside, and are not known here.
    pub ip_masq_agent: bool,
    /// Packets for local pods pass the kernel's tables.
    pub legacy_host_routing: bool,
    /// The L7 proxy is on, and with it the move of the local rule.
    pub l7_proxy: bool,
    /// IPAM mode, such as `cluster-pool`.
    pub ipam: String,
    /// Ranges that podCIDRs are cut from.
    pub pools: Vec<Prefix>,
    /// Devices of the datapath, when the agent says so.
    pub devices: Vec<String>,
    /// MTU set by hand.
    pub mtu: Option<u32>,
    /// `WireGuard` takes its share of the MTU.
    pub wireguard: bool,
}

impl Settings {
    /// What follows from the configuration that a node's agent runs with.
    ///
    /// `more` are keys that the shared reader leaves out: `enable-host-legacy-routing` and `devices`.
    pub fn of(config: &CiliumConfig, more: &BTreeMap<String, String>) -> Self {
        let tunnel = match *config.tunnel_protocol {
            TunnelProtocol::Geneve => Tunnel::Geneve,
            TunnelProtocol::Vxlan => Tunnel::Vxlan,
        };
        let native =
            [*config.ipv4_native_routing_cidr, *config.ipv6_native_routing_cidr].into_iter();
        let devices = more.get("devices").map(String::as_str).unwrap_or_default();
        Self {
            mode: match *config.routing_mode {
                RoutingMode::Native => Mode::Native,
                RoutingMode::Tunnel => Mode::Tunnel(tunnel),
            },
            auto_direct: *config.auto_direct_node_routes,
            skip_unreachable: *config.direct_routing_skip_unreachable,
            endpoint_routes: *config.enable_endpoint_routes,
            local_node_route: config.has_local_node_route(),
            native_cidrs: native.flatten().collect(),
            masquerade: *config.enable_ipv4_masquerade,
            masquerade_v6: *config.enable_ipv6_masquerade,
            bpf_masquerade: *config.enable_bpf_masquerade,
            ip_masq_agent: *config.enable_ip_masq_agent,
            legacy_host_routing: more
                .get("enable-host-legacy-routing")
                .is_some_and(|value| value == "true"),
            l7_proxy: *config.enable_l7_proxy,
            ipam: config.ipam.to_string(),
            pools: config.cluster_pools().collect(),
            // A list may hold patterns such as `eth+`; those say nothing about one device.
            devices: devices
                .split([',', ' '])
                .filter(|word| !word.is_empty() && !word.ends_with('+'))
                .map(str::to_owned)
                .collect(),
            mtu: Some(*config.mtu).filter(|&mtu| mtu > 0),
            wireguard: *config.enable_wireguard,
        }
    }

    /// Whether a range keeps the pod's address on its way out.
    pub fn keeps_source_towards(&self, destination: std::net::IpAddr) -> bool {
        self.native_cidrs.iter().any(|cidr| cidr.contains(destination))
    }

    /// Whether masquerading is on for the family of an address.
    pub fn masquerades(&self, address: std::net::IpAddr) -> bool {
        if address.is_ipv4() { self.masquerade } else { self.masquerade_v6 }
    }

    /// Bytes that encapsulation and encryption take from a device's MTU (`pkg/mtu`).
    pub fn overhead(&self) -> u32 {
        let tunnel = match self.mode {
            Mode::Native => 0,
            Mode::Tunnel(tunnel) => tunnel.overhead(),
        };
        tunnel + if self.wireguard { 80 } else { 0 }
    }
}

/// Keys of an agent's answer that the shared reader leaves out.
pub fn more_of_agent(answer: &str) -> BTreeMap<String, String> {
    let (fields, _) = parse_agent_fields(answer);
    let legacy = fields.get("EnableHostLegacyRouting").and_then(Value::as_bool);
    let legacy = legacy.map(|on| ("enable-host-legacy-routing".to_owned(), on.to_string()));
    let devices = fields.get("Devices").and_then(Value::as_array).map(|devices| {
        let devices: Vec<&str> = devices.iter().filter_map(Value::as_str).collect();
        ("devices".to_owned(), devices.join(","))
    });
    legacy.into_iter().chain(devices).collect()
}

#[cfg(test)]
mod tests {
    use lab_model::cilium::ConfigSource;

    use super::*;

    fn of(keys: &[(&str, &str)]) -> Settings {
        let keys: BTreeMap<String, String> =
            keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut config = CiliumConfig::default();
        let _ = config.apply(&keys, ConfigSource::ConfigMap);
        Settings::of(&config, &keys)
    }

    #[test]
    fn geneve_needs_both_keys() {
        let tunnel = of(&[("tunnel-protocol", "geneve"), ("routing-mode", "tunnel")]);
        assert_eq!(tunnel.mode, Mode::Tunnel(Tunnel::Geneve));
        let native = of(&[("tunnel-protocol", "geneve"), ("routing-mode", "native")]);
        assert_eq!(native.mode, Mode::Native);
    }

    #[test]
    fn endpoint_routes_turn_the_local_route_off() {
        assert!(of(&[]).local_node_route);
        let both = [("enable-local-node-route", "true"), ("enable-endpoint-routes", "true")];
        assert!(!of(&both).local_node_route);
    }

    #[test]
    fn encapsulation_and_encryption_both_cost() {
        assert_eq!(of(&[("routing-mode", "native")]).overhead(), 0);
        assert_eq!(of(&[("enable-wireguard", "true")]).overhead(), 130);
    }

    #[test]
    fn patterns_are_no_devices() {
        assert_eq!(of(&[("devices", "eth+ eth1")]).devices, ["eth1"]);
        assert!(more_of_agent("no agent").is_empty());
        let answer = r#"{"EnableHostLegacyRouting":true,"Devices":["eth0","eth1"]}"#;
        assert_eq!(more_of_agent(answer)["devices"], "eth0,eth1");
    }
}
