//! Everything that hosts have in common: the texts of their rules, each once, and reading a dump
//! into numbers of them.
//!
//! Apart from the records because those only refer to texts. It must not know which host it
//! reads.

use std::borrow::Cow;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Chain, Reading, Rule, Ruleset, Table, TroubleKind};
use crate::canonical::{Fold, canonical};
use crate::literal::{Literals, own_values};
use crate::save::{Entry, lines};
use crate::spec;

/// Texts, each once; a text is its number.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    texts: Vec<Rc<str>>,
    ids: FxHashMap<Rc<str>, u32>,
}

impl Interner {
    /// The number of a text; whether it is new.
    fn add(&mut self, text: &str) -> (u32, bool) {
        if let Some(id) = self.ids.get(text) {
            return (*id, false);
        }
        // More than 4 · 10⁹ different texts do not fit into memory.
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let text: Rc<str> = text.into();
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        (id, true)
    }

    fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }

    /// Whether a number is that of a text.
    fn is(&self, id: u32, text: &str) -> bool {
        self.texts.get(id as usize).is_some_and(|known| same(known.as_bytes(), text.as_bytes()))
    }
}

/// Everything that hosts have in common: the texts of their rules.
#[derive(Clone, Debug, Default)]
pub struct Store {
    specs: Interner,
    forms: Interner,
    names: Interner,
    policies: Interner,
    /// For each of `specs` what does not depend on the host.
    known: Vec<Spec>,
    /// Words of rules that could be a host's own, and the values of hosts.
    values: Interner,
    script: Script,
    fold: Fold,
}

/// What is known of the text of a rule.
#[derive(Clone, Debug)]
struct Spec {
    form: u32,
    /// Those of `values` in it.
    values: Box<[u32]>,
    /// The chain that it leads to; none where the target is the kernel's.
    target: Option<u32>,
    is_unsupported: bool,
}

/// Which rule came behind which: nearly every rule of one host is one of all others, at nearly the
/// same place, so that it is compared with the one that came there before and not looked up.
#[derive(Clone, Debug, Default)]
struct Script {
    steps: Vec<Step>,
    places: FxHashMap<(u32, u32), u32>,
    /// The step with which the last dump began.
    first: u32,
    /// The step that was read last of this dump.
    last: Option<u32>,
}

/// A rule in its chain.
#[derive(Clone, Copy, Debug)]
struct Step {
    chain: u32,
    spec: u32,
    /// The step that came behind it the last time.
    next: u32,
}

impl Script {
    /// The step that is likely to come.
    fn expected(&self) -> Option<(u32, Step)> {
        let at = self.last.map_or(self.first, |last| self.steps[last as usize].next);
        Some((at, *self.steps.get(at as usize)?))
    }

    /// Remembers a step that was not expected.
    fn learn(&mut self, chain: u32, spec: u32) {
        let new = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        let at = *self.places.entry((chain, spec)).or_insert(new);
        if at == new {
            self.steps.push(Step { chain, spec, next: new.saturating_add(1) });
        }
        match self.last {
            Some(last) => self.steps[last as usize].next = at,
            None => self.first = at,
        }
        self.last = Some(at);
    }
}

/// Eight bytes at a time: the comparison of the C library that components have goes byte by byte.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (ones, one_rest) = one.as_chunks::<8>();
    let (others, other_rest) = other.as_chunks::<8>();
    ones.iter().zip(others).all(|(a, b)| a == b)
        && one_rest.iter().zip(other_rest).all(|(a, b)| a == b)
}

/// kube-proxy's chain with a rule or more for each Service.
const KUBE_SERVICES: &str = "KUBE-SERVICES";

/// Targets of the kernel, for telling them from chains.
const TARGETS: [&str; 50] = [
    "ACCEPT",
    "DROP",
    "RETURN",
    "QUEUE",
    "REJECT",
    "LOG",
    "MARK",
    "CONNMARK",
    "DNAT",
    "SNAT",
    "MASQUERADE",
    "REDIRECT",
    "NETMAP",
    "CT",
    "NOTRACK",
    "TPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TOS",
    "DSCP",
    "ECN",
    "HL",
    "TTL",
    "NFLOG",
    "NFQUEUE",
    "ULOG",
    "TRACE",
    "TEE",
    "SET",
    "CLASSIFY",
    "CLUSTERIP",
    "CHECKSUM",
    "AUDIT",
    "HMARK",
    "IDLETIMER",
    "LED",
    "MIRROR",
    "RATEEST",
    "SAME",
    "SECMARK",
    "CONNSECMARK",
    "SYNPROXY",
    "DNPT",
    "SNPT",
    "NFACCT",
    "ACCOUNT",
    "DELUDE",
    "TARPIT",
    "SYSRQ",
    "ECHO",
];

impl Store {
    /// An empty store.
    pub fn new(fold: Fold) -> Self {
        Self { fold, ..Self::default() }
    }

    /// A chain's name.
    pub fn name(&self, id: u32) -> &str {
        self.names.text(id)
    }

    /// The number of a chain's name, if any host has such a chain.
    pub fn name_id(&self, name: &str) -> Option<u32> {
        self.names.ids.get(name).copied()
    }

    /// What stands behind `-A CHAIN` of a rule, as it was printed.
    pub fn spec(&self, rule: Rule) -> &str {
        self.specs.text(rule.spec)
    }

    /// The canonical form of a rule.
    pub fn form(&self, rule: Rule) -> &str {
        self.forms.text(rule.form)
    }

    /// The canonical form of a number.
    pub fn form_text(&self, form: u32) -> &str {
        self.forms.text(form)
    }

    /// How many different rules there are.
    pub fn n_rules(&self) -> usize {
        self.specs.texts.len()
    }

    /// A rule as it stands in a dump without counters.
    pub fn line(&self, chain: u32, rule: Rule) -> String {
        let (name, spec) = (self.name(chain), self.spec(rule));
        if spec.is_empty() { format!("-A {name}") } else { format!("-A {name} {spec}") }
    }

    /// Adds a rule that is in no dump, such as one that ought to be there.
    pub fn rule(&mut self, spec: &str, literals: &Literals) -> Rule {
        let (spec_id, form) = self.rule_ids(spec, literals);
        Rule { spec: spec_id, form, line: 0, counters: None }
    }

    /// Adds the name of a chain.
    pub fn chain_name(&mut self, name: &str) -> u32 {
        self.names.add(name).0
    }

    fn rule_ids(&mut self, spec: &str, literals: &Literals) -> (u32, u32) {
        let id = self.spec_id(spec);
        let known = &self.known[id as usize];
        if known.values.is_empty() || literals.is_empty() {
            return (id, known.form);
        }
        (id, self.folded(known.form, literals))
    }

    fn spec_id(&mut self, spec: &str) -> u32 {
        let (id, is_new) = self.specs.add(spec);
        if is_new {
            let form = canonical(spec, self.fold);
            let mut values = Vec::new();
            if self.fold == Fold::Names {
                values.extend(own_values(&form).map(|value| self.values.add(value).0));
            }
            let target = spec::target(spec)
                .filter(|target| !TARGETS.contains(target) && spec.ends_with(target))
                .map(|target| self.names.add(target).0);
            self.known.push(Spec {
                form: self.forms.add(&form).0,
                values: values.into(),
                target,
                is_unsupported: spec.contains("[unsupported revision]"),
            });
        }
        id
    }

    /// The number of a form with a host's values folded.
    fn folded(&mut self, form: u32, literals: &Literals) -> u32 {
        let text = self.forms.texts[form as usize].clone();
        match literals.fold(&text) {
            Cow::Borrowed(_) => form,
            Cow::Owned(folded) => self.forms.add(&folded).0,
        }
    }

    /// Reads a dump of one host and family.
    ///
    /// - Shape: `iptables-save`, with or without `-c`. `iptables -t TABLE -S` is read as well,
    ///   with the table's name given.
    /// - Errors: never fails; what is not understood becomes a [`Trouble`](super::Trouble) and the
    ///   rest is kept.
    /// - Source: iptables 1.8.9, both backends; `tests/dumps`.
    pub fn read(&mut self, text: &str, literals: &Literals, listed: Option<&str>) -> Ruleset {
        let mut own: Vec<u32> = literals.values().map(|value| self.values.add(value).0).collect();
        own.sort_unstable();
        self.script.last = None;
        let mut reading = Reading::default();
        if let Some(name) = listed {
            reading.open(name);
        }
        let mut number = 0;
        let mut last_line = "";
        for line in lines(text) {
            number += 1;
            last_line = line.text;
            match line.entry {
                Entry::Rule { counters, chain, spec } if reading.is_open() => {
                    let (chain, spec) = self.step(chain, spec);
                    let known = &self.known[spec as usize];
                    let is_unsupported = known.is_unsupported;
                    let mut form = known.form;
                    if known.values.iter().any(|value| own.contains(value)) {
                        form = self.folded(form, literals);
                    }
                    let rule = Rule { spec, form, line: number, counters };
                    if !reading.rule(chain, rule) {
                        reading.set.trouble(TroubleKind::Undeclared, number, line.text);
                    }
                    if is_unsupported {
                        reading.set.trouble(TroubleKind::Unsupported, number, line.text);
                    }
                }
                Entry::Chain { name, policy, counters } if reading.is_open() => {
                    let name = self.chain_id(name, reading.last_name);
                    let chain = reading.chain(name);
                    chain.policy = (policy != "-").then(|| self.policy(policy));
                    chain.counters = counters;
                }
                Entry::Policy { chain, policy } if reading.is_open() => {
                    let name = self.names.add(chain).0;
                    reading.chain(name).policy = Some(self.policy(policy));
                }
                Entry::NewChain(name) if reading.is_open() => {
                    let name = self.names.add(name).0;
                    reading.chain(name);
                }
                Entry::Rule { .. }
                | Entry::Chain { .. }
                | Entry::Policy { .. }
                | Entry::NewChain(_) => {
                    reading.set.trouble(TroubleKind::Message, number, line.text);
                }
                Entry::Blank => {}
                Entry::Comment(comment) => reading.set.comment(comment, number, line.text),
                Entry::Table(name) => {
                    if reading.is_open() && listed.is_none() {
                        reading.set.trouble(TroubleKind::Cut, number, line.text);
                    }
                    if reading.set.tables.iter().any(|table| table.name == name) {
                        reading.set.trouble(TroubleKind::TableTwice, number, line.text);
                    }
                    reading.open(name);
                }
                Entry::Commit => reading.close(),
                Entry::Foreign(text) => {
                    let kind = if text.contains("is incompatible, use 'nft' tool") {
                        TroubleKind::Incompatible
                    } else {
                        TroubleKind::Message
                    };
                    reading.set.trouble(kind, number, text);
                }
            }
        }
        if reading.is_open() && listed.is_none() {
            reading.set.trouble(TroubleKind::Cut, number, last_line);
        }
        reading.close();
        let mut set = reading.set;
        self.check_targets(&mut set);
        set
    }

    /// The numbers of a rule's chain and text.
    fn step(&mut self, chain: &str, spec: &str) -> (u32, u32) {
        if let Some((at, step)) = self.script.expected()
            && self.names.is(step.chain, chain)
            && self.specs.is(step.spec, spec)
        {
            self.script.last = Some(at);
            return (step.chain, step.spec);
        }
        let (chain, spec) = (self.names.add(chain).0, self.spec_id(spec));
        self.script.learn(chain, spec);
        (chain, spec)
    }

    /// The number of a chain's name. Of dumps in the same order it is the one behind the `last`.
    fn chain_id(&mut self, name: &str, last: Option<u32>) -> u32 {
        let expected = last.map_or(0, |last| last + 1);
        if self.names.is(expected, name) { expected } else { self.names.add(name).0 }
    }

    fn policy(&mut self, policy: &str) -> Rc<str> {
        let (id, _) = self.policies.add(policy);
        self.policies.texts[id as usize].clone()
    }

    /// Tells jumps that lead nowhere.
    fn check_targets(&self, set: &mut Ruleset) {
        let mut lost = Vec::new();
        for table in &set.tables {
            for chain in &table.chains {
                for rule in &chain.rules {
                    let target = self.known[rule.spec as usize].target;
                    if target.is_some_and(|name| !table.by_name.contains_key(&name)) {
                        lost.push((rule.line, self.line(chain.name, *rule)));
                    }
                }
            }
        }
        for (line, text) in lost {
            set.trouble(TroubleKind::NoTarget, line, &text);
        }
    }

    /// The chain that a rule leads to, see [`Store::name`]; none where its target is the kernel's.
    pub fn target(&self, rule: Rule) -> Option<u32> {
        self.known.get(rule.spec as usize)?.target
    }

    /// Whether a rule concerns other packets than those beside it, so that its place says nothing:
    /// kube-proxy writes its rules for Services as they come.
    pub fn is_in_any_order(&self, chain: &Chain, rule: Rule) -> bool {
        self.name(chain.name) == KUBE_SERVICES
            && self.target(rule).is_some_and(|target| {
                let target = self.name(target);
                target.starts_with("KUBE-SVC-") || target.starts_with("KUBE-FW-")
            })
    }

    /// The rules of a chain in the order in which they are compared: as they are, but for those
    /// of `KUBE-SERVICES`, of which each concerns other packets, so that kube-proxy writes them
    /// as they come.
    pub fn compared(&self, chain: &Chain) -> Vec<Rule> {
        let mut rules = chain.rules.clone();
        if self.name(chain.name) == KUBE_SERVICES {
            rules.sort_by_cached_key(|rule| {
                // What concerns all keeps its place behind them.
                if self.is_in_any_order(chain, *rule) {
                    (0, self.form(*rule).to_owned())
                } else {
                    (1, String::new())
                }
            });
        }
        rules
    }

    /// What has to be equal for two hosts to have the same rules: tables in the order of their
    /// names, of each chain that has rules or a policy other than `ACCEPT` the name, the policy
    /// and the forms in order.
    pub fn fingerprint(&self, set: &Ruleset) -> Vec<u32> {
        const END: u32 = u32::MAX;
        let mut tables: Vec<&Table> = set.tables.iter().collect();
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        let mut print = Vec::with_capacity(set.n_rules() + 16);
        for table in tables {
            let mut chains: Vec<&Chain> = table.chains.iter().filter(|it| it.counts()).collect();
            if chains.is_empty() {
                continue;
            }
            print.extend(table.name.bytes().map(u32::from));
            print.push(END);
            chains.sort_by_key(|chain| chain.name);
            for chain in chains {
                print.push(chain.name);
                print.push(match chain.policy.as_deref() {
                    None => 0,
                    Some("ACCEPT") => 1,
                    Some("DROP") => 2,
                    Some(_) => 3,
                });
                let start = print.len();
                print.extend(chain.rules.iter().map(|rule| rule.form));
                if self.name(chain.name) == KUBE_SERVICES {
                    // In any order, if it is the same for all: that of texts costs more.
                    let mut forms: Vec<(bool, u32)> = chain
                        .rules
                        .iter()
                        .map(|rule| (!self.is_in_any_order(chain, *rule), rule.form))
                        .collect();
                    forms.sort_by_key(|(is_last, form)| {
                        (*is_last, if *is_last { 0 } else { *form })
                    });
                    print.truncate(start);
                    print.extend(forms.iter().map(|(_, form)| form));
                }
                print.push(END);
            }
            print.push(END);
        }
        print
    }
}
