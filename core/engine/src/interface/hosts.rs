//! `interface hosts`: commands on hosts, many at once, or one that goes on.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use std::collections::HashMap;
use std::sync::Arc;

use lab_backend::Answer;
use lab_backend::Chunk;
use lab_backend::HostKind;
use lab_backend::Outcome;
use lab_backend::Place;
use lab_backend::Question;
use lab_types::Failure as LabFailure;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::lab::plugin::hosts as wit;
use crate::bindings::lab::plugin::types::Failure;
use crate::inbox::Queue;
use crate::inbox::Source;
use crate::state::State;
use crate::timeline::Process;

/// Where a command runs.
pub struct PlaceHandle(Place);

/// Commands of a batch: waiting, then running.
pub enum BatchHandle {
    /// Not started, nor looked at by the gate.
    Waiting(Vec<Question>),
    /// Answers as they come.
    Running(Running),
}

/// A started batch.
pub struct Running {
    answers: mpsc::Receiver<(u32, Answer<Outcome>, OwnedSemaphorePermit)>,
    /// Ends the commands when the guest drops the batch.
    _tasks: JoinSet<()>,
    tally: Tally,
}

/// How many places have answered everything that a batch asks of them: people wait for hosts, not
/// for commands.
struct Tally {
    label: &'static str,
    /// The place of each command; none for one that is refused.
    of: Vec<Option<usize>>,
    /// Commands without an answer, by place.
    left: Vec<u32>,
    done: u64,
}

impl Tally {
    fn new(questions: &[Answer<Question>]) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut tally = Self { label: "hosts", of: Vec::new(), left: Vec::new(), done: 0 };
        for question in questions {
            let place = question.as_ref().ok().map(|Question { place, .. }| {
                if place.host().is_none() {
                    tally.label = "hosts and pods";
                }
                let name = place.host().map_or_else(|| place.to_string(), str::to_owned);
                let next = places.len();
                *places.entry(name).or_insert(next)
            });
            if let Some(place) = place {
                tally.left.resize(places.len(), 0);
                tally.left[place] += 1;
            }
            tally.of.push(place);
        }
        tally
    }

    fn answered(&mut self, index: u32) {
        let place = self.of.get(index as usize).copied().flatten();
        if let Some(left) = place.and_then(|place| self.left.get_mut(place)) {
            *left -= 1;
            self.done += u64::from(*left == 0);
        }
    }

    fn total(&self) -> u64 {
        self.left.len() as u64
    }
}

impl wit::Host for State {
    async fn list(&mut self) -> Result<Result<Vec<wit::HostRef>, Failure>> {
        let backend = self.running()?.backend.clone();
        let hosts = backend.hosts().await;
        Ok(hosts
            .map(|hosts| {
                hosts
                    .into_iter()
                    .map(|host| wit::HostRef {
                        name: host.name,
                        kind: match host.kind {
                            HostKind::Node => wit::Kind::Node,
                            HostKind::Extra => wit::Kind::Extra,
                        },
                        addresses: host.addresses,
                    })
                    .collect()
            })
            .map_err(Failure::from))
    }
}

impl wit::HostPlace for State {
    async fn host(&mut self, name: String) -> Result<Resource<PlaceHandle>> {
        Ok(self.resources.push(PlaceHandle(Place::Host { host: name }))?)
    }
    async fn agent(&mut self, host: String) -> Result<Resource<PlaceHandle>> {
        Ok(self.resources.push(PlaceHandle(Place::Agent { host }))?)
    }
    async fn pod(
        &mut self,
        namespace: String,
        name: String,
        container: Option<String>,
    ) -> Result<Resource<PlaceHandle>> {
        Ok(self.resources.push(PlaceHandle(Place::Pod { namespace, name, container }))?)
    }
    async fn relay(&mut self) -> Result<Resource<PlaceHandle>> {
        Ok(self.resources.push(PlaceHandle(Place::Relay))?)
    }
    async fn drop(&mut self, this: Resource<PlaceHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl State {
    fn question(&mut self, at: &Resource<PlaceHandle>, argv: Vec<String>) -> Result<Question> {
        Ok(Question { place: self.resources.get(at)?.0.clone(), argv })
    }

    /// The questions that the plugin may ask, after the user was asked where that is needed. A
    /// user who refuses ends the run: what was refused is no answer that a plugin could go on
    /// with, or try again.
    async fn admit(&mut self, questions: Vec<Question>) -> Result<Vec<Answer<Question>>> {
        let gate = self.running()?.gate.clone();
        gate.admit(questions).await.map_err(wasmtime::Error::new)
    }
}

impl wit::HostBatch for State {
    async fn new(&mut self) -> Result<Resource<BatchHandle>> {
        self.running()?;
        Ok(self.resources.push(BatchHandle::Waiting(Vec::new()))?)
    }

    async fn add(
        &mut self,
        this: Resource<BatchHandle>,
        at: Resource<PlaceHandle>,
        argv: Vec<String>,
    ) -> Result<()> {
        let question = self.question(&at, argv)?;
        match self.resources.get_mut(&this)? {
            BatchHandle::Waiting(questions) => questions.push(question),
            BatchHandle::Running(_) => {
                return Err(wasmtime::Error::msg(
                    "a command was added to a batch that has started",
                ));
            }
        }
        Ok(())
    }

    async fn next(&mut self, this: Resource<BatchHandle>) -> Result<Option<wit::Answer>> {
        let concurrency = self.limits.concurrency;
        let backend = self.running()?.backend.clone();
        let listener = self.listener.clone();
        if let BatchHandle::Waiting(questions) = self.resources.get_mut(&this)? {
            let questions = std::mem::take(questions);
            let questions = self.admit(questions).await?;
            let started = start(questions, backend, concurrency);
            *self.resources.get_mut(&this)? = BatchHandle::Running(started);
        }
        let BatchHandle::Running(running) = self.resources.get_mut(&this)? else {
            return Err(wasmtime::Error::msg("a batch that never starts"));
        };
        let Some((index, outcome, slot)) = running.answers.recv().await else { return Ok(None) };
        drop(slot);
        let tally = &mut running.tally;
        tally.answered(index);
        listener.progress(tally.label, tally.done, Some(tally.total()));
        let outcome = outcome
            .map(|outcome| wit::Outcome {
                code: outcome.code,
                out: outcome.out,
                err: outcome.err,
                truncated: outcome.truncated,
            })
            .map_err(Failure::from);
        Ok(Some(wit::Answer { index, outcome }))
    }

    async fn drop(&mut self, this: Resource<BatchHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

/// Runs commands in the background, as many at once as allowed. An answer that nobody has
/// taken yet counts as running: that bounds the memory that a slow guest costs.
fn start(
    questions: Vec<Answer<Question>>,
    backend: Arc<dyn lab_backend::Backend>,
    concurrency: usize,
) -> Running {
    let tally = Tally::new(&questions);
    let (sender, answers) = mpsc::channel(concurrency.max(1));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let slots = Arc::new(Semaphore::new(concurrency.max(1)));
        let mut running = JoinSet::new();
        for (index, question) in questions.into_iter().enumerate() {
            // Neither the semaphore is ever closed nor are there 2^32 commands.
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            let Ok(index) = u32::try_from(index) else { return };
            let (sender, backend) = (sender.clone(), backend.clone());
            running.spawn(async move {
                let outcome = match question {
                    Ok(question) => backend.run(&question).await,
                    Err(failure) => Err(failure),
                };
                // The slot goes along, and is free when the guest has taken the answer.
                drop(sender.send((index, outcome, slot)).await);
            });
            while let Some(ended) = running.try_join_next() {
                drop(ended);
            }
        }
        drop(sender);
        while running.join_next().await.is_some() {}
    });
    Running { answers, _tasks: tasks, tally }
}

/// Pieces of a running command's output that wait for the guest. They are up to 32 KiB each, and a
/// hundred agents may be faster than whoever reads along: then they wait, and nothing grows.
const CHUNKS: usize = 4;

impl wit::HostProcess for State {
    async fn start(
        &mut self,
        at: Resource<PlaceHandle>,
        argv: Vec<String>,
    ) -> Result<Result<Resource<Process>, Failure>> {
        let question = self.question(&at, argv)?;
        let question = match self.admit(vec![question]).await?.pop() {
            Some(Ok(question)) => question,
            Some(Err(failure)) => return Ok(Err(failure.into())),
            None => return Err(wasmtime::Error::msg("a command that is not there")),
        };
        let bound = self.limits.queue.min(CHUNKS);
        let running = self.running()?;
        let (backend, inbox) = (running.backend.clone(), running.inbox.clone());
        let stream = match backend.start(question).await {
            Ok(stream) => stream,
            Err(failure) => return Ok(Err(failure.into())),
        };
        let process = if backend.is_recorded() {
            self.running()?.timeline.start(&inbox, stream, bound).await
        } else {
            Process::Running(Queue::start(&inbox, stream, bound))
        };
        Ok(Ok(self.resources.push(process)?))
    }

    async fn source(&mut self, this: Resource<Process>) -> Result<Source> {
        Ok(self.resources.get(&this)?.source())
    }

    async fn take(&mut self, this: Resource<Process>, max_bytes: u32) -> Result<Vec<wit::Chunk>> {
        let process = self.resources.get_mut(&this)?;
        let (mut chunks, mut bytes) = (Vec::new(), 0);
        while bytes < max_bytes as usize {
            let Some(chunk) = process.take() else { break };
            chunks.push(match chunk {
                Chunk::At(_) => continue,
                Chunk::Out(data) => {
                    bytes += data.len();
                    wit::Chunk::Out(data)
                }
                Chunk::Err(data) => {
                    bytes += data.len();
                    wit::Chunk::Err(data)
                }
                Chunk::Ended(status) => {
                    wit::Chunk::Ended(status.map_err(|failure: LabFailure| failure.into()))
                }
            });
        }
        Ok(chunks)
    }

    async fn drop(&mut self, this: Resource<Process>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_counts_when_all_its_commands_are_answered() {
        let question = |place: Place| Ok(Question { place, argv: vec!["ip".to_owned()] });
        let host = |name: &str| question(Place::Host { host: name.to_owned() });
        let agent = |name: &str| question(Place::Agent { host: name.to_owned() });
        let refused = || Err(LabFailure::denied("no"));
        let mut tally = Tally::new(&[host("a"), host("b"), refused(), agent("a")]);
        assert_eq!((tally.label, tally.total()), ("hosts", 2));
        let done: Vec<u64> = [0, 2, 1, 3]
            .map(|index| {
                tally.answered(index);
                tally.done
            })
            .into();
        assert_eq!(done, [0, 0, 1, 2]);
        assert_eq!(Tally::new(&[]).total(), 0);
    }
}
