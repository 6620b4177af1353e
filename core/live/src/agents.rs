//! Looks the agents' pods up: once for all nodes, and again when one was missing or is gone.
//!
//! Apart because agents are replaced while a run goes on, and a run can last for hours. Which pod
//! answers for a node is `agent`'s business.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lab_backend::{Answer, Selection};
use tokio::sync::OnceCell;

use crate::agent::{self, AgentPod, Agents};
use crate::failures;
use crate::objects::Objects;

/// After this, an agent that was missing or not ready is looked for again.
const STALE: Duration = Duration::from_secs(5);

/// The agents of a cluster.
pub(crate) struct Lookup {
    objects: Arc<Objects>,
    /// Where they are, when it was said.
    namespace: Option<String>,
    seen: Mutex<Arc<Seen>>,
}

/// The agents as they were once.
#[derive(Default)]
pub(crate) struct Seen {
    agents: OnceCell<(Agents, Instant)>,
}

impl Lookup {
    pub(crate) fn new(objects: Arc<Objects>, namespace: Option<String>) -> Self {
        Self { objects, namespace, seen: Mutex::default() }
    }

    /// The agent's pod on a node.
    pub(crate) async fn on(&self, node: &str) -> Answer<AgentPod> {
        let seen = self.seen();
        let known = self.load(&seen).await?;
        let failure = match agent::usable(&known.0, node) {
            Ok(pod) => return Ok(pod),
            Err(failure) => failure,
        };
        if known.1.elapsed() < STALE {
            return Err(failure);
        }
        self.forget(&seen);
        let seen = self.seen();
        agent::usable(&self.load(&seen).await?.0, node)
    }

    /// Every node's agent.
    pub(crate) async fn all(&self) -> Answer<Agents> {
        let seen = self.seen();
        Ok(self.load(&seen).await?.0.clone())
    }

    /// Any pod of an agent, the one on this node if it has one, also one that does not run: for
    /// what all of them have.
    pub(crate) async fn like_on(&self, node: &str) -> Answer<Option<AgentPod>> {
        let seen = self.seen();
        let (agents, _) = self.load(&seen).await?;
        Ok(agents.get(node).or_else(|| agents.values().next()).cloned())
    }

    /// Makes the next question look again, for this pod is gone.
    pub(crate) fn lost(&self, pod: &str) {
        let seen = self.seen();
        let is_known = seen
            .agents
            .get()
            .is_some_and(|(agents, _)| agents.values().any(|known| known.name == pod));
        if is_known {
            self.forget(&seen);
        }
    }

    fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the next question look again, unless somebody else already did.
    fn forget(&self, seen: &Arc<Seen>) {
        let mut current = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, seen) {
            *current = Arc::default();
        }
    }

    async fn load<'a>(&self, seen: &'a Seen) -> Answer<&'a (Agents, Instant)> {
        seen.agents
            .get_or_try_init(|| async {
                let usual = self.namespace.as_deref().unwrap_or(agent::NAMESPACE);
                let mut of = Selection {
                    api_version: "v1".to_owned(),
                    kind: "Pod".to_owned(),
                    namespace: Some(usual.to_owned()),
                    labels: Some(agent::LABEL.to_owned()),
                    ..Selection::default()
                };
                let mut pods = self.objects.list_all(&of).await?;
                if pods.is_empty() && self.namespace.is_none() {
                    of.namespace = None;
                    pods = self.objects.list_all(&of).await?;
                }
                let agents = agent::choose(&pods)
                    .map_err(|error| failures::unreadable("list `pods`", &error))?;
                Ok((agents, Instant::now()))
            })
            .await
    }
}
