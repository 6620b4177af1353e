//! A real recording, broken in exactly one way for each finding: that one is told, and nothing
//! else besides what the whole recording tells.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::sync::Arc;

use futures::executor::block_on;
use lab_backend::{Backend, Capture, Place, Question, Selection};
use lab_plugin_test::Run;
use lab_types::Value;
use serde_json::{Map, Value as Json, json};
use support::Written;

const CAPTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/fixtures/captures/cilium-1.18.0-native-seed.zip"
);
const KINDS: [(&str, &str); 5] = [
    ("v1", "Node"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("cilium.io/v2", "CiliumNode"),
    ("cilium.io/v2", "CiliumEndpoint"),
];
const STATUS: &str = "cilium-dbg status -o json";
const ENDPOINTS: &str = "cilium-dbg endpoint list -o json";
const ROUTES: &str = "ip -j route show table all";

/// The recording as values that a test changes.
struct Recorded {
    objects: Map<String, Json>,
    /// What agents print of their addresses, by host.
    agents: Vec<(String, Json)>,
}

fn printed(backend: &Arc<dyn Backend>, place: Place, line: &str) -> String {
    let argv = line.split(' ').map(str::to_owned).collect();
    String::from_utf8(block_on(backend.run(&Question { place, argv })).unwrap().out).unwrap()
}

impl Recorded {
    fn read(backend: &Arc<dyn Backend>) -> Self {
        let mut objects = Map::new();
        for (api_version, kind) in KINDS {
            let of = Selection {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                ..Selection::default()
            };
            let page = block_on(backend.list(&of, 0, None)).unwrap();
            assert_eq!(page.more, None);
            let items = page.items.iter().map(|text| serde_json::from_str(text).unwrap());
            objects.insert(format!("{api_version}/{kind}"), items.collect::<Vec<Json>>().into());
        }
        // A recording holds these alone of all ConfigMaps.
        let of = Selection {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("kube-system".to_owned()),
            ..Selection::default()
        };
        let maps = ["cilium-config", "kubeadm-config"].map(|name| -> Json {
            serde_json::from_str(&block_on(backend.get(&of, name)).unwrap()).unwrap()
        });
        objects.insert("v1/ConfigMap".to_owned(), maps.to_vec().into());
        let agents = ["k8s-ctr", "k8s-w0", "k8s-w1"].map(|host| {
            let place = Place::Agent { host: host.to_owned() };
            let text = printed(backend, place, STATUS);
            (host.to_owned(), serde_json::from_str(&text).unwrap())
        });
        Self { objects, agents: agents.to_vec() }
    }

    fn items(&mut self, kind: &str) -> &mut Vec<Json> {
        self.objects[kind].as_array_mut().unwrap()
    }

    /// An object by kind and name.
    fn of(&mut self, kind: &str, name: &str) -> &mut Json {
        let mut items = self.items(kind).iter_mut();
        items.find(|it| it["metadata"]["name"].as_str().unwrap().starts_with(name)).unwrap()
    }

    fn remove(&mut self, kind: &str, name: &str) {
        self.items(kind).retain(|it| !it["metadata"]["name"].as_str().unwrap().starts_with(name));
    }

    fn node(&mut self, name: &str) -> &mut Json {
        self.of("cilium.io/v2/CiliumNode", name)
    }

    fn pod(&mut self, name: &str) -> &mut Json {
        self.of("v1/Pod", name)
    }

    fn endpoint(&mut self, name: &str) -> &mut Json {
        self.of("cilium.io/v2/CiliumEndpoint", name)
    }

    fn set(&mut self, key: &str, value: &str) {
        self.of("v1/ConfigMap", "cilium-config")["data"][key] = json!(value);
    }
}

fn run(name: &str, values: &[(&str, Value)], change: impl FnOnce(&mut Recorded)) -> Run {
    let backend: Arc<dyn Backend> = Arc::new(Capture::open(CAPTURE).unwrap());
    let mut recorded = Recorded::read(&backend);
    change(&mut recorded);
    let written = Written::new(&format!("broken-{name}"), &recorded.objects);
    let node_names = ["k8s-ctr", "k8s-w0", "k8s-w1"];
    written.hosts(&node_names, &["router"]);
    for (host, status) in &recorded.agents {
        let place = Place::Agent { host: host.clone() };
        written.agent(host, &status.to_string(), &printed(&backend, place, ENDPOINTS));
    }
    let place = Place::Host { host: "router".to_owned() };
    written.routes("router", &printed(&backend, place, ROUTES));
    let run = written.run(&["ipam"], values);
    assert_eq!(run.result, Ok(()));
    run
}

/// Level and code of what is told beyond the answer which range counts.
fn told(run: &Run) -> Vec<(&str, &str, &str)> {
    let all = run.report.findings.iter();
    let beyond = all.filter(|it| it.code != "ipam/node-pod-cidr" || it.level.as_str() != "info");
    let told = beyond.map(|it| {
        let code = it.code.trim_start_matches("ipam/");
        (it.level.as_str(), code, it.subject.as_str())
    });
    told.collect()
}

fn with(
    name: &str,
    values: &[(&str, Value)],
    change: impl FnOnce(&mut Recorded),
    expected: &[(&str, &str, &str)],
) {
    let run = run(name, values, change);
    assert_eq!(told(&run), expected, "{name}: {:#?}", run.report.findings);
}

fn check(name: &str, change: impl FnOnce(&mut Recorded), expected: &[(&str, &str, &str)]) {
    with(name, &[], change, expected);
}

#[test]
fn the_whole_recording_tells_nothing() {
    check("not-at-all", |_| {}, &[]);
    with("not-at-all-deep", &[("deep", Value::Boolean(true))], |_| {}, &[]);
}

#[test]
fn nodes_are_broken_one_by_one() {
    check(
        "operator-error",
        |it| {
            it.node("k8s-w1")["status"]["ipam"]["operator-status"]["error"] =
                json!("range is full");
        },
        &[("bad", "operator-error", "k8s-w1")],
    );
    check(
        "no-range",
        |it| {
            it.node("k8s-w1")["spec"]["ipam"] = json!({});
            it.remove("v1/Pod", "webpod-77cccf8449-xk62f");
            it.remove("cilium.io/v2/CiliumEndpoint", "webpod-77cccf8449-xk62f");
        },
        &[("bad", "no-range", "k8s-w1")],
    );
    check(
        "node-without-cilium-node",
        |it| it.remove("cilium.io/v2/CiliumNode", "k8s-w1"),
        &[("bad", "node-without-cilium-node", "k8s-w1")],
    );
    check(
        "cilium-node-without-node",
        |it| it.remove("v1/Node", "k8s-w1"),
        &[("warn", "cilium-node-without-node", "k8s-w1")],
    );
    check(
        "malformed",
        |it| {
            it.node("k8s-w1")["spec"]["ipam"]["podCIDRs"] =
                json!(["172.20.1.0/24", "172.20.1.0-24"]);
        },
        &[("warn", "malformed", "CiliumNode k8s-w1")],
    );
    check(
        "kubernetes-mode",
        |it| it.set("ipam", "kubernetes"),
        &[("bad", "node-pod-cidr", "podCIDR")],
    );
    check(
        "delegated",
        |it| it.set("ipam", "delegated-plugin"),
        &[("info", "unknown-mode", "ipam")],
    );
}

#[test]
fn ranges_are_broken_one_by_one() {
    check(
        "pool-unusable",
        |it| it.set("cluster-pool-ipv4-mask-size", "8"),
        &[("bad", "pool-unusable", "172.20.0.0/16")],
    );
    check(
        "outside-pool",
        |it| it.set("cluster-pool-ipv4-cidr", "172.20.0.0/23"),
        &[("warn", "outside-pool", "k8s-w0"), ("bad", "pool-full", "cluster-pool")],
    );
    check(
        "outside-native-routing",
        |it| it.set("ipv4-native-routing-cidr", "172.20.0.0/23"),
        &[("warn", "outside-native-routing", "172.20.0.0/23")],
    );
    check(
        "overlap-nodes",
        |it| {
            it.node("k8s-w1")["spec"]["ipam"]["podCIDRs"] =
                json!(["172.20.1.0/24", "172.20.2.0/25"]);
        },
        &[("bad", "overlap-nodes", "172.20.2.0/25")],
    );
    check(
        "overlap-pools",
        |it| it.set("cluster-pool-ipv4-cidr", "172.20.0.0/16 172.20.64.0/20"),
        &[("bad", "overlap-pools", "172.20.64.0/20")],
    );
    check(
        "overlap-node-network",
        |it| it.set("cluster-pool-ipv4-cidr", "172.20.0.0/16 192.168.16.0/20"),
        // The router is in that network too, and says so.
        &[
            ("warn", "overlap-node-network", "192.168.16.0/20"),
            ("bad", "overlap-extra-route", "192.168.16.0/20"),
        ],
    );
    check(
        "overlap-services",
        |it| it.set("cluster-pool-ipv4-cidr", "172.20.0.0/16 10.96.128.0/20"),
        &[("bad", "overlap-services", "10.96.128.0/20")],
    );
    check(
        "overlap-extra-route",
        |it| it.set("cluster-pool-ipv4-cidr", "172.20.0.0/16 10.10.2.0/23"),
        &[("bad", "overlap-extra-route", "10.10.2.0/23")],
    );
    check(
        "pool-full",
        |it| it.set("cluster-pool-ipv4-cidr", "172.20.0.0/23 172.20.2.0/24"),
        &[("bad", "pool-full", "cluster-pool")],
    );
    // 3 of 254 are 1.18 percent, 2 of 254 are 0.79, 3 of 256 ranges are 1.17.
    with(
        "node-full",
        &[("warn-at", Value::Decimal(1.175))],
        |_| {},
        &[("warn", "node-full", "k8s-ctr")],
    );
}

#[test]
fn addresses_are_broken_one_by_one() {
    let web = "webpod-77cccf8449-xk62f";
    check(
        "duplicate",
        |it| {
            // The pod on k8s-ctr beside curl-pod gets its address.
            let status = &mut it.pod("webpod-77cccf8449-sl8fn")["status"];
            status["podIP"] = json!("172.20.0.197");
            status["podIPs"] = json!([{"ip": "172.20.0.197"}]);
            it.endpoint("webpod-77cccf8449-sl8fn")["status"]["networking"]["addressing"] =
                json!([{"ipv4": "172.20.0.197"}]);
        },
        &[("bad", "duplicate", "172.20.0.197")],
    );
    check(
        "endpoint-differs",
        |it| it.endpoint(web)["status"]["networking"]["addressing"] = json!([]),
        &[],
    );
    check(
        "endpoint-differs-really",
        |it| {
            it.endpoint(web)["status"]["networking"]["addressing"] =
                json!([{"ipv4": "172.20.1.37"}]);
        },
        &[("bad", "endpoint-differs", "default/webpod-77cccf8449-xk62f")],
    );
    check(
        "endpoint-node",
        |it| it.endpoint(web)["status"]["networking"]["node"] = json!("192.168.10.100"),
        &[("bad", "endpoint-node", "default/webpod-77cccf8449-xk62f")],
    );
    check(
        "pod-outside",
        |it| it.node("k8s-w1")["spec"]["ipam"]["podCIDRs"] = json!(["172.20.9.0/24"]),
        &[("bad", "pod-outside", "default/webpod-77cccf8449-xk62f")],
    );
    check(
        "no-endpoint",
        |it| it.remove("cilium.io/v2/CiliumEndpoint", web),
        &[("bad", "no-endpoint", "default/webpod-77cccf8449-xk62f")],
    );
    check(
        "no-endpoint-of-its-own",
        |it| it.pod(web)["metadata"]["uid"] = json!("another"),
        &[("bad", "no-endpoint", "default/webpod-77cccf8449-xk62f")],
    );
    check("suspect", |it| it.remove("v1/Pod", web), &[("info", "suspect", "172.20.1.36")]);
    check(
        "ended-counted",
        |it| it.pod(web)["status"]["phase"] = json!("Succeeded"),
        &[("warn", "ended-counted", "default/webpod-77cccf8449-xk62f")],
    );
    with(
        "not-allocated",
        &[("deep", Value::Boolean(true))],
        |it| {
            let (_, status) = it.agents.iter_mut().find(|(host, _)| host == "k8s-w1").unwrap();
            status["ipam"]["allocations"].as_object_mut().unwrap().remove("172.20.1.36");
        },
        &[("bad", "not-allocated", "default/webpod-77cccf8449-xk62f")],
    );
    with(
        "suspect-of-an-agent",
        &[("deep", Value::Boolean(true))],
        |it| {
            let (_, status) = it.agents.iter_mut().find(|(host, _)| host == "k8s-w1").unwrap();
            status["ipam"]["allocations"]["172.20.1.99"] = json!("default/webpod-77cccf8449-xk62f");
        },
        &[("info", "suspect", "172.20.1.99")],
    );
}
