//! Keys, definitions and values as rows.

use std::collections::BTreeMap;

use lab_plugin::{Fact, Failure, Health, Level};

use crate::chart::is_value_gone;
use crate::check::{self, Outcome};
use crate::condition::{Test, TextIn};
use crate::facts::Facts;
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

/// Rows of the values that the new chart refuses or no longer has; of all that are set where they
/// are known, else only of what is refused.
pub fn value_rows(facts: &Facts, rules: &[Rule]) -> Vec<(String, ValueRow)> {
    let mut rows: BTreeMap<String, ValueRow> = BTreeMap::new();
    for (path, value) in facts.values.known().into_iter().flatten() {
        let plain = path.split('[').next().unwrap_or_default();
        let is_gone = is_value_gone(plain, &facts.from, &facts.to);
        let (level, fate, todo) = match new_path(plain, &facts.from, &facts.to) {
            Some(new) => (Level::Warn, "rename", Some(format!("set {new} instead"))),
            None if is_gone => {
                let todo = format!("the chart of {} has no such value", facts.to.minor_text());
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
        rows.insert(path.clone(), row);
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
            Outcome::Fail(seen) | Outcome::Warn(seen) => some_of(seen),
            // Nobody knows the values, so all that the chart would refuse is of use.
            Outcome::Skip(why) if why.contains("--values") => None,
            _ => continue,
        };
        let names = std::iter::once(name).chain(of_values);
        let value = names.collect::<Vec<_>>().join(", ");
        let fate = match &outcome {
            Outcome::Fail(_) => Health(Level::Bad, "refused".to_owned()),
            Outcome::Skip(_) => Health(Level::Unknown, "?".to_owned()),
            outcome => health(outcome),
        };
        rows.insert(
            format!("{value}/{}", rule.id),
            ValueRow {
                value,
                fate,
                now: seen,
                todo: Some(rule.todo.clone()),
                since: rule.since.as_ref().map(ToString::to_string),
            },
        );
    }
    rows.into_iter().collect()
}
