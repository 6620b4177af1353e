//! Many more nodes than the machine could hold, of kwok's making.

use std::time::{Duration, Instant};

use crate::answers::{partial, rows, word};
use crate::cluster::{Cluster, NODES, text};

/// More than Cilium's pods take to be counted by hand, and few enough for two cores.
const NUMBER: usize = 200;

/// Takes the crowd away again.
struct Crowd<'c>(&'c Cluster);

impl Drop for Crowd<'_> {
    fn drop(&mut self) {
        let output = self.0.script("crowd", &["0"]);
        if !output.status.success() {
            crate::say(format_args!("lab: crowd 0: {}", text(&output.stderr)));
        }
        self.0.agents_ready();
    }
}

pub(crate) fn crowd(cluster: &Cluster) {
    if !cluster.has_built("kwok") {
        crate::say(format_args!("lab: no crowd: tests/lab/build --with kwok makes one"));
        return;
    }
    let _crowd = Crowd(cluster);
    let output = cluster.script("crowd", &[&NUMBER.to_string()]);
    assert!(output.status.success(), "{}", text(&output.stderr));

    let began = Instant::now();
    let run = cluster.lab("nodes addr -o json").run();
    let took = began.elapsed();
    crate::say(format_args!("lab: {NUMBER} nodes more answered in {took:.1?}"));
    assert_eq!(partial(&run), [], "{}", run.err);
    let shown = rows(&run, "addresses");
    for number in 1..=NUMBER {
        let name = format!("crowd-{number}");
        let of_host = shown.iter().filter(|row| row["host"] == name.as_str());
        let devices: Vec<_> = of_host.map(|row| word(&row["device"])).collect();
        assert!(devices.contains(&"eth1".to_owned()), "{name}: {devices:?}");
    }
    for node in NODES {
        assert!(shown.iter().any(|row| row["host"] == node), "{node} is still there");
    }
    assert!(took < Duration::from_mins(1), "32 at a time: {took:?}");
}
