//! What policies bear.
//!
//! The upgrade notes name fields at places that differ between ingress, egress and their denying
//! twins, so a policy is walked once and each field is recognised by its name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Mark;
use crate::facts::Seen;
use crate::objects::AnyObject;

/// Lists of peers that select nothing when they are there and empty.
const PEERS: [&str; 8] = [
    "fromEndpoints",
    "fromCIDR",
    "fromCIDRSet",
    "fromEntities",
    "toEndpoints",
    "toCIDR",
    "toCIDRSet",
    "toEntities",
];
/// Fields that hold selectors of pods; those of nodes have labels of their own.
const SELECTORS: [&str; 5] =
    ["endpointSelector", "fromEndpoints", "toEndpoints", "fromRequires", "toRequires"];
/// What the labels of a node's place begin with.
const TOPOLOGY: &str = "topology.kubernetes.io/";
/// What the API server allows of ports and of ICMP types in one rule from 1.16 on.
const MOST: usize = 40;

/// What has been found so far.
#[derive(Debug, Default)]
pub struct Found(pub BTreeMap<Mark, Vec<Seen>>);

impl Found {
    fn add(&mut self, mark: Mark, place: &str, text: &str) {
        let seen = self.0.entry(mark).or_default();
        // Once for each object: the place is what a person opens.
        if seen.last().is_none_or(|last| last.place != place) {
            seen.push(Seen::new(place, text));
        }
    }
}

/// Looks a policy through; `groups` are the names of the `CiliumCIDRGroup`s, if they are known.
pub fn look(kind: &str, policy: &AnyObject, groups: Option<&BTreeSet<String>>, found: &mut Found) {
    let place = format!("{kind} {}", policy.metadata.path());
    found.add(Mark::AnyPolicy, &place, "");
    let specs = policy.specs.as_array().into_iter().flatten();
    let specs: Vec<&Value> =
        Some(&policy.spec).filter(|spec| !spec.is_null()).into_iter().chain(specs).collect();
    if specs.is_empty() {
        found.add(Mark::PolicyNoSpec, &place, "no spec and no specs");
    }
    if kind == "CiliumNetworkPolicy" {
        let selects_nodes = |spec: &Value| spec.get("nodeSelector").is_some_and(Value::is_object);
        let all = policy.specs.as_array().into_iter().flatten();
        if let Some(number) = all.clone().position(selects_nodes)
            && (policy.spec.is_object() || !all.clone().all(selects_nodes))
        {
            let text = format!("specs[{number}].nodeSelector");
            found.add(Mark::PolicyNodeSelector, &place, &text);
        }
    }
    let mut walk =
        Walk { place: &place, groups, found, is_namespaced: kind == "CiliumNetworkPolicy" };
    for spec in specs {
        walk.value(spec);
    }
}

struct Walk<'a> {
    place: &'a str,
    groups: Option<&'a BTreeSet<String>>,
    found: &'a mut Found,
    is_namespaced: bool,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => self.fields(fields),
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            _ => {}
        }
    }

    fn add(&mut self, mark: Mark, text: &str) {
        self.found.add(mark, self.place, text);
    }

    fn fields(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            if SELECTORS.contains(&name.as_str())
                && let Some(label) = topology(value)
            {
                self.add(Mark::PolicyTopology, &format!("{name}: {label}"));
            }
            let n_items = value.as_array().map(Vec::len);
            match (name.as_str(), n_items) {
                ("fromRequires" | "toRequires", Some(1..)) => {
                    self.add(Mark::PolicyRequires, name);
                }
                ("toFQDNs", Some(1..)) => self.add(Mark::PolicyFqdn, name),
                ("icmps", _) => self.icmps(value),
                ("ports", Some(n_ports)) if n_ports > MOST => {
                    self.add(Mark::PolicyTooMany, &format!("{n_ports} ports"));
                }
                (_, Some(0)) if PEERS.contains(&name.as_str()) => {
                    self.add(Mark::PolicyEmptyPeers, &format!("{name}: []"));
                }
                ("terminatingTLS", None) if value.is_object() => {
                    self.add(Mark::PolicyTerminatingTls, name);
                }
                ("rules", None) => self.rules(value),
                ("authentication", None)
                    if value.get("mode").is_some_and(|it| it == "required") =>
                {
                    self.add(Mark::PolicyAuthentication, "authentication.mode: required");
                }
                ("matchPattern", None) => {
                    if let Some(pattern) = value.as_str().filter(|it| it.starts_with("**.")) {
                        self.add(Mark::PolicyFqdnDeep, &format!("matchPattern: {pattern}"));
                    }
                }
                ("matchLabels", None) if self.is_namespaced => self.labels(value),
                ("cidrGroupRef", None) => self.group(value),
                _ => {}
            }
            self.value(value);
        }
    }

    fn icmps(&mut self, value: &Value) {
        for icmp in value.as_array().into_iter().flatten() {
            let n_fields = icmp.get("fields").and_then(Value::as_array).map_or(0, Vec::len);
            if n_fields > MOST {
                self.add(Mark::PolicyTooMany, &format!("{n_fields} ICMP types"));
            }
        }
    }

    fn rules(&mut self, rules: &Value) {
        let Some(rules) = rules.as_object() else { return };
        let is_there = |name: &&str| rules.get(*name).is_some_and(|rule| !rule.is_null());
        if is_there(&"kafka") {
            self.add(Mark::PolicyKafka, "rules.kafka");
        }
        if let Some(parser) = ["l7proto", "l7"].into_iter().find(is_there) {
            let text = rules.get(parser).and_then(Value::as_str);
            let text = text.map_or(parser.to_owned(), |text| format!("{parser}: {text}"));
            self.add(Mark::PolicyParser, &format!("rules.{text}"));
        }
        let protocols: Vec<&str> =
            ["http", "kafka", "dns", "l7"].into_iter().filter(is_there).collect();
        if let Some(first) = protocols.first() {
            self.add(Mark::PolicyL7, &format!("rules.{first}"));
        }
        if protocols.len() > 1 {
            self.add(Mark::PolicySeveralL7, &format!("rules of {}", protocols.join(", ")));
        }
    }

    fn labels(&mut self, labels: &Value) {
        let names = labels.as_object().into_iter().flat_map(Map::keys);
        for name in names {
            if name.trim_start_matches("any.").trim_start_matches("any:") == "reserved:init"
                || name == "reserved.init"
            {
                self.add(Mark::PolicyInit, name);
            }
        }
    }

    fn group(&mut self, value: &Value) {
        let (Some(name), Some(groups)) = (value.as_str(), self.groups) else { return };
        if !name.is_empty() && !groups.contains(name) {
            self.add(Mark::PolicyNoCidrGroup, &format!("cidrGroupRef: {name}"));
        }
    }
}

/// A label of a node's place that a selector, or one of several, asks for.
fn topology(selector: &Value) -> Option<&str> {
    if let Some(selectors) = selector.as_array() {
        return selectors.iter().find_map(topology);
    }
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let labels = labels.into_iter().flat_map(Map::keys).map(String::as_str);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let keys = expressions.into_iter().flatten().filter_map(|it| it.get("key")?.as_str());
    labels.chain(keys).find(|label| {
        let of_source = label.strip_prefix("k8s:").or_else(|| label.strip_prefix("any:"));
        of_source.unwrap_or(label).starts_with(TOPOLOGY)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn marks(kind: &str, policy: &Value) -> Vec<(Mark, String)> {
        let policy = serde_json::from_value(policy.clone()).expect("a policy");
        let groups = BTreeSet::from(["known".to_owned()]);
        let mut found = Found::default();
        look(kind, &policy, Some(&groups), &mut found);
        let all = found.0.into_iter().filter(|(mark, _)| *mark != Mark::AnyPolicy);
        all.flat_map(|(mark, seen)| seen.into_iter().map(move |seen| (mark, seen.text))).collect()
    }

    fn check(spec: &Value, mark: Mark, text: &str) {
        let policy = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec});
        let found = marks("CiliumNetworkPolicy", &policy);
        assert!(found.contains(&(mark, text.to_owned())), "{spec}: {found:?}");
    }

    #[test]
    fn fields_are_found_wherever_they_stand() {
        check(
            &json!({"ingress": [{"toPorts": [{"rules": {"kafka": [{"role": "produce"}]}}]}]}),
            Mark::PolicyKafka,
            "rules.kafka",
        );
        check(
            &json!({"egress": [{"toPorts": [{"rules": {"l7proto": "r2d2", "l7": [{}]}}]}]}),
            Mark::PolicyParser,
            "rules.l7proto: r2d2",
        );
        check(&json!({"ingress": [{"fromRequires": [{}]}]}), Mark::PolicyRequires, "fromRequires");
        check(
            &json!({"egress": [{"toFQDNs": [{"matchPattern": "**.example.org"}]}]}),
            Mark::PolicyFqdnDeep,
            "matchPattern: **.example.org",
        );
        check(&json!({"egress": [{"toFQDNs": [{"matchName": "a"}]}]}), Mark::PolicyFqdn, "toFQDNs");
        check(&json!({"ingressDeny": [{"fromCIDR": []}]}), Mark::PolicyEmptyPeers, "fromCIDR: []");
        check(
            &json!({"endpointSelector": {"matchLabels": {"reserved:init": ""}}}),
            Mark::PolicyInit,
            "reserved:init",
        );
        check(
            &json!({"ingress": [{"toPorts": [{"rules": {"http": [{}], "dns": [{}]}}]}]}),
            Mark::PolicySeveralL7,
            "rules of http, dns",
        );
        let ports = vec![json!({"port": "80"}); 41];
        check(
            &json!({"ingress": [{"toPorts": [{"ports": ports}]}]}),
            Mark::PolicyTooMany,
            "41 ports",
        );
        let icmps = vec![json!({"type": 8}); 41];
        check(
            &json!({"ingress": [{"icmps": [{"fields": icmps}]}]}),
            Mark::PolicyTooMany,
            "41 ICMP types",
        );
        check(
            &json!({"ingress": [{"toPorts": [{"terminatingTLS": {"secret": {"name": "s"}}}]}]}),
            Mark::PolicyTerminatingTls,
            "terminatingTLS",
        );
        check(
            &json!({"ingress": [{"authentication": {"mode": "required"}}]}),
            Mark::PolicyAuthentication,
            "authentication.mode: required",
        );
        check(
            &json!({"ingress": [{"fromCIDRSet": [{"cidrGroupRef": "gone"}]}]}),
            Mark::PolicyNoCidrGroup,
            "cidrGroupRef: gone",
        );
    }

    #[test]
    fn a_place_of_a_node_counts_where_pods_are_selected() {
        let label = "k8s:topology.kubernetes.io/zone";
        check(
            &json!({"endpointSelector": {"matchLabels": {label: "a"}}}),
            Mark::PolicyTopology,
            &format!("endpointSelector: {label}"),
        );
        let by_key = json!({"matchExpressions": [
            {"key": "topology.kubernetes.io/region", "operator": "Exists"}]});
        check(
            &json!({"egressDeny": [{"toEndpoints": [{}, by_key]}]}),
            Mark::PolicyTopology,
            "toEndpoints: topology.kubernetes.io/region",
        );
        let of_nodes = json!({"metadata": {"name": "p"}, "spec": {
            "nodeSelector": {"matchLabels": {"topology.kubernetes.io/zone": "a"}},
            "ingress": [{"fromNodes": [{"matchLabels": {"topology.kubernetes.io/zone": "a"}}],
                "fromEndpoints": [{"matchLabels": {"io.example/topology.kubernetes.io/zone": "a"}}]}]}});
        assert_eq!(marks("CiliumClusterwideNetworkPolicy", &of_nodes), []);
    }

    #[test]
    fn a_selector_of_nodes_counts_beside_rules_that_hold() {
        let nodes = json!({"nodeSelector": {}, "ingress": [{}]});
        let pods = json!({"endpointSelector": {}, "ingress": [{}]});
        let of = |spec: &Value, specs: &[&Value]| {
            marks(
                "CiliumNetworkPolicy",
                &json!({"metadata": {"name": "p"}, "spec": spec, "specs": specs}),
            )
        };
        let found = [(Mark::PolicyNodeSelector, "specs[1].nodeSelector".to_owned())];
        assert_eq!(of(&Value::Null, &[&pods, &nodes]), found);
        assert_eq!(of(&pods, &[&nodes])[0].1, "specs[0].nodeSelector");
        // It did nothing before, and does nothing afterwards.
        assert_eq!(of(&Value::Null, &[&nodes]), []);
        assert_eq!(of(&Value::Null, &[&pods]), []);
        let wide = json!({"metadata": {"name": "p"}, "specs": [pods, nodes]});
        assert_eq!(marks("CiliumClusterwideNetworkPolicy", &wide), []);
    }

    #[test]
    fn what_is_in_order_bears_nothing() {
        let policy = json!({"metadata": {"name": "p"}, "spec": {
            "endpointSelector": {"matchLabels": {"app": "a"}},
            "ingress": [{"fromEndpoints": [{}], "fromRequires": [],
                "toPorts": [{"ports": [{"port": "80"}], "rules": {"kafka": null}}],
                "authentication": {"mode": "disabled"},
                "fromCIDRSet": [{"cidrGroupRef": "known"}, {"cidr": "10.0.0.0/8"}]}],
            "egress": [{"toFQDNs": [], "icmps": [{"fields": [{"type": 8}]}]}]}});
        assert_eq!(marks("CiliumNetworkPolicy", &policy), []);
        let init = json!({"metadata": {"name": "p"}, "spec":
            {"endpointSelector": {"matchLabels": {"reserved:init": ""}}}});
        assert_eq!(marks("CiliumClusterwideNetworkPolicy", &init), []);
    }

    #[test]
    fn several_specs_are_looked_at_and_none_is_told() {
        let policy = json!({"metadata": {"name": "p"}, "specs":
            [{"ingress": []}, {"ingress": [{"fromEndpoints": []}]}]});
        let found = marks("CiliumNetworkPolicy", &policy);
        assert_eq!(found, [(Mark::PolicyEmptyPeers, "fromEndpoints: []".to_owned())]);
        let none = json!({"metadata": {"name": "p"}, "spec": null});
        assert_eq!(marks("CiliumNetworkPolicy", &none)[0].0, Mark::PolicyNoSpec);
        let odd = json!({"metadata": {"name": "p"}, "spec": {"rules": [1], "matchLabels": 3,
            "cidrGroupRef": {}, "icmps": 4, "authentication": "required", "matchPattern": {}}});
        assert_eq!(marks("CiliumNetworkPolicy", &odd), []);
    }
}
