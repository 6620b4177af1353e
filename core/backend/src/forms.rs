//! Answers a question in another of its forms when what was recorded has only that one: the
//! text of `ip rule` where a plugin asks for its JSON.
//!
//! Around what was recorded and never around a cluster: a host that cannot be reached is not
//! reached with other words either.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_types::Card;

use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Change;
use crate::Chunk;
use crate::Host;
use crate::Outcome;
use crate::Page;
use crate::Question;
use crate::Selection;
use crate::scope;
use crate::scope::CommandScope;

/// A recorded backend for the plugin of one card.
#[derive(Clone)]
pub struct Forms {
    inner: Arc<dyn Backend>,
    commands: Vec<CommandScope>,
}

impl Forms {
    /// The backend as a plugin with this card asks it; a live one as it is.
    pub fn around(inner: Arc<dyn Backend>, card: &Card) -> Arc<dyn Backend> {
        if inner.is_recorded() {
            Arc::new(Self { inner, commands: scope::commands(card).collect() })
        } else {
            inner
        }
    }
}

impl Backend for Forms {
    fn about(&self) -> About {
        self.inner.about()
    }

    fn is_recorded(&self) -> bool {
        true
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        self.inner.hosts()
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        self.inner.version()
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        self.inner.get(of, name)
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        self.inner.list(of, limit, more)
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
        async move {
            match self.commands.iter().find(|scope| scope.covers(question)) {
                Some(scope) => scope.ask(&*self.inner, question).await,
                None => self.inner.run(question).await,
            }
        }
        .boxed()
    }

    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        async move {
            match self.commands.iter().find(|scope| scope.covers(&question)) {
                Some(scope) => scope.start(&*self.inner, question).await,
                None => self.inner.start(question).await,
            }
        }
        .boxed()
    }

    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        self.inner.watch(of)
    }
}
