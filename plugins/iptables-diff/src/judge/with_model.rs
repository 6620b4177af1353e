//! `not-expected`, `no-model`: rules against the model of what Cilium installs.

use std::collections::{BTreeMap, BTreeSet};

use lab_plugin::{Finding, Level};

use super::restart;
use crate::expected::model::{self, Facts};
use crate::expected::verdicts::{self, Subject, Verdict, Word};
use crate::model::{Family, Fleet};

/// Lines that one finding quotes at most.
const QUOTED: usize = 5;

/// What is different from the model, by host and family, and the findings about it.
#[derive(Default)]
pub struct Outcome {
    /// Place of the host in the fleet, family, verdict.
    pub verdicts: Vec<(usize, Family, Verdict)>,
    /// Findings.
    pub findings: Vec<Finding>,
}

/// Judges every node.
pub fn expected(fleet: &mut Fleet) -> Outcome {
    let mut outcome = Outcome::default();
    let config = match fleet.config.take() {
        Some(Ok(config)) => config,
        Some(Err(why)) => {
            outcome.findings.push(no_model(
                "cilium-config",
                "its values are not known",
                "ConfigMap cilium-config",
                &why,
            ));
            return outcome;
        }
        None => return outcome,
    };
    let mut unverified: BTreeMap<u32, (String, Vec<String>)> = BTreeMap::new();
    // Nodes whose rules were all read and all known to the model.
    let mut whole = Vec::new();
    for idx in 0..fleet.hosts.len() {
        let host = &fleet.hosts[idx];
        if !host.is_node {
            continue;
        }
        let Some(version) = host.cilium.clone() else {
            let message = "the release of its agent is not known";
            outcome.findings.push(no_model(
                &host.name,
                message,
                "Pods k8s-app=cilium",
                "no image with a version on this node",
            ));
            continue;
        };
        let release = model::release(&version);
        let known = release.and_then(|it| Some((it, model::compared(it.minor)?)));
        let Some((release, compared)) = known else {
            let message = "there is no model of this release";
            outcome.findings.push(no_model(&host.name, message, "image of its agent", &version));
            continue;
        };
        if let Some(caveat) = compared.caveat() {
            let (_, hosts) = unverified.entry(release.minor).or_insert((caveat, Vec::new()));
            hosts.push(host.name.clone());
        }
        let mut is_whole = host.dump(Family::V4).is_some();
        for family in Family::BOTH {
            let host = &fleet.hosts[idx];
            let Some(dump) = host.dump(family) else { continue };
            if dump.set.is_partial() {
                // Rules that may only be unread are not called missing; the dump is told of.
                is_whole = false;
                continue;
            }
            let set = dump.set.clone();
            let is_v6 = family == Family::V6;
            let facts = Facts {
                alloc: host.pod_cidrs.iter().find(|cidr| cidr.contains(':') == is_v6).cloned(),
                router: host.routers[family as usize],
            };
            let literals = host.literals.clone();
            let subject =
                Subject { release, config: &config, is_v6, has_kube_proxy: host.has_kube_proxy };
            let judged = verdicts::judge(&mut fleet.store, &set, &subject, &facts, &literals);
            is_whole &= judged.unknown.is_empty() && judged.verdicts.is_empty();
            if !judged.unknown.is_empty() {
                let message = format!("not in the model: {}", judged.unknown.join(", "));
                let finding = no_model(
                    &fleet.hosts[idx].name,
                    &message,
                    "cilium-config",
                    &config.line("routing-mode"),
                );
                if !outcome.findings.contains(&finding) {
                    outcome.findings.push(finding);
                }
            }
            outcome
                .verdicts
                .extend(judged.verdicts.into_iter().map(|verdict| (idx, family, verdict)));
        }
        if is_whole {
            whole.push(idx);
        }
    }
    for (minor, (caveat, hosts)) in unverified {
        let message = format!("the model of Cilium 1.{minor} {caveat}");
        let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
        outcome.findings.push(
            Finding::info("iptables-diff/no-model", format!("Cilium 1.{minor}"), message)
                .evidence("image of the agents", super::some_of(&names))
                .fix("none needed: look at what is told twice before you act on it"),
        );
    }
    fleet.config = Some(Ok(config));
    findings(fleet, &mut outcome);
    if whole.len() == fleet.hosts.iter().filter(|host| host.is_node).count() {
        outcome.findings.extend(as_expected(fleet, &whole));
    }
    outcome
}

/// That nothing is wrong, and where; an empty table alone would not say what was compared.
fn as_expected(fleet: &Fleet, whole: &[usize]) -> Option<Finding> {
    let hosts: Vec<_> = whole.iter().map(|idx| &fleet.hosts[*idx]).collect();
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    if hosts.is_empty() {
        return None;
    }
    let versions: BTreeSet<&str> = hosts.iter().filter_map(|host| host.cilium.as_deref()).collect();
    let versions = versions.into_iter().collect::<Vec<_>>().join(" and ");
    let message = format!("the chains of Cilium hold what {versions} installs, rule by rule");
    let mut finding = Finding::info("iptables-diff/as-expected", super::some_of(&names), message);
    for dump in hosts.iter().filter_map(|host| host.dump(Family::V4)).take(QUOTED) {
        let rules = verdicts::counted(dump.set.n_rules(), "rule");
        finding = finding.evidence(dump.place.clone(), format!("{rules} in all"));
    }
    Some(finding.fix("none needed"))
}

fn no_model(subject: &str, message: &str, place: &str, why: &str) -> Finding {
    Finding::new(Level::Unknown, "iptables-diff/no-model", subject, message)
        .evidence(place, why)
        .fix("kubectl -n kube-system get pods -l k8s-app=cilium -o wide")
}

/// One finding for each host, chain and word.
fn findings(fleet: &Fleet, outcome: &mut Outcome) {
    let mut parts: BTreeMap<(usize, Family, &str, &str, Word), Vec<&Verdict>> = BTreeMap::new();
    for (host, family, verdict) in &outcome.verdicts {
        let key = (*host, *family, verdict.table.as_str(), verdict.chain.as_str(), verdict.word);
        parts.entry(key).or_default().push(verdict);
    }
    let mut found = Vec::new();
    for ((host, family, table, chain, word), verdicts) in parts {
        let host = &fleet.hosts[host];
        // Chains are replaced now and then, and while that lasts the old ones are there.
        let is_moment =
            word == Word::Stale && chain != "KUBE-*" && host.is_agent_ready != Some(true);
        let level = if is_moment { Level::Info } else { Level::Warn };
        let rules = verdicts::counted(verdicts.len(), "rule");
        let message = match word {
            Word::Missing if verdicts.len() == 1 => {
                format!("{rules} that Cilium installs is missing")
            }
            Word::Missing => format!("{rules} that Cilium installs are missing"),
            Word::Stale => verdicts[0].why.clone(),
            word => format!("{rules} {}", word.as_str()),
        };
        let subject = format!("{} {table} {chain}", host.name);
        let mut finding = Finding::new(level, "iptables-diff/not-expected", subject, message);
        let place = host.dump(family).map_or(String::new(), |dump| dump.place.clone());
        for verdict in verdicts.iter().take(QUOTED) {
            let place = match verdict.line {
                Some(line) => format!("{place}, line {line}"),
                None => format!("not in {place}"),
            };
            finding = finding.evidence(place, verdict.rule.clone());
        }
        if word != Word::Stale {
            finding = finding.evidence("why", verdicts[0].why.clone());
        }
        found.push(match (word, chain) {
            (Word::Stale, "KUBE-*") => {
                finding.fix(format!("on {}: kube-proxy --cleanup", host.name))
            }
            (Word::Unexpected, _) => {
                let number = verdicts[0].number.unwrap_or(1);
                finding
                    .fix(format!(
                        "on {}: {} -t {table} -D {chain} {number}",
                        host.name,
                        family.tool()
                    ))
                    .fix(restart(&host.name))
            }
            _ => finding.fix(restart(&host.name)),
        });
    }
    outcome.findings.extend(found);
}
