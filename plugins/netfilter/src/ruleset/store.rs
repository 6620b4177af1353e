//! Everything that hosts have in common: the texts of their rules, each once, and reading a dump
//! into numbers of them.
//!
//! Apart from the records because those only refer to texts. It must not know which host it
//! reads.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use super::{Chain, Rule, Ruleset, Table, TroubleKind};
use crate::canonical::{Fold, canonical};
use crate::literal::{Literals, may_hold_address};
use crate::save::{Entry, lines};
use crate::spec;

/// Texts, each once; a text is its number.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    texts: Vec<Rc<str>>,
    ids: HashMap<Rc<str>, u32>,
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
}

/// Everything that hosts have in common: the texts of their rules.
#[derive(Clone, Debug, Default)]
pub struct Store {
    specs: Interner,
    forms: Interner,
    names: Interner,
    /// For each of `specs`: its form, and whether values of hosts may be in it.
    form_of: Vec<(u32, bool)>,
    fold: Fold,
}

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
        let (id, is_new) = self.specs.add(spec);
        if is_new {
            let form = canonical(spec, self.fold);
            let may_differ = self.fold == Fold::Names && may_hold_address(&form);
            let (form, _) = self.forms.add(&form);
            self.form_of.push((form, may_differ));
        }
        let (form, may_differ) = self.form_of[id as usize];
        if !may_differ || literals.is_empty() {
            return (id, form);
        }
        let text = self.forms.texts[form as usize].clone();
        match literals.fold(&text) {
            Cow::Borrowed(_) => (id, form),
            Cow::Owned(folded) => (id, self.forms.add(&folded).0),
        }
    }

    /// Reads a dump of one host and family.
    ///
    /// - Shape: `iptables-save`, with or without `-c`. `iptables -t TABLE -S` is read as well,
    ///   with the table's name given.
    /// - Errors: never fails; what is not understood becomes a [`Trouble`] and the rest is kept.
    /// - Source: iptables 1.8.9, both backends; `tests/dumps`.
    pub fn read(&mut self, text: &str, literals: &Literals, listed: Option<&str>) -> Ruleset {
        let mut set = Ruleset::default();
        let mut open: Option<usize> = None;
        if let Some(name) = listed {
            open = Some(set.table(name));
        }
        let mut last_chain: Option<(&str, usize)> = None;
        let mut number = 0;
        let mut last_line = "";
        for line in lines(text) {
            number += 1;
            last_line = line.text;
            match line.entry {
                Entry::Blank => {}
                Entry::Comment(comment) => set.comment(comment, number, line.text),
                Entry::Table(name) => {
                    if open.is_some() && listed.is_none() {
                        set.trouble(TroubleKind::Cut, number, line.text);
                    }
                    if set.tables.iter().any(|table| table.name == name) {
                        set.trouble(TroubleKind::TableTwice, number, line.text);
                    }
                    open = Some(set.table(name));
                    last_chain = None;
                }
                Entry::Commit => open = None,
                Entry::Foreign(text) => {
                    let kind = if text.contains("is incompatible, use 'nft' tool") {
                        TroubleKind::Incompatible
                    } else {
                        TroubleKind::Message
                    };
                    set.trouble(kind, number, text);
                }
                Entry::Chain { name, policy, counters } => {
                    let Some(table) = open.and_then(|at| set.tables.get_mut(at)) else {
                        set.trouble(TroubleKind::Message, number, line.text);
                        continue;
                    };
                    let name = self.names.add(name).0;
                    let chain = table.chain(name);
                    chain.policy = (policy != "-").then(|| policy.to_owned());
                    chain.counters = counters;
                }
                Entry::Policy { chain, policy } => {
                    let Some(table) = open.and_then(|at| set.tables.get_mut(at)) else {
                        set.trouble(TroubleKind::Message, number, line.text);
                        continue;
                    };
                    let name = self.names.add(chain).0;
                    table.chain(name).policy = Some(policy.to_owned());
                }
                Entry::NewChain(name) => {
                    let Some(table) = open.and_then(|at| set.tables.get_mut(at)) else {
                        set.trouble(TroubleKind::Message, number, line.text);
                        continue;
                    };
                    let name = self.names.add(name).0;
                    table.chain(name);
                }
                Entry::Rule { counters, chain, spec } => {
                    let Some(table) = open.and_then(|at| set.tables.get_mut(at)) else {
                        set.trouble(TroubleKind::Message, number, line.text);
                        continue;
                    };
                    let (spec_id, form) = self.rule_ids(spec, literals);
                    let rule = Rule { spec: spec_id, form, line: number, counters };
                    let at = match last_chain {
                        Some((name, at)) if name == chain => at,
                        _ => {
                            let name = self.names.add(chain).0;
                            let is_declared = table.by_name.contains_key(&name);
                            table.chain(name);
                            let at = table.by_name[&name];
                            if !is_declared {
                                set.trouble(TroubleKind::Undeclared, number, line.text);
                            }
                            last_chain = Some((chain, at));
                            at
                        }
                    };
                    if spec.contains("[unsupported revision]") {
                        set.trouble(TroubleKind::Unsupported, number, line.text);
                    }
                    if let Some(table) = open.and_then(|at| set.tables.get_mut(at)) {
                        table.chains[at].rules.push(rule);
                    }
                }
            }
        }
        if open.is_some() && listed.is_none() {
            set.trouble(TroubleKind::Cut, number, last_line);
        }
        self.check_targets(&mut set);
        set
    }

    /// Tells jumps that lead nowhere.
    fn check_targets(&self, set: &mut Ruleset) {
        // Most rules of a host are jumps to few chains or to many; each text is judged once.
        let mut known: HashMap<u32, Option<u32>> = HashMap::new();
        let mut lost = Vec::new();
        for table in &set.tables {
            for chain in &table.chains {
                for rule in &chain.rules {
                    let target = *known.entry(rule.spec).or_insert_with(|| {
                        let target = spec::target(self.spec(*rule))?;
                        let is_last = self.spec(*rule).ends_with(target);
                        if TARGETS.contains(&target) || !is_last {
                            return None;
                        }
                        // A name that no chain has gets a number that none has.
                        Some(self.name_id(target).unwrap_or(u32::MAX))
                    });
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

    /// The rules of a chain in the order in which they are compared: as they are, but for those
    /// of `KUBE-SERVICES`, of which each concerns other packets, so that kube-proxy writes them
    /// as they come.
    pub fn compared(&self, chain: &Chain) -> Vec<Rule> {
        let mut rules = chain.rules.clone();
        if self.name(chain.name) == "KUBE-SERVICES" {
            let is_of_service = |rule: &Rule| {
                spec::target(self.spec(*rule)).is_some_and(|target| {
                    target.starts_with("KUBE-SVC-") || target.starts_with("KUBE-FW-")
                })
            };
            rules.sort_by_cached_key(|rule| {
                // What concerns all keeps its place behind them.
                if is_of_service(rule) {
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
                if self.name(chain.name) == "KUBE-SERVICES" {
                    print.extend(self.compared(chain).iter().map(|rule| rule.form));
                } else {
                    print.extend(chain.rules.iter().map(|rule| rule.form));
                }
                print.push(END);
            }
            print.push(END);
        }
        print
    }
}
