//! Native routing as the lab has it: pods behind the router are unreachable, and the program says
//! where their packets end.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::answers::{finding, findings, partial, row, rows, word};
use crate::cluster::{Cluster, NODES, ROUTER};

pub(crate) fn black_hole(cluster: &Cluster) {
    let run = cluster.lab("routes -o json").run().exits(1);
    assert_eq!(partial(&run), [], "every host answers, the router over ssh");
    let codes: Vec<_> = findings(&run).into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["routes/black-hole"]);

    let found = finding(&run, "routes/black-hole");
    assert_eq!(found.level, "bad");
    let cidrs = cluster.pod_cidrs();
    for cidr in cidrs.values() {
        assert!(found.subject.starts_with(ROUTER) && found.subject.contains(cidr), "{found:?}");
        let add = format!("ip route add {cidr} via ");
        assert_eq!(
            found.commands("ip route").iter().filter(|line| line.starts_with(&add)).count(),
            1,
            "one route for every range: {found:?}"
        );
    }
    assert!(!found.evidence.is_empty());
    for (place, line) in &found.evidence {
        let (host, _) = place.split_once(": ").expect("HOST: COMMAND");
        let raw = cluster.raw_routes(host);
        assert!(raw.contains(line), "`{line}` is not what {host} says: {raw:#?}");
    }
    // A node's way to another node's pods, a row of each kind.
    let [ctr, w1, w0] = NODES;
    for (host, to, verdict) in
        [(ctr, ctr, "ok"), (ctr, w1, "ok"), (ctr, w0, "unreachable"), (ROUTER, w0, "missing")]
    {
        let row = row(&run, host, &cidrs[to]);
        assert_eq!(word(&row["verdict"]), verdict, "{row}");
        assert_eq!(word(&row["owner"]), format!("podCIDR of {to}"));
    }
}

pub(crate) fn rows_are_lines_of_the_hosts(cluster: &Cluster) {
    let run = cluster.lab("routes --all -o json").run().exits(1);
    let rows = rows(&run, "routes");
    for host in NODES.into_iter().chain([ROUTER]) {
        let raw: BTreeSet<String> = cluster.raw_routes(host).into_iter().collect();
        let of_host = rows.iter().filter(|row| row["host"] == host);
        // An own block in which no pod runs yet has no line, and needs none.
        let is_line =
            |row: &&Value| word(&row["verdict"]) != "ok" || !word(&row["line"]).is_empty();
        let shown: BTreeSet<String> =
            of_host.filter(is_line).map(|row| word(&row["line"])).collect();
        let invented: Vec<_> = shown.difference(&raw).collect();
        assert!(invented.is_empty(), "{host} has no such routes: {invented:#?}\n{raw:#?}");
        // Of every interface's own IPv6 there is nothing to say.
        let left_out: Vec<_> = raw.difference(&shown).filter(|line| !is_local_ipv6(line)).collect();
        assert!(left_out.is_empty(), "{host}: not shown: {left_out:#?}");
    }
}

fn is_local_ipv6(line: &str) -> bool {
    line.contains("fe80::") || line.contains("ff00::") || line.contains("::1 ")
}

pub(crate) fn traces(cluster: &Cluster) {
    let pods = cluster.pods();
    let on = |node: &str| {
        let pod = pods.iter().find(|pod| pod.app == "probe" && pod.node == node);
        format!("default/{}", pod.expect("one on every node").name)
    };
    let [ctr, w1, w0] = NODES;

    let run = cluster.lab(&format!("routes trace {} {} -o json", on(ctr), on(w0))).run();
    let ways = rows(&run, "ways");
    assert_eq!(word(&ways[0]["disposition"]), "black-hole", "{}", run.out);
    assert_eq!(word(&ways[0]["last"]), ROUTER);
    let hops = rows(&run, "hops");
    let there = hops.iter().filter(|hop| hop["way"] == "there");
    let there: Vec<_> = there.map(|hop| (word(&hop["host"]), word(&hop["route"]))).collect();
    let hosts: Vec<_> = there.iter().map(|(host, _)| host.as_str()).collect();
    assert_eq!(hosts, [ctr, ROUTER]);
    for (host, route) in &there {
        let raw = cluster.raw_routes(host);
        assert!(raw.contains(route), "`{route}` is not what {host} says: {raw:#?}");
    }

    let run = cluster.lab(&format!("routes trace {} {} -o json", on(ctr), on(w1))).run().exits(0);
    let ways = rows(&run, "ways");
    for way in &ways {
        assert_eq!(word(&way["disposition"]), "delivered", "{}", run.out);
        assert_eq!(way["mtu"], 1500);
    }
    assert_eq!(ways.len(), 2, "there and back");
}

pub(crate) fn matrix(cluster: &Cluster) {
    let run = cluster.lab("routes matrix -o json").run().exits(1);
    let mut counts: Vec<_> = rows(&run, "summary")
        .iter()
        .map(|row| (word(&row["disposition"]), row["pairs"].as_u64().unwrap_or_default()))
        .collect();
    counts.sort();
    assert_eq!(counts, [("black-hole".into(), 4), ("delivered".into(), 2)], "{}", run.out);
    for row in rows(&run, "pairs") {
        let crossing = word(&row["from"]).contains("k8s-w0") || word(&row["to"]).contains("k8s-w0");
        assert!(crossing, "only what crosses the router is lost: {row}");
        assert_eq!(word(&row["last"]), ROUTER);
    }
}
