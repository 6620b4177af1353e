//! The check-up of the real cluster, and the roles that it prints, given to a real user.

use lab_tests::{Run, Scratch};

use crate::answers::{partial, rows, word};
use crate::cluster::{Cluster, NODES, ROUTER};

/// What is seen and how it is judged, of the lines of one check.
fn lines(run: &Run, check: &str) -> Vec<(String, String, String)> {
    let checks = rows(run, "checks");
    let of = checks.iter().filter(|row| row["check"] == check);
    of.map(|row| (word(&row["subject"]), word(&row["result"]), word(&row["seen"]))).collect()
}

pub(crate) fn sound(cluster: &Cluster) {
    let run = cluster.lab("doctor -o json").run();
    // Of the machine that the test runs on, nothing is asked.
    for check in ["kubeconfig", "api", "clock", "user", "version", "rights", "agent", "tools"] {
        let lines = lines(&run, check);
        assert!(!lines.is_empty(), "no line for {check}: {}", run.out);
        for (subject, result, seen) in lines {
            assert_eq!(result, "ok", "{check} {subject}: {seen}");
        }
    }
    let mut agents: Vec<_> = lines(&run, "agent").into_iter().map(|(node, ..)| node).collect();
    agents.sort();
    let mut nodes = NODES.to_vec();
    nodes.sort_unstable();
    assert_eq!(agents, nodes);
    let [(subject, result, seen)] = &lines(&run, "host")[..] else { panic!("{}", run.out) };
    assert_eq!((subject.as_str(), result.as_str()), (ROUTER, "ok"), "{seen}");
    assert_eq!(lines(&run, "leftover")[0].1, "ok");
}

pub(crate) fn broken(cluster: &Cluster) {
    let rule = "INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset";
    let _closed =
        cluster.change(ROUTER, &format!("iptables -I {rule}"), &format!("iptables -D {rule}"));
    let runtime = cluster.on("k8s-w1", "pidof containerd").trim().to_owned();
    let stopped = cluster.change(
        "k8s-w1",
        &format!("kill -STOP {runtime}"),
        &format!("kill -CONT {runtime}"),
    );
    let run = cluster.lab("doctor -o json --timeout 5s").run();
    drop(stopped);
    cluster.agents_ready();
    for (node, result, seen) in lines(&run, "agent") {
        assert_eq!(result == "ok", node != "k8s-w1", "{node}: {seen}");
    }
    let (_, result, seen) = &lines(&run, "host")[0];
    assert_ne!(result, "ok", "{seen}");
    assert!(seen.contains("refused"), "{seen}");
    assert_eq!(run.code, Some(1), "{}", run.err);
}

/// Takes the roles back.
struct Roles<'c>(&'c Cluster, std::path::PathBuf);

impl Drop for Roles<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&format!("delete --ignore-not-found --wait=false -f {}", self.1.display()));
    }
}

pub(crate) fn roles(cluster: &Cluster) {
    let as_dev = |line: &str| cluster.lab(line).args(["--as", "dev"]).run();
    as_dev("routes").fails("cannot list `nodes`: forbidden for user `dev`");
    let run = as_dev("doctor routes -o json");
    let (subject, result, seen) = &lines(&run, "rights")[0];
    assert_eq!((subject.as_str(), result.as_str()), ("routes", "bad"), "{seen}");
    assert!(seen.contains("nodes"), "what is missing: {seen}");

    let printed = cluster.lab("doctor --rbac routes --rbac-subject dev").run().exits(0);
    let folder = Scratch::new();
    let roles = Roles(cluster, folder.put("roles.yaml", &printed.out));
    cluster.kubectl(&format!("apply -f {}", roles.1.display()));
    let admin = cluster.lab("routes -o json").run().exits(1);
    let dev = as_dev("routes -o json").exits(1);
    assert_eq!(dev.out, admin.out, "with these roles dev sees what an admin sees: {}", dev.err);
    assert_eq!(partial(&dev), []);
    let (_, result, seen) = &lines(&as_dev("doctor routes -o json"), "rights")[0];
    assert_eq!(result, "ok", "{seen}");

    // They are the least: without one of them it is not all there.
    cluster.kubectl("-n kube-system delete rolebinding kubectl-lab-routes");
    let less = as_dev("routes -o json").exits(3);
    assert_eq!(partial(&less).len(), NODES.len(), "{}", less.err);
    assert!(less.err.contains("pods/exec"), "{}", less.err);
}
