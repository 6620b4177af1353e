//! A live cluster as a [`Backend`]: who answers which question.
//!
//! Apart because this is the whole of the crate on one page; each way of asking has a file.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{
    About, Answer, Backend, Change, Chunk, Host, Outcome, Page, Place, Question, Selection,
};
use lab_types::{Failure, FailureKind};
use tokio::sync::OnceCell;

use crate::agent::{self, AgentPod, Agents};
use crate::connect::{self, Environment};
use crate::exec::{self, Target};
use crate::fan_out::FanOut;
use crate::hosts;
use crate::objects::Objects;
use crate::running::{self, Running, Wanted};
use crate::ssh::Ssh;
use crate::watch;
use crate::{ExtraHost, LiveOptions};

/// After this, an agent that was missing or not ready is looked for again: a run can last for hours.
const STALE: Duration = Duration::from_secs(5);

/// A live cluster and the machines beside it.
pub struct Live {
    options: LiveOptions,
    context: Option<String>,
    objects: Arc<Objects>,
    agents: Mutex<Arc<Found>>,
    fan_out: FanOut,
    ssh: OnceCell<Ssh>,
}

/// The agents as they were once.
#[derive(Default)]
struct Found {
    agents: OnceCell<(Agents, Instant)>,
}

impl Live {
    /// Reads the kubeconfig and prepares a client. The cluster is asked nothing before the first
    /// question.
    ///
    /// # Errors
    /// No kubeconfig, one that cannot be read, a context that is not in it, credentials that are
    /// not usable, or a credential plugin that fails.
    pub async fn connect(options: LiveOptions) -> Answer<Self> {
        Self::connect_in(options, &Environment::own()).await
    }

    /// The same in a given environment.
    async fn connect_in(options: LiveOptions, environment: &Environment) -> Answer<Self> {
        let connected = connect::connect(&options, environment).await?;
        Ok(Self {
            fan_out: FanOut::new(options.concurrency, options.command_timeout),
            options,
            context: connected.context,
            objects: Arc::new(Objects::new(connected.api, connected.namespace)),
            agents: Mutex::default(),
            ssh: OnceCell::new(),
        })
    }

    /// The namespace that counts when none is named: `--namespace`, or the context's.
    pub fn namespace(&self) -> &str {
        &self.objects.namespace
    }

    /// The agent's pod on a node.
    async fn agent(&self, node: &str) -> Answer<AgentPod> {
        let found = self.found();
        let known = self.load(&found).await?;
        let failure = match agent::usable(&known.0, node) {
            Ok(pod) => return Ok(pod),
            Err(failure) => failure,
        };
        if known.1.elapsed() < STALE {
            return Err(failure);
        }
        self.forget(&found);
        let found = self.found();
        agent::usable(&self.load(&found).await?.0, node)
    }

    /// Tells a name that is no host from a node without an agent.
    async fn known(&self, node: &str, failure: Failure) -> Failure {
        let nodes = Selection {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            keep: vec!["metadata.name".to_owned()],
            ..Selection::default()
        };
        match self.objects.get(&nodes, node).await {
            Err(Failure { kind: FailureKind::NotFound, .. }) => Failure::not_found(format!(
                "there is no host `{node}`"
            ))
            .hint("`kubectl get nodes` lists the nodes; extra hosts are named in the settings"),
            _ => failure,
        }
    }

    fn found(&self) -> Arc<Found> {
        Arc::clone(&self.agents.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the next question look again, unless somebody else already did.
    fn forget(&self, seen: &Arc<Found>) {
        let mut current = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, seen) {
            *current = Arc::default();
        }
    }

    async fn load<'a>(&self, found: &'a Found) -> Answer<&'a (Agents, Instant)> {
        found
            .agents
            .get_or_try_init(|| async {
                let usual = self.options.agent_namespace.as_deref().unwrap_or(agent::NAMESPACE);
                let mut of = Selection {
                    api_version: "v1".to_owned(),
                    kind: "Pod".to_owned(),
                    namespace: Some(usual.to_owned()),
                    labels: Some(agent::LABEL.to_owned()),
                    ..Selection::default()
                };
                let mut pods = self.objects.list_all(&of).await?;
                if pods.is_empty() && self.options.agent_namespace.is_none() {
                    of.namespace = None;
                    pods = self.objects.list_all(&of).await?;
                }
                let agents = agent::choose(&pods)
                    .map_err(|error| crate::failures::unreadable("list `pods`", &error))?;
                Ok((agents, Instant::now()))
            })
            .await
    }

    /// Starts a command where its question says.
    async fn open(&self, question: &Question, wanted: Wanted) -> Answer<Box<dyn Running>> {
        let argv = &question.argv;
        if argv.first().is_none_or(String::is_empty) {
            return Err(Failure::invalid("a command without a program"));
        }
        match &question.place {
            Place::Pod { namespace, name, container } => {
                let container = match container {
                    Some(container) => container.clone(),
                    None => self.objects.container(namespace, name).await?,
                };
                let target = Target { namespace: namespace.clone(), pod: name.clone(), container };
                // Any container may be without a shell, so nothing is put around its commands.
                let opened = exec::open(&self.objects.api, &target, argv, Wanted::ToTheEnd).await;
                Ok(Box::new(opened.map_err(|problem| exec::not_started(problem, &target, argv))?))
            }
            Place::Host { host } => match self.extra(host) {
                Some(extra) => self.open_ssh(extra, argv, wanted).await,
                None => match (self.open_agent(host, argv, wanted).await, self.ssh_node(host)) {
                    (Err(_), Some(node)) => self.open_ssh(node, argv, wanted).await,
                    (opened, _) => opened,
                },
            },
            Place::Agent { host } if self.extra(host).is_some() => {
                Err(Failure::not_found(format!("{host} is not a node: it has no agent")))
            }
            Place::Agent { host } => self.open_agent(host, argv, wanted).await,
        }
    }

    async fn open_ssh(
        &self,
        host: &ExtraHost,
        argv: &[String],
        wanted: Wanted,
    ) -> Answer<Box<dyn Running>> {
        let ssh = self.ssh.get_or_init(|| async { Ssh::new() }).await;
        Ok(Box::new(ssh.open(host, argv, wanted).await?))
    }

    /// In the agent's pod, whose network is the host's. Agents are replaced while a run goes on: a
    /// pod that is gone is looked for once more.
    async fn open_agent(
        &self,
        node: &str,
        argv: &[String],
        wanted: Wanted,
    ) -> Answer<Box<dyn Running>> {
        let mut again = true;
        loop {
            let seen = self.found();
            let pod = match self.agent(node).await {
                Ok(pod) => pod,
                Err(failure) if failure.kind == FailureKind::Unavailable => {
                    return Err(self.known(node, failure).await);
                }
                Err(failure) => return Err(failure),
            };
            let target = Target {
                namespace: pod.namespace,
                pod: pod.name,
                container: agent::CONTAINER.to_owned(),
            };
            match exec::open(&self.objects.api, &target, argv, wanted).await {
                Ok(exec) => return Ok(Box::new(exec)),
                Err(problem) if again && problem.code() == Some(404) => {
                    again = false;
                    self.forget(&seen);
                }
                Err(problem) => return Err(exec::not_started(problem, &target, argv)),
            }
        }
    }

    fn extra(&self, name: &str) -> Option<&ExtraHost> {
        self.options.extra_hosts.iter().find(|host| host.name == name)
    }

    fn ssh_node(&self, name: &str) -> Option<&ExtraHost> {
        self.options.ssh_nodes.iter().find(|host| host.name == name)
    }
}

impl Backend for Live {
    fn about(&self) -> About {
        About {
            source: match &self.context {
                Some(context) => format!("context {context}"),
                None => format!("cluster {}", self.objects.api.server),
            },
            context: self.context.clone(),
            ..About::default()
        }
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        async {
            let nodes = Selection {
                api_version: "v1".to_owned(),
                kind: "Node".to_owned(),
                keep: vec!["status.addresses".to_owned()],
                ..Selection::default()
            };
            hosts::merge(&self.objects.list_all(&nodes).await?, &self.options.extra_hosts)
        }
        .boxed()
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        self.objects.version().boxed()
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        self.objects.get(of, name).boxed()
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        async move { Ok(self.objects.list(of, limit, more.as_deref()).await?.page) }.boxed()
    }

    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        self.objects.logs(namespace, pod, container, lines, previous).boxed()
    }

    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        async move {
            let what = exec::shown(&question.argv);
            self.fan_out
                .run(&what, async {
                    let mut running = self.open(question, Wanted::ToTheEnd).await?;
                    running::collect(running.as_mut(), self.options.output_limit).await
                })
                .await
        }
        .boxed()
    }

    /// Streams take no turn: one that runs for hours would keep others waiting for hours. Their
    /// number is that of the hosts.
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        async move {
            let what = exec::shown(&question.argv);
            let running =
                self.fan_out.in_time(&what, self.open(&question, Wanted::WhileWeListen)).await?;
            Ok(running::stream(running))
        }
        .boxed()
    }

    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        watch::follow(Arc::clone(&self.objects), of).boxed()
    }
}

#[cfg(test)]
mod tests;
