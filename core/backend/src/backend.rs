//! The trait behind which a live cluster, a capture, a sysdump and the demo look alike.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_types::Failure;

use crate::Host;
use crate::Outcome;
use crate::Page;
use crate::Question;
use crate::Selection;

/// An answer, or why there is none.
pub type Answer<T> = Result<T, Failure>;

/// What a backend is, for the line that says where the table comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `context HomeLab`, `capture lab.zip`, `demo`.
    pub source: String,
    /// When a capture was made (RFC 3339); absent when live.
    pub created: Option<String>,
    /// The kubeconfig context asked, or recorded.
    pub context: Option<String>,
    /// `kubernetes` → `v1.33.13`, `cilium` → `1.18.0`; what is known without asking.
    pub versions: BTreeMap<String, String>,
    /// Kinds of which a capture holds only what was asked, as `v1/Pod`.
    pub parts: BTreeSet<String>,
}

/// One change of a watched selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new object, as JSON.
    Added(String),
    /// A changed object, as JSON.
    Modified(String),
    /// The last state of an object that is gone, as JSON.
    Deleted(String),
    /// Everything that existed at the start has been handed over.
    Synced,
    /// Changes were lost: forget everything, it comes again.
    Restarted,
}

/// A piece of a running command's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Standard output.
    Out(Vec<u8>),
    /// Standard error.
    Err(Vec<u8>),
    /// What follows came then, in Unix milliseconds. Only recorded streams say so: what runs
    /// comes when it is taken.
    At(u64),
    /// It ended, with its exit status; nothing follows.
    Ended(Answer<i32>),
}

/// Somebody who answers. Every method may be called many times and concurrently; a failed
/// answer says nothing about the next one.
pub trait Backend: Send + Sync {
    /// What this is.
    fn about(&self) -> About;

    /// Whether it answers from what was written down, so that no question reaches a host.
    fn is_recorded(&self) -> bool {
        false
    }

    /// Every host that can be asked, nodes first, each kind by name.
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>>;

    /// The API server's `/version` document.
    fn version(&self) -> BoxFuture<'_, Answer<String>>;

    /// One object by name.
    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>>;

    /// A page of objects. `limit` 0 leaves the page size to the backend.
    ///
    /// A kind that the cluster does not have is [`lab_types::FailureKind::NotFound`]; a kind that a capture
    /// does not hold is `Unavailable`: not the same thing, and never an empty list.
    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>>;

    /// The last lines of a container's log.
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>>;

    /// Runs one command to its end. A command that ran and failed is an [`Outcome`] with its
    /// code; `Err` means that it is not known to have run.
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>>;

    /// Runs one command and hands its output over as it comes.
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>>;

    /// Follows a selection. Ends when nothing more can change, as in a capture.
    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>>;
}

/// What is shared answers as what it holds, so that wrappers go around a `dyn Backend` too.
impl<B: Backend + ?Sized> Backend for std::sync::Arc<B> {
    fn about(&self) -> About {
        (**self).about()
    }
    fn is_recorded(&self) -> bool {
        (**self).is_recorded()
    }
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        (**self).hosts()
    }
    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        (**self).version()
    }
    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        (**self).get(of, name)
    }
    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        (**self).list(of, limit, more)
    }
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        (**self).logs(namespace, pod, container, lines, previous)
    }
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        (**self).run(question)
    }
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        (**self).start(question)
    }
    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        (**self).watch(of)
    }
}
