//! What is known of settings beforehand: what each is for, and what an agent makes of it.
//!
//! Apart from the model because it is a table. Keys are those of the `ConfigMap`, which are flags
//! of the agent and the operator. What a chart writes by itself is known by `lab_charts`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

mod agent;
mod datapath;
mod gateways;
mod others;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// A line of the table.
const fn known(key: &'static str, about: &'static str) -> Known {
    Known { key, about }
}

/// What is known of a setting.
pub fn find(key: &str) -> Option<&'static Known> {
    static BY_KEY: LazyLock<BTreeMap<&str, &Known>> =
        LazyLock::new(|| all().map(|known| (known.key, known)).collect());
    BY_KEY.get(key).copied()
}

/// Every setting of the table.
pub fn all() -> impl Iterator<Item = &'static Known> {
    datapath::TABLE.iter().chain(agent::TABLE).chain(others::TABLE).chain(gateways::TABLE)
}

/// Whether only the operator reads a setting: agents find it in the same place and do not care.
pub fn is_of_operator(key: &str) -> bool {
    find(key).is_some_and(|known| known.about.ends_with("(operator)"))
}

/// Settings whose field an agent calls something else than the key says.
const FIELDS: [(&str, &str); 14] = [
    ("agent-not-ready-taint-key", "AgentNotReadyNodeTaintKey"),
    ("auto-direct-node-routes", "EnableAutoDirectRouting"),
    ("bpf-lb-acceleration", "NodePortAcceleration"),
    ("bpf-map-dynamic-size-ratio", "BPFMapsDynamicSizeRatio"),
    ("enable-bgp-control-plane", "EnableBGPControlPlane"),
    ("enable-masquerade-to-route-source", "EnableMasqueradeRouteSource"),
    ("install-iptables-rules", "InstallIptRules"),
    ("install-no-conntrack-iptables-rules", "InstallNoConntrackIptRules"),
    ("node-labels", "NodeLabels"),
    ("preallocate-bpf-maps", "PreAllocateMaps"),
    ("tofqdns-dns-reject-response-code", "FQDNRejectResponse"),
    ("tofqdns-endpoint-max-ip-per-hostname", "ToFQDNsMaxIPsPerHost"),
    ("tofqdns-min-ttl", "ToFQDNsMinTTL"),
    ("tofqdns-proxy-response-max-delay", "FQDNProxyResponseMaxDelay"),
];

/// What an agent calls the field of a key, where that is more than the key without dashes.
pub fn alias(key: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(known, _)| *known == key).map(|(_, field)| *field)
}

/// Whether an agent's field is that of a key: most have the same letters without the dashes.
pub fn is_field_of(field: &str, key: &str) -> bool {
    if let Some(known) = alias(key) {
        return known == field;
    }
    let letters = key.bytes().filter(|letter| *letter != b'-');
    letters.eq(field.bytes().map(|letter| letter.to_ascii_lowercase()))
}

/// Settings whose field stays empty in newer agents, whatever is in force.
pub const WITHOUT_FIELD: [&str; 1] = ["prometheus-serve-addr"];

/// What an agent may make of a setting by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// This value, whatever is written; any other value in force is drift.
    To(&'static str),
    /// Any value, but only of this one.
    From(&'static str),
    /// Something that cannot be compared with what is written.
    Any,
}

/// Settings that an agent works out anew, so that another value in force may be no drift: each with
/// what may come of it, and what that depends on.
const DERIVED: [(&str, Derived, &str); 19] = [
    ("allow-localhost", Derived::From("auto"), "enable-policy"),
    ("bpf-lb-acceleration", Derived::From("best-effort"), "what the devices' drivers can do"),
    ("datapath-mode", Derived::From("auto"), "what the kernel can do"),
    ("devices", Derived::Any, "the devices that are there"),
    ("direct-routing-device", Derived::Any, "the devices that are there"),
    ("enable-bpf-clock-probe", Derived::To("false"), "what the kernel can do"),
    (
        "enable-bpf-masquerade",
        Derived::To("false"),
        "other settings; `status` tells when it falls back",
    ),
    ("enable-endpoint-health-checking", Derived::To("false"), "enable-health-checking"),
    ("enable-health-check-nodeport", Derived::To("false"), "kube-proxy-replacement"),
    (
        "enable-host-legacy-routing",
        Derived::To("true"),
        "other settings; `status` tells when it falls back",
    ),
    ("enable-ipv4-fragment-tracking", Derived::To("false"), "enable-ipv4"),
    ("enable-ipv4-masquerade", Derived::To("false"), "enable-ipv4"),
    ("enable-ipv6-masquerade", Derived::To("false"), "enable-ipv6"),
    ("enable-local-node-route", Derived::To("false"), "enable-endpoint-routes"),
    ("enable-tcx", Derived::To("false"), "what the kernel can do"),
    ("k8s-require-ipv4-pod-cidr", Derived::To("true"), "the IPAM mode"),
    ("k8s-require-ipv6-pod-cidr", Derived::To("true"), "the IPAM mode"),
    ("kube-proxy-replacement", Derived::To("false"), "what the kernel can do"),
    ("monitor-aggregation-flags", Derived::Any, "it is a bit mask there"),
];

/// What a setting depends on, where an agent works it out anew.
pub fn depends_on(key: &str) -> Option<&'static str> {
    DERIVED.iter().find(|(known, _, _)| *known == key).map(|(_, _, what)| *what)
}

/// Whether an agent may have made this value of what is written, all by itself.
pub fn may_become(key: &str, written: &str, in_force: &str) -> bool {
    let derived = DERIVED.iter().find(|(known, _, _)| *known == key);
    derived.is_some_and(|(_, derived, _)| match derived {
        Derived::To(value) => *value == in_force,
        Derived::From(value) => *value == written,
        Derived::Any => true,
    })
}

#[cfg(test)]
mod tests {
    use lab_charts::chart::Chart;
    use lab_charts::defaults::{Defaults, MINORS};
    use lab_charts::version::Version;

    use super::*;

    #[test]
    fn each_setting_is_there_once_and_says_something() {
        let mut keys: Vec<&str> = all().map(|known| known.key).collect();
        let n_keys = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), n_keys);
        for known in all() {
            assert!(known.about.len() > 8 && known.about.len() < 140, "{}", known.key);
            assert!(!known.about.ends_with('.'), "{}", known.key);
        }
    }

    #[test]
    fn every_setting_that_a_chart_writes_is_explained() {
        for minor in MINORS.0..=MINORS.1 {
            let newest = Version::minor(1, minor);
            let chart = Chart::of(&newest).unwrap();
            let written = Defaults::of(&newest).unwrap().written(&Version::release(1, minor, 999));
            let switched = chart.switched_keys().map(str::to_owned);
            for key in written.into_keys().chain(switched) {
                assert!(find(&key).is_some(), "1.{minor}: {key}");
            }
        }
    }

    #[test]
    fn fields_are_found_by_their_letters() {
        assert!(is_field_of("EnableBPFMasquerade", "enable-bpf-masquerade"));
        assert!(is_field_of("EnableAutoDirectRouting", "auto-direct-node-routes"));
        assert!(!is_field_of("EnableIPv4", "enable-ipv4-masquerade"));
        assert!(is_field_of("MTU", "mtu"));
    }

    #[test]
    fn an_agent_changes_settings_in_one_direction_only() {
        assert!(may_become("enable-bpf-masquerade", "true", "false"));
        assert!(!may_become("enable-bpf-masquerade", "false", "true"));
        assert!(may_become("datapath-mode", "auto", "netkit"));
        assert!(!may_become("datapath-mode", "veth", "netkit"));
        assert!(may_become("devices", "eth+", "eth0 eth1"));
        assert!(!may_become("routing-mode", "native", "tunnel"));
    }
}
