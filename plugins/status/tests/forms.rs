//! What agents print as JSON and as text is the same, in every recording that has both.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::sync::Arc;

use futures::executor::block_on;
use lab_backend::{Backend, Capture, Place, Question};
use status::parse::metrics::{Value, joined, merge};
use status::parse::{agent_status, metrics, modules};
use support::{CAPTURES, NODES};

const ALL: [&str; 3] = ["cilium-1.17.6-native", "cilium-1.18.0-native", "cilium-1.18.0-tunnel"];

fn printed(capture: &str, host: &str, line: &str) -> Option<String> {
    let backend: Arc<dyn Backend> =
        Arc::new(Capture::open(format!("{CAPTURES}/{capture}.zip")).unwrap());
    let place = Place::Agent { host: host.to_owned() };
    let argv = line.split(' ').map(str::to_owned).collect();
    let outcome = block_on(backend.run(&Question { place, argv })).ok()?;
    Some(String::from_utf8(outcome.out).unwrap())
}

#[test]
fn both_forms_of_a_status_are_one_record() {
    for capture in ALL {
        for host in NODES {
            let of = |line: &str| agent_status::parse(&printed(capture, host, line).unwrap());
            let (exact, problems) = of("cilium-dbg status -o json");
            assert_eq!(problems, []);
            let (mut text, problems) = of("cilium-dbg status --verbose");
            assert_eq!(problems, []);
            // Of another moment, and words that the text has in another order.
            text.hubble.clone_from(&exact.hubble);
            text.attach_mode = text.attach_mode.map(|mode| mode.to_ascii_lowercase());
            let names = |status: &agent_status::AgentStatus| {
                let all = status.controllers.iter().flatten();
                let mut names: Vec<String> = all.map(|it| it.name.clone()).collect();
                names.sort();
                names
            };
            assert_eq!(names(&text), names(&exact), "{capture} {host}");
            text.controllers.clone_from(&exact.controllers);
            assert_eq!(text, exact, "{capture} {host}");
        }
    }
}

#[test]
fn both_forms_of_metrics_have_the_same_numbers() {
    for capture in ALL {
        for host in NODES {
            let of = |line: &str| metrics::parse(&printed(capture, host, line).unwrap());
            let (exact, problems) = of("cilium-dbg metrics list -o json");
            assert_eq!(problems, []);
            let (text, problems) = of("cilium-dbg metrics list");
            assert_eq!(problems, []);
            let mut n_histograms = 0;
            for (one, merged) in exact.iter().zip(merge(exact.clone(), text.clone())) {
                // The document has the 90th percentile of a histogram.
                let Value::Quantiles(_, p90, _) = merged.value else { continue };
                n_histograms += 1;
                let number = one.number().unwrap();
                // Both looks are a moment apart.
                let is_near = (number - p90).abs() <= number.abs() * 0.5 + 1e-9;
                assert!(
                    is_near || number == 0.0,
                    "{} {}: {number} {p90}",
                    one.name,
                    joined(&one.labels)
                );
            }
            assert!(n_histograms > 20, "{capture} {host}: {n_histograms}");
        }
    }
}

#[test]
fn a_table_and_a_dump_of_modules_agree() {
    let capture = "cilium-1.18.0-native";
    for host in NODES {
        let of = |line: &str| modules::parse(&printed(capture, host, line).unwrap());
        let (table, problems) = of("cilium-dbg shell -- db/show health");
        assert_eq!(problems, []);
        let (dump, problems) = of("cilium-dbg statedb dump");
        assert_eq!(problems, []);
        // Degraded parts come and go between two looks; none is lost by either form.
        let sum = |it: &modules::Modules| it.ok + it.stopped + it.n_degraded;
        assert!(sum(&table).abs_diff(sum(&dump)) <= 3, "{host}: {table:?} {dump:?}");
        assert_eq!(table.n_degraded, table.degraded.len());
        assert_eq!(dump.n_degraded, dump.degraded.len());
    }
}
