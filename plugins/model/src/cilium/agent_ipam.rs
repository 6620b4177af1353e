//! The addresses that an agent itself holds: its status and its list of endpoints.
//!
//! Apart from the objects because an agent may remember what the API server has long forgotten,
//! which is how a leaked address is seen. It must not know which pods there are.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;

use crate::{Problem, problem::read_entries};

/// One address that an agent has handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The address.
    pub ip: IpAddr,
    /// The pool, where the agent has several.
    pub pool: Option<String>,
    /// `router`, `health`, `ingress`, or `namespace/name` of a pod.
    pub owner: String,
}

/// What an agent says of its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentIpam {
    /// Addresses in use, sorted.
    pub allocations: Vec<Allocation>,
    /// Used, total and range of each part of its summary.
    pub totals: Vec<(u64, u64, String)>,
    /// The summary, word for word.
    pub summary: String,
}

/// Reads `ipam` of `cilium-dbg status -o json`.
///
/// - Shape: `allocations` maps an address, or `pool/address`, to its owner; `status` is
///   `IPv4: 3/254 allocated from 172.20.0.0/24, `.
/// - Errors: never fails; text that is no such document is one [`Problem`], an address that
///   cannot be read another.
/// - Source: Cilium 1.17.6 and 1.18.0.
pub fn parse_agent_ipam(text: &str) -> (AgentIpam, Vec<Problem>) {
    #[derive(Deserialize)]
    struct Status {
        ipam: Option<Ipam>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Ipam {
        allocations: Option<BTreeMap<String, Option<String>>>,
        status: Option<String>,
    }
    let ipam = match serde_json::from_str::<Status>(text) {
        Ok(Status { ipam: Some(ipam) }) => ipam,
        Ok(_) => {
            let problem = Problem::new("ipam", "", "the status says nothing of addresses");
            return (AgentIpam::default(), vec![problem]);
        }
        Err(error) => {
            let line = text.lines().next().unwrap_or_default();
            let problem = Problem::new("the status", line, format!("it is no JSON: {error}"));
            return (AgentIpam::default(), vec![problem]);
        }
    };
    let mut problems = Vec::new();
    let mut allocations = Vec::new();
    for (key, owner) in ipam.allocations.unwrap_or_default() {
        let (pool, address) = match key.rsplit_once('/') {
            Some((pool, address)) => (Some(pool.to_owned()), address),
            None => (None, key.as_str()),
        };
        match address.parse() {
            Ok(ip) => {
                allocations.push(Allocation { ip, pool, owner: owner.unwrap_or_default() });
            }
            Err(_) => problems.push(Problem::new("allocations", &key, "it is no address")),
        }
    }
    allocations.sort_by_key(|allocation| allocation.ip);
    let summary = ipam.status.unwrap_or_default();
    let totals = summary.split(", ").filter_map(total).collect();
    (
        AgentIpam { allocations, totals, summary: summary.trim_end_matches([',', ' ']).to_owned() },
        problems,
    )
}

/// `IPv4: 3/254 allocated from 172.20.0.0/24`.
fn total(part: &str) -> Option<(u64, u64, String)> {
    let (amounts, range) = part.split_once(" allocated from ")?;
    let (used, total) = amounts.rsplit(' ').next()?.split_once('/')?;
    Some((used.parse().ok()?, total.parse().ok()?, range.trim_end_matches(',').trim().to_owned()))
}

/// One endpoint as its agent has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentEndpoint {
    /// Its number on the node.
    pub id: u64,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
    /// `namespace/name` of its pod.
    pub pod: Option<String>,
    /// `health`, `ingress`, `host`, where it is no pod's.
    pub reserved: Option<String>,
    /// `ready`, `restoring` …
    pub state: String,
    /// Its security identity.
    pub identity: Option<u64>,
    /// The labels that the identity stands for, each with its source: `k8s:app=curl`.
    pub labels: Vec<String>,
    /// Which directions policy is enforced in: `none`, `ingress`, `egress`, `both`, or one of
    /// these behind `audit-`.
    pub policy: Option<String>,
    /// `OK`, or how it fails, in the agent's own words.
    pub health: Option<String>,
}

/// Reads `cilium-dbg endpoint list -o json`.
///
/// - Shape: an array; of each entry `id` and parts of `status`.
/// - Errors: never fails; an entry that cannot be read is a [`Problem`], the others are kept.
/// - Source: Cilium 1.17.6 and 1.18.0.
pub fn parse_agent_endpoints(text: &str) -> (Vec<AgentEndpoint>, Vec<Problem>) {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Entry {
        id: u64,
        status: Option<Status>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "kebab-case", default)]
    struct Status {
        external_identifiers: Option<Identifiers>,
        identity: Option<Identity>,
        networking: Option<Networking>,
        state: Option<String>,
        policy: Option<Policy>,
        health: Option<Health>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Policy {
        realized: Option<Realized>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "kebab-case", default)]
    struct Realized {
        policy_enabled: Option<String>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Health {
        overall_health: Option<String>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "kebab-case", default)]
    struct Identifiers {
        k8s_namespace: Option<String>,
        k8s_pod_name: Option<String>,
        pod_name: Option<String>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Identity {
        id: Option<u64>,
        labels: Option<Vec<String>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Networking {
        addressing: Option<Vec<Addressing>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Addressing {
        ipv4: Option<String>,
        ipv6: Option<String>,
    }
    let (entries, problems) = read_entries::<Entry>(text);
    let endpoint = |entry: Entry| {
        let status = entry.status.unwrap_or_default();
        let addressing = status.networking.unwrap_or_default().addressing.unwrap_or_default();
        let texts = addressing.iter().flat_map(|it| it.ipv4.iter().chain(&it.ipv6));
        let ids = status.external_identifiers.unwrap_or_default();
        let pod = match (ids.k8s_namespace, ids.k8s_pod_name) {
            (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
            _ => ids.pod_name,
        };
        let identity = status.identity.unwrap_or_default();
        let labels = identity.labels.unwrap_or_default();
        let reserved = labels.iter().find_map(|label| label.strip_prefix("reserved:"));
        AgentEndpoint {
            id: entry.id,
            ips: texts.filter_map(|text| text.parse().ok()).collect(),
            pod: pod.filter(|pod| !pod.is_empty()),
            reserved: reserved.map(str::to_owned),
            state: status.state.unwrap_or_default(),
            identity: identity.id,
            policy: status.policy.and_then(|policy| policy.realized?.policy_enabled),
            health: status.health.and_then(|health| health.overall_health),
            labels,
        }
    };
    (entries.into_iter().map(endpoint).collect(), problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_agents_addresses_have_owners() {
        let (ipam, problems) = parse_agent_ipam(
            r#"{"cilium":{"state":"Ok"},"ipam":{"allocations":{"172.20.0.95":"router",
                "172.20.0.197":"default/curl-pod","blue/10.20.0.3":"x/y","nonsense":"z"},
                "ipv6":null,"status":"IPv4: 3/254 allocated from 172.20.0.0/24, IPv6: 1/65534 allocated from fd00::/104"}}"#,
        );
        assert_eq!(problems.len(), 1);
        let owners: Vec<(String, Option<&str>, &str)> = ipam
            .allocations
            .iter()
            .map(|it| (it.ip.to_string(), it.pool.as_deref(), it.owner.as_str()))
            .collect();
        assert_eq!(
            owners,
            [
                ("10.20.0.3".to_owned(), Some("blue"), "x/y"),
                ("172.20.0.95".to_owned(), None, "router"),
                ("172.20.0.197".to_owned(), None, "default/curl-pod"),
            ]
        );
        assert_eq!(ipam.totals[0], (3, 254, "172.20.0.0/24".to_owned()));
        assert_eq!(ipam.totals[1], (1, 65534, "fd00::/104".to_owned()));
    }

    #[test]
    fn text_in_place_of_json_is_a_problem() {
        for text in ["", "cilium: daemon unreachable", "[]", "{", r#"{"cilium":{}}"#] {
            let (ipam, problems) = parse_agent_ipam(text);
            assert_eq!((ipam.allocations.len(), problems.len()), (0, 1), "{text}");
        }
        let (ipam, problems) =
            parse_agent_ipam(r#"{"ipam":{"status":"IPv4: 2 IPAM pool(s) available"}}"#);
        assert_eq!((ipam.totals.len(), problems.len()), (0, 0));
    }

    #[test]
    fn endpoints_are_pods_or_reserved() {
        let (endpoints, problems) = parse_agent_endpoints(
            r#"[{"id":389,"status":{"external-identifiers":{"k8s-namespace":"default","k8s-pod-name":"a",
                "pod-name":"default/a"},"identity":{"labels":["k8s:app=a"]},
                "networking":{"addressing":[{"ipv4":"172.20.0.82","ipv6":"fd00::5"}]},"state":"ready"}},
               {"id":7,"status":{"identity":{"labels":["reserved:health"]},"networking":{"addressing":[{"ipv4":"172.20.0.9"}]}}},
               {"id":8,"status":null},{"id":"x"}]"#,
        );
        assert_eq!(problems.len(), 1);
        assert_eq!(endpoints[0].pod.as_deref(), Some("default/a"));
        assert_eq!((endpoints[0].ips.len(), endpoints[0].state.as_str()), (2, "ready"));
        assert_eq!(endpoints[1].reserved.as_deref(), Some("health"));
        assert_eq!(endpoints[2], AgentEndpoint { id: 8, ..AgentEndpoint::default() });
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(text in "[\\[\\]{}:,\"a0/. ]{0,40}", status in ".{0,30}") {
            let _ = parse_agent_ipam(&text);
            let _ = parse_agent_endpoints(&text);
            let quoted = serde_json::to_string(&status).unwrap();
            let _ = parse_agent_ipam(&format!(r#"{{"ipam":{{"status":{quoted},"allocations":{{{quoted}:null}}}}}}"#));
        }
    }
}
