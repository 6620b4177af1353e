//! The relay's pod, and how it wants to be spoken to: read from documents, asked by the caller.
//!
//! Apart from asking, so that every odd cluster is a text in a test.

use std::collections::HashMap;

use lab_types::Failure;
use serde::Deserialize;

use super::{PORT, SELECTOR};

/// What the port is called in the pod.
const PORT_NAME: &str = "grpc";
/// Of a relay's Service: 443 where it speaks TLS, 80 where it does not.
const TLS_PORT: u16 = 443;

/// A pod of a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relay {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    /// On which it listens.
    pub(crate) port: u16,
    pub(crate) speaks_tls: bool,
}

/// Chooses a pod: one that is ready, and of those the one by name that does not change from run to
/// run.
///
/// # Errors
/// There is none, or none that runs.
pub(super) fn choose(pods: &[String], selector: &str, within: &str) -> Result<Relay, Failure> {
    let pods: Vec<Pod> =
        pods.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>().map_err(
            |error| Failure::other(format!("the pods of the relay make no sense: {error}")),
        )?;
    let ready = pods.iter().filter(|pod| pod.is_ready());
    let Some(pod) = ready.min_by(|a, b| a.metadata.name.cmp(&b.metadata.name)) else {
        return Err(match pods.first() {
            None => Failure::not_found(format!("no relay: no pod with {selector} in {within}"))
                .hint("`[relay]` in the settings says where it is, if there is one"),
            Some(Pod { metadata, .. }) => Failure::unavailable(format!(
                "no relay that is ready: pod {}/{} is not",
                metadata.namespace, metadata.name
            ))
            .hint(format!(
                "`kubectl describe pod -n {} {}` shows its events",
                metadata.namespace, metadata.name
            )),
        });
    };
    let ports = pod.spec.containers.iter().flat_map(|container| &container.ports);
    let named = ports.clone().find(|port| port.name == PORT_NAME);
    Ok(Relay {
        namespace: pod.metadata.namespace.clone(),
        pod: pod.metadata.name.clone(),
        port: named.map_or(PORT, |port| port.container_port),
        speaks_tls: false,
    })
}

/// Whether a relay behind these Services speaks TLS, as far as they say.
pub(super) fn speaks_tls(services: &[String]) -> bool {
    let read = services.iter().filter_map(|text| serde_json::from_str::<Service>(text).ok());
    let mut ports = read.flat_map(|service| service.spec.ports);
    ports.any(|port| port.port == TLS_PORT)
}

/// Where a relay is looked for, for messages.
pub(super) fn within(namespace: Option<&str>) -> String {
    namespace.map_or_else(|| "any namespace".to_owned(), |name| format!("namespace {name}"))
}

/// The selector that counts.
pub(super) fn selector(set: Option<&str>) -> &str {
    set.unwrap_or(SELECTOR)
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
    deletion_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    #[serde(default)]
    ports: Vec<ContainerPort>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerPort {
    #[serde(default)]
    name: String,
    container_port: u16,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<HashMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct Service {
    spec: ServiceSpec,
}

#[derive(Deserialize)]
struct ServiceSpec {
    #[serde(default)]
    ports: Vec<ServicePort>,
}

#[derive(Deserialize)]
struct ServicePort {
    port: u16,
}

impl Pod {
    fn is_ready(&self) -> bool {
        self.metadata.deletion_timestamp.is_none()
            && self.status.conditions.iter().any(|condition| {
                let is = |key, value| condition.get(key).is_some_and(|is| is == value);
                is("type", "Ready") && is("status", "True")
            })
    }
}

#[cfg(test)]
mod tests {
    use lab_types::FailureKind;

    use super::*;

    fn pod(name: &str, ready: &str, ports: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"kube-system"}},
            "spec":{{"containers":[{{"name":"relay","ports":{ports}}}]}},
            "status":{{"conditions":[{{"type":"Ready","status":"{ready}","lastProbeTime":null}}]}}}}"#
        )
    }

    fn of(pods: &[String]) -> Result<Relay, Failure> {
        choose(pods, SELECTOR, &within(Some("kube-system")))
    }

    #[test]
    fn a_ready_pod_is_asked_on_the_port_that_it_names() {
        let ports =
            r#"[{"name":"prometheus","containerPort":9966},{"name":"grpc","containerPort":4999}]"#;
        let pods = [pod("a", "False", ports), pod("c", "True", ports), pod("b", "True", "[]")];
        let relay = of(&pods).unwrap();
        assert_eq!((relay.pod.as_str(), relay.port), ("b", 4245));
        assert_eq!(of(&pods[..2]).unwrap().port, 4999);
    }

    #[test]
    fn no_relay_and_one_that_is_not_ready_are_told_apart() {
        let none = of(&[]).unwrap_err();
        assert_eq!(none.kind, FailureKind::NotFound);
        assert!(none.message.contains("k8s-app=hubble-relay in namespace kube-system"), "{none}");
        let starting = of(&[pod("a", "False", "[]")]).unwrap_err();
        assert_eq!(starting.kind, FailureKind::Unavailable);
        assert!(starting.message.contains("kube-system/a"), "{starting}");
        let bare = of(&[r#"{"metadata":{"name":"a"}}"#.to_owned()]).unwrap_err();
        assert_eq!(bare.kind, FailureKind::Unavailable);
        assert_eq!(of(&["{}".to_owned()]).unwrap_err().kind, FailureKind::Other);
    }

    #[test]
    fn the_service_says_whether_it_is_tls() {
        let service = |port: u16| format!(r#"{{"spec":{{"ports":[{{"port":{port}}}]}}}}"#);
        assert!(speaks_tls(&[service(443)]));
        assert!(!speaks_tls(&[service(80), "{}".to_owned(), "no json".to_owned()]));
        assert!(!speaks_tls(&[]));
    }
}
