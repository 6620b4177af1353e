//! How the agents are: what is shown is what each agent says of itself.

use crate::answers::{finding, findings, rows, word};
use crate::cluster::{Cluster, NODES};

pub(crate) fn table(cluster: &Cluster) {
    let run = cluster.lab("status -o json").run();
    let shown = rows(&run, "status");
    assert_eq!(shown.len(), NODES.len(), "{}", run.out);
    for row in &shown {
        let host = word(&row["host"]);
        let agent = cluster.agent(&host);
        let says = cluster.kubectl(&format!(
            "-n kube-system exec {agent} -c cilium-agent -- cilium-dbg status --verbose"
        ));
        assert_eq!(word(&row["ready"]["text"]), "ready", "{row}");
        assert!(says.contains(&format!("IPv4: {} allocated", word(&row["ipam"]))), "{row}\n{says}");
        let controllers = word(&row["controllers"]["text"]);
        let count = controllers.trim_end_matches(" ok");
        assert!(says.contains(&format!("{count}/{count} healthy")), "{row}\n{says}");
        assert!(says.contains(&word(&row["version"])), "{row}\n{says}");
    }
    let metrics = rows(&cluster.lab("status metrics cilium_endpoint -o json").run(), "metrics");
    assert!(metrics.iter().any(|row| word(&row["name"]) == "cilium_endpoint"), "{metrics:?}");
}

pub(crate) fn drift(cluster: &Cluster) {
    let codes = |line: &str| -> Vec<String> {
        findings(&cluster.lab(line).run()).into_iter().map(|found| found.code).collect()
    };
    let asked = "status config -o json";
    assert!(!codes(asked).contains(&"status/config-drift".to_owned()));
    let key = "bpf-lb-sock";
    let data = |value: &str| format!(r#"{{"data":{{"{key}":{value}}}}}"#);
    let patch = |data: &str| {
        let words = ["-n", "kube-system", "patch", "configmap", "cilium-config", "--type=merge"];
        words.into_iter().chain(["-p", data]).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = cluster.config(key);
    let other = if before == "true" { "\"false\"" } else { "\"true\"" };
    let was = if before.is_empty() { "null".to_owned() } else { format!("{before:?}") };
    let (words, undo) = (patch(&data(other)), patch(&data(&was)));
    let change = cluster.change_objects(&words, &undo);
    let run = cluster.lab(asked).run();
    drop(change);
    let found = finding(&run, "status/config-drift");
    assert!(format!("{found:?}").contains(key), "{found:?}");
    assert!(!codes(asked).contains(&"status/config-drift".to_owned()), "it is put back");
}
