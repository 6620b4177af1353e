//! A backend that passes every question on and remembers what was answered.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_types::Failure;

use super::kept::Kept;
use super::kept::tells;
use super::tape::Tape;
use super::time::now;
use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Change;
use crate::Chunk;
use crate::Host;
use crate::Outcome;
use crate::Page;
use crate::Projection;
use crate::Question;
use crate::Redaction;
use crate::Selection;
use crate::capture::Writer;

/// Wraps a backend, passes everything on, and makes a capture of it in the end.
///
/// - Objects are asked whole, without the asker's `keep`, and cut down on the way back: what
///   one plugin keeps is of no use to the next one, and what is recorded can be merged.
/// - Of a kind that was asked in parts, the capture says which parts, and answers no wider
///   question than was asked.
/// - A question that failed is listed in the capture with its reason.
/// - Secrets are passed on and never remembered.
#[derive(Debug)]
pub struct Recorder<B> {
    inner: B,
    kept: Arc<Mutex<Kept>>,
    redaction: Redaction,
    /// A command that was answered is not asked again.
    is_once: bool,
}

/// The answers so far. A poisoned lock is taken all the same: they stay true.
pub(super) fn keeping(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time since then; a command takes no 600 million years.
pub(super) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl<B: Backend> Recorder<B> {
    /// Listens to a backend.
    pub fn new(inner: B) -> Self {
        Self { inner, kept: Arc::default(), redaction: Redaction::default(), is_once: false }
    }

    /// Takes out what patterns match before anything is written. Answers are handed on as they
    /// are.
    #[must_use]
    pub fn redacting(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Asks no command twice: who asks again gets the answer that was remembered.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.is_once = true;
        self
    }

    /// Every command that was asked so far.
    pub fn asked(&self) -> Vec<Question> {
        keeping(&self.kept).questions().cloned().collect()
    }

    /// The backend itself, for questions that are not to be remembered.
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// Writes what was answered so far: see [`Writer::write`]. Hosts and version are asked now
    /// if nobody did, because no capture is of use without them.
    pub async fn finish(&self, path: impl AsRef<Path> + Send) -> Answer<()> {
        self.writer().await?.write(path)
    }

    /// What was answered so far, as a capture in the making.
    pub async fn writer(&self) -> Answer<Writer> {
        // Each guard is gone before anything is awaited.
        let hosts_known = matches!(keeping(&self.kept).hosts, Some(Ok(_)));
        if !hosts_known {
            let _ = self.hosts().await;
        }
        let version_known = matches!(keeping(&self.kept).version, Some(Ok(_)));
        if !version_known {
            let _ = self.version().await;
        }
        let mut about = self.inner.about();
        let program = env!("CARGO_PKG_VERSION").to_owned();
        about.versions.entry("kubectl-lab".to_owned()).or_insert(program);
        // What is recorded from a capture is as old as the capture.
        let created = about.created.clone().unwrap_or_else(now);
        let mut writer = keeping(&self.kept).writer(&created, &about)?;
        writer.redact(self.redaction.clone());
        Ok(writer)
    }

    /// What is asked instead: the whole objects.
    fn whole(of: &Selection) -> Selection {
        Selection { keep: Vec::new(), ..of.clone() }
    }
}

fn is_secret(of: &Selection) -> bool {
    of.kind == "Secret"
}

fn not_recorded() -> Failure {
    Failure::denied("Secrets are never recorded")
}

impl<B: Backend> Backend for Recorder<B> {
    fn about(&self) -> About {
        self.inner.about()
    }

    fn is_recorded(&self) -> bool {
        self.inner.is_recorded()
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        Box::pin(async move {
            let answer = self.inner.hosts().await;
            keeping(&self.kept).hosts = Some(answer.clone());
            answer
        })
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        Box::pin(async move {
            let answer = self.inner.version().await;
            keeping(&self.kept).version = Some(answer.clone());
            answer
        })
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async move {
            if is_secret(of) {
                keeping(&self.kept).asked(of, Some(name), Err(not_recorded()));
                return self.inner.get(of, name).await;
            }
            let answer = self.inner.get(&Self::whole(of), name).await;
            let mut kept = keeping(&self.kept);
            match &answer {
                Ok(object) => {
                    kept.object(of, object);
                    kept.asked(of, Some(name), Ok(()));
                }
                Err(failure) if tells(failure) => kept.asked(of, Some(name), Err(failure.clone())),
                Err(_) => {}
            }
            answer.map(|object| Projection::new(&of.keep).apply(&object))
        })
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        Box::pin(async move {
            if is_secret(of) {
                keeping(&self.kept).asked(of, None, Err(not_recorded()));
                return self.inner.list(of, limit, more).await;
            }
            let answer = self.inner.list(&Self::whole(of), limit, more).await;
            let mut kept = keeping(&self.kept);
            match answer {
                Ok(mut page) => {
                    let keep = Projection::new(&of.keep);
                    for object in &mut page.items {
                        kept.object(of, object);
                        if !keep.is_whole() {
                            *object = keep.apply(object);
                        }
                    }
                    // Only a list that was read to its end is an answer to the whole question.
                    if page.more.is_none() {
                        kept.asked(of, None, Ok(()));
                    }
                    Ok(page)
                }
                Err(failure) => {
                    if tells(&failure) {
                        kept.asked(of, None, Err(failure.clone()));
                    }
                    Err(failure)
                }
            }
        })
    }

    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async move {
            let answer = self.inner.logs(namespace, pod, container, lines, previous).await;
            if answer.as_ref().err().is_none_or(tells) {
                let key = (namespace.into(), pod.into(), container.map(str::to_owned), previous);
                keeping(&self.kept).log(key, &answer);
            }
            answer
        })
    }

    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        Box::pin(async move {
            let known = if self.is_once { keeping(&self.kept).answer(question) } else { None };
            if let Some(outcome) = known {
                return Ok(outcome);
            }
            let started = Instant::now();
            let answer = self.inner.run(question).await;
            let ms = millis(started);
            if answer.as_ref().err().is_none_or(tells) {
                let copy = answer.clone().map(Arc::new);
                keeping(&self.kept).command(question, copy, ms);
            }
            answer
        })
    }

    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        Box::pin(async move {
            let mut tape = Tape::new(Arc::clone(&self.kept), question.clone());
            match self.inner.start(question.clone()).await {
                Ok(chunks) => Ok(chunks.inspect(move |chunk| tape.listen(chunk)).boxed()),
                Err(failure) => {
                    tape.listen(&Chunk::Ended(Err(failure.clone())));
                    Err(failure)
                }
            }
        })
    }

    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        Box::pin(async move {
            if is_secret(&of) {
                keeping(&self.kept).asked(&of, None, Err(not_recorded()));
                return self.inner.watch(of).await;
            }
            match self.inner.watch(Self::whole(&of)).await {
                Ok(changes) => {
                    let kept = Arc::clone(&self.kept);
                    let keep = Projection::new(&of.keep);
                    Ok(changes.map(move |change| noted(&kept, &of, &keep, change)).boxed())
                }
                Err(failure) => {
                    if tells(&failure) {
                        keeping(&self.kept).asked(&of, None, Err(failure.clone()));
                    }
                    Err(failure)
                }
            }
        })
    }
}

/// Remembers a change and hands it on, cut down.
fn noted(
    kept: &Mutex<Kept>,
    of: &Selection,
    keep: &Projection,
    change: Answer<Change>,
) -> Answer<Change> {
    let mut kept = keeping(kept);
    Ok(match change? {
        Change::Added(object) => {
            kept.object(of, &object);
            Change::Added(keep.apply(&object))
        }
        Change::Modified(object) => {
            kept.object(of, &object);
            Change::Modified(keep.apply(&object))
        }
        Change::Deleted(object) => {
            kept.gone(of, &object);
            Change::Deleted(keep.apply(&object))
        }
        Change::Synced => {
            kept.asked(of, None, Ok(()));
            Change::Synced
        }
        Change::Restarted => Change::Restarted,
    })
}
