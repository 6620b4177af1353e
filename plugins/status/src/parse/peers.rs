//! `cilium-health status -o json`: what an agent's probes of the other nodes say.

use lab_model::Problem;
use serde_json::Value;

/// How one way to a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Probes are answered.
    Reached,
    /// They are not, and why.
    Failed(String),
    /// None has come to an end yet.
    Unknown,
}

/// One node as another one's probes see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name, without the cluster's in front of it.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// The node itself.
    pub host: Reach,
    /// Its health endpoint, which stands for its pods; `None` where there is none.
    pub endpoint: Option<Reach>,
}

impl Peer {
    /// Whether any probe has failed.
    pub fn is_unreachable(&self) -> bool {
        let failed = |reach: &Reach| matches!(reach, Reach::Failed(_));
        failed(&self.host) || self.endpoint.as_ref().is_some_and(failed)
    }

    /// Whether probes of all kinds are answered.
    pub fn is_reached(&self) -> bool {
        let reached = |reach: &Reach| *reach == Reach::Reached;
        reached(&self.host) && self.endpoint.as_ref().is_none_or(reached)
    }
}

/// Everything that one agent's probes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    /// The nodes, itself among them.
    pub all: Vec<Peer>,
    /// When the last round ended, as the agent writes it.
    pub at: String,
}

/// Reads the document.
///
/// - Shape: `nodes[]` with `host` and `health-endpoint` (or `endpoint`, as it was called before);
///   each has `primary-address` with `icmp` and `http`, whose `status` is empty when they went
///   well.
/// - Errors: never fails; an answer that is no such document is one [`Problem`].
/// - Source: API models of Cilium 1.14 to 1.20.
pub fn parse(text: &str) -> (Peers, Vec<Problem>) {
    let unread = |what: String| {
        let line = text.lines().next().unwrap_or_default();
        (Peers::default(), vec![Problem::new("the health of peers", line, what)])
    };
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => return unread(format!("it is no JSON: {error}")),
    };
    let Some(nodes) = document.get("nodes").and_then(Value::as_array) else {
        return unread("there are no nodes in it".to_owned());
    };
    let all = nodes.iter().filter_map(peer).collect();
    let at = document.get("timestamp").and_then(Value::as_str).unwrap_or_default().to_owned();
    (Peers { all, at }, Vec::new())
}

fn peer(node: &Value) -> Option<Peer> {
    let name = node.get("name")?.as_str()?;
    let host = node.pointer("/host/primary-address").filter(|it| it.is_object());
    let endpoint = node
        .pointer("/health-endpoint/primary-address")
        .or_else(|| node.get("endpoint"))
        // Without health endpoints the part is there and has no address.
        .filter(|it| it.get("ip").and_then(Value::as_str).is_some_and(|ip| !ip.is_empty()));
    let ip = host.and_then(|it| it.get("ip")?.as_str()).unwrap_or_default();
    Some(Peer {
        name: name.rsplit_once('/').map_or(name, |(_, name)| name).to_owned(),
        ip: ip.to_owned(),
        host: host.map_or(Reach::Unknown, reach),
        endpoint: endpoint.map(reach),
    })
}

fn reach(address: &Value) -> Reach {
    let probes: Vec<(&str, Option<&str>)> = ["icmp", "http"]
        .iter()
        .filter_map(|kind| {
            let probe = address.get(*kind).filter(|it| it.is_object())?;
            Some((*kind, probe.get("status").and_then(Value::as_str)))
        })
        .collect();
    let failed = probes.iter().filter_map(|(kind, status)| {
        status.filter(|status| !status.is_empty()).map(|status| format!("{kind}: {status}"))
    });
    let failed: Vec<String> = failed.collect();
    match (probes.is_empty(), failed.is_empty()) {
        (true, _) => Reach::Unknown,
        (false, true) => Reach::Reached,
        (false, false) => Reach::Failed(failed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_not_down() {
        let (peers, problems) = parse(
            r#"{"local":{"name":"default/a"},"timestamp":"2026-11-23T03:06:52Z","nodes":[
            {"name":"default/a","host":{"primary-address":{"ip":"10.0.0.1","icmp":{"latency":7},"http":{"latency":9}}},
             "health-endpoint":{"primary-address":{"ip":"10.1.0.1","icmp":{},"http":{}}}},
            {"name":"default/b","host":{"primary-address":{"ip":"10.0.0.2","icmp":{"status":"Connection timed out"},"http":{}}},
             "endpoint":{"ip":"10.1.0.2","icmp":{},"http":{}}},
            {"name":"c","host":{"primary-address":{"ip":"10.0.0.3","icmp":null}},"health-endpoint":{"primary-address":{"ip":""}}},{"host":7}]}"#,
        );
        assert_eq!(problems, []);
        assert_eq!(peers.all.len(), 3);
        assert!(peers.all[0].is_reached());
        assert!(peers.all[1].is_unreachable());
        assert_eq!(peers.all[1].host, Reach::Failed("icmp: Connection timed out".to_owned()));
        assert_eq!(peers.all[2].host, Reach::Unknown);
        assert_eq!(
            (&peers.all[1].endpoint, &peers.all[2].endpoint),
            (&Some(Reach::Reached), &None)
        );
        assert!(!peers.all[2].is_unreachable() && !peers.all[2].is_reached());
        for text in ["", "Error: dial unix", "{}"] {
            assert_eq!(parse(text).1.len(), 1, "{text}");
        }
    }
}
