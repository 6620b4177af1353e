//! Keys, definitions and values as rows.

use std::collections::BTreeMap;

use lab_plugin::{Fact, Failure, Health, Level};

use crate::chart::is_value_gone;
use crate::check::{self, Outcome};
use crate::condition::{Test, TextIn};
use crate::facts::{Facts, Seen};
use crate::predict::config::{Fate, Key, predict};
use crate::predict::crds;
use crate::predict::values::new_path;
use crate::report::{health, some_of};
use crate::rows::{DefinitionRow, KeyRow, ValueRow};
use crate::rule::Rule;

/// What becomes of every key of `cilium-config`.
///
/// # Errors
/// The settings or one of the charts are not known.
pub fn keys(facts: &Facts) -> Result<Vec<Key>, Failure> {
    let config = match &facts.config {
        Fact::Known(config) => config,
        Fact::Absent => {
            return Err(Failure::NotFound(
                "there is no ConfigMap cilium-config beside the agents".to_owned(),
            ));
        }
        Fact::Unknown(why) => return Err(Failure::Other(format!("cilium-config: {why}"))),
    };
    predict(config, &facts.from, &facts.to).ok_or_else(|| {
        Failure::InvalidInput(format!(
            "what the charts of {} and {} write is not known both: those of 1.14 to 1.20 are",
            facts.from.minor_text(),
            facts.to.minor_text()
        ))
    })
}

/// Rows of the keys; without `is_all` those that stay as they are are left out.
pub fn key_rows(keys: &[Key], is_all: bool) -> Vec<(String, KeyRow)> {
    let shown = keys.iter().filter(|key| is_all || key.fate != Fate::Kept || key.note.is_some());
    shown
        .map(|key| {
            let level = match key.fate {
                Fate::Kept => Level::Good,
                Fate::New | Fate::Unknown => Level::Info,
                // What nobody set goes with the chart; what somebody set is lost.
                Fate::Removed if key.note.is_none() => Level::Info,
                Fate::Removed | Fate::Renamed | Fate::Changed => Level::Warn,
            };
            let row = KeyRow {
                key: key.key.clone(),
                fate: Health(level, key.fate.word().to_owned()),
                now: key.now.clone(),
                then: key.then.clone(),
                note: key.note.clone(),
            };
            (key.key.clone(), row)
        })
        .collect()
}

/// Rows of the definitions, as far as they and the wanted version are known.
pub fn definition_rows(facts: &Facts, is_all: bool) -> Vec<(String, DefinitionRow)> {
    let Some(now) = facts.crds.known() else { return Vec::new() };
    let Some(changes) = crds::predict(now, &facts.to) else { return Vec::new() };
    let defined = crate::releases::defined(&facts.to).unwrap_or_default();
    let rows = changes.into_iter().filter_map(|change| {
        let (level, fate) = if !defined.contains_key(&change.name) {
            (Level::Warn, "left")
        } else if change.now == change.then {
            (Level::Good, "kept")
        } else {
            (Level::Info, "changed")
        };
        if fate == "kept" && !is_all {
            return None;
        }
        let row = DefinitionRow {
            name: change.name.clone(),
            fate: Health(level, fate.to_owned()),
            now: crds::line(&change.now),
            then: crds::line(&change.then),
        };
        Some((change.name, row))
    });
    rows.collect()
}

/// Whether a path was seen, as `hubble.relay.enabled: true`.
fn is_seen(path: &str, seen: &Seen) -> bool {
    seen.text.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
}

/// Adds what a rule says to the row of a value; what is refused stays refused.
fn tell(row: &mut ValueRow, fate: &Health, rule: &Rule) {
    let Health(level, word) = &row.fate;
    if *level == Level::Bad {
        return;
    }
    // Where a value goes, and by which name it goes on, says more than that there is something.
    if fate.0 == Level::Bad || word == "keep" {
        row.fate = fate.clone();
        row.todo = Some(rule.todo.clone());
    }
    row.since = rule.since.as_ref().map(ToString::to_string);
}

/// Rows of the values that the new chart refuses or no longer has; of all that are set where they
/// are known, else only of what is refused.
pub fn value_rows(facts: &Facts, rules: &[Rule]) -> Vec<(String, ValueRow)> {
    let mut set: BTreeMap<String, ValueRow> = BTreeMap::new();
    let mut others: BTreeMap<String, ValueRow> = BTreeMap::new();
    for (path, value) in facts.values.known().into_iter().flatten() {
        let plain = path.split('[').next().unwrap_or_default();
        let is_gone = is_value_gone(plain, &facts.from, &facts.to);
        let (level, fate, todo) = match new_path(plain, &facts.from, &facts.to) {
            Some(new) => (Level::Warn, "rename", Some(format!("Set {new} instead."))),
            None if is_gone => {
                let minor = facts.to.minor_text();
                let todo = format!("Drop it: the chart of {minor} has no such value.");
                (Level::Warn, "drop", Some(todo))
            }
            None => (Level::Good, "keep", None),
        };
        let row = ValueRow {
            value: path.clone(),
            fate: Health(level, fate.to_owned()),
            now: Some(value.clone()),
            todo,
            since: None,
        };
        set.insert(path.clone(), row);
    }
    for rule in rules {
        let tests = rule.condition.all.iter().chain(&rule.condition.any);
        let mut of_values = tests.filter_map(|test| match test {
            Test::Text(TextIn::Value, name, _) => Some(name.as_str()),
            _ => None,
        });
        let Some(name) = of_values.next() else { continue };
        let outcome = check::judge(rule, facts);
        let seen = match &outcome {
            Outcome::Fail(seen) | Outcome::Warn(seen) => seen.as_slice(),
            // Nobody knows the values, so all that the chart would refuse is of use.
            Outcome::Skip(why) if why.contains("--values") => &[],
            _ => continue,
        };
        let fate = match &outcome {
            Outcome::Fail(_) => Health(Level::Bad, "refused".to_owned()),
            Outcome::Skip(_) => Health(Level::Unknown, "?".to_owned()),
            outcome => health(outcome),
        };
        // What a rule says of a value that is set stands in the row of that value.
        let of_rule: Vec<&mut ValueRow> = set
            .values_mut()
            .filter(|row| seen.iter().any(|seen| is_seen(&row.value, seen)))
            .collect();
        if !of_rule.is_empty() {
            for row in of_rule {
                tell(row, &fate, rule);
            }
            continue;
        }
        let names = std::iter::once(name).chain(of_values);
        let value = names.collect::<Vec<_>>().join(", ");
        others.insert(
            format!("{value}/{}", rule.id),
            ValueRow {
                value,
                fate,
                now: some_of(seen),
                todo: Some(rule.todo.clone()),
                since: rule.since.as_ref().map(ToString::to_string),
            },
        );
    }
    set.append(&mut others);
    set.into_iter().collect()
}
