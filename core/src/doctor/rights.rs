//! Which rights a plugin's card takes.
//!
//! Apart because the check of rights and the printed roles must mean the same ones. They are read
//! from the gate, so that they are exactly what a plugin could ask. Pure.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lab_backend::Gate;
use lab_cli::Settings;
use lab_live::Access;
use lab_live::Resource;
use lab_types::Ask;
use lab_types::Card;

/// Verbs on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    /// Empty for the core group.
    pub(super) group: String,
    /// `pods`, `pods/exec`.
    pub(super) resource: String,
    /// Absent: everywhere.
    pub(super) namespace: Option<String>,
    pub(super) verb: &'static str,
}

impl Right {
    /// The question for the API server.
    pub(super) fn access(&self) -> Access {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, sub)) => (resource, Some(sub.to_owned())),
            None => (self.resource.as_str(), None),
        };
        Access {
            group: self.group.clone(),
            resource: resource.to_owned(),
            subresource,
            verb: self.verb.to_owned(),
            namespace: self.namespace.clone(),
        }
    }

    /// `pods/exec in kube-system`, `ciliumnodes.cilium.io`.
    pub(super) fn place(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let within = self.namespace.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        format!("{}{dot}{}{within}", self.resource, self.group)
    }
}

/// Rights with the reasons that a card gives for them.
pub(super) type Rights = BTreeMap<Right, BTreeSet<String>>;

/// What a card says of a kind: `v1/Pod/log` is a part of `v1/Pod`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) api_version: String,
    pub(super) name: String,
    pub(super) part: Option<String>,
}

impl Kind {
    fn read(scope: &str) -> Option<Self> {
        let (before, last) = scope.rsplit_once('/')?;
        let own = |(api_version, kind): (&str, &str), part: Option<&str>| Self {
            api_version: api_version.to_owned(),
            name: kind.to_owned(),
            part: part.map(str::to_owned),
        };
        if last.starts_with(|c: char| c.is_ascii_lowercase()) {
            Some(own(before.rsplit_once('/')?, Some(last)))
        } else {
            Some(own((before, last), None))
        }
    }

    /// Empty for the core group.
    pub(super) fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }
}

/// The kinds that a card names.
pub(super) fn kinds(card: &Card) -> Vec<Kind> {
    Gate::new(card).kinds().filter_map(Kind::read).collect()
}

/// The namespaces in which commands run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Namespaces {
    /// The agents'.
    pub(super) agents: String,
    /// The relay's.
    pub(super) relay: String,
    /// Where debug pods are made, if any may be.
    pub(super) debug_pods: Option<String>,
}

impl Namespaces {
    /// As the settings say; `agents` is where the agents were found, if they were looked for.
    pub(super) fn new(settings: &Settings, agents: Option<String>) -> Self {
        let hosts = &settings.hosts;
        let agents = hosts.agent_namespace.value.clone().or(agents);
        let agents = agents.unwrap_or_else(|| lab_live::AGENT_NAMESPACE.to_owned());
        let debug_pods = hosts.debug_pod.namespace.value.clone().unwrap_or_else(|| agents.clone());
        let relay = hosts.relay.namespace.value.clone().unwrap_or_else(|| agents.clone());
        Self { agents, relay, debug_pods: hosts.debug_pods.value.then_some(debug_pods) }
    }
}

/// The rights that a card takes. A kind that `resource` does not know is left out, because the
/// cluster does not have it either.
pub(super) fn rights(
    card: &Card,
    within: &Namespaces,
    resource: impl Fn(&Kind) -> Option<Resource>,
) -> Rights {
    let mut rights = Rights::new();
    for ask in &card.asks {
        let gate = Gate::new(&Card { asks: vec![ask.clone()], ..Card::default() });
        for kind in gate.kinds().filter_map(Kind::read) {
            let Some(resource) = resource(&kind) else { continue };
            let group = kind.group();
            if let Some(part) = &kind.part {
                // A part is read by name, and its object tells which containers there are.
                let part = format!("{}/{part}", resource.plural);
                add(&mut rights, group, &part, None, &["get"], ask);
                add(&mut rights, group, &resource.plural, None, &["get"], ask);
            } else {
                let verbs = &["get", "list", "watch"];
                add(&mut rights, group, &resource.plural, None, verbs, ask);
            }
        }
        for (place, _) in gate.commands() {
            // Hosts are the nodes, and a name that is none is told from one without an agent.
            add(&mut rights, "", "nodes", None, &["get", "list"], ask);
            let exec = &["create", "get"];
            if place == "pod" {
                add(&mut rights, "", "pods", None, &["get"], ask);
                add(&mut rights, "", "pods/exec", None, exec, ask);
                continue;
            }
            if place == "relay" {
                let relay = Some(within.relay.as_str());
                add(&mut rights, "", "pods", relay, &["list"], ask);
                add(&mut rights, "", "services", relay, &["list"], ask);
                add(&mut rights, "", "pods/portforward", relay, exec, ask);
                continue;
            }
            let agents = Some(within.agents.as_str());
            add(&mut rights, "", "pods", agents, &["list"], ask);
            add(&mut rights, "", "pods/exec", agents, exec, ask);
            if let (Some(namespace), "host") = (within.debug_pods.as_deref(), place) {
                // Made, waited for, looked for by the next run, and taken away.
                let verbs = &["create", "delete", "get", "list"];
                add(&mut rights, "", "pods", Some(namespace), verbs, ask);
                add(&mut rights, "", "pods/exec", Some(namespace), exec, ask);
            }
        }
    }
    rights
}

fn add(
    rights: &mut Rights,
    group: &str,
    resource: &str,
    namespace: Option<&str>,
    verbs: &[&'static str],
    ask: &Ask,
) {
    for verb in verbs {
        let right = Right {
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            verb,
        };
        rights.entry(right).or_default().insert(ask.reason.clone());
    }
}

/// `get+list pods`, one text for each resource.
pub(super) fn told<'a>(rights: impl IntoIterator<Item = &'a Right>) -> Vec<String> {
    let mut verbs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for right in rights {
        verbs.entry(right.place()).or_default().push(right.verb);
    }
    verbs.iter().map(|(place, verbs)| format!("{} {place}", verbs.join("+"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(asks: &[(&str, &[&str])]) -> Card {
        let ask = |(capability, scope): &(&str, &[&str])| Ask {
            capability: (*capability).into(),
            scope: scope.iter().map(|&word| word.to_owned()).collect(),
            reason: format!("why {}", scope[0]),
        };
        Card { asks: asks.iter().map(ask).collect(), ..Card::default() }
    }

    fn within(debug_pods: Option<&str>) -> Namespaces {
        Namespaces {
            agents: "agents".into(),
            relay: "agents".into(),
            debug_pods: debug_pods.map(str::to_owned),
        }
    }

    fn of(card: &Card) -> String {
        let known = |kind: &Kind| lab_live::known_kind(&kind.api_version, &kind.name);
        told(rights(card, &within(None), known).keys()).join(", ")
    }

    #[test]
    fn a_card_takes_what_its_questions_take() {
        for (asks, expected) in [
            (&[("cluster", &["v1/Node"][..])][..], "get+list+watch nodes"),
            (&[("cluster", &["cilium.io/v2/CiliumNode"])], "get+list+watch ciliumnodes.cilium.io"),
            (&[("cluster", &["v1/Pod/log"])], "get pods, get pods/log"),
            (&[("cluster", &["v1/Secret", "example.org/v1/Unknown", "nonsense"])], ""),
            (
                &[("hosts", &["host: ip -j rule"])],
                "get+list nodes, list pods in agents, create+get pods/exec in agents",
            ),
            (
                &[("hosts", &["pod: cat /etc/resolv.conf"])],
                "get+list nodes, get pods, create+get pods/exec",
            ),
            (
                &[("hosts", &["relay: hubble observe --follow -o jsonpb &"])],
                "get+list nodes, list pods in agents, list services in agents, create+get pods/portforward in agents",
            ),
            (&[("output", &["v1/Node"])], ""),
        ] {
            let mut expected: Vec<&str> = expected.split(", ").collect();
            expected.sort_unstable_by_key(|text| text.split_once(' ').map(|(_, place)| place));
            assert_eq!(of(&card(asks)), expected.join(", "), "{asks:?}");
        }
    }

    #[test]
    fn a_right_knows_every_reason_for_it() {
        let card = card(&[("cluster", &["v1/Pod"]), ("cluster", &["v1/Pod/log"])]);
        let known = |kind: &Kind| lab_live::known_kind(&kind.api_version, &kind.name);
        let rights = rights(&card, &within(None), known);
        let get = rights.iter().find(|(right, _)| right.verb == "get" && right.resource == "pods");
        let reasons: Vec<&str> = get.unwrap().1.iter().map(String::as_str).collect();
        assert_eq!(reasons, ["why v1/Pod", "why v1/Pod/log"]);
    }

    #[test]
    fn debug_pods_are_made_and_taken_away_for_hosts_alone() {
        let known = |kind: &Kind| lab_live::known_kind(&kind.api_version, &kind.name);
        let host = card(&[("hosts", &["host: ip -j rule"])]);
        let told = told(rights(&host, &within(Some("debug")), known).keys()).join(", ");
        assert!(told.contains("create+delete+get+list pods in debug"), "{told}");
        assert!(told.contains("create+get pods/exec in debug"), "{told}");
        let agent = card(&[("hosts", &["agent: cilium-dbg version"])]);
        assert!(
            rights(&agent, &within(Some("debug")), known)
                .keys()
                .all(|right| right.verb != "delete")
        );
    }

    #[test]
    fn a_right_is_asked_for_part_by_part() {
        let right = Right {
            group: String::new(),
            resource: "pods/exec".into(),
            namespace: Some("kube-system".into()),
            verb: "create",
        };
        let access = right.access();
        assert_eq!(
            (access.resource.as_str(), access.subresource.as_deref()),
            ("pods", Some("exec"))
        );
        assert_eq!(right.place(), "pods/exec in kube-system");
    }
}
