//! The values that were set for a Helm release, out of the Secret in which Helm keeps it.
//!
//! Apart because nothing else is read of a Secret's content on behalf of a command, and this only
//! where the user has written the release's name. Chart, manifest and notes are dropped here; no
//! piece of a Secret gets into a failure.

mod decode;

use std::collections::BTreeMap;

use lab_backend::Answer;
use lab_types::Failure;
use serde::Deserialize;

use crate::failures::Problem;
use crate::kinds::{Query, segment};
use crate::objects::Objects;

/// What Helm gives the Secrets that it keeps releases in.
///
/// Source: `pkg/storage/driver/secrets.go` of Helm 3.18.6.
const TYPE: &str = "type=helm.sh/release.v1";

/// There is no release of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRelease {
    /// Where it was looked for.
    pub namespace: String,
    /// The releases that are there, in order.
    pub others: Vec<String>,
}

/// The values as one JSON object, `{}` where none were set; or that there is no such release.
///
/// # Errors
/// The name can be none, Secrets may not be listed, no revision is deployed, or what is stored is
/// broken.
pub(crate) async fn values(
    objects: &Objects,
    namespace: &str,
    name: &str,
) -> Answer<Result<String, NoRelease>> {
    for word in [namespace, name] {
        if !is_name(word) {
            return Err(Failure::invalid(format!("`{word}` cannot be a name: no Helm release"))
                .hint("a release is named as `helm list -A` does"));
        }
    }
    let path = path(namespace, &format!("owner=helm,name={name},status=deployed"));
    let text = objects.api.get(&path).await.map_err(|problem| unread(problem, namespace, name))?;
    let list: List<Secret> = read(&text, namespace)?;
    // A revision that was deployed and is no more has another status; of two the newer counts.
    match list.items.into_iter().max_by_key(|secret| secret.metadata.revision()) {
        Some(secret) => decode::values(&secret.data.release).map(Ok).map_err(|why| {
            let secret = &secret.metadata.name;
            Failure::other(format!("Helm release `{name}`: Secret {namespace}/{secret} {why}"))
                .hint(by_helm(namespace, name))
        }),
        None => none_deployed(objects, namespace, name).await.map(Err),
    }
}

/// Which releases there are instead.
async fn none_deployed(objects: &Objects, namespace: &str, name: &str) -> Answer<NoRelease> {
    // Of these only the labels count, so no content is asked for.
    let text = objects.api.get_metadata(&path(namespace, "owner=helm")).await;
    let text = text.map_err(|problem| unread(problem, namespace, name))?;
    let list: List<Labelled> = read(&text, namespace)?;
    let mut releases: BTreeMap<String, Vec<Metadata>> = BTreeMap::new();
    for Labelled { metadata } in list.items {
        let of = metadata.labels.get("name").cloned().unwrap_or_default();
        releases.entry(of).or_default().push(metadata);
    }
    let Some(mut revisions) = releases.remove(name) else {
        return Ok(NoRelease {
            namespace: namespace.to_owned(),
            others: releases.into_keys().collect(),
        });
    };
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.revision()));
    let states = revisions.iter().map(|revision| {
        let status = revision.labels.get("status").map_or("unknown", String::as_str);
        format!("{} is {status}", revision.revision())
    });
    let newest = revisions.first().map_or(0, Metadata::revision);
    Err(Failure::unavailable(format!(
        "Helm release `{name}` in namespace {namespace} has no revision that is deployed: {}",
        states.collect::<Vec<_>>().join(", ")
    ))
    .hint(format!(
        "`helm history {name} -n {namespace}` says why; give the values of the one you mean as a \
         file: `helm get values {name} -n {namespace} --revision {newest} -o yaml`"
    )))
}

/// The Secrets of a namespace that Helm keeps releases in, of these labels.
fn path(namespace: &str, labels: &str) -> String {
    let mut query = Query::default();
    query.add("labelSelector", labels);
    query.add("fieldSelector", TYPE);
    query.of(&format!("/api/v1/namespaces/{}/secrets", segment(namespace)))
}

/// Names of releases and namespaces are labels of a DNS name; a selector must not grow by one.
fn is_name(word: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    (1..=63).contains(&word.len())
        && word.chars().all(is_inside)
        && word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn unread(problem: Problem, namespace: &str, name: &str) -> Failure {
    let is_forbidden = problem.code() == Some(403);
    let failure = problem.into_failure(&format!(
        "read Helm release `{name}`, which is in a Secret of namespace {namespace}"
    ));
    if !is_forbidden {
        return failure;
    }
    failure.hint(format!(
        "it takes the right to list Secrets (`kubectl auth can-i list secrets -n {namespace}`); \
         without it {} to somebody who may",
        by_helm(namespace, name)
    ))
}

/// What to do where it cannot be read here.
fn by_helm(namespace: &str, name: &str) -> String {
    format!("name a file with what `helm get values {name} -n {namespace} -o yaml` prints")
}

/// The text of a parser may quote what it read, so it is left out.
fn read<'t, T: Deserialize<'t>>(text: &'t str, namespace: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|_| {
        Failure::other(format!(
            "cannot list `secrets` in namespace {namespace}: the API server's answer is not readable"
        ))
    })
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Secret {
    metadata: Metadata,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize)]
struct Labelled {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Metadata {
    /// The revision, counted from 1; 0 where it is not said.
    fn revision(&self) -> u64 {
        self.labels.get("version").and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    release: String,
}
