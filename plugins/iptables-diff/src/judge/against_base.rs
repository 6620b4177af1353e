//! `missing-rule`, `extra-rule`, `other-rule`: rules of a group that are not those of the base.

use std::collections::BTreeMap;

use lab_netfilter::changed::{Difference, Kind, words_changed};
use lab_netfilter::purpose;
use lab_plugin::Finding;

use super::{restart, some_of};
use crate::groups::{Base, Groups};
use crate::model::{Family, Fleet, Host};

/// Lines that one finding quotes at most.
const QUOTED: usize = 5;

/// Adds one finding for each chain of a group and each way in which it differs.
pub(super) fn check(fleet: &Fleet, groups: &Groups, found: &mut Vec<Finding>) {
    let Some(base) = groups.base_host().map(|idx| &fleet.hosts[idx]) else { return };
    let others = match groups.base {
        Base::Majority => "most hosts",
        Base::First | Base::Named => &base.name,
    };
    for group in groups.groups.iter().skip(1) {
        let host = &fleet.hosts[group.hosts[0]];
        let names: Vec<&str> =
            group.hosts.iter().map(|idx| fleet.hosts[*idx].name.as_str()).collect();
        let mut parts: BTreeMap<(Family, &str, u32, &str), Vec<&Difference>> = BTreeMap::new();
        for (family, difference) in &group.differences {
            let code = match difference.kind {
                Kind::Removed(_) => "iptables-diff/missing-rule",
                Kind::Added(_) => "iptables-diff/extra-rule",
                _ => "iptables-diff/other-rule",
            };
            parts
                .entry((*family, &difference.table, difference.chain, code))
                .or_default()
                .push(difference);
        }
        for ((family, table, chain, code), differences) in parts {
            let name = fleet.store.name(chain);
            let subject = format!("{} {table} {name}", some_of(&names));
            let message = message(&differences, code, others);
            let mut finding = Finding::warn(code, subject, message);
            for difference in differences.iter().take(QUOTED) {
                finding = evidence(fleet, finding, family, difference, base, host);
            }
            for fix in fixes(fleet, family, differences[0], host) {
                finding = finding.fix(fix);
            }
            found.push(finding);
        }
    }
}

fn message(differences: &[&Difference], code: &str, others: &str) -> String {
    let number = differences.len();
    let rules = crate::expected::verdicts::counted(number, "rule");
    match code {
        "iptables-diff/missing-rule" if number == 1 => format!("{rules} of {others} is not here"),
        "iptables-diff/missing-rule" => format!("{rules} of {others} are not here"),
        "iptables-diff/extra-rule" if number == 1 => format!("{rules} here is not on {others}"),
        "iptables-diff/extra-rule" => format!("{rules} here are not on {others}"),
        _ => {
            let mut words: Vec<&str> = differences.iter().map(|it| it.kind.word()).collect();
            words.dedup();
            format!(
                "{} against {others}: {}",
                if number == 1 {
                    "1 difference".to_owned()
                } else {
                    format!("{number} differences")
                },
                words.join(", ")
            )
        }
    }
}

fn evidence(
    fleet: &Fleet,
    finding: Finding,
    family: Family,
    difference: &Difference,
    base: &Host,
    host: &Host,
) -> Finding {
    let place = |host: &Host, line: u32| match host.dump(family) {
        Some(dump) => format!("{}, line {line}", dump.place),
        None => host.name.clone(),
    };
    let line = |host: &Host, at: lab_netfilter::changed::Place| {
        (place(host, at.rule.line), fleet.store.line(difference.chain, at.rule))
    };
    if let Kind::Policy { base: old, here } = &difference.kind {
        let name = fleet.store.name(difference.chain);
        let shown = |policy: &Option<String>| match policy {
            Some(policy) => format!(":{name} {policy}"),
            None => format!("{name} is not there"),
        };
        let of =
            |host: &Host| host.dump(family).map_or(host.name.clone(), |dump| dump.place.clone());
        return finding.evidence(of(base), shown(old)).evidence(of(host), shown(here));
    }
    let mut finding = finding;
    if let Some(at) = difference.kind.base() {
        let (place, text) = line(base, at);
        finding = finding.evidence(place, text);
    }
    if let Some(at) = difference.kind.here() {
        let (place, text) = line(host, at);
        finding = finding.evidence(place, text);
    }
    if let Kind::Changed { base, here } = difference.kind {
        let words = words_changed(fleet.store.form(base.rule), fleet.store.form(here.rule));
        finding = finding.evidence("what differs", words);
    }
    finding
}

fn fixes(fleet: &Fleet, family: Family, difference: &Difference, host: &Host) -> Vec<String> {
    let (store, tool, table) = (&fleet.store, family.tool(), &difference.table);
    let name = store.name(difference.chain);
    let at = difference.kind.base().or(difference.kind.here());
    if let Some(at) = at
        && purpose::owner(name, store.spec(at.rule)) == "cilium"
        && !matches!(difference.kind, Kind::Added(_))
    {
        return vec![restart(&host.name)];
    }
    let fix = match &difference.kind {
        Kind::Removed(at) => {
            format!("{tool} -t {table} -I {name} {} {}", at.number, store.spec(at.rule))
        }
        Kind::Added(at) | Kind::Duplicated(at) => {
            format!("{tool} -t {table} -D {name} {}", at.number)
        }
        Kind::Changed { base, here } => {
            format!("{tool} -t {table} -R {name} {} {}", here.number, store.spec(base.rule))
        }
        Kind::Moved { base, here } => format!(
            "{tool} -t {table} -D {name} {} && {tool} -t {table} -I {name} {} {}",
            here.number,
            base.number,
            store.spec(here.rule)
        ),
        Kind::Policy { base, .. } => {
            format!("{tool} -t {table} -P {name} {}", base.as_deref().unwrap_or("ACCEPT"))
        }
    };
    vec![format!("on {}: {}", host.name, fix.trim_end())]
}
