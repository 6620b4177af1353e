//! The ways to where a command should run: which there are for a place, and taking one.
//!
//! Apart so that each way is seen beside the others: what it waits for, what it opens, what it says
//! when a program is not there. In which order they are taken, and when not, is `attempts`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lab_backend::{Answer, Place};
use lab_types::Failure;
use tokio::sync::OnceCell;

use crate::agent::Agents;
use crate::agents::Lookup;
use crate::debug_pod::DebugPods;
use crate::debug_pod::manifest::Wish;
use crate::exec::{self, Target};
use crate::notes::Notes;
use crate::objects::Objects;
use crate::relay::{self, Relay};
use crate::running::{Ran, Running, Unanswered, Wanted};
use crate::ssh::{self, Ssh};
use crate::{DebugPodOptions, ExtraHost, LiveOptions, Transport, agent, node};

/// A way to run a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In a container that the question names.
    Pod { namespace: String, name: String, container: Option<String> },
    /// In the pod of a node's agent.
    Agent { node: String },
    /// On a machine, over ssh.
    Ssh(ExtraHost),
    /// In the debug pod of a node.
    DebugPod { node: String },
    /// Nowhere: the relay is asked.
    Relay,
}

impl Way {
    /// Its name; a container that the question names has none, for there is no choice, and so it is
    /// with the relay.
    pub(crate) fn transport(&self) -> Option<Transport> {
        match self {
            Self::Pod { .. } | Self::Relay => None,
            Self::Agent { .. } => Some(Transport::Agent),
            Self::Ssh(_) => Some(Transport::Ssh),
            Self::DebugPod { .. } => Some(Transport::DebugPod),
        }
    }
}

/// Where a way leads, once it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Container(Target),
    Machine(ExtraHost),
    Relay(Relay),
}

impl End {
    /// As in `asked by agent kube-system/x`.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Container(target) => format!("{}/{}", target.namespace, target.pod),
            Self::Machine(host) => host.ssh.clone(),
            Self::Relay(relay) => format!("{}/{}", relay.namespace, relay.pod),
        }
    }

    /// The program is not there.
    pub(crate) fn missing(&self, program: &str) -> Unanswered {
        let failure = match self {
            Self::Container(target) => exec::missing(program, target),
            Self::Machine(host) => ssh::missing(program, host),
            Self::Relay(_) => Failure::not_found(format!("a relay does not run `{program}`")),
        };
        Unanswered { ran: Ran::NoProgram, failure }
    }
}

/// A way, a host, and a program that is not there.
type Lack = (Transport, String, String);

/// Everything that commands go through.
pub(crate) struct Ways {
    pub(crate) options: LiveOptions,
    pub(crate) objects: Arc<Objects>,
    pub(crate) notes: Notes,
    agents: Lookup,
    ssh: OnceCell<Ssh>,
    pods: Option<DebugPods>,
    lacking: Mutex<HashMap<Lack, Unanswered>>,
}

impl Ways {
    pub(crate) fn new(options: LiveOptions, objects: Arc<Objects>) -> Self {
        let notes = Notes::default();
        let pods = options.debug_pods.as_ref().map(|debug_pods| {
            DebugPods::new(Arc::clone(&objects), debug_pods.start_timeout, notes.clone())
        });
        Self {
            agents: Lookup::new(Arc::clone(&objects), options.agent_namespace.clone()),
            options,
            objects,
            notes,
            ssh: OnceCell::new(),
            pods,
            lacking: Mutex::default(),
        }
    }

    /// The ways to a place, the first to take first. None when no way is allowed or configured.
    pub(crate) fn to(&self, place: &Place) -> Answer<Vec<Way>> {
        Ok(match place {
            Place::Pod { namespace, name, container } => vec![Way::Pod {
                namespace: namespace.clone(),
                name: name.clone(),
                container: container.clone(),
            }],
            Place::Agent { host } if self.extra(host).is_some() => {
                return Err(Failure::not_found(format!("{host} is not a node: it has no agent")));
            }
            Place::Relay => vec![Way::Relay],
            // What is asked of the agent itself nobody else can answer.
            Place::Agent { host } => vec![Way::Agent { node: host.clone() }],
            Place::Host { host } => match self.extra(host) {
                Some(extra) => vec![Way::Ssh(extra.clone())],
                None => {
                    self.options.transports.iter().filter_map(|by| self.by(*by, host)).collect()
                }
            },
        })
    }

    /// A node's way by one transport, if it may be used.
    pub(crate) fn by(&self, transport: Transport, node: &str) -> Option<Way> {
        match transport {
            Transport::Agent => Some(Way::Agent { node: node.to_owned() }),
            Transport::Ssh => {
                let host = self.options.ssh_nodes.iter().find(|host| host.name == node)?;
                Some(Way::Ssh(host.clone()))
            }
            Transport::DebugPod => {
                self.pods.as_ref().map(|_| Way::DebugPod { node: node.to_owned() })
            }
        }
    }

    /// The agents' pods by node, one for each.
    pub(crate) async fn agents(&self) -> Answer<Agents> {
        self.agents.all().await
    }

    /// A machine beside the cluster.
    pub(crate) fn extra(&self, name: &str) -> Option<&ExtraHost> {
        self.options.extra_hosts.iter().find(|host| host.name == name)
    }

    /// How to allow a transport that a node could have and has not.
    pub(crate) fn to_allow(&self, transport: Transport, node: &str) -> Option<String> {
        let is_named = self.options.transports.contains(&transport);
        if !is_named || self.by(transport, node).is_some() {
            return None;
        }
        match transport {
            Transport::Agent => None,
            Transport::Ssh => Some(format!("`[ssh-nodes.{node}]` in the settings")),
            Transport::DebugPod => Some("`--debug-pods`".to_owned()),
        }
    }

    /// Makes a way ready; no command has run when this fails. A debug pod has a time of its own to
    /// start in, everything else is waited for by the caller.
    pub(crate) async fn prepare(&self, way: &Way) -> Result<End, Unanswered> {
        match way {
            Way::Pod { namespace, name, container } => {
                let container = match container {
                    Some(container) => Ok(container.clone()),
                    None => self.objects.container(namespace, name).await,
                };
                let container = container.map_err(Unanswered::not_run)?;
                let (namespace, pod) = (namespace.clone(), name.clone());
                Ok(End::Container(Target { namespace, pod, container }))
            }
            Way::Agent { node } => match self.agents.on(node).await {
                Ok(pod) => Ok(End::Container(Target {
                    namespace: pod.namespace,
                    pod: pod.name,
                    container: agent::CONTAINER.to_owned(),
                })),
                Err(failure) => {
                    node::check(&self.objects, node).await?;
                    Err(Unanswered::not_run(failure))
                }
            },
            Way::Ssh(host) => {
                self.ssh().await.ready(host).await.map_err(Unanswered::not_run)?;
                Ok(End::Machine(host.clone()))
            }
            Way::DebugPod { node } => {
                let (pods, wish) = self.wish(node).await.map_err(Unanswered::not_run)?;
                node::check(&self.objects, node).await?;
                let target = pods.ready(wish).await.map_err(Unanswered::not_run)?;
                Ok(End::Container(target))
            }
            Way::Relay => {
                let agents = self.options.agent_namespace.as_deref();
                let found = Box::pin(relay::find(&self.objects, &self.options.relay, agents)).await;
                let relay = found.map_err(Unanswered::not_run)?;
                self.notes.tell(&format!("relay: asked at {}/{}", relay.namespace, relay.pod));
                Ok(End::Relay(relay))
            }
        }
    }

    /// Starts a command at the end of a way.
    pub(crate) async fn open(
        &self,
        end: &End,
        argv: &[String],
        wanted: Wanted,
    ) -> Result<Box<dyn Running>, Unanswered> {
        match end {
            End::Container(target) => {
                Ok(Box::new(exec::open(&self.objects.api, target, argv, wanted).await?))
            }
            End::Machine(host) => {
                let opened = self.ssh().await.open(host, argv, wanted).await;
                Ok(Box::new(opened.map_err(Unanswered::not_run)?))
            }
            End::Relay(found) => {
                let options = &self.options.relay;
                // Connecting with TLS is large, and rare.
                let opened = Box::pin(relay::open(&self.objects, options, found, argv));
                Ok(Box::new(opened.await?))
            }
        }
    }

    /// What a way led to is gone: the next one looks again.
    pub(crate) fn lost(&self, way: &Way, end: &End) {
        match (way, end, &self.pods) {
            (Way::Agent { .. }, End::Container(target), _) => self.agents.lost(&target.pod),
            (Way::DebugPod { node }, End::Container(target), Some(pods)) => {
                pods.lost(node, &target.pod);
            }
            _ => {}
        }
    }

    /// Remembers that a program is not there.
    pub(crate) fn lacks(&self, way: Transport, host: &str, program: &str, what: Unanswered) {
        let lack = (way, host.to_owned(), program.to_owned());
        self.lacking.lock().unwrap_or_else(PoisonError::into_inner).insert(lack, what);
    }

    /// Whether a program is known not to be there.
    pub(crate) fn lack(&self, way: Transport, host: &str, program: &str) -> Option<Unanswered> {
        let lacking = self.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        lacking.get(&(way, host.to_owned(), program.to_owned())).cloned()
    }

    /// Whether a debug pod would find the same programs as the agent.
    pub(crate) fn debug_pods_are_like_agents(&self) -> bool {
        self.options.debug_pods.as_ref().is_some_and(|options| options.image.is_none())
    }

    /// Whether a debug pod would be admitted on a node, and where.
    pub(crate) async fn trial(&self, node: &str) -> Answer<String> {
        let (pods, wish) = self.wish(node).await?;
        node::check(&self.objects, node).await.map_err(|unanswered| unanswered.failure)?;
        pods.would_be_admitted(&wish).await?;
        Ok(wish.namespace)
    }

    /// Where debug pods are made, for those that look for them.
    pub(crate) async fn debug_namespace(&self) -> String {
        let named = self.options.debug_pods.as_ref().and_then(|pods| pods.namespace.clone());
        match named {
            Some(namespace) => namespace,
            None => self.agents_namespace().await,
        }
    }

    /// Where the agents are: where they were said to be, where they are found, or the usual place.
    pub(crate) async fn agents_namespace(&self) -> String {
        if self.options.agent_namespace.is_some() {
            return self.usual_namespace();
        }
        match self.agents.like_on("").await {
            Ok(Some(agent)) => agent.namespace,
            _ => self.usual_namespace(),
        }
    }

    /// Deletes what was made.
    pub(crate) async fn close(&self) -> Answer<()> {
        match &self.pods {
            Some(pods) => pods.close().await,
            None => Ok(()),
        }
    }

    fn usual_namespace(&self) -> String {
        self.options.agent_namespace.clone().unwrap_or_else(|| agent::NAMESPACE.to_owned())
    }

    async fn ssh(&self) -> &Ssh {
        let askpass: Option<PathBuf> = self.options.ssh_askpass.clone();
        self.ssh.get_or_init(|| async { Ssh::new(askpass) }).await
    }

    /// The debug pod that is right for a node. What the settings leave open is as the agents have
    /// it: their image is on every node already, and their namespace admits such pods.
    async fn wish(&self, node: &str) -> Answer<(&DebugPods, Wish)> {
        let (Some(options), Some(pods)) = (&self.options.debug_pods, &self.pods) else {
            return Err(Failure::denied("no debug pods are allowed").hint("`--debug-pods` does"));
        };
        let DebugPodOptions { image, namespace, pull_secret, lifetime, host_pid, .. } = options;
        let agent = match (image, namespace) {
            (Some(_), Some(_)) => None,
            _ => self.agents.like_on(node).await?,
        };
        let of_agent = agent.as_ref().and_then(|agent| agent.image.clone());
        let Some(image) = image.clone().or(of_agent) else {
            return Err(Failure::invalid(
                "debug pods have no image: none is set, and there is no agent whose image would do",
            )
            .hint("set `image` in `[debug-pod]` of the settings"));
        };
        let pull_secrets = match (pull_secret, &agent) {
            (Some(secret), _) => vec![secret.clone()],
            // Theirs are in their namespace.
            (None, Some(agent)) if options.image.is_none() && namespace.is_none() => {
                agent.pull_secrets.clone()
            }
            _ => Vec::new(),
        };
        let namespace = namespace.clone().or_else(|| agent.map(|agent| agent.namespace));
        let wish = Wish {
            namespace: namespace.unwrap_or_else(|| self.usual_namespace()),
            node: node.to_owned(),
            image,
            pull_secrets,
            lifetime: *lifetime,
            host_pid: *host_pid,
        };
        Ok((pods, wish))
    }
}
