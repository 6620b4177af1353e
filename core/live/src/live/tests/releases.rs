//! Values of Helm releases, out of Secrets that a faked API server has.

use serde_json::{Value, json};

use super::*;
use crate::NoRelease;

/// A Secret as Helm 3.18.6 made it on an API server 1.33.13, of the third revision of a release
/// whose chart has one `ConfigMap`. Nothing in it is a secret of anybody.
const SECRET: &str = include_str!("releases/web.v3.json");

/// Metadata of a revision.
fn revision(name: &str, version: u64, status: &str) -> Value {
    json!({"metadata": {
        "name": format!("sh.helm.release.v1.{name}.v{version}"), "namespace": "apps",
        "labels": {"name": name, "owner": "helm", "status": status, "version": version.to_string()},
    }})
}

fn secrets(items: &[Value]) -> Reply {
    let list = json!({"kind": "SecretList", "metadata": {"resourceVersion": "7"}, "items": items});
    Reply::Http(200, list.to_string())
}

/// What comes of asking for `web` in `apps` where these are deployed and those are all.
async fn asked(deployed: Vec<Value>, all: Vec<Value>) -> Answer<Result<String, NoRelease>> {
    let server = FakeServer::start(move |path, _| {
        assert!(path.starts_with("/api/v1/namespaces/apps/secrets?labelSelector=owner%3Dhelm"));
        assert!(path.ends_with("&fieldSelector=type%3Dhelm.sh%2Frelease.v1"), "{path}");
        secrets(if path.contains("status%3Ddeployed") { &deployed } else { &all })
    })
    .await;
    live(&server, |_| {}).await.release_values(Some("apps"), "web").await
}

async fn failing(deployed: Vec<Value>, all: Vec<Value>) -> Failure {
    asked(deployed, all).await.unwrap_err()
}

fn real() -> Value {
    serde_json::from_str(SECRET).unwrap()
}

#[tokio::test]
async fn what_was_set_is_read_out_of_what_helm_wrote() {
    let values = asked(vec![real()], Vec::new()).await.unwrap().unwrap();
    let values: Value = serde_json::from_str(&values).unwrap();
    assert_eq!(
        values,
        json!({"replicas": 3, "greeting": "<b>grüß dich</b>", "hosts": ["a", "b"],
            "tls": {"enabled": true, "password": "hunter2"}})
    );
}

#[tokio::test]
async fn of_two_that_are_deployed_the_newer_counts() {
    let mut older = revision("web", 9, "deployed");
    older["data"] = json!({"release": "broken"});
    let mut newer = real();
    newer["metadata"]["labels"]["version"] = json!("10");
    for both in [[older.clone(), newer.clone()], [newer, older]] {
        assert!(asked(both.to_vec(), Vec::new()).await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_release_that_is_not_there_is_answered_with_those_that_are() {
    let none = |others: &[&str]| NoRelease {
        namespace: "apps".to_owned(),
        others: others.iter().map(|&name| name.to_owned()).collect(),
    };
    assert_eq!(asked(Vec::new(), Vec::new()).await.unwrap(), Err(none(&[])));
    let all = vec![
        revision("wep", 2, "deployed"),
        revision("shop", 1, "failed"),
        revision("wep", 1, "superseded"),
    ];
    assert_eq!(asked(Vec::new(), all).await.unwrap(), Err(none(&["shop", "wep"])));
}

#[tokio::test]
async fn a_release_of_which_nothing_is_deployed_is_told_with_its_revisions() {
    let all = vec![
        revision("web", 9, "superseded"),
        revision("web", 10, "failed"),
        revision("web", 11, "pending-upgrade"),
        revision("shop", 1, "deployed"),
    ];
    let failure = failing(Vec::new(), all).await;
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(
        failure.message,
        "Helm release `web` in namespace apps has no revision that is deployed: \
         11 is pending-upgrade, 10 is failed, 9 is superseded"
    );
    let hint = failure.hint.unwrap();
    assert!(hint.contains("`helm history web -n apps`"), "{hint}");
    assert!(hint.contains("--revision 11 -o yaml`"), "{hint}");
}

#[tokio::test]
async fn what_is_broken_names_the_secret_and_shows_nothing_of_it() {
    let mut broken = real();
    let whole = broken["data"]["release"].as_str().unwrap().to_owned();
    for data in [json!({}), json!({"release": &whole[..96]}), json!({"release": "aHVudGVyMg=="})] {
        broken["data"] = data;
        let failure = failing(vec![broken.clone()], Vec::new()).await;
        assert_eq!(failure.kind, FailureKind::Other);
        let of = "Helm release `web`: Secret apps/sh.helm.release.v1.web.v3 has ";
        assert!(failure.message.starts_with(of), "{failure}");
        assert!(!failure.message.contains("hunter2"), "{failure}");
        assert!(failure.hint.unwrap().contains("`helm get values web -n apps -o yaml`"));
    }
    broken["data"] = json!("hunter2");
    let failure = failing(vec![broken], Vec::new()).await;
    assert!(failure.message.ends_with("answer is not readable"), "{failure}");
}

#[tokio::test]
async fn who_may_not_read_it_is_told_which_right_it_takes() {
    let message = r#"secrets is forbidden: User "dev" cannot list resource "secrets""#;
    let server = FakeServer::start(move |_, _| status(403, message)).await;
    let live = live(&server, |_| {}).await;
    let failure = live.release_values(Some("apps"), "web").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    assert_eq!(
        failure.message,
        "cannot read Helm release `web`, which is in a Secret of namespace apps: \
         forbidden for user `dev`"
    );
    let hint = failure.hint.unwrap();
    for words in ["`kubectl auth can-i list secrets -n apps`", "`helm get values web -n apps -o"] {
        assert!(hint.contains(words), "{hint}");
    }
}

#[tokio::test]
async fn a_login_that_is_over_is_another_matter() {
    let server = FakeServer::start(|_, _| status(401, "Unauthorized")).await;
    let live = live(&server, |_| {}).await;
    let failure = live.release_values(Some("apps"), "web").await.unwrap_err();
    assert!(failure.hint.unwrap().starts_with("log in again"));
}

#[tokio::test]
async fn a_name_that_is_none_is_not_asked_for() {
    let server = FakeServer::start(|_, _| Reply::Cut).await;
    let live = live(&server, |_| {}).await;
    for (namespace, name) in [
        ("apps", "web,owner!=helm"),
        ("apps", "Web"),
        ("apps", "-"),
        ("../x", "web"),
        ("apps", "a23456789b123456789c123456789d123456789e123456789f123456789g1234"),
    ] {
        let failure = live.release_values(Some(namespace), name).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput, "{namespace}/{name}");
    }
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_namespace_it_is_looked_for_beside_the_agents() {
    let pod = json!({
        "metadata": {"name": "a", "namespace": "net", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": "w0", "containers": []}, "status": {"phase": "Running"},
    });
    let server = FakeServer::start(move |path, _| match path {
        path if path.starts_with("/api/v1/namespaces/kube-system/pods") => list(&[], ""),
        path if path.starts_with("/api/v1/pods") => list(&[pod.to_string()], ""),
        path if path.starts_with("/api/v1/namespaces/net/secrets") => secrets(&[real()]),
        path => panic!("{path}"),
    })
    .await;
    assert!(live(&server, |_| {}).await.release_values(None, "web").await.unwrap().is_ok());

    let server = FakeServer::start(|path, _| {
        assert!(path.starts_with("/api/v1/namespaces/mine/secrets"), "{path}");
        secrets(&[real()])
    })
    .await;
    let live = live(&server, |options| options.agent_namespace = Some("mine".to_owned())).await;
    assert!(live.release_values(None, "web").await.unwrap().is_ok());
}
