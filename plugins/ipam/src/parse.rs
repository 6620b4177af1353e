//! Objects into the small records that are kept of them.
//!
//! Pure and apart from the questions. A record is a fraction of its object, so the object is
//! dropped as soon as its record is made.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use lab_model::kubernetes::flags::flag;
use lab_model::kubernetes::or_default;
use lab_model::kubernetes::parse_time;
use lab_model::kubernetes::settings::parse_settings;
use lab_model::{AddressFamily, Prefix};
use serde::Deserialize;

use crate::inputs::{Endpoint, Kubernetes, Phase, Pod, Service, Stated};
use crate::space::canonical;

/// Texts that many records share, each kept once.
#[derive(Debug, Default)]
pub struct Words(BTreeSet<Rc<str>>);

impl Words {
    /// The shared text.
    pub fn keep(&mut self, text: &str) -> Rc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let word: Rc<str> = Rc::from(text);
        self.0.insert(word.clone());
        word
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(canonical)
}

/// Annotations that name a pool, the first that is there counts.
const POOL_ANNOTATIONS: [&str; 3] =
    ["ipam.cilium.io/ip-pool", "ipam.cilium.io/ipv4-pool", "ipam.cilium.io/ipv6-pool"];

/// A pod as the API has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodObject {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
    #[serde(deserialize_with = "or_default")]
    status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    namespace: String,
    uid: String,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<OwnerReference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OwnerReference {
    kind: String,
    uid: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: String,
    host_network: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs", deserialize_with = "or_default")]
    pod_ips: Vec<PodIp>,
    start_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodIp {
    ip: String,
}

impl PodObject {
    /// What is kept of it.
    pub fn record(self, words: &mut Words) -> Pod {
        let Self { metadata, spec, status } = self;
        let first = status.pod_ip.iter().filter(|_| status.pod_ips.is_empty());
        let ips = first.chain(status.pod_ips.iter().map(|it| &it.ip));
        let pool = POOL_ANNOTATIONS.iter().find_map(|name| metadata.annotations.get(*name));
        let since = status.start_time.as_deref().or(metadata.creation_timestamp.as_deref());
        Pod {
            namespace: words.keep(&metadata.namespace),
            name: metadata.name.into(),
            uid: metadata.uid.into(),
            node: words.keep(&spec.node_name),
            ips: ips.filter_map(|text| address(text)).collect(),
            host_network: spec.host_network,
            phase: match status.phase.as_str() {
                "Running" => Phase::Running,
                "Succeeded" | "Failed" => Phase::Ended,
                _ => Phase::Other,
            },
            is_leaving: metadata.deletion_timestamp.is_some(),
            since: since.and_then(parse_time),
            pool: pool.map(|name| name.as_str().into()),
        }
    }
}

/// A `CiliumEndpoint` as the API has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointObject {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    status: EndpointStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EndpointStatus {
    #[serde(deserialize_with = "or_default")]
    networking: Networking,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Networking {
    #[serde(deserialize_with = "or_default")]
    addressing: Vec<Addressing>,
    node: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Addressing {
    ipv4: Option<String>,
    ipv6: Option<String>,
}

impl EndpointObject {
    /// What is kept of it.
    pub fn record(self, words: &mut Words) -> Endpoint {
        let networking = self.status.networking;
        let texts = networking.addressing.iter().flat_map(|it| it.ipv4.iter().chain(&it.ipv6));
        let owner = self.metadata.owner_references.into_iter().find(|it| it.kind == "Pod");
        Endpoint {
            namespace: words.keep(&self.metadata.namespace),
            name: self.metadata.name.into(),
            pod_uid: owner.map(|owner| owner.uid.into()),
            ips: texts.filter_map(|text| address(text)).collect(),
            node: networking.node.as_deref().and_then(address),
            since: self.metadata.creation_timestamp.as_deref().and_then(parse_time),
        }
    }
}

/// A namespace, for the pool that its pods get addresses from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NamespaceObject {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
}

impl NamespaceObject {
    /// Its name and the pool it asks for.
    pub fn pool(self) -> Option<(String, String)> {
        let annotations = &self.metadata.annotations;
        let pool = POOL_ANNOTATIONS.iter().find_map(|name| annotations.get(*name))?.clone();
        Some((self.metadata.name, pool))
    }
}

/// A Service with all its addresses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServiceObject {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: ServiceSpec,
    #[serde(deserialize_with = "or_default")]
    status: ServiceStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServiceSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs", deserialize_with = "or_default")]
    cluster_ips: Vec<String>,
    #[serde(rename = "externalIPs", deserialize_with = "or_default")]
    external_ips: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceStatus {
    #[serde(deserialize_with = "or_default")]
    load_balancer: LoadBalancer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    #[serde(deserialize_with = "or_default")]
    ingress: Vec<PodIp>,
}

impl ServiceObject {
    /// What is kept of it.
    pub fn record(self) -> Service {
        let Self { metadata, spec, status } = self;
        let first = spec.cluster_ip.iter().filter(|_| spec.cluster_ips.is_empty());
        let cluster = first.chain(&spec.cluster_ips).map(|text| (text, "ClusterIP"));
        let external = spec.external_ips.iter().map(|text| (text, "external"));
        let balanced = status.load_balancer.ingress.iter().map(|it| (&it.ip, "LoadBalancer"));
        let all = cluster.chain(external).chain(balanced);
        Service {
            path: format!("{}/{}", metadata.namespace, metadata.name),
            ips: all.filter_map(|(text, what)| Some((address(text)?, what))).collect(),
        }
    }
}

/// A pod of the control plane, for the flags it runs with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComponentObject {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: ComponentSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ComponentSpec {
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    #[serde(deserialize_with = "or_default")]
    command: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    args: Vec<String>,
}

/// Every range in a list of them, with where it is written.
pub fn ranges(text: &str, place: &str, line: &str) -> Vec<Stated> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let read = words.filter_map(Prefix::parse);
    read.map(|prefix| Stated { prefix, place: place.to_owned(), line: line.to_owned() }).collect()
}

impl ComponentObject {
    /// Adds what its flags say of ranges.
    pub fn add_to(self, kubernetes: &mut Kubernetes, services: &mut Vec<Stated>) {
        let first = self.spec.containers.into_iter().next().unwrap_or_default();
        let words: Vec<String> = first.command.into_iter().chain(first.args).collect();
        let place = format!("Pod {}/{}", self.metadata.namespace, self.metadata.name);
        let stated = |name: &str| {
            let value = flag(&words, name)?;
            Some(ranges(value, &place, &format!("--{name}={value}")))
        };
        services.extend(stated("service-cluster-ip-range").unwrap_or_default());
        if kubernetes.cluster_cidrs.is_empty() {
            kubernetes.cluster_cidrs = stated("cluster-cidr").unwrap_or_default();
        }
        let number = |name: &str| flag(&words, name).and_then(|value| value.parse::<u8>().ok());
        let v4 = number("node-cidr-mask-size-ipv4").or_else(|| number("node-cidr-mask-size"));
        kubernetes.mask4 = kubernetes.mask4.or(v4);
        kubernetes.mask6 = kubernetes.mask6.or_else(|| number("node-cidr-mask-size-ipv6"));
    }
}

/// Adds what kubeadm was told about ranges, where no flag says it.
pub fn add_kubeadm(text: &str, kubernetes: &mut Kubernetes, services: &mut Vec<Stated>) {
    let (settings, _) = parse_settings(text);
    for setting in settings {
        let line = format!("{}: {}", setting.key, setting.value);
        let stated = ranges(&setting.value, "ConfigMap kube-system/kubeadm-config", &line);
        match setting.key.as_str() {
            "networking.podSubnet" if kubernetes.cluster_cidrs.is_empty() => {
                kubernetes.cluster_cidrs = stated;
            }
            "networking.serviceSubnet" => services.extend(stated),
            _ => {}
        }
    }
}

/// Keeps one statement of each range, the first.
pub fn distinct(stated: &mut Vec<Stated>) {
    let mut seen = BTreeSet::new();
    stated.retain(|it| seen.insert(it.prefix));
}

/// `IPv4` or `IPv6`.
pub const fn family_word(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::V4 => "IPv4",
        AddressFamily::V6 => "IPv6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pod(text: &str) -> Pod {
        serde_json::from_str::<PodObject>(text).unwrap().record(&mut Words::default())
    }

    #[test]
    fn a_pod_is_its_identity_and_its_addresses() {
        let pod = pod(r#"{"metadata":{"name":"a","namespace":"n","uid":"u-1","annotations":{
                "ipam.cilium.io/ip-pool":"blue"},"deletionTimestamp":"2026-11-23T03:06:59Z"},
                "spec":{"nodeName":"k8s-w1"},"status":{"phase":"Running","podIP":"10.0.0.1",
                "podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"},{"ip":"::ffff:10.0.0.9"},{"ip":"x"}],
                "startTime":"1970-01-01T00:00:01Z"}}"#);
        assert_eq!((pod.path().as_str(), &*pod.uid, &*pod.node), ("n/a", "u-1", "k8s-w1"));
        let ips: Vec<String> = pod.ips.iter().map(ToString::to_string).collect();
        assert_eq!(ips, ["10.0.0.1", "fd00::1", "10.0.0.9"]);
        assert_eq!((pod.phase, pod.is_leaving, pod.since), (Phase::Running, true, Some(1000)));
        assert_eq!(pod.pool.as_deref(), Some("blue"));
        assert!(pod.counts());
    }

    #[test]
    fn objects_without_a_status_are_read() {
        for text in [
            "{}",
            r#"{"metadata":null,"spec":null,"status":null}"#,
            r#"{"status":{"podIPs":null}}"#,
        ] {
            assert_eq!(pod(text), Pod::default(), "{text}");
            let object: EndpointObject = serde_json::from_str(text).unwrap();
            assert_eq!(object.record(&mut Words::default()), Endpoint::default());
        }
        assert!(!pod(r#"{"status":{"phase":"Succeeded"}}"#).counts());
    }

    #[test]
    fn an_endpoint_knows_the_pod_it_was_made_for() {
        let text = r#"{"metadata":{"name":"a","namespace":"n","ownerReferences":[
            {"kind":"ReplicaSet","uid":"r"},{"kind":"Pod","uid":"u-1"}]},"status":{
            "networking":{"addressing":[{"ipv4":"10.0.0.1","ipv6":"fd00::1"}],"node":"192.168.1.1"}}}"#;
        let object: EndpointObject = serde_json::from_str(text).unwrap();
        let endpoint = object.record(&mut Words::default());
        assert_eq!(endpoint.pod_uid.as_deref(), Some("u-1"));
        assert_eq!((endpoint.ips.len(), endpoint.node), (2, "192.168.1.1".parse().ok()));
    }

    #[test]
    fn ranges_come_from_flags_and_else_from_kubeadm() {
        let object: ComponentObject = serde_json::from_str(
            r#"{"metadata":{"namespace":"kube-system","name":"kcm"},"spec":{"containers":[{"command":[
                "kube-controller-manager","--cluster-cidr=10.244.0.0/16,fd01::/48",
                "--service-cluster-ip-range=10.96.0.0/16","--node-cidr-mask-size-ipv4=25"]}]}}"#,
        )
        .unwrap();
        let (mut kubernetes, mut services) = (Kubernetes::default(), Vec::new());
        object.add_to(&mut kubernetes, &mut services);
        add_kubeadm(
            "networking:\n  podSubnet: 10.9.0.0/16\n  serviceSubnet: 10.96.0.0/16\n",
            &mut kubernetes,
            &mut services,
        );
        distinct(&mut services);
        assert_eq!((kubernetes.cluster_cidrs.len(), kubernetes.mask4), (2, Some(25)));
        assert_eq!(services.len(), 1);
        assert_eq!(services[0].line, "--service-cluster-ip-range=10.96.0.0/16");
        assert_eq!(services[0].place, "Pod kube-system/kcm");
        let (mut kubernetes, mut services) = (Kubernetes::default(), Vec::new());
        add_kubeadm("networking:\n  podSubnet: 10.9.0.0/16\n", &mut kubernetes, &mut services);
        assert_eq!(kubernetes.cluster_cidrs[0].line, "networking.podSubnet: 10.9.0.0/16");
    }

    #[test]
    fn a_service_has_addresses_of_several_kinds() {
        let object: ServiceObject = serde_json::from_str(
            r#"{"metadata":{"name":"s","namespace":"n"},"spec":{"clusterIP":"10.96.0.1",
                "clusterIPs":["10.96.0.1","None"],"externalIPs":["203.0.113.1"]},
                "status":{"loadBalancer":{"ingress":[{"ip":"192.168.10.211"},{"hostname":"x"}]}}}"#,
        )
        .unwrap();
        let kinds: Vec<&str> = object.record().ips.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(kinds, ["ClusterIP", "external", "LoadBalancer"]);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[\\[\\]{}:,\"a-zA-Z0/. ]{0,60}") {
            let _ = serde_json::from_str::<PodObject>(&text).map(|it| it.record(&mut Words::default()));
            let _ = ranges(&text, "p", "l");
            add_kubeadm(&text, &mut Kubernetes::default(), &mut Vec::new());
        }
    }
}
