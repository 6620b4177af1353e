//! `interface hosts`: commands on hosts, many at once, or one that goes on.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use std::sync::Arc;

use lab_backend::Answer;
use lab_backend::Chunk;
use lab_backend::HostKind;
use lab_backend::Outcome;
use lab_backend::Place;
use lab_backend::Question;
use lab_types::Failure as LabFailure;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::lab::plugin::hosts as wit;
use crate::bindings::lab::plugin::types::Failure;
use crate::inbox::Process;
use crate::inbox::Queue;
use crate::inbox::Source;
use crate::state::State;

/// Where a command runs.
pub struct PlaceHandle(Place);

/// Commands of a batch: waiting, then running.
pub enum BatchHandle {
    /// Not started: the commands, and those that are refused.
    Waiting(Vec<Answer<Question>>),
    /// Answers as they come.
    Running(Running),
}

/// A started batch.
pub struct Running {
    answers: mpsc::Receiver<(u32, Answer<Outcome>)>,
    /// Ends the commands when the guest drops the batch.
    _tasks: JoinSet<()>,
    done: u64,
    total: u64,
    label: &'static str,
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
    async fn drop(&mut self, this: Resource<PlaceHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl State {
    /// The question, if the plugin may ask it.
    fn question(
        &mut self,
        at: &Resource<PlaceHandle>,
        argv: Vec<String>,
    ) -> Result<Answer<Question>> {
        let question = Question { place: self.resources.get(at)?.0.clone(), argv };
        Ok(self.running()?.gate.command(&question).map(|()| question))
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
        let batch = self.resources.get_mut(&this)?;
        if let BatchHandle::Waiting(questions) = batch {
            *batch = BatchHandle::Running(start(std::mem::take(questions), backend, concurrency));
        }
        let BatchHandle::Running(running) = batch else {
            return Err(wasmtime::Error::msg("a batch that never starts"));
        };
        let Some((index, outcome)) = running.answers.recv().await else { return Ok(None) };
        running.done += 1;
        listener.progress(running.label, running.done, Some(running.total));
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
    let total = questions.len() as u64;
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
                // The slot is held until the answer has a place in the queue.
                drop(sender.send((index, outcome)).await);
                drop(slot);
            });
            while let Some(ended) = running.try_join_next() {
                drop(ended);
            }
        }
        drop(sender);
        while running.join_next().await.is_some() {}
    });
    Running { answers, _tasks: tasks, done: 0, total, label: "hosts" }
}

impl wit::HostProcess for State {
    async fn start(
        &mut self,
        at: Resource<PlaceHandle>,
        argv: Vec<String>,
    ) -> Result<Result<Resource<Process>, Failure>> {
        let question = match self.question(&at, argv)? {
            Ok(question) => question,
            Err(failure) => return Ok(Err(failure.into())),
        };
        let bound = self.limits.queue;
        let running = self.running()?;
        let (backend, inbox) = (running.backend.clone(), running.inbox.clone());
        match backend.start(question).await {
            Ok(stream) => Ok(Ok(self.resources.push(Queue::start(&inbox, stream, bound))?)),
            Err(failure) => Ok(Err(failure.into())),
        }
    }

    async fn source(&mut self, this: Resource<Process>) -> Result<Source> {
        Ok(self.resources.get(&this)?.source())
    }

    async fn take(&mut self, this: Resource<Process>, max_bytes: u32) -> Result<Vec<wit::Chunk>> {
        let process = self.resources.get_mut(&this)?;
        let (mut chunks, mut bytes) = (Vec::new(), 0);
        while bytes < max_bytes as usize {
            let Some(chunk) = process.take_if(|_| true) else { break };
            chunks.push(match chunk {
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
