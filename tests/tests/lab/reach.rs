//! Probes of the program against pings of ours, and what it makes of the difference to the tables.

use lab_tests::{Lab, Run};
use serde_json::Value;

use crate::answers::{finding, findings, partial, rows, word};
use crate::cluster::{Cluster, NODES, ROUTER};

/// The program, with leave to make pods that have `ping`: the agents have none.
fn reach(cluster: &Cluster, line: &str) -> Lab {
    let settings =
        format!("{}\n[debug-pod]\nimage = \"localhost/nettools:lab\"\n", cluster.settings());
    cluster.lab_with(&format!("reach -o json --all --debug-pods {line}"), &settings)
}

/// The pairs, with what was measured.
fn pairs(run: &Run) -> Vec<Value> {
    rows(run, "pairs")
}

pub(crate) fn everybody(cluster: &Cluster) {
    let run = reach(cluster, "").run().exits(1);
    assert_eq!(partial(&run), [], "{}", run.err);
    let pairs = pairs(&run);
    assert!(pairs.len() >= 30, "{} pairs", pairs.len());
    let addresses =
        [("k8s-ctr", "192.168.10.100"), ("k8s-w1", "192.168.10.101"), ("k8s-w0", "192.168.20.100")];
    let pods = cluster.pods();
    let pod = |name: &str| pods.iter().find(|pod| format!("default/{}", pod.name) == name);
    for pair in &pairs {
        let (from, to) = (word(&pair["from"]), word(&pair["to"]));
        let verdict = word(&pair["verdict"]);
        assert!(["ok", "lost"].contains(&&*verdict), "the tables are right: {pair}");
        // Once more by hand.
        let address =
            addresses.iter().find(|(node, _)| *node == to).map(|(_, ip)| (*ip).to_owned());
        let address = address.or_else(|| pod(&to).map(|pod| pod.ip.clone()));
        let address = address.unwrap_or_else(|| panic!("who is {to}?"));
        let ping = format!("ping -n -q -c 1 -W 1 {address} >/dev/null 2>&1; echo $?");
        let code = match pod(&from) {
            Some(pod) => cluster.kubectl_words(&["exec", &pod.name, "--", "sh", "-c", &ping]),
            None => cluster.on(&from, &ping),
        };
        assert_eq!(code.trim() == "0", verdict == "ok", "{pair}");
    }
    let lost = findings(&run);
    assert!(lost.iter().all(|found| found.code == "reach/lost"), "{lost:#?}");
}

pub(crate) fn firewall(cluster: &Cluster) {
    let rule = "INPUT -p icmp --icmp-type echo-request -s 192.168.10.100 -j DROP";
    let _filter =
        cluster.change(ROUTER, &format!("iptables -I {rule}"), &format!("iptables -D {rule}"));
    let run = reach(cluster, "k8s-ctr 192.168.10.200").run().exits(1);
    let [pair] = &pairs(&run)[..] else { panic!("{}", run.out) };
    assert_eq!(word(&pair["predicted"]), "delivered", "{pair}");
    assert_eq!(word(&pair["verdict"]), "unpredicted-loss", "{pair}");
    assert_eq!(finding(&run, "reach/unpredicted-loss").level, "bad");
}

pub(crate) fn narrow_link(cluster: &Cluster) {
    let _routes = crate::cures::routes_on_the_router(cluster);
    let _link =
        cluster.change(ROUTER, "ip link set dev eth2 mtu 1400", "ip link set dev eth2 mtu 1500");
    let pods = cluster.pods();
    let probe = |node: &str| {
        let pod = pods.iter().find(|pod| pod.app == "probe" && pod.node == node);
        format!("default/{}", pod.expect("one on every node").name)
    };
    let line = format!("{} {} --mtu", probe(NODES[0]), probe(NODES[2]));
    let run = reach(cluster, &line).run();
    let [pair] = &pairs(&run)[..] else { panic!("{}", run.out) };
    assert_eq!(pair["pathMTU"], 1400, "{pair}");
    assert_eq!(pair["predictedMTU"], 1400, "the tables know the link: {pair}");
}
