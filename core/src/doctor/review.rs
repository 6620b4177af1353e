//! Whether we have the rights that each plugin takes.
//!
//! Apart because it asks: every right once, however many plugins take it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lab_backend::Selection;
use lab_live::Live;
use lab_live::Resource;
use lab_types::Failure;

use super::Patient;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use super::rights::Kind;
use super::rights::Right;
use super::rights::Rights;
use super::rights::kinds;
use super::rights::rights;
use super::rights::told;

/// One line for each plugin.
pub(super) async fn checks(patient: &Patient<'_>, live: &Live) -> Vec<Check> {
    let kinds = served(patient, live).await;
    let agents = agents_namespace(patient, live).await;
    let plugins: Vec<(&str, Rights)> = patient
        .cards
        .iter()
        .map(|(name, card)| {
            let known = |kind: &Kind| kinds.get(kind).cloned().flatten();
            (name.as_str(), rights(card, &agents, known))
        })
        .collect();
    let all: BTreeSet<&Right> = plugins.iter().flat_map(|(_, rights)| rights.keys()).collect();
    let all: Vec<&Right> = all.into_iter().collect();
    let may = async |right: &Right| live.may(&right.access()).await;
    let answers = patient.bounds.each(all.iter().copied(), may).await;
    let answers: BTreeMap<&Right, Result<bool, Failure>> = all.into_iter().zip(answers).collect();
    plugins.iter().map(|(name, rights)| judge(name, rights, &answers)).collect()
}

/// How the cards' kinds are served; nothing where the cluster does not have them or does not say.
async fn served(patient: &Patient<'_>, live: &Live) -> BTreeMap<Kind, Option<Resource>> {
    let all: BTreeSet<Kind> = patient.cards.iter().flat_map(|(_, card)| kinds(card)).collect();
    let all: Vec<Kind> = all.into_iter().collect();
    let ask = async |kind: &Kind| {
        let of = Selection {
            api_version: kind.api_version.clone(),
            kind: kind.kind.clone(),
            ..Selection::default()
        };
        live.resource(&of).await
    };
    let answers = patient.bounds.each(&all, ask).await;
    all.iter().cloned().zip(answers.into_iter().map(Result::ok)).collect()
}

/// Where the agents are: as set, as found, or where they usually are.
async fn agents_namespace(patient: &Patient<'_>, live: &Live) -> String {
    if let Some(namespace) = &patient.settings.hosts.agent_namespace.value {
        return namespace.clone();
    }
    let found = patient.bounds.within(live.agents()).await.unwrap_or_default();
    found
        .first()
        .map_or_else(|| lab_live::AGENT_NAMESPACE.to_owned(), |agent| agent.namespace.clone())
}

fn judge(
    plugin: &str,
    rights: &Rights,
    answers: &BTreeMap<&Right, Result<bool, Failure>>,
) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Rights, plugin, outcome, seen);
    let is = |wanted: bool| move |right: &&Right| matches!(answers.get(right), Some(Ok(may)) if *may == wanted);
    let missing: Vec<&Right> = rights.keys().filter(is(false)).collect();
    let held = rights.keys().filter(is(true)).count();
    let silent = rights.len() - held - missing.len();
    if !missing.is_empty() {
        let reasons: BTreeSet<&str> =
            missing.iter().flat_map(|right| &rights[*right]).map(String::as_str).collect();
        let reasons = reasons.into_iter().collect::<Vec<_>>().join("; ");
        let seen =
            format!("missing: {}; without them: no {reasons}", told(missing.iter().copied()));
        // Without `watch` only live views stand still.
        let only_watch = missing.iter().all(|right| right.verb == "watch");
        let outcome = if only_watch { Outcome::Warn } else { Outcome::Bad };
        return check(outcome, seen).fix(format!(
            "as somebody who may grant rights: kubectl lab doctor --rbac {plugin} --rbac-subject USER | kubectl apply -f -"
        ));
    }
    if silent > 0 {
        let why = rights.keys().find_map(|right| answers.get(right)?.as_ref().err());
        let why = why.map(ToString::to_string).unwrap_or_default();
        let n = lab_render::count(rights.len(), "right");
        return check(Outcome::Unknown, format!("{silent} of {n} not told: {why}"));
    }
    check(Outcome::Fine, format!("all {held} that it takes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(resource: &str, verb: &'static str) -> Right {
        Right { group: String::new(), resource: resource.into(), namespace: None, verb }
    }

    fn judged(answers: &[(&str, &'static str, Result<bool, Failure>)]) -> Check {
        let asked: Vec<(Right, Result<bool, Failure>)> = answers
            .iter()
            .map(|(resource, verb, answer)| (right(resource, verb), answer.clone()))
            .collect();
        let rights: Rights = asked
            .iter()
            .map(|(right, _)| {
                (right.clone(), BTreeSet::from([format!("use of {}", right.resource)]))
            })
            .collect();
        judge("p", &rights, &asked.iter().map(|(right, answer)| (right, answer.clone())).collect())
    }

    #[test]
    fn a_plugin_with_all_its_rights_is_fine() {
        let check = judged(&[("pods", "list", Ok(true)), ("nodes", "list", Ok(true))]);
        assert_eq!((check.outcome, check.seen.as_str()), (Outcome::Fine, "all 2 that it takes"));
    }

    #[test]
    fn what_is_missing_is_named_with_what_it_was_for() {
        let refused = Err(Failure::denied("no"));
        let check = judged(&[
            ("pods", "list", Ok(false)),
            ("pods", "get", Ok(false)),
            ("nodes", "list", Ok(true)),
            ("services", "list", refused),
        ]);
        assert_eq!(check.outcome, Outcome::Bad);
        assert_eq!(check.seen, "missing: get+list pods; without them: no use of pods");
        assert!(check.fix.unwrap().contains("--rbac p "));
    }

    #[test]
    fn watch_alone_is_a_warning() {
        let check = judged(&[("pods", "watch", Ok(false)), ("pods", "list", Ok(true))]);
        assert_eq!(check.outcome, Outcome::Warn);
    }

    #[test]
    fn a_server_that_does_not_say_leaves_it_unknown() {
        let refused = Err(Failure::denied("cannot ask"));
        let check = judged(&[("pods", "list", refused), ("nodes", "list", Ok(true))]);
        assert_eq!(check.outcome, Outcome::Unknown);
        assert_eq!(check.seen, "1 of 2 rights not told: cannot ask");
    }
}
