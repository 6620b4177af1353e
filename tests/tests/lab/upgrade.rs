//! An upgrade in place: what was foretold is what came, and nothing else did.

use std::collections::BTreeMap;
use std::path::Path;

use lab_tests::{Run, Scratch};
use serde_json::Value;

use crate::answers::{findings, partial, rows, word};
use crate::cluster::{Cluster, NODES};
use crate::forwarding::pings;

/// What such a lab is brought up with.
pub(crate) const FROM: &str = "1.17.6";
const TO: &str = "1.18.0";

/// What changes, and what becomes of it: a setting or a definition that goes becomes nothing.
type Changes = BTreeMap<String, String>;

pub(crate) fn foretold(cluster: &Cluster) {
    // Where this did not pass at once, the lab has the other version by now. Settings go back
    // with it; definitions do not, and there is nothing to foretell of them.
    let is_first = cluster.agents_run(FROM);
    if !is_first {
        cluster.upgrade(FROM);
    }
    let folder = Scratch::new();
    let [before, after] = ["before.zip", "after.zip"].map(|name| folder.path(name));
    let pings_before = pings(cluster);
    cluster.lab("capture").arg(&before).run().exits(0);
    nothing_is_in_the_way(cluster, &before);
    values_are_what_helm_prints(cluster);
    let config = cluster.lab(&format!("upgrade-check config --to {TO} -o json")).run().exits(0);
    let settings = predicted(&config, "config", "key");
    let definitions = predicted(&config, "definitions", "name");
    assert!(settings.len() >= 10, "{settings:#?}");
    assert_eq!(definitions.len() >= 5, is_first, "{definitions:#?}");

    cluster.upgrade(TO);
    assert!(cluster.agents_run(TO), "the pods of the agents have images of {TO}");
    cluster.lab("capture").arg(&after).run().exits(0);

    let diff = moments(cluster, "upgrade-check diff", &before, &after).exits(0);
    assert_eq!(partial(&diff), [], "{}", diff.err);
    agents_changed(&diff);
    assert_eq!(came(&diff, "settings", "key", "value"), settings);
    assert_eq!(came(&diff, "definitions", "name", "versions"), definitions);
    assert_eq!(rows(&diff, "hosts"), [] as [Value; 0]);
    assert_eq!(endpoints(cluster, &after), endpoints(cluster, &before));
    nothing_was_wrong(cluster, &before, &after);
    no_rule_and_no_route_changed(cluster, &before, &after);
    assert_eq!(pings(cluster), pings_before, "who answers whom");
}

/// No check fails, what is said live is said of the capture too, and the one change of a default
/// that this cluster has is told.
fn nothing_is_in_the_way(cluster: &Cluster, before: &Path) {
    let asked = format!("upgrade-check --to {TO} -o json");
    let live = cluster.lab(&asked).run().exits(1);
    assert_eq!(partial(&live), [], "{}", live.err);
    let read = cluster.lab(&asked).arg("--from").arg(before).run().exits(1);
    assert_eq!(read.out, live.out, "live and as a capture");
    let found = findings(&live);
    assert!(found.iter().all(|finding| finding.level == "warn"), "{found:#?}");
    assert!(found.iter().any(|finding| finding.code == "upgrade-check/118-l2-neighbours"));
}

/// What the program reads out of the release is what Helm prints of it.
fn values_are_what_helm_prints(cluster: &Cluster) {
    let folder = Scratch::new();
    let printed = cluster.on("k8s-ctr", "helm get values cilium -n kube-system -o yaml");
    let file = folder.put("values.yaml", printed);
    let asked = format!("upgrade-check config --to {TO} -o json --values");
    let by_file = rows(&cluster.lab(&asked).arg(&file).run().exits(0), "values");
    let by_release = rows(&cluster.lab(&asked).arg("helm:cilium").run().exits(0), "values");
    assert!(by_file.len() >= 10, "{by_file:#?}");
    assert_eq!(by_release, by_file);
}

/// State, labels and addresses of every endpoint.
///
/// Not the numbers of identities: agents that started together may each have made one for the
/// same labels; once they start anew, they settle on one of them.
fn endpoints(cluster: &Cluster, capture: &Path) -> BTreeMap<String, [String; 3]> {
    let run = cluster.lab("upgrade-check diff -o json --from").arg(capture).run().exits(0);
    let identities = rows(&run, "identities");
    let labels = |number: &Value| {
        let row = identities.iter().find(|row| row["identity"] == *number);
        word(&row.unwrap_or_else(|| panic!("identity {number}: {identities:#?}"))["labels"])
    };
    let of = |row: &Value| [word(&row["state"]), labels(&row["identity"]), word(&row["ips"])];
    let endpoints = rows(&run, "endpoints");
    assert!(endpoints.len() >= 7, "probes, webpods and curl-pod: {endpoints:#?}");
    endpoints.iter().map(|row| (word(&row["endpoint"]), of(row))).collect()
}

/// Of the tables of `upgrade-check config` what does not stay as it is.
fn predicted(run: &Run, table: &str, key: &str) -> Changes {
    let rows = rows(run, table);
    let changed = rows.iter().filter(|row| row["now"] != row["then"]);
    changed.map(|row| (word(&row[key]), word(&row["then"]))).collect()
}

/// The same of a table of `upgrade-check diff`.
fn came(run: &Run, table: &str, key: &str, cell: &str) -> Changes {
    let became = |row: &Value| match (&*word(&row["change"]), &row[cell]) {
        ("removed", _) => String::new(),
        (_, Value::Object(sides)) => word(&sides["new"]),
        (_, same) => word(same),
    };
    rows(run, table).iter().map(|row| (word(&row[key]), became(row))).collect()
}

/// Every agent, from the one version to the other.
fn agents_changed(diff: &Run) {
    let rows = rows(diff, "agents");
    for node in NODES {
        let row = rows.iter().find(|row| row["host"] == node && row["change"] == "changed");
        let row = row.unwrap_or_else(|| panic!("{node}: {rows:#?}"));
        for (side, version) in [("old", FROM), ("new", TO)] {
            let image = word(&row["image"][side]);
            assert!(image.ends_with(&format!(":v{version}")), "{row}");
        }
    }
}

/// Beside what was predicted: where that differs between the two moments, it was false.
fn nothing_was_wrong(cluster: &Cluster, before: &Path, after: &Path) {
    let command = format!("upgrade-check diff --to {TO}");
    let run = moments(cluster, &command, before, after).exits(0);
    for (table, cell) in [("settings", "value"), ("definitions", "versions")] {
        for row in rows(&run, table) {
            let expected = if row["change"] == "removed" {
                Value::Null
            } else {
                row[cell].get("new").unwrap_or(&row[cell]).clone()
            };
            assert_eq!(row["expected"], expected, "{row}");
        }
    }
}

fn no_rule_and_no_route_changed(cluster: &Cluster, before: &Path, after: &Path) {
    for (command, table) in
        [("iptables-diff --rules", "rules"), ("routes", "routes"), ("routes --all", "routes")]
    {
        let run = moments(cluster, command, before, after);
        assert_eq!(partial(&run), [], "{command}: {}", run.err);
        assert_eq!(rows(&run, table), [] as [Value; 0], "{command}");
    }
}

/// A command on two captures.
fn moments(cluster: &Cluster, command: &str, before: &Path, after: &Path) -> Run {
    let lab = cluster.lab(command).args(["-o", "json", "--from"]).arg(after);
    lab.arg("--against").arg(before).run()
}
