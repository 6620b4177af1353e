//! The tables of one host and family, with equal rules of all hosts kept once.
//!
//! A rule is three numbers here: its text, its canonical form with the host's own values folded,
//! and its line. A thousand hosts with the same rules cost the numbers, not the texts.
//!
//! Apart from [`crate::save`] because lines are judged together here: a rule has a place in its
//! chain, a table has an end. It must not know which host it reads.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use crate::canonical::{Fold, canonical};
use crate::literal::{Literals, may_hold_address};
use crate::save::{Counters, Entry, lines};
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

/// The rules of one host and family, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// In the order of the dump.
    pub tables: Vec<Table>,
    /// What could not be read, or is not as it should be.
    pub troubles: Vec<Trouble>,
    /// What the first line of the dump says of the tool.
    pub tool: Option<Tool>,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// `filter`, `nat`, `mangle`, `raw` or `security`.
    pub name: String,
    /// In the order of the dump.
    pub chains: Vec<Chain>,
    by_name: HashMap<u32, usize>,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name, see [`Store::name`].
    pub name: u32,
    /// What happens at its end; none for a chain that users made.
    pub policy: Option<String>,
    /// How often the policy was met.
    pub counters: Option<Counters>,
    /// In order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What stands behind `-A CHAIN`, see [`Store::spec`].
    pub spec: u32,
    /// The canonical form with the host's values folded, see [`Store::form`].
    pub form: u32,
    /// Line of the dump, from 1.
    pub line: u32,
    /// How often it matched.
    pub counters: Option<Counters>,
}

/// What made a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// `1.8.9`
    pub version: String,
    /// `nf_tables` or `legacy`; none where it is not said.
    pub backend: Option<String>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: TroubleKind,
    /// Line of the dump, from 1.
    pub line: u32,
    /// The line, cut to a bearable length.
    pub text: String,
}

/// What is not as it should be in a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TroubleKind {
    /// A table without `COMMIT`: the dump was cut off, rules are missing.
    Cut,
    /// An error message in the place of rules.
    Message,
    /// A table that only `nft` can show.
    Incompatible,
    /// A part of a rule that the tool could not print.
    Unsupported,
    /// A table that was there already; its rules were added to it.
    TableTwice,
    /// A rule of a chain that was not declared.
    Undeclared,
    /// A jump to what is neither a chain nor a target.
    NoTarget,
    /// Bytes that are no UTF-8; they are shown as `�`.
    Encoding,
    /// The other backend has rules too.
    OtherBackend,
}

impl TroubleKind {
    /// What is wrong, as people read it.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Cut => "the table has no `COMMIT`: the dump was cut off and rules are missing",
            Self::Message => "no line of a dump: the tool reports an error",
            Self::Incompatible => "a table that only `nft` can show",
            Self::Unsupported => "the tool on this host cannot print a part of the rule",
            Self::TableTwice => "the table was there already; its rules are read as one table",
            Self::Undeclared => "a rule of a chain that was not declared",
            Self::NoTarget => "a jump to what is neither a chain of this table nor a known target",
            Self::Encoding => "bytes that are no UTF-8, shown as `�`",
            Self::OtherBackend => "the other backend holds rules too",
        }
    }

    /// Whether rules may be missing from what was read.
    pub const fn hides_rules(self) -> bool {
        matches!(self, Self::Cut | Self::Message | Self::Incompatible)
    }
}

/// Characters of a line that a trouble quotes at most.
const QUOTED: usize = 200;
/// Troubles of one kind that are kept of one dump: a binary file has many.
const KEPT: usize = 20;

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

impl Chain {
    /// Whether it does anything: has rules, or a policy that drops.
    pub fn counts(&self) -> bool {
        !self.rules.is_empty() || self.policy.as_deref().is_some_and(|policy| policy != "ACCEPT")
    }

    /// Whether the kernel calls it: it has a policy.
    pub const fn is_built_in(&self) -> bool {
        self.policy.is_some()
    }
}

impl Table {
    fn chain(&mut self, name: u32) -> &mut Chain {
        let chains = &mut self.chains;
        let at = *self.by_name.entry(name).or_insert_with(|| {
            chains.push(Chain { name, policy: None, counters: None, rules: Vec::new() });
            chains.len() - 1
        });
        &mut chains[at]
    }

    /// The chain of this name, see [`Store::name_id`].
    pub fn find(&self, name: u32) -> Option<&Chain> {
        self.chains.get(*self.by_name.get(&name)?)
    }

    /// Adds a rule at the end of a chain, which is made if it is not there.
    pub fn push(&mut self, chain: u32, rule: Rule) {
        self.chain(chain).rules.push(rule);
    }
}

impl Ruleset {
    /// The place of a table, which is made if it is not there.
    fn table(&mut self, name: &str) -> usize {
        self.tables.iter().position(|table| table.name == name).unwrap_or_else(|| {
            self.tables.push(Table { name: name.to_owned(), ..Table::default() });
            self.tables.len() - 1
        })
    }

    /// A table by name, which is made if it is not there.
    pub fn table_mut(&mut self, name: &str) -> &mut Table {
        let at = self.table(name);
        &mut self.tables[at]
    }

    /// A table by name.
    pub fn find(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// How many rules there are.
    pub fn n_rules(&self) -> usize {
        self.tables.iter().flat_map(|table| &table.chains).map(|chain| chain.rules.len()).sum()
    }

    /// Whether rules may be missing from what was read.
    pub fn is_partial(&self) -> bool {
        self.troubles.iter().any(|trouble| trouble.kind.hides_rules())
    }

    /// Adds a trouble; of each kind the first ones are kept.
    pub fn trouble(&mut self, kind: TroubleKind, line: u32, text: &str) {
        if self.troubles.iter().filter(|known| known.kind == kind).count() >= KEPT {
            return;
        }
        let text = text.trim();
        let end = text.char_indices().nth(QUOTED).map_or(text.len(), |(at, _)| at);
        self.troubles.push(Trouble { kind, line, text: text[..end].to_owned() });
    }

    /// Adds what the tool said beside the dump, on its other output.
    pub fn warnings(&mut self, text: &str) {
        for line in text.lines() {
            self.comment(line.trim_start_matches(['#', ' ']), 0, line);
        }
    }

    fn comment(&mut self, comment: &str, number: u32, line: &str) {
        if comment.contains("is incompatible, use 'nft' tool") {
            self.trouble(TroubleKind::Incompatible, number, line);
        } else if comment.contains("tables present, use") {
            self.trouble(TroubleKind::OtherBackend, number, line);
        } else if self.tool.is_none() && comment.contains("Generated by") {
            self.tool = tool(comment);
        }
    }
}

/// Reads ` Generated by iptables-save v1.8.9 (nf_tables) on …`, or what `--version` prints.
pub fn tool(text: &str) -> Option<Tool> {
    let mut words = text.split_whitespace().skip_while(|word| {
        !(word.starts_with('v') && word[1..].starts_with(|first: char| first.is_ascii_digit()))
    });
    let version = words.next()?[1..].to_owned();
    let backend = words.next().and_then(|word| word.strip_prefix('(')?.strip_suffix(')'));
    Some(Tool { version, backend: backend.map(str::to_owned) })
}

/// What a tool printed as text; bytes that are no UTF-8 become `�` and the first line with one is
/// told.
pub fn decode(bytes: &[u8]) -> (Cow<'_, str>, Option<Trouble>) {
    let Err(error) = std::str::from_utf8(bytes) else {
        return (String::from_utf8_lossy(bytes), None);
    };
    let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count();
    let text = String::from_utf8_lossy(bytes);
    let mut told = Ruleset::default();
    let quoted = text.lines().nth(line).unwrap_or_default().to_owned();
    told.trouble(TroubleKind::Encoding, u32::try_from(line + 1).unwrap_or(u32::MAX), &quoted);
    (text, told.troubles.pop())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Store, Ruleset) {
        let mut store = Store::new(Fold::Names);
        let set = store.read(text, &Literals::default(), None);
        (store, set)
    }

    fn kinds(text: &str) -> Vec<(TroubleKind, u32)> {
        read(text).1.troubles.iter().map(|trouble| (trouble.kind, trouble.line)).collect()
    }

    const SMALL: &str = "# Generated by iptables-save v1.8.9 (nf_tables) on Mon Nov 23\n*filter\n\
        :INPUT DROP [1:2]\n:MINE - [0:0]\n[3:4] -A INPUT -s 10.0.0.1/32 -j MINE\n\
        -A MINE -j RETURN\nCOMMIT\n";

    #[test]
    fn tables_chains_and_rules_are_read_in_order() {
        let (store, set) = read(SMALL);
        assert_eq!(set.troubles, []);
        let tool = set.tool.clone().unwrap();
        assert_eq!((tool.version.as_str(), tool.backend.as_deref()), ("1.8.9", Some("nf_tables")));
        let input = set.find("filter").unwrap().find(store.name_id("INPUT").unwrap()).unwrap();
        assert_eq!(input.policy.as_deref(), Some("DROP"));
        let rule = input.rules[0];
        assert_eq!(rule.counters, Some(Counters { packets: 3, bytes: 4 }));
        assert_eq!(rule.line, 5);
        assert_eq!(store.line(input.name, rule), "-A INPUT -s 10.0.0.1/32 -j MINE");
        assert_eq!(store.form(rule), "-s 10.0.0.1 -j MINE");
        assert_eq!(set.n_rules(), 2);
    }

    #[test]
    fn bad_input_is_told_and_the_rest_is_kept() {
        use TroubleKind::{
            Cut, Incompatible, Message, NoTarget, OtherBackend, TableTwice, Undeclared, Unsupported,
        };
        for (text, expected) in [
            ("", vec![]),
            (SMALL, vec![]),
            ("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\n", vec![(Cut, 3)]),
            ("*filter\n*nat\nCOMMIT\n", vec![(Cut, 2)]),
            ("*filter\nCOMMIT\n*filter\nCOMMIT\n", vec![(TableTwice, 3)]),
            ("*filter\n-A MINE -j DROP\nCOMMIT\n", vec![(Undeclared, 2)]),
            ("*filter\n:A - [0:0]\n-A A -j NOWHERE\nCOMMIT\n", vec![(NoTarget, 3)]),
            ("*filter\n:A - [0:0]\n-A A -j UNHEARD --of 1\nCOMMIT\n", vec![]),
            ("-A INPUT -j DROP\n", vec![(Message, 1)]),
            ("bash: iptables-save: command not found\n", vec![(Message, 1)]),
            (
                "iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n",
                vec![(Message, 1)],
            ),
            (
                "Another app is currently holding the xtables lock. Perhaps you want to use the -w option?\n",
                vec![(Message, 1)],
            ),
            ("# Table `nat' is incompatible, use 'nft' tool.\n", vec![(Incompatible, 1)]),
            (
                "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n",
                vec![(OtherBackend, 1)],
            ),
            (
                "*raw\n:A - [0:0]\n-A A -m conntrack [unsupported revision] -j DROP\nCOMMIT\n",
                vec![(Unsupported, 3)],
            ),
        ] {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }

    #[test]
    fn warnings_beside_a_dump_are_told() {
        let mut set = read(SMALL).1;
        set.warnings(
            "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n",
        );
        assert_eq!(set.troubles[0].kind, TroubleKind::OtherBackend);
        set.warnings("websocket: discarding message\n");
        assert_eq!(set.troubles.len(), 1);
    }

    #[test]
    fn line_ends_of_windows_change_nothing() {
        let (store, set) = read(SMALL);
        let (other, carried) = read(&SMALL.replace('\n', "\r\n"));
        assert_eq!(store.fingerprint(&set), other.fingerprint(&carried));
        assert_eq!(carried.troubles, []);
    }

    #[test]
    fn a_table_twice_is_read_as_one() {
        let (_, set) = read(
            "*filter\n:A - [0:0]\n-A A -j DROP\nCOMMIT\n*filter\n:A - [0:0]\n-A A -j ACCEPT\nCOMMIT\n",
        );
        assert_eq!(set.tables.len(), 1);
        assert_eq!(set.tables[0].chains[0].rules.len(), 2);
    }

    #[test]
    fn listed_tables_are_read_with_their_name() {
        let mut store = Store::new(Fold::Names);
        let text = "-P INPUT DROP\n-N MINE\n-A INPUT -j MINE\n";
        let set = store.read(text, &Literals::default(), Some("filter"));
        assert_eq!(set.troubles, []);
        assert_eq!(set.tables[0].chains[0].policy.as_deref(), Some("DROP"));
        assert_eq!(set.n_rules(), 1);
    }

    #[test]
    fn counters_and_orders_of_chains_and_empty_chains_do_not_count() {
        let mut store = Store::new(Fold::Names);
        let mut print = |text: &str| {
            let set = store.read(text, &Literals::default(), None);
            store.fingerprint(&set)
        };
        let base = print("*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -j DROP\nCOMMIT\n");
        let other = "*nat\n:PREROUTING ACCEPT [9:9]\nCOMMIT\n*filter\n:C - [0:0]\n:B - [0:0]\n\
                     :A - [0:0]\n[1:1] -A B -j DROP\n[2:2] -A A -j B\nCOMMIT\n";
        assert_eq!(base, print(other));
        for other in [
            "*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -j ACCEPT\nCOMMIT\n",
            "*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\nCOMMIT\n",
            "*raw\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -j DROP\nCOMMIT\n",
            "*filter\n:INPUT DROP [0:0]\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -j DROP\nCOMMIT\n",
        ] {
            assert_ne!(base, print(other), "{other}");
        }
        let order = print("*filter\n:A - [0:0]\n-A A -j DROP\n-A A -j ACCEPT\nCOMMIT\n");
        assert_ne!(order, print("*filter\n:A - [0:0]\n-A A -j ACCEPT\n-A A -j DROP\nCOMMIT\n"));
    }

    #[test]
    fn services_of_kube_proxy_may_come_in_any_order() {
        let mut store = Store::new(Fold::Names);
        let head = ":KUBE-SERVICES - [0:0]\n:KUBE-SVC-A - [0:0]\n:KUBE-SVC-B - [0:0]\n:KUBE-NODEPORTS - [0:0]\n";
        let mut print = |rules: &str| {
            let text = format!("*nat\n{head}{rules}COMMIT\n");
            let set = store.read(&text, &Literals::default(), None);
            store.fingerprint(&set)
        };
        let (a, b, last) = (
            "-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-A\n",
            "-A KUBE-SERVICES -d 10.96.0.2/32 -j KUBE-SVC-B\n",
            "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n",
        );
        let base = print(&format!("{a}{b}{last}"));
        assert_eq!(base, print(&format!("{b}{a}{last}")));
        assert_ne!(base, print(&format!("{a}{last}")));
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_line() {
        let (text, trouble) = decode(b"*filter\n-A A -m comment --comment \"\xff\"\nCOMMIT\n");
        assert!(text.contains('\u{fffd}'));
        let trouble = trouble.unwrap();
        assert_eq!((trouble.kind, trouble.line), (TroubleKind::Encoding, 2));
        assert_eq!(decode(b"*filter\n").1, None);
    }

    #[test]
    fn long_lines_and_many_rules_are_read() {
        let long = "x".repeat(1 << 20);
        let text =
            format!("*filter\n:A - [0:0]\n-A A -m comment --comment \"{long}\" -j DROP\nCOMMIT\n");
        assert_eq!(read(&text).1.n_rules(), 1);
        let rules = (0..100_000)
            .map(|port| format!("-A A -p tcp --dport {port} -j DROP\n"))
            .collect::<Vec<String>>()
            .concat();
        assert_eq!(read(&format!("*filter\n:A - [0:0]\n{rules}COMMIT\n")).1.n_rules(), 100_000);
        let error = read(&long).1;
        assert_eq!(error.troubles[0].text.len(), 200);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(
            text in "([*:\\[\\]#A-C0-9 \"\\\\é-]{0,12}\n|COMMIT\n|\\*filter\n|:A - \\[0:0\\]\n|-A A -j A\n|-P A DROP\n|-N B\n){0,12}",
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let (store, set) = read(&text);
            store.fingerprint(&set);
            let (decoded, _) = decode(&bytes);
            read(&decoded);
        }
    }
}
