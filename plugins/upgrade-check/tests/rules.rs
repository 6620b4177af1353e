//! Every rule fires on the facts that are written for it, and passes on those near to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use upgrade_check::chart::Chart;
use upgrade_check::check::{Outcome, judge};
use upgrade_check::condition::{Compare, Test};
use upgrade_check::fact_set::{Cases, FactSet};
use upgrade_check::marks::Mark;
use upgrade_check::releases::{MINORS, NEWEST};
use upgrade_check::rule::{built_in, parse};
use upgrade_check::values;
use upgrade_check::version::Version;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");

fn cases() -> Cases {
    let mut all = Cases::default();
    for entry in Path::new(RULES).read_dir().expect("the folder of rules") {
        let path = entry.expect("an entry").path();
        if path.to_string_lossy().ends_with(".cases.toml") {
            let text = std::fs::read_to_string(&path).expect("a file of cases");
            let cases: Cases =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            all.case.extend(cases.case);
        }
    }
    all
}

#[test]
fn every_rule_has_facts_that_fire_it_and_facts_that_do_not() {
    let (rules, errors) = built_in();
    assert_eq!(errors, []);
    let cases = cases();
    let mut wrong = Vec::new();
    for rule in &rules {
        let of_rule: Vec<_> = cases.case.iter().filter(|case| case.rule == rule.id).collect();
        let [case] = of_rule.as_slice() else {
            wrong.push(format!("{} has {} cases, not 1", rule.id, of_rule.len()));
            continue;
        };
        for (set, is_firing) in [(&case.fires, true), (&case.quiet, false)] {
            let facts = set.facts(rule).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
            let outcome = judge(rule, &facts);
            let is_right = match &outcome {
                Outcome::Warn(_) | Outcome::Fail(_) => is_firing,
                Outcome::Pass => !is_firing,
                _ => false,
            };
            if !is_right {
                wrong.push(format!("{}: fires should be {is_firing}: {outcome:?}", rule.id));
            }
        }
    }
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    let stray = cases.case.iter().filter(|case| !known.contains(case.rule.as_str()));
    wrong.extend(stray.map(|case| format!("{} is no rule", case.rule)));
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn ids_are_unique_and_words_are_whole() {
    let (rules, _) = built_in();
    let mut seen = BTreeSet::new();
    for rule in &rules {
        assert!(seen.insert(&rule.id), "{} is there twice", rule.id);
        for text in [&rule.why, &rule.todo] {
            assert!(text.ends_with(['.', '`', ')']), "{}: {text}", rule.id);
        }
        assert!(!rule.title.ends_with('.'), "{}", rule.title);
        if let Some(since) = &rule.since {
            let group = rule.id.split('-').next().expect("a first word");
            assert_eq!(group, format!("1{}", since.minor), "{}", rule.id);
            assert_eq!(rule.group, since.minor_text());
        }
    }
}

#[test]
fn the_schema_lists_every_mark() {
    let readme = std::fs::read_to_string(format!("{RULES}/README.md")).expect("the schema");
    for mark in Mark::ALL {
        let line = format!("| `{}` | {} |", mark.name(), mark.about());
        assert!(readme.contains(&line), "rules/README.md lacks: {line}");
    }
}

#[test]
fn every_mark_is_asked_for_by_a_rule_or_the_plan() {
    // A mark that nobody asks for costs a question for nothing.
    let folder = Path::new(RULES).read_dir().expect("the folder of rules");
    let texts: Vec<String> = folder
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a file"))
        .collect();
    let plan = [Mark::PolicyL7, Mark::EnvoyConfig, Mark::EgressGateway, Mark::LocalRedirect];
    for mark in Mark::ALL.iter().filter(|mark| !plan.contains(mark)) {
        let asked = format!("mark = \"{}\"", mark.name());
        assert!(texts.iter().any(|text| text.contains(&asked)), "nobody asks for {mark}");
    }
}

#[test]
fn each_minor_that_needs_a_newer_kernel_has_a_rule_for_it() {
    let (rules, _) = built_in();
    for pair in MINORS.windows(2) {
        let [before, minor] = pair else { continue };
        let (major, of_major) = minor.kernel;
        let asked = Test::Kernel(Compare::Below(Version::minor(major, of_major)));
        let id = format!("1{}-kernel", minor.minor);
        let rule = rules.iter().find(|rule| rule.id == id);
        let is_asked = rule.is_some_and(|rule| rule.condition.all == [asked]);
        assert_eq!(is_asked, minor.kernel != before.kernel, "{id}");
    }
}

#[test]
fn each_link_leads_to_a_document_that_was_found() {
    let text = std::fs::read_to_string(format!("{RULES}/documents.txt")).expect("the documents");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut documents = BTreeSet::new();
    for line in lines {
        let [version, tag, path] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line} is no document");
        };
        let newest = NEWEST.name();
        let minor = version.strip_prefix('v').unwrap_or(&newest);
        assert!(tag.starts_with(&format!("{minor}.")), "{line}");
        documents.insert(format!("https://docs.cilium.io/en/{version}/{path}/"));
    }
    let issue = |link: &str| {
        let of = link.strip_prefix("https://github.com/cilium/cilium/").unwrap_or_default();
        let number = of.strip_prefix("issues/").or_else(|| of.strip_prefix("pull/"));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let (rules, _) = built_in();
    let astray: Vec<_> = rules
        .iter()
        .filter(|rule| !documents.contains(&rule.link) && !issue(&rule.link))
        .map(|rule| format!("{}: {}", rule.id, rule.link))
        .collect();
    assert_eq!(astray, Vec::<String>::new());
    let unused = documents.iter().filter(|link| !rules.iter().any(|rule| rule.link == **link));
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<&String>::new());
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "(?s)[a-z0-9\\[\\]{}\"'=.,:# \n-]{0,200}") {
        let (_, errors) = parse("f", "g", &text);
        prop_assert!(errors.iter().all(|error| error.line > 0));
        let _ = values::read(&text);
        let _ = text.parse::<Version>();
        let _ = Version::of_image(&text);
    }
}

#[test]
fn the_defaults_of_a_chart_fire_only_what_is_about_defaults() {
    let (rules, _) = built_in();
    let mut fired = Vec::new();
    for pair in MINORS.windows(2) {
        let [before, minor] = pair else { continue };
        let (from, to) = (before.newest(), minor.newest());
        let chart = Chart::of(&from).expect("a chart");
        let config = chart.written(&from, &BTreeMap::new());
        let set = FactSet {
            from: Some(from),
            to: Some(to),
            kernels: vec!["6.1.0-28-amd64".to_owned()],
            kubernetes: Some(Version::release(1, minor.kubernetes.0, 4)),
            config,
            ..FactSet::default()
        };
        for rule in &rules {
            let facts = set.facts(rule).expect("facts");
            if let Outcome::Warn(_) | Outcome::Fail(_) = judge(rule, &facts) {
                fired.push(rule.id.as_str());
            }
        }
    }
    assert_eq!(fired, ["116-envoy-daemon-set", "118-l2-neighbours"]);
}
