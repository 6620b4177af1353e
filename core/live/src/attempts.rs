//! One command, by the first way that can run it.
//!
//! Apart because this is the one place that decides whether a command is started again: only when
//! it is certain that it did not run. What is not certain is the answer. Knows ways by their
//! results, not what they are made of.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use lab_backend::{Answer, Place, Question};
use lab_types::Failure;
use tokio::time::Instant;

use crate::Transport;
use crate::exec;
use crate::no_program;
use crate::running::{Piece, Ran, Running, Unanswered, Wanted};
use crate::ways::{End, Way, Ways};

/// A command that is taken from way to way until it runs.
pub(crate) struct Attempts {
    ways: Arc<Ways>,
    /// Of messages and of what is remembered; empty for a container that the question names.
    host: String,
    /// Whether there could be other ways than those that are allowed.
    has_choice: bool,
    argv: Vec<String>,
    wanted: Wanted,
    left: VecDeque<Step>,
    /// The ways that could not, and why.
    tried: Vec<(Option<Transport>, Unanswered)>,
    current: Option<Current>,
    /// The first line of standard error, while it is not clear whether it is the command's own.
    held: Option<Vec<u8>>,
    /// What comes after a held line.
    next: Option<Piece>,
    /// Something has been handed over, so it has run.
    has_spoken: bool,
}

/// A way to take.
struct Step {
    way: Way,
    /// It was taken before, and what it led to was gone.
    again: bool,
}

/// The way that is being taken.
struct Current {
    step: Step,
    end: End,
    running: Box<dyn Running>,
    /// When it must have ended.
    until: Option<Instant>,
}

impl Attempts {
    /// Starts a command where its question says.
    pub(crate) async fn open(ways: Arc<Ways>, question: &Question, wanted: Wanted) -> Answer<Self> {
        if question.argv.first().is_none_or(String::is_empty) {
            return Err(Failure::invalid("a command without a program"));
        }
        let to = ways.to(&question.place)?;
        let mut attempts = Self::new(ways, to, question.place.host(), &question.argv, wanted);
        attempts.has_choice = match &question.place {
            Place::Host { host } => attempts.ways.extra(host).is_none(),
            Place::Agent { .. } | Place::Pod { .. } | Place::Relay => false,
        };
        attempts.advance().await?;
        Ok(attempts)
    }

    /// Starts a command by this way and no other.
    pub(crate) async fn by(ways: Arc<Ways>, way: Way, host: &str, argv: &[String]) -> Answer<Self> {
        let mut attempts = Self::new(ways, vec![way], Some(host), argv, Wanted::ToTheEnd);
        attempts.advance().await?;
        Ok(attempts)
    }

    fn new(
        ways: Arc<Ways>,
        to: Vec<Way>,
        host: Option<&str>,
        argv: &[String],
        wanted: Wanted,
    ) -> Self {
        Self {
            ways,
            host: host.unwrap_or_default().to_owned(),
            has_choice: false,
            argv: argv.to_vec(),
            wanted,
            left: to.into_iter().map(|way| Step { way, again: false }).collect(),
            tried: Vec::new(),
            current: None,
            held: None,
            next: None,
            has_spoken: false,
        }
    }

    /// What it runs in: a pod, or an ssh target.
    pub(crate) fn end(&self) -> String {
        self.current.as_ref().map(|current| current.end.shown()).unwrap_or_default()
    }

    fn program(&self) -> &str {
        self.argv.first().map(String::as_str).unwrap_or_default()
    }

    /// Takes the next way that opens.
    async fn advance(&mut self) -> Answer<()> {
        while let Some(step) = self.left.pop_front() {
            if let Some(known) = self.known(&step.way) {
                self.tried.push((step.way.transport(), known));
                continue;
            }
            match self.take(step).await {
                Ok(current) => {
                    self.current = Some(current);
                    return Ok(());
                }
                Err((step, end, unanswered)) => self.failed(step, end.as_ref(), unanswered)?,
            }
        }
        Err(self.given_up())
    }

    /// Why a way is of no use, if that is known without trying.
    fn known(&self, way: &Way) -> Option<Unanswered> {
        let transport = way.transport()?;
        if let Some(known) = self.ways.lack(transport, &self.host, self.program()) {
            return Some(known);
        }
        let agent_lacks_it = self
            .tried
            .iter()
            .any(|(by, why)| *by == Some(Transport::Agent) && why.ran == Ran::NoProgram);
        (transport == Transport::DebugPod
            && agent_lacks_it
            && self.ways.debug_pods_are_like_agents())
        .then(|| {
            let failure = Failure::not_found("its image would be the agent's, as none is set")
                .hint(format!(
                    "set `image` in `[debug-pod]` of the settings to one with `{}`",
                    self.program()
                ));
            Unanswered { ran: Ran::NoProgram, failure }
        })
    }

    /// Takes one way, in the time that a command has.
    async fn take(&mut self, step: Step) -> Result<Current, (Step, Option<End>, Unanswered)> {
        let limit = self.ways.options.command_timeout;
        let mut until = Instant::now() + limit;
        let prepared = self.ways.prepare(&step.way);
        let end = if step.way.transport() == Some(Transport::DebugPod) {
            // Pulling an image is not the command's business.
            let end = prepared.await;
            until = Instant::now() + limit;
            end
        } else {
            let ready = tokio::time::timeout_at(until, prepared).await;
            ready.unwrap_or_else(|_| Err(Unanswered::not_run(self.late("was not started"))))
        };
        let end = match end {
            Ok(end) => end,
            Err(unanswered) => return Err((step, None, unanswered)),
        };
        let opened = self.ways.open(&end, &self.argv, self.wanted);
        let opened = tokio::time::timeout_at(until, opened).await;
        match opened.unwrap_or_else(|_| Err(Unanswered::perhaps(self.late("did not end")))) {
            Ok(running) => {
                if let Some(transport) = step.way.transport() {
                    let by = end.shown();
                    self.ways.notes.tell(&format!("{}: asked by {transport} {by}", self.host));
                }
                // A stream goes on for as long as somebody listens.
                let until = (self.wanted == Wanted::ToTheEnd).then_some(until);
                Ok(Current { step, end, running, until })
            }
            Err(unanswered) => Err((step, Some(end), unanswered)),
        }
    }

    /// Nothing in time. `what` did not happen.
    fn late(&self, what: &str) -> Failure {
        let limit = self.ways.options.command_timeout;
        Failure::timeout(format!("`{}` {what} within {limit:?}", exec::shown(&self.argv)))
            .hint("wait longer with `--timeout 60s`")
    }

    /// A way could not. An error when nothing may be tried any more.
    fn failed(&mut self, step: Step, end: Option<&End>, unanswered: Unanswered) -> Answer<()> {
        if unanswered.ran == Ran::Gone
            && let Some(end) = end
        {
            // A pod that ends makes room for another one, which is looked for once.
            self.ways.lost(&step.way, end);
            if !step.again {
                self.left.push_front(Step { again: true, ..step });
                return Ok(());
            }
        }
        let transport = step.way.transport();
        if let Some(transport) = transport {
            if unanswered.ran == Ran::NoProgram {
                self.ways.lacks(transport, &self.host, self.program(), unanswered.clone());
            }
            self.ways
                .notes
                .tell(&format!("{}: not by {transport}: {}", self.host, unanswered.failure));
        }
        let is_final = matches!(unanswered.ran, Ran::Perhaps | Ran::NoHost);
        self.tried.push((transport, unanswered));
        if is_final { Err(self.given_up()) } else { Ok(()) }
    }

    /// The failure after the last way: each that was tried, and how to allow another.
    fn given_up(&mut self) -> Failure {
        let tried = std::mem::take(&mut self.tried);
        let elsewhere = tried.iter().any(|(_, why)| why.ran == Ran::OtherSystem);
        let may_go_on =
            tried.last().is_none_or(|(_, why)| !matches!(why.ran, Ran::Perhaps | Ran::NoHost));
        let allow: Vec<_> = Transport::ALL
            .into_iter()
            .filter(|transport| !(elsewhere && *transport == Transport::DebugPod))
            .filter_map(|transport| self.ways.to_allow(transport, &self.host))
            .collect();
        let allow = (self.has_choice && may_go_on && !allow.is_empty())
            .then(|| format!("another way to ask it: {}", allow.join(" or ")));
        told(&tried, allow, &self.host)
    }

    /// What an end means after all: a code and one line may say that the program is not there.
    fn judged(&self, ended: Result<i32, Unanswered>, end: &End) -> Result<i32, Unanswered> {
        match (&ended, &self.held) {
            (Ok(code), Some(line)) if no_program::is_why(*code, line, self.program()) => {
                Err(end.missing(self.program()))
            }
            _ => ended,
        }
    }

    /// The next piece that can be handed over.
    async fn piece(&mut self) -> Piece {
        if let Some(piece) = self.next.take() {
            return piece;
        }
        loop {
            let Some(current) = &mut self.current else {
                return Piece::Ended(Err(Unanswered::perhaps(Failure::stopped())));
            };
            let piece = match current.until {
                Some(until) => tokio::time::timeout_at(until, current.running.next()).await.ok(),
                None => Some(current.running.next().await),
            };
            let piece = piece.unwrap_or_else(|| {
                Piece::Ended(Err(Unanswered::perhaps(self.late("did not end"))))
            });
            match piece {
                Piece::Err(line)
                    if !self.has_spoken
                        && self.held.is_none()
                        && no_program::is_said_by(&line, self.program()) =>
                {
                    self.held = Some(line);
                }
                Piece::Ended(ended) => {
                    let Some(current) = self.current.take() else { continue };
                    match self.judged(ended, &current.end) {
                        Err(why) if !self.has_spoken && why.ran != Ran::Perhaps => {
                            self.held = None;
                            let gone_on = match self.failed(current.step, Some(&current.end), why) {
                                Ok(()) => self.advance().await,
                                Err(failure) => Err(failure),
                            };
                            if let Err(failure) = gone_on {
                                return Piece::Ended(Err(Unanswered::perhaps(failure)));
                            }
                        }
                        ended => {
                            let by = current.step.way.transport();
                            let ended = ended.map_err(|why| self.after_tried(by, why));
                            return self.after_held(Piece::Ended(ended));
                        }
                    }
                }
                piece => return self.after_held(piece),
            }
        }
    }

    /// What was held back goes first: it was the command's own.
    fn after_held(&mut self, piece: Piece) -> Piece {
        self.has_spoken = true;
        match self.held.take() {
            Some(line) => {
                self.next = Some(piece);
                Piece::Err(line)
            }
            None => piece,
        }
    }

    /// A failure names the ways that were tried before.
    fn after_tried(&mut self, by: Option<Transport>, why: Unanswered) -> Unanswered {
        let ran = why.ran;
        let mut tried = std::mem::take(&mut self.tried);
        tried.push((by, why));
        Unanswered { ran, failure: told(&tried, None, &self.host) }
    }
}

impl Running for Attempts {
    fn next(&mut self) -> BoxFuture<'_, Piece> {
        Box::pin(self.piece())
    }
}

/// One failure made of those of all ways that were tried, and of how to allow another.
fn told(tried: &[(Option<Transport>, Unanswered)], allow: Option<String>, host: &str) -> Failure {
    let Some((_, last)) = tried.last() else {
        let failure = Failure::unavailable(format!("no transport that is allowed reaches {host}"));
        return Failure { hint: allow, ..failure };
    };
    let kind = last.failure.kind;
    // Of several ways the last one's advice is the one to follow: it is the one that is wanted.
    let hint = last.failure.hint.clone();
    // What several say alike is said once.
    let mut said: Vec<(String, String)> = Vec::new();
    for (transport, Unanswered { failure, .. }) in tried {
        let transport = transport.map(|by| by.to_string()).unwrap_or_default();
        let message = failure.to_string();
        match said.iter_mut().find(|(_, known)| *known == message) {
            Some((by, _)) => by.extend([", ", &transport]),
            None => said.push((transport, message)),
        }
    }
    let message = match &said[..] {
        [(_, message)] => message.clone(),
        several => {
            let each = several.iter().map(|(by, message)| format!("{by}: {message}"));
            each.collect::<Vec<_>>().join("; ")
        }
    };
    let hints: Vec<String> = hint.into_iter().chain(allow).collect();
    Failure { kind, message, hint: (!hints.is_empty()).then(|| hints.join("; ")) }
}
