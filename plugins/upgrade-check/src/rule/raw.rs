//! Rules as they are written, and what they mean.
//!
//! Apart because the written form is kept flat for people, and the meaning typed for the checks.

use serde::Deserialize;

use super::{Rule, Severity, Written};
use crate::condition::{Compare, Condition, Test, Text, TextIn};
use crate::version::Version;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawRule {
    id: String,
    title: String,
    group: Option<String>,
    since: Option<Version>,
    severity: Severity,
    #[serde(default)]
    all: Vec<RawTest>,
    #[serde(default)]
    any: Vec<RawTest>,
    #[serde(default)]
    none: Vec<RawTest>,
    why: String,
    todo: String,
    link: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawTest {
    config: Option<String>,
    arg: Option<String>,
    env: Option<String>,
    value: Option<String>,
    equals: Option<Scalar>,
    #[serde(rename = "in")]
    one_of: Option<Vec<Scalar>>,
    not_in: Option<Vec<Scalar>>,
    contains: Option<String>,
    set: Option<bool>,
    from_below: Option<Version>,
    from_at_least: Option<Version>,
    to_below: Option<Version>,
    to_at_least: Option<Version>,
    kubernetes_below: Option<Version>,
    kubernetes_at_least: Option<Version>,
    kernel_below: Option<Version>,
    kernel_at_least: Option<Version>,
    crd: Option<String>,
    stored: Option<String>,
    bundle_below: Option<Version>,
    bundle_at_least: Option<Version>,
    metric: Option<Vec<String>>,
    mark: Option<String>,
    is: Option<String>,
}

/// A text, or a number or truth that stands for one: settings are texts, but people write `true`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Boolean(bool),
    Number(i64),
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => text,
            Scalar::Boolean(on) => on.to_string(),
            Scalar::Number(number) => number.to_string(),
        }
    }
}

/// Makes a rule of its table, or says what is wrong with it.
pub(super) fn rule(table: Written, group: &str) -> Result<Rule, String> {
    let raw: RawRule = table.try_into().map_err(|error: toml::de::Error| {
        error.message().lines().next().unwrap_or_default().to_owned()
    })?;
    if raw.id.is_empty() || raw.id.contains(|letter: char| !is_id(letter)) {
        return Err("its id has other signs than letters, digits and `-`".to_owned());
    }
    if !raw.link.starts_with("https://") {
        return Err("its link does not begin with https://".to_owned());
    }
    let tests = |tests: Vec<RawTest>| tests.into_iter().map(test).collect::<Result<_, _>>();
    let condition =
        Condition { all: tests(raw.all)?, any: tests(raw.any)?, none: tests(raw.none)? };
    if condition.all.is_empty() && condition.any.is_empty() {
        return Err("its condition is empty: give `all` or `any` a test".to_owned());
    }
    Ok(Rule {
        id: raw.id,
        group: raw.group.unwrap_or_else(|| group.to_owned()),
        title: raw.title,
        since: raw.since,
        severity: raw.severity,
        condition,
        why: raw.why,
        todo: raw.todo,
        link: raw.link,
    })
}

const fn is_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

fn test(mut raw: RawTest) -> Result<Test, String> {
    let mut made = Vec::new();
    let texts = [
        (TextIn::Config, raw.config.take()),
        (TextIn::Arg, raw.arg.take()),
        (TextIn::Env, raw.env.take()),
        (TextIn::Value, raw.value.take()),
    ];
    for (place, name) in texts {
        if let Some(name) = name {
            made.push(Test::Text(place, name, text(&mut raw)?));
        }
    }
    let below = |version: Option<Version>| version.map(Compare::Below);
    let at_least = |version: Option<Version>| version.map(Compare::AtLeast);
    made.extend(below(raw.from_below).or(at_least(raw.from_at_least)).map(Test::From));
    made.extend(below(raw.to_below).or(at_least(raw.to_at_least)).map(Test::To));
    let kubernetes = below(raw.kubernetes_below).or(at_least(raw.kubernetes_at_least));
    made.extend(kubernetes.map(Test::Kubernetes));
    made.extend(below(raw.kernel_below).or(at_least(raw.kernel_at_least)).map(Test::Kernel));
    let bundle = below(raw.bundle_below).or(at_least(raw.bundle_at_least));
    match (raw.crd, raw.stored, bundle) {
        (Some(name), Some(version), None) => made.push(Test::CrdStored(name, version)),
        (Some(name), None, Some(compare)) => made.push(Test::CrdBundle(name, compare)),
        (Some(name), None, None) => made.push(Test::Crd(name)),
        (None, None, None) => {}
        _ => return Err("`crd` takes either `stored` or one of `bundle-…`".to_owned()),
    }
    made.extend(raw.metric.map(Test::Metric));
    if let Some(mark) = raw.mark {
        made.push(Test::Mark(mark.parse()?));
    }
    if let Some(word) = raw.is {
        made.push(special(&word)?);
    }
    let is_text = matches!(made.first(), Some(Test::Text(..)));
    let has_more = raw.equals.is_some() || raw.one_of.is_some() || raw.not_in.is_some();
    if !is_text && (has_more || raw.contains.is_some() || raw.set.is_some()) {
        return Err("`equals` and its like go with config, arg, env or value".to_owned());
    }
    match (made.pop(), made.is_empty()) {
        (Some(test), true) => Ok(test),
        (None, _) => Err("a test of it asks for nothing".to_owned()),
        (Some(_), false) => {
            Err("a test of it asks for several things: make several tests of it".to_owned())
        }
    }
}

fn text(raw: &mut RawTest) -> Result<Text, String> {
    let texts = |scalars: Vec<Scalar>| scalars.into_iter().map(String::from).collect();
    let equals = raw.equals.take().map(|scalar| Text::In(vec![scalar.into()]));
    let mut given = [
        equals,
        raw.one_of.take().map(|words| Text::In(texts(words))),
        raw.not_in.take().map(|words| Text::NotIn(texts(words))),
        raw.contains.take().map(Text::Contains),
        raw.set.take().map(|set| if set { Text::Set } else { Text::Unset }),
    ]
    .into_iter()
    .flatten();
    match (given.next(), given.next()) {
        (first, None) => Ok(first.unwrap_or(Text::Set)),
        _ => Err("a text is compared in one way: equals, in, not-in, contains or set".to_owned()),
    }
}

fn special(word: &str) -> Result<Test, String> {
    Ok(match word {
        "skips-minor" => Test::SkipsMinor,
        "downgrade" => Test::Downgrade,
        "old-patch" => Test::OldPatch,
        "unknown-version" => Test::UnknownVersion,
        "kubernetes-untested" => Test::KubernetesUntested,
        "crd-stored-gone" => Test::CrdStoredGone,
        _ => return Err(format!("`is = \"{word}\"` is not known: rules/README.md lists what is")),
    })
}
