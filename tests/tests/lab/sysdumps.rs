//! What Cilium's own collection of files holds answers as the cluster did, and the rest is
//! unknown.

use std::path::Path;
use std::process::Command;

use lab_tests::{Lab, Scratch};
use serde_json::Value;

use crate::answers::{rows, word};
use crate::cluster::{Cluster, NODES, text};

/// Whatever is in all three: the router is no part of a sysdump, so nobody is told of it.
const COMMANDS: [&str; 4] = ["routes", "routes -o wide", "routes matrix", "nodes addr"];

pub(crate) fn same_answers(cluster: &Cluster) {
    let folder = Scratch::new();
    let [packed, unpacked, capture] =
        ["packed", "unpacked", "capture.zip"].map(|name| folder.path(name));
    let collected = cluster.script("sysdump", &[&packed.display().to_string(), "--packed"]);
    assert!(collected.status.success(), "{}", text(&collected.stderr));
    unpack(&packed, &unpacked);
    let ask = |line: &str| cluster.lab_with(line, "");
    ask("capture").arg(&capture).run().exits(0);

    for command in COMMANDS {
        let live = ask(command).run();
        for from in [&capture, &unpacked, &packed] {
            let read = ask(command).arg("--from").arg(from).run();
            assert_eq!(read.out, live.out, "{command} --from {}: {}", from.display(), read.err);
        }
    }
    rows_are_also_live(&ask, &unpacked);
    cells_are_equal_or_unknown(&ask, &unpacked);
}

/// As the archives are unpacked by whoever collects them.
fn unpack(packed: &Path, unpacked: &Path) {
    let copied = Command::new("cp").arg("-r").arg(packed).arg(unpacked).status();
    assert!(copied.expect("cp is there").success());
    for entry in unpacked.read_dir().expect("a folder") {
        let archive = entry.expect("it can be read").path();
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".tar.gz") else { continue };
        let target = archive.with_file_name(stem);
        std::fs::create_dir(&target).expect("the folder is ours");
        let mut tar = Command::new("tar");
        tar.args(["--strip-components=1", "-xzf"]).arg(&archive).arg("-C").arg(&target);
        assert!(tar.status().expect("tar is there").success());
        std::fs::remove_file(&archive).expect("the folder is ours");
    }
}

/// Bugtool asks for less than `routes --all` does: what is there is the host's own word.
fn rows_are_also_live(ask: &impl Fn(&str) -> Lab, sysdump: &Path) {
    let live = rows(&ask("routes --all -o json").run(), "routes");
    let read = rows(&ask("routes --all -o json --from").arg(sysdump).run(), "routes");
    let place = |row: &Value| (word(&row["host"]), word(&row["table"]), word(&row["line"]));
    let live: Vec<_> = live.iter().map(place).collect();
    for node in NODES {
        assert!(read.iter().any(|row| row["host"] == node), "{node} has rows");
    }
    for row in read.iter().map(place) {
        assert!(live.contains(&row), "nobody said {row:?} live");
    }
}

fn cells_are_equal_or_unknown(ask: &impl Fn(&str) -> Lab, sysdump: &Path) {
    let live = rows(&ask("nodes -o json").run(), "nodes");
    let read = rows(&ask("nodes -o json --from").arg(sysdump).run(), "nodes");
    assert_eq!(read.len(), NODES.len());
    let mut unknown = 0;
    for row in &read {
        let same = live.iter().find(|other| other["host"] == row["host"]).expect("the same hosts");
        for (column, cell) in row.as_object().expect("a row") {
            // Its pods come and go.
            if column == "pods" {
                continue;
            }
            if word(cell) == "?" {
                unknown += 1;
            } else {
                assert_eq!(cell, &same[column], "{column} of {}", row["host"]);
            }
        }
        for column in ["internalIP", "podCIDR", "ciliumPodCIDRs", "kubelet", "agent", "addresses"] {
            assert_ne!(word(&row[column]), "?", "{column} is in a sysdump");
        }
    }
    assert!(unknown > 0, "`hostname` and /etc/hosts are in no sysdump");
}
