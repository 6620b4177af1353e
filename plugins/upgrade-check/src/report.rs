//! Outcomes as rows and findings.

use lab_plugin::{Finding, Health, Level};

use crate::check::Outcome;
use crate::condition::{Condition, Test, TextIn};
use crate::facts::Seen;
use crate::rows::CheckRow;
use crate::rule::Rule;

/// Lines of evidence at most.
const LINES: usize = 5;
/// Things that a cell names; the rest is counted.
const NAMED: usize = 3;

/// Rows of the checks with their keys: group by group, the worst first. Without `is_all` those
/// that pass or are about another way become one row of each group.
pub fn check_rows(outcomes: &[(&Rule, Outcome)], is_all: bool) -> Vec<(String, CheckRow)> {
    let mut rows = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for (rule, _) in outcomes {
        if !groups.contains(&rule.group.as_str()) {
            groups.push(&rule.group);
        }
    }
    for group in groups {
        let mut of_group: Vec<&(&Rule, Outcome)> =
            outcomes.iter().filter(|(rule, _)| rule.group == group).collect();
        of_group.sort_by_key(|(_, outcome)| rank(outcome));
        let mut folded = [0_usize; 2];
        for (rule, outcome) in of_group {
            match outcome {
                Outcome::Pass if !is_all => folded[0] += 1,
                Outcome::Skip(_) if !is_all => folded[1] += 1,
                outcome => rows.push((rule.id.clone(), check_row(rule, outcome))),
            }
        }
        // A minor that the way does not touch is left out.
        if folded[0] > 0 || rows.iter().any(|(_, row): &(_, CheckRow)| row.group == group) {
            rows.extend(folded_row(group, folded).map(|row| (format!("{group}/others"), row)));
        }
    }
    rows
}

const fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Fail(_) => 0,
        Outcome::Warn(_) => 1,
        Outcome::Unknown(_) => 2,
        Outcome::Pass => 3,
        Outcome::Skip(_) => 4,
    }
}

/// An outcome's word and how good it is.
pub fn health(outcome: &Outcome) -> Health {
    let level = match outcome {
        Outcome::Pass => Level::Good,
        Outcome::Warn(_) => Level::Warn,
        Outcome::Fail(_) => Level::Bad,
        Outcome::Skip(_) => Level::Info,
        Outcome::Unknown(_) => Level::Unknown,
    };
    Health(level, outcome.word().to_owned())
}

fn check_row(rule: &Rule, outcome: &Outcome) -> CheckRow {
    let seen = match outcome {
        Outcome::Warn(seen) | Outcome::Fail(seen) => some_of(seen),
        Outcome::Skip(why) | Outcome::Unknown(why) => Some(why.clone()),
        Outcome::Pass => None,
    };
    let is_told = !matches!(outcome, Outcome::Pass | Outcome::Skip(_));
    CheckRow {
        group: rule.group.clone(),
        id: rule.id.clone(),
        result: health(outcome),
        title: rule.title.clone(),
        seen,
        todo: is_told.then(|| rule.todo.clone()),
        since: rule.since.as_ref().map(ToString::to_string),
        link: Some(rule.link.clone()),
        why: Some(rule.why.clone()),
    }
}

fn folded_row(group: &str, [n_passed, n_skipped]: [usize; 2]) -> Option<CheckRow> {
    let mut parts = Vec::new();
    if n_passed > 0 {
        parts.push(format!("{n_passed} {}", if n_passed == 1 { "passes" } else { "pass" }));
    }
    if n_skipped > 0 {
        let are = if n_skipped == 1 {
            "is about another way or needs"
        } else {
            "are about another way or need"
        };
        parts.push(format!("{n_skipped} {are} --values"));
    }
    if parts.is_empty() {
        return None;
    }
    let (level, word) = if n_passed > 0 { (Level::Good, "pass") } else { (Level::Info, "skip") };
    Some(CheckRow {
        group: group.to_owned(),
        id: String::new(),
        result: Health(level, word.to_owned()),
        title: parts.join(", "),
        seen: None,
        todo: None,
        since: None,
        link: None,
        why: None,
    })
}

/// What was seen in one line; many are counted.
pub fn some_of(seen: &[Seen]) -> Option<String> {
    let words = seen.iter().take(NAMED).map(|seen| match seen.text.as_str() {
        "" => seen.place.clone(),
        text => format!("{}: {text}", seen.place),
    });
    let mut words: Vec<String> = words.collect();
    if seen.len() > NAMED {
        words.push(format!("and {} more", seen.len() - NAMED));
    }
    let line = words.join("; ");
    (!line.is_empty()).then_some(line)
}

/// A finding for each check that is not passed.
pub fn findings(outcomes: &[(&Rule, Outcome)]) -> Vec<Finding> {
    let found = outcomes.iter().filter_map(|(rule, outcome)| {
        let (level, seen) = match outcome {
            Outcome::Warn(seen) => (Level::Warn, seen),
            Outcome::Fail(seen) => (Level::Bad, seen),
            _ => return None,
        };
        let code = format!("upgrade-check/{}", rule.id);
        let subject = match seen.as_slice() {
            [one] => one.place.clone(),
            _ => "cluster".to_owned(),
        };
        let message = format!("not met: {}. {}", rule.title, rule.why);
        let mut finding = Finding::new(level, &code, subject, message).fix(&rule.todo);
        for seen in seen.iter().take(LINES) {
            finding = finding.evidence(&seen.place, &seen.text);
        }
        if seen.len() > LINES {
            finding = finding.evidence("and more", (seen.len() - LINES).to_string());
        }
        if seen.is_empty() {
            finding = finding.evidence("asked for", asked_for(&rule.condition));
        }
        Some(finding)
    });
    found.collect()
}

/// What a condition asks for, where nothing that was seen can show it.
fn asked_for(condition: &Condition) -> String {
    let tests = condition.all.iter().chain(&condition.any);
    let asked: Vec<String> = tests.filter_map(absence).collect();
    asked.join(", ")
}

fn absence(test: &Test) -> Option<String> {
    let Test::Text(place, name, _) = test else { return None };
    Some(match place {
        TextIn::Config => format!("cilium-config has no {name}"),
        TextIn::Arg => format!("no argument --{name}"),
        TextIn::Env => format!("no variable {name}"),
        TextIn::Value => format!("no value {name}"),
    })
}
