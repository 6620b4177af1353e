//! Users who may not do everything, and settings that contradict the cluster.

use lab_tests::{Lab, Scratch};

use crate::answers::{partial, rows, word};
use crate::cluster::{Cluster, NODES, ROUTER};

pub(crate) fn no_right(cluster: &Cluster) {
    let run = cluster.lab("routes --as dev").run();
    run.fails("cannot list `nodes`: forbidden for user `dev`");
}

/// What `routes` lists, and nothing more.
const READER: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: lab-reader}
rules:
  - {apiGroups: ["", apps, cilium.io], resources: [nodes, pods, configmaps, daemonsets, ciliumnodes, ciliumnodeconfigs], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: lab-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: lab-reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: default}]
"#;

/// Removes the user again.
struct Reader<'c>(&'c Cluster, std::path::PathBuf);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&format!("delete --ignore-not-found --wait=false -f {}", self.1.display()));
    }
}

pub(crate) fn no_exec(cluster: &Cluster) {
    let folder = Scratch::new();
    let manifest = folder.put("reader.yaml", READER);
    let reader = Reader(cluster, manifest);
    cluster.kubectl(&format!("apply -f {}", reader.1.display()));
    let token = cluster.kubectl("create token reader");
    let kubeconfig = folder.path("kubeconfig");
    let admin = std::fs::read_to_string(cluster.kubeconfig()).expect("it is there");
    let (before_users, _) = admin.split_once("users:").expect("kubeadm writes a kubeconfig");
    let users = format!("users:\n- name: kubernetes-admin\n  user:\n    token: {}\n", token.trim());
    std::fs::write(&kubeconfig, format!("{before_users}{users}")).expect("the folder is ours");
    let run = Lab::line("routes -o json")
        .env("KUBECONFIG", &kubeconfig)
        .config(&cluster.settings())
        .run()
        .exits(3);
    let mut silent: Vec<_> = partial(&run).into_iter().map(|(subject, _)| subject).collect();
    silent.sort();
    let mut nodes = NODES.to_vec();
    nodes.sort_unstable();
    assert_eq!(silent, nodes, "the router answers over ssh: {}", run.err);
    for right in ["pods/exec", "kube-system", "system:serviceaccount:default:reader"] {
        assert!(run.err.contains(right), "`{right}` is not in {}", run.err);
    }
    let routes = rows(&run, "routes");
    assert!(routes.iter().any(|row| row["host"] == ROUTER && !word(&row["line"]).is_empty()));
    assert!(!run.err.contains(token.trim()), "no token in messages");
}

pub(crate) fn one_name_twice(cluster: &Cluster) {
    let settings = cluster.settings().replace("extra-hosts.router", "extra-hosts.k8s-w1");
    let run = cluster.lab_with("routes", &settings).run();
    run.fails("extra host `k8s-w1` (vagrant@192.168.10.200) has the name of node `k8s-w1`");
}
