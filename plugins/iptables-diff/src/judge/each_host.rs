//! `duplicated-feeder`, `shadowed`, `forward-drop`, `pod-masquerade`: what is wrong in one host's
//! rules alone.

use std::net::IpAddr;

use lab_netfilter::check::{self, Pair, Shadows};
use lab_netfilter::walk::HostFacts;
use lab_plugin::Finding;

use super::restart;
use crate::model::{Dump, Family, Fleet, Host};

/// Adds findings about every host.
pub(super) fn check(fleet: &Fleet, found: &mut Vec<Finding>) {
    let mut shadows = Shadows::default();
    for host in &fleet.hosts {
        for family in Family::BOTH {
            let Some(dump) = host.dump(family) else { continue };
            feeders(fleet, host, family, dump, found);
            let pairs = shadows.shadowed(&fleet.store, &dump.set);
            shadowed(fleet, host, family, dump, &pairs, found);
            if host.is_node {
                forward(fleet, host, dump, found);
            }
        }
        masquerade(fleet, host, found);
    }
}

fn subject(fleet: &Fleet, host: &Host, pair: &Pair) -> String {
    format!("{} {} {}", host.name, pair.table, fleet.store.name(pair.chain))
}

fn both(fleet: &Fleet, dump: &Dump, pair: &Pair, mut finding: Finding) -> Finding {
    for at in [pair.first, pair.second] {
        let place = format!("{}, line {}", dump.place, at.rule.line);
        finding = finding.evidence(place, fleet.store.line(pair.chain, at.rule));
    }
    finding
}

fn feeders(fleet: &Fleet, host: &Host, family: Family, dump: &Dump, found: &mut Vec<Finding>) {
    for pair in check::duplicated_feeders(&fleet.store, &dump.set) {
        let message =
            format!("rule {} is the same feeder as rule {}", pair.second.number, pair.first.number);
        let finding =
            Finding::warn("iptables-diff/duplicated-feeder", subject(fleet, host, &pair), message);
        let fix = format!(
            "on {}: {} -t {} -D {} {}",
            host.name,
            family.tool(),
            pair.table,
            fleet.store.name(pair.chain),
            pair.second.number
        );
        found.push(both(fleet, dump, &pair, finding).fix(fix).fix(restart(&host.name)));
    }
}

fn shadowed(
    fleet: &Fleet,
    host: &Host,
    family: Family,
    dump: &Dump,
    pairs: &[Pair],
    found: &mut Vec<Finding>,
) {
    for pair in pairs {
        let message = format!(
            "rule {} is never reached: rule {} takes its packets",
            pair.second.number, pair.first.number
        );
        let finding = Finding::warn("iptables-diff/shadowed", subject(fleet, host, pair), message);
        let fix = format!(
            "on {}: {} -t {} -D {} {}, or put it in front of rule {}",
            host.name,
            family.tool(),
            pair.table,
            fleet.store.name(pair.chain),
            pair.second.number,
            pair.first.number
        );
        found.push(both(fleet, dump, pair, finding).fix(fix));
    }
}

fn forward(fleet: &Fleet, host: &Host, dump: &Dump, found: &mut Vec<Finding>) {
    let code = "iptables-diff/forward-drop";
    let subject = format!("{} filter FORWARD", host.name);
    if let Some(drop) = check::forward_drops(&fleet.store, &dump.set) {
        let message = "the policy drops, and no rule accepts packets from and to pods";
        found.push(
            Finding::bad(code, subject, message)
                .evidence(dump.place.clone(), drop.line)
                .fix(restart(&host.name)),
        );
    } else if let Some(drop) = check::forward_policy_drops(&fleet.store, &dump.set) {
        let packets = drop.packets.unwrap_or_default();
        let message = format!("{packets} packets met the policy and were dropped");
        found.push(
            Finding::info(code, subject, message)
                .evidence(dump.place.clone(), drop.line)
                .fix(format!("watch it grow: on {}: iptables -vnL FORWARD", host.name)),
        );
    }
}

fn masquerade(fleet: &Fleet, host: &Host, found: &mut Vec<Finding>) {
    let Some(dump) = host.dump(Family::V4) else { return };
    let Some(source) = host.pod_cidrs.iter().find_map(|cidr| address_in(cidr)) else { return };
    let mut others = fleet.hosts.iter().filter(|other| other.name != host.name);
    let Some((other, destination)) = others
        .find_map(|other| Some((other, other.pod_cidrs.iter().find_map(|cidr| address_in(cidr))?)))
    else {
        return;
    };
    let facts = HostFacts {
        addresses: host.addresses.clone(),
        sets: host.sets.clone().and_then(Result::ok),
    };
    let Some((chain, at)) =
        check::masquerades(&fleet.store, &dump.set, source, destination, &facts)
    else {
        return;
    };
    let message = format!(
        "rule {} changes the source of packets from pods to pods of {}",
        at.number, other.name
    );
    let name = fleet.store.name(chain);
    found.push(
        Finding::bad("iptables-diff/pod-masquerade", format!("{} nat {name}", host.name), message)
            .evidence(
                format!("{}, line {}", dump.place, at.rule.line),
                fleet.store.line(chain, at.rule),
            )
            .evidence("packet", format!("{source} → {destination}"))
            .fix(format!("on {}: iptables -t nat -D {name} {}", host.name, at.number))
            .fix("exclude the range of pods in it, such as with ! -d of the cluster's range"),
    );
}

/// The sixth address of a range: one that a pod could have.
fn address_in(cidr: &str) -> Option<IpAddr> {
    let (network, _) = cidr.split_once('/')?;
    match network.parse().ok()? {
        IpAddr::V4(ip) => Some(IpAddr::from((u32::from(ip) + 5).to_be_bytes())),
        IpAddr::V6(_) => None,
    }
}
