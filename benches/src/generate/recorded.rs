//! A large cluster after the likeness of a recorded one: what etcd holds of it.
//!
//! Apart from the generated capture because an API server is asked here, and what it takes to
//! read an object depends on everything that stands in it. So every object is one of the
//! recording of a real cluster with Cilium 1.17.6, whole, with names, addresses and identities
//! of its own and with `managedFields`. Nodes are those of [`super::Node`].

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::net::Ipv4Addr;

use serde_json::{Value, json};
use zip::ZipArchive;

use super::fields::{self, Writer};
use super::{Node, POOL, chance};

const RECORDING: &[u8] = include_bytes!("../../../tests/fixtures/upgrade/before.zip");

/// Most pods of a node: so many addresses of its range are theirs.
pub const MOST_PODS: u32 = 60;
/// The recording's node that every node is like.
const LIKE: &str = "k8s-w1";
/// Where in a node's range the addresses of pods begin; its router is below.
const FIRST_POD: u32 = 120;
/// Where in it the relay's is.
const RELAY: u32 = 9;

/// How large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Nodes, each with a `CiliumNode` and an agent.
    pub nodes: u32,
    /// Pods of each node; the first of every node is in the first namespace, and so on.
    pub pods: u32,
    /// `CiliumNetworkPolicy` objects, in all namespaces in turn.
    pub policies: u32,
}

/// The namespace of the pods with this number on their nodes.
pub fn namespace(number: u32) -> String {
    format!("shop-{number:02}")
}

/// The name of a node's pod, which it has in every namespace.
pub fn pod_name(node: u32) -> String {
    format!("webpod-77cccf8449-{node:05}")
}

/// The name of a node's agent.
pub fn agent_name(node: u32) -> String {
    format!("cilium-{node:05}")
}

/// The name of a node.
pub fn node_name(node: u32) -> String {
    Node { number: node }.name()
}

/// Calls `put` with the key and the text of every object.
///
/// - Errors: more pods than a node has room for, or those of `put`.
pub fn objects(
    shape: Shape,
    mut put: impl FnMut(String, String) -> Result<(), String>,
) -> Result<(), String> {
    if shape.pods > MOST_PODS || !(3..=super::MOST_NODES).contains(&shape.nodes) {
        return Err(format!(
            "{} nodes with {} pods each: from 3 to {} with at most {MOST_PODS} can be made",
            shape.nodes,
            shape.pods,
            super::MOST_NODES
        ));
    }
    let recording = Recording::read()?;
    let put = &mut put;
    of_cluster(&recording, shape, put)?;
    of_namespaces(&recording, shape, put)?;
    of_nodes(&recording, shape, put)?;
    of_pods(&recording, shape, put)
}

type Put<'a> = &'a mut dyn FnMut(String, String) -> Result<(), String>;

/// The recording's objects by the file they stand in.
struct Recording(BTreeMap<String, Vec<Value>>);

impl Recording {
    fn read() -> Result<Self, String> {
        let mut archive =
            ZipArchive::new(Cursor::new(RECORDING)).map_err(|error| error.to_string())?;
        let mut all = BTreeMap::new();
        for at in 0..archive.len() {
            let mut file = archive.by_index(at).map_err(|error| error.to_string())?;
            let Ok(name) = file.name().map(std::borrow::Cow::into_owned) else { continue };
            let Some(kind) = name.strip_prefix("objects/") else { continue };
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(|error| error.to_string())?;
            let mut list: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            let Value::Array(items) = list["items"].take() else { continue };
            all.insert(kind.to_owned(), items);
        }
        Ok(Self(all))
    }

    fn all(&self, kind: &str) -> &[Value] {
        self.0.get(&format!("{kind}.json")).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first that is so.
    fn one(&self, kind: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let found = self.all(kind).iter().find(|object| is_so(object));
        let mut object = found.cloned().ok_or(format!("the recording has no such {kind}"))?;
        // The store counts versions itself.
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        Ok(object)
    }
}

fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// One text with others in place of those that it has.
fn filled(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in pairs.iter().filter(|(from, _)| !from.is_empty()) {
        text = text.replace(from, to);
    }
    text
}

/// An identity as Kubernetes writes them; the same numbers give the same one.
fn uid(node: Node, device: u32) -> String {
    let (high, low) = (node.chance(u64::from(device)), node.chance(u64::from(device) + 0x55_5555));
    chance::uid(high, low)
}

/// What there is once: the settings, what keeps the agents running, and the control plane.
fn of_cluster(recording: &Recording, shape: Shape, put: Put<'_>) -> Result<(), String> {
    let [first, second, third] = [0, 1, 2].map(|number| Node { number });
    let names = [first, second, third].map(Node::name);
    let addresses = [first, second, third].map(|node| node.address().to_string());
    let relay = recording.one("v1/Pod", |pod| name(pod).starts_with("hubble-relay"))?;
    let relay_ip = Ipv4Addr::from_bits(third.base().to_bits() + RELAY).to_string();
    let pool = format!("{}/9", Ipv4Addr::from_bits(POOL));
    let pairs = [
        ("k8s-ctr", names[0].as_str()),
        ("k8s-w1", &names[1]),
        ("k8s-w0", &names[2]),
        ("192.168.10.100", &addresses[0]),
        ("192.168.10.101", &addresses[1]),
        ("192.168.20.100", &addresses[2]),
        (text(&relay, "/status/podIP"), &relay_ip),
        ("172.20.0.0/16", &pool),
    ];
    for (kind, folder) in [
        ("v1/ConfigMap", "configmaps"),
        ("v1/Service", "services/specs"),
        ("v1/Pod", "pods"),
        ("apps/v1/DaemonSet", "daemonsets"),
        ("apps/v1/Deployment", "deployments"),
        ("cilium.io/v2/CiliumEndpoint", "cilium.io/ciliumendpoints"),
    ] {
        let is_agent = |object: &Value| {
            kind == "v1/Pod" && object.pointer("/metadata/labels/k8s-app") == Some(&json!("cilium"))
        };
        let own = |object: &&Value| text(object, "/metadata/namespace") == "kube-system";
        for object in recording.all(kind).iter().filter(own).filter(|object| !is_agent(object)) {
            let mut object = recording.one(kind, |other| name(other) == name(object))?;
            if kind == "apps/v1/DaemonSet"
                && let Some(status) = object["status"].as_object_mut()
            {
                // It counts the nodes.
                let is_count = |value: &&mut Value| **value == 3;
                status.values_mut().filter(is_count).for_each(|value| *value = shape.nodes.into());
            }
            let key = format!("{folder}/kube-system/{}", name(&object));
            put(filled(&key, &pairs), filled(&object.to_string(), &pairs))?;
        }
    }
    let identity = recording.one("cilium.io/v2/CiliumIdentity", |identity| {
        text(identity, "/metadata/labels/k8s-app") == "hubble-relay"
    })?;
    put(format!("cilium.io/ciliumidentities/{}", name(&identity)), identity.to_string())
}

/// What is in every namespace: its Service, its identity and its policies.
fn of_namespaces(recording: &Recording, shape: Shape, put: Put<'_>) -> Result<(), String> {
    let service = recording.one("v1/Service", |service| name(service) == "webpod")?;
    let (cluster_ip, service_uid) =
        (text(&service, "/spec/clusterIP"), text(&service, "/metadata/uid"));
    let identity = recording.one("cilium.io/v2/CiliumIdentity", |identity| {
        text(identity, "/metadata/labels/app") == "webpod"
    })?;
    let identity_uid = text(&identity, "/metadata/uid");
    for number in 0..shape.pods {
        let namespace = namespace(number);
        let uid = |device| uid(Node { number }, device);
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": namespace, "uid": uid(4), "creationTimestamp": "2026-11-23T02:15:14Z",
                "labels": {"kubernetes.io/metadata.name": namespace},
            },
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        });
        put(format!("namespaces/{namespace}"), object.to_string())?;
        let ip = format!("10.96.{}.10", 64 + number);
        let at = format!("\"namespace\":\"{namespace}\"");
        let pairs =
            [(cluster_ip, ip.as_str()), (service_uid, &uid(5)), ("\"namespace\":\"default\"", &at)];
        let key = format!("services/specs/{namespace}/webpod");
        put(key, filled(&service.to_string(), &pairs))?;
        let id = identity_of(number).to_string();
        let [label, of] = labels(&namespace);
        let pairs = [
            (name(&identity), id.as_str()),
            (identity_uid, &uid(6)),
            (label.0, &label.1),
            (of.0, &of.1),
        ];
        let key = format!("cilium.io/ciliumidentities/{id}");
        put(key, filled(&identity.to_string(), &pairs))?;
    }
    for number in 0..shape.policies {
        let namespace = namespace(number % shape.pods.max(1));
        let name = format!("allow-web-{number:03}");
        put(
            format!("cilium.io/ciliumnetworkpolicies/{namespace}/{name}"),
            policy(&namespace, &name, &uid(Node { number }, 7)),
        )?;
    }
    Ok(())
}

/// The two places where an identity's labels name the namespace, as text of an object and in
/// the form of the namespace that is wanted.
fn labels(namespace: &str) -> [(&'static str, String); 2] {
    [
        ("pod.namespace\":\"default\"", format!("pod.namespace\":\"{namespace}\"")),
        ("metadata.name\":\"default\"", format!("metadata.name\":\"{namespace}\"")),
    ]
}

fn identity_of(number: u32) -> u32 {
    10_000 + 37 * number
}

fn policy(namespace: &str, name: &str, uid: &str) -> String {
    let mut object = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid, "generation": 1,
            "creationTimestamp": "2026-11-23T02:31:43Z",
        },
        "spec": {
            "endpointSelector": {"matchLabels": {"app": "webpod"}},
            "ingress": [{
                "fromEndpoints": [{"matchLabels": {"app": "curl", "k8s:io.kubernetes.pod.namespace": namespace}}],
                "toPorts": [{
                    "ports": [{"port": "80", "protocol": "TCP"}],
                    "rules": {"http": [{"method": "GET", "path": "/"}]},
                }],
            }],
            "egress": [
                {"toEntities": ["kube-apiserver"]},
                {"toCIDRSet": [{"cidr": "10.10.0.0/16", "except": ["10.10.1.0/24"]}],
                 "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]},
            ],
        },
        "status": {"conditions": [{
            "lastTransitionTime": "2026-11-23T02:31:43Z", "message": "Policy validation succeeded",
            "status": "True", "type": "Valid",
        }]},
    });
    let writer = |name, parts, subresource| Writer { name, parts, subresource };
    fields::add(
        &mut object,
        &[
            writer("kubectl-client-side-apply", &["metadata", "spec"], None),
            writer("cilium-operator-generic", &["status"], Some("status")),
        ],
    );
    object.to_string()
}

/// What every node has: itself, its `CiliumNode` and its agent.
fn of_nodes(recording: &Recording, shape: Shape, put: Put<'_>) -> Result<(), String> {
    let writer = |name, parts, subresource| Writer { name, parts, subresource };
    let is_like = |object: &Value| name(object) == LIKE;
    let mut node = recording.one("v1/Node", is_like)?;
    if let Some(spec) = node["spec"].as_object_mut() {
        // Of the other range, which nobody here uses.
        spec.remove("podCIDR");
        spec.remove("podCIDRs");
    }
    fields::add(
        &mut node,
        &[writer("kubelet", &["metadata"], None), writer("kubelet", &["status"], Some("status"))],
    );
    let mut cilium_node = recording.one("cilium.io/v2/CiliumNode", is_like)?;
    fields::add(
        &mut cilium_node,
        &[
            writer("cilium-agent", &["metadata", "spec"], None),
            writer("cilium-operator-generic", &["status"], Some("status")),
        ],
    );
    let mut agent = recording.one("v1/Pod", |pod| {
        text(pod, "/spec/nodeName") == LIKE && name(pod).starts_with("cilium-")
    })?;
    fields::add(&mut agent, &OF_POD);
    let router = cilium_node["spec"]["addresses"].as_array().into_iter().flatten();
    let router = router.map(|address| text(address, "/ip")).next_back().unwrap_or_default();
    let range = text(&cilium_node, "/spec/ipam/podCIDRs/0");
    let address = text(&node, "/status/addresses/0/address");
    let texts = [&node, &cilium_node, &agent].map(Value::to_string);
    for number in 0..shape.nodes {
        let of = Node { number };
        let (name_of, at, own) = (of.name(), of.address().to_string(), of.router().to_string());
        let (agent_of, pod_cidr) = (agent_name(number), of.pod_cidr());
        let ids = [1, 2, 3].map(|device| uid(of, device));
        let pairs = [
            (name(&agent), agent_of.as_str()),
            (LIKE, &name_of),
            (address, &at),
            (router, &own),
            (range, &pod_cidr),
            (text(&node, "/metadata/uid"), &ids[0]),
            (text(&cilium_node, "/metadata/uid"), &ids[1]),
            (text(&agent, "/metadata/uid"), &ids[2]),
        ];
        let keys = [
            // What nodes were called when the layout was chosen.
            format!("minions/{name_of}"),
            format!("cilium.io/ciliumnodes/{name_of}"),
            format!("pods/kube-system/{agent_of}"),
        ];
        for (key, text) in keys.into_iter().zip(&texts) {
            put(key, filled(text, &pairs))?;
        }
    }
    Ok(())
}

/// Who writes a pod.
const OF_POD: [Writer; 2] = [
    Writer { name: "kube-controller-manager", parts: &["metadata", "spec"], subresource: None },
    Writer { name: "kubelet", parts: &["status"], subresource: Some("status") },
];

/// Pods and their `CiliumEndpoint` objects.
fn of_pods(recording: &Recording, shape: Shape, put: Put<'_>) -> Result<(), String> {
    let mut pod = recording.one("v1/Pod", |pod| name(pod).starts_with("webpod-"))?;
    fields::add(&mut pod, &OF_POD);
    let mut endpoint =
        recording.one("cilium.io/v2/CiliumEndpoint", |other| name(other) == name(&pod))?;
    let writer = Writer { name: "cilium-agent", parts: &["metadata", "status"], subresource: None };
    fields::add(&mut endpoint, &[writer]);
    let container = text(&pod, "/status/containerStatuses/0/containerID");
    let container = container.rsplit('/').next().unwrap_or_default();
    let sandbox = text(&endpoint, "/status/external-identifiers/container-id");
    let identity = format!("\"id\":{}", endpoint["status"]["identity"]["id"]);
    let number_of = format!("\"id\":{}", endpoint["status"]["id"]);
    let texts = [&pod, &endpoint].map(Value::to_string);
    for k in 0..shape.pods {
        let namespace = namespace(k);
        let at = format!("\"namespace\":\"{namespace}\"");
        let in_sandbox = format!("\"k8s-namespace\":\"{namespace}\"");
        let label = format!("pod.namespace={namespace}");
        let of_label = format!("metadata.name={namespace}");
        let own_identity = format!("\"id\":{}", identity_of(k));
        for number in 0..shape.nodes {
            let node = Node { number };
            let (name_of, host, address) =
                (pod_name(number), node.name(), node.address().to_string());
            let ip = Ipv4Addr::from_bits(node.base().to_bits() + FIRST_POD + k).to_string();
            let (pod_uid, endpoint_uid) = (uid(node, 64 + k), uid(node, 128 + k));
            let hash = |device: u32| {
                let part = |add: u64| node.chance(u64::from(device) + (add << 20));
                format!("{:016x}{:016x}{:016x}{:016x}", part(1), part(2), part(3), part(4))
            };
            let (container_of, sandbox_of) = (hash(64 + k), hash(128 + k));
            let full = format!("{namespace}/{name_of}");
            let full_before = format!("default/{}", name(&pod));
            let own_number = format!("\"id\":{}", 1000 + node.chance(u64::from(k)) % 60_000);
            let pairs = [
                (full_before.as_str(), full.as_str()),
                (name(&pod), &name_of),
                (text(&pod, "/spec/nodeName"), &host),
                (text(&pod, "/status/hostIP"), &address),
                (text(&pod, "/status/podIP"), &ip),
                (text(&pod, "/metadata/uid"), &pod_uid),
                (text(&endpoint, "/metadata/uid"), &endpoint_uid),
                (container, &container_of),
                (sandbox, &sandbox_of),
                ("\"namespace\":\"default\"", &at),
                ("\"k8s-namespace\":\"default\"", &in_sandbox),
                ("pod.namespace=default", &label),
                ("metadata.name=default", &of_label),
                (&identity, &own_identity),
                (&number_of, &own_number),
            ];
            let keys = [
                format!("pods/{namespace}/{name_of}"),
                format!("cilium.io/ciliumendpoints/{namespace}/{name_of}"),
            ];
            for (key, text) in keys.into_iter().zip(&texts) {
                put(key, filled(text, &pairs))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(shape: Shape) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        objects(shape, |key, text| {
            let object: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            assert!(all.insert(key, object).is_none(), "a key comes twice");
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn objects_agree_with_each_other() {
        let all = all(Shape { nodes: 5, pods: 2, policies: 4 });
        let pods = all.keys().filter(|key| key.starts_with("pods/shop-")).count();
        assert_eq!(pods, 10);
        let pod = &all["pods/shop-01/webpod-77cccf8449-00003"];
        let endpoint = &all["cilium.io/ciliumendpoints/shop-01/webpod-77cccf8449-00003"];
        assert_eq!(pod["status"]["podIP"], "10.128.3.121");
        assert_eq!(
            endpoint["status"]["networking"]["addressing"][0]["ipv4"],
            pod["status"]["podIP"]
        );
        assert_eq!(endpoint["metadata"]["ownerReferences"][0]["uid"], pod["metadata"]["uid"]);
        assert_eq!(endpoint["status"]["networking"]["node"], pod["status"]["hostIP"]);
        let node = &all["minions/node-00003"];
        assert_eq!(node["status"]["addresses"][0]["address"], pod["status"]["hostIP"]);
        let cilium = &all["cilium.io/ciliumnodes/node-00003"];
        assert_eq!(cilium["spec"]["ipam"]["podCIDRs"][0], "10.128.3.0/24");
        assert_eq!(cilium["metadata"]["ownerReferences"][0]["uid"], node["metadata"]["uid"]);
        let identity = endpoint["status"]["identity"]["id"].to_string();
        let identity = &all[&format!("cilium.io/ciliumidentities/{identity}")];
        assert_eq!(identity["security-labels"]["k8s:io.kubernetes.pod.namespace"], "shop-01");
        assert_eq!(all["daemonsets/kube-system/cilium"]["status"]["numberReady"], 5);
    }

    #[test]
    fn nothing_of_the_recording_shows() {
        for (key, object) in all(Shape { nodes: 4, pods: 1, policies: 1 }) {
            let text = object.to_string();
            for word in ["k8s-w1", "172.20.", "\"namespace\":\"default\""] {
                assert!(!text.contains(word), "{key}: {word}: {text}");
            }
            assert!(object["metadata"].get("resourceVersion").is_none(), "{key}");
        }
    }

    #[test]
    fn too_much_is_refused() {
        for (nodes, pods) in [(2, 1), (3, MOST_PODS + 1)] {
            assert!(objects(Shape { nodes, pods, policies: 0 }, |_, _| Ok(())).is_err());
        }
    }
}
