//! What passes through a proxy: names that a pod asks for under a policy for DNS. The agent is the
//! proxy for those by itself; for HTTP it would need Envoy, which the lab does not have.

use std::path::Path;
use std::time::Duration;

use lab_tests::{Run, Scratch};
use serde_json::Value;

use crate::answers::word;
use crate::cluster::{Cluster, NODES, eventually};
use crate::monitor::{Relay, events, meanwhile_with};

/// Debian's package dnsmasq-base, which `tests/lab/build --packages` installs.
const SERVER: &str = "/usr/sbin/dnsmasq";

/// A pod that asks a node for names, and may ask for those of one domain.
fn objects(node: &str, server: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{name: asker, labels: {{app: asker}}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 0
  dnsPolicy: None
  dnsConfig: {{nameservers: ["{server}"]}}
  containers:
    - {{name: asker, image: "localhost/nettools:lab", command: [sleep, infinity]}}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: asker}}
spec:
  endpointSelector: {{matchLabels: {{app: asker}}}}
  egress:
    - toEntities: [all]
      toPorts:
        - ports: [{{port: "53", protocol: UDP}}]
          rules: {{dns: [{{matchPattern: "*.lab.test"}}]}}
"#
    )
}

/// What was seen of requests by the pod on its node: the text, and the verdict.
fn requests(run: &Run) -> Vec<(String, String)> {
    let is_request = |event: &&Value| {
        word(&event["source"]).contains("default/asker")
            && word(&event["reason"]).starts_with("Request")
            && word(&event["node"]) == NODES[0]
    };
    let seen = events(run);
    let told = seen.iter().filter(is_request);
    told.map(|event| (word(&event["reason"]), word(&event["verdict"]["text"]))).collect()
}

/// The answers with addresses that came back to the pod, each once.
fn as_told(run: &Run) -> Vec<String> {
    let seen = events(run);
    let told = seen.iter().filter(|event| word(&event["destination"]).contains("default/asker"));
    let mut answers: Vec<String> = told.map(|event| word(&event["reason"])).collect();
    answers.retain(|answer| answer.contains("192.0.2.7"));
    answers.sort();
    answers.dedup();
    answers
}

pub(crate) fn names(cluster: &Cluster) {
    if !Path::new(SERVER).exists() {
        crate::say(format_args!("lab: not run: {SERVER} is not installed"));
        return;
    }
    let [ctr, w1, _] = NODES;
    let _without = Without(cluster);
    // Where a direct route cannot be made, the agent does not get as far as the proxy's rules.
    let settings =
        ["l7Proxy=true", "disableEnvoyVersionCheck=true", "directRoutingSkipUnreachable=true"];
    let words = settings.iter().flat_map(|setting| ["--set", setting]);
    cluster.up_with(&["--routing", "native"].into_iter().chain(words).collect::<Vec<_>>());
    let address =
        cluster.kubectl(&format!("get node {w1} -o jsonpath={{.status.addresses[0].address}}"));
    let listen = format!("--listen-address={address}");
    let words = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
        "--user=root",
        "--pid-file",
        "--address=/lab.test/192.0.2.7",
        &listen,
    ];
    let _server = cluster.beside(w1, SERVER, &words);
    let files = Scratch::new();
    let path = files.path("asker.yaml");
    std::fs::write(&path, objects(ctr, &address)).expect("a file can be written");
    let path = path.display().to_string();
    let _objects = cluster.change_objects(&["apply", "-f", &path], &["delete", "-f", &path]);
    cluster.kubectl("wait --for=condition=Ready pod/asker --timeout=60s");
    let asks = |name: &str| {
        let line = format!("exec asker -- ping -c 1 -W 1 {name}");
        let mut command = cluster.command("kubectl");
        command.args(line.split(' ')).output().expect("kubectl runs")
    };
    eventually("the proxy answers", Duration::from_mins(1), || {
        String::from_utf8_lossy(&asks("www.lab.test").stdout).contains("192.0.2.7")
    });
    let from = cluster.pods().into_iter().find(|pod| pod.name == "asker").expect("it is ready");
    // Longer than it takes to listen, on whatever machine.
    let send = "for i in 1 2 3 4 5 6; do \
                  ping -c 1 -W 1 www.lab.test; ping -c 1 -W 1 www.other.test; sleep 1; \
                done";
    let relay = Relay::start(cluster);
    let sources = [
        ("agent", cluster.settings()),
        ("hubble", format!("{}{}", cluster.settings(), Relay::SETTINGS)),
    ];
    for (via, settings) in &sources[..=usize::from(relay.is_some())] {
        let line = format!("monitor --via {via} --type l7 --for 25s -o ndjson");
        let run = meanwhile_with(cluster, &line, settings, &from, send);
        let seen = requests(&run);
        let with = |name: &str, verdict: &str| {
            seen.iter().filter(|(text, told)| text.contains(name) && told == verdict).count()
        };
        assert!(with("www.lab.test", "forwarded") >= 3, "{via}: {seen:?}\n{}", run.err);
        assert!(with("www.other.test", "denied") >= 3, "{via}: {seen:?}\n{}", run.err);
        assert_eq!(with("www.lab.test", "denied"), 0, "{via}: {seen:?}");
        assert_eq!(with("www.other.test", "forwarded"), 0, "{via}: {seen:?}");
        assert_eq!(as_told(&run), ["Response www.lab.test. A => 192.0.2.7"], "{via}");
    }
}

/// Without the proxy again, whatever happens.
struct Without<'c>(&'c Cluster);

impl Drop for Without<'_> {
    fn drop(&mut self) {
        self.0.up("native");
    }
}
