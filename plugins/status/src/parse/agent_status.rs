//! `cilium-dbg status -o json`: what an agent says of itself.
//!
//! Field by field out of the document, because versions add, rename and leave out fields: one
//! that has another shape costs itself alone. Text instead of JSON goes to [`super::status_text`].

use lab_model::Problem;
use lab_model::cilium::parse_agent_ipam;
use serde_json::Value;

use super::status_text;

/// A state word of the agent with its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// `Ok`, `Warning`, `Failure` or `Disabled`.
    pub word: String,
    /// The rest of it; empty without one.
    pub message: String,
}

impl State {
    /// Whether it is as it ought to be.
    pub fn is_fine(&self) -> bool {
        matches!(self.word.as_str(), "Ok" | "Disabled")
    }
}

/// How packets are routed, in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// `Native`, or `Tunnel`.
    pub network: String,
    /// `vxlan` or `geneve` with a tunnel.
    pub tunnel: Option<String>,
    /// `BPF` or `Legacy`.
    pub host: String,
}

/// Who gives packets that leave the cluster their node's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masquerading {
    /// Whether anybody does.
    pub is_enabled: bool,
    /// `BPF` or `iptables`.
    pub mode: String,
    /// Ranges that are left alone.
    pub excluded: Vec<String>,
}

/// One of the agent's tasks that are run again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controller {
    /// Its name.
    pub name: String,
    /// Failures since it last succeeded.
    pub consecutive_failures: u64,
    /// Failures since the agent started.
    pub failures: u64,
    /// Why it last failed.
    pub message: String,
    /// When it last failed, as the agent writes it; the JSON has a time, the text an age.
    pub last_failure: Option<String>,
}

/// What an agent says of itself. A field that its version does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentStatus {
    /// Of the agent as a whole.
    pub cilium: Option<State>,
    /// Of its connection to the API server.
    pub kubernetes: Option<State>,
    /// Of its connection to a key-value store.
    pub kvstore: Option<State>,
    /// Routing in force.
    pub routing: Option<Routing>,
    /// `True`, `False`; older versions have more words.
    pub kube_proxy_replacement: Option<String>,
    /// Masquerading in force.
    pub masquerading: Option<Masquerading>,
    /// Addresses handed out, and how many there are, over all ranges.
    pub ipam: Option<(u64, u64)>,
    /// Every controller; the text form names the failing ones alone unless it is verbose.
    pub controllers: Option<Vec<Controller>>,
    /// How many controllers there are.
    pub n_controllers: Option<usize>,
    /// The proxy in few words.
    pub proxy: Option<String>,
    /// `Disabled`, `IPsec` or `Wireguard`.
    pub encryption: Option<String>,
    /// Checks that have not come to an end for a while, each with since when.
    pub stale: Vec<(String, String)>,
    /// `veth`, `netkit` …
    pub device_mode: Option<String>,
    /// `tcx` or `tc`.
    pub attach_mode: Option<String>,
    /// Hubble in few words.
    pub hubble: Option<String>,
    /// Events that the monitor lost.
    pub monitor_lost: Option<u64>,
    /// Whether it probes the other nodes.
    pub probes_peers: Option<bool>,
    /// The device that packets to other nodes leave by, where answers of Services go to the client
    /// directly.
    pub dsr_device: Option<String>,
}

impl AgentStatus {
    /// The version in the agent's own message, such as `1.18.0`.
    pub fn version(&self) -> Option<&str> {
        let first = self.cilium.as_ref()?.message.split_whitespace().next()?;
        first.starts_with(|letter: char| letter.is_ascii_digit()).then_some(first)
    }

    /// Controllers that have failed since they last succeeded.
    pub fn failing(&self) -> impl Iterator<Item = &Controller> {
        self.controllers.iter().flatten().filter(|it| it.consecutive_failures > 0)
    }
}

/// Reads an agent's status, as JSON or as the text of `cilium-dbg status`.
///
/// - Shape: the document of `-o json`; a field of another shape counts as absent.
/// - Errors: never fails; an answer that is neither form is one [`Problem`].
/// - Source: Cilium 1.17.6 and 1.18.0, API models of 1.14 to 1.20.
pub fn parse(text: &str) -> (AgentStatus, Vec<Problem>) {
    if !text.trim_start().starts_with('{') {
        return status_text::parse(text);
    }
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let line = text.lines().next().unwrap_or_default();
            let problem = Problem::new("the status", line, format!("it is no JSON: {error}"));
            return (AgentStatus::default(), vec![problem]);
        }
    };
    let (ipam, _) = parse_agent_ipam(text);
    let mut status = read(&document);
    status.ipam = sum(&ipam.totals);
    let problems = if status.cilium.is_none() {
        vec![Problem::new("cilium", text, "the status says nothing of the agent itself")]
    } else {
        Vec::new()
    };
    (status, problems)
}

/// Used and total over all ranges; nothing for none.
pub(super) fn sum(totals: &[(u64, u64, String)]) -> Option<(u64, u64)> {
    if totals.is_empty() {
        return None;
    }
    Some(totals.iter().fold((0, 0), |(used, all), it| {
        (u64::saturating_add(used, it.0), u64::saturating_add(all, it.1))
    }))
}

fn read(document: &Value) -> AgentStatus {
    let controllers: Option<Vec<Controller>> = document
        .get("controllers")
        .and_then(Value::as_array)
        .map(|all| all.iter().filter(|it| it.get("name").is_some()).map(controller).collect());
    AgentStatus {
        cilium: state(document, "cilium"),
        kubernetes: state(document, "kubernetes"),
        kvstore: state(document, "kvstore"),
        routing: routing(document),
        kube_proxy_replacement: word(document, "/kube-proxy-replacement/mode"),
        masquerading: masquerading(document),
        ipam: None,
        n_controllers: controllers.as_ref().map(Vec::len),
        // Its health endpoint has a controller where there is one; the agent's own command goes by
        // that too.
        probes_peers: controllers
            .as_ref()
            .map(|all| all.iter().any(|it| it.name == "cilium-health-ep")),
        controllers,
        proxy: document.get("proxy").filter(|it| it.is_object()).map(proxy),
        dsr_device: word(document, "/kube-proxy-replacement/features/nodePort/mode")
            .filter(|mode| matches!(mode.as_str(), "DSR" | "Hybrid"))
            .and_then(|_| word(document, "/kube-proxy-replacement/directRoutingDevice")),
        encryption: word(document, "/encryption/mode"),
        stale: stale(document),
        device_mode: word(document, "/datapath-mode"),
        attach_mode: word(document, "/attach-mode"),
        hubble: hubble(document),
        monitor_lost: document
            .get("nodeMonitor")
            .filter(|it| it.is_object())
            .map(|it| it.get("lost").and_then(Value::as_u64).unwrap_or_default()),
    }
}

fn word(document: &Value, pointer: &str) -> Option<String> {
    document.pointer(pointer)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn state(document: &Value, name: &str) -> Option<State> {
    let part = document.get(name)?;
    let word = part.get("state")?.as_str()?.to_owned();
    let message = part.get("msg").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(State { word, message })
}

fn routing(document: &Value) -> Option<Routing> {
    Some(Routing {
        network: word(document, "/routing/inter-host-routing-mode")?,
        tunnel: word(document, "/routing/tunnel-protocol"),
        host: word(document, "/routing/intra-host-routing-mode").unwrap_or_default(),
    })
}

fn masquerading(document: &Value) -> Option<Masquerading> {
    let part = document.get("masquerading")?.as_object()?;
    let texts = ["snat-exclusion-cidr-v4", "snat-exclusion-cidr-v6"];
    let mut excluded: Vec<String> = texts
        .iter()
        .filter_map(|name| part.get(*name)?.as_str())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    if excluded.is_empty() {
        excluded.extend(word(document, "/masquerading/snat-exclusion-cidr"));
    }
    Some(Masquerading {
        is_enabled: part.get("enabled").and_then(Value::as_bool).unwrap_or_default(),
        mode: word(document, "/masquerading/mode").unwrap_or_default(),
        excluded,
    })
}

fn controller(entry: &Value) -> Controller {
    let count = |name: &str| {
        entry.pointer(&format!("/status/{name}")).and_then(Value::as_u64).unwrap_or_default()
    };
    let text = |name: &str| word(entry, &format!("/status/{name}"));
    Controller {
        name: word(entry, "/name").unwrap_or_default(),
        consecutive_failures: count("consecutive-failure-count"),
        failures: count("failure-count"),
        message: text("last-failure-msg").unwrap_or_default(),
        // Go writes a time that never was as the first second of year 1.
        last_failure: text("last-failure-timestamp").filter(|time| !time.starts_with("0001-")),
    }
}

fn proxy(part: &Value) -> String {
    let count = |name: &str| part.get(name).and_then(Value::as_u64).unwrap_or_default();
    let redirects = count("total-redirects");
    let mode = word(part, "/envoy-deployment-mode");
    match mode {
        Some(mode) => format!("{redirects} redirects, {mode} Envoy"),
        None => format!("{redirects} redirects"),
    }
}

fn stale(document: &Value) -> Vec<(String, String)> {
    let Some(part) = document.get("stale").and_then(Value::as_object) else { return Vec::new() };
    part.iter()
        .map(|(probe, since)| (probe.clone(), since.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn hubble(document: &Value) -> Option<String> {
    let state = word(document, "/hubble/state")?.to_ascii_lowercase();
    let number = |name: &str| document.pointer(&format!("/hubble/observer/{name}"))?.as_u64();
    Some(match (number("current-flows"), number("max-flows")) {
        (Some(current), Some(most)) => format!("{state} {current}/{most} flows"),
        _ => state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_field_by_field() {
        let (status, problems) = parse(
            r#"{"cilium":{"state":"Ok","msg":"1.18.0 (v1.18.0-274205f0)"},
            "kubernetes":{"state":"Warning","msg":"slow"},"kvstore":{"state":"Disabled"},
            "routing":{"inter-host-routing-mode":"Tunnel","intra-host-routing-mode":"Legacy","tunnel-protocol":"vxlan"},
            "kube-proxy-replacement":{"mode":"True","directRoutingDevice":"eth1",
              "features":{"nodePort":{"mode":"Hybrid"}}},"masquerading":{"enabled":true,"mode":"iptables"},
            "ipam":{"status":"IPv4: 3/254 allocated from 172.20.0.0/24, IPv6: 2/254 allocated from fd00::/120"},
            "controllers":[{"name":"a","status":{"failure-count":7,"consecutive-failure-count":2,
              "last-failure-msg":"no","last-failure-timestamp":"2026-11-23T03:06:52.903Z"}},
              {"name":"cilium-health-ep","status":{"last-failure-timestamp":"0001-01-01T00:00:00.000Z"}},"odd"],
            "proxy":{"total-redirects":2,"envoy-deployment-mode":"external"},
            "stale":{"ipam":"2026-11-23T03:06:52Z"},"nodeMonitor":{"cpus":2,"lost":3},
            "something-new":{"a":[1,2]}}"#,
        );
        assert_eq!(problems, []);
        assert_eq!(status.version(), Some("1.18.0"));
        assert!(!status.kubernetes.as_ref().unwrap().is_fine());
        assert!(status.kvstore.as_ref().unwrap().is_fine());
        let routing = status.routing.clone().unwrap();
        assert_eq!((routing.network.as_str(), routing.host.as_str()), ("Tunnel", "Legacy"));
        assert_eq!(routing.tunnel.as_deref(), Some("vxlan"));
        assert_eq!(status.masquerading.clone().unwrap().mode, "iptables");
        assert_eq!(status.dsr_device.as_deref(), Some("eth1"));
        assert_eq!(status.ipam, Some((5, 508)));
        assert_eq!(status.n_controllers, Some(2));
        let failing: Vec<_> = status.failing().collect();
        assert_eq!((failing.len(), failing[0].failures), (1, 7));
        assert_eq!(status.controllers.as_ref().unwrap()[1].last_failure, None);
        assert_eq!(status.probes_peers, Some(true));
        assert_eq!(status.proxy.as_deref(), Some("2 redirects, external Envoy"));
        assert_eq!((status.stale.len(), status.monitor_lost), (1, Some(3)));
    }

    #[test]
    fn fields_of_another_shape_cost_themselves() {
        let (status, problems) = parse(
            r#"{"cilium":{"state":"Ok"},"routing":"native","masquerading":[],"controllers":{},
            "ipam":7,"kubernetes":{"state":3},"proxy":"none","stale":[],"hubble":null}"#,
        );
        assert_eq!(problems, []);
        assert_eq!(status.cilium.as_ref().map(|it| it.word.as_str()), Some("Ok"));
        assert_eq!((status.version(), status.ipam, status.n_controllers), (None, None, None));
        assert_eq!((status.routing, status.masquerading, status.kubernetes), (None, None, None));
    }

    #[test]
    fn what_is_no_status_is_told() {
        for text in ["", "{", "{}", "Error: cannot connect", "[]", "null"] {
            assert_eq!(parse(text).1.len(), 1, "{text}");
        }
    }
}
