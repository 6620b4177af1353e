//! How long two thousand rules take on a thousand nodes, beside the limit of 50 ms:
//! `cargo run --release -p upgrade-check --example two_thousand_rules`.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lab_plugin::Fact;
use upgrade_check::check;
use upgrade_check::facts::{Facts, NodeFact, Seen};
use upgrade_check::marks::Mark;
use upgrade_check::rule::built_in;
use upgrade_check::version::Version;

const RULES: usize = 2000;
const LIMIT: Duration = Duration::from_millis(50);
const RUNS: usize = 21;

fn facts() -> Facts {
    let mut facts = Facts::new(Version::release(1, 14, 19), Version::release(1, 20, 2));
    facts.kubernetes = Fact::Known(Version::release(1, 33, 2));
    let config = (0..160).map(|number| (format!("some-key-{number}"), "true".to_owned()));
    facts.config = Fact::Known(config.collect());
    facts.args = Fact::Known(BTreeMap::new());
    facts.env = Fact::Known(BTreeMap::new());
    let values = (0..200).map(|number| (format!("some.value{number}"), "true".to_owned()));
    facts.values = Fact::Known(values.collect());
    let nodes = (0..1000).map(|number| {
        NodeFact::new(format!("node-{number}"), "6.8.0-53-generic", "Ubuntu 24.04.2 LTS")
    });
    facts.nodes = Fact::Known(nodes.collect());
    facts.crds = Fact::Known(BTreeMap::new());
    facts.metrics = Fact::Known(BTreeMap::new());
    let policies: Vec<Seen> =
        (0..500).map(|number| Seen::new(format!("CiliumNetworkPolicy n/p{number}"), "")).collect();
    facts.marks = Mark::ALL.iter().map(|mark| (*mark, Fact::Known(Vec::new()))).collect();
    facts.marks.insert(Mark::AnyPolicy, Fact::Known(policies));
    facts
}

fn main() {
    let start = Instant::now();
    let (read, errors) = built_in();
    let reading = start.elapsed();
    assert!(errors.is_empty(), "{errors:?}");
    let rules: Vec<_> = read.iter().cycle().take(RULES).cloned().collect();
    let facts = facts();
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
    println!(
        "{RULES} rules on 1000 nodes judged in {median:?}: {:.3} of the limit of {LIMIT:?}",
        median.as_secs_f64() / LIMIT.as_secs_f64()
    );
}
