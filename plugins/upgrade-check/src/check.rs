//! Judges facts by rules: one outcome for each rule, in the order of the rules.
//!
//! Pure. It must not know how outcomes are shown.

use lab_plugin::Fact;

use crate::condition::{Holds, Test, Text, TextIn};
use crate::facts::{Facts, Seen};
use crate::marks::Mark;
use crate::rule::{Rule, Severity};

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is in the way.
    Pass,
    /// Something is to be thought of, and what was seen.
    Warn(Vec<Seen>),
    /// Something is in the way, and what was seen.
    Fail(Vec<Seen>),
    /// The rule is about another way, and which.
    Skip(String),
    /// Nobody can tell, and why.
    Unknown(String),
}

impl Outcome {
    /// As the table says it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn(_) => "warn",
            Self::Fail(_) => "fail",
            Self::Skip(_) => "skip",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Why a rule about values is skipped where there are none.
const NO_VALUES: &str =
    "Helm values are not known: give them with --values helm:cilium or --values FILE";

/// Judges one rule.
pub fn judge(rule: &Rule, facts: &Facts) -> Outcome {
    if let Some(since) = &rule.since {
        if facts.is_downgrade() {
            return Outcome::Skip("the way leads back".to_owned());
        }
        if facts.from.line() >= since.line() {
            return Outcome::Skip(format!("{} is there already", since.minor_text()));
        }
        if facts.to.line() < since.line() {
            return Outcome::Skip(format!("the way ends before {}", since.minor_text()));
        }
    }
    if facts.values == Fact::Absent && asks_for_values(rule) {
        return Outcome::Skip(NO_VALUES.to_owned());
    }
    if let Some(mark) = not_asked(rule, facts) {
        return Outcome::Skip(format!("{mark} was not asked for: --deep does"));
    }
    match (rule.condition.holds(facts), rule.severity) {
        (Holds::No, _) => Outcome::Pass,
        (Holds::Unknown(why), _) => Outcome::Unknown(why),
        (Holds::Yes(seen), Severity::Warn) => Outcome::Warn(seen),
        (Holds::Yes(seen), Severity::Fail) => Outcome::Fail(seen),
    }
}

/// Whether nobody can tell without the values of the Helm release, which nobody has to give.
fn asks_for_values(rule: &Rule) -> bool {
    let is_value =
        |test: &Test| matches!(test, Test::Text(TextIn::Value, _, text) if *text != Text::Unset);
    let condition = &rule.condition;
    condition.all.iter().any(is_value)
        || (!condition.any.is_empty() && condition.any.iter().all(is_value))
}

/// A mark that nobody looked for.
fn not_asked(rule: &Rule, facts: &Facts) -> Option<Mark> {
    rule.condition.all.iter().find_map(|test| match test {
        Test::Mark(mark) if !facts.marks.contains_key(mark) => Some(*mark),
        _ => None,
    })
}

/// Judges every rule.
pub fn all<'r>(rules: &'r [Rule], facts: &Facts) -> Vec<(&'r Rule, Outcome)> {
    rules.iter().map(|rule| (rule, judge(rule, facts))).collect()
}
