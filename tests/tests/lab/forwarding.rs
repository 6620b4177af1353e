//! Predictions against packets: whatever `routes trace` says is delivered there and back answers a
//! ping, and nothing else does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lab_tests::Run;

use crate::answers::{rows, word};
use crate::cluster::{Cluster, NODES, ROUTER, ROUTER_ADDRESSES};

/// Traces of a capture that run at once. Live it is one after the other: containerd 1.6 stands
/// still for half a minute when some forty commands start in one container.
const AT_ONCE: usize = 4;

/// Who sends: its name for `routes trace`, and how to run a command there.
struct Source {
    name: String,
    pod: Option<String>,
}

/// From and to, by the names that `routes trace` takes.
type Pair = (String, String);

/// Every pair of pods, nodes and the router, each predicted by asking the hosts.
pub(crate) fn live(cluster: &Cluster) {
    compare(cluster, None);
}

/// The same with predictions from a capture that was made in this state of the cluster.
pub(crate) fn captured(cluster: &Cluster) {
    let folder = lab_tests::Scratch::new();
    let capture = folder.path("now.zip");
    cluster.lab("capture").arg(&capture).run().exits(0);
    compare(cluster, Some(&capture));
}

fn compare(cluster: &Cluster, capture: Option<&Path>) {
    let pings = pings(cluster);
    assert!(pings.len() > 60, "only {} pings", pings.len());
    assert!(pings.values().any(|came_back| *came_back), "nothing answers at all");
    let pairs: Vec<&Pair> = pings.keys().collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..if capture.is_some() { AT_ONCE } else { 1 } {
            scope.spawn(|| {
                while let Some(pair) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let run = trace(cluster, pair, capture);
                    if delivered(&run) != pings[*pair] {
                        let ways = rows(&run, "ways");
                        wrong.lock().expect("no panic inside").push(format!(
                            "{pair:?}: the ping {}, and trace says {ways:?}",
                            if pings[*pair] { "comes back" } else { "is lost" },
                        ));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic inside");
    assert!(wrong.is_empty(), "{} of {} differ: {wrong:#?}", wrong.len(), pings.len());
}

fn trace(cluster: &Cluster, (from, to): &Pair, capture: Option<&Path>) -> Run {
    let mut lab = cluster.lab(&format!("routes trace {from} {to} -o json"));
    if let Some(capture) = capture {
        lab = lab.arg("--from").arg(capture);
    }
    let run = lab.run();
    assert!(matches!(run.code, Some(0 | 1)), "{from} to {to}: {}", run.err);
    run
}

fn delivered(run: &Run) -> bool {
    let ways = rows(run, "ways");
    let all = ways.iter().all(|way| word(&way["disposition"]) == "delivered");
    all && ["there", "back"].iter().all(|way| ways.iter().any(|row| row["way"] == *way))
}

/// What really happens, all sources at once.
pub(crate) fn pings(cluster: &Cluster) -> BTreeMap<Pair, bool> {
    let pods = cluster.pods();
    let named = |pod: &crate::cluster::Pod| format!("default/{}", pod.name);
    let addresses = ["192.168.10.100", "192.168.10.101", "192.168.20.100"];
    let mut targets: Vec<(String, String)> =
        pods.iter().map(|pod| (named(pod), pod.ip.clone())).collect();
    targets.extend(NODES.into_iter().zip(addresses).map(|(a, b)| (a.to_owned(), b.to_owned())));
    targets.extend(ROUTER_ADDRESSES.map(|address| (address.to_owned(), address.to_owned())));
    let probes = pods.iter().filter(|pod| pod.app == "probe");
    let mut sources: Vec<Source> =
        probes.map(|pod| Source { name: named(pod), pod: Some(pod.name.clone()) }).collect();
    let hosts = NODES.into_iter().chain([ROUTER]);
    sources.extend(hosts.map(|host| Source { name: host.to_owned(), pod: None }));

    let to: Vec<&str> = targets.iter().map(|(_, address)| address.as_str()).collect();
    let line = format!(
        "for to in {}; do (ping -n -q -c 2 -i 0.3 -W 2 $to >/dev/null 2>&1 && echo $to) & done; wait",
        to.join(" ")
    );
    let mut came_back = BTreeMap::new();
    std::thread::scope(|scope| {
        let asked: Vec<_> = sources
            .iter()
            .map(|source| {
                let line = &line;
                scope.spawn(move || match &source.pod {
                    Some(pod) => cluster.kubectl_words(&["exec", pod, "--", "sh", "-c", line]),
                    None => cluster.on(&source.name, line),
                })
            })
            .collect();
        for (source, answer) in sources.iter().zip(asked) {
            let answered = answer.join().expect("the host answers");
            let answered: Vec<&str> = answered.lines().collect();
            for (name, address) in &targets {
                let back = answered.contains(&address.as_str());
                came_back.insert((source.name.clone(), name.clone()), back);
            }
        }
    });
    // Nobody asks for the way to oneself.
    came_back.retain(|(from, to), _| {
        from != to && !(from == ROUTER && ROUTER_ADDRESSES.contains(&to.as_str()))
    });
    came_back
}
