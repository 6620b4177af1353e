//! What a check-up of the way to a cluster asks: the API server itself, rights, agents, ssh.
//!
//! Apart from the seam because no plugin may ask any of it. Nothing here judges: answers are handed
//! over as they came.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lab_backend::{Answer, Backend, Place, Question, Selection};
use lab_types::{Failure, FailureKind};
use serde::Deserialize;
use serde_json::json;

use super::Live;
use crate::ExtraHost;
use crate::agent;
use crate::api::RoundTrip;
use crate::failures;
use crate::kinds::Resource;
use crate::running::{self, Wanted};
use crate::ssh::Ssh;

/// Tools that plugins' commands or people need at a host.
const TOOLS: [&str; 8] =
    ["ip", "iptables-save", "ipset", "nft", "ping", "tracepath", "tcpdump", "bpftool"];
/// Prints those of its words that are programs here.
const WHICH: &str = r#"for tool; do if command -v "$tool" >/dev/null; then echo "$tool"; fi; done"#;

/// How the cluster was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kubeconfig files that were merged; none with `--server` alone and in a pod.
    pub kubeconfigs: Vec<PathBuf>,
    /// The context in use.
    pub context: Option<String>,
    /// The API server's URL.
    pub server: String,
    /// Its certificate is not checked.
    pub insecure: bool,
}

/// Who the API server takes us for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `kubernetes-admin`.
    pub name: String,
    /// `system:authenticated`, …
    pub groups: Vec<String>,
}

/// One thing that a role may or may not allow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Access {
    /// Empty for the core group.
    pub group: String,
    /// `pods`.
    pub resource: String,
    /// `exec`.
    pub subresource: Option<String>,
    /// `list`.
    pub verb: String,
    /// Absent: everywhere.
    pub namespace: Option<String>,
}

/// An agent's pod as the API server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentState {
    /// Node it is on.
    pub node: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// Kubernetes calls it ready.
    pub ready: bool,
    /// Why nothing can run in it: `CrashLoopBackOff`.
    pub trouble: Option<String>,
}

/// Which tools an agent's container has, and which of those looked for it lacks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tools {
    /// In the order they were looked for.
    pub present: Vec<&'static str>,
    /// The others.
    pub absent: Vec<&'static str>,
}

/// Which releases of the product are known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// The product's name.
    pub product: &'static str,
    /// First minor release.
    pub oldest: (u32, u32),
    /// Last minor release.
    pub newest: (u32, u32),
}

/// Which releases of the agents' product are known here.
pub fn support() -> Support {
    let (oldest, newest) = agent::SUPPORTED;
    Support { product: agent::PRODUCT, oldest, newest }
}

/// Logs in at a host over ssh and runs `true`; how long that took.
///
/// # Errors
/// Why not, in words made of ssh's own, or that it took longer than `limit`.
pub async fn try_ssh(
    host: &ExtraHost,
    askpass: Option<PathBuf>,
    limit: Duration,
) -> Answer<Duration> {
    let ssh = Ssh::new(askpass);
    let began = Instant::now();
    let login = async {
        ssh.ready(host).await?;
        let mut session = ssh.open(host, &["true".to_owned()], Wanted::ToTheEnd).await?;
        running::collect(&mut session, 4 << 10, "true").await
    };
    let outcome = tokio::time::timeout(limit, login).await.unwrap_or_else(|_| {
        Err(Failure::timeout(format!(
            "host {} ({}): no answer within {limit:?}",
            host.name, host.ssh
        ))
        .hint("is it up, and is a route or a jump host missing?"))
    })?;
    if outcome.code == 0 {
        return Ok(began.elapsed());
    }
    let said = failures::one_line(&String::from_utf8_lossy(&outcome.err));
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    Err(Failure::other(format!("`true` on {} ended with {}{said}", host.name, outcome.code)))
}

impl Live {
    /// How the cluster was found.
    pub fn link(&self) -> Link {
        Link {
            kubeconfigs: self.kubeconfigs.clone(),
            context: self.context.clone(),
            server: self.objects.api.server.clone(),
            insecure: self.insecure,
        }
    }

    /// Asks `/version`, once, and looks at the clock.
    ///
    /// # Errors
    /// Why there is no answer: no connection, a certificate, credentials.
    pub async fn round_trip(&self) -> Answer<RoundTrip> {
        let answer = self.objects.api.round_trip("/version").await;
        answer.map_err(|problem| problem.into_failure("read `/version`"))
    }

    /// Who the API server takes us for.
    ///
    /// # Errors
    /// It does not accept the credentials, or is older than 1.28 and cannot say.
    pub async fn user(&self) -> Answer<User> {
        #[derive(Deserialize)]
        struct Info {
            #[serde(default)]
            username: String,
            #[serde(default)]
            groups: Vec<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            user_info: Info,
        }
        #[derive(Deserialize)]
        struct Review {
            status: Status,
        }
        let question =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review: Review = self.review(path, &question, "ask who we are").await?;
        let Info { username, groups } = review.status.user_info;
        Ok(User { name: username, groups })
    }

    /// Whether we may do something. A `SelfSubjectAccessReview`: a POST of which nothing is kept.
    ///
    /// # Errors
    /// The server does not say, which is not the same as no.
    pub async fn may(&self, access: &Access) -> Answer<bool> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            allowed: bool,
            #[serde(default)]
            evaluation_error: String,
        }
        #[derive(Deserialize)]
        struct Review {
            status: Status,
        }
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "group": access.group,
                "resource": access.resource,
                "subresource": access.subresource.as_deref().unwrap_or_default(),
                "verb": access.verb,
                "namespace": access.namespace.as_deref().unwrap_or_default(),
            }},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let doing = "ask which rights there are";
        let review: Review = self.review(path, &question, doing).await?;
        match review.status {
            Status { allowed: false, evaluation_error } if !evaluation_error.is_empty() => {
                let why = failures::one_line(&evaluation_error);
                Err(Failure::other(format!("cannot {doing}: {why}")))
            }
            Status { allowed, .. } => Ok(allowed),
        }
    }

    async fn review<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        question: &serde_json::Value,
        doing: &str,
    ) -> Answer<T> {
        let answer = self.objects.api.review(path, &question.to_string()).await;
        let text = answer.map_err(|problem| problem.into_failure(doing))?;
        serde_json::from_slice(&text).map_err(|error| failures::unreadable(doing, &error))
    }

    /// How a kind is served: known, or looked up once for each API version.
    ///
    /// # Errors
    /// The cluster has no such kind.
    pub async fn resource(&self, of: &Selection) -> Answer<Resource> {
        self.objects.resource(of).await
    }

    /// The agents' pods by node, one for each.
    ///
    /// # Errors
    /// Pods cannot be listed.
    pub async fn agents(&self) -> Answer<Vec<AgentState>> {
        let agents = self.ways.agents().await?;
        let mut states: Vec<AgentState> = agents
            .iter()
            .map(|(node, pod)| AgentState {
                node: node.clone(),
                namespace: pod.namespace.clone(),
                pod: pod.name.clone(),
                ready: pod.ready,
                trouble: pod.trouble.clone(),
            })
            .collect();
        states.sort_by(|a, b| a.node.cmp(&b.node));
        Ok(states)
    }

    /// The version of a node's agent, asked in its container.
    ///
    /// # Errors
    /// No agent, or it cannot be asked.
    pub async fn agent_version(&self, node: &str) -> Answer<Option<String>> {
        let mut last = Failure::not_found("no program tells the agent's version");
        for argv in agent::VERSION {
            match self.run(&at_agent(node, argv)).await {
                Ok(outcome) => {
                    return Ok(agent::version(&String::from_utf8_lossy(&outcome.out)));
                }
                Err(failure) if failure.kind == FailureKind::NotFound => last = failure,
                Err(failure) => return Err(failure),
            }
        }
        Err(last)
    }

    /// Which tools a node's agent has.
    ///
    /// # Errors
    /// No agent, or it cannot be asked: its container may be without a shell.
    pub async fn agent_tools(&self, node: &str) -> Answer<Tools> {
        let argv: Vec<&str> = ["sh", "-c", WHICH, "sh"].into_iter().chain(TOOLS).collect();
        let outcome = self.run(&at_agent(node, &argv)).await?;
        if outcome.code != 0 {
            let said = failures::one_line(&String::from_utf8_lossy(&outcome.err));
            return Err(Failure::other(format!("`sh` ended with {}: {said}", outcome.code)));
        }
        let text = String::from_utf8_lossy(&outcome.out);
        let found: BTreeSet<&str> = text.lines().map(str::trim).collect();
        let (present, absent) = TOOLS.into_iter().partition(|tool| found.contains(tool));
        Ok(Tools { present, absent })
    }
}

fn at_agent(node: &str, argv: &[&str]) -> Question {
    Question {
        place: Place::Agent { host: node.to_owned() },
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests;
