//! Folders of `kubectl cluster-info dump`.

use futures::executor::block_on;
use lab_backend::Backend;
use lab_backend::ClusterInfo;
use lab_backend::Selection;
use lab_types::FailureKind;
use serde_json::json;

use crate::support::*;

fn dump(all: bool) -> Files {
    let nodes = json!({"kind": "NodeList", "items": [{"metadata": {"name": "w0"}, "status": {
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": "w0"}],
        "conditions": [{"lastHeartbeatTime": "2026-11-23T03:10:20Z"}, {"lastHeartbeatTime": "2026-11-23T03:00:00Z"}]}}]});
    let pods = |namespace: &str| {
        json!({"items": [{"metadata": {"name": "p", "namespace": namespace, "labels": {"a": "b"}}}]})
            .to_string()
            .into_bytes()
    };
    let log = "==== START logs for container c of pod default/p ====\none\ntwo\n==== END logs for container c of pod default/p ====\n";
    let mut files = Files::from([
        ("nodes.json".to_owned(), nodes.to_string().into_bytes()),
        ("default/pods.json".to_owned(), pods("default")),
        ("kube-system/pods.json".to_owned(), pods("kube-system")),
        ("kube-system/daemonsets.json".to_owned(), br#"{"items": []}"#.to_vec()),
        ("default/p/logs.txt".to_owned(), log.into()),
    ]);
    if all {
        files.insert("kube-public/pods.json".to_owned(), br#"{"items": []}"#.to_vec());
        files.insert("kube-node-lease/pods.json".to_owned(), br#"{"items": []}"#.to_vec());
    }
    files
}

#[test]
fn objects_and_logs_are_answered() {
    let scratch = Scratch::new();
    for path in [
        scratch.unpack("d", &dump(true)),
        scratch.put("d.zip", zipped(Layout::Old, "d", &dump(true))),
    ] {
        let dump = ClusterInfo::open(path).unwrap();
        let hosts = block_on(dump.hosts()).unwrap();
        assert_eq!(
            (hosts[0].name.as_str(), hosts[0].addresses.as_slice()),
            ("w0", &["10.0.0.1".to_owned()][..])
        );
        assert_eq!(dump.about().created.as_deref(), Some("2026-11-23T03:10:20Z"));
        assert_eq!(list(&dump, &kind("v1", "Pod"), 1).unwrap().len(), 2);
        let of = Selection {
            namespace: Some("default".into()),
            labels: Some("a=b".into()),
            keep: vec!["spec".into()],
            ..kind("v1", "Pod")
        };
        assert_eq!(
            list(&dump, &of, 0).unwrap(),
            [r#"{"metadata":{"name":"p","namespace":"default"}}"#]
        );
        assert!(block_on(dump.get(&of, "p")).is_ok());
        assert_eq!(block_on(dump.get(&of, "x")).unwrap_err().kind, FailureKind::NotFound);
        assert_eq!(block_on(dump.logs("default", "p", None, 1, false)).unwrap(), "two\n");
        assert!(block_on(dump.logs("default", "p", Some("x"), 1, false)).is_err());
        assert!(block_on(dump.logs("default", "p", None, 1, true)).is_err());
        assert!(block_on(dump.watch(kind("v1", "Node"))).is_ok());
        let failure = run(&dump, &on_host("w0", "ip -4 r")).unwrap_err();
        assert_eq!(failure.message, "not in this cluster-info dump: ip -4 r on w0");
    }
}

/// Some namespaces do not pass for all of them.
#[test]
fn a_dump_of_some_namespaces() {
    let scratch = Scratch::new();
    let dump = ClusterInfo::open(scratch.unpack("d", &dump(false))).unwrap();
    let failure = list(&dump, &kind("v1", "Pod"), 0).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.hint.unwrap().contains("--all-namespaces"));
    let of = |namespace: &str, of: Selection| Selection { namespace: Some(namespace.into()), ..of };
    assert_eq!(list(&dump, &of("default", kind("v1", "Pod")), 0).unwrap().len(), 1);
    assert!(list(&dump, &of("kube-system", kind("apps/v1", "DaemonSet")), 0).unwrap().is_empty());
    assert!(list(&dump, &of("default", kind("apps/v1", "DaemonSet")), 0).is_err());
    assert!(list(&dump, &of("x", kind("v1", "Pod")), 0).is_err());
    assert!(list(&dump, &kind("v1", "Secret"), 0).is_err());
}
