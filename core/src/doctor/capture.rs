//! A capture: readable, of when, and which plugins' questions it answers.
//!
//! Apart because it asks through the seam alone, as a plugin would.

use std::collections::BTreeSet;

use lab_backend::Collected;
use lab_backend::Plan;
use lab_types::FailureKind;

use super::Patient;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use super::check::few;
use crate::source;

/// So many questions without an answer are named.
const NAMED: usize = 4;

/// The capture itself, a line for each plugin, and what is left out.
pub(super) async fn checks(patient: &Patient<'_>) -> Vec<Check> {
    use Area::{
        Agent, Api, Clock, DebugPod, Host, Kubeconfig, Leftover, Rights, Tools, User, Version,
    };
    let areas =
        [Kubeconfig, Api, Clock, User, Version, Rights, Agent, Tools, Host, DebugPod, Leftover];
    let skipped =
        areas.into_iter().map(|area| Check::skipped(area, "a capture is read, no cluster"));
    let mut checks: Vec<Check> = skipped.collect();
    let opened = async {
        // No cluster is connected to.
        let clusters = source::Clusters::default();
        let backend = source::open(patient.settings, &clusters, &patient.console).await?;
        let hosts = backend.hosts().await?;
        Ok((backend, hosts))
    };
    let (backend, hosts) = match patient.bounds.within(opened).await {
        Ok(opened) => opened,
        Err(failure) => {
            checks.push(Check::failed(Area::Capture, "", Outcome::Bad, &failure));
            return checks;
        }
    };
    let about = backend.about();
    let mut seen = format!("{}, {}", about.source, lab_render::count(hosts.len(), "host"));
    if let Some(created) = &about.created {
        seen.extend([", made ", created]);
    }
    if let Some(context) = &about.context {
        seen.extend([", context ", context]);
    }
    for (what, version) in &about.versions {
        seen.extend([", ", what, " ", version]);
    }
    checks.push(Check::new(Area::Capture, "", Outcome::Fine, seen));
    for (name, card) in patient.cards {
        let plan = Plan::of([card]);
        let progress = |_, _| {};
        let collected = plan.collect(&*backend, patient.bounds.concurrency, &progress);
        checks.push(match patient.bounds.within(collected).await {
            Ok(collected) => judge(name, &sort(collected, &about.parts)),
            Err(failure) => Check::failed(Area::Capture, name, Outcome::Unknown, &failure),
        });
    }
    checks
}

/// What a capture does not answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Gaps {
    /// Kinds of which only a part was recorded: whether it is the part that a run asks for, only
    /// the run can tell.
    parts: Vec<String>,
    /// Questions, and hosts of which nothing was recorded.
    missing: Vec<String>,
}

fn sort(collected: Collected, parts: &BTreeSet<String>) -> Gaps {
    let mut gaps = Gaps::default();
    for (what, failure) in collected.failures {
        // A program that a host lacks is an answer too.
        if failure.kind == FailureKind::NotFound {
            continue;
        }
        let list = if parts.contains(&what) { &mut gaps.parts } else { &mut gaps.missing };
        list.push(what);
    }
    gaps
}

fn judge(plugin: &str, gaps: &Gaps) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Capture, plugin, outcome, seen);
    let Gaps { parts, missing } = gaps;
    let parts = match parts.len() {
        0 => String::new(),
        _ => format!("; of some only parts: {}", few(parts, NAMED)),
    };
    if missing.is_empty() {
        return check(Outcome::Fine, format!("answers everything on its card{parts}"));
    }
    check(Outcome::Unknown, format!("not in it: {}{parts}", few(missing, NAMED)))
        .fix("record it where the cluster is: kubectl lab capture FILE")
}

#[cfg(test)]
mod tests {
    use lab_types::Failure;

    use super::*;

    #[test]
    fn what_is_missing_is_told_apart_from_what_is_there_in_parts() {
        let failures = vec![
            ("v1/Pod".to_owned(), Failure::unavailable("not in this capture")),
            ("v1/Node".to_owned(), Failure::unavailable("not in this capture")),
            ("w0: `nft list`".to_owned(), Failure::not_found("no `nft`")),
        ];
        let collected = Collected { failures, ..Collected::default() };
        let gaps = sort(collected, &BTreeSet::from(["v1/Pod".to_owned()]));
        let check = judge("p", &gaps);
        assert_eq!(check.outcome, Outcome::Unknown);
        assert_eq!(check.seen, "not in it: v1/Node; of some only parts: v1/Pod");
        assert!(check.fix.is_some());
        let check = judge("p", &Gaps { missing: Vec::new(), ..gaps });
        assert_eq!(check.outcome, Outcome::Fine);
        assert_eq!(check.seen, "answers everything on its card; of some only parts: v1/Pod");
        assert_eq!(judge("p", &Gaps::default()).seen, "answers everything on its card");
    }
}
