//! A selection followed as it changes: list, then watch, and again when the server has forgotten.
//!
//! Apart because it is the one long conversation: it outlives broken connections and expired
//! versions, and says when changes were lost. Knows nothing of what changes.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use http_body_util::BodyExt;
use kube::client::Body;
use lab_backend::{Answer, Change, Projection, Selection};
use lab_types::{Failure, FailureKind};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::chance::jitter;
use crate::document;
use crate::failures;
use crate::kinds::{self, Resource};
use crate::objects::{self, Listing, Objects};

/// How long the server keeps one watch open; below the 300 s at which many proxies cut.
const SERVER_SECONDS: u32 = 290;
/// Bookmarks come every minute or so; a connection silent for longer than the watch is dead.
const SILENCE: Duration = Duration::from_mins(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Outages up to here, about 4 s, are nobody's business.
const QUIET_ATTEMPTS: u32 = 3;

/// Follows a selection. The first page is awaited, so that a refusal is an answer and not an event.
///
/// An `Err` in the stream means that changes cannot be followed for now; it goes on trying, unless
/// the refusal is final (denied, not found), which ends the stream.
pub(crate) async fn follow(
    objects: Arc<Objects>,
    of: Selection,
) -> Answer<BoxStream<'static, Answer<Change>>> {
    let resource = objects.resource(&of).await?;
    let first = objects.list(&of, 0, None).await?;
    let (sender, receiver) = mpsc::channel(64);
    let follower =
        Follower { objects, resource, projection: Projection::new(&of.keep), of, sender };
    tokio::spawn(async move {
        let sender = follower.sender.clone();
        tokio::select! {
            Err(Gone) | Ok(()) = follower.run(first) => {}
            () = sender.closed() => {}
        }
    });
    Ok(futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|change| (change, receiver))
    })
    .boxed())
}

/// Nobody listens any more.
struct Gone;

/// How a watch ended.
enum End {
    /// Normally, or with a broken connection: go on from the last version.
    Closed(Option<Failure>),
    /// The version is too old: list again.
    Expired,
}

struct Follower {
    objects: Arc<Objects>,
    of: Selection,
    resource: Resource,
    projection: Projection,
    sender: mpsc::Sender<Answer<Change>>,
}

impl Follower {
    async fn run(self, first: Listing) -> Result<(), Gone> {
        let mut listing = Some(first);
        let mut version = String::new();
        let mut failed = 0;
        loop {
            let heard;
            let end = if let Some(first) = listing.take() {
                version.clone_from(&first.version);
                heard = true;
                self.hand_over(first).await?
            } else if version.is_empty() {
                heard = false;
                match self.objects.list(&self.of, 0, None).await {
                    Ok(first) => {
                        self.send(Ok(Change::Restarted)).await?;
                        listing = Some(first);
                        continue;
                    }
                    Err(failure) => End::Closed(Some(failure)),
                }
            } else {
                let before = version.clone();
                let end = self.watch(&mut version).await?;
                heard = before != version;
                end
            };
            if heard {
                failed = 0;
            }
            match end {
                // A server or a proxy that keeps no watch open must not be asked without end.
                End::Closed(None) if !heard => tokio::time::sleep(pause(1)).await,
                End::Closed(None) => {}
                End::Expired => version.clear(),
                End::Closed(Some(failure)) => {
                    failed += 1;
                    if matches!(failure.kind, FailureKind::Denied | FailureKind::NotFound) {
                        return self.send(Err(failure)).await;
                    }
                    if failed == QUIET_ATTEMPTS {
                        self.send(Err(failure)).await?;
                    }
                    tokio::time::sleep(pause(failed)).await;
                }
            }
        }
    }

    /// Everything that exists, page by page.
    async fn hand_over(&self, first: Listing) -> Result<End, Gone> {
        let mut page = first.page;
        loop {
            for item in page.items {
                self.send(Ok(Change::Added(item))).await?;
            }
            let Some(more) = page.more else { break };
            match self.objects.list(&self.of, 0, Some(&more)).await {
                Ok(listing) => page = listing.page,
                // Half a list is worth nothing: the next turn restarts it.
                Err(failure) => {
                    self.send(Err(failure)).await?;
                    return Ok(End::Expired);
                }
            }
        }
        self.send(Ok(Change::Synced)).await?;
        Ok(End::Closed(None))
    }

    /// One watch, until it ends.
    async fn watch(&self, version: &mut String) -> Result<End, Gone> {
        let mut query = objects::query(&self.of);
        query.add("watch", "true");
        query.add("allowWatchBookmarks", "true");
        query.add("resourceVersion", version);
        query.add("timeoutSeconds", &SERVER_SECONDS.to_string());
        let all =
            kinds::collection(&self.of.api_version, &self.resource, self.of.namespace.as_deref());
        let body = match self.objects.api.stream(&query.of(&all)).await {
            Ok(body) => body,
            Err(problem) if problem.code() == Some(410) => return Ok(End::Expired),
            Err(problem) => {
                return Ok(End::Closed(Some(objects::no_list(problem, &self.of, &self.resource))));
            }
        };
        let mut lines = Lines { body, read: Vec::new() };
        let doing = format!("watch `{}`", self.resource.plural);
        loop {
            // The server ends a watch after its time; a cut or silent connection looks the same to
            // us, and going on from the last version is right for all three.
            let Ok(Some(line)) = tokio::time::timeout(SILENCE, lines.next()).await else {
                return Ok(End::Closed(None));
            };
            let event = match Event::read(&line, &doing) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(End::Expired),
                Err(failure) => return Ok(End::Closed(Some(failure))),
            };
            if let Some(newer) = document::version(event.object) {
                *version = newer;
            }
            if let Some(change) = event.kind {
                match document::tidy(event.object, &self.of.api_version, &self.of.kind) {
                    Ok(text) => self.send(Ok(change(self.projection.apply(&text)))).await?,
                    Err(error) => {
                        return Ok(End::Closed(Some(failures::unreadable(&doing, &error))));
                    }
                }
            }
        }
    }

    async fn send(&self, change: Answer<Change>) -> Result<(), Gone> {
        self.sender.send(change).await.map_err(|_| Gone)
    }
}

fn pause(failed: u32) -> Duration {
    jitter((Duration::from_millis(500) * 2_u32.pow(failed.min(10))).min(LONGEST_PAUSE))
}

/// A line of a watch.
struct Event<'a> {
    /// Absent for a bookmark.
    kind: Option<fn(String) -> Change>,
    object: &'a str,
}

impl<'a> Event<'a> {
    /// `None` when the server says that the version is too old.
    fn read(line: &'a [u8], doing: &str) -> Answer<Option<Self>> {
        #[derive(Deserialize)]
        struct Line<'a> {
            r#type: &'a str,
            #[serde(borrow)]
            object: &'a RawValue,
        }
        let unreadable = |error: serde_json::Error| failures::unreadable(doing, &error);
        let line: Line<'a> = serde_json::from_slice(line).map_err(unreadable)?;
        let object = line.object.get();
        let kind: Option<fn(String) -> Change> = match line.r#type {
            "ADDED" => Some(Change::Added),
            "MODIFIED" => Some(Change::Modified),
            "DELETED" => Some(Change::Deleted),
            "ERROR" => {
                let status: kube::core::Status =
                    serde_json::from_str(object).map_err(unreadable)?;
                return if status.code == 410 {
                    Ok(None)
                } else {
                    Err(failures::of_status(&status, doing))
                };
            }
            // Bookmarks, and what later servers may add.
            _ => None,
        };
        Ok(Some(Self { kind, object }))
    }
}

/// A body read line by line.
struct Lines {
    body: Body,
    read: Vec<u8>,
}

impl Lines {
    /// `None` at the end, also when the connection breaks; half a line is dropped.
    async fn next(&mut self) -> Option<Vec<u8>> {
        let mut looked = 0;
        loop {
            if let Some(at) = self.read[looked..].iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(looked + at + 1);
                return Some(std::mem::replace(&mut self.read, rest));
            }
            looked = self.read.len();
            let frame = self.body.frame().await?.ok()?;
            if let Ok(piece) = frame.into_data() {
                self.read.extend_from_slice(&piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_bookmarks_and_errors() {
        let read = |line: &'static str| Event::read(line.as_bytes(), "watch `nodes`");
        let added = read(r#"{"type":"ADDED","object":{"a":1}}"#).unwrap().unwrap();
        assert_eq!(
            added.kind.map(|kind| kind(added.object.into())),
            Some(Change::Added(r#"{"a":1}"#.into()))
        );
        assert!(read(r#"{"type":"BOOKMARK","object":{}}"#).unwrap().unwrap().kind.is_none());
        assert!(read(r#"{"type":"ERROR","object":{"code":410}}"#).unwrap().is_none());
        let refused = read(r#"{"type":"ERROR","object":{"code":403}}"#).err().unwrap();
        assert_eq!(refused.kind, FailureKind::Denied);
        assert!(read(r#"{"type":"ADDED","obj"#).is_err());
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        assert!(pause(1) <= Duration::from_secs(1));
        assert!((Duration::from_secs(15)..=LONGEST_PAUSE).contains(&pause(50)));
    }
}
