//! A capture that refuses to read one kind.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{
    About, Answer, Backend, Capture, Change, Chunk, Host, Outcome, Page, Question, Selection,
};
use lab_types::Failure;

/// A cluster that refuses one kind, as RBAC does.
pub(crate) struct Denying {
    /// What answers else.
    pub(crate) inner: Capture,
    /// The kind.
    pub(crate) kind: &'static str,
}

impl Denying {
    fn refusal(&self, of: &Selection) -> Option<Failure> {
        let plural = format!("{}s", of.kind.to_lowercase());
        (of.kind == self.kind)
            .then(|| Failure::denied(format!("{plural} is forbidden: User \"dev\" cannot list it")))
    }
}

impl Backend for Denying {
    fn about(&self) -> About {
        self.inner.about()
    }
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        self.inner.hosts()
    }
    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        self.inner.version()
    }
    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        match self.refusal(of) {
            Some(refusal) => Box::pin(async { Err(refusal) }),
            None => self.inner.get(of, name),
        }
    }
    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        match self.refusal(of) {
            Some(refusal) => Box::pin(async { Err(refusal) }),
            None => self.inner.list(of, limit, more),
        }
    }
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        self.inner.logs(namespace, pod, container, lines, previous)
    }
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        self.inner.run(question)
    }
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        self.inner.start(question)
    }
    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        self.inner.watch(of)
    }
}
