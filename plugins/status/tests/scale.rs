//! Many nodes at once: equal nodes are told once, and nothing grows with the square of their number.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::time::{Duration, Instant};

use lab_plugin_test::Run;
use serde_json::json;
use support::{METRICS, MODULES, Recorded, SETTINGS, STATUS};

const NODES: usize = 300;

/// A cluster of equal nodes, all made after one that was recorded.
fn large() -> Recorded {
    let mut recorded = Recorded::read("cilium-1.18.0-native");
    let answers = [STATUS, METRICS, MODULES, SETTINGS].map(|question| {
        let (_, text) = &recorded.printed[&("k8s-w1".to_owned(), question.to_owned())];
        (question, text.clone())
    });
    let agent = recorded.agent("k8s-w1").clone();
    let node = recorded.of("v1/Node", "k8s-w1").clone();
    recorded.printed.clear();
    recorded.hosts = (0..NODES).map(|number| format!("n{number:04}")).collect();
    let names = recorded.hosts.clone();
    *recorded.items("v1/Pod") = names
        .iter()
        .map(|name| {
            let mut pod = agent.clone();
            pod["metadata"]["name"] = json!(format!("cilium-{name}"));
            pod["spec"]["nodeName"] = json!(name);
            pod
        })
        .collect();
    *recorded.items("v1/Node") = names
        .iter()
        .map(|name| {
            let mut node = node.clone();
            node["metadata"]["name"] = json!(name);
            node
        })
        .collect();
    for name in &names {
        for (question, text) in &answers {
            recorded.print(name, question, 0, text);
        }
    }
    recorded
}

fn timed(recorded: &Recorded, name: &str, path: &[&str]) -> (Run, Duration) {
    let folder = recorded.write(name);
    let start = Instant::now();
    let run = lab_plugin_test::Lab::open(folder).run::<status::Status>(path, &[]);
    assert_eq!(run.result, Ok(()));
    (run, start.elapsed())
}

#[test]
fn many_equal_nodes_are_told_once() {
    let mut recorded = large();
    recorded.set("monitor-aggregation", "none");
    let (run, time) = timed(&recorded, "scale-status", &["status"]);
    assert_eq!(run.report.tables[0].rows().len(), NODES);
    assert_eq!(support::told(&run), [("warn", "config-drift", "monitor-aggregation")]);
    // Generous: the machine may be busy, and this is no optimised build.
    assert!(time < Duration::from_mins(1), "{time:?}");
    let (run, time) = timed(&recorded, "scale-config", &["status", "config"]);
    let rows = run.report.tables[0].rows().len();
    assert!((140..160).contains(&rows), "{rows}");
    assert!(time < Duration::from_mins(1), "{time:?}");
    let (run, time) = timed(&recorded, "scale-metrics", &["status", "metrics"]);
    assert!(run.report.tables[0].rows().len() < 400);
    assert!(time < Duration::from_mins(1), "{time:?}");
}
