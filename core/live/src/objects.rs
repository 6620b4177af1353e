//! Objects as the text that the API server sent: lists by pages, single objects, logs.
//!
//! Apart because nothing here knows what an object means: documents are cut out of lists without
//! being understood, so a field that we have never heard of arrives like any other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lab_backend::{Answer, Page, Projection, Selection};
use lab_types::Failure;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use crate::api::Api;
use crate::document::{self, Named};
use crate::failures::{self, Problem};
use crate::kinds::{self, Query, Resource};

/// What kubectl asks for at a time.
const PAGE: u32 = 500;

/// The objects of a cluster.
pub(crate) struct Objects {
    pub(crate) api: Api,
    /// Where an object of a kind with namespaces is when nothing is said.
    pub(crate) namespace: String,
    /// What discovery said of an API version, asked at most once.
    discovered: Mutex<HashMap<String, Arc<OnceCell<String>>>>,
}

/// A page with what only this side needs to know of it.
pub(crate) struct Listing {
    pub(crate) page: Page,
    /// From which a watch sees everything that is not in the list.
    pub(crate) version: String,
}

/// Where a listing goes on: the server's token, and the last object handed over in case the token
/// expires.
struct Mark<'a> {
    last: &'a str,
    token: &'a str,
}

impl<'a> Mark<'a> {
    fn read(more: &'a str) -> Answer<Self> {
        let (last, token) = more
            .split_once('\n')
            .ok_or_else(|| Failure::invalid("the mark of the next page is not one of ours"))?;
        Ok(Self { last, token })
    }
}

impl Objects {
    pub(crate) fn new(api: Api, namespace: String) -> Self {
        Self { api, namespace, discovered: Mutex::default() }
    }

    /// The `/version` document.
    pub(crate) async fn version(&self) -> Answer<String> {
        self.api.get("/version").await.map_err(|problem| problem.into_failure("read `/version`"))
    }

    /// How a kind is served.
    pub(crate) async fn resource(&self, of: &Selection) -> Answer<Resource> {
        if let Some(resource) = kinds::known(&of.api_version, &of.kind) {
            return Ok(resource);
        }
        if !kinds::is_sound(&of.api_version, &of.kind) {
            return Err(Failure::invalid(format!("`{of}` names no kind")));
        }
        let cell = {
            let mut discovered = self.discovered.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(discovered.entry(of.api_version.clone()).or_default())
        };
        let path = kinds::base(&of.api_version);
        let doing = format!("look up `{of}`");
        let text =
            cell.get_or_try_init(|| self.api.get(&path)).await.map_err(|problem| match problem
                .code()
            {
                Some(404) => failures::no_kind(&of.api_version, &of.kind),
                _ => problem.into_failure(&doing),
            })?;
        kinds::discovered(text, &of.kind)
            .map_err(|error| failures::unreadable(&doing, &error))?
            .ok_or_else(|| failures::no_kind(&of.api_version, &of.kind))
    }

    /// One object.
    pub(crate) async fn get(&self, of: &Selection, name: &str) -> Answer<String> {
        let resource = self.resource(of).await?;
        let namespace = of.namespace.as_deref().unwrap_or(&self.namespace);
        let all = kinds::collection(&of.api_version, &resource, Some(namespace));
        let doing = format!("get `{}` `{name}`", resource.plural);
        let path = format!("{all}/{}", kinds::segment(name));
        let text = self.api.get(&path).await.map_err(|problem| match problem {
            Problem::Status(status) if status.code == 404 && !names_an_object(&status) => {
                failures::no_kind(&of.api_version, &of.kind)
            }
            problem => problem.into_failure(&doing),
        })?;
        let text = document::tidy(&text, &of.api_version, &of.kind)
            .map_err(|error| failures::unreadable(&doing, &error))?;
        Ok(Projection::new(&of.keep).apply(&text))
    }

    /// A page of objects.
    pub(crate) async fn list(
        &self,
        of: &Selection,
        limit: u32,
        more: Option<&str>,
    ) -> Answer<Listing> {
        let resource = self.resource(of).await?;
        let mark = more.map(Mark::read).transpose()?;
        let Some(mark) = mark else {
            return self
                .page(of, &resource, limit, None, None)
                .await
                .map_err(|p| no_list(p, of, &resource));
        };
        match self.page(of, &resource, limit, Some(mark.token), None).await {
            Err(Problem::Status(status)) if status.code == 410 => {
                self.resume(of, &resource, limit, mark.last, &status).await
            }
            page => page,
        }
        .map_err(|problem| no_list(problem, of, &resource))
    }

    /// Goes on where an expired token stood: from the token that the server offers in exchange, or
    /// from the beginning, leaving out what was handed over. Lists come in the order of their keys,
    /// so nothing comes twice; what changed meanwhile may be seen newer than the pages before.
    async fn resume(
        &self,
        of: &Selection,
        resource: &Resource,
        limit: u32,
        last: &str,
        expired: &kube::core::Status,
    ) -> Result<Listing, Problem> {
        let offered = expired.metadata.as_ref().and_then(|metadata| metadata.continue_.as_deref());
        if let Some(token) = offered.filter(|token| !token.is_empty()) {
            return self.page(of, resource, limit, Some(token), Some(last)).await;
        }
        let mut token: Option<String> = None;
        loop {
            let listing = self.page(of, resource, limit, token.as_deref(), Some(last)).await?;
            match &listing.page.more {
                Some(more) if listing.page.items.is_empty() => {
                    token = more.split_once('\n').map(|(_, token)| token.to_owned());
                }
                _ => return Ok(listing),
            }
        }
    }

    /// Every object of a selection, however many pages it takes.
    pub(crate) async fn list_all(&self, of: &Selection) -> Answer<Vec<String>> {
        let mut items = Vec::new();
        let mut more: Option<String> = None;
        loop {
            let page = self.list(of, 0, more.as_deref()).await?.page;
            items.extend(page.items);
            more = page.more;
            if more.is_none() {
                return Ok(items);
            }
        }
    }

    /// One request. Objects up to and including the key `after` are left out.
    async fn page(
        &self,
        of: &Selection,
        resource: &Resource,
        limit: u32,
        token: Option<&str>,
        after: Option<&str>,
    ) -> Result<Listing, Problem> {
        let mut query = query(of);
        query.add("limit", &if limit == 0 { PAGE } else { limit }.to_string());
        if let Some(token) = token {
            query.add("continue", token);
        }
        let all = kinds::collection(&of.api_version, resource, of.namespace.as_deref());
        let text = self.api.get(&query.of(&all)).await?;
        cut(&text, of, after).map_err(|error| {
            let doing = format!("list `{}`", resource.plural);
            Problem::Broken(failures::unreadable(&doing, &error))
        })
    }

    /// The last lines of a log.
    pub(crate) async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        lines: u32,
        previous: bool,
    ) -> Answer<String> {
        let container = match container {
            Some(container) => container.to_owned(),
            None => self.container(namespace, pod).await?,
        };
        let mut query = Query::default();
        query.add("container", &container);
        query.add("tailLines", &lines.to_string());
        if previous {
            query.add("previous", "true");
        }
        let path = query.of(&format!("{}/log", kinds::pod(namespace, pod)));
        let doing = format!("read the log of `{container}` in pod {namespace}/{pod}");
        let bytes = self.api.get_bytes(&path).await.map_err(|problem| no_log(problem, &doing))?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// The container that is meant when none is named: the pod's default, else its first.
    pub(crate) async fn container(&self, namespace: &str, pod: &str) -> Answer<String> {
        let path = kinds::pod(namespace, pod);
        let doing = format!("get pod {namespace}/{pod}");
        let text = self.api.get(&path).await.map_err(|problem| problem.into_failure(&doing))?;
        document::default_container(&text)
            .map_err(|error| failures::unreadable(&doing, &error))?
            .ok_or_else(|| Failure::not_found(format!("pod {namespace}/{pod} has no container")))
    }
}

/// Label and field selectors as a query.
pub(crate) fn query(of: &Selection) -> Query {
    let mut query = Query::default();
    if let Some(labels) = &of.labels {
        query.add("labelSelector", labels);
    }
    if let Some(fields) = &of.fields {
        query.add("fieldSelector", fields);
    }
    query
}

/// Cuts a list into its objects.
fn cut(text: &str, of: &Selection, after: Option<&str>) -> Result<Listing, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        #[serde(default)]
        resource_version: String,
        #[serde(default, rename = "continue")]
        more: String,
    }
    #[derive(Deserialize)]
    struct List<'a> {
        metadata: Metadata,
        // Required, though it may be `null`: an answer without it is no empty list.
        #[serde(borrow, deserialize_with = "Option::deserialize")]
        items: Option<Vec<&'a RawValue>>,
    }
    let list: List<'_> = serde_json::from_str(text)?;
    let raw = list.items.unwrap_or_default();
    let end = raw.last().map(|raw| Named::read(raw.get()).map(|named| named.key())).transpose()?;
    let projection = Projection::new(&of.keep);
    let mut items = Vec::with_capacity(raw.len());
    for raw in raw {
        if let Some(after) = after
            && Named::read(raw.get())?.key().as_str() <= after
        {
            continue;
        }
        items.push(projection.apply(&document::tidy(raw.get(), &of.api_version, &of.kind)?));
    }
    let end = end.as_deref().or(after).unwrap_or_default();
    let more = (!list.metadata.more.is_empty()).then(|| format!("{end}\n{}", list.metadata.more));
    Ok(Listing { page: Page { items, more }, version: list.metadata.resource_version })
}

/// A list that fails with 404 fails because of its kind: a namespace that does not exist is empty.
pub(crate) fn no_list(problem: Problem, of: &Selection, resource: &Resource) -> Failure {
    match problem.code() {
        Some(404) => failures::no_kind(&of.api_version, &of.kind),
        _ => problem.into_failure(&format!("list `{}`", resource.plural)),
    }
}

fn no_log(problem: Problem, doing: &str) -> Failure {
    match problem {
        Problem::Status(status)
            if status.code == 400 && status.message.contains("previous terminated") =>
        {
            Failure::not_found(format!("cannot {doing}: it has not run before"))
        }
        Problem::Status(status)
            if status.code == 400 && status.message.contains("waiting to start") =>
        {
            Failure::unavailable(format!("cannot {doing}: {}", failures::one_line(&status.message)))
        }
        problem => problem.into_failure(doing),
    }
}

/// A 404 that names an object is about the object; any other is about the path.
fn names_an_object(status: &kube::core::Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Selection {
        Selection { api_version: "v1".into(), kind: "Node".into(), ..Selection::default() }
    }

    #[test]
    fn a_list_is_cut_without_losing_what_is_not_understood() {
        let text = r#"{"kind":"NodeList","metadata":{"resourceVersion":"7","continue":"t"},"items":[
            {"metadata":{"name":"a","managedFields":[{}],"x":1e400},"y":[]},{"metadata":{"name":"b"}}]}"#;
        let listing = cut(text, &nodes(), None).unwrap();
        assert_eq!(listing.version, "7");
        assert_eq!(listing.page.more.as_deref(), Some("b\nt"));
        assert_eq!(
            listing.page.items[0],
            r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a","x":1e400},"y":[]}"#
        );
    }

    #[test]
    fn an_answer_without_items_is_no_empty_list() {
        assert!(cut(r#"{"metadata":{}}"#, &nodes(), None).is_err());
        assert!(
            cut(r#"{"metadata":{},"items":null}"#, &nodes(), None).unwrap().page.items.is_empty()
        );
        assert!(cut("<html>", &nodes(), None).is_err());
        assert!(cut(r#"{"metadata":{},"items":[{"metadata""#, &nodes(), None).is_err());
    }

    #[test]
    fn what_was_handed_over_is_left_out_by_the_order_of_the_keys() {
        let text = r#"{"metadata":{},"items":[{"metadata":{"name":"b","namespace":"a"}},
            {"metadata":{"name":"a","namespace":"a-b"}},{"metadata":{"name":"c","namespace":"a"}}]}"#;
        // `a-b/a` sorts before `a/b`: a hyphen is less than a slash, as in the store.
        let listing = cut(text, &nodes(), Some("a/b")).unwrap();
        assert_eq!(listing.page.items.len(), 1);
        assert!(listing.page.items[0].contains(r#""name":"c""#));
    }
}
