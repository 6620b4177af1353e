//! How the agents are: what is shown is what each agent says of itself.

use crate::answers::{finding, findings, rows, word};
use std::time::Duration;

use crate::cluster::{Cluster, NODES, eventually};

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

/// Settings that exclude each other: the agent ends as soon as it starts, and says why.
const TRAPS: [(&str, &str); 2] = [
    ("without masquerading in BPF", r#"{"data":{"enable-bpf-masquerade":"false"}}"#),
    ("in a tunnel", r#"{"data":{"routing-mode":"tunnel","auto-direct-node-routes":"false"}}"#),
];

/// An agent that starts anew now and, with the settings of then, at the end.
struct Restarted<'c>(&'c Cluster, &'static str);

impl Restarted<'_> {
    fn again(&self) {
        let agent = self.0.agent(self.1);
        self.0.kubectl(&format!("-n kube-system delete {agent} --grace-period=1"));
    }
}

impl Drop for Restarted<'_> {
    fn drop(&mut self) {
        self.again();
        self.0.agents_ready();
    }
}

pub(crate) fn crash_loop(cluster: &Cluster) {
    let [_, node, _] = NODES;
    let patch = |data: &str| {
        let words = ["-n", "kube-system", "patch", "configmap", "cilium-config", "--type=merge"];
        words.into_iter().chain(["-p", data]).map(str::to_owned).collect::<Vec<_>>()
    };
    let was = [("enable-bpf-masquerade", "true"), ("routing-mode", "native")];
    for (key, value) in was {
        assert_eq!(cluster.config(key), value);
    }
    let undo = r#"{"data":{"enable-bpf-masquerade":"true","routing-mode":"native","auto-direct-node-routes":"true"}}"#;
    for (what, data) in TRAPS {
        let agent = Restarted(cluster, node);
        let change = cluster.change_objects(&patch(data), &patch(undo));
        agent.again();
        let state = "jsonpath={.status.containerStatuses[*].state.waiting.reason}";
        let crashes = || {
            let agent = cluster.agent(node);
            let words = format!("-n kube-system get {agent} --ignore-not-found -o {state}");
            !agent.is_empty() && cluster.kubectl(&words).contains("CrashLoopBackOff")
        };
        eventually("the agent is in a crash loop", Duration::from_secs(150), crashes);
        let run = cluster.lab("status -o json").run();
        drop(change);
        drop(agent);
        let found = finding(&run, "status/crash-loop");
        assert_eq!(found.subject, node, "{what}: {found:?}");
        let is_fatal = |(_, line): &(String, String)| {
            line.contains("fatal") && line.contains("install-no-conntrack-iptables-rules")
        };
        assert!(found.evidence.iter().any(is_fatal), "{what}: {found:?}");
        assert!(found.fixes.iter().any(|fix| fix.contains("helm upgrade")), "{what}: {found:?}");
    }
    let found = findings(&cluster.lab("status -o json").run());
    assert!(!found.iter().any(|found| found.code == "status/crash-loop"), "{found:?}");
}
