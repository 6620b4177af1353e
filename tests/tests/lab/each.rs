//! One command on every host: what is folded, what differs, and what is asked before.

use crate::answers::{finding, partial, rows, word};
use crate::cluster::{Cluster, NODES, ROUTER};

pub(crate) fn folded(cluster: &Cluster) {
    let run = cluster.lab("each -o json -- uname -r").run().exits(0);
    assert_eq!(partial(&run), [], "{}", run.err);
    let answers = rows(&run, "answers");
    assert_eq!(answers.len(), 1, "all hosts share the machine's kernel: {answers:#?}");
    assert_eq!(answers[0]["count"], 4);
    assert_eq!(word(&answers[0]["output"]).trim(), cluster.on("k8s-ctr", "uname -r").trim());

    let run = cluster.lab("each -o json -- hostname").run().exits(0);
    let mut named: Vec<_> = rows(&run, "answers")
        .iter()
        .map(|row| (word(&row["hosts"]), word(&row["output"]).trim().to_owned()))
        .collect();
    named.sort();
    let mut hosts: Vec<_> = NODES.into_iter().chain([ROUTER]).collect();
    hosts.sort_unstable();
    let own: Vec<_> = hosts.iter().map(|host| ((*host).to_owned(), (*host).to_owned())).collect();
    assert_eq!(named, own, "each by its own name");
}

pub(crate) fn rows_from_json(cluster: &Cluster) {
    let run = cluster.lab("each --json -o json -- ip -j -4 addr show dev eth1").run().exits(0);
    let rows = rows(&run, "rows");
    let mut shown: Vec<_> = rows
        .iter()
        .map(|row| (word(&row["host"]), word(&row["ifname"]), row["mtu"].as_u64()))
        .collect();
    shown.sort();
    let mut expected: Vec<_> = NODES
        .into_iter()
        .chain([ROUTER])
        .map(|host| (host.to_owned(), "eth1".to_owned(), Some(1500)))
        .collect();
    expected.sort();
    assert_eq!(shown, expected);
}

/// A rule of Cilium's that somebody removed on one node alone.
pub(crate) fn removed_rule(cluster: &Cluster) {
    let rules = cluster.on("k8s-w1", "iptables -t raw -S CILIUM_PRE_raw");
    let rule = rules.lines().find(|line| line.contains("-s 172.20.0.0/16"));
    let rule = rule.unwrap_or_else(|| panic!("no such rule: {rules}")).to_owned();
    let ask = "each --host k8s-* --diff -o json -- iptables -t raw -S CILIUM_PRE_raw";
    let before = rows(&cluster.lab(ask).run().exits(0), "answers");
    assert_eq!(before.len(), 1, "equal on all nodes: {before:#?}");
    let _removed = cluster.change(
        "k8s-w1",
        &format!(
            "iptables-save -t raw >/tmp/raw && iptables -t raw {}",
            rule.replacen("-A", "-D", 1)
        ),
        "iptables-restore -T raw </tmp/raw",
    );
    let run = cluster.lab(ask).run();
    let answers = rows(&run, "answers");
    assert_eq!(answers.len(), 2, "{answers:#?}");
    assert_eq!(
        (word(&answers[1]["hosts"]), answers[0]["count"].as_u64()),
        ("k8s-w1".into(), Some(2))
    );
    let diff = word(&answers[1]["diff"]);
    let removed = format!("-{rule}");
    assert!(diff.lines().any(|line| line.trim_end() == removed.trim_end()), "{diff}");
    assert!(finding(&run, "each/differs").subject.contains("k8s-w1"));
}

pub(crate) fn no_consent(cluster: &Cluster) {
    let line = "each -- ip link set dev eth1 mtu 1400";
    let run = cluster.lab(line).run();
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("ip link set dev eth1 mtu 1400"), "the exact words: {}", run.err);
    assert!(run.err.contains("--yes"), "{}", run.err);
    for node in NODES {
        assert!(cluster.on(node, "ip link show dev eth1").contains("mtu 1500"), "{node}");
    }
}

/// kube-proxy writes the same chains on every node, beside Cilium's; only where the lab has one.
pub(crate) fn kube_proxy(cluster: &Cluster) {
    let sets = cluster.kubectl("-n kube-system get daemonsets -o name");
    if !sets.contains("kube-proxy") {
        crate::say(format_args!("lab: no kube-proxy: tests/lab/up --kube-proxy makes one"));
        return;
    }
    let run =
        cluster.lab("each --host k8s-* -o json -- iptables -t nat -S KUBE-SERVICES").run().exits(0);
    let answers = rows(&run, "answers");
    let service = cluster.kubectl("get service webpod -o jsonpath={.spec.clusterIP}");
    for row in &answers {
        assert_eq!(row["exit"], 0, "{row}");
        assert!(word(&row["output"]).contains(&format!("-d {service}/32 ")), "{row}");
    }
    let chains = cluster.lab("each --host k8s-* -o json -- iptables -t nat -S PREROUTING").run();
    for row in rows(&chains, "answers") {
        let rules = word(&row["output"]);
        assert!(rules.contains("KUBE-SERVICES") && rules.contains("CILIUM_PRE_nat"), "{rules}");
    }
}
