//! Asks: objects of the cluster, routes of hosts beside it, and the agents if that is wanted.
//!
//! The only stage that waits. Of each object only the paths that are read are carried, and it
//! becomes a small record the moment it comes. A failed answer stays a value.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lab_model::cilium::{
    AgentEndpoint, AgentIpam, IpamNode, PodIpPool, parse_agent_endpoints, parse_agent_ipam,
};
use lab_model::iproute2::{Route, RouteType, read_routes};
use lab_model::kubernetes::{ConfigMap, Node, ServiceCidr};
use lab_model::{AddressFamily, Problem};
use lab_plugin::hosts::{self, Kind};
use lab_plugin::{Batch, Fact, Failure, Outcome, Place, Selection, inbox, log, partial};
use serde::de::DeserializeOwned;

use crate::inputs::{Agent, ExtraRoute, Inputs, Stated};
use crate::parse::{
    self, ComponentObject, EndpointObject, NamespaceObject, PodObject, ServiceObject, Words,
};

// Waiting is asking: the stages after this one do not name the inbox.
pub use lab_plugin::inbox::{pause, repeat};

const ROUTES: &str = "host: ip -j route show table all";
const ROUTES6: &str = "host: ip -j -6 route show table all";
const STATUS: &str = "agent: cilium-dbg status -o json";
const ENDPOINTS: &str = "agent: cilium-dbg endpoint list -o json";

/// Commands with the reason for each, as the card declares them.
pub const COMMANDS: [(&str, &str); 4] = [
    (
        "host: ip -j route show table all | ip route show table all | ip route",
        "routes of hosts beside the cluster are compared with the ranges of pods",
    ),
    ("host: ip -j -6 route show table all | ip -6 route show table all", "the same for IPv6"),
    (STATUS, "with --deep, the addresses that each agent has handed out"),
    (ENDPOINTS, "with --deep, the endpoints that each agent has"),
];

/// Kinds of objects with the reason for each, as the card declares them.
pub const KINDS: [(&str, &str); 9] = [
    ("v1/Node", "podCIDRs, addresses and how many pods each node takes"),
    ("v1/Pod", "the address, node and state of every pod; ranges in the control plane's flags"),
    ("v1/Namespace", "the pool that a namespace's pods get addresses from (multi-pool IPAM only)"),
    ("v1/Service", "whether an address is that of a Service (`ipam who` only)"),
    ("v1/ConfigMap", "cilium-config and kubeadm-config"),
    ("networking.k8s.io/v1/ServiceCIDR", "the ranges of ClusterIPs"),
    ("cilium.io/v2/CiliumNode", "the ranges and addresses that each node holds"),
    ("cilium.io/v2/CiliumEndpoint", "the address that Cilium has for every pod"),
    ("cilium.io/v2alpha1/CiliumPodIPPool", "the pools of multi-pool IPAM"),
];

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Ranges and addresses.
    Addresses,
    /// Also Services.
    Who,
    /// Ranges alone.
    Plan,
}

/// Asks what a command needs and hands over what came.
pub fn collect(scope: Scope, is_deep: bool) -> Inputs {
    let mut inputs = Inputs { config: config_map("cilium-config"), ..Inputs::default() };
    inputs.nodes = nodes();
    inputs.cilium_nodes = cilium_nodes();
    let mode = inputs.config.known().and_then(|config| config.get("ipam")).map(String::as_str);
    let is_multi_pool = mode == Some("multi-pool");
    if is_multi_pool {
        inputs.pools = list::<PodIpPool, _>(
            Selection::new("cilium.io/v2alpha1", "CiliumPodIPPool").keep("spec"),
            Some,
        );
    }
    let mut words = Words::default();
    if scope != Scope::Plan {
        let is_endpoint_crd_off = inputs.config.known().is_some_and(|config| {
            config.get("disable-endpoint-crd").is_some_and(|value| value == "true")
        });
        inputs.pods = pods(is_multi_pool, &mut words);
        inputs.endpoints = if is_endpoint_crd_off { Fact::Absent } else { endpoints(&mut words) };
        if is_multi_pool {
            let of = Selection::new("v1", "Namespace").keep("metadata.annotations");
            let pools = list::<NamespaceObject, _>(of, NamespaceObject::pool);
            inputs.namespaces = pools.known().into_iter().flatten().cloned().collect();
        }
    }
    // Behind all pods, of which it asks for a few: a list is searched best once it is known.
    ranges(&mut inputs);
    if scope == Scope::Who {
        let of = Selection::new("v1", "Service")
            .keep("spec.clusterIP")
            .keep("spec.clusterIPs")
            .keep("spec.externalIPs")
            .keep("status.loadBalancer");
        inputs.services = list::<ServiceObject, _>(of, |service| Some(service.record()));
    }
    hosts(&mut inputs, is_deep);
    inputs.now = inbox::now();
    inputs
}

fn nodes() -> Fact<Vec<Node>> {
    let of = Selection::new("v1", "Node")
        .keep("spec.podCIDR")
        .keep("spec.podCIDRs")
        .keep("status.addresses")
        .keep("status.allocatable.pods");
    list::<Node, _>(of, Some)
}

fn cilium_nodes() -> Fact<Vec<IpamNode>> {
    let spec = ["addresses", "ipam", "health", "ingress"].map(|name| format!("spec.{name}"));
    let status = ["ipam", "eni.enis", "azure.interfaces", "alibaba-cloud.enis"];
    let mut of = Selection::new("cilium.io/v2", "CiliumNode").keep("metadata.creationTimestamp");
    of.keep.extend(spec);
    of.keep.extend(status.map(|name| format!("status.{name}")));
    list::<IpamNode, _>(of, Some)
}

fn pods(with_annotations: bool, words: &mut Words) -> Fact<Vec<crate::inputs::Pod>> {
    let mut of = Selection::new("v1", "Pod");
    of.keep = [
        "metadata.uid",
        "metadata.creationTimestamp",
        "metadata.deletionTimestamp",
        "spec.nodeName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.startTime",
    ]
    .map(str::to_owned)
    .to_vec();
    if with_annotations {
        for name in ["ip-pool", "ipv4-pool", "ipv6-pool"] {
            of.keep.push(format!("metadata.annotations.ipam\\.cilium\\.io/{name}"));
        }
    }
    list::<PodObject, _>(of, |pod| Some(pod.record(words)))
}

fn endpoints(words: &mut Words) -> Fact<Vec<crate::inputs::Endpoint>> {
    let of = Selection::new("cilium.io/v2", "CiliumEndpoint")
        .keep("metadata.creationTimestamp")
        .keep("metadata.ownerReferences.kind")
        .keep("metadata.ownerReferences.uid")
        .keep("status.networking");
    list::<EndpointObject, _>(of, |endpoint| Some(endpoint.record(words)))
}

/// Ranges of Services, and those that Kubernetes cuts nodes' ranges from.
fn ranges(inputs: &mut Inputs) {
    // Since Kubernetes 1.33; a capture may have been made before anybody asked for them.
    let of = Selection::new("networking.k8s.io/v1", "ServiceCIDR").keep("spec.cidrs");
    let (cidrs, _) = list_all::<ServiceCidr, _>(of, Some);
    let mut services = Vec::new();
    for range in &cidrs {
        let place = format!("ServiceCIDR {}", range.metadata.name);
        services.extend(range.cidrs().iter().map(|prefix| Stated {
            prefix: *prefix,
            place: place.clone(),
            line: format!("spec.cidrs: {prefix}"),
        }));
    }
    let of = Selection::new("v1", "Pod")
        .namespace("kube-system")
        .labels("component in (kube-apiserver,kube-controller-manager)")
        .keep("spec.containers.command")
        .keep("spec.containers.args");
    let (components, _) = list_all::<ComponentObject, _>(of, Some);
    for component in components {
        component.add_to(&mut inputs.kubernetes, &mut services);
    }
    if let Fact::Known(data) = quiet_config_map("kubeadm-config")
        && let Some(text) = data.get("ClusterConfiguration")
    {
        parse::add_kubeadm(text, &mut inputs.kubernetes, &mut services);
    }
    parse::distinct(&mut services);
    inputs.service_ranges = services;
}

/// Asks routes of hosts beside the cluster, and the agents if that is wanted.
fn hosts(inputs: &mut Inputs, is_deep: bool) {
    let listed = match hosts::list() {
        Ok(listed) => listed,
        Err(failure) => return partial("hosts", &failure),
    };
    // `--host` leaves hosts out of the list; a node that has no Node is never in it.
    let shown: BTreeSet<&str> = listed.iter().map(|host| host.name.as_str()).collect();
    let nodes = inputs.nodes.known().into_iter().flatten();
    let hidden = nodes.map(Node::name).filter(|name| !shown.contains(name));
    inputs.hidden = hidden.map(str::to_owned).collect();
    for host in listed.iter().filter(|host| host.kind == Kind::Extra) {
        let ips = host.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok());
        inputs.extra_hosts.push((host.name.clone(), ips.collect()));
    }
    let mut batch = Batch::new();
    let mut asked = Vec::new();
    for host in &listed {
        let questions: &[&str] = match host.kind {
            Kind::Extra => &[ROUTES, ROUTES6],
            Kind::Node if is_deep => &[STATUS, ENDPOINTS],
            Kind::Node => &[],
        };
        for question in questions {
            let (place, command) = question.split_once(": ").unwrap_or_default();
            let place = match place {
                "agent" => Place::agent(&host.name),
                _ => Place::host(&host.name),
            };
            batch.add(&place, &command.split(' ').collect::<Vec<_>>());
            asked.push((host.name.as_str(), *question));
        }
    }
    for (index, answer) in batch.as_they_come() {
        let Some((host, question)) = asked.get(index as usize) else { continue };
        match *question {
            ROUTES | ROUTES6 => {
                let routes = read(host, question, answer, read_routes);
                let family =
                    if *question == ROUTES { AddressFamily::V4 } else { AddressFamily::V6 };
                for route in routes.known().into_iter().flatten() {
                    // Some answers to the first question hold both families.
                    if route.dst.family() == family {
                        inputs.extra_routes.extend(extra_route(host, route));
                    }
                }
            }
            STATUS => {
                let ipam = read::<AgentIpam>(host, question, answer, parse_agent_ipam);
                agent(inputs, host).ipam = ipam;
            }
            _ => {
                let endpoints =
                    read::<Vec<AgentEndpoint>>(host, question, answer, parse_agent_endpoints);
                agent(inputs, host).endpoints = endpoints;
            }
        }
    }
}

fn agent<'i>(inputs: &'i mut Inputs, host: &str) -> &'i mut Agent {
    let empty = || Agent { ipam: Fact::not_asked(), endpoints: Fact::not_asked() };
    inputs.agents.entry(host.to_owned()).or_insert_with(empty)
}

/// A route that can lead somewhere: no broadcast, no multicast, nothing of the loopback.
fn extra_route(host: &str, route: &Route) -> Option<ExtraRoute> {
    if route.dst.is_default() || route.route_type != RouteType::Unicast {
        return None;
    }
    if route.dst.address().is_loopback() || route.dst.address().is_multicast() {
        return None;
    }
    let legs = route.extra.iter().flat_map(|extra| extra.legs.iter().filter_map(|leg| leg.gateway));
    let gateways: Vec<IpAddr> = route.gateway.into_iter().chain(legs).collect();
    Some(ExtraRoute { host: host.to_owned(), dst: route.dst, gateways, line: route.to_string() })
}

/// One answer; what could not be read of it is told, and the host is named.
fn read<T>(
    host: &str,
    question: &str,
    answer: Result<Outcome, Failure>,
    parse: impl FnOnce(&str) -> (T, Vec<Problem>),
) -> Fact<T> {
    let command = question.split_once(": ").map_or(question, |(_, command)| command);
    let outcome = answer.and_then(|outcome| outcome.success().map(|_| outcome.text().into_owned()));
    let text = match outcome {
        Ok(text) => text,
        // A kernel without IPv6 is no failure of the host.
        Err(failure) if question == ROUTES6 => {
            log::debug(&format!("{host}: `{command}`: {}", failure.message()));
            return Fact::Unknown(failure.message().to_owned());
        }
        Err(failure) => {
            partial(host, &failure);
            return Fact::Unknown(format!("`{command}`: {}", failure.message()));
        }
    };
    let (value, problems) = parse(&text);
    let is_agent = question.starts_with("agent");
    if let Some(problem) = problems.first().filter(|_| is_agent) {
        let why = format!("`{command}`: {problem}");
        partial(host, &Failure::Other(why.clone()));
        // An entry that cannot be read costs itself; a document that cannot costs everything.
        if problem.place != "allocations" && !problem.place.starts_with("entry") {
            return Fact::Unknown(why);
        }
    }
    for problem in problems.iter().skip(usize::from(is_agent)) {
        log::warn(&format!("{host}: `{command}`: {problem}"));
    }
    Fact::Known(value)
}

fn config_map(name: &str) -> Fact<BTreeMap<String, String>> {
    let fact = quiet_config_map(name);
    if let Fact::Unknown(why) = &fact {
        partial(name, &Failure::Other(why.clone()));
    }
    fact
}

fn quiet_config_map(name: &str) -> Fact<BTreeMap<String, String>> {
    let of = Selection::new("v1", "ConfigMap").namespace("kube-system").keep("data");
    match of.get::<ConfigMap>(name) {
        Ok(map) => Fact::Known(map.data),
        Err(Failure::NotFound(_)) => Fact::Absent,
        Err(failure) => Fact::Unknown(failure.message().to_owned()),
    }
}

/// A kind of objects as records; what fails is told, and what came is kept.
fn list<T: DeserializeOwned, R>(of: Selection, record: impl FnMut(T) -> Option<R>) -> Fact<Vec<R>> {
    let subject = of.kind.clone();
    let (records, failure) = list_all(of, record);
    match failure {
        None => Fact::Known(records),
        Some(Failure::NotFound(_)) if records.is_empty() => Fact::Absent,
        Some(failure) => {
            partial(&subject, &failure);
            if records.is_empty() {
                Fact::Unknown(failure.message().to_owned())
            } else {
                Fact::Known(records)
            }
        }
    }
}

/// Everything that can be read, and the first failure.
fn list_all<T: DeserializeOwned, R>(
    of: Selection,
    mut record: impl FnMut(T) -> Option<R>,
) -> (Vec<R>, Option<Failure>) {
    let (mut records, mut first) = (Vec::new(), None);
    for object in of.list::<T>() {
        match object {
            Ok(object) => records.extend(record(object)),
            Err(failure) => {
                first.get_or_insert(failure);
            }
        }
    }
    (records, first)
}
