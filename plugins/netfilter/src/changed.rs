//! Two hosts' rules, or one host's at two moments: what differs in which chain, and which word.
//!
//! Apart from [`crate::diff`] because here numbers are rules with words again. It must not know
//! whose rules are the base.

use std::collections::BTreeSet;
use std::fmt::Write;

use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, capture_diff_slices};

use crate::diff::{self, Change};
use crate::ruleset::{Chain, Rule, Ruleset, Store, Table};
use crate::spec;

/// One rule in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number in the chain, from 1.
    pub number: usize,
    /// The rule.
    pub rule: Rule,
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A rule that the base lacks.
    Added(Place),
    /// One more of a rule that the base has.
    Duplicated(Place),
    /// A rule that is not here.
    Removed(Place),
    /// The same rule elsewhere in the chain.
    Moved {
        /// In the base.
        base: Place,
        /// Here.
        here: Place,
    },
    /// A rule with other words.
    Changed {
        /// In the base.
        base: Place,
        /// Here.
        here: Place,
    },
    /// What happens at the end of a built-in chain; none where the table is not there, which
    /// accepts.
    Policy {
        /// In the base.
        base: Option<String>,
        /// Here.
        here: Option<String>,
    },
}

impl Kind {
    /// `added`, `removed` …
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Duplicated(_) => "duplicated",
            Self::Removed(_) => "removed",
            Self::Moved { .. } => "moved",
            Self::Changed { .. } => "changed",
            Self::Policy { .. } => "policy",
        }
    }

    /// Where it is in the base.
    pub const fn base(&self) -> Option<Place> {
        match self {
            Self::Removed(place) => Some(*place),
            Self::Moved { base, .. } | Self::Changed { base, .. } => Some(*base),
            _ => None,
        }
    }

    /// Where it is here.
    pub const fn here(&self) -> Option<Place> {
        match self {
            Self::Added(place) | Self::Duplicated(place) => Some(*place),
            Self::Moved { here, .. } | Self::Changed { here, .. } => Some(*here),
            _ => None,
        }
    }
}

/// One difference and its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The chain, see [`Store::name`].
    pub chain: u32,
    /// What differs.
    pub kind: Kind,
}

/// What is different in `here`, by table and chain.
pub fn differences(store: &Store, base: &Ruleset, here: &Ruleset) -> Vec<Difference> {
    let names: BTreeSet<&str> =
        base.tables.iter().chain(&here.tables).map(|table| table.name.as_str()).collect();
    let mut found = Vec::new();
    for name in names {
        let (old, new) = (base.find(name), here.find(name));
        for (chain, old, new) in changed_chains(store, old, new) {
            let of = |kind| Difference { table: name.to_owned(), chain, kind };
            if policy(old) != policy(new) {
                let said = |chain: Option<&Chain>| Some(chain?.policy.as_deref()?.to_owned());
                found.push(of(Kind::Policy { base: said(old), here: said(new) }));
            }
            found.extend(rules(store, old, new).into_iter().map(of));
        }
    }
    found
}

/// A chain's name, and the chain in the base and here.
type Both<'t> = (u32, Option<&'t Chain>, Option<&'t Chain>);

/// The chains of two tables that are not the same, in the order of their names, built-in ones
/// first. Most chains of most hosts are, so that names are compared behind that.
fn changed_chains<'t>(
    store: &Store,
    old: Option<&'t Table>,
    new: Option<&'t Table>,
) -> Vec<Both<'t>> {
    let all = |table: Option<&'t Table>| table.map_or(&[][..], |table| &table.chains);
    let in_both = all(old)
        .iter()
        .map(|chain| (chain.name, Some(chain), new.and_then(|table| table.find(chain.name))));
    let only_new = all(new)
        .iter()
        .filter(|chain| old.is_none_or(|table| table.find(chain.name).is_none()))
        .map(|chain| (chain.name, None, Some(chain)));
    let mut changed: Vec<Both<'t>> = in_both
        .chain(only_new)
        .filter(|(_, old, new)| policy(*old) != policy(*new) || !are_equal(*old, *new))
        .collect();
    changed.sort_by_key(|(name, old, new)| {
        (!old.or(*new).is_some_and(Chain::is_built_in), store.name(*name))
    });
    changed
}

fn are_equal(old: Option<&Chain>, new: Option<&Chain>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => {
            let new = new.rules.iter().map(|rule| rule.form);
            old.rules.iter().map(|rule| rule.form).eq(new)
        }
        (old, new) => old.is_none() && new.is_none(),
    }
}

/// What is not said accepts.
fn policy(chain: Option<&Chain>) -> &str {
    chain.and_then(|chain| chain.policy.as_deref()).unwrap_or("ACCEPT")
}

fn rules(store: &Store, old: Option<&Chain>, new: Option<&Chain>) -> Vec<Kind> {
    let list = |chain: Option<&Chain>| chain.map(|chain| store.compared(chain)).unwrap_or_default();
    let (old_rules, new_rules) = (list(old), list(new));
    let form = |rules: &[Rule]| rules.iter().map(|rule| rule.form).collect::<Vec<u32>>();
    let (old_forms, new_forms) = (form(&old_rules), form(&new_rules));
    // Compared rules may stand in another order; people count as the host prints.
    let place = |chain: Option<&Chain>, rule: Rule| Place {
        number: chain
            .and_then(|chain| {
                chain.rules.iter().position(|it| it.line == rule.line && it.form == rule.form)
            })
            .map_or(0, |at| at + 1),
        rule,
    };
    let changes = diff::changes(&old_forms, &new_forms, |one, other| {
        are_alike(store.form(old_rules[one]), store.form(new_rules[other]))
    });
    let changes = changes.into_iter().map(|change| match change {
        Change::Added { new: at } if old_forms.contains(&new_forms[at]) => {
            Kind::Duplicated(place(new, new_rules[at]))
        }
        Change::Added { new: at } => Kind::Added(place(new, new_rules[at])),
        Change::Removed { old: at } => Kind::Removed(place(old, old_rules[at])),
        Change::Moved { old: from, new: to } => {
            Kind::Moved { base: place(old, old_rules[from]), here: place(new, new_rules[to]) }
        }
        Change::Changed { old: from, new: to } => {
            Kind::Changed { base: place(old, old_rules[from]), here: place(new, new_rules[to]) }
        }
    });
    changes.collect()
}

/// Whether one rule could be the other one with a word changed: the same comment, or most words
/// the same.
fn are_alike(one: &str, other: &str) -> bool {
    let (old, new) = (spec::comment(one), spec::comment(other));
    if old.is_some() && new.is_some() {
        return old == new;
    }
    let words: Vec<&str> = one.split(' ').collect();
    let others: Vec<&str> = other.split(' ').collect();
    let mut left = others.clone();
    let mut n_same = 0;
    for word in &words {
        if let Some(at) = left.iter().position(|it| it == word) {
            left.swap_remove(at);
            n_same += 1;
        }
    }
    n_same * 3 >= words.len().max(others.len()) * 2
}

/// Which words differ: `--mark 0x200/0xf00 → --mark 0x300/0xf00`.
pub fn words_changed(old: &str, new: &str) -> String {
    let old: Vec<&str> = spec::words(old).map(|word| word.raw).collect();
    let new: Vec<&str> = spec::words(new).map(|word| word.raw).collect();
    let mut text = String::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (gone, come) = (with_option(&old, op.old_range()), with_option(&new, op.new_range()));
        if !text.is_empty() {
            text.push_str(", ");
        }
        let shown = |words: String| if words.is_empty() { "nothing".to_owned() } else { words };
        let _ = write!(text, "{} → {}", shown(gone), shown(come));
    }
    text
}

/// The words, with the option in front of them that they are values of.
fn with_option(words: &[&str], range: std::ops::Range<usize>) -> String {
    let mut start = range.start;
    let is_value = words.get(start).is_some_and(|word| !word.starts_with('-'));
    if is_value && !range.is_empty() && start > 0 && words[start - 1].starts_with('-') {
        start -= 1;
    }
    words[start..range.end].join(" ")
}

/// Lines of equal rules around a difference.
const CONTEXT: usize = 3;

/// The differences as `diff -u` prints them, of canonical rules, table by table; empty where there
/// are none.
pub fn unified(store: &Store, base: (&str, &Ruleset), here: (&str, &Ruleset)) -> String {
    let (old, new) = (text(store, base.1), text(store, here.1));
    if old == new {
        return String::new();
    }
    let diff =
        TextDiff::configure().timeout(std::time::Duration::from_secs(5)).diff_lines(&old, &new);
    // A diff without its labels is no diff for the tools that read one.
    let mut text = format!("--- {}\n+++ {}\n", base.0, here.0);
    let mut unified = diff.unified_diff();
    unified.context_radius(CONTEXT);
    for hunk in unified.iter_hunks() {
        let _ = writeln!(text, "{}", hunk.header());
        for change in hunk.iter_changes() {
            let mark = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = writeln!(text, "{mark}{}", change.value().trim_end_matches('\n'));
        }
    }
    text
}

/// The rules in canonical form as a dump: tables and chains in the order of their names.
pub fn text(store: &Store, set: &Ruleset) -> String {
    let mut tables: Vec<&Table> = set.tables.iter().collect();
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    let mut text = String::new();
    for table in tables {
        let mut chains: Vec<&Chain> = table.chains.iter().filter(|chain| chain.counts()).collect();
        chains.sort_by_key(|chain| (!chain.is_built_in(), store.name(chain.name)));
        if chains.is_empty() {
            continue;
        }
        let _ = writeln!(text, "*{}", table.name);
        for chain in &chains {
            let policy = chain.policy.as_deref().unwrap_or("-");
            let _ = writeln!(text, ":{} {policy}", store.name(chain.name));
        }
        for chain in chains {
            for rule in store.compared(chain) {
                let _ = writeln!(text, "-A {} {}", store.name(chain.name), store.form(rule));
            }
        }
        text.push_str("COMMIT\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::canonical::Fold;
    use crate::literal::Literals;

    const BASE: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:C - [0:0]\n\
        -A INPUT -m comment --comment \"one\" -j C\n\
        -A INPUT -s 10.0.0.1/32 -j ACCEPT\n\
        -A INPUT -s 10.0.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT\n\
        -A C -m mark --mark 0x200/0xf00 -m comment --comment \"mark it\" -j ACCEPT\nCOMMIT\n";

    fn check(change: impl Fn(&str) -> String, expected: &[&str]) {
        let mut store = Store::new(Fold::Names);
        let base = store.read(BASE, &Literals::default(), None);
        let here = store.read(&change(BASE), &Literals::default(), None);
        let found: Vec<String> = differences(&store, &base, &here)
            .iter()
            .map(|it| {
                let number = |place: Option<Place>| place.map_or(0, |place| place.number);
                let (base, here) = (number(it.kind.base()), number(it.kind.here()));
                format!("{} {} {} {base} {here}", it.table, store.name(it.chain), it.kind.word())
            })
            .collect();
        assert_eq!(found, expected);
        let unified = unified(&store, ("base", &base), ("here", &here));
        assert_eq!(unified.is_empty(), expected.is_empty(), "{unified}");
    }

    #[test]
    fn every_kind_of_difference_has_its_name_and_place() {
        check(str::to_owned, &[]);
        check(
            |text| text.replace("-A INPUT -s 10.0.0.1/32 -j ACCEPT\n", ""),
            &["filter INPUT removed 2 0"],
        );
        check(
            |text| {
                text.replace(
                    "-A INPUT -s 10.0.0.1/32",
                    "-A INPUT -s 10.0.0.9/32 -j DROP\n-A INPUT -s 10.0.0.1/32",
                )
            },
            &["filter INPUT added 0 2"],
        );
        check(
            |text| text.replace("COMMIT", "-A INPUT -m comment --comment \"one\" -j C\nCOMMIT"),
            &["filter INPUT duplicated 0 4"],
        );
        check(
            |text| {
                let rule = "-A INPUT -m comment --comment \"one\" -j C\n";
                text.replace(rule, "").replace("COMMIT", &format!("{rule}COMMIT"))
            },
            &["filter INPUT moved 1 3"],
        );
        check(|text| text.replace("0x200/0xf00", "0x300/0xf00"), &["filter C changed 1 1"]);
        check(
            |text| text.replace("FORWARD ACCEPT", "FORWARD DROP"),
            &["filter FORWARD policy 0 0"],
        );
        check(
            |text| text.replace("filter", "raw"),
            &[
                "filter INPUT removed 1 0",
                "filter INPUT removed 2 0",
                "filter INPUT removed 3 0",
                "filter C removed 1 0",
                "raw INPUT added 0 1",
                "raw INPUT added 0 2",
                "raw INPUT added 0 3",
                "raw C added 0 1",
            ],
        );
    }

    #[test]
    fn the_word_is_named() {
        let (old, new) = (
            "-s 10.0.0.1 -m mark --mark 0x200/0xf00 -j ACCEPT",
            "-s 10.0.0.1 -m mark --mark 0x300/0xf00 -j DROP",
        );
        assert_eq!(
            words_changed(old, new),
            "--mark 0x200/0xf00 → --mark 0x300/0xf00, -j ACCEPT → -j DROP"
        );
        assert_eq!(words_changed("-j X", "-s 10.0.0.1 -j X"), "nothing → -s 10.0.0.1");
        assert_eq!(words_changed("-j X", "-j X"), "");
    }

    #[test]
    fn a_unified_diff_has_labels_and_hunks() {
        let mut store = Store::new(Fold::Names);
        let base = store.read(BASE, &Literals::default(), None);
        let text = BASE.replace("10.0.0.1/32", "10.0.0.9");
        let here = store.read(&text, &Literals::default(), None);
        assert_eq!(
            unified(&store, ("k8s-w1", &base), ("k8s-w0", &here)),
            "--- k8s-w1\n+++ k8s-w0\n@@ -2,7 +2,7 @@\n :INPUT ACCEPT\n :C -\n\
             \x20-A INPUT -m comment --comment one -j C\n\
             --A INPUT -s 10.0.0.1 -j ACCEPT\n+-A INPUT -s 10.0.0.9 -j ACCEPT\n\
             \x20-A INPUT -s 10.0.0.2 -p tcp -m tcp --dport 80 -j ACCEPT\n\
             \x20-A C -m mark --mark 0x200/0xf00 -m comment --comment \"mark it\" -j ACCEPT\n COMMIT\n"
        );
    }

    proptest! {
        #[test]
        fn equal_prints_have_no_differences_and_others_have(
            one in prop::collection::vec(0u8..5, 0..6), other in prop::collection::vec(0u8..5, 0..6)
        ) {
            let mut store = Store::new(Fold::Names);
            let mut read = |ports: &[u8]| {
                let rules =  ports.iter().map(|port| format!("-A A -p tcp --dport {port} -j DROP\n")).collect::<Vec<String>>().concat();
                store.read(&format!("*raw\n:A - [0:0]\n{rules}COMMIT\n"), &Literals::default(), None)
            };
            let (one, other) = (read(&one), read(&other));
            let is_same = store.fingerprint(&one) == store.fingerprint(&other);
            prop_assert_eq!(is_same, differences(&store, &one, &other).is_empty());
        }
    }
}
