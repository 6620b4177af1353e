//! Probes as tables: how many pairs have each verdict, and the pairs that are not as they
//! should be, or all.

use lab_forwarding::words::not_known;
use lab_plugin::{Failure, Health, Level, Percent};

use crate::judge::{Facts, Verdict};
use crate::measure::State;
use crate::rounds::Probe;
use crate::rows::{CountRow, PairRow};

/// How many pairs have each verdict, and how many were left out.
pub fn count_rows(facts: &Facts<'_>, left_out: usize) -> Vec<CountRow> {
    let count = |verdict: Verdict| {
        facts.probes.iter().filter(|probe| Verdict::of(probe) == verdict).count()
    };
    let counted = Verdict::ALL.map(|verdict| (verdict.health(), count(verdict)));
    let left_out = (Health(Level::Unknown, "left-out".to_owned()), left_out);
    let all = counted.into_iter().chain([left_out]).filter(|(_, pairs)| *pairs > 0);
    all.map(|(verdict, pairs)| CountRow {
        verdict,
        pairs: i64::try_from(pairs).unwrap_or(i64::MAX),
    })
    .collect()
}

/// Hands over the pairs that are not as they should be, or all.
pub fn pair_rows(
    facts: &Facts<'_>,
    all: bool,
    mut push: impl FnMut(&str, PairRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for probe in facts.probes {
        if all || Verdict::of(probe).is_exception() {
            let row = pair_row(facts, probe);
            push(&format!("{}/{}", row.from, row.to), row)?;
        }
    }
    Ok(())
}

fn pair_row(facts: &Facts<'_>, probe: &Probe) -> PairRow {
    let Probe { prediction, measured, path, .. } = probe;
    let level = match measured.state {
        State::Answered => Level::Good,
        State::Lost | State::Refused | State::Unreachable => Level::Bad,
        State::Unknown => Level::Unknown,
    };
    let path = path.as_ref();
    let why = measured.failure.as_ref().or_else(|| path?.failure.as_ref());
    let why = why.map(|failure| failure.message().to_owned());
    PairRow {
        from: facts.sources[probe.source].name.clone(),
        to: facts.targets[probe.target].name.clone(),
        predicted: if prediction.word.1.is_empty() { not_known() } else { prediction.word.clone() },
        measured: Health(level, measured.state.word().to_owned()),
        verdict: facts.health(probe),
        loss: measured.loss().map(Percent),
        rtt: measured.rtt.map(|(_, mean)| mean),
        hops: path.and_then(|path| path.hops),
        path_mtu: path.and_then(|path| path.mtu),
        predicted_mtu: prediction.mtu,
        reason: why.or_else(|| prediction.reason.clone()),
        rtt_min: measured.rtt.map(|(least, _)| least),
        hops_back: path.and_then(|path| path.back).or_else(|| measured.hops_back()),
        address: prediction.address.as_ref().ok().map(ToString::to_string),
        command: Some(measured.command.clone()).filter(|command| !command.is_empty()),
    }
}

/// What was not measured, by sender: the first failure, and how many probes it stands for.
pub fn unmeasured<'f>(facts: &Facts<'f>) -> Vec<(&'f str, Failure)> {
    let mut told: Vec<(usize, Failure, usize, usize)> = Vec::new();
    for probe in facts.probes {
        let failure = probe.measured.failure.as_ref();
        let failure = failure.or_else(|| probe.path.as_ref()?.failure.as_ref());
        let at = told.iter().position(|(source, ..)| *source == probe.source);
        let at = at.unwrap_or_else(|| {
            told.push((probe.source, Failure::Stopped, 0, 0));
            told.len() - 1
        });
        let (_, first, failed, all) = &mut told[at];
        *all += 1;
        if let Some(failure) = failure {
            if *failed == 0 {
                *first = failure.clone();
            }
            *failed += 1;
        }
    }
    told.into_iter()
        .filter(|(_, _, failed, _)| *failed > 0)
        .map(|(source, failure, failed, all)| {
            let of = format!("no result of {failed} of {all} probes");
            (facts.sources[source].name.as_str(), failure.context(of))
        })
        .collect()
}
