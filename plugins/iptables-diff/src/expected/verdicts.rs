//! A host's rules against the model: what is missing, unexpected, moved, changed or stale.
//!
//! Apart from [`super::model`] because here a host has been read. It must not know columns.

use lab_netfilter::changed::{Kind, Place, differences, words_changed};
use lab_netfilter::literal::Literals;
use lab_netfilter::ruleset::{Chain, Ruleset, Store, Table};
use lab_netfilter::spec;

use super::config::Config;
use super::model::{self, CHAINS, Expected, Facts, Release};

/// How a rule is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// It ought to be there.
    Missing,
    /// It ought to be elsewhere in its chain.
    Moved,
    /// It ought to have other words.
    Changed,
    /// It is there twice.
    Duplicated,
    /// Nothing that is configured installs it.
    Unexpected,
    /// What installed it is gone.
    Stale,
}

impl Word {
    /// `missing`, `moved` …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Moved => "moved",
            Self::Changed => "changed",
            Self::Duplicated => "duplicated",
            Self::Unexpected => "unexpected",
            Self::Stale => "stale",
        }
    }
}

/// One rule, or many of one kind, and how it is to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it is.
    pub word: Word,
    /// Its table.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// Its number in the chain; none where it is not there.
    pub number: Option<usize>,
    /// Line of the dump; none where it is not there.
    pub line: Option<u32>,
    /// The rule as it stands in a dump, or as it would.
    pub rule: String,
    /// Which word differs, or why it is expected or not.
    pub why: String,
}

/// Everything that differs from the model, by table and chain.
pub struct Judged {
    /// What differs.
    pub verdicts: Vec<Verdict>,
    /// Values that the model needs and nobody knows.
    pub unknown: Vec<String>,
}

/// What the model is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Release of the agent.
    pub release: Release,
    /// Its configuration.
    pub config: &'a Config,
    /// Whether the rules are those of IPv6.
    pub is_v6: bool,
    /// Whether kube-proxy runs there; unknown says nothing about its rules.
    pub has_kube_proxy: Option<bool>,
}

/// Judges the rules of one host and family. `literals` must be those the rules were read with.
pub fn judge(
    store: &mut Store,
    set: &Ruleset,
    subject: &Subject<'_>,
    facts: &Facts,
    literals: &Literals,
) -> Judged {
    let is_enabled = subject
        .config
        .is_on(if subject.is_v6 { "enable-ipv6" } else { "enable-ipv4" }, !subject.is_v6);
    let is_installed = is_enabled && subject.config.is_on("install-iptables-rules", true);
    let (expected, unknown) = if is_installed {
        model::rules(subject.release, subject.config, subject.is_v6, facts)
    } else {
        (Vec::new(), Vec::new())
    };
    let mut verdicts = Vec::new();
    chains(store, set, &expected, literals, is_installed, &mut verdicts);
    feeders(store, set, subject, is_installed, &mut verdicts);
    old(store, set, &mut verdicts);
    kube_proxy(store, set, subject, &mut verdicts);
    if !unknown.is_empty() {
        // A rule that may be expected is not called unexpected.
        verdicts.retain(|verdict| verdict.word != Word::Unexpected);
    }
    Judged { verdicts, unknown }
}

fn is_own(name: &str) -> bool {
    name.starts_with("CILIUM_")
}

/// Rules that come and go with proxies and annotated pods.
fn is_optional(spec: &str) -> bool {
    if let Some(comment) = spec::comment(spec) {
        return comment.starts_with("cilium: TPROXY to host")
            || comment.contains("no-track-host-ports");
    }
    // Those of pods with a no-track-port have no comment, and name one pod and port.
    let has_port = spec.contains("--dport ") || spec.contains("--sport ");
    let has_pod = spec.starts_with("-s ") || spec.starts_with("-d ");
    has_port && has_pod
}

/// Cilium's chains against those of the model.
fn chains(
    store: &mut Store,
    set: &Ruleset,
    expected: &[Expected],
    literals: &Literals,
    is_installed: bool,
    verdicts: &mut Vec<Verdict>,
) {
    let mut ought = Ruleset::default();
    for rule in expected {
        let chain = store.chain_name(rule.chain);
        let made = store.rule(&rule.spec, literals);
        ought.table_mut(rule.table).push(chain, made);
    }
    let mut is = Ruleset::default();
    for table in &set.tables {
        for chain in table.chains.iter().filter(|chain| is_own(store.name(chain.name))) {
            for rule in chain.rules.iter().filter(|rule| !is_optional(store.spec(**rule))) {
                is.table_mut(&table.name).push(chain.name, *rule);
            }
        }
    }
    let number = |table: &str, chain: u32, place: Place| {
        let chain = set.find(table)?.find(chain)?;
        Some(chain.rules.iter().position(|rule| rule.line == place.rule.line)? + 1)
    };
    let when = |place: Place| {
        let spec = store.spec(place.rule);
        expected.iter().find(|rule| rule.spec == spec).map_or("", |rule| rule.when)
    };
    for difference in differences(store, &ought, &is) {
        let (base, here) = (difference.kind.base(), difference.kind.here());
        let (word, why) = match &difference.kind {
            Kind::Removed(place) => (Word::Missing, format!("expected: {}", when(*place))),
            Kind::Added(_) if is_installed => {
                (Word::Unexpected, "nothing that is configured installs it".to_owned())
            }
            Kind::Added(_) => {
                (Word::Unexpected, "no rules are configured for this family".to_owned())
            }
            Kind::Duplicated(_) => (Word::Duplicated, "it is there already".to_owned()),
            Kind::Moved { base, .. } => (Word::Moved, format!("expected as rule {}", base.number)),
            Kind::Changed { base, here } => {
                let words = words_changed(store.form(base.rule), store.form(here.rule));
                (Word::Changed, words)
            }
            Kind::Policy { .. } => continue,
        };
        let Some(place) = here.or(base) else { continue };
        verdicts.push(Verdict {
            word,
            chain: store.name(difference.chain).to_owned(),
            number: here.and_then(|place| number(&difference.table, difference.chain, place)),
            line: here.map(|place| place.rule.line),
            rule: store.line(difference.chain, place.rule),
            why,
            table: difference.table,
        });
    }
}

/// One feeder for each chain, in front of all other rules unless configured otherwise.
fn feeders(
    store: &Store,
    set: &Ruleset,
    subject: &Subject<'_>,
    is_installed: bool,
    verdicts: &mut Vec<Verdict>,
) {
    let config = subject.config;
    let disabled: Vec<&str> = config
        .text("disable-iptables-feeder-rules")
        .map(|list| list.split([',', ' ']).collect())
        .unwrap_or_default();
    let is_first = config.is_on("prepend-iptables-chains", true);
    for (table, hook, chain, in_v6) in CHAINS {
        if subject.is_v6 && !in_v6 {
            continue;
        }
        let places = found_feeders(store, set, table, hook, chain);
        let spec = format!("-m comment --comment \"cilium-feeder: {chain}\" -j {chain}");
        let of = |word, number: Option<(usize, u32)>, why: &str| Verdict {
            word,
            table: table.to_owned(),
            chain: hook.to_owned(),
            number: number.map(|(number, _)| number),
            line: number.map(|(_, line)| line),
            rule: format!("-A {hook} {spec}"),
            why: why.to_owned(),
        };
        let is_wanted = is_installed && !disabled.contains(&hook);
        match places.as_slice() {
            [] if is_wanted => verdicts.push(of(
                Word::Missing,
                None,
                "expected: always; it leads to Cilium's rules",
            )),
            [] => {}
            [first, ..] if !is_wanted => {
                verdicts.push(of(Word::Unexpected, Some(*first), "no feeder is configured here"));
            }
            [first, rest @ ..] => {
                if is_first && first.0 != 1 {
                    verdicts.push(of(Word::Moved, Some(*first), "expected as rule 1"));
                }
                verdicts.extend(
                    rest.iter()
                        .map(|place| of(Word::Duplicated, Some(*place), "it is there already")),
                );
            }
        }
    }
}

/// Numbers and lines of the feeders of a chain.
fn found_feeders(
    store: &Store,
    set: &Ruleset,
    table: &str,
    hook: &str,
    chain: &str,
) -> Vec<(usize, u32)> {
    let rules = store.name_id(hook).and_then(|name| set.find(table)?.find(name));
    let Some(rules) = rules else { return Vec::new() };
    let is_feeder = |text: &str| {
        spec::target(text) == Some(chain)
            && spec::comment(text).is_some_and(|comment| comment.starts_with("cilium-feeder:"))
    };
    let numbered = rules.rules.iter().enumerate();
    numbered
        .filter(|(_, rule)| is_feeder(store.spec(**rule)))
        .map(|(idx, rule)| (idx + 1, rule.line))
        .collect()
}

/// Chains of a replacement of rules that did not end, and what leads to them.
fn old(store: &Store, set: &Ruleset, verdicts: &mut Vec<Verdict>) {
    for table in &set.tables {
        for chain in &table.chains {
            let name = store.name(chain.name);
            if name.starts_with("OLD_CILIUM_") {
                verdicts.push(of_chain(
                    table,
                    name,
                    chain,
                    "left by a replacement that did not end",
                ));
                continue;
            }
            for (idx, rule) in chain.rules.iter().enumerate() {
                if spec::target(store.spec(*rule))
                    .is_some_and(|target| target.starts_with("OLD_CILIUM_"))
                {
                    verdicts.push(Verdict {
                        word: Word::Stale,
                        table: table.name.clone(),
                        chain: name.to_owned(),
                        number: Some(idx + 1),
                        line: Some(rule.line),
                        rule: store.line(chain.name, *rule),
                        why: "it leads to rules of a replacement that did not end".to_owned(),
                    });
                }
            }
        }
    }
}

fn of_chain(table: &Table, name: &str, chain: &Chain, why: &str) -> Verdict {
    Verdict {
        word: Word::Stale,
        table: table.name.clone(),
        chain: name.to_owned(),
        number: None,
        line: chain.rules.first().map(|rule| rule.line),
        rule: format!(":{name} - with {}", counted(chain.rules.len(), "rule")),
        why: why.to_owned(),
    }
}

/// `1 rule`, `2 rules`
pub(crate) fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Rules of kube-proxy where Cilium replaces it and none runs: kube-proxy leaves them behind.
fn kube_proxy(store: &Store, set: &Ruleset, subject: &Subject<'_>, verdicts: &mut Vec<Verdict>) {
    if !subject.config.replaces_kube_proxy() || subject.has_kube_proxy != Some(false) {
        return;
    }
    let is_left = |name: &str| {
        // Those are the kubelet's.
        name.starts_with("KUBE-")
            && !matches!(name, "KUBE-FIREWALL" | "KUBE-KUBELET-CANARY" | "KUBE-IPTABLES-HINT")
    };
    for table in &set.tables {
        let left: Vec<&Chain> =
            table.chains.iter().filter(|chain| is_left(store.name(chain.name))).collect();
        let n_rules: usize = left.iter().map(|chain| chain.rules.len()).sum();
        // The kubelet makes the chains of masquerading too, which do nothing while they are empty.
        if n_rules == 0 {
            continue;
        }
        let (chains, rules) = (counted(left.len(), "chain"), counted(n_rules, "rule"));
        let first =
            left.iter().filter_map(|chain| chain.rules.first().map(|rule| (chain.name, *rule)));
        let first = first.min_by_key(|(_, rule)| rule.line);
        verdicts.push(Verdict {
            word: Word::Stale,
            table: table.name.clone(),
            chain: "KUBE-*".to_owned(),
            number: None,
            line: first.map(|(_, rule)| rule.line),
            rule: first.map(|(chain, rule)| store.line(chain, rule)).unwrap_or_default(),
            why: format!("{chains} with {rules} of kube-proxy, which Cilium replaces and which does not run here"),
        });
    }
}
