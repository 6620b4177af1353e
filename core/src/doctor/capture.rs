//! A capture: readable, of when, and which plugins' questions it answers.
//!
//! Apart because it asks through the seam alone, as a plugin would.

use std::collections::BTreeSet;

use lab_backend::Backend;
use lab_backend::Gate;
use lab_backend::Host;
use lab_backend::HostKind;
use lab_backend::Place;
use lab_backend::Question;
use lab_backend::Selection;
use lab_types::Card;
use lab_types::Failure;
use lab_types::FailureKind;

use super::Patient;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use super::check::few;
use super::rights::kinds;
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
        let asked = async { Ok(ask(&*backend, card, &hosts, &about.parts).await) };
        let answered = patient.bounds.within(asked).await;
        checks.push(match answered {
            Ok(answered) => judge(name, &answered),
            Err(failure) => Check::failed(Area::Capture, name, Outcome::Unknown, &failure),
        });
    }
    checks
}

/// What a plugin's questions came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answered {
    n: usize,
    /// Kinds of which only a part was recorded: whether it is the part that a run asks for, only
    /// the run can tell.
    parts: Vec<String>,
    /// What the others were, and where.
    missing: Vec<String>,
}

/// Asks everything on a card whose words are known beforehand.
async fn ask(
    backend: &dyn Backend,
    card: &Card,
    hosts: &[Host],
    parts: &BTreeSet<String>,
) -> Answered {
    let mut answered = Answered::default();
    for kind in kinds(card).into_iter().filter(|kind| kind.part.is_none()) {
        let of = Selection {
            api_version: kind.api_version,
            kind: kind.kind,
            keep: vec!["metadata.name".to_owned()],
            ..Selection::default()
        };
        match backend.list(&of, 1, None).await {
            Ok(_) => answered.n += 1,
            Err(failure) if is_answer(&failure) => answered.n += 1,
            Err(_) if parts.contains(&of.to_string()) => answered.parts.push(of.to_string()),
            Err(_) => answered.missing.push(of.to_string()),
        }
    }
    for (place, argv) in Gate::new(card).commands() {
        if argv.iter().any(|word| word == "*" || word == "**") {
            continue;
        }
        let mut silent = Vec::new();
        for host in hosts {
            let name = host.name.clone();
            let place = match (place, host.kind) {
                ("host", _) => Place::Host { host: name },
                ("agent", HostKind::Node) => Place::Agent { host: name },
                _ => continue,
            };
            match backend.run(&Question { place, argv: argv.to_vec() }).await {
                Ok(_) => answered.n += 1,
                Err(failure) if is_answer(&failure) => answered.n += 1,
                Err(_) => silent.push(host.name.as_str()),
            }
        }
        if !silent.is_empty() {
            let of =
                if silent.len() == hosts.len() { "all hosts".into() } else { silent.join(", ") };
            answered.missing.push(format!("`{}` on {of}", argv.join(" ")));
        }
    }
    answered
}

/// A kind that the cluster lacks and a program that a host lacks are told by the capture.
fn is_answer(failure: &Failure) -> bool {
    failure.kind == FailureKind::NotFound
}

fn judge(plugin: &str, answered: &Answered) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Capture, plugin, outcome, seen);
    let Answered { n, parts, missing } = answered;
    let parts = match parts.len() {
        0 => String::new(),
        _ => format!("; of some only parts: {}", few(parts, NAMED)),
    };
    let n_questions = lab_render::count(*n, "question");
    if missing.is_empty() {
        return check(Outcome::Fine, format!("answers all {n_questions}{parts}"));
    }
    let seen = format!("answers {n_questions}; not in it: {}{parts}", few(missing, NAMED));
    check(Outcome::Unknown, seen).fix("record it where the cluster is: kubectl lab capture FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_whole_in_parts_or_of_something_else() {
        let list = |n: usize| (0..n).map(|n| format!("`c{n}` on w0")).collect();
        for (n, gaps, outcome, seen) in [
            (12, 0, Outcome::Fine, "answers all 12 questions"),
            (12, 1, Outcome::Unknown, "answers 12 questions; not in it: `c0` on w0"),
            (
                1,
                6,
                Outcome::Unknown,
                "answers 1 question; not in it: `c0` on w0, `c1` on w0, `c2` on w0, `c3` on w0 and 2 more",
            ),
        ] {
            let answered = Answered { n, parts: Vec::new(), missing: list(gaps) };
            let check = judge("p", &answered);
            assert_eq!((check.outcome, check.seen.as_str()), (outcome, seen));
            assert_eq!(check.fix.is_some(), gaps > 0);
        }
        let answered = Answered { n: 3, parts: vec!["v1/Pod".into()], missing: Vec::new() };
        let check = judge("p", &answered);
        assert_eq!(check.outcome, Outcome::Fine);
        assert_eq!(check.seen, "answers all 3 questions; of some only parts: v1/Pod");
    }
}
