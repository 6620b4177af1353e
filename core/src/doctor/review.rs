//! Whether we have the rights that each plugin takes.
//!
//! Apart because it asks: every right once, however many plugins take it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lab_backend::Selection;
use lab_live::Access;
use lab_live::Live;
use lab_live::Resource;
use lab_live::User;
use lab_types::Failure;

use super::Patient;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use super::check::few;
use super::rights::Kind;
use super::rights::Namespaces;
use super::rights::Right;
use super::rights::Rights;
use super::rights::kinds;
use super::rights::rights;
use super::rights::told;

/// So many resources and reasons stand in the line; all of them in its evidence.
const NAMED: usize = 3;

/// One line for each plugin.
pub(super) async fn checks(patient: &Patient<'_>, live: &Live, user: Option<&User>) -> Vec<Check> {
    let subject = user.map_or_else(|| "USER".to_owned(), |user| subject(&user.name));
    let kinds = served(patient, live).await;
    let within = namespaces(patient, live).await;
    let plugins: Vec<(&str, Rights)> = patient
        .cards
        .iter()
        .map(|(name, card)| {
            let known = |kind: &Kind| kinds.get(kind).cloned().flatten();
            (name.as_str(), rights(card, &within, known))
        })
        .collect();
    let all: BTreeSet<&Right> = plugins.iter().flat_map(|(_, rights)| rights.keys()).collect();
    let all: Vec<&Right> = all.into_iter().collect();
    let may = |access: Access| async move { live.may(&access).await };
    let answers = patient.bounds.each(all.iter().map(|right| right.access()), may).await;
    let answers: BTreeMap<&Right, Result<bool, Failure>> = all.into_iter().zip(answers).collect();
    plugins.iter().map(|(name, rights)| judge(name, &subject, rights, &answers)).collect()
}

/// A user's name in the words of `--rbac-subject`, for a shell.
fn subject(user: &str) -> String {
    let account = user.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':'));
    let word = match account {
        Some((namespace, name)) => format!("serviceaccount:{namespace}/{name}"),
        None => user.to_owned(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// How the cards' kinds are served; nothing where the cluster does not have them or does not say.
async fn served(patient: &Patient<'_>, live: &Live) -> BTreeMap<Kind, Option<Resource>> {
    let all: BTreeSet<Kind> = patient.cards.iter().flat_map(|(_, card)| kinds(card)).collect();
    let all: Vec<Kind> = all.into_iter().collect();
    let selections: Vec<Selection> = all
        .iter()
        .map(|kind| Selection {
            api_version: kind.api_version.clone(),
            kind: kind.name.clone(),
            ..Selection::default()
        })
        .collect();
    let ask = |of: Selection| async move { live.resource(&of).await };
    let answers = patient.bounds.each(selections, ask).await;
    all.into_iter().zip(answers.into_iter().map(Result::ok)).collect()
}

/// Where commands run: as set, else where agents were found.
async fn namespaces(patient: &Patient<'_>, live: &Live) -> Namespaces {
    let found = patient.bounds.within(live.agents()).await.unwrap_or_default();
    let found = found.into_iter().next().map(|agent| agent.namespace);
    Namespaces::new(patient.settings, found)
}

/// `subject` is who we are, in the words of `--rbac-subject`.
fn judge(
    plugin: &str,
    subject: &str,
    rights: &Rights,
    answers: &BTreeMap<&Right, Result<bool, Failure>>,
) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Rights, plugin, outcome, seen);
    let is = |wanted: bool| move |right: &&Right| matches!(answers.get(right), Some(Ok(may)) if *may == wanted);
    let missing: Vec<&Right> = rights.keys().filter(is(false)).collect();
    let held = rights.keys().filter(is(true)).count();
    let silent = rights.len() - held - missing.len();
    if !missing.is_empty() {
        return lacking(check, plugin, subject, rights, &missing);
    }
    if silent > 0 {
        let why = rights.keys().find_map(|right| answers.get(right)?.as_ref().err());
        let why = why.map(ToString::to_string).unwrap_or_default();
        let n = lab_render::count(rights.len(), "right");
        return check(Outcome::Unknown, format!("{silent} of {n} not told: {why}"));
    }
    if rights.is_empty() {
        return check(Outcome::Fine, "it takes none".to_owned());
    }
    check(Outcome::Fine, format!("all {held} that it takes"))
}

/// What is missing, in a line and as a whole, and how to get it.
fn lacking(
    check: impl FnOnce(Outcome, String) -> Check,
    plugin: &str,
    subject: &str,
    rights: &Rights,
    missing: &[&Right],
) -> Check {
    let resources = told(missing.iter().copied());
    let reasons: BTreeSet<&str> =
        missing.iter().flat_map(|right| &rights[*right]).map(String::as_str).collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    let seen = format!(
        "missing {} of {}: {}; without them: no {}",
        missing.len(),
        lab_render::count(rights.len(), "right"),
        few(&resources, NAMED),
        few(&reasons, NAMED)
    );
    let lines = reasons.iter().map(|reason| {
        let of = missing.iter().filter(|right| rights[**right].contains(*reason));
        format!("no {}, for {reason}", told(of.copied()).join(", "))
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    // Without `watch` only live views stand still.
    let only_watch = missing.iter().all(|right| right.verb == "watch");
    let outcome = if only_watch { Outcome::Warn } else { Outcome::Bad };
    let apply = format!("--rbac {plugin} --rbac-subject {subject} | kubectl apply -f -");
    check(outcome, seen)
        .evidence("SelfSubjectAccessReview", text)
        .fix(format!("as somebody who may grant rights: kubectl lab doctor {apply}"))
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
        judge(
            "p",
            "dev",
            &rights,
            &asked.iter().map(|(right, answer)| (right, answer.clone())).collect(),
        )
    }

    #[test]
    fn a_plugin_with_all_its_rights_is_fine() {
        let check = judged(&[("pods", "list", Ok(true)), ("nodes", "list", Ok(true))]);
        assert_eq!((check.outcome, check.seen.as_str()), (Outcome::Fine, "all 2 that it takes"));
    }

    #[test]
    fn a_plugin_may_take_no_right_at_all() {
        assert_eq!(judged(&[]).seen, "it takes none");
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
        assert_eq!(
            check.seen,
            "missing 2 of 4 rights: get+list pods; without them: no use of pods"
        );
        assert_eq!(check.evidence.unwrap().text, "no get+list pods, for use of pods");
        assert!(check.fix.unwrap().contains("--rbac p --rbac-subject dev "));
    }

    #[test]
    fn users_are_written_as_the_flag_wants_them() {
        for (user, expected) in [
            ("dev", "dev"),
            ("dev@example.org", "dev@example.org"),
            ("system:serviceaccount:tools:lab", "serviceaccount:tools/lab"),
            ("o'neill x", r"'o'\''neill x'"),
            ("", "''"),
        ] {
            assert_eq!(subject(user), expected);
        }
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
