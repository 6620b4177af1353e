//! The tables of one host and family, with equal rules of all hosts kept once.
//!
//! A rule is three numbers here: its text, its canonical form with the host's own values folded,
//! and its line. A thousand hosts with the same rules cost the numbers, not the texts.
//!
//! Apart from [`crate::save`] because lines are judged together here: a rule has a place in its
//! chain, a table has an end. It must not know which host it reads.

mod store;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::rc::Rc;

use rustc_hash::FxHashMap;
pub use store::{Interner, Store};

use crate::save::Counters;

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
    by_name: FxHashMap<u32, u32>,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name, see [`Store::name`].
    pub name: u32,
    /// What happens at its end; none for a chain that users made.
    pub policy: Option<Rc<str>>,
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
    /// Only nft could be asked.
    OnlyNft,
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
            Self::OnlyNft => "read from nft, which knows only the names of iptables' extensions",
        }
    }

    /// Whether rules, or parts of them, may be missing from what was read.
    pub const fn hides_rules(self) -> bool {
        matches!(self, Self::Cut | Self::Message | Self::Incompatible | Self::OnlyNft)
    }
}

/// A dump that is being read: the table that is open, and the rules of the chain that was last.
///
/// Rules of a chain stand together in a dump, so that its list is made once and no larger than it
/// has to be: a thousand hosts have half a million chains of one or two rules.
#[derive(Debug, Default)]
struct Reading {
    set: Ruleset,
    open: Option<usize>,
    /// The chain that was declared last.
    last_name: Option<u32>,
    /// The chain that has the last rules, and its place.
    chain: Option<(u32, usize)>,
    rules: Vec<Rule>,
}

impl Reading {
    const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn open(&mut self, table: &str) {
        self.close();
        self.open = Some(self.set.table(table));
    }

    fn close(&mut self) {
        self.flush();
        self.open = None;
    }

    /// A chain of the open table.
    fn chain(&mut self, name: u32) -> &mut Chain {
        self.last_name = Some(name);
        let at = self.open.unwrap_or_default();
        self.set.tables[at].chain(name)
    }

    /// Adds a rule to a chain of the open table; whether the chain was there.
    fn rule(&mut self, chain: u32, rule: Rule) -> bool {
        let mut is_declared = true;
        if self.chain.is_none_or(|(last, _)| last != chain) {
            self.flush();
            let at = self.open.unwrap_or_default();
            let place;
            (place, is_declared) = self.set.tables[at].place(chain);
            self.chain = Some((chain, place));
        }
        self.rules.push(rule);
        is_declared
    }

    fn flush(&mut self) {
        if let (Some(at), Some((_, place))) = (self.open, self.chain.take()) {
            let rules = &mut self.set.tables[at].chains[place].rules;
            if rules.is_empty() {
                rules.reserve_exact(self.rules.len());
            }
            rules.append(&mut self.rules);
        }
    }
}

/// Characters of a line that a trouble quotes at most.
const QUOTED: usize = 200;
/// Troubles of one kind that are kept of one dump: a binary file has many.
const KEPT: usize = 20;

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
        let at = self.place(name).0;
        &mut self.chains[at]
    }

    /// The place of a chain, which is made if it is not there; whether it was there.
    fn place(&mut self, name: u32) -> (usize, bool) {
        let chains = &mut self.chains;
        let n_chains = chains.len();
        // More than 4 · 10⁹ chains do not fit into memory.
        let new = u32::try_from(n_chains).unwrap_or(u32::MAX);
        let at = *self.by_name.entry(name).or_insert_with(|| {
            chains.push(Chain { name, policy: None, counters: None, rules: Vec::new() });
            new
        });
        (at as usize, at != new)
    }

    /// The chain of this name, see [`Store::name_id`].
    pub fn find(&self, name: u32) -> Option<&Chain> {
        self.chains.get(*self.by_name.get(&name)? as usize)
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
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return (Cow::Borrowed(text), None),
        Err(error) => error,
    };
    let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count();
    let text = String::from_utf8_lossy(bytes);
    let mut told = Ruleset::default();
    let quoted = text.lines().nth(line).unwrap_or_default().to_owned();
    told.trouble(TroubleKind::Encoding, u32::try_from(line + 1).unwrap_or(u32::MAX), &quoted);
    (text, told.troubles.pop())
}
