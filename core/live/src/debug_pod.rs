//! Pods that answer for nodes: made when a node is first asked through one, deleted at the end.
//!
//! Apart because these are the only objects that this program makes, and because whatever it makes
//! it must take away again: after success, failure and a signal; and what a killed run has left,
//! the next one. Knows nothing of commands.

pub(crate) mod leftovers;
pub(crate) mod manifest;
pub(crate) mod state;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, Shared, join_all};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use lab_backend::{Answer, Selection};
use lab_types::{Failure, FailureKind};
use tokio::sync::{OnceCell, watch};

use crate::chance::{jitter, random};
use crate::exec::Target;
use crate::failures::{self, Problem};
use crate::kinds;
use crate::notes::Notes;
use crate::objects::Objects;
use leftovers::Leftover;
use manifest::{CONTAINER, OWNER, RUN, Wish};
use state::State;

/// After this, a node on which no pod could be made is tried again: a run can last for hours.
const AGAIN: Duration = Duration::from_secs(30);
/// Nobody waits longer for pods to be deleted; they end by themselves.
const CLOSING: Duration = Duration::from_secs(10);
/// How many are deleted at once.
const DELETIONS: usize = 32;

/// The debug pods of a run.
pub(crate) struct DebugPods {
    maker: Arc<Maker>,
    by_node: Mutex<HashMap<String, Entry>>,
    closing: watch::Sender<bool>,
}

/// A pod that is made, or being made, or that could not be.
struct Entry {
    ready: Shared<BoxFuture<'static, Answer<Target>>>,
    since: Instant,
}

impl DebugPods {
    pub(crate) fn new(objects: Arc<Objects>, start_timeout: Duration, notes: Notes) -> Self {
        let (closing, is_closing) = watch::channel(false);
        let maker = Maker {
            objects,
            start_timeout,
            notes,
            run: format!("{:08x}", random() & 0xffff_ffff),
            made: Mutex::default(),
            n_made: AtomicUsize::new(0),
            swept: OnceCell::new(),
            is_closing,
        };
        Self { maker: Arc::new(maker), by_node: Mutex::default(), closing }
    }

    /// The pod on a node, made if there is none yet. All that is asked of a node at once waits for
    /// the same pod.
    pub(crate) async fn ready(&self, wish: Wish) -> Answer<Target> {
        let ready = {
            let mut by_node = self.by_node.lock().unwrap_or_else(PoisonError::into_inner);
            if *self.closing.borrow() {
                return Err(Failure::stopped());
            }
            match by_node.get(&wish.node) {
                Some(entry) if !entry.is_worth_another_try() => entry.ready.clone(),
                _ => {
                    let (maker, node) = (Arc::clone(&self.maker), wish.node.clone());
                    // A task of its own: whoever asked may go away, the pod must still be known.
                    let task = tokio::spawn(async move { maker.make(&wish).await });
                    let ready = task.map(|ended| ended.unwrap_or_else(|_| Err(Failure::stopped())));
                    let ready = ready.boxed().shared();
                    by_node.insert(node, Entry { ready: ready.clone(), since: Instant::now() });
                    ready
                }
            }
        };
        ready.await
    }

    /// Makes the next question make another pod, for this one is gone.
    pub(crate) fn lost(&self, node: &str, pod: &str) {
        let mut by_node = self.by_node.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = by_node.get(node).is_some_and(
            |entry| matches!(entry.ready.peek(), Some(Ok(target)) if target.pod == pod),
        );
        if is_this {
            by_node.remove(node);
        }
    }

    /// Whether a pod would be admitted. Nothing is made.
    pub(crate) async fn would_be_admitted(&self, wish: &Wish) -> Answer<()> {
        let path = format!("{}?dryRun=All", pods(&wish.namespace));
        let document = manifest::document(wish, "kubectl-lab-trial", &self.maker.run);
        let posted = self.maker.objects.api.post(&path, &document).await;
        posted.map_err(|problem| refused(problem, wish))
    }

    /// Debug pods of any run: of the whole cluster if that may be listed, else of a namespace.
    pub(crate) async fn found(objects: &Objects, namespace: &str) -> Answer<Vec<Leftover>> {
        match list(objects, None).await {
            Err(Failure { kind: FailureKind::Denied, .. }) => list(objects, Some(namespace)).await,
            found => found,
        }
    }

    /// Deletes what was made, and makes nothing any more.
    ///
    /// # Errors
    /// Pods that may still be there, by name; they end by themselves at their deadline.
    pub(crate) async fn close(&self) -> Answer<()> {
        let entries = {
            let mut by_node = self.by_node.lock().unwrap_or_else(PoisonError::into_inner);
            self.closing.send_replace(true);
            std::mem::take(&mut *by_node)
        };
        let all = async {
            // What is on its way to the API server must arrive before it can be deleted.
            join_all(entries.into_values().map(|entry| entry.ready)).await;
            let made = self.maker.made();
            futures::stream::iter(made)
                .for_each_concurrent(DELETIONS, |pod| async move {
                    let _ = self.maker.delete(&pod).await;
                })
                .await;
        };
        let _ = tokio::time::timeout(CLOSING, all).await;
        let left = self.maker.made();
        let Some((namespace, _)) = left.first() else { return Ok(()) };
        let names: Vec<_> = left.iter().map(|(space, name)| format!("{space}/{name}")).collect();
        Err(Failure::unavailable(format!("debug pods were not deleted: {}", names.join(", ")))
            .hint(format!(
                "they end by themselves; `kubectl delete pods -n {namespace} -l {RUN}={}` deletes them now",
                self.maker.run
            )))
    }
}

impl Entry {
    fn is_worth_another_try(&self) -> bool {
        matches!(self.ready.peek(), Some(Err(_))) && self.since.elapsed() > AGAIN
    }
}

struct Maker {
    objects: Arc<Objects>,
    start_timeout: Duration,
    notes: Notes,
    run: String,
    /// Namespace and name of every pod that may exist.
    made: Mutex<Vec<(String, String)>>,
    n_made: AtomicUsize,
    swept: OnceCell<()>,
    is_closing: watch::Receiver<bool>,
}

impl Maker {
    async fn make(&self, wish: &Wish) -> Answer<Target> {
        self.swept.get_or_init(|| self.sweep(&wish.namespace)).await;
        if *self.is_closing.borrow() {
            return Err(Failure::stopped());
        }
        let nth = self.n_made.fetch_add(1, Ordering::Relaxed);
        let pod = (wish.namespace.clone(), format!("kubectl-lab-{}-{nth}", self.run));
        // Known before it exists: an answer that is lost must not hide it.
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(pod.clone());
        let document = manifest::document(wish, &pod.1, &self.run);
        match self.objects.api.post(&pods(&wish.namespace), &document).await {
            Ok(()) => {}
            // Made by a request whose answer was lost on the way: the name is of this run alone.
            Err(problem) if problem.code() == Some(409) => {}
            Err(problem) => {
                if !matches!(problem, Problem::Broken(_)) {
                    self.forget(&pod);
                }
                return Err(refused(problem, wish));
            }
        }
        if let Err(failure) = self.wait(wish, &pod).await {
            // It is of no use to anybody. What fails here is tried again at the end.
            let _ = self.delete(&pod).await;
            return Err(failure);
        }
        let (namespace, pod) = pod;
        Ok(Target { namespace, pod, container: CONTAINER.to_owned() })
    }

    /// Until its container runs.
    async fn wait(&self, wish: &Wish, pod: &(String, String)) -> Answer<()> {
        let path = kinds::pod(&pod.0, &pod.1);
        let mut last = String::new();
        let mut is_closing = self.is_closing.clone();
        let runs = async {
            let mut pause = Duration::from_millis(200);
            loop {
                match self.objects.api.get(&path).await {
                    Ok(text) => {
                        let state = state::read(&text)
                            .map_err(|error| failures::unreadable("get a debug pod", &error))?;
                        match state {
                            State::Runs => return Ok(()),
                            State::Fails(why) => return Err(fails(wish, &last, &why)),
                            State::Starts(why) => last = why,
                        }
                    }
                    Err(problem) if problem.code() == Some(404) => {
                        return Err(fails(wish, "", "somebody deleted it"));
                    }
                    // An API server that is busy for a moment says nothing about the pod.
                    Err(problem) if problem.code().is_none_or(|code| code >= 500) => {
                        last = problem.into_failure("get a debug pod").message;
                    }
                    Err(problem) => return Err(problem.into_failure("get a debug pod")),
                }
                tokio::time::sleep(jitter(pause)).await;
                pause = (pause * 3 / 2).min(Duration::from_secs(1));
            }
        };
        let waited = tokio::select! {
            waited = tokio::time::timeout(self.start_timeout, runs) => waited,
            // Its sender lives as long as the pods.
            _ = is_closing.wait_for(|closing| *closing) => return Err(Failure::stopped()),
        };
        waited.unwrap_or_else(|_| {
            Err(Failure::timeout(format!(
                "the debug pod on {} did not start within {:?}: {last}",
                wish.node, self.start_timeout
            ))
            .hint(
                "is the node up? wait longer with `start-timeout` in `[debug-pod]` of the settings",
            ))
        })
    }

    /// Deletes what earlier runs have left. That this fails is no reason not to go on.
    async fn sweep(&self, namespace: &str) {
        let found = match list(&self.objects, Some(namespace)).await {
            Ok(found) => found,
            Err(failure) => {
                return self.notes.tell(&format!("debug pods of earlier runs: {failure}"));
            }
        };
        let stale = found.into_iter().filter(|pod| pod.is_stale && pod.run != self.run);
        futures::stream::iter(stale)
            .for_each_concurrent(DELETIONS, |pod| async move {
                let Leftover { namespace, name, node, .. } = pod;
                let line = match self.delete(&(namespace, name.clone())).await {
                    Ok(()) => format!("{node}: deleted debug pod {name} of an earlier run"),
                    Err(failure) => {
                        format!("{node}: debug pod {name} of an earlier run: {failure}")
                    }
                };
                self.notes.tell(&line);
            })
            .await;
    }

    async fn delete(&self, pod: &(String, String)) -> Answer<()> {
        match self.objects.api.delete(&kinds::pod(&pod.0, &pod.1)).await {
            Err(problem) if problem.code() != Some(404) => {
                Err(problem.into_failure(&format!("delete pod {}/{}", pod.0, pod.1)))
            }
            _ => {
                self.forget(pod);
                Ok(())
            }
        }
    }

    fn forget(&self, pod: &(String, String)) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known != pod);
    }

    fn made(&self) -> Vec<(String, String)> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn pods(namespace: &str) -> String {
    format!("/api/v1/namespaces/{}/pods", kinds::segment(namespace))
}

async fn list(objects: &Objects, namespace: Option<&str>) -> Answer<Vec<Leftover>> {
    let of = Selection {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: namespace.map(str::to_owned),
        labels: Some(format!("{}={}", OWNER.0, OWNER.1)),
        ..Selection::default()
    };
    let now = Timestamp::now();
    let pods = objects.list_all(&of).await?;
    let read = pods.iter().map(|pod| leftovers::read(pod, now));
    read.collect::<Result<_, _>>().map_err(|error| failures::unreadable("list `pods`", &error))
}

/// Why a pod does not start. What it said before is often more to the point than the last word: of
/// `ErrImagePull` the cause, of `ImagePullBackOff` that it will be tried again.
fn fails(wish: &Wish, before: &str, why: &str) -> Failure {
    let said = if why.starts_with("ImagePullBackOff") && before.starts_with("ErrImagePull") {
        before
    } else {
        why
    };
    let failure =
        Failure::unavailable(format!("the debug pod on {} does not start: {said}", wish.node));
    if why.contains("\"sleep\"") {
        failure.hint(format!("`{}` must have `sleep`, and the tools to ask with", wish.image))
    } else if why.contains("Image") {
        failure.hint(format!(
            "can `{}` be pulled there? `image` and `pull-secret` stand in `[debug-pod]` of the settings",
            wish.image
        ))
    } else {
        failure
    }
}

/// Why a pod was not made.
fn refused(problem: Problem, wish: &Wish) -> Failure {
    let Wish { namespace, node, .. } = wish;
    let doing = format!("make a debug pod for {node} in namespace `{namespace}`");
    let code = problem.code();
    if let Problem::Status(status) = &problem
        && code == Some(403)
        && let Some(at) = status.message.find("violates PodSecurity")
    {
        let said = failures::one_line(&status.message[at..]);
        return Failure::denied(format!("cannot {doing}: it {said}")).hint(format!(
            "allow it: `kubectl label namespace {namespace} pod-security.kubernetes.io/enforce=privileged --overwrite`, or name another `namespace` in `[debug-pod]` of the settings"
        ));
    }
    let said = match &problem {
        Problem::Status(status) => failures::one_line(&status.message),
        _ => String::new(),
    };
    let failure = problem.into_failure(&doing);
    match code {
        Some(403) if said.contains("cannot create resource") => failure.hint(format!(
            "it takes the verbs `create`, `get`, `list` and `delete` on `pods`, `get` and `create` on `pods/exec` in namespace `{namespace}`"
        )),
        // Somebody else than the access rules: a quota, an admission webhook. It says which.
        Some(403) => Failure::denied(format!("cannot {doing}: {said}")),
        Some(404) => failure.hint("name another `namespace` in `[debug-pod]` of the settings"),
        _ => failure,
    }
}
