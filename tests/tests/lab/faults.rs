//! Routes broken one at a time: each gets its word, its evidence and a cure that cures.

use lab_tests::Run;

use crate::answers::{Finding, finding, findings, row, word};
use crate::cluster::{Change, Cluster, NODES, ROUTER};

/// Runs the commands of a fix where it says and asks again.
fn cured(cluster: &Cluster, found: &Finding, host: &'static str) -> Run {
    let commands = found.commands("ip route");
    assert!(!commands.is_empty(), "no command to paste: {found:?}");
    for command in commands {
        cluster.on(host, command);
    }
    let run = cluster.lab("routes -o json").run();
    let same = findings(&run).into_iter().find(|after| after.code == found.code);
    assert!(same.is_none(), "the fix does not cure: {same:?}");
    run
}

/// The direct route from the control plane to the worker beside it, taken away or elsewhere, and
/// what is said about it. It is put back as the agent makes it.
struct Broken<'c> {
    _change: Change<'c>,
    /// The range the route leads to.
    range: String,
    /// The route as the agent makes it.
    direct: String,
    run: Run,
}

impl<'c> Broken<'c> {
    /// The agent looks after its routes about once a minute: whoever comes at that moment sees
    /// nothing, and looks again.
    fn by(cluster: &'c Cluster, line: &str) -> Self {
        let range = cluster.pod_cidrs()["k8s-w1"].clone();
        let direct = format!("{range} via 192.168.10.101 dev eth1 proto kernel");
        let line = line.replace("RANGE", &range);
        let undo = format!("ip route replace {direct}");
        let change = cluster.change("k8s-ctr", &line, &undo);
        let mut run = cluster.lab("routes -o json").run().exits(1);
        if word(&row(&run, "k8s-ctr", &range)["verdict"]) == "ok" {
            cluster.on("k8s-ctr", &line);
            run = cluster.lab("routes -o json").run().exits(1);
        }
        Self { _change: change, range, direct, run }
    }

    /// What is said about the route.
    fn judged(&self) -> (String, String) {
        let row = row(&self.run, "k8s-ctr", &self.range);
        (word(&row["verdict"]), word(&row["expected"]))
    }
}

pub(crate) fn missing(cluster: &Cluster) {
    let broken = Broken::by(cluster, "ip route del RANGE");
    let Broken { range, direct, .. } = &broken;
    assert_eq!(broken.judged(), ("missing".into(), direct.clone()), "the line the agent makes");
    let found = finding(&broken.run, "routes/missing");
    assert_eq!(found.subject, "k8s-ctr");
    assert!(found.message.contains(range), "{found:?}");
    let commands = found.commands("ip route add ");
    assert_eq!(commands, [format!("ip route add {direct}")]);
    if !cluster.raw_routes("k8s-ctr").contains(direct) {
        cured(cluster, &found, "k8s-ctr");
    }
    assert!(cluster.raw_routes("k8s-ctr").contains(direct));
}

pub(crate) fn stale(cluster: &Cluster) {
    let line = "172.20.77.0/24 via 192.168.10.101 dev eth1 proto kernel";
    let _change = cluster.change(
        "k8s-ctr",
        &format!("ip route add {line}"),
        &format!("ip route del {line} 2>/dev/null || true"),
    );
    let run = cluster.lab("routes -o json").run().exits(1);
    assert_eq!(word(&row(&run, "k8s-ctr", "172.20.77.0/24")["verdict"]), "stale");
    let found = finding(&run, "routes/stale");
    assert_eq!(found.level, "warn");
    assert_eq!(found.evidence[0].1, line);
    cured(cluster, &found, "k8s-ctr");
}

pub(crate) fn wrong_next_hop(cluster: &Cluster) {
    let wrong = "RANGE via 192.168.10.200 dev eth1 proto kernel";
    let broken = Broken::by(cluster, &format!("ip route replace {wrong}"));
    let Broken { range, direct, .. } = &broken;
    assert_eq!(broken.judged(), ("wrong-next-hop".into(), direct.clone()));
    let found = finding(&broken.run, "routes/wrong-next-hop");
    assert_eq!(found.evidence[0].1, wrong.replace("RANGE", range));
    cured(cluster, &found, "k8s-ctr");
}

pub(crate) fn narrow_link(cluster: &Cluster) {
    // Only what arrives can be too narrow, so the router gets its routes first.
    let _routes = crate::cures::routes_on_the_router(cluster);
    let _link =
        cluster.change(ROUTER, "ip link set dev eth2 mtu 1400", "ip link set dev eth2 mtu 1500");
    let run = cluster.lab("routes -o json").run().exits(1);
    let found = findings(&run);
    let narrow: Vec<_> = found.iter().filter(|finding| finding.code == "routes/mtu").collect();
    let senders: Vec<_> = narrow.iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(senders, ["k8s-ctr", "k8s-w1"], "who sends over that link: {found:#?}");
    for finding in &narrow {
        assert!(
            finding
                .evidence
                .iter()
                .any(|(place, line)| place == "router: ip -j -d link" && line == "eth2 mtu 1400")
        );
    }
    let pods = cluster.pods();
    let probe = |node: &str| {
        let pod = pods.iter().find(|pod| pod.app == "probe" && pod.node == node);
        pod.expect("one on every node").clone()
    };
    let (from, to) = (probe(NODES[0]), probe(NODES[2]));
    let trace = format!("routes trace default/{} default/{} -o json", from.name, to.name);
    let ways = crate::answers::rows(&cluster.lab(&trace).run(), "ways");
    assert_eq!(ways[0]["mtu"], 1400, "{ways:?}");
    // 1372 bytes and 28 of headers pass, one more does not.
    let largest = |size: u32| {
        let line = format!("ping -n -q -c 1 -W 2 -M do -s {size} {} >/dev/null; echo $?", to.ip);
        cluster.kubectl_words(&["exec", &from.name, "--", "sh", "-c", &line]).trim() == "0"
    };
    assert!(largest(1372) && !largest(1373));
}

pub(crate) fn left_by_tunnel_mode(cluster: &Cluster) {
    let range = cluster.pod_cidrs()["k8s-w0"].clone();
    let own = cluster.on("k8s-ctr", "ip -4 -o addr show dev cilium_host | awk '{print $4}'");
    let own = own.trim().trim_end_matches("/32");
    let line = format!("{range} via {own} dev cilium_host proto kernel src {own} mtu 1450");
    let _change = cluster.change(
        "k8s-ctr",
        &format!("ip route add {line}"),
        &format!("ip route del {range} dev cilium_host 2>/dev/null || true"),
    );
    let run = cluster.lab("routes -o json").run().exits(1);
    assert_eq!(word(&row(&run, "k8s-ctr", &range)["verdict"]), "stale");
    let found = finding(&run, "routes/stale");
    assert_eq!(found.evidence[0].1, line);
    cured(cluster, &found, "k8s-ctr");
}
