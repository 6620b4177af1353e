//! The document of a debug pod.
//!
//! Apart because it is the one thing that this program ever writes to a cluster: all of it on one
//! page. Pure.

use std::time::Duration;

use serde_json::json;

/// Says that a pod is ours.
pub(crate) const OWNER: (&str, &str) = ("app.kubernetes.io/managed-by", "kubectl-lab");
/// Says of which run.
pub(crate) const RUN: &str = "kubectl-lab/run";
/// The name of its only container.
pub(crate) const CONTAINER: &str = "debug";

/// What is particular about a pod.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) namespace: String,
    pub(crate) node: String,
    pub(crate) image: String,
    pub(crate) pull_secrets: Vec<String>,
    pub(crate) lifetime: Duration,
    pub(crate) host_pid: bool,
}

/// The document, as JSON.
///
/// The network is the node's, for that is what is asked about. Capabilities are what reading it
/// takes and no more: raw sockets for ping and tcpdump, `NET_ADMIN` without which the kernel shows
/// neither packet filters nor states of `xfrm`. It is not privileged and mounts nothing.
pub(crate) fn document(wish: &Wish, name: &str, run: &str) -> String {
    let seconds = wish.lifetime.as_secs().max(1);
    let secrets: Vec<_> = wish.pull_secrets.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": wish.namespace,
            "labels": { OWNER.0: OWNER.1, RUN: run },
        },
        "spec": {
            // Past the scheduler: a node that takes no pods is often the one to look at.
            "nodeName": wish.node,
            "tolerations": [{ "operator": "Exists" }],
            "hostNetwork": true,
            "hostPID": wish.host_pid,
            "dnsPolicy": "Default",
            "restartPolicy": "Never",
            // Whatever happens to us, the cluster ends it.
            "activeDeadlineSeconds": seconds,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "imagePullSecrets": secrets,
            "containers": [{
                "name": CONTAINER,
                "image": wish.image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", seconds.to_string()],
                "resources": {
                    "requests": { "cpu": "10m", "memory": "32Mi" },
                    "limits": { "memory": "256Mi" },
                },
                "securityContext": {
                    "runAsUser": 0,
                    "privileged": false,
                    "allowPrivilegeEscalation": false,
                    "capabilities": { "drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"] },
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
            }],
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_pinned_bounded_and_without_a_token() {
        let wish = Wish {
            namespace: "lab".into(),
            node: "w1".into(),
            image: "i".into(),
            pull_secrets: vec!["s".into()],
            lifetime: Duration::from_mins(5),
            host_pid: false,
        };
        let pod: serde_json::Value =
            serde_json::from_str(&document(&wish, "kubectl-lab-1-0", "1")).unwrap();
        let at = |path: &str| pod.pointer(path).cloned().unwrap_or_default();
        assert_eq!(
            at("/metadata/labels"),
            json!({"app.kubernetes.io/managed-by": "kubectl-lab", "kubectl-lab/run": "1"})
        );
        assert_eq!((at("/metadata/namespace"), at("/spec/nodeName")), (json!("lab"), json!("w1")));
        assert_eq!(at("/spec/tolerations"), json!([{"operator": "Exists"}]));
        assert_eq!((at("/spec/hostNetwork"), at("/spec/hostPID")), (json!(true), json!(false)));
        assert_eq!(at("/spec/activeDeadlineSeconds"), json!(300));
        assert_eq!(at("/spec/containers/0/command"), json!(["sleep", "300"]));
        assert_eq!(at("/spec/restartPolicy"), json!("Never"));
        assert_eq!(at("/spec/automountServiceAccountToken"), json!(false));
        assert_eq!(at("/spec/imagePullSecrets"), json!([{"name": "s"}]));
        assert_eq!(at("/spec/containers/0/securityContext/privileged"), json!(false));
        assert_eq!(pod.pointer("/spec/volumes"), None);
    }
}
