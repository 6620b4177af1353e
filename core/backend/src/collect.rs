//! Asks everything that cards name, without the plugins: for a capture of a whole cluster.
//!
//! Each question once, however many cards ask it. What is remembered of the answers is the
//! business of the recorder that is asked.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::future::join;
use futures::stream;
use lab_types::Card;
use lab_types::Failure;
use lab_types::FailureKind;

use crate::Answer;
use crate::Backend;
use crate::Host;
use crate::HostKind;
use crate::Place;
use crate::Question;
use crate::Selection;
use crate::capture::shown;
use crate::scope;
use crate::scope::CommandScope;
use crate::scope::PlaceWord;

/// Objects asked for at once.
const PAGE: u32 = 500;

/// What cards ask for.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    kinds: Vec<Selection>,
    commands: BTreeSet<CommandScope>,
}

/// How the asking went.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// The hosts that were asked.
    pub hosts: Vec<String>,
    /// What got no answer and why: a host of which no command did, else a question. A kind that
    /// the cluster does not have is an answer.
    pub failures: Vec<(String, Failure)>,
}

impl Plan {
    /// Everything that these cards ask for.
    pub fn of<'c>(cards: impl IntoIterator<Item = &'c Card>) -> Self {
        let mut plan = Self::default();
        for card in cards {
            // What goes on until it is stopped is asked by the commands that follow it, and what
            // the user types is not known before.
            let planned = |scope: &CommandScope| !scope.is_stream && !scope.is_open();
            plan.commands.extend(scope::commands(card).filter(planned));
            for of in scope::kinds(card) {
                if !plan.kinds.contains(&of) {
                    plan.kinds.push(of);
                }
            }
        }
        plan
    }

    /// Commands that the cards do not name word for word: only their plugins know the words.
    pub fn unknown(&self) -> Vec<String> {
        let open = self.commands.iter().filter(|scope| !scope.is_whole());
        open.map(ToString::to_string).collect()
    }

    /// Of these commands, those that none of the questions is.
    pub fn unasked(&self, asked: &[Question]) -> Vec<String> {
        let open = self.commands.iter().filter(|scope| !scope.is_whole());
        let unasked = open.filter(|scope| !asked.iter().any(|question| scope.covers(question)));
        unasked.map(ToString::to_string).collect()
    }

    /// Whether a kind is asked for.
    pub fn names(&self, kind: &str) -> bool {
        self.kinds.iter().any(|of| of.to_string() == kind)
    }

    /// Asks every kind, and every command on every host, at most `concurrency` commands at once.
    /// `progress` is told of how many hosts every question is answered, and of how many they are.
    ///
    /// Errors: the hosts cannot be listed, so that nobody could be asked.
    pub async fn collect(
        &self,
        backend: &dyn Backend,
        concurrency: usize,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Answer<Collected> {
        // First: a cluster that cannot be reached then costs one timeout.
        let hosts = backend.hosts().await?;
        let (mut failures, of_hosts) = join(
            self.objects(backend),
            self.commands(backend, &hosts, concurrency.max(1), progress),
        )
        .await;
        failures.extend(of_hosts);
        Ok(Collected { hosts: hosts.into_iter().map(|host| host.name).collect(), failures })
    }

    async fn objects(&self, backend: &dyn Backend) -> Vec<(String, Failure)> {
        let mut failures = Vec::new();
        for of in &self.kinds {
            match list(backend, of).await {
                Err(failure) if failure.kind != FailureKind::NotFound => {
                    failures.push((of.to_string(), failure));
                }
                _ => {}
            }
        }
        failures
    }

    async fn commands(
        &self,
        backend: &dyn Backend,
        hosts: &[Host],
        concurrency: usize,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Vec<(String, Failure)> {
        let mut asked = Vec::new();
        let mut due = vec![0_usize; hosts.len()];
        for (at, host) in hosts.iter().enumerate() {
            for scope in self.commands.iter().filter(|scope| scope.is_whole()) {
                if let Some(place) = place(scope, host) {
                    let question = Question { place, argv: scope.argv().to_vec() };
                    asked.push((at, scope, question));
                    due[at] += 1;
                }
            }
        }
        let n_asked = due.clone();
        let total = hosts.len() as u64;
        let mut done = due.iter().filter(|due| **due == 0).count() as u64;
        progress(done, total);
        let mut answers = stream::iter(asked)
            .map(|(at, scope, question)| async move {
                let answer = scope.ask(backend, &question).await;
                (at, question, answer.err())
            })
            .buffer_unordered(concurrency);
        let mut failed: Vec<Vec<(Question, Failure)>> = vec![Vec::new(); hosts.len()];
        while let Some((at, question, failure)) = answers.next().await {
            due[at] -= 1;
            if due[at] == 0 {
                done += 1;
                progress(done, total);
            }
            failed[at].extend(failure.map(|failure| (question, failure)));
        }
        let mut failures = Vec::new();
        for ((host, mut failed), n_asked) in hosts.iter().zip(failed).zip(n_asked) {
            failed.sort_by(|(a, _), (b, _)| a.cmp(b));
            if failed.len() == n_asked {
                failures
                    .extend(failed.into_iter().take(1).map(|(_, why)| (host.name.clone(), why)));
            } else {
                failures.extend(failed.into_iter().map(|(asked, why)| (shown(&asked), why)));
            }
        }
        failures
    }
}

/// Where a command runs on a host; `None` where it cannot.
fn place(scope: &CommandScope, host: &Host) -> Option<Place> {
    let name = host.name.clone();
    match scope.place {
        PlaceWord::Host => Some(Place::Host { host: name }),
        PlaceWord::Agent if host.kind == HostKind::Node => Some(Place::Agent { host: name }),
        PlaceWord::Agent | PlaceWord::Pod | PlaceWord::Relay => None,
    }
}

/// Goes through a list to its end; whoever records has seen it all then.
async fn list(backend: &dyn Backend, of: &Selection) -> Answer<()> {
    let mut more = None;
    loop {
        more = backend.list(of, PAGE, more).await?.more;
        if more.is_none() {
            return Ok(());
        }
    }
}
