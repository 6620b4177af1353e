//! How long facts of 1000 nodes and 500 policies take, and two thousand rules on them beside the
//! limit of 50 ms:
//! `cargo run --release -p upgrade-check --example two_thousand_rules`.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lab_plugin::Fact;
use serde_json::json;
use upgrade_check::build::build;
use upgrade_check::check;
use upgrade_check::inputs::Inputs;
use upgrade_check::rule::built_in;
use upgrade_check::version::Version;

const RULES: usize = 2000;
const LIMIT: Duration = Duration::from_millis(50);
const RUNS: usize = 21;

/// A cluster as it comes from the API server, with what is not known of it none.
fn inputs() -> Inputs {
    let config = (0..160).map(|number| (format!("some-key-{number}"), "true".to_owned()));
    let nodes = (0..1000).map(|number| {
        serde_json::from_value(json!({"metadata": {"name": format!("node-{number}")},
            "status": {"nodeInfo": {"kernelVersion": "6.8.0-53-generic"},
                "conditions": [{"type": "Ready", "status": "True"}]}}))
        .expect("a node")
    });
    let agents = (0..1000).map(|number| {
        let name = json!({"name": format!("cilium-{number}"), "namespace": "kube-system"});
        serde_json::from_value(
            json!({"metadata": name, "spec": {"nodeName": format!("node-{number}"),
            "containers": [{"name": "cilium-agent", "image": "quay.io/cilium/cilium:v1.14.19"}]}}),
        )
        .expect("a pod")
    });
    let policies = (0..500).map(|number| {
        let name = json!({"name": format!("policy-{number}"), "namespace": "default"});
        serde_json::from_value(json!({"metadata": name, "spec": {
            "endpointSelector": {"matchLabels": {"app": format!("a{number}")}},
            "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "b"}}],
                "toPorts": [{"ports": [{"port": "80"}], "rules": {"http": [{"path": "/"}]}}]}],
            "egress": [{"toFQDNs": [{"matchPattern": "*.example.org"}]}]}}))
        .expect("a policy")
    });
    let values = (0..200).map(|number| (format!("some.value{number}"), "true".to_owned()));
    Inputs {
        kubernetes: Fact::Known(Version::release(1, 33, 2)),
        config: Fact::Known(config.collect()),
        daemon_sets: Fact::Known(Vec::new()),
        deployments: Fact::Known(Vec::new()),
        agents: Fact::Known(agents.collect()),
        pods: Fact::Known(Vec::new()),
        nodes: Fact::Known(nodes.collect()),
        crds: Fact::Known(BTreeMap::new()),
        objects: BTreeMap::from([
            ("CiliumNetworkPolicy", Fact::Known(policies.collect())),
            ("CiliumClusterwideNetworkPolicy", Fact::Absent),
        ]),
        alerts: Fact::Absent,
        values: Fact::Known(values.collect()),
        ..Inputs::default()
    }
}

fn main() {
    let start = Instant::now();
    let (read, errors) = built_in();
    let reading = start.elapsed();
    assert!(errors.is_empty(), "{errors:?}");
    let rules: Vec<_> = read.iter().cycle().take(RULES).cloned().collect();
    let inputs = inputs();
    let start = Instant::now();
    let facts = build(&inputs, Version::release(1, 14, 19), Version::release(1, 20, 2));
    let building = start.elapsed();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let outcomes = check::all(&rules, &facts);
            let taken = start.elapsed();
            assert_eq!(outcomes.len(), RULES);
            taken
        })
        .collect();
    times.sort_unstable();
    let median = times[RUNS / 2];
    println!("{} rules read in {reading:?}", read.len());
    println!("facts of 1000 nodes and 500 policies made in {building:?}");
    println!(
        "{RULES} rules on 1000 nodes judged in {median:?}: {:.3} of the limit of {LIMIT:?}",
        median.as_secs_f64() / LIMIT.as_secs_f64()
    );
}
