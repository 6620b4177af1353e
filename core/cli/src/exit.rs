//! Exit codes, and the one place that decides which of them a run ends with.
//!
//! kubectl on Windows turns every code other than 0 into 1; there, scripts that tell codes apart
//! call `kubectl-lab` directly.

use crate::choice::FailOn;
use lab_output::Level;

/// Nothing to report: it ran, and no finding is as bad as `--fail-on`.
pub const CLEAN: u8 = 0;
/// At least one finding at the level of `--fail-on` or worse.
pub const FINDINGS: u8 = 1;
/// It failed: wrong words, wrong settings, no connection, or no host gave an answer.
pub const FAILED: u8 = 2;
/// Part of the hosts gave no answer, and what the others said is no finding.
pub const PARTIAL: u8 = 3;
/// Stopped by the keyboard (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;
/// Stopped from outside (128 + SIGTERM).
pub const TERMINATED: u8 = 143;

/// What ended a run before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A polite stop by another process.
    Terminate,
}

/// How a run went, as far as the exit code is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The levels of all findings, in any order.
    pub findings: Vec<Level>,
    /// Subjects that gave an answer.
    pub answered: usize,
    /// Subjects that gave none.
    pub unanswered: usize,
    /// The run as a whole failed.
    pub failed: bool,
    /// A signal ended it.
    pub signal: Option<Signal>,
}

/// The exit code of a run.
///
/// A signal goes before everything, a failure before findings, and findings before missing
/// answers: what is known to be wrong is worth more than what is not known. Where nobody
/// answered, nothing was checked, and that is a failure rather than a clean bill.
pub fn code(outcome: &Outcome, fail_on: FailOn) -> u8 {
    match outcome.signal {
        Some(Signal::Interrupt) => return INTERRUPTED,
        Some(Signal::Terminate) => return TERMINATED,
        None => {}
    }
    if outcome.failed {
        FAILED
    } else if outcome.findings.iter().any(|level| fail_on.counts(*level)) {
        FINDINGS
    } else if outcome.unanswered == 0 {
        CLEAN
    } else if outcome.answered == 0 {
        FAILED
    } else {
        PARTIAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(findings: &[Level], answered: usize, unanswered: usize) -> Outcome {
        Outcome { findings: findings.to_vec(), answered, unanswered, ..Outcome::default() }
    }

    #[test]
    fn each_ending_has_its_code() {
        use FailOn::{Bad, Good, Info, Never, Warn};
        for (outcome, fail_on, expected) in [
            (outcome(&[], 4, 0), Warn, CLEAN),
            (outcome(&[], 0, 0), Warn, CLEAN),
            (outcome(&[Level::Info, Level::Good], 4, 0), Warn, CLEAN),
            (outcome(&[Level::Unknown], 4, 0), Warn, CLEAN),
            (outcome(&[Level::Unknown], 4, 0), Good, FINDINGS),
            (outcome(&[Level::Info], 4, 0), Info, FINDINGS),
            (outcome(&[Level::Good, Level::Warn], 4, 0), Warn, FINDINGS),
            (outcome(&[Level::Warn], 4, 0), Bad, CLEAN),
            (outcome(&[Level::Bad], 4, 0), Bad, FINDINGS),
            (outcome(&[Level::Bad], 4, 0), Never, CLEAN),
            (outcome(&[Level::Bad], 3, 1), Warn, FINDINGS),
            (outcome(&[Level::Bad], 3, 1), Never, PARTIAL),
            (outcome(&[], 3, 1), Warn, PARTIAL),
            (outcome(&[], 0, 4), Warn, FAILED),
            (Outcome { failed: true, ..outcome(&[Level::Bad], 4, 0) }, Warn, FAILED),
        ] {
            assert_eq!(code(&outcome, fail_on), expected, "{outcome:?} with {fail_on}");
        }
    }

    #[test]
    fn a_signal_goes_before_everything() {
        for (signal, expected) in
            [(Signal::Interrupt, INTERRUPTED), (Signal::Terminate, TERMINATED)]
        {
            let outcome =
                Outcome { failed: true, signal: Some(signal), ..outcome(&[Level::Bad], 1, 1) };
            assert_eq!(code(&outcome, FailOn::Warn), expected);
        }
    }
}
