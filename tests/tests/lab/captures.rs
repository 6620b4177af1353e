//! What was captured answers as the cluster did.

use lab_tests::Scratch;

use crate::answers::{row, word};
use crate::cluster::Cluster;

const COMMANDS: [&str; 4] =
    ["routes", "routes -o json", "routes --all -o wide", "routes matrix -o json"];

pub(crate) fn same_tables(cluster: &Cluster) {
    let folder = Scratch::new();
    let zip = folder.path("lab.zip");
    let dir = folder.path("lab");
    cluster.lab("capture").arg(&zip).run().exits(0);
    cluster.lab("capture").arg(&dir).run().exits(0);
    for command in COMMANDS {
        let live = cluster.lab(command).run().exits(1);
        for capture in [&zip, &dir] {
            let read = cluster.lab(command).arg("--from").arg(capture).run().exits(1);
            assert_eq!(read.out, live.out, "{command} --from {}", capture.display());
        }
    }
    let listed = std::fs::metadata(&zip).expect("it is there").len();
    assert!(listed < 1 << 20, "a capture of four hosts has {listed} bytes");
}

pub(crate) fn recorded(cluster: &Cluster) {
    let folder = Scratch::new();
    let record = folder.path("run.zip");
    let live = cluster.lab("routes -o json").arg("--record").arg(&record).run().exits(1);
    let read = cluster.lab("routes -o json").arg("--from").arg(&record).run().exits(1);
    assert_eq!(read.out, live.out);
}

pub(crate) fn against(cluster: &Cluster) {
    let folder = Scratch::new();
    let before = folder.path("before.zip");
    let after = folder.path("after.zip");
    cluster.lab("capture").arg(&before).run().exits(0);
    let same = cluster.lab("routes -o json --against").arg(&before).run();
    assert!(!same.out.contains("172.20.99.0/24"), "{}", same.out);

    let route = "172.20.99.0/24 via 192.168.10.101 dev eth1";
    let _stale = cluster.change(
        "k8s-ctr",
        &format!("ip route add {route}"),
        &format!("ip route del {route}"),
    );
    cluster.lab("capture").arg(&after).run().exits(0);
    let live = cluster.lab("routes -o json --against").arg(&before).run().exits(1);
    let read = cluster
        .lab("routes -o json --against")
        .arg(&before)
        .arg("--from")
        .arg(&after)
        .run()
        .exits(1);
    assert_eq!(live.out, read.out, "live and captured differ from before in the same way");
    let changed = row(&live, "k8s-ctr", "172.20.99.0/24");
    assert_eq!(word(&changed["verdict"]), "stale", "{changed}");
}
