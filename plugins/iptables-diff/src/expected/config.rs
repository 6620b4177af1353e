//! The part of Cilium's configuration that decides about rules.
//!
//! Apart from [`super::model`] because keys have changed their names and defaults. It must not
//! know a rule.

use std::collections::BTreeMap;

/// cilium-config with the agent's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    data: BTreeMap<String, String>,
}

impl Config {
    /// Of the data of the object `cilium-config`.
    pub fn new(data: BTreeMap<String, String>) -> Self {
        Self { data }
    }

    /// The text of a key; none where it is empty or missing.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.data.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a switch is on; `default` where nothing is said.
    pub fn is_on(&self, key: &str, default: bool) -> bool {
        match self.text(key) {
            Some("true") => true,
            Some("false") => false,
            _ => default,
        }
    }

    /// The line of a key for evidence.
    pub fn line(&self, key: &str) -> String {
        match self.data.get(key) {
            Some(value) => format!("{key}: {value}"),
            None => format!("{key} is not set"),
        }
    }

    /// Whether packets between nodes are encapsulated. Before 1.14 the key was `tunnel`.
    pub fn is_tunnel(&self) -> bool {
        match (self.text("routing-mode"), self.text("tunnel")) {
            (Some(mode), _) => mode == "tunnel",
            (None, Some(old)) => old != "disabled",
            (None, None) => true,
        }
    }

    /// Whether Cilium serves all services, so that kube-proxy is not needed.
    pub fn replaces_kube_proxy(&self) -> bool {
        matches!(self.text("kube-proxy-replacement"), Some("true" | "strict"))
    }

    /// Conditions under which lines of the model are installed, for one family.
    pub fn holds(&self, word: &str, is_v6: bool) -> Option<bool> {
        let masquerade = if is_v6 { "enable-ipv6-masquerade" } else { "enable-ipv4-masquerade" };
        let ipam = self.text("ipam").unwrap_or("cluster-pool");
        let is_cloud = matches!(ipam, "eni" | "alibabacloud");
        Some(match word {
            "always" => true,
            "masquerade" => {
                self.is_on(masquerade, true) && !self.is_on("enable-bpf-masquerade", false)
            }
            "tunnel" => self.is_tunnel(),
            "native" => !self.is_tunnel(),
            "ipsec" => self.is_on("enable-ipsec", false),
            "wireguard" => self.is_on("enable-wireguard", false),
            "endpoint-routes" => self.is_on("enable-endpoint-routes", false),
            "no-endpoint-routes" => !self.is_on("enable-endpoint-routes", false),
            "delivery-differs" => self.is_on("enable-endpoint-routes", false) || is_cloud,
            "notrack-pods" => {
                self.is_on("install-no-conntrack-iptables-rules", false)
                    && self.text("ipv4-native-routing-cidr").is_some()
            }
            "no-source-route" => !self.is_on("enable-masquerade-to-route-source", false),
            "no-egress-devices" => self.text("egress-masquerade-interfaces").is_none(),
            "cloud" => is_cloud,
            _ => return None,
        })
    }

    /// The device behind which pods are.
    pub fn delivery_device(&self) -> &'static str {
        let holds = |word| self.holds(word, false) == Some(true);
        // Chaining on AWS has other names of devices.
        if holds("endpoint-routes") && self.text("cni-chaining-mode") == Some("aws-cni") {
            return "eni+";
        }
        if holds("delivery-differs") { "lxc+" } else { "cilium_host" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(lines: &[(&str, &str)]) -> Config {
        Config::new(
            lines.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn defaults_are_those_of_the_agent() {
        let none = config(&[]);
        assert!(none.is_tunnel());
        assert_eq!(none.holds("masquerade", false), Some(true));
        assert_eq!(none.holds("notrack-pods", false), Some(false));
        assert_eq!(none.holds("unheard", false), None);
        assert_eq!(none.delivery_device(), "cilium_host");
        assert!(!none.replaces_kube_proxy());
    }

    #[test]
    fn what_is_set_decides() {
        let native = config(&[
            ("routing-mode", "native"),
            ("enable-bpf-masquerade", "true"),
            ("enable-endpoint-routes", "true"),
            ("install-no-conntrack-iptables-rules", "true"),
            ("ipv4-native-routing-cidr", "172.20.0.0/16"),
            ("kube-proxy-replacement", "true"),
        ]);
        assert!(!native.is_tunnel());
        assert_eq!(native.holds("masquerade", false), Some(false));
        assert_eq!(native.holds("notrack-pods", false), Some(true));
        assert_eq!(native.delivery_device(), "lxc+");
        assert!(native.replaces_kube_proxy());
        assert!(!config(&[("tunnel", "disabled")]).is_tunnel());
        let chained = [("cni-chaining-mode", "aws-cni"), ("ipam", "eni")];
        assert_eq!(config(&chained).delivery_device(), "lxc+");
        let routed = [("cni-chaining-mode", "aws-cni"), ("enable-endpoint-routes", "true")];
        assert_eq!(config(&routed).delivery_device(), "eni+");
        assert_eq!(native.line("routing-mode"), "routing-mode: native");
    }
}
