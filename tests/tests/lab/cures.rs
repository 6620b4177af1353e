//! The cures that the black hole's finding offers, done as it says.

use crate::answers::{finding, findings, partial, row, rows, word};
use crate::cluster::{Change, Cluster, NODES, ROUTER, eventually};
use crate::forwarding;
use std::time::Duration;

/// The commands of the fix on the router, word for word; taken back when the change is dropped.
pub(crate) fn routes_on_the_router(cluster: &Cluster) -> Change<'_> {
    let run = cluster.lab("routes -o json").run().exits(1);
    let found = finding(&run, "routes/black-hole");
    let commands = found.commands("ip route add ");
    assert_eq!(commands.len(), NODES.len(), "{found:?}");
    let undo: Vec<String> =
        commands.iter().map(|command| command.replace("route add", "route del")).collect();
    cluster.change(ROUTER, &commands.join(" && "), &undo.join("; "))
}

pub(crate) fn static_routes(cluster: &Cluster) {
    let _routes = routes_on_the_router(cluster);
    let run = cluster.lab("routes -o json").run().exits(0);
    assert_eq!(findings(&run).len(), 0, "{}", run.out);
    let [ctr, _, w0] = NODES;
    let cidrs = cluster.pod_cidrs();
    assert_eq!(word(&row(&run, ctr, &cidrs[w0])["verdict"]), "covered");
    assert_eq!(word(&row(&run, ROUTER, &cidrs[w0])["verdict"]), "ok");
    all_delivered(cluster, 1500);
    forwarding::captured(cluster);
}

pub(crate) fn tunnel(cluster: &Cluster) {
    let before = lab_tests::Scratch::new();
    let native = before.path("native.zip");
    cluster.lab("capture").arg(&native).run().exits(0);
    let _native = Native(cluster);
    cluster.up("tunnel");
    let run = cluster.lab("routes -o json").run().exits(0);
    assert_eq!((findings(&run).len(), partial(&run)), (0, Vec::new()), "{}", run.out);
    let cidrs = cluster.pod_cidrs();
    for from in NODES {
        for to in NODES.iter().filter(|to| **to != from) {
            let row = row(&run, from, &cidrs[*to]);
            let shown = [&row["verdict"], &row["device"], &row["mtu"]].map(ToString::to_string);
            assert_eq!(word(&row["verdict"]), "ok", "{row}");
            assert_eq!((word(&row["device"]), shown[2].as_str()), ("cilium_host".into(), "1450"));
        }
    }
    all_delivered(cluster, 1450);
    forwarding::captured(cluster);
    let changed = cluster.lab("routes -o json --against").arg(&native).run();
    assert!(changed.out.contains("cilium_host"), "{}", changed.out);
}

fn all_delivered(cluster: &Cluster, mtu: u64) {
    let run = cluster.lab("routes matrix -o json").run().exits(0);
    let summary = rows(&run, "summary");
    assert_eq!(summary.len(), 1, "{summary:?}");
    assert_eq!(
        (word(&summary[0]["disposition"]), summary[0]["pairs"].as_u64()),
        ("delivered".into(), Some(6))
    );
    let pods = cluster.pods();
    let probe = |node: &str| {
        let pod = pods.iter().find(|pod| pod.app == "probe" && pod.node == node);
        format!("default/{}", pod.expect("one on every node").name)
    };
    let trace = format!("routes trace {} {} -o json", probe(NODES[0]), probe(NODES[2]));
    for way in rows(&cluster.lab(&trace).run().exits(0), "ways") {
        assert_eq!(
            (word(&way["disposition"]), way["mtu"].as_u64()),
            ("delivered".into(), Some(mtu))
        );
    }
}

/// Back to native routing, whatever happens.
struct Native<'c>(&'c Cluster);

impl Drop for Native<'_> {
    fn drop(&mut self) {
        self.0.up("native");
        eventually("the black hole is back", Duration::from_mins(1), || {
            let run = self.0.lab("routes -o json").run();
            let codes: Vec<_> = findings(&run).into_iter().map(|finding| finding.code).collect();
            codes == ["routes/black-hole"]
        });
    }
}
