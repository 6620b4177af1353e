//! Groups, differences, rules and steps as rows.

use lab_netfilter::changed::{self, Difference, Kind, words_changed};
use lab_netfilter::purpose;
use lab_netfilter::ruleset::{Ruleset, Table};
use lab_netfilter::save::Counters;
use lab_netfilter::walk::{self, HostFacts, Packet, Verdict, Walk};
use lab_plugin::{Health, Level};
use regex::Regex;

use crate::expected::verdicts::{self, Word};
use crate::groups::{Base, Group, Groups};
use crate::model::{Answer, Dump, Family, Fleet, Host};
use crate::rows::{
    DiffRow, DifferenceRow, ExpectedRow, GroupRow, HostRow, RuleRow, ShowRow, StepRow, VerdictRow,
};

fn names(fleet: &Fleet, group: &Group) -> String {
    let names: Vec<&str> = group.hosts.iter().map(|idx| fleet.hosts[*idx].name.as_str()).collect();
    names.join(", ")
}

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn n_rules(host: &Host, family: Family) -> Option<i64> {
    host.set(family).map(|set| number(set.n_rules()))
}

/// One row for each group, then one for the hosts whose rules are not known.
pub fn group_rows(fleet: &Fleet, groups: &Groups) -> Vec<(String, GroupRow)> {
    let mut rows = Vec::new();
    for (place, group) in groups.groups.iter().enumerate() {
        let host = &fleet.hosts[group.hosts[0]];
        let note = match (place, groups.base) {
            (0, _) if groups.groups.len() == 1 => Some("all are equal".to_owned()),
            (0, Base::Majority) => Some("majority".to_owned()),
            (0, Base::Named) => Some("base".to_owned()),
            (0, Base::First) => Some("base: no majority".to_owned()),
            _ => None,
        };
        rows.push((
            host.name.clone(),
            GroupRow {
                hosts: names(fleet, group),
                count: number(group.hosts.len()),
                backend: host.backend(),
                version: host.tool().map(|tool| tool.version.clone()),
                rules: n_rules(host, Family::V4),
                rules6: n_rules(host, Family::V6),
                differences: Some(number(group.differences.len())),
                note,
                digest: group.digest.clone(),
            },
        ));
    }
    for idx in &groups.unread {
        let host = &fleet.hosts[*idx];
        rows.push((
            host.name.clone(),
            GroupRow {
                hosts: host.name.clone(),
                count: 1,
                backend: host.backend(),
                version: host.tool().map(|tool| tool.version.clone()),
                rules: None,
                rules6: None,
                differences: None,
                note: Some(unread(host)),
                digest: String::new(),
            },
        ));
    }
    rows
}

/// Why the rules of a host cannot be compared.
fn unread(host: &Host) -> String {
    let troubles = host.set(Family::V4).map(|set| set.troubles.as_slice()).unwrap_or_default();
    let hiding = troubles.iter().find(|trouble| trouble.kind.hides_rules());
    hiding.map_or_else(
        || host.why(Family::V4).unwrap_or("not known").to_owned(),
        |trouble| trouble.kind.what().to_owned(),
    )
}

/// Every difference of every group.
pub fn difference_rows(fleet: &Fleet, groups: &Groups) -> Vec<(String, DifferenceRow)> {
    let mut rows = Vec::new();
    for group in groups.groups.iter().skip(1) {
        let hosts = names(fleet, group);
        for (family, difference) in &group.differences {
            let row = difference_row(fleet, &hosts, *family, difference);
            let at = row.number.or(row.base_number).unwrap_or_default();
            let key =
                format!("{hosts}/{}/{}/{}/{at}/{}", row.family, row.table, row.chain, row.rule);
            rows.push((key, row));
        }
    }
    rows
}

fn difference_row(
    fleet: &Fleet,
    hosts: &str,
    family: Family,
    difference: &Difference,
) -> DifferenceRow {
    let store = &fleet.store;
    let chain = store.name(difference.chain);
    let (base, here) = (difference.kind.base(), difference.kind.here());
    let shown = here.or(base);
    let (rule, words) = match &difference.kind {
        Kind::Policy { base, here } => {
            let shown =
                |policy: &Option<String>| policy.clone().unwrap_or_else(|| "no chain".to_owned());
            ("policy".to_owned(), Some(format!("{} → {}", shown(base), shown(here))))
        }
        Kind::Changed { base, here } => (
            store.form(here.rule).to_owned(),
            Some(words_changed(store.form(base.rule), store.form(here.rule))),
        ),
        _ => (shown.map(|at| store.form(at.rule).to_owned()).unwrap_or_default(), None),
    };
    DifferenceRow {
        hosts: hosts.to_owned(),
        family: family.word(),
        table: difference.table.clone(),
        chain: chain.to_owned(),
        change: Health(Level::Warn, difference.kind.word().to_owned()),
        number: here.map(|at| number(at.number)),
        base_number: base.map(|at| number(at.number)),
        rule,
        words,
        owner: shown.map_or("user", |at| purpose::owner(chain, store.spec(at.rule))),
        line: shown.map(|at| store.line(difference.chain, at.rule)).unwrap_or_default(),
    }
}

/// Whether counters are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// They are.
    Shown,
    /// They are not: two moments are compared without them.
    Hidden,
}

/// Every rule of the compared hosts in the form in which rules are compared.
pub fn rule_rows(fleet: &Fleet, compared: &[usize], counting: Counting) -> Vec<(String, RuleRow)> {
    let mut rows = Vec::new();
    for host in compared.iter().map(|idx| &fleet.hosts[*idx]) {
        for family in Family::BOTH {
            for table in host.set(family).into_iter().flat_map(|set| &set.tables) {
                rules_of(fleet, host, family, table, counting, &mut rows);
            }
        }
    }
    rows
}

fn rules_of(
    fleet: &Fleet,
    host: &Host,
    family: Family,
    table: &Table,
    counting: Counting,
    rows: &mut Vec<(String, RuleRow)>,
) {
    let counted = |counters: Option<Counters>| counters.filter(|_| counting == Counting::Shown);
    for chain in &table.chains {
        let name = fleet.store.name(chain.name);
        let path = format!("{}/{}/{}/{name}", host.name, family.word(), table.name);
        if let Some(policy) = chain.policy.as_deref().filter(|policy| *policy != "ACCEPT") {
            rows.push((
                format!("{path}/policy"),
                RuleRow {
                    host: host.name.clone(),
                    family: family.word(),
                    table: table.name.clone(),
                    chain: name.to_owned(),
                    rule: format!("policy {policy}"),
                    behind: None,
                    packets: counted(chain.counters).map(|it| count(it.packets)),
                    bytes: counted(chain.counters).map(|it| count(it.bytes)),
                    number: 0,
                },
            ));
        }
        let mut seen = std::collections::HashMap::new();
        let mut behind: Option<String> = None;
        for (idx, rule) in fleet.store.compared(chain).into_iter().enumerate() {
            // The same rule twice is two rows; a rule that moved is the same row elsewhere.
            let times = seen.entry(rule.form).and_modify(|times| *times += 1).or_insert(1);
            rows.push((
                format!("{path}/{}/{times}", fleet.store.form(rule)),
                RuleRow {
                    host: host.name.clone(),
                    family: family.word(),
                    table: table.name.clone(),
                    chain: name.to_owned(),
                    rule: fleet.store.form(rule).to_owned(),
                    behind: behind.replace(named(fleet.store.form(rule))),
                    packets: counted(rule.counters).map(|it| count(it.packets)),
                    bytes: counted(rule.counters).map(|it| count(it.bytes)),
                    number: number(idx + 1),
                },
            ));
        }
    }
}

/// A rule by its comment, or as it is.
fn named(form: &str) -> String {
    lab_netfilter::spec::comment(form).map_or_else(|| form.to_owned(), std::borrow::Cow::into_owned)
}

/// Which rules `show` has.
#[derive(Debug, Default)]
pub struct Chosen {
    /// Of this host alone.
    pub host: Option<String>,
    /// Of this table alone.
    pub table: Option<String>,
    /// Of chains whose whole name fits.
    pub chain: Option<Regex>,
    /// Rules whose line fits.
    pub grep: Option<Regex>,
}

/// The rules as they are installed.
pub fn show_rows(fleet: &Fleet, chosen: &Chosen) -> Vec<(String, ShowRow)> {
    let mut rows = Vec::new();
    let hosts = fleet
        .hosts
        .iter()
        .filter(|host| chosen.host.as_ref().is_none_or(|name| *name == host.name));
    for host in hosts {
        for family in Family::BOTH {
            let tables = host.set(family).into_iter().flat_map(|set| &set.tables);
            for table in
                tables.filter(|table| chosen.table.as_ref().is_none_or(|name| *name == table.name))
            {
                show_table(fleet, host, family, table, chosen, &mut rows);
            }
        }
    }
    rows
}

fn show_table(
    fleet: &Fleet,
    host: &Host,
    family: Family,
    table: &Table,
    chosen: &Chosen,
    rows: &mut Vec<(String, ShowRow)>,
) {
    let store = &fleet.store;
    for chain in &table.chains {
        let name = store.name(chain.name);
        if chosen.chain.as_ref().is_some_and(|re| !re.is_match(name)) {
            continue;
        }
        let bare = |r#match: String, target: String, counters: Option<Counters>| ShowRow {
            host: host.name.clone(),
            family: family.word(),
            table: table.name.clone(),
            chain: name.to_owned(),
            number: None,
            r#match,
            target,
            packets: counters.map(|it| count(it.packets)),
            bytes: counters.map(|it| count(it.bytes)),
            explain: None,
            owner: "kernel",
            line: String::new(),
        };
        for (idx, rule) in chain.rules.iter().enumerate() {
            let spec = store.spec(*rule);
            let line = store.line(chain.name, *rule);
            if chosen.grep.as_ref().is_some_and(|re| !re.is_match(&line)) {
                continue;
            }
            let key = format!("{}/{}/{}/{name}/{}", host.name, family.word(), table.name, idx + 1);
            rows.push((
                key,
                ShowRow {
                    number: Some(number(idx + 1)),
                    explain: purpose::purpose(&table.name, name, spec),
                    owner: purpose::owner(name, spec),
                    line,
                    ..bare(with_members(host, spec), purpose::action(spec), rule.counters)
                },
            ));
        }
        let policy = chain.policy.as_deref().map(|policy| (policy, format!(":{name} {policy}")));
        if let Some((policy, line)) = policy
            && chosen.grep.as_ref().is_none_or(|re| re.is_match(&line))
            && (!chain.rules.is_empty() || policy != "ACCEPT")
        {
            let key = format!("{}/{}/{}/{name}/policy", host.name, family.word(), table.name);
            let words = "what no rule decides".to_owned();
            rows.push((key, ShowRow { line, ..bare(words, policy.to_owned(), chain.counters) }));
        }
    }
}

/// Members of a set that are shown.
const MEMBERS: usize = 8;

/// Conditions in words, with the members of sets.
fn with_members(host: &Host, spec: &str) -> String {
    let mut words = purpose::conditions(spec);
    for name in purpose::sets(spec) {
        let members = match &host.sets {
            Some(Ok(sets)) => match sets.get(&name) {
                Some(members) if members.len() > MEMBERS => {
                    format!(
                        "{} and {} more",
                        members[..MEMBERS].join(", "),
                        members.len() - MEMBERS
                    )
                }
                Some(members) if members.is_empty() => "empty".to_owned(),
                Some(members) => members.join(", "),
                None => "no such set".to_owned(),
            },
            _ => "members not known".to_owned(),
        };
        words = words.replace(&format!("set {name}"), &format!("set {name} ({members})"));
    }
    words
}

/// One row for each host's tools.
pub fn host_rows(fleet: &Fleet) -> Vec<(String, HostRow)> {
    let rules = |dump: &Answer<Dump>| match dump {
        Some(Ok(dump)) => Some(number(dump.set.n_rules())),
        _ => None,
    };
    let row = |host: &Host| {
        let foreign = match &host.nft_tables {
            Some(Ok(tables)) => {
                let foreign = tables.iter().filter(|table| !table.is_of_iptables());
                let shown: Vec<String> = foreign
                    .map(|table| {
                        format!(
                            "{} {} ({})",
                            table.family,
                            table.name,
                            verdicts::counted(table.n_rules, "rule")
                        )
                    })
                    .collect();
                Some(if shown.is_empty() { "none".to_owned() } else { shown.join(", ") })
            }
            _ => None,
        };
        let troubles = host.set(Family::V4).map(|set| set.troubles.as_slice()).unwrap_or_default();
        let note = host
            .why(Family::V4)
            .map(str::to_owned)
            .or_else(|| troubles.first().map(|trouble| trouble.kind.what().to_owned()));
        HostRow {
            host: host.name.clone(),
            backend: host.backend(),
            version: host.tool().map(|tool| tool.version.clone()),
            rules: n_rules(host, Family::V4),
            rules6: n_rules(host, Family::V6),
            legacy_rules: rules(&host.legacy[Family::V4 as usize]),
            nft_rules: rules(&host.nft[Family::V4 as usize]),
            foreign_tables: foreign,
            note,
        }
    };
    fleet.hosts.iter().map(|host| (host.name.clone(), row(host))).collect()
}

/// The differences of every group as unified diffs.
pub fn diff_rows(fleet: &Fleet, groups: &Groups) -> Vec<(String, DiffRow)> {
    let mut rows = Vec::new();
    let Some(base) = groups.base_host().map(|idx| &fleet.hosts[idx]) else { return rows };
    for group in groups.groups.iter().skip(1) {
        let host = &fleet.hosts[group.hosts[0]];
        for family in Family::BOTH {
            let (Some(old), Some(new)) = (base.set(family), host.set(family)) else { continue };
            let diff = changed::unified(&fleet.store, (&base.name, old), (&host.name, new));
            if !diff.is_empty() {
                let key = format!("{}/{}", host.name, family.word());
                rows.push((
                    key,
                    DiffRow { hosts: names(fleet, group), family: family.word(), diff },
                ));
            }
        }
    }
    rows
}

/// Everything that differs from the model.
pub fn expected_rows(
    fleet: &Fleet,
    verdicts: &[(usize, Family, verdicts::Verdict)],
) -> Vec<(String, ExpectedRow)> {
    let row = |(host, family, verdict): &(usize, Family, verdicts::Verdict)| {
        let host = &fleet.hosts[*host].name;
        let level = if verdict.word == Word::Missing { Level::Bad } else { Level::Warn };
        let at = verdict.number.unwrap_or_default();
        let key = format!(
            "{host}/{}/{}/{}/{at}/{}",
            family.word(),
            verdict.table,
            verdict.chain,
            verdict.rule
        );
        let row = ExpectedRow {
            host: host.clone(),
            family: family.word(),
            table: verdict.table.clone(),
            chain: verdict.chain.clone(),
            verdict: Health(level, verdict.word.as_str().to_owned()),
            number: verdict.number.map(number),
            rule: verdict.rule.clone(),
            why: verdict.why.clone(),
        };
        (key, row)
    };
    verdicts.iter().map(row).collect()
}

/// A walk on every host: verdicts and steps.
pub fn path_rows(fleet: &Fleet, packet: &Packet) -> (Vec<VerdictRow>, Vec<StepRow>) {
    let family = if packet.source.is_ipv4() { Family::V4 } else { Family::V6 };
    let mut ends = Vec::new();
    let mut steps = Vec::new();
    for host in &fleet.hosts {
        let Some(set) = host.set(family) else { continue };
        let facts = HostFacts {
            addresses: host.addresses.clone(),
            sets: host.sets.clone().and_then(Result::ok),
        };
        let walk = walk::walk(&fleet.store, set, packet, &facts);
        ends.push(end_row(fleet, host, set, &walk));
        for (place, step) in walk.steps.iter().enumerate() {
            let chain = fleet.store.name(step.chain);
            let rule = match step.rule {
                Some((_, rule)) => fleet.store.line(step.chain, rule),
                None => format!(":{chain} DROP"),
            };
            steps.push(StepRow {
                host: host.name.clone(),
                step: number(place + 1),
                table: step.table,
                chain: format!("{}{chain}", "  ".repeat(step.depth)),
                number: step.rule.map(|(at, _)| number(at)),
                effect: step.effect.clone(),
                unknown: (!step.unknown.is_empty()).then(|| step.unknown.join(", ")),
                rule,
            });
        }
    }
    (ends, steps)
}

fn end_row(fleet: &Fleet, host: &Host, set: &Ruleset, walk: &Walk) -> VerdictRow {
    let level = match walk.verdict {
        Verdict::Accepted => Level::Good,
        Verdict::Dropped => Level::Bad,
        Verdict::Taken => Level::Info,
        Verdict::Unknown => Level::Unknown,
    };
    let deciding = match walk.verdict {
        Verdict::Dropped | Verdict::Taken => walk.steps.last(),
        // What decides is the filter; other tables rewrite.
        _ => walk.steps.iter().rev().find(|step| {
            step.table == "filter" && step.unknown.is_empty() && step.effect.contains("accepted")
        }),
    };
    let by = deciding.map(|step| match step.rule {
        Some((_, rule)) => format!("{}: {}", step.table, fleet.store.line(step.chain, rule)),
        None => format!("{}: policy of {}", step.table, fleet.store.name(step.chain)),
    });
    let by = by.or_else(|| {
        let is_passed = walk.verdict == Verdict::Accepted;
        is_passed.then(|| if set.n_rules() == 0 { "no rules" } else { "policies" }.to_owned())
    });
    VerdictRow {
        host: host.name.clone(),
        way: walk.way.word(),
        verdict: Health(level, walk.verdict.word().to_owned()),
        by,
    }
}
