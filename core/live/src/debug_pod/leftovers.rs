//! Debug pods that are there, and which of them nobody needs any more.
//!
//! Apart because a run that was killed cannot clean up: the next one and `doctor` can. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::manifest::RUN;

/// For clocks that differ, and for a kubelet that is slow.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// A debug pod in the cluster, of whichever run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node it is on.
    pub node: String,
    /// The run that made it.
    pub run: String,
    /// When, as the API server says (RFC 3339).
    pub created: String,
    /// `Running`, `Succeeded`, `Failed`, `Pending`.
    pub phase: String,
    /// It has ended, or should have: the next run that makes debug pods deletes it. One that is
    /// not may belong to a run that goes on somewhere.
    pub is_stale: bool,
}

/// Reads a pod.
pub(crate) fn read(text: &str, now: Timestamp) -> Result<Leftover, serde_json::Error> {
    let pod: Pod = serde_json::from_str(text)?;
    let ended = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
    // Without a creation time or a deadline, only its end says that it is stale.
    let due = pod.metadata.creation_timestamp.parse::<Timestamp>().ok().and_then(|created| {
        let lifetime = SignedDuration::from_secs(pod.spec.active_deadline_seconds?);
        created.checked_add(lifetime).ok()?.checked_add(MARGIN).ok()
    });
    Ok(Leftover {
        namespace: pod.metadata.namespace,
        name: pod.metadata.name,
        node: pod.spec.node_name,
        run: pod
            .metadata
            .labels
            .into_iter()
            .find(|(key, _)| key == RUN)
            .map_or_else(String::new, |(_, run)| run),
        created: pod.metadata.creation_timestamp,
        phase: pod.status.phase,
        is_stale: ended || due.is_some_and(|due| due < now),
    })
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    creation_timestamp: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    node_name: String,
    active_deadline_seconds: Option<i64>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    phase: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_and_overdue_pods_are_stale_and_running_ones_are_not() {
        let now: Timestamp = "2026-01-01T02:00:00Z".parse().unwrap();
        for (created, deadline, phase, stale) in [
            ("2026-01-01T01:59:00Z", "3600", "Running", false),
            ("2026-01-01T01:59:00Z", "3600", "Succeeded", true),
            ("2026-01-01T01:59:00Z", "3600", "Failed", true),
            ("2026-01-01T00:59:30Z", "3600", "Running", false),
            ("2026-01-01T00:58:59Z", "3600", "Running", true),
            ("2020-01-01T00:00:00Z", "null", "Running", false),
            ("", "3600", "Pending", false),
            ("2026-01-01T00:00:00Z", "9223372036854775807", "Running", false),
        ] {
            let text = format!(
                r#"{{"metadata":{{"name":"p","namespace":"n","creationTimestamp":"{created}","labels":{{"kubectl-lab/run":"r"}}}},
                "spec":{{"nodeName":"w1","activeDeadlineSeconds":{deadline}}},"status":{{"phase":"{phase}"}}}}"#
            );
            let found = read(&text, now).unwrap();
            assert_eq!(found.is_stale, stale, "{created} {deadline} {phase}");
            assert_eq!((&*found.run, &*found.node, &*found.namespace), ("r", "w1", "n"));
        }
    }
}
