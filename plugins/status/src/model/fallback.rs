//! Where an agent does something less than it was told to: iptables in place of BPF.

use std::collections::BTreeMap;

use super::values;
use crate::parse::agent_status::AgentStatus;

/// What is done in the old way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// iptables masquerades.
    Masquerading,
    /// Packets go through the host's stack.
    HostRouting,
}

impl Fallback {
    /// Words of the agent's log line about it, in lower case.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Masquerading => "masquerading",
            Self::HostRouting => "host routing",
        }
    }
}

type Config = BTreeMap<String, String>;

fn is_on(config: Option<&Config>, key: &str) -> bool {
    config.and_then(|config| config.get(key)).and_then(|text| values::boolean(text)) == Some(true)
}

/// What the agent does in the old way although nobody asked for it.
pub fn fallen_back(status: &AgentStatus, config: Option<&Config>) -> Vec<Fallback> {
    let mut found = Vec::new();
    let uses_iptables = |masquerading: &crate::parse::agent_status::Masquerading| {
        masquerading.is_enabled && masquerading.mode.eq_ignore_ascii_case("iptables")
    };
    if is_on(config, "enable-bpf-masquerade")
        && status.masquerading.as_ref().is_some_and(uses_iptables)
    {
        found.push(Fallback::Masquerading);
    }
    let is_legacy = status.routing.as_ref().is_some_and(|routing| routing.host == "Legacy");
    // Without the `ConfigMap` nobody knows what was asked for.
    let was_asked = is_on(config, "enable-host-legacy-routing") || config.is_none();
    if is_legacy && !was_asked {
        found.push(Fallback::HostRouting);
    }
    found
}

/// Why host routing is not done by BPF, as far as the settings tell: the first of the agent's own
/// conditions that is not met.
///
/// - Source: the conditions of Cilium 1.14 to 1.20, in their order.
pub fn host_routing_reason(
    status: &AgentStatus,
    config: Option<&Config>,
) -> Option<(&'static str, &'static str)> {
    if status.encryption.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("ipsec")) {
        return Some(("enable-ipsec", "IPsec needs the host's stack"));
    }
    let masquerading = status.masquerading.as_ref();
    if masquerading.is_some_and(|it| it.is_enabled && it.mode.eq_ignore_ascii_case("iptables")) {
        return Some(("enable-bpf-masquerade", "BPF host routing needs BPF masquerading"));
    }
    let mode = status.kube_proxy_replacement.as_deref();
    if mode.is_some_and(|mode| !matches!(mode.to_ascii_lowercase().as_str(), "true" | "strict")) {
        return Some(("kube-proxy-replacement", "BPF host routing needs kube-proxy replacement"));
    }
    if is_on(config, "enable-endpoint-routes") && is_on(config, "enable-ipv6") {
        return Some((
            "enable-endpoint-routes",
            "older agents cannot do BPF host routing with endpoint routes and IPv6 at once",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::agent_status::{Masquerading, Routing};

    fn status(masquerading: &str, host: &str) -> AgentStatus {
        AgentStatus {
            masquerading: Some(Masquerading {
                is_enabled: true,
                mode: masquerading.to_owned(),
                excluded: Vec::new(),
            }),
            routing: Some(Routing {
                network: "Native".to_owned(),
                tunnel: None,
                host: host.to_owned(),
            }),
            kube_proxy_replacement: Some("True".to_owned()),
            ..AgentStatus::default()
        }
    }

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_was_asked_for_is_no_fallback() {
        let on = config(&[("enable-bpf-masquerade", "true")]);
        assert_eq!(fallen_back(&status("BPF", "BPF"), Some(&on)), []);
        assert_eq!(
            fallen_back(&status("iptables", "Legacy"), Some(&on)),
            [Fallback::Masquerading, Fallback::HostRouting]
        );
        let legacy = config(&[("enable-host-legacy-routing", "true")]);
        assert_eq!(fallen_back(&status("iptables", "Legacy"), Some(&legacy)), []);
        assert_eq!(fallen_back(&AgentStatus::default(), Some(&on)), []);
    }

    #[test]
    fn the_first_condition_that_is_not_met_is_the_reason() {
        let reason = |status: &AgentStatus| host_routing_reason(status, None).map(|it| it.0);
        assert_eq!(reason(&status("iptables", "Legacy")), Some("enable-bpf-masquerade"));
        let mut without = status("BPF", "Legacy");
        without.kube_proxy_replacement = Some("False".to_owned());
        assert_eq!(reason(&without), Some("kube-proxy-replacement"));
        assert_eq!(reason(&status("BPF", "Legacy")), None);
        let encryption = Some("IPsec".to_owned());
        let encrypted = AgentStatus { encryption, ..status("iptables", "Legacy") };
        assert_eq!(reason(&encrypted), Some("enable-ipsec"));
    }
}
