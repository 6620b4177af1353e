//! What an upgrade may change, as rows of which two sides are compared.
//!
//! The program itself takes two recordings and tells what was added, removed and changed. Each
//! side also says what the upgrade was expected to make of it, so that a change which was foreseen
//! leaves that column alone.

use std::collections::BTreeMap;
use std::fmt::Display;

use lab_model::iproute2::{read_addresses, read_routes, read_rules};
use lab_plugin::Fact;

use crate::facts::Crd;
use crate::inputs::Printed;
use crate::objects::PodObject;
use crate::predict::{config, crds};
use crate::rows::{AgentRow, DefinedRow, EndpointRow, IdentityRow, LineRow, SettingRow};
use crate::version::Version;

/// From which version to which, where both are known.
pub type Way<'v> = Option<(&'v Version, &'v Version)>;

/// Whether the upgrade is still to come on this side.
fn is_ahead(way: Way<'_>) -> Option<bool> {
    way.map(|(from, to)| from.is_below(to))
}

/// Every setting that is there.
///
/// Those that are expected to come have no row before the upgrade: whoever compares is told that
/// they were added, with or without a prediction. `config` lists them beforehand.
pub fn setting_rows(
    config: &Fact<BTreeMap<String, String>>,
    way: Way<'_>,
) -> Vec<(String, SettingRow)> {
    let Some(config) = config.known() else { return Vec::new() };
    let predicted = match (is_ahead(way), way) {
        (Some(true), Some((from, to))) => config::predict(config, from, to),
        _ => None,
    };
    let row = |key: &str, value: Option<String>, expected: Fact<String>| {
        (key.to_owned(), SettingRow { key: key.to_owned(), value, expected })
    };
    match predicted {
        Some(keys) => keys
            .into_iter()
            .filter(|key| key.now.is_some())
            .map(|key| row(&key.key, key.now, key.then.map_or(Fact::Absent, Fact::Known)))
            .collect(),
        None => config
            .iter()
            .map(|(key, value)| row(key, Some(value.clone()), expected(way, value)))
            .collect(),
    }
}

/// Where the upgrade is done, what is there is what was expected.
fn expected(way: Way<'_>, value: &str) -> Fact<String> {
    match is_ahead(way) {
        Some(false) => Fact::Known(value.to_owned()),
        Some(true) => Fact::Unknown("the charts are not known".to_owned()),
        None => Fact::Absent,
    }
}

/// Every definition of Cilium's.
pub fn defined_rows(all: &Fact<BTreeMap<String, Crd>>, way: Way<'_>) -> Vec<(String, DefinedRow)> {
    let Some(all) = all.known() else { return Vec::new() };
    let predicted = match (is_ahead(way), way) {
        (Some(true), Some((_, to))) => crds::predict(all, to),
        _ => None,
    };
    let then: BTreeMap<String, String> = predicted
        .into_iter()
        .flatten()
        .map(|change| (change.name, crds::line(&change.then)))
        .collect();
    let ours = all.iter().filter(|(name, _)| name.ends_with(".cilium.io"));
    let rows = ours.map(|(name, crd)| {
        let versions = crds::line(crd);
        let expected = match then.get(name) {
            Some(then) => Fact::Known(then.clone()),
            None => expected(way, &versions),
        };
        (name.clone(), DefinedRow { name: name.clone(), versions, expected })
    });
    rows.collect()
}

/// Every agent.
pub fn agent_rows(agents: &Fact<Vec<PodObject>>) -> Vec<(String, AgentRow)> {
    let pods = agents.known().into_iter().flatten();
    let rows = pods.map(|pod| {
        let row = AgentRow {
            host: pod.node().to_owned(),
            pod: pod.metadata.name.clone(),
            image: pod.image("cilium-agent").map(str::to_owned),
            ready: pod.is_ready("cilium-agent"),
            restarts: pod.restarts(),
        };
        (pod.node().to_owned(), row)
    });
    rows.collect()
}

/// Every line of the hosts' network: equal lines of one host are told apart by their number.
pub fn line_rows(printed: &[Printed]) -> Vec<(String, LineRow)> {
    let mut rows = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for Printed { host, command, text } in printed {
        let Some(text) = text else { continue };
        let (kind, lines) = lines(command, text);
        for line in lines {
            let mut key = format!("{host}/{kind}/{line}");
            let n_before = seen.entry(key.clone()).or_default();
            *n_before += 1;
            if *n_before > 1 {
                key.push('/');
                key.push_str(&n_before.to_string());
            }
            rows.push((key, LineRow { host: host.clone(), kind, line }));
        }
    }
    rows
}

/// On one line, as a cell is; next hops of a route stand on lines of their own elsewhere.
fn on_one_line(what: &dyn Display) -> String {
    what.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lines(question: &str, text: &str) -> (&'static str, Vec<String>) {
    if question.contains("route") {
        ("route", read_routes(text).0.iter().map(|it| on_one_line(it)).collect())
    } else if question.contains("rule") {
        (
            "rule",
            read_rules(text, lab_model::AddressFamily::V4)
                .0
                .iter()
                .map(|it| on_one_line(it))
                .collect(),
        )
    } else if question.contains("addr") {
        let (addresses, _) = read_addresses(text);
        (
            "address",
            addresses.iter().map(|it| format!("{} dev {}", it.address, it.device)).collect(),
        )
    } else {
        ("iptables", iptables(text))
    }
}

/// Rules with their table in front; what changes with every look is left out.
fn iptables(text: &str) -> Vec<String> {
    let mut table = "";
    let mut rules = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if line.starts_with("-A ") {
            rules.push(format!("{table}: {line}"));
        }
    }
    rules
}

/// An endpoint, as the API server has it.
pub type Endpoint = (String, Option<String>, Option<i64>, Vec<String>);

/// Every endpoint.
pub fn endpoint_rows(endpoints: &Fact<Vec<Endpoint>>) -> Vec<(String, EndpointRow)> {
    let all = endpoints.known().into_iter().flatten();
    let rows = all.map(|(name, state, identity, ips)| {
        let ips = (!ips.is_empty()).then(|| ips.join(", "));
        let row =
            EndpointRow { endpoint: name.clone(), state: state.clone(), identity: *identity, ips };
        (name.clone(), row)
    });
    rows.collect()
}

/// Every identity with its labels.
pub fn identity_rows(
    identities: &Fact<Vec<(String, BTreeMap<String, String>)>>,
) -> Vec<(String, IdentityRow)> {
    let all = identities.known().into_iter().flatten();
    let rows = all.map(|(number, labels)| {
        let labels = labels.iter().map(|(key, value)| {
            let key = key.strip_prefix("k8s:").unwrap_or(key);
            if value.is_empty() { key.to_owned() } else { format!("{key}={value}") }
        });
        let labels = labels.collect::<Vec<_>>().join(",");
        (number.clone(), IdentityRow { identity: number.parse().ok(), labels })
    });
    rows.collect()
}
