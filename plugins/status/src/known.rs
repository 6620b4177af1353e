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

/// Settings that an agent works out anew from others or from the node, so that another value in
/// force is no drift: each with what it depends on.
pub const DERIVED: [(&str, &str); 20] = [
    ("bpf-lb-acceleration", "what the devices' drivers can do"),
    ("datapath-mode", "what the kernel can do"),
    ("devices", "the devices that are there"),
    ("direct-routing-device", "the devices that are there"),
    ("enable-bpf-clock-probe", "what the kernel can do"),
    ("enable-bpf-masquerade", "other settings; `status` tells when it falls back"),
    ("enable-endpoint-health-checking", "enable-health-checking"),
    ("enable-health-check-nodeport", "kube-proxy-replacement"),
    ("enable-host-legacy-routing", "other settings; `status` tells when it falls back"),
    ("enable-ipv4-fragment-tracking", "enable-ipv4"),
    ("enable-ipv4-masquerade", "enable-ipv4"),
    ("enable-ipv6-masquerade", "enable-ipv6"),
    ("enable-local-node-route", "enable-endpoint-routes"),
    ("enable-tcx", "what the kernel can do"),
    ("k8s-require-ipv4-pod-cidr", "the IPAM mode"),
    ("k8s-require-ipv6-pod-cidr", "the IPAM mode"),
    ("kube-proxy-replacement", "what the kernel can do"),
    ("monitor-aggregation-flags", "it is a bit mask there"),
    ("mtu", "the devices that are there"),
    ("tunnel-protocol", "routing-mode"),
];

/// What a setting depends on, where an agent works it out anew.
pub fn depends_on(key: &str) -> Option<&'static str> {
    DERIVED.iter().find(|(known, _)| *known == key).map(|(_, what)| *what)
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
