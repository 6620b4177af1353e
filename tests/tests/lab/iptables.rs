//! Rules of one node broken one at a time: each is found there, and against the model too.

use lab_tests::Scratch;

use crate::answers::{finding, findings, rows, word};
use crate::cluster::{Cluster, NODES};

/// Where the rules are broken.
const NODE: &str = "k8s-w0";

pub(crate) fn healthy(cluster: &Cluster) {
    let run = cluster.lab("iptables-diff -o json").run().exits(0);
    let groups = rows(&run, "groups");
    assert_eq!((groups.len(), groups[0]["count"].as_u64()), (1, Some(3)), "{groups:#?}");
    let rules = |node: &str| cluster.on(node, "iptables-save | grep -c ^-A").trim().to_owned();
    for node in NODES {
        assert_eq!(groups[0]["rules"].to_string(), rules(node), "{node}");
    }
    let run = cluster.lab("iptables-diff expected -o json").run().exits(0);
    let codes: Vec<_> = findings(&run).into_iter().map(|found| found.code).collect();
    assert_eq!(codes, ["iptables-diff/as-expected"]);
}

pub(crate) fn broken(cluster: &Cluster) {
    let rules = cluster.on(NODE, "iptables -t raw -S CILIUM_PRE_raw");
    let rule = rules.lines().find(|line| line.contains("-d 172.20.0.0/16"));
    let rule = rule.unwrap_or_else(|| panic!("no such rule: {rules}"));
    let spec = rule.trim_start_matches("-A CILIUM_PRE_raw").trim();
    let (chain, other) = ("CILIUM_PRE_raw", spec.replacen("172.20.0.0", "172.21.0.0", 1));
    for (change, commands, code) in [
        ("removed", format!("iptables -t raw -D {chain} {spec}"), "missing-rule"),
        (
            "moved",
            format!("iptables -t raw -D {chain} {spec} && iptables -t raw -A {chain} {spec}"),
            "other-rule",
        ),
        ("duplicated", format!("iptables -t raw -A {chain} {spec}"), "other-rule"),
        ("changed", format!("iptables -t raw -R {chain} 1 {other}"), "other-rule"),
    ] {
        let _change = cluster.change(
            NODE,
            &format!("iptables-save -t raw >/tmp/raw && {commands}"),
            "iptables-restore -T raw </tmp/raw",
        );
        let run = cluster.lab("iptables-diff -o json").run().exits(1);
        let differences = rows(&run, "differences");
        let told: Vec<_> = differences
            .iter()
            .map(|row| [&row["hosts"], &row["chain"], &row["change"]].map(word))
            .collect();
        let expected = [NODE, chain, change].map(str::to_owned);
        assert_eq!(told, [expected], "{change}");
        let found = finding(&run, &format!("iptables-diff/{code}"));
        assert!(found.subject.starts_with(NODE), "{found:?}");
        let run = cluster.lab("iptables-diff expected -o json").run().exits(1);
        let found = finding(&run, "iptables-diff/not-expected");
        assert_eq!(found.subject, format!("{NODE} raw {chain}"), "{change}");
    }
    cluster.lab("iptables-diff").run().exits(0);
}

pub(crate) fn moments(cluster: &Cluster) {
    let scratch = Scratch::new();
    let before = scratch.path("before.zip");
    cluster.lab("iptables-diff --record").arg(&before).run().exits(0);
    let rule = "INPUT -s 203.0.113.0/24 -j DROP";
    let _change = cluster.change(
        NODE,
        &format!("iptables -A {rule}"),
        &format!("iptables -D {rule} 2>/dev/null || true"),
    );
    let run = cluster.lab("iptables-diff --rules -o json --against").arg(&before).run();
    let changed = rows(&run, "rules");
    let told: Vec<_> =
        changed.iter().map(|row| [&row["change"], &row["host"], &row["chain"]].map(word)).collect();
    assert_eq!(told, [["added", NODE, "INPUT"].map(str::to_owned)], "{}", run.out);
    // The rules of another node as a file.
    let file = scratch.path("rules.v4");
    std::fs::write(&file, cluster.on("k8s-ctr", "iptables-save")).expect("a file can be written");
    let run = cluster.lab("iptables-diff -o json --base-file").arg(&file).run().exits(1);
    let rows = rows(&run, "differences");
    let told: Vec<_> = rows.iter().map(|row| [&row["hosts"], &row["chain"]].map(word)).collect();
    assert_eq!(told, [[NODE, "INPUT"].map(str::to_owned)], "{}", run.out);
}
