//! The cluster-wide facts, each beside every place that states it.
//!
//! A fact with two sources that disagree is the point of the table, so every source has a row
//! of its own. What follows from a contradiction is judged elsewhere.

use lab_model::Prefix;
use lab_model::cilium::IpamMode;
use lab_model::kubernetes::ServiceCidr;
use lab_model::kubernetes::flags::flag;
use lab_model::kubernetes::settings::{Setting, parse_settings};
use lab_plugin::Fact;

use super::Cluster;
use super::inputs::{ClusterInputs, Inputs, List};
use crate::parse::objects::{ComponentPod, DaemonSet, EndpointSlice, endpoint};

/// One fact as one place states it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// Which fact, in kebab-case.
    pub fact: &'static str,
    /// Where it is written.
    pub source: String,
    /// What is written there.
    pub value: Fact<String>,
    /// How it stands to the other places.
    pub verdict: Option<Agreement>,
}

/// How a statement stands to others about the same fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The others say the same.
    Agrees,
    /// Others say something else.
    Differs,
    /// Pods get their addresses from it.
    Used,
    /// It is stated, and no pod gets an address from it.
    Unused,
    /// It was not read.
    Unknown,
}

impl Stated {
    /// The ranges in its value, sorted.
    pub fn ranges(&self) -> Vec<Prefix> {
        let text = self.value.known().map(String::as_str).unwrap_or_default();
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let mut ranges: Vec<Prefix> = words.filter_map(Prefix::parse).collect();
        ranges.sort_unstable();
        ranges
    }
}

/// The settings of a document in a `ConfigMap`.
#[derive(Clone, Debug)]
pub struct Document {
    /// The `ConfigMap`.
    pub object: &'static str,
    /// Its settings.
    pub settings: Fact<Vec<Setting>>,
}

impl Document {
    fn value(&self, key: &str) -> Fact<String> {
        self.settings.and_then(|settings| {
            let setting = settings.iter().find(|setting| setting.key == key)?;
            Some(setting.value.clone()).filter(|value| !value.is_empty())
        })
    }

    /// The items of a sequence, joined.
    fn values(&self, key: &str) -> Fact<String> {
        self.settings.and_then(|settings| {
            let items = settings.iter().filter(|setting| {
                let index = setting.key.strip_prefix(key);
                index.is_some_and(|index| index.starts_with('[') && index.ends_with(']'))
            });
            let items: Vec<&str> = items.map(|item| item.value.as_str()).collect();
            (!items.is_empty()).then(|| items.join(", "))
        })
    }
}

/// `kubeadm-config` and `kubelet-config` as settings.
pub fn documents(inputs: &ClusterInputs) -> [Document; 2] {
    let read = |object, data: &Fact<std::collections::BTreeMap<String, String>>, key: &str| {
        let settings = data.and_then(|data| Some(parse_settings(data.get(key)?).0));
        Document { object, settings }
    };
    [
        read("kubeadm-config", &inputs.kubeadm, "ClusterConfiguration"),
        read("kubelet-config", &inputs.kubelet, "kubelet"),
    ]
}

/// Every fact with every place that states it.
pub fn facts(inputs: &Inputs, cluster: &Cluster, documents: &[Document; 2]) -> Vec<Stated> {
    let [kubeadm, kubelet] = documents;
    let all = &inputs.cluster;
    let mut facts = Vec::new();
    api(inputs, kubeadm, &mut facts);
    cluster_cidrs(inputs, cluster, kubeadm, &mut facts);
    service_cidrs(all, kubeadm, &mut facts);
    let config = |key: &str| inputs.config.and_then(|config| config.get(key).cloned());
    push(&mut facts, "ipam-mode", "cilium-config ipam", config("ipam"));
    let mask = config("cluster-pool-ipv4-mask-size").map(|mask| format!("/{mask}"));
    push(&mut facts, "pod-cidr-size", "cilium-config cluster-pool-ipv4-mask-size", mask);
    let native = config("ipv4-native-routing-cidr");
    push(&mut facts, "native-routing-cidr", "cilium-config ipv4-native-routing-cidr", native);
    let dns = all.dns_service.and_then(|service| {
        let ips: Vec<String> = service.cluster_ips().map(|ip| ip.to_string()).collect();
        (!ips.is_empty()).then(|| ips.join(", "))
    });
    let from = facts.len();
    push(&mut facts, "dns-address", "kubelet-config clusterDNS", kubelet.values("clusterDNS"));
    push(&mut facts, "dns-address", "Service kube-system/kube-dns", dns);
    agree(&mut facts[from..]);
    let from = facts.len();
    let domain = kubeadm.value("networking.dnsDomain");
    push(&mut facts, "dns-domain", "kubeadm-config networking.dnsDomain", domain);
    push(&mut facts, "dns-domain", "kubelet-config clusterDomain", kubelet.value("clusterDomain"));
    agree(&mut facts[from..]);
    let from = facts.len();
    let server = cluster.server.map(|version| version.text.clone());
    push(&mut facts, "kubernetes-version", "API server", server);
    let version = kubeadm.value("kubernetesVersion");
    push(&mut facts, "kubernetes-version", "kubeadm-config kubernetesVersion", version);
    agree(&mut facts[from..]);
    let version = inputs.daemon_set.and_then(DaemonSet::version);
    push(&mut facts, "cilium-version", "DaemonSet kube-system/cilium", version);
    facts
}

/// What is absent has no row: the place exists and says nothing.
fn push(
    facts: &mut Vec<Stated>,
    fact: &'static str,
    source: impl Into<String>,
    value: Fact<String>,
) {
    let verdict = matches!(value, Fact::Unknown(_)).then_some(Agreement::Unknown);
    if value != Fact::Absent {
        facts.push(Stated { fact, source: source.into(), value, verdict });
    }
}

fn api(inputs: &Inputs, kubeadm: &Document, facts: &mut Vec<Stated>) {
    let all = &inputs.cluster;
    let from = facts.len();
    let endpoints = all.endpoints.and_then(|list| {
        let mut all: Vec<String> = list.items.iter().flat_map(EndpointSlice::endpoints).collect();
        all.sort();
        (!all.is_empty()).then(|| all.join(", "))
    });
    let known = endpoints.known().cloned();
    push(facts, "api-endpoint", "EndpointSlice default/kubernetes", endpoints);
    let advertised = |words: &[String]| {
        let port = flag(words, "secure-port").unwrap_or("6443");
        Some(endpoint(flag(words, "advertise-address")?, port))
    };
    flags(all, "kube-apiserver", "advertise-address", "api-endpoint", advertised, facts);
    let control_plane = kubeadm.value("controlPlaneEndpoint");
    push(facts, "api-endpoint", "kubeadm-config controlPlaneEndpoint", control_plane);
    let agents = inputs.daemon_set.and_then(DaemonSet::api_endpoint);
    push(facts, "api-endpoint", "DaemonSet kube-system/cilium KUBERNETES_SERVICE_HOST", agents);
    // Another address may be a load balancer's, which is no contradiction.
    for stated in &mut facts[from..] {
        let same = stated.value.known().is_some_and(|value| {
            known.as_deref().is_some_and(|known| known.split(", ").any(|it| it == value))
        });
        if same && stated.source != "EndpointSlice default/kubernetes" {
            stated.verdict = Some(Agreement::Agrees);
        }
    }
    let service = all.api_service.and_then(|service| {
        let ips: Vec<String> = service.cluster_ips().map(|ip| ip.to_string()).collect();
        (!ips.is_empty()).then(|| ips.join(", "))
    });
    push(facts, "api-service", "Service default/kubernetes", service);
}

fn cluster_cidrs(inputs: &Inputs, cluster: &Cluster, kubeadm: &Document, facts: &mut Vec<Stated>) {
    const FACT: &str = "cluster-cidr";
    let from = facts.len();
    let subnet = kubeadm.value("networking.podSubnet");
    push(facts, FACT, "kubeadm-config networking.podSubnet", subnet);
    let read = |words: &[String]| flag(words, "cluster-cidr").map(str::to_owned);
    flags(&inputs.cluster, "kube-controller-manager", "cluster-cidr", FACT, read, facts);
    agree(&mut facts[from..]);
    // The node's podCIDRs are cut from these; who uses them depends on Cilium.
    let used = match &cluster.ipam {
        Fact::Known(IpamMode::Kubernetes) => Some(Agreement::Used),
        Fact::Known(IpamMode::ClusterPool | IpamMode::MultiPool) => Some(Agreement::Unused),
        _ => None,
    };
    for stated in &mut facts[from..] {
        if matches!(stated.verdict, None | Some(Agreement::Agrees)) {
            stated.verdict = used.or(stated.verdict);
        }
    }
    match &cluster.ipam {
        Fact::Unknown(why) => {
            push(facts, FACT, "cilium-config cluster-pool-ipv4-cidr", Fact::Unknown(why.clone()));
        }
        Fact::Known(IpamMode::MultiPool) if inputs.pools.known().is_none() => {
            let why = "the pools cannot be read".to_owned();
            push(facts, FACT, "CiliumPodIPPool", Fact::Unknown(why));
        }
        _ => {}
    }
    let mut places: Vec<&str> = cluster.pools.iter().map(|(_, place)| place.as_str()).collect();
    places.dedup();
    for place in places {
        let ranges = cluster.pools.iter().filter(|(_, known)| known == place);
        let ranges: Vec<String> = ranges.map(|(range, _)| range.to_string()).collect();
        push(facts, FACT, place, Fact::Known(ranges.join(", ")));
        if let Some(stated) = facts.last_mut() {
            stated.verdict = Some(Agreement::Used);
        }
    }
}

fn service_cidrs(inputs: &ClusterInputs, kubeadm: &Document, facts: &mut Vec<Stated>) {
    const FACT: &str = "service-cidr";
    const FLAG: &str = "service-cluster-ip-range";
    let from = facts.len();
    let subnet = kubeadm.value("networking.serviceSubnet");
    push(facts, FACT, "kubeadm-config networking.serviceSubnet", subnet);
    let read = |words: &[String]| flag(words, FLAG).map(str::to_owned);
    flags(inputs, "kube-apiserver", FLAG, FACT, read, facts);
    flags(inputs, "kube-controller-manager", FLAG, FACT, read, facts);
    agree(&mut facts[from..]);
    let stated: Vec<Prefix> = facts[from..].iter().flat_map(Stated::ranges).collect();
    match &inputs.service_cidrs {
        Fact::Known(list) => {
            let of_objects: Vec<&Prefix> = list.items.iter().flat_map(ServiceCidr::cidrs).collect();
            for object in &list.items {
                let ranges: Vec<String> = object.cidrs().iter().map(ToString::to_string).collect();
                let source = format!("ServiceCIDR {}", object.metadata.name);
                push(facts, FACT, source, Fact::Known(ranges.join(", ")));
                let is_whole = list.lost.is_none() && !stated.is_empty();
                // Further objects extend the range; together they must hold what flags say.
                let agrees = stated.iter().all(|range| of_objects.contains(&range));
                if let Some(stated) = facts.last_mut().filter(|_| is_whole) {
                    let agreement = if agrees { Agreement::Agrees } else { Agreement::Differs };
                    stated.verdict = Some(agreement);
                }
            }
        }
        Fact::Unknown(why) => push(facts, FACT, "ServiceCIDR", Fact::Unknown(why.clone())),
        Fact::Absent => {}
    }
}

/// A flag of every pod of a component; a cluster whose control plane is hidden has none.
fn flags(
    inputs: &ClusterInputs,
    component: &str,
    name: &str,
    fact: &'static str,
    read: impl Fn(&[String]) -> Option<String>,
    facts: &mut Vec<Stated>,
) {
    let of_component = |pod: &&ComponentPod| {
        pod.metadata.labels.get("component").is_some_and(|label| label == component)
    };
    for pod in List::items_of(&inputs.components).iter().filter(of_component) {
        let Some(value) = read(&pod.words()) else { continue };
        push(facts, fact, format!("{} --{name}", pod.metadata.name), Fact::Known(value));
    }
    if let Fact::Unknown(why) = &inputs.components {
        push(facts, fact, format!("{component} --{name}"), Fact::Unknown(why.clone()));
    }
}

/// Compares statements with each other: what more than half of them say is agreed on.
fn agree(facts: &mut [Stated]) {
    let normal = |stated: &Stated| {
        let ranges = stated.ranges();
        let words: Vec<String> = match stated.value.known() {
            Some(value) if ranges.is_empty() => vec![value.clone()],
            Some(_) => ranges.iter().map(ToString::to_string).collect(),
            None => Vec::new(),
        };
        words.join(",")
    };
    let known: Vec<String> =
        facts.iter().filter(|it| it.value.known().is_some()).map(normal).collect();
    if known.len() < 2 {
        return;
    }
    let agreed = known
        .iter()
        .find(|value| known.iter().filter(|other| other == value).count() * 2 > known.len());
    for stated in facts.iter_mut().filter(|stated| stated.value.known().is_some()) {
        let same = agreed == Some(&normal(stated));
        stated.verdict = Some(if same { Agreement::Agrees } else { Agreement::Differs });
    }
}
