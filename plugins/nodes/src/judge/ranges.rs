//! `nodes/cidr-conflict`, `nodes/cidr-overlap`: the cluster's ranges against each other.

use lab_model::Prefix;
use lab_model::cilium::IpamMode;
use lab_plugin::Finding;

use crate::model::Cluster;
use crate::model::facts::{Agreement, Stated};

/// Facts whose sources must say the same.
const RANGES: [(&str, &str); 2] =
    [("cluster-cidr", "cluster CIDR"), ("service-cidr", "service CIDR")];

/// Adds the findings of ranges.
pub(super) fn check(cluster: &Cluster, facts: &[Stated], found: &mut Vec<Finding>) {
    for (fact, name) in RANGES {
        found.extend(conflict(fact, name, facts));
    }
    found.extend(api_outside(facts));
    overlaps(cluster, facts, found);
}

fn of<'f>(facts: &'f [Stated], fact: &str) -> impl Iterator<Item = &'f Stated> {
    facts.iter().filter(move |stated| stated.fact == fact)
}

fn text(stated: &Stated) -> &str {
    stated.value.known().map(String::as_str).unwrap_or_default()
}

fn conflict(fact: &str, name: &str, facts: &[Stated]) -> Option<Finding> {
    let differs = |stated: &&Stated| stated.verdict == Some(Agreement::Differs);
    let wrong: Vec<&Stated> = of(facts, fact).filter(differs).collect();
    let first = wrong.first()?;
    let message = format!("{} places state another {name} than the rest", wrong.len());
    let message = if wrong.len() == 1 {
        format!("{} states another {name} than the rest", first.source)
    } else {
        message
    };
    let mut finding = Finding::warn("nodes/cidr-conflict", name, message);
    for stated in of(facts, fact).filter(|stated| stated.value.known().is_some()).take(8) {
        finding = finding.evidence(stated.source.clone(), text(stated).to_owned());
    }
    Some(finding.fix(
        "the flags of the running components count: correct the other places, for kubeadm with \
         kubectl --namespace kube-system edit configmap kubeadm-config",
    ))
}

/// The first address of the service CIDR is the API's; elsewhere, the range was changed.
fn api_outside(facts: &[Stated]) -> Option<Finding> {
    let service = of(facts, "api-service").find(|stated| stated.value.known().is_some())?;
    let ranges: Vec<Prefix> = of(facts, "service-cidr").flat_map(Stated::ranges).collect();
    let outside = service.ranges().into_iter().find(|ip| {
        let of_family = || ranges.iter().filter(|range| range.family() == ip.family());
        of_family().next().is_some() && !of_family().any(|range| range.contains(ip.address()))
    })?;
    let message = format!("the API's address {} lies in none of them", outside.address());
    let mut finding = Finding::warn("nodes/cidr-conflict", "service CIDR", message)
        .evidence(service.source.clone(), text(service).to_owned());
    for stated in of(facts, "service-cidr").take(4) {
        finding = finding.evidence(stated.source.clone(), text(stated).to_owned());
    }
    Some(finding.fix(
        "kubectl --namespace default delete service kubernetes; the API server makes it anew in \
         its range, and certificates may need the new address",
    ))
}

/// What two uses of one address would do to packets is decided by luck.
fn overlaps(cluster: &Cluster, facts: &[Stated], found: &mut Vec<Finding>) {
    let mut pods: Vec<(Prefix, String)> = cluster.pools.clone();
    if cluster.ipam.known() == Some(&IpamMode::Kubernetes) {
        pods.extend(stated_ranges(facts, "cluster-cidr"));
    }
    let services = stated_ranges(facts, "service-cidr");
    let pair = |one: &(Prefix, String), other: &(Prefix, String), what: &str| {
        let message = format!("{} overlaps {what} {}", one.0, other.0);
        Finding::bad("nodes/cidr-overlap", one.0.to_string(), message)
            .evidence(one.1.clone(), one.0.to_string())
            .evidence(other.1.clone(), other.0.to_string())
            .fix("move one of them to a range of its own; pools can be extended while pods run")
    };
    for pool in &pods {
        if let Some(range) = services.iter().find(|range| range.0.overlaps(&pool.0)) {
            found.push(pair(pool, range, "the service CIDR"));
        }
    }
    let ranges: Vec<&(Prefix, String)> = pods.iter().chain(&services).collect();
    for range in ranges {
        let inside: Vec<String> = cluster
            .all_nodes()
            .iter()
            .filter(|node| node.internal.iter().any(|ip| range.0.contains(*ip)))
            .map(|node| node.name.clone())
            .collect();
        let Some(first) = inside.first() else { continue };
        let message = format!("the InternalIP of {} lies in it", super::some_of(&inside));
        let node = cluster.all_nodes().iter().find(|node| node.name == *first);
        let internal = node.map(|node| super::list(&node.internal)).unwrap_or_default();
        found.push(
            Finding::bad("nodes/cidr-overlap", range.0.to_string(), message)
                .evidence(range.1.clone(), range.0.to_string())
                .evidence(format!("Node {first}"), format!("InternalIP {internal}"))
                .fix("move the range of pods or services away from the nodes' network"),
        );
    }
}

/// Each range once, with the first place that states it.
fn stated_ranges(facts: &[Stated], fact: &str) -> Vec<(Prefix, String)> {
    let mut ranges = Vec::<(Prefix, String)>::new();
    for stated in of(facts, fact) {
        for range in stated.ranges() {
            if !ranges.iter().any(|(known, _)| *known == range) {
                ranges.push((range, stated.source.clone()));
            }
        }
    }
    ranges
}
