//! `reach/unpredicted-loss`, `reach/lost`: what gets no answer.
//!
//! Where the tables say the same, pairs are put together by the host that loses them, because
//! that is where the cure goes; otherwise by the end that they share.

use std::collections::BTreeMap;

use lab_forwarding::fixes;
use lab_forwarding::trace::Endpoint;
use lab_forwarding::words::some_of;
use lab_model::walk::{Disposition, HostIdx};
use lab_plugin::{Finding, Level};

use super::group::{Group, Shared, groups};
use super::{Facts, Verdict};
use crate::rounds::Probe;

/// Adds the findings of all pairs without an answer.
pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Finding>) {
    for group in groups(facts.of(Verdict::UnpredictedLoss)) {
        found.push(unpredicted(facts, &group));
    }
    let mut known: BTreeMap<(bool, HostIdx, Disposition), Vec<&Probe>> = BTreeMap::new();
    let mut open = Vec::new();
    for probe in facts.of(Verdict::Lost) {
        match probe.prediction.lost {
            Some(lost) => {
                let key = (facts.expects(probe), lost.host, lost.end);
                known.entry(key).or_default().push(probe);
            }
            None => open.push(probe),
        }
    }
    for ((is_expected, host, end), probes) in known.into_iter().rev() {
        found.push(predicted(facts, is_expected, host, end, &probes));
    }
    for group in groups(open) {
        found.push(unexplained(facts, &group));
    }
}

fn unpredicted(facts: &Facts<'_>, group: &Group<'_>) -> Finding {
    let (subject, others) = facts.names(group);
    let others = some_of(&others);
    let message = match group.shared {
        Shared::Target(_) => format!("it gives no answer to {others}"),
        Shared::Source(_) => format!("it gets no answer from {others}"),
    };
    let message = format!("{message}, although packets should arrive there and come back");
    let finding = Finding::bad("reach/unpredicted-loss", subject, message);
    let mut finding = facts.quote(&group.probes, finding);
    let Some(first) = group.probes.first() else { return finding };
    for (place, line) in &first.prediction.lines {
        finding = finding.evidence(place.clone(), line.clone());
    }
    // Filters and policies are what the tables cannot show.
    let with_pods = group.probes.iter().any(|probe| {
        let ends = facts.targets[probe.target].ends.iter();
        let mut ends = ends.chain([&facts.sources[probe.source].end]);
        ends.any(|end| matches!(end, Endpoint::Pod { .. }))
    });
    if with_pods {
        finding = finding.fix(
            "look for a policy that forbids it: kubectl get networkpolicies,\
             ciliumnetworkpolicies,ciliumclusterwidenetworkpolicies --all-namespaces",
        );
    }
    finding.fix(watch(facts, first))
}

/// How to see which host is the last one.
fn watch(facts: &Facts<'_>, probe: &Probe) -> String {
    let mut hosts: Vec<&str> = Vec::new();
    for (place, _) in &probe.prediction.lines {
        let host = place.split(':').next().unwrap_or_default();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let filter = match (&probe.prediction.address, facts.targets[probe.target].port) {
        (Ok(address), None) if address.is_ipv6() => format!("icmp6 and host {address}"),
        (Ok(address), None) => format!("icmp and host {address}"),
        (Ok(address), Some(port)) => format!("tcp port {port} and host {address}"),
        (Err(_), _) => "icmp".to_owned(),
    };
    let on = if hosts.is_empty() { String::new() } else { format!("on {}, ", hosts.join(", ")) };
    format!(
        "see which host is the last one: {on}while it is probed again: tcpdump -ni any {filter}"
    )
}

fn predicted(
    facts: &Facts<'_>,
    is_expected: bool,
    host: HostIdx,
    end: Disposition,
    probes: &[&Probe],
) -> Finding {
    let name = &facts.cluster.hosts[host].name;
    let pairs = some_of(&facts.pairs(probes));
    let (level, who) = if is_expected {
        (Level::Bad, "")
    } else {
        (Level::Info, "; hosts beside the cluster may do without that way")
    };
    let reason = probes.iter().find_map(|probe| probe.prediction.reason.as_deref());
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let message = format!(
        "no answer, as the routing tables say: packets end on {name}, {end}{reason} ({pairs}){who}"
    );
    let finding = Finding::new(level, "reach/lost", name.clone(), message);
    let mut finding = facts.quote(probes, finding);
    let Some(first) = probes.first() else { return finding };
    if let Some((place, line)) = first.prediction.lines.last() {
        finding = finding.evidence(place.clone(), line.clone());
    }
    let trace = format!("every hop and its route: {}", trace(facts, first));
    if is_expected && matches!(end, Disposition::BlackHole | Disposition::NoRoute) {
        let lacking = fixes::lacking(facts.cluster, host);
        let routes = fixes::static_routes(facts.cluster, host, &lacking);
        if !routes.is_empty() {
            finding = finding.fix(format!(
                "static routes, all of them, on {name} (and in its network configuration, so that \
                 they stay):\n{}",
                routes.join("\n")
            ));
            return finding.fix(format!("other cures: kubectl lab routes; {trace}"));
        }
    }
    finding.fix(trace)
}

/// The command that shows the walk of a pair.
fn trace(facts: &Facts<'_>, probe: &Probe) -> String {
    let to = facts.targets[probe.target].ends.first();
    let to = match (to, &probe.prediction.address) {
        (Some(Endpoint::Pod { name, .. }), _) => name.clone(),
        (Some(Endpoint::Outside(address)), _) | (Some(Endpoint::Host { .. }), Ok(address)) => {
            address.to_string()
        }
        _ => facts.to(probe).to_owned(),
    };
    format!("kubectl lab routes trace {} {to}", facts.from(probe))
}

fn unexplained(facts: &Facts<'_>, group: &Group<'_>) -> Finding {
    let (subject, others) = facts.names(group);
    let others = some_of(&others);
    let message = match group.shared {
        Shared::Target(_) => format!("it gives no answer to {others}"),
        Shared::Source(_) => format!("it gets no answer from {others}"),
    };
    let reason = group.probes.iter().find_map(|probe| probe.prediction.reason.as_deref());
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let message = format!("{message}, and the routing tables do not say whether it should{reason}");
    let finding = Finding::warn("reach/lost", subject, message);
    let finding = facts.quote(&group.probes, finding);
    let Some(first) = group.probes.first() else { return finding };
    finding.fix(watch(facts, first))
}
