//! `routes/black-hole`, `routes/loop`, `routes/unreachable`, `routes/one-way`, `routes/mtu`:
//! what the walks between all nodes' pods say.
//!
//! Grouped by the host where packets are lost, because that is where the cure goes: one finding
//! for a router and its set of ranges, not one for each pair.

use std::collections::{BTreeMap, BTreeSet};

use lab_forwarding::collect::ROUTES;
use lab_forwarding::fixes;
use lab_forwarding::matrix::Exception;
use lab_forwarding::model::PodCidr;
use lab_forwarding::reach::flow;
use lab_forwarding::words::{line, say, some_of};
use lab_model::walk::{self, Disposition, HostIdx, Trace};
use lab_plugin::Finding;

use super::Facts;

/// Evidence lines quoted for one finding.
const MOST_EVIDENCE: usize = 12;

/// Pairs walked again for their lines.
const MOST_WALKED: usize = 64;

/// Adds the findings of all exceptions.
pub fn check(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(Disposition, HostIdx), Vec<Exception<'_>>> = BTreeMap::new();
    for exception in &facts.matrix.exceptions {
        if !exception.end.disposition.is_unknown() {
            let key = (exception.end.disposition, exception.last);
            groups.entry(key).or_default().push(*exception);
        }
    }
    for ((disposition, last), exceptions) in groups {
        found.push(match disposition {
            Disposition::BlackHole => black_hole(facts, last, &exceptions),
            Disposition::Loop => looping(facts, last, &exceptions),
            _ => unreachable(facts, disposition, last, &exceptions),
        });
    }
    one_way(facts, found);
    narrow(facts, found);
}

fn trace<'f>(facts: &Facts<'f, '_>, exception: &Exception<'_>) -> Trace<'f> {
    let cidr = &facts.view.cluster.cidrs[exception.to];
    walk::trace(facts.view, &flow(facts.view, exception.from, cidr))
}

/// The ranges that are lost, and who sends to each.
fn ranges(facts: &Facts<'_, '_>, exceptions: &[Exception<'_>]) -> (Vec<PodCidr>, Vec<String>) {
    let cluster = facts.view.cluster;
    let lost: BTreeSet<usize> = exceptions.iter().map(|exception| exception.to).collect();
    let senders: BTreeSet<usize> = exceptions.iter().map(|exception| exception.from).collect();
    (
        lost.into_iter().map(|to| cluster.cidrs[to]).collect(),
        senders.into_iter().map(|from| cluster.hosts[from].name.clone()).collect(),
    )
}

fn named(facts: &Facts<'_, '_>, cidrs: &[PodCidr]) -> Vec<String> {
    let hosts = &facts.view.cluster.hosts;
    cidrs.iter().map(|cidr| format!("{} ({})", cidr.prefix, hosts[cidr.host].name)).collect()
}

/// Quotes each route that leads to the end, each line once.
fn quote(facts: &Facts<'_, '_>, exceptions: &[Exception<'_>], mut finding: Finding) -> Finding {
    let mut quoted = BTreeSet::new();
    // A sample is enough: the lines repeat, and there may be a million pairs.
    for exception in exceptions.iter().step_by(exceptions.len() / MOST_WALKED + 1) {
        if quoted.len() >= MOST_EVIDENCE {
            break;
        }
        for hop in trace(facts, exception).branches.iter().flat_map(|branch| &branch.hops) {
            let place = format!("{}: {ROUTES}", facts.view.cluster.hosts[hop.host].name);
            let text = line(hop.route);
            if quoted.insert((place.clone(), text.clone())) {
                finding = finding.evidence(place, text);
            }
        }
    }
    finding
}

fn black_hole(facts: &Facts<'_, '_>, last: HostIdx, exceptions: &[Exception<'_>]) -> Finding {
    let cluster = facts.view.cluster;
    let (cidrs, senders) = ranges(facts, exceptions);
    let host = &cluster.hosts[last];
    let gateway = exceptions.first().and_then(|first| say(first.end.reason));
    let gateway = gateway.map(|why| format!(" ({why})")).unwrap_or_default();
    let subject = format!("{}: {}", host.name, some_of(&prefixes(&cidrs)));
    let message = format!(
        "pods on {} cannot reach pods of {}: {} sends these packets out of its default route{gateway}",
        some_of(&senders),
        some_of(&named(facts, &cidrs)),
        host.name,
    );
    let mut finding = quote(facts, exceptions, Finding::bad("routes/black-hole", subject, message));
    let lacking = fixes::lacking(cluster, last);
    let routes = fixes::static_routes(cluster, last, &lacking);
    if !routes.is_empty() {
        finding = finding.fix(format!(
            "static routes, all of them, on {} (and in its network configuration, so that they stay):\n{}",
            host.name,
            routes.join("\n")
        ));
    }
    if fixes::is_native(cluster) {
        finding = finding.fix(fixes::tunnel_mode(cluster));
        finding = finding.fix(fixes::bgp(cluster, &host.name));
    }
    finding
}

fn prefixes(cidrs: &[PodCidr]) -> Vec<String> {
    cidrs.iter().map(|cidr| cidr.prefix.to_string()).collect()
}

fn looping(facts: &Facts<'_, '_>, last: HostIdx, exceptions: &[Exception<'_>]) -> Finding {
    let (cidrs, senders) = ranges(facts, exceptions);
    let host = &facts.view.cluster.hosts[last];
    let message = format!(
        "packets from pods on {} to {} come back to {} and circle",
        some_of(&senders),
        some_of(&named(facts, &cidrs)),
        host.name,
    );
    let subject = format!("{}: {}", host.name, some_of(&prefixes(&cidrs)));
    let finding = quote(facts, exceptions, Finding::bad("routes/loop", subject, message));
    let routes = fixes::static_routes(facts.view.cluster, last, &cidrs);
    if routes.is_empty() {
        return finding;
    }
    finding.fix(format!("on {}:\n{}", host.name, replace(&routes)))
}

fn replace(routes: &[String]) -> String {
    routes.join("\n").replace("ip route add", "ip route replace")
}

fn unreachable(
    facts: &Facts<'_, '_>,
    disposition: Disposition,
    last: HostIdx,
    exceptions: &[Exception<'_>],
) -> Finding {
    let (cidrs, senders) = ranges(facts, exceptions);
    let host = &facts.view.cluster.hosts[last];
    let why = exceptions.first().and_then(|first| say(first.end.reason));
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let message = format!(
        "pods on {} cannot reach pods of {}: {disposition} on {}{why}",
        some_of(&senders),
        some_of(&named(facts, &cidrs)),
        host.name,
    );
    let subject = format!("{}: {}", host.name, some_of(&prefixes(&cidrs)));
    let finding = quote(facts, exceptions, Finding::bad("routes/unreachable", subject, message));
    let routes = fixes::static_routes(facts.view.cluster, last, &cidrs);
    if disposition != Disposition::NoRoute || routes.is_empty() {
        return finding;
    }
    finding.fix(format!("on {}:\n{}", host.name, routes.join("\n")))
}

/// Pairs whose request arrives and whose answer does not, by the host that loses the answer.
fn one_way(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    let cluster = facts.view.cluster;
    let mut groups: BTreeMap<HostIdx, Vec<Exception<'_>>> = BTreeMap::new();
    for exception in &facts.matrix.exceptions {
        let there = facts.matrix.back(cluster, exception.from, exception.to);
        if there.is_some_and(Disposition::is_success) && !exception.end.disposition.is_unknown() {
            groups.entry(exception.last).or_default().push(*exception);
        }
    }
    for (last, exceptions) in groups {
        let pairs: Vec<String> = exceptions
            .iter()
            .take(MOST_EVIDENCE)
            .map(|back| {
                let to = &cluster.hosts[cluster.cidrs[back.to].host].name;
                format!("{to} > {}", cluster.hosts[back.from].name)
            })
            .collect();
        let message = format!(
            "requests arrive and answers do not ({}): the way back ends on {}",
            some_of(&pairs),
            cluster.hosts[last].name,
        );
        let subject = cluster.hosts[last].name.clone();
        let finding = quote(facts, &exceptions, Finding::warn("routes/one-way", subject, message));
        let (cidrs, _) = ranges(facts, &exceptions);
        let routes = fixes::static_routes(cluster, last, &cidrs);
        found.push(if routes.is_empty() {
            finding
        } else {
            finding.fix(format!("on {}:\n{}", cluster.hosts[last].name, replace(&routes)))
        });
    }
}

/// Ways that arrive and are narrower than what the sending pods are given.
fn narrow(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    let cluster = facts.view.cluster;
    for (from, narrowest) in facts.matrix.narrowest.iter().enumerate() {
        let (Some((mtu, to)), Some(given)) = (*narrowest, cluster.pod_mtu(from)) else { continue };
        if mtu >= given {
            continue;
        }
        let cidr = &cluster.cidrs[to];
        let way = walk::trace(facts.view, &flow(facts.view, from, cidr));
        let hops = way.branches.iter().flat_map(|branch| &branch.hops);
        let Some(narrow) = hops.into_iter().find(|hop| hop.mtu == Some(mtu)) else { continue };
        let device = narrow.out_device.map(|device| device.to_string()).unwrap_or_default();
        let host = &cluster.hosts[narrow.host].name;
        let message = format!(
            "pods send packets of {given} bytes, and {host} passes {mtu} on {device} towards {}",
            cidr.prefix,
        );
        found.push(
            Finding::warn("routes/mtu", cluster.hosts[from].name.clone(), message)
                .evidence(format!("{host}: ip -j -d link"), format!("{device} mtu {mtu}"))
                .evidence(format!("{host}: {ROUTES}"), line(narrow.route))
                .fix(format!("on {host}: ip link set dev {device} mtu {given}"))
                .fix(format!(
                    "lower Cilium's MTU by {} (helm value MTU) and restart the agents",
                    given - mtu
                )),
        );
    }
}
