//! Findings of rows: `routes/missing`, `wrong-next-hop`, `wrong-device`, `shadowed`,
//! `unexpected`, `conflict`, `missing-pod-route`, and leftovers of another routing mode.
//!
//! One finding for each host and kind of fault, with every route it is about.

use std::collections::BTreeMap;

use lab_forwarding::collect::ROUTES;
use lab_forwarding::fixes;
use lab_forwarding::tables;
use lab_forwarding::words::{line, some_of};
use lab_model::Prefix;
use lab_plugin::Finding;

use super::{Facts, Judged, Verdict};
use crate::expect::Expected;

/// Adds the findings of all rows that are not as they should be.
pub(super) fn check(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(usize, Verdict), Vec<&Judged<'_>>> = BTreeMap::new();
    for judged in facts.judged {
        groups.entry((judged.host, judged.pair.verdict)).or_default().push(judged);
    }
    for ((host, verdict), judged) in groups {
        let is_node = facts.view.cluster.hosts[host].is_node;
        match verdict {
            // What a router lacks is told by the packets that are lost there.
            Verdict::Missing if !is_node => {}
            Verdict::Missing if matches!(judged[0].pair.expected, Expected::Endpoints) => {
                found.push(pod_routes(facts, host, judged[0]));
            }
            Verdict::Missing => found.push(missing(facts, host, &judged)),
            Verdict::WrongNextHop => {
                found.push(replaced(facts, host, &judged, "routes/wrong-next-hop"));
            }
            Verdict::WrongDevice => {
                found.push(replaced(facts, host, &judged, "routes/wrong-device"));
            }
            Verdict::Shadowed => found.push(shadowed(facts, host, &judged)),
            Verdict::Unexpected => found.push(removed(facts, host, &judged, "routes/unexpected")),
            Verdict::Stale => found.push(removed(facts, host, &judged, "routes/stale")),
            // Told once for the range, by ways that end, or not at all.
            Verdict::Conflict
            | Verdict::Unreachable
            | Verdict::Ok
            | Verdict::Covered
            | Verdict::Unknown => {}
        }
    }
}

fn ranges(facts: &Facts<'_, '_>, judged: &[&Judged<'_>]) -> Vec<String> {
    let cluster = facts.view.cluster;
    judged
        .iter()
        .map(|judged| {
            let cidr = &cluster.cidrs[judged.cidr];
            format!("{} ({})", cidr.prefix, cluster.hosts[cidr.host].name)
        })
        .collect()
}

fn wanted(facts: &Facts<'_, '_>, judged: &Judged<'_>) -> Option<String> {
    let cluster = facts.view.cluster;
    let cidr = &cluster.cidrs[judged.cidr];
    let line = judged.pair.expected.line(cidr.prefix);
    line.or_else(|| fixes::towards_owner(cluster, judged.host, cidr))
}

fn commands(facts: &Facts<'_, '_>, judged: &[&Judged<'_>], verb: &str) -> String {
    let lines = judged.iter().filter_map(|judged| wanted(facts, judged));
    lines.map(|line| format!("ip route {verb} {line}")).collect::<Vec<_>>().join("\n")
}

fn missing(facts: &Facts<'_, '_>, host: usize, judged: &[&Judged<'_>]) -> Finding {
    let name = &facts.view.cluster.hosts[host].name;
    let message = format!("no route to {}", some_of(&ranges(facts, judged)));
    let mut finding = Finding::bad("routes/missing", name.clone(), message);
    for judged in judged.iter().take(4) {
        let range = facts.view.cluster.cidrs[judged.cidr].prefix;
        let seen = judged.pair.route.map_or_else(
            || format!("nothing matches {range}"),
            |route| format!("{range} takes `{route}`"),
        );
        finding = finding.evidence(format!("{name}: {ROUTES}"), seen);
    }
    finding
        .fix(fixes::restart_agent(name))
        .fix(format!("until then, on {name}:\n{}", commands(facts, judged, "add")))
}

fn pod_routes(facts: &Facts<'_, '_>, host: usize, judged: &Judged<'_>) -> Finding {
    let cluster = facts.view.cluster;
    let own = &cluster.hosts[host];
    let range = cluster.cidrs[judged.cidr].prefix;
    let mut without: Vec<String> = cluster
        .pods
        .iter()
        .flatten()
        .filter(|(ip, pod)| pod.host == host && range.contains(**ip))
        .filter(|(ip, _)| {
            own.fib.as_ref().is_ok_and(|fib| tables::exact(fib, &Prefix::host(**ip)).is_none())
        })
        .map(|(ip, pod)| format!("{} ({ip})", pod.name))
        .collect();
    // Pods come out of a map.
    without.sort();
    Finding::bad(
        "routes/missing-pod-route",
        own.name.clone(),
        format!("no route to the device of {}", some_of(&without)),
    )
    .evidence(format!("{}: {ROUTES}", own.name), format!("no /32 for {}", some_of(&without)))
    .fix(fixes::restart_agent(&own.name))
}

fn replaced(facts: &Facts<'_, '_>, host: usize, judged: &[&Judged<'_>], code: &str) -> Finding {
    let name = &facts.view.cluster.hosts[host].name;
    let what = if code == "routes/wrong-device" { "device" } else { "next hop" };
    let message =
        format!("the {what} towards {} is not the owner's", some_of(&ranges(facts, judged)));
    let mut finding = Finding::bad(code, name.clone(), message);
    for judged in judged.iter().take(4) {
        finding = finding.evidence(format!("{name}: {ROUTES}"), line(judged.pair.route));
    }
    finding.fix(format!("on {name}:\n{}", commands(facts, judged, "replace")))
}

fn shadowed(facts: &Facts<'_, '_>, host: usize, judged: &[&Judged<'_>]) -> Finding {
    let name = &facts.view.cluster.hosts[host].name;
    let message = format!("a longer route takes a part of {}", some_of(&ranges(facts, judged)));
    let mut finding = Finding::bad("routes/shadowed", name.clone(), message);
    let intruders = judged.iter().filter_map(|judged| judged.pair.intruder);
    for intruder in intruders.take(4) {
        finding = finding
            .evidence(format!("{name}: {ROUTES}"), line(Some(intruder)))
            .fix(format!("on {name}: {}", fixes::delete_route(intruder)));
    }
    finding
}

fn removed(facts: &Facts<'_, '_>, host: usize, judged: &[&Judged<'_>], code: &str) -> Finding {
    let name = &facts.view.cluster.hosts[host].name;
    let message = match code {
        "routes/unexpected" => {
            format!("direct route across a router: {}", some_of(&ranges(facts, judged)))
        }
        _ => format!("route of another routing mode: {}", some_of(&ranges(facts, judged))),
    };
    let mut finding = Finding::warn(code, name.clone(), message);
    let mut commands = Vec::new();
    for route in judged.iter().filter_map(|judged| judged.pair.route) {
        if commands.len() < 4 {
            finding = finding.evidence(format!("{name}: {ROUTES}"), line(Some(route)));
        }
        commands.push(fixes::delete_route(route));
    }
    finding.fix(format!("on {name}:\n{}", commands.join("\n")))
}
