//! A live cluster as a [`Backend`]: who answers which question.
//!
//! Apart because this is the whole of the crate on one page; each way of asking has a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{
    About, Answer, Backend, Change, Chunk, Host, Outcome, Page, Question, Selection,
};

use crate::attempts::Attempts;
use crate::connect::{self, Environment};
use crate::debug_pod::DebugPods;
use crate::exec;
use crate::fan_out::FanOut;
use crate::hosts;
use crate::notes::Listener;
use crate::objects::Objects;
use crate::release::{self, NoRelease};
use crate::running::{self, Wanted};
use crate::watch;
use crate::ways::{Way, Ways};
use crate::{Leftover, LiveOptions, Reachability, Reached, Transport};

mod checkup;

pub use checkup::{Access, AgentState, Link, Support, Tools, User, support, try_ssh};

/// A live cluster and the machines beside it.
pub struct Live {
    context: Option<String>,
    kubeconfigs: Vec<PathBuf>,
    insecure: bool,
    objects: Arc<Objects>,
    ways: Arc<Ways>,
    fan_out: FanOut,
}

impl Live {
    /// Reads the kubeconfig and prepares a client. The cluster is asked nothing before the first
    /// question.
    ///
    /// Whoever allows debug pods must [`close`](Self::close) it.
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
        let mut kubeconfigs = connect::files(&options, environment);
        kubeconfigs.retain(|file| file.exists());
        let objects = Arc::new(Objects::new(connected.api, connected.namespace));
        Ok(Self {
            context: connected.context,
            kubeconfigs,
            insecure: connected.insecure,
            fan_out: FanOut::new(options.concurrency),
            ways: Arc::new(Ways::new(options, Arc::clone(&objects))),
            objects,
        })
    }

    /// From now on this hears, one line each and once, how each host is asked and what did not
    /// work: `k8s-w0: asked by agent kube-system/x`.
    pub fn tell(&self, listener: Listener) {
        self.ways.notes.heard_by(listener);
    }

    /// Deletes the debug pods of this run. Afterwards none is made any more.
    ///
    /// It takes 10 seconds at the longest.
    ///
    /// # Errors
    /// Pods that may still be there, by name; the cluster ends them at their deadline.
    pub async fn close(&self) -> Answer<()> {
        self.ways.close().await
    }

    /// Debug pods in the cluster, of this run and of others.
    ///
    /// # Errors
    /// Pods may not be listed, or the API server does not answer.
    pub async fn leftovers(&self) -> Answer<Vec<Leftover>> {
        DebugPods::found(&self.objects, &self.ways.debug_namespace().await).await
    }

    /// Whether a debug pod would be admitted on a node; the namespace it would be made in. A dry
    /// run: none is made.
    ///
    /// # Errors
    /// None are allowed, or the API server would refuse it.
    pub async fn debug_pod_trial(&self, node: &str) -> Answer<String> {
        self.ways.trial(node).await
    }

    /// Which transports reach a host, in the order in which they are tried. Each runs `true` there;
    /// of a debug pod only whether one would be admitted is asked, and none is made.
    pub async fn reachability(&self, host: &str) -> Vec<Reachability> {
        let ways = if let Some(extra) = self.ways.extra(host) {
            vec![(Transport::Ssh, Some(Way::Ssh(extra.clone())))]
        } else {
            let transports = self.ways.options.transports.iter();
            transports.map(|by| (*by, self.ways.by(*by, host))).collect()
        };
        let tried = ways.into_iter().map(|(transport, way)| async move {
            let state = match way {
                Some(way) => self.reached(way, host).await,
                None => Reached::Unused(self.ways.to_allow(transport, host).unwrap_or_default()),
            };
            Reachability { transport, state }
        });
        futures::future::join_all(tried).await
    }

    async fn reached(&self, way: Way, host: &str) -> Reached {
        if way.transport() == Some(Transport::DebugPod) {
            return match self.ways.trial(host).await {
                Ok(namespace) => Reached::Admitted { namespace },
                Err(failure) => Reached::No(failure),
            };
        }
        let began = Instant::now();
        let argv = ["true".to_owned()];
        let ran = self.fan_out.run(async {
            let mut attempts = Attempts::by(Arc::clone(&self.ways), way, host, &argv).await?;
            let by = attempts.end();
            running::collect(&mut attempts, self.ways.options.output_limit, "true").await?;
            Ok(by)
        });
        match ran.await {
            Ok(by) => Reached::Yes { by, took: began.elapsed() },
            Err(failure) => Reached::No(failure),
        }
    }

    /// The values that were set for a Helm release, as one JSON object; or that there is none of
    /// that name. Without a namespace it is looked for beside the agents.
    ///
    /// They come out of a Secret: to be called only for a name that the user has written.
    ///
    /// # Errors
    /// Secrets may not be listed there, no revision is deployed, or what is stored is broken.
    pub async fn release_values(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Answer<Result<String, NoRelease>> {
        let namespace = match namespace {
            Some(namespace) => namespace.to_owned(),
            None => self.ways.agents_namespace().await,
        };
        release::values(&self.objects, &namespace, name).await
    }

    /// The namespace that counts when none is named: `--namespace`, or the context's.
    pub fn namespace(&self) -> &str {
        &self.objects.namespace
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
            hosts::merge(&self.objects.list_all(&nodes).await?, &self.ways.options.extra_hosts)
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
        let command = async {
            let ways = Arc::clone(&self.ways);
            let mut attempts = Attempts::open(ways, question, Wanted::ToTheEnd).await?;
            let what = exec::shown(&question.argv);
            running::collect(&mut attempts, self.ways.options.output_limit, &what).await
        };
        self.fan_out.run(command).boxed()
    }

    /// Streams take no turn: one that runs for hours would keep others waiting for hours. Their
    /// number is that of the hosts.
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        let ways = Arc::clone(&self.ways);
        async move {
            let attempts = Attempts::open(ways, &question, Wanted::WhileWeListen).await?;
            Ok(running::stream(Box::new(attempts)))
        }
        .boxed()
    }

    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        watch::follow(Arc::clone(&self.objects), of).boxed()
    }
}

#[cfg(test)]
mod tests;
