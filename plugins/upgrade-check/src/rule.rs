//! Rules: what they say, and how they are read from TOML.
//!
//! A file that cannot be read says where; a rule that makes no sense costs itself alone. It must
//! not know how a rule is judged. `rules/README.md` is the schema for people.

mod raw;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use serde::Deserialize;
use toml::Spanned;

use crate::condition::Condition;
use crate::version::Version;

/// How bad it is when a rule's condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something must be thought of, or done at some time.
    Warn,
    /// The upgrade fails, or something breaks, unless it is done before.
    Fail,
}

/// Words of a rule about one thing that can be in an upgrade's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For life; unique.
    pub id: String,
    /// What the table shows together: the minor, or `general`.
    pub group: String,
    /// One line: what is checked, as it is when all is well.
    pub title: String,
    /// The first minor it is about; without one it is about every upgrade.
    pub since: Option<Version>,
    /// How bad.
    pub severity: Severity,
    /// When it fires.
    pub condition: Condition,
    /// What happens otherwise.
    pub why: String,
    /// What to do.
    pub todo: String,
    /// The public document.
    pub link: String,
}

/// What is wrong with a file of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The rule, where it has a name.
    pub rule: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: ", self.file, self.line)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule `{rule}`: ")?;
        }
        f.write_str(&self.what)
    }
}

/// A rule as it stands in the file.
type Written = toml::map::Map<String, toml::Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What the rules of the file without one get.
    since: Option<String>,
    link: Option<String>,
    #[serde(default)]
    rule: Vec<Spanned<Written>>,
}

/// Reads a file of rules.
///
/// - Shape: `[[rule]]` tables as `rules/README.md` says; `group` is what the rules without one get,
///   and `since` and `link` may stand once for all at the top.
/// - Errors: a text that is no TOML gives one error and no rule; a rule that cannot be read or
///   whose id was there before gives an error and is left out.
pub fn parse(file: &str, group: &str, text: &str) -> (Vec<Rule>, Vec<RuleError>) {
    let error = |span: Option<Range<usize>>, rule: Option<String>, what: String| RuleError {
        file: file.to_owned(),
        line: line_of(text, span.map_or(0, |span| span.start)),
        rule,
        what,
    };
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(bad) => {
            let what = bad.message().lines().next().unwrap_or_default().to_owned();
            return (Vec::new(), vec![error(bad.span(), None, what)]);
        }
    };
    let (mut rules, mut errors) = (Vec::<Rule>::new(), Vec::new());
    let mut ids = HashSet::new();
    for table in read.rule {
        let span = table.span();
        let mut table = table.into_inner();
        for (key, value) in [("since", &read.since), ("link", &read.link)] {
            if let (Some(value), false) = (value, table.contains_key(key)) {
                table.insert(key.to_owned(), toml::Value::String(value.clone()));
            }
        }
        let name = table.get("id").and_then(toml::Value::as_str).map(str::to_owned);
        match raw::rule(table, group) {
            Ok(rule) if !ids.insert(rule.id.clone()) => {
                errors.push(error(Some(span), name, "there is one of this id already".to_owned()));
            }
            Ok(rule) => rules.push(rule),
            Err(what) => errors.push(error(Some(span), name, what)),
        }
    }
    (rules, errors)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// The rules that come with the plugin, by their file.
const BUILT_IN: [(&str, &str); 7] = [
    ("general", include_str!("../rules/general.toml")),
    ("1.15", include_str!("../rules/1.15.toml")),
    ("1.16", include_str!("../rules/1.16.toml")),
    ("1.17", include_str!("../rules/1.17.toml")),
    ("1.18", include_str!("../rules/1.18.toml")),
    ("1.19", include_str!("../rules/1.19.toml")),
    ("1.20", include_str!("../rules/1.20.toml")),
];

/// Every rule that comes with the plugin, and what is wrong with their files, which a test wants
/// to be nothing.
pub fn built_in() -> (Vec<Rule>, Vec<RuleError>) {
    static READ: OnceLock<(Vec<Rule>, Vec<RuleError>)> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for (group, text) in BUILT_IN {
            let (more, wrong) = parse(&format!("rules/{group}.toml"), group, text);
            rules.extend(more);
            errors.extend(wrong);
        }
        (rules, errors)
    });
    read.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[rule]]
id = "mine"
title = "No debug"
severity = "warn"
all = [{ config = "debug", equals = true }, { kernel-below = "6.1" }]
none = [{ mark = "policy/any" }]
todo = "Switch it off."
why = "It is noisy."
link = "https://example.org/debug"
"#;

    #[test]
    fn a_rule_is_read() {
        let (rules, errors) = parse("mine.toml", "mine", GOOD);
        assert_eq!(errors, []);
        assert_eq!((rules[0].id.as_str(), rules[0].group.as_str()), ("mine", "mine"));
        assert_eq!((rules[0].condition.all.len(), rules[0].condition.none.len()), (2, 1));
    }

    #[test]
    fn what_is_wrong_is_named_with_file_and_line() {
        let said = |text: &str| {
            let (_, errors) = parse("mine.toml", "mine", text);
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let with = |old: &str, new: &str| said(&GOOD.replace(old, new));
        for (said, what) in [
            (said("[[rule]\n"), "mine.toml, line 1: "),
            (said("[[rules]]\nid = 1"), "unknown field"),
            (with("\"warn\"", "\"bad\""), "mine.toml, line 2: rule `mine`: "),
            (with("title = \"No debug\"\n", ""), "missing field `title`"),
            (with("policy/any", "policy/none"), "`policy/none` is no mark"),
            (with("equals = true", "equals = [1]"), "line 2: rule `mine`"),
            (with("kernel-below = \"6.1\"", "kernel-below = \"new\""), "`new` is no version"),
            (with("kernel-below = \"6.1\"", "kernel-under = \"6.1\""), "kernel-under"),
            (with("kernel-below = \"6.1\"", ""), "asks for nothing"),
            (with("kernel-below", "config = \"a\", kernel-below"), "several things"),
            (with("all =", "alls ="), "unknown field"),
            (with("https://", "ftp:"), "link"),
            (format!("{}{}", said(""), said(&format!("{GOOD}{GOOD}"))), "already"),
        ] {
            assert!(said.contains(what), "{said:?} has no {what:?}");
        }
    }

    #[test]
    fn one_wrong_rule_costs_itself_alone() {
        let text = format!("{}{}", GOOD.replace("\"mine\"", "\"other\""), GOOD)
            .replacen("\"warn\"", "\"bad\"", 1);
        let (rules, errors) = parse("mine.toml", "mine", &text);
        assert_eq!((rules.len(), errors.len()), (1, 1));
        assert_eq!(rules[0].id, "mine");
    }

    #[test]
    fn a_rule_without_a_condition_never_fires_by_accident() {
        let text = "[[rule]]\nid='a'\ntitle='a'\nseverity='warn'\nwhy='a'\ntodo='a'\n\
            link='https://a'\n";
        let (rules, errors) = parse("mine.toml", "mine", text);
        assert_eq!(rules, []);
        assert!(errors[0].what.contains("condition"), "{}", errors[0]);
    }
}
