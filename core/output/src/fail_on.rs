//! `--fail-on LEVEL`: whether findings are bad enough to be told by the exit code.

use crate::Finding;
use crate::Level;

/// The worst level among findings: bad, warn, info; what is good or unknown does not count.
pub fn worst_level(findings: &[Finding]) -> Option<Level> {
    findings
        .iter()
        .map(|finding| finding.level)
        .filter(|level| matches!(level, Level::Bad | Level::Warn | Level::Info))
        .max_by_key(|level| level.severity())
}

/// Whether some finding is at `fail_on` or worse; without a level nothing is.
///
/// What is unknown never fails: it was not read, so it was not judged, and subjects without an
/// answer have an exit code of their own.
pub fn fails(findings: &[Finding], fail_on: Option<Level>) -> bool {
    match (worst_level(findings), fail_on) {
        (Some(worst), Some(fail_on)) => worst.severity() >= fail_on.severity(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Level) -> Finding {
        Finding {
            level,
            code: "a/b".into(),
            subject: "s".into(),
            message: "m".into(),
            evidence: Vec::new(),
            fixes: Vec::new(),
        }
    }

    #[test]
    fn the_worst_level_decides() {
        use Level::{Bad, Good, Info, Unknown, Warn};
        for (levels, fail_on, expected) in [
            (vec![], Some(Warn), false),
            (vec![Info, Warn], Some(Warn), true),
            (vec![Info], Some(Warn), false),
            (vec![Info], Some(Info), true),
            (vec![Bad], Some(Warn), true),
            (vec![Warn], Some(Bad), false),
            (vec![Unknown, Good], Some(Info), false),
            (vec![Good], Some(Good), false),
            (vec![Bad], None, false),
        ] {
            let findings: Vec<_> = levels.into_iter().map(finding).collect();
            assert_eq!(fails(&findings, fail_on), expected, "{findings:?} {fail_on:?}");
        }
    }
}
