//! What is known of settings beforehand: what each is for, and what the chart writes by itself.
//!
//! Apart from the model because it is a table. Keys are those of the `ConfigMap`, which are flags
//! of the agent and the operator.

mod agent;
mod datapath;
mod others;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: &'static str,
    /// What the chart of Cilium 1.18 writes where no value is given; `None` where it writes nothing.
    pub default: Option<&'static str>,
    /// What it is for.
    pub about: &'static str,
}

/// A line of the table.
const fn known(key: &'static str, default: &'static str, about: &'static str) -> Known {
    Known { key, default: Some(default), about }
}

/// A setting that the chart leaves out unless it is wanted.
const fn unwritten(key: &'static str, about: &'static str) -> Known {
    Known { key, default: None, about }
}

/// What Cilium 1.17 writes in place of the value of 1.18; `None` where it writes nothing.
///
/// - Source: `cilium-config` as the charts of 1.17.6 and 1.18.0 write it with the same values.
const BEFORE_1_18: [(&str, Option<&str>); 14] = [
    ("arping-refresh-period", Some("30s")),
    ("bpf-policy-stats-map-max", None),
    ("enable-experimental-lb", Some("false")),
    ("enable-k8s-terminating-endpoint", Some("true")),
    ("enable-l2-neigh-discovery", Some("true")),
    ("enable-local-redirect-policy", Some("false")),
    ("enable-runtime-device-detection", Some("true")),
    ("hubble-export-file-max-backups", Some("5")),
    ("hubble-export-file-max-size-mb", Some("10")),
    ("hubble-network-policy-correlation-enabled", None),
    ("identity-management-mode", None),
    ("metrics-sampling-interval", None),
    ("policy-default-local-cluster", None),
    ("tofqdns-preallocate-identities", None),
];

/// What is known of a setting.
pub fn find(key: &str) -> Option<&'static Known> {
    all().find(|known| known.key == key)
}

/// Every setting of the table.
pub fn all() -> impl Iterator<Item = &'static Known> {
    datapath::TABLE.iter().chain(agent::TABLE).chain(others::TABLE)
}

/// Whether only the operator reads a setting: agents find it in the same place and do not care.
pub fn is_of_operator(key: &str) -> bool {
    find(key).is_some_and(|known| known.about.ends_with("(operator)"))
}

/// What the chart of a version writes where no value is given; `None` where it writes nothing or
/// nobody here knows.
///
/// Known are 1.17 and 1.18; an older version counts as the first, a newer one as the second.
pub fn default(key: &str, version: Option<(u32, u32, u32)>) -> Option<&'static str> {
    let is_older = version.is_some_and(|(major, minor, _)| (major, minor) < (1, 18));
    let older = BEFORE_1_18.iter().find(|(known, _)| *known == key).filter(|_| is_older);
    match older {
        Some((_, default)) => *default,
        None => find(key)?.default,
    }
}

/// Whether a value is another than the chart writes by itself. Left out, switched off and empty
/// are the same.
pub fn is_changed(key: &str, value: &str, version: Option<(u32, u32, u32)>) -> bool {
    match default(key, version) {
        Some(default) => default != value,
        None => !matches!(value, "" | "false"),
    }
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
        for (key, _) in BEFORE_1_18 {
            assert!(find(key).is_some(), "{key}");
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

    #[test]
    fn defaults_are_those_of_the_version() {
        let before = Some((1, 17, 6));
        assert_eq!(default("enable-l2-neigh-discovery", before), Some("true"));
        assert_eq!(default("enable-l2-neigh-discovery", Some((1, 18, 0))), Some("false"));
        assert_eq!(default("arping-refresh-period", Some((1, 20, 2))), None);
        assert!(is_changed("routing-mode", "native", None));
        assert!(!is_changed("install-no-conntrack-iptables-rules", "false", None));
        assert!(is_changed("nobody-knows-this", "x", None));
    }
}
