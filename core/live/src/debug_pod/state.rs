//! Whether a debug pod runs yet, and if not, in the pod's own words why.
//!
//! Apart because every way in which a pod does not start is here, as values. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::failures::one_line;

/// How far a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Commands can run in it.
    Runs,
    /// It may still come; what it waits for.
    Starts(String),
    /// It will not; why.
    Fails(String),
}

/// Reasons of a waiting container after which waiting is of no use.
const HOPELESS: &[&str] = &[
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ImageInspectError",
    // Tried and failed already; a registry that has an image gives it at the first time.
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
];

/// Reads a pod.
pub(crate) fn read(text: &str) -> Result<State, serde_json::Error> {
    let pod: Pod = serde_json::from_str(text)?;
    let status = pod.status;
    if pod.metadata.deletion_timestamp.is_some() {
        return Ok(State::Fails("somebody deleted it".to_owned()));
    }
    let container = status.container_statuses.first().and_then(|container| {
        container.state.iter().map(|(name, state)| (name.as_str(), state)).next()
    });
    Ok(match container {
        Some(("running", _)) => State::Runs,
        Some(("terminated", how)) => State::Fails(how.said("ended")),
        _ if status.phase == "Failed" || status.phase == "Succeeded" => {
            State::Fails(status.reason.said(&status.phase))
        }
        Some((_, how)) if HOPELESS.contains(&how.reason.as_str()) => State::Fails(how.said("")),
        Some((_, how)) => State::Starts(how.said(&status.phase)),
        None => {
            let refused = status
                .conditions
                .iter()
                .find(|condition| condition.kind == "PodScheduled" && condition.status == "False");
            State::Starts(match refused {
                Some(condition) => condition.why.said("not scheduled"),
                None => status.reason.said(&status.phase),
            })
        }
    })
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    deletion_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(flatten)]
    reason: Why,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    container_statuses: Vec<Container>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(flatten)]
    why: Why,
}

#[derive(Deserialize)]
struct Container {
    #[serde(default)]
    state: BTreeMap<String, Why>,
}

/// What status, conditions and containers all have.
#[derive(Default, Deserialize)]
struct Why {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

impl Why {
    fn said(&self, otherwise: &str) -> String {
        match (self.reason.as_str(), one_line(&self.message).as_str()) {
            ("", "") => otherwise.to_owned(),
            (reason, "") => reason.to_owned(),
            ("", message) => message.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(status: &str, expected: &State) {
        let text = format!(r#"{{"metadata":{{}},"status":{status}}}"#);
        assert_eq!(read(&text).unwrap(), *expected, "{status}");
    }

    #[test]
    fn a_pod_runs_starts_or_fails_in_its_own_words() {
        let starts = |why: &str| State::Starts(why.to_owned());
        let fails = |why: &str| State::Fails(why.to_owned());
        check("{}", &starts(""));
        check(r#"{"phase":"Pending"}"#, &starts("Pending"));
        check(
            r#"{"phase":"Running","containerStatuses":[{"state":{"running":{}}}]}"#,
            &State::Runs,
        );
        check(
            r#"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ContainerCreating"}}}]}"#,
            &starts("ContainerCreating"),
        );
        check(
            r#"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ErrImagePull","message":"not found"}}}]}"#,
            &starts("ErrImagePull: not found"),
        );
        check(
            r#"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image \"x\""}}}]}"#,
            &fails("ImagePullBackOff: Back-off pulling image \"x\""),
        );
        check(
            r#"{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"reason":"StartError","message":"exec: \"sleep\": not found","exitCode":128}}}]}"#,
            &fails("StartError: exec: \"sleep\": not found"),
        );
        check(
            r#"{"phase":"Failed","reason":"OutOfcpu","message":"Node didn't have enough resource: cpu"}"#,
            &fails("OutOfcpu: Node didn't have enough resource: cpu"),
        );
        check(
            r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes are available"}]}"#,
            &starts("Unschedulable: 0/3 nodes are available"),
        );
        let gone = r#"{"metadata":{"deletionTimestamp":"x"},"status":{"phase":"Running"}}"#;
        assert_eq!(read(gone).unwrap(), fails("somebody deleted it"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = read(&text);
        }
    }
}
