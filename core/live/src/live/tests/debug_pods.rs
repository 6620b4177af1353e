//! Debug pods from the first question to the last trace of them, over a faked API server.

use std::collections::BTreeMap;

use super::*;
use crate::fake_server::Request;
use crate::{DebugPodOptions, Reached};

const V5: &str = "v5.channel.k8s.io";
const PODS: &str = "/api/v1/namespaces/kube-system/pods";
const RUNS: &str = r#"{"phase":"Running","containerStatuses":[{"state":{"running":{}}}]}"#;

/// A cluster without an agent that runs, in which pods can be made.
#[derive(Clone)]
struct Cluster {
    /// Documents by path.
    pods: Arc<Mutex<BTreeMap<String, serde_json::Value>>>,
    /// The status of every pod.
    status: Arc<Mutex<String>>,
    /// What is answered instead of making a pod.
    refusal: Arc<Mutex<Option<(u16, String)>>>,
    /// What happens in a pod.
    acts: fn() -> Vec<Act>,
}

impl Cluster {
    fn new() -> Self {
        Self {
            pods: Arc::default(),
            status: Arc::new(Mutex::new(RUNS.to_owned())),
            refusal: Arc::default(),
            acts: || vec![Act::Frame(1, b"out".to_vec()), exit(0), Act::Close],
        }
    }

    async fn start(&self) -> FakeServer {
        let cluster = self.clone();
        FakeServer::answering(move |request| cluster.answer(request)).await
    }

    fn answer(&self, request: &Request) -> Reply {
        let path = request.path.split('?').next().unwrap_or_default();
        match request.method.as_str() {
            "POST" => self.make(path, request),
            "DELETE" => match self.pods.lock().unwrap().remove(path) {
                Some(_) => Reply::Http(200, "{}".into()),
                None => status(404, "not found"),
            },
            _ if path.ends_with("/exec") => {
                let pod = path.trim_end_matches("/exec");
                if self.pods.lock().unwrap().contains_key(pod) {
                    Reply::Exec(V5, (self.acts)())
                } else {
                    status(404, "pods not found")
                }
            }
            _ if path.starts_with("/api/v1/nodes/") => Reply::Http(200, node("w1")),
            _ if request.path.contains("k8s-app") => {
                let agent = agent_on("w1")
                    .replace(r#""running":{}"#, r#""waiting":{"reason":"CrashLoopBackOff"}"#)
                    .replace(
                        r#""nodeName":"w1""#,
                        r#""nodeName":"w1","imagePullSecrets":[{"name":"agents"}],"containers":[{"name":"cilium-agent","image":"agents/image:1"}]"#,
                    );
                list(&[agent], "")
            }
            _ if path.ends_with("/pods") => {
                let pods = self.pods.lock().unwrap();
                let pods: Vec<_> = pods.values().map(ToString::to_string).collect();
                list(&pods, "")
            }
            _ => match self.pods.lock().unwrap().get(path) {
                Some(pod) => {
                    let mut pod = pod.clone();
                    let status = self.status.lock().unwrap();
                    pod["status"] = serde_json::from_str(&status).unwrap();
                    Reply::Http(200, pod.to_string())
                }
                None => status(404, "not found"),
            },
        }
    }

    fn make(&self, path: &str, request: &Request) -> Reply {
        if let Some((code, message)) = self.refusal.lock().unwrap().clone() {
            return status(code, &message);
        }
        let mut pod: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        pod["metadata"]["creationTimestamp"] = jiff::Timestamp::now().to_string().into();
        if !request.path.contains("dryRun=All") {
            let name = pod["metadata"]["name"].as_str().unwrap();
            self.pods.lock().unwrap().insert(format!("{path}/{name}"), pod);
        }
        Reply::Http(201, "{}".into())
    }

    fn n_pods(&self) -> usize {
        self.pods.lock().unwrap().len()
    }

    fn only_pod(&self) -> serde_json::Value {
        let pods = self.pods.lock().unwrap();
        assert_eq!(pods.len(), 1);
        pods.values().next().unwrap().clone()
    }
}

async fn allowed(server: &FakeServer, change: impl FnOnce(&mut DebugPodOptions)) -> Live {
    let mut options = DebugPodOptions::default();
    change(&mut options);
    live(server, |live| live.debug_pods = Some(options)).await
}

#[tokio::test]
async fn one_pod_is_made_when_first_needed_and_deleted_at_the_end() {
    let cluster = Cluster::new();
    let server = cluster.start().await;
    let live = allowed(&server, |_| {}).await;
    assert_eq!(server.asked().len(), 0, "nothing before the first question");
    let question = question(&["ip", "a"]);
    let answers = futures::future::join_all((0..5).map(|_| live.run(&question))).await;
    for answer in answers {
        assert_eq!(answer.unwrap().out, b"out");
    }
    assert_eq!((server.n_asked("POST"), cluster.n_pods()), (1, 1), "{:?}", server.asked());
    let pod = cluster.only_pod();
    // What is not set is as the agents have it.
    assert_eq!(pod["spec"]["containers"][0]["image"], "agents/image:1");
    assert_eq!(pod["spec"]["imagePullSecrets"][0]["name"], "agents");
    assert_eq!(pod["spec"]["nodeName"], "w1");
    assert_eq!(pod["metadata"]["namespace"], "kube-system");
    assert_eq!(server.n_asked("/exec?container=debug&"), 5);
    live.close().await.unwrap();
    assert_eq!((server.n_asked("DELETE"), cluster.n_pods()), (1, 0));
    live.run(&question).await.unwrap_err();
    assert_eq!(server.n_asked("POST"), 1, "none is made after the end");
}

#[tokio::test]
async fn without_leave_nothing_is_ever_made() {
    let cluster = Cluster::new();
    let server = cluster.start().await;
    let live = live(&server, |_| {}).await;
    let failure = live.run(&question(&["ip"])).await.unwrap_err();
    assert!(failure.hint.unwrap().contains("`--debug-pods`"));
    live.close().await.unwrap();
    assert_eq!((server.n_asked("POST"), server.n_asked("DELETE")), (0, 0));
}

#[tokio::test]
async fn what_is_set_is_used_and_the_agents_are_not_asked() {
    let cluster = Cluster::new();
    let server = cluster.start().await;
    let live = live(&server, |options| {
        options.transports = vec![Transport::DebugPod];
        options.debug_pods = Some(DebugPodOptions {
            image: Some("mine:1".into()),
            pull_secret: Some("key".into()),
            namespace: Some("lab".into()),
            lifetime: Duration::from_mins(10),
            host_pid: true,
            ..DebugPodOptions::default()
        });
    })
    .await;
    live.run(&question(&["ip"])).await.unwrap();
    let pod = cluster.only_pod();
    assert_eq!(pod["spec"]["containers"][0]["image"], "mine:1");
    assert_eq!(pod["spec"]["imagePullSecrets"], serde_json::json!([{"name": "key"}]));
    assert_eq!(pod["spec"]["hostPID"], true);
    assert_eq!(pod["spec"]["activeDeadlineSeconds"], 600);
    assert_eq!(server.n_asked("POST /api/v1/namespaces/lab/pods"), 1);
    assert_eq!(server.n_asked("k8s-app"), 0);
}

#[tokio::test]
async fn refusals_say_what_would_allow_it() {
    for (code, message, said, hint) in [
        (
            403,
            "pods \"kubectl-lab-1-0\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)",
            "violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)",
            "`kubectl label namespace kube-system pod-security.kubernetes.io/enforce=privileged --overwrite`",
        ),
        (
            403,
            "pods is forbidden: User \"dev\" cannot create resource \"pods\" in API group \"\"",
            "forbidden for user `dev`",
            "`create`, `get`, `list` and `delete` on `pods`",
        ),
        (403, "exceeded quota: few, requested: pods=1", "exceeded quota: few", ""),
        (404, "namespaces \"kube-system\" not found", "not found", "`namespace` in `[debug-pod]`"),
    ] {
        let cluster = Cluster::new();
        *cluster.refusal.lock().unwrap() = Some((code, message.to_owned()));
        let server = cluster.start().await;
        let live = allowed(&server, |_| {}).await;
        let failure = live.run(&question(&["ip"])).await.unwrap_err();
        assert!(failure.message.contains(said), "{failure}");
        assert!(failure.hint.unwrap_or_default().contains(hint), "{message}");
        live.close().await.unwrap();
        assert_eq!(server.n_asked("DELETE"), 0, "there is nothing to delete");
    }
}

#[tokio::test]
async fn a_pod_that_does_not_start_says_why_and_is_deleted() {
    for (status, said, hint) in [
        (
            r#"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image \"x\""}}}]}"#,
            "does not start: ImagePullBackOff: Back-off pulling image \"x\"",
            "can `agents/image:1` be pulled there?",
        ),
        (
            r#"{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"reason":"StartError","message":"runc create failed: exec: \"sleep\": executable file not found in $PATH: unknown"}}}]}"#,
            "does not start: StartError: runc create failed",
            "`agents/image:1` must have `sleep`",
        ),
        (
            r#"{"phase":"Failed","reason":"OutOfmemory","message":"Node didn't have enough resource"}"#,
            "does not start: OutOfmemory: Node didn't have enough resource",
            "",
        ),
        (
            r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"no nodes"}]}"#,
            "did not start within 500ms: Unschedulable: no nodes",
            "`start-timeout`",
        ),
        (r#"{"phase":"Pending"}"#, "did not start within 500ms: Pending", "is the node up?"),
    ] {
        let cluster = Cluster::new();
        *cluster.status.lock().unwrap() = status.to_owned();
        let server = cluster.start().await;
        let live =
            allowed(&server, |options| options.start_timeout = Duration::from_millis(500)).await;
        for _ in 0..2 {
            let failure = live.run(&question(&["ip"])).await.unwrap_err();
            assert!(failure.message.contains(said), "{failure}");
            assert!(failure.hint.unwrap_or_default().contains(hint), "{status}");
        }
        assert_eq!((server.n_asked("POST"), cluster.n_pods()), (1, 0), "made once, and deleted");
        assert_eq!(server.n_asked("/exec?"), 0);
    }
}

#[tokio::test]
async fn a_run_that_ends_while_a_pod_starts_leaves_none() {
    let cluster = Cluster::new();
    *cluster.status.lock().unwrap() = r#"{"phase":"Pending"}"#.to_owned();
    let server = cluster.start().await;
    let live = allowed(&server, |_| {}).await;
    let question = question(&["ip"]);
    // As by Ctrl-C: whoever asked is gone, and only then the end comes.
    tokio::select! {
        _ = live.run(&question) => panic!("it starts for a minute"),
        () = async {
            while cluster.n_pods() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    let began = std::time::Instant::now();
    live.close().await.unwrap();
    assert_eq!(cluster.n_pods(), 0);
    assert!(began.elapsed() < Duration::from_secs(5), "the end waits for no pod to start");
}

#[tokio::test]
async fn a_pod_that_cannot_be_deleted_is_named() {
    let cluster = Cluster::new();
    let answers = cluster.clone();
    let server = FakeServer::answering(move |request| match request.method.as_str() {
        "DELETE" => status(500, "etcd is away"),
        _ => answers.answer(request),
    })
    .await;
    let live = allowed(&server, |_| {}).await;
    live.run(&question(&["ip"])).await.unwrap();
    let failure = live.close().await.unwrap_err();
    let said = "debug pods were not deleted: kube-system/kubectl-lab-";
    assert!(failure.message.starts_with(said), "{failure}");
    let command = "`kubectl delete pods -n kube-system -l kubectl-lab/run=";
    assert!(failure.hint.unwrap().contains(command));
}

#[tokio::test]
async fn a_pod_that_is_gone_is_made_again_once() {
    let cluster = Cluster::new();
    let server = cluster.start().await;
    let live = allowed(&server, |_| {}).await;
    live.run(&question(&["ip"])).await.unwrap();
    // Its deadline has passed, or somebody has deleted it.
    cluster.pods.lock().unwrap().clear();
    live.run(&question(&["ip"])).await.unwrap();
    assert_eq!((server.n_asked("POST"), cluster.n_pods()), (2, 1));
    live.close().await.unwrap();
    assert_eq!(cluster.n_pods(), 0);
}

#[tokio::test]
async fn what_earlier_runs_have_left_is_deleted_by_the_next_and_listed() {
    let cluster = Cluster::new();
    let leave = |name: &str, created: &str, status: &str| {
        let document = serde_json::json!({
            "metadata": {"name": name, "namespace": "kube-system", "creationTimestamp": created,
                "labels": {"app.kubernetes.io/managed-by": "kubectl-lab", "kubectl-lab/run": "old"}},
            "spec": {"nodeName": "w1", "activeDeadlineSeconds": 60},
            "status": {"phase": status},
        });
        cluster.pods.lock().unwrap().insert(format!("{PODS}/{name}"), document);
    };
    leave("overdue", "2020-01-01T00:00:00Z", "Running");
    leave("ended", "2020-01-01T00:00:00Z", "Failed");
    leave("of-another-run", &jiff::Timestamp::now().to_string(), "Running");
    let server = cluster.start().await;
    let live = allowed(&server, |_| {}).await;
    let mut found = live.leftovers().await.unwrap();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let found: Vec<_> = found.iter().map(|pod| (pod.name.as_str(), pod.is_stale)).collect();
    assert_eq!(found, [("ended", true), ("of-another-run", false), ("overdue", true)]);
    assert_eq!(server.n_asked("DELETE"), 0, "looking deletes nothing");
    live.run(&question(&["ip"])).await.unwrap();
    live.close().await.unwrap();
    let left: Vec<_> = cluster.pods.lock().unwrap().keys().cloned().collect();
    assert_eq!(left, [format!("{PODS}/of-another-run")]);
}

#[tokio::test]
async fn an_image_that_is_the_agent_s_lacks_what_the_agent_lacks() {
    let mut cluster = Cluster::new();
    cluster.acts = || {
        let said = r#"{"status":"Failure","message":"exec: \"ping\": executable file not found in $PATH"}"#;
        vec![Act::Frame(3, said.into()), Act::Close]
    };
    let answers = cluster.clone();
    // Here the agent runs.
    let server = FakeServer::answering(move |request| {
        if request.path.contains("k8s-app") {
            list(&[agent_on("w1")], "")
        } else if request.path.contains("cilium-w1/exec") {
            Reply::Exec(V5, (answers.acts)())
        } else {
            answers.answer(request)
        }
    })
    .await;
    let live = allowed(&server, |_| {}).await;
    let failure = live.run(&question(&["ping", "x"])).await.unwrap_err();
    let said = "debug pod: its image would be the agent's, as none is set";
    assert!(failure.message.ends_with(said), "{failure}");
    assert_eq!(
        failure.hint.unwrap(),
        "set `image` in `[debug-pod]` of the settings to one with `ping`; another way to ask it: `[ssh-nodes.w1]` in the settings"
    );
    assert_eq!(server.n_asked("POST"), 0, "no pod is made in vain");
    // With an image of its own one is made, and asked once.
    let live = allowed(&server, |options| options.image = Some("tools".into())).await;
    for _ in 0..2 {
        let failure = live.run(&question(&["ping", "x"])).await.unwrap_err();
        let said = "debug pod: `ping` is not in container `debug` of pod";
        assert!(failure.message.contains(said), "{failure}");
    }
    assert_eq!((server.n_asked("POST"), server.n_asked("container=debug")), (1, 1));
    live.close().await.unwrap();
}

#[tokio::test]
async fn whether_a_pod_would_be_admitted_is_asked_without_making_one() {
    let cluster = Cluster::new();
    let server = cluster.start().await;
    let live = allowed(&server, |_| {}).await;
    let admitted = Reached::Admitted { namespace: "kube-system".into() };
    assert_eq!(live.reachability("w1").await[2].state, admitted);
    assert_eq!((server.n_asked("POST"), cluster.n_pods()), (1, 0));
    assert_eq!(server.n_asked("?dryRun=All"), 1);
    *cluster.refusal.lock().unwrap() = Some((403, "violates PodSecurity \"x\"".to_owned()));
    let Reached::No(failure) = &live.reachability("w1").await[2].state else { panic!("refused") };
    assert!(failure.hint.as_ref().unwrap().contains("kubectl label namespace"));
}
