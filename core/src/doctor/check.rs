//! One line of a check-up, and all of them as a report.
//!
//! Apart because every check ends here: what a result is called, and which of them decide the exit
//! code, is said once. Pure.

use lab_output::Cell;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Evidence;
use lab_output::Finding;
use lab_output::Level;
use lab_output::Report;
use lab_output::Row;
use lab_output::Table;
use lab_types::Failure;

/// What is checked, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Area {
    Program,
    Kubectl,
    Config,
    Cache,
    Completion,
    Kubeconfig,
    Api,
    Clock,
    User,
    Version,
    Rights,
    Agent,
    Tools,
    Host,
    DebugPod,
    Leftover,
    Capture,
}

impl Area {
    /// The word in the table; behind `doctor/` the code of its findings.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Kubectl => "kubectl",
            Self::Config => "config",
            Self::Cache => "cache",
            Self::Completion => "completion",
            Self::Kubeconfig => "kubeconfig",
            Self::Api => "api",
            Self::Clock => "clock",
            Self::User => "user",
            Self::Version => "version",
            Self::Rights => "rights",
            Self::Agent => "agent",
            Self::Tools => "tools",
            Self::Host => "host",
            Self::DebugPod => "debug-pod",
            Self::Leftover => "leftover",
            Self::Capture => "capture",
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As it should be.
    Fine,
    /// Should be looked at.
    Warn,
    /// Broken.
    Bad,
    /// Not read, so not judged.
    Unknown,
    /// Makes no sense here, or after what failed before.
    Skipped,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }

    fn level(self) -> Level {
        match self {
            Self::Fine => Level::Good,
            Self::Warn => Level::Warn,
            Self::Bad => Level::Bad,
            Self::Unknown => Level::Unknown,
            Self::Skipped => Level::Info,
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) area: Area,
    /// What of it: a plugin, a node, a server; empty where there is only one.
    pub(super) subject: String,
    pub(super) outcome: Outcome,
    /// What was seen: one lower-case line.
    pub(super) seen: String,
    /// The whole of it, where a line is too short: a place and what was said there.
    pub(super) evidence: Option<Evidence>,
    /// What to do about it.
    pub(super) fix: Option<String>,
}

impl Check {
    pub(super) fn new(
        area: Area,
        subject: impl Into<String>,
        outcome: Outcome,
        seen: impl Into<String>,
    ) -> Self {
        let (subject, seen) = (subject.into(), seen.into());
        Self { area, subject, outcome, seen, evidence: None, fix: None }
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    pub(super) fn evidence(self, place: &str, text: String) -> Self {
        Self { evidence: Some(Evidence { place: place.to_owned(), text }), ..self }
    }

    /// What failed, in its own words, with its own cure.
    pub(super) fn failed(
        area: Area,
        subject: impl Into<String>,
        outcome: Outcome,
        failure: &Failure,
    ) -> Self {
        let check = Self::new(area, subject, outcome, failure.to_string());
        Self { fix: failure.hint.clone(), ..check }
    }

    /// Not done, because of something else.
    pub(super) fn skipped(area: Area, why: impl Into<String>) -> Self {
        Self::new(area, "", Outcome::Skipped, why)
    }
}

/// The first few words of a list, and how many more there are.
pub(super) fn few(list: &[impl AsRef<str>], most: usize) -> String {
    let rest = list.len().saturating_sub(most);
    let named = list.iter().take(most).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if rest == 0 { named } else { format!("{named} and {rest} more") }
}

/// The checks as a table in the order of [`Area`]; those to act on also as findings.
pub(super) fn report(checks: &[Check]) -> Result<Report, Failure> {
    let mut checks: Vec<&Check> = checks.iter().collect();
    checks.sort_by_key(|check| check.area);
    let mut table = Table::new("checks", columns());
    let rows = checks.iter().map(|check| row(check));
    table.append(rows).map_err(|error| Failure::other(error.to_string()))?;
    let findings = checks.iter().filter_map(|check| finding(check)).collect();
    Ok(Report { tables: vec![table], findings, partials: Vec::new() })
}

fn columns() -> Vec<Column> {
    let column = |id: &str, kind, wide, about: &str| Column {
        id: id.to_owned(),
        title: id.to_uppercase(),
        kind,
        wide,
        hidden: false,
        lines: false,
        subject: false,
        about: about.to_owned(),
    };
    vec![
        column("check", ColumnKind::Text, false, "What is checked"),
        column("subject", ColumnKind::Text, false, "Which of several: a plugin, a host, a server"),
        column("result", ColumnKind::Health, false, "ok, warn, bad, unknown or skipped"),
        column("seen", ColumnKind::Text, false, "What was seen"),
        column("fix", ColumnKind::Text, true, "What to do about it"),
    ]
}

fn row(check: &Check) -> Row {
    let text = |text: &str| {
        if text.is_empty() { Cell::Absent } else { Cell::Text(text.into()) }
    };
    let area = check.area.as_str();
    let key = format!("{area}/{}", check.subject);
    Row {
        key: key.trim_end_matches('/').to_owned(),
        cells: vec![
            text(area),
            text(&check.subject),
            Cell::Health(check.outcome.level(), check.outcome.word().into()),
            text(&check.seen),
            text(check.fix.as_deref().unwrap_or_default()),
        ],
    }
}

/// What is wrong, and what can be done about the rest.
fn finding(check: &Check) -> Option<Finding> {
    let level = match check.outcome {
        Outcome::Fine if check.fix.is_some() => Level::Info,
        Outcome::Unknown if check.fix.is_some() => Level::Unknown,
        Outcome::Warn => Level::Warn,
        Outcome::Bad => Level::Bad,
        Outcome::Fine | Outcome::Unknown | Outcome::Skipped => return None,
    };
    Some(Finding {
        level,
        code: format!("doctor/{}", check.area.as_str()),
        subject: check.subject.clone(),
        message: check.seen.clone(),
        evidence: check.evidence.iter().cloned().collect(),
        fixes: check.fix.iter().cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Area; 17] = [
        Area::Program,
        Area::Kubectl,
        Area::Config,
        Area::Cache,
        Area::Completion,
        Area::Kubeconfig,
        Area::Api,
        Area::Clock,
        Area::User,
        Area::Version,
        Area::Rights,
        Area::Agent,
        Area::Tools,
        Area::Host,
        Area::DebugPod,
        Area::Leftover,
        Area::Capture,
    ];

    #[test]
    fn every_area_is_explained_and_nothing_else_is() {
        assert_eq!(ALL.len(), Area::Capture as usize + 1, "the list above is whole");
        let areas: Vec<String> =
            ALL.iter().map(|area| format!("doctor/{}", area.as_str())).collect();
        let explained: Vec<&str> = lab_cli::explanations(&[]).map(|(code, _)| code).collect();
        assert_eq!(areas, explained);
    }

    #[test]
    fn what_is_wrong_or_can_be_mended_is_a_finding_and_decides() {
        for (outcome, fix, expected) in [
            (Outcome::Fine, false, None),
            (Outcome::Fine, true, Some(Level::Info)),
            (Outcome::Warn, false, Some(Level::Warn)),
            (Outcome::Bad, true, Some(Level::Bad)),
            (Outcome::Unknown, true, Some(Level::Unknown)),
            (Outcome::Unknown, false, None),
            (Outcome::Skipped, false, None),
        ] {
            let check = Check::new(Area::Host, "router", outcome, "x");
            let check = if fix { check.fix("mend it") } else { check };
            let report = report(&[check]).unwrap();
            assert_eq!(report.tables[0].rows().len(), 1);
            let level = report.findings.first().map(|finding| finding.level);
            assert_eq!(level, expected, "{outcome:?} {fix}");
        }
    }

    #[test]
    fn long_lists_are_counted() {
        assert_eq!(few(&["a", "b"], 5), "a, b");
        assert_eq!(few(&["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(few(&[""; 0], 2), "");
    }

    #[test]
    fn lines_stand_in_the_order_of_what_is_checked() {
        let checks = [
            Check::new(Area::Host, "b", Outcome::Fine, ""),
            Check::new(Area::Config, "", Outcome::Fine, ""),
            Check::new(Area::Host, "a", Outcome::Fine, ""),
        ];
        let report = report(&checks).unwrap();
        let keys: Vec<&str> = report.tables[0].rows().iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["config", "host/b", "host/a"]);
    }
}
