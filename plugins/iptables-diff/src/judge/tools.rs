//! `two-backends`, `unreadable`, `versions`: the tools, and what they could not print.

use std::collections::BTreeMap;

use lab_netfilter::ruleset::TroubleKind;
use lab_plugin::{Finding, Level};

use super::some_of;
use crate::model::{Family, Fleet, Host};

/// Adds findings about every host's tools.
pub(super) fn check(fleet: &Fleet, found: &mut Vec<Finding>) {
    for host in &fleet.hosts {
        backends(fleet, host, found);
        unreadable(host, found);
    }
    versions(fleet, found);
}

fn backends(fleet: &Fleet, host: &Host, found: &mut Vec<Finding>) {
    let Some((family, other, dump)) = host.second_backend() else { return };
    let own = host.tool().and_then(|tool| tool.backend.as_deref()).unwrap_or("the tool's");
    let message = format!("both backends hold {} rules: {own} and {other}", family.word());
    let mut finding = Finding::warn("iptables-diff/two-backends", host.name.clone(), message);
    if let Some(shown) = host.dump(family) {
        finding = first_rule(fleet, finding, shown);
    }
    finding = match dump {
        Some(dump) => first_rule(fleet, finding, dump),
        None => finding.evidence(
            host.dump(family).map_or(String::new(), |dump| dump.place.clone()),
            format!("# Warning: {other} tables present"),
        ),
    };
    let tool = if other == "legacy" { "iptables-legacy" } else { "iptables-nft" };
    found.push(finding.fix(format!("look first: on {}: {tool}-save", host.name)).fix(
        "use one backend on host and in containers, then flush the other or start the node anew",
    ));
}

fn first_rule(fleet: &Fleet, finding: Finding, dump: &crate::model::Dump) -> Finding {
    let rules = dump.set.tables.iter().flat_map(|table| &table.chains);
    let first = rules.filter_map(|chain| chain.rules.first().map(|rule| (chain.name, *rule)));
    match first.min_by_key(|(_, rule)| rule.line) {
        Some((chain, rule)) => finding
            .evidence(format!("{}, line {}", dump.place, rule.line), fleet.store.line(chain, rule)),
        None => finding,
    }
}

fn unreadable(host: &Host, found: &mut Vec<Finding>) {
    for family in Family::BOTH {
        let Some(dump) = host.dump(family) else { continue };
        let mut kinds: BTreeMap<TroubleKind, Vec<(u32, &str)>> = BTreeMap::new();
        for trouble in &dump.set.troubles {
            if trouble.kind != TroubleKind::OtherBackend {
                kinds.entry(trouble.kind).or_default().push((trouble.line, &trouble.text));
            }
        }
        for (kind, lines) in kinds {
            let level = match kind {
                _ if kind.hides_rules() => Level::Unknown,
                TroubleKind::Encoding => Level::Info,
                _ => Level::Warn,
            };
            let mut finding =
                Finding::new(level, "iptables-diff/unreadable", host.name.clone(), kind.what());
            for (line, text) in lines.iter().take(3) {
                let place = match line {
                    0 => dump.place.clone(),
                    line => format!("{}, line {line}", dump.place),
                };
                finding = finding.evidence(place, *text);
            }
            found.push(finding.fix(match kind {
                TroubleKind::OnlyNft => {
                    format!("install iptables on {}, or ask again as root", host.name)
                }
                _ => format!("see for yourself: on {}: {}-save", host.name, family.tool()),
            }));
        }
    }
    if let Some(why) = host.why(Family::V4) {
        let message = "its rules are not known, so they are not compared";
        found.push(
            Finding::new(Level::Unknown, "iptables-diff/unreadable", host.name.clone(), message)
                .evidence(host.name.clone(), why)
                .fix(format!(
                    "ask it alone and see why: kubectl lab iptables-diff -v --host {}",
                    host.name
                )),
        );
    }
}

fn versions(fleet: &Fleet, found: &mut Vec<Finding>) {
    let mut versions: BTreeMap<String, Vec<&Host>> = BTreeMap::new();
    for host in fleet.hosts.iter().filter(|host| host.is_node) {
        let Some(tool) = host.tool() else { continue };
        let backend = tool.backend.as_deref().unwrap_or("backend not said");
        versions.entry(format!("v{} ({backend})", tool.version)).or_default().push(host);
    }
    if versions.len() < 2 {
        return;
    }
    let mut finding = Finding::info(
        "iptables-diff/versions",
        "iptables",
        format!("nodes have {} versions of the tool", versions.len()),
    );
    for (version, hosts) in &versions {
        let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
        finding = finding.evidence(some_of(&names), version.clone());
    }
    found.push(finding.fix("install the same version of iptables on all nodes"));
}
