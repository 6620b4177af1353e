//! Addresses one by one: had twice, by nobody, by the wrong one, or not where they should be.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_plugin::findings::PER_CODE;
use lab_plugin::{Fact, Finding, Level};

use super::Options;
use crate::model::{Address, By, Claim, Cluster, NONE, Node, Owner, Verdict};

/// Adds a finding for each address of which somebody should know.
pub(super) fn check(cluster: &Cluster, options: &Options, found: &mut Vec<Finding>) {
    let mut told: BTreeMap<Verdict, (usize, usize)> = BTreeMap::new();
    for claims in cluster.odd_groups() {
        let Some(address) = cluster.address(claims) else { continue };
        if address.verdict == Verdict::Ok {
            continue;
        }
        // Only what is told is put into words: a million addresses may be wrong.
        let (n_found, last) = told.entry(address.verdict).or_default();
        *n_found += 1;
        if *n_found > PER_CODE {
            continue;
        }
        *last = found.len();
        found.extend(finding(cluster, options, &address, claims));
    }
    for (n_found, last) in told.into_values().filter(|(n_found, _)| *n_found > PER_CODE) {
        if let Some(finding) = found.get_mut(last) {
            let more = n_found - PER_CODE;
            finding.message = format!("{}; and {more} more of the same kind", finding.message);
        }
    }
    if let Fact::Known(()) = cluster.endpoints {
        without_address(cluster, found);
        endpoint_nodes(cluster, found);
    }
}

/// Findings about one address alone.
pub(super) fn of(cluster: &Cluster, options: &Options, ip: IpAddr) -> Vec<Finding> {
    let from = cluster.claims.partition_point(|claim| claim.ip < ip);
    let n_claims = cluster.claims[from..].iter().take_while(|claim| claim.ip == ip).count();
    let claims = &cluster.claims[from..from + n_claims];
    let address = cluster.address(claims);
    address.and_then(|address| finding(cluster, options, &address, claims)).into_iter().collect()
}

fn finding(
    cluster: &Cluster,
    options: &Options,
    address: &Address,
    claims: &[Claim],
) -> Option<Finding> {
    Some(match address.verdict {
        Verdict::Ok => return None,
        Verdict::Duplicate => duplicate(cluster, address, claims),
        Verdict::Differs => differs(cluster, address, claims),
        Verdict::Outside => outside(cluster, address),
        Verdict::NotAllocated => not_allocated(cluster, address, claims),
        Verdict::NoEndpoint => no_endpoint(cluster, address),
        Verdict::Suspect => suspect(cluster, options, address, claims),
        Verdict::Ended => ended(cluster, address, claims),
    })
}

/// What a claim says, word for word.
pub fn said(cluster: &Cluster, claim: &Claim) -> (String, String) {
    let ip = claim.ip;
    let word = |at: u32| cluster.words.get(at as usize).map(String::as_str).unwrap_or_default();
    match claim.by {
        By::Pod(at) => {
            let pod = &cluster.pods[at as usize];
            (format!("Pod {}", pod.path()), format!("status.podIPs: {ip}, uid {}", pod.uid))
        }
        By::EndedPod(at) => {
            let pod = &cluster.pods[at as usize];
            (format!("Pod {}", pod.path()), format!("has ended; status.podIPs: {ip}"))
        }
        By::Endpoint(at) => {
            let endpoint = &cluster.endpoint_list[at as usize];
            let uid = endpoint.pod_uid.as_deref().unwrap_or("none");
            (
                format!("CiliumEndpoint {}", endpoint.path()),
                format!("status.networking.addressing: {ip}, pod's uid {uid}"),
            )
        }
        By::Router(node) => {
            of_node(cluster, node, &format!("spec.addresses: {ip} (CiliumInternalIP)"))
        }
        By::Health(node) => of_node(cluster, node, &format!("spec.health: {ip}")),
        By::Ingress(node) => of_node(cluster, node, &format!("spec.ingress: {ip}")),
        By::Used(node, owner) => {
            of_node(cluster, node, &format!("status.ipam.used: {ip} ({})", word(owner)))
        }
        By::Agent(node, owner) => (
            format!("{}: cilium-dbg status -o json", cluster.node_name(node)),
            format!("\"{ip}\": \"{}\"", word(owner)),
        ),
        By::AgentEndpoint(node, owner) => (
            format!("{}: cilium-dbg endpoint list -o json", cluster.node_name(node)),
            format!("{ip} ({})", word(owner)),
        ),
        By::NodeAddress(node) => {
            (format!("Node {}", cluster.node_name(node)), format!("InternalIP: {ip}"))
        }
    }
}

fn of_node(cluster: &Cluster, node: u32, line: &str) -> (String, String) {
    (format!("CiliumNode {}", cluster.node_name(node)), line.to_owned())
}

fn with_claims(finding: Finding, cluster: &Cluster, claims: &[Claim]) -> Finding {
    super::evidence(finding, claims.iter().map(|claim| said(cluster, claim)))
}

/// The command that makes a pod anew.
fn recreate(cluster: &Cluster, pod: u32) -> String {
    let pod = &cluster.pods[pod as usize];
    format!("kubectl --namespace {} delete pod {}", pod.namespace, pod.name)
}

fn pod_of(address: &Address) -> Option<u32> {
    match address.owner {
        Owner::Pod(at) | Owner::Ended(at) => Some(at),
        _ => None,
    }
}

/// `ipam/duplicate`.
fn duplicate(cluster: &Cluster, address: &Address, claims: &[Claim]) -> Finding {
    let mut holders: Vec<String> = claims
        .iter()
        .filter_map(|claim| match claim.by {
            By::Pod(at) => Some(cluster.pods[at as usize].path()),
            By::Endpoint(at) if cluster.pod_of[at as usize] != NONE => {
                Some(cluster.endpoint_list[at as usize].path())
            }
            By::Router(node) => Some(format!("the router of {}", cluster.node_name(node))),
            By::Health(node) => Some(format!("the health endpoint of {}", cluster.node_name(node))),
            By::Ingress(node) => Some(format!("the ingress of {}", cluster.node_name(node))),
            By::NodeAddress(node) => Some(format!("node {}", cluster.node_name(node))),
            _ => None,
        })
        .collect();
    holders.sort_unstable();
    holders.dedup();
    let message =
        format!("{} have it: packets reach one of them at best", super::some_of(&holders));
    let finding = Finding::bad("ipam/duplicate", address.ip.to_string(), message);
    let finding = with_claims(finding, cluster, claims);
    // The one that came last got what was taken.
    let pods = claims.iter().filter_map(|claim| match claim.by {
        By::Pod(at) => Some(at),
        _ => None,
    });
    match pods.max_by_key(|at| cluster.pods[*at as usize].since) {
        Some(pod) => finding.fix(recreate(cluster, pod)),
        None => finding.fix("kubectl --namespace kube-system rollout restart daemonset/cilium"),
    }
}

/// `ipam/endpoint-differs`.
fn differs(cluster: &Cluster, address: &Address, claims: &[Claim]) -> Finding {
    let pod = pod_of(address).or_else(|| {
        claims.iter().find_map(|claim| match claim.by {
            By::Endpoint(at) => Some(cluster.pod_of[at as usize]).filter(|pod| *pod != NONE),
            _ => None,
        })
    });
    let code = "ipam/endpoint-differs";
    let Some(pod) = pod else {
        let message = "a pod and its CiliumEndpoint have different addresses";
        return with_claims(Finding::bad(code, address.ip.to_string(), message), cluster, claims);
    };
    let record = &cluster.pods[pod as usize];
    let (path, own) = (record.path(), super::list(&record.ips));
    let endpoint = cluster.endpoint_list.get(cluster.endpoint_of[pod as usize] as usize);
    let other = endpoint.map(|endpoint| super::list(&endpoint.ips)).unwrap_or_default();
    let message = format!(
        "the pod has {own} and its CiliumEndpoint {other}: its policies hold for another address"
    );
    let finding = Finding::bad(code, path.clone(), message)
        .evidence(format!("Pod {path}"), format!("status.podIPs: {own}"))
        .evidence(
            format!("CiliumEndpoint {path}"),
            format!("status.networking.addressing: {other}"),
        );
    finding.fix(recreate(cluster, pod))
}

/// `ipam/pod-outside`.
fn outside(cluster: &Cluster, address: &Address) -> Finding {
    let pod = pod_of(address).unwrap_or_default();
    let record = &cluster.pods[pod as usize];
    let node = address.node.unwrap_or(NONE);
    let elsewhere = cluster.range_at(address.ip, None).and_then(|at| {
        let range = cluster.ranges.get(at as usize)?;
        Some(cluster.node_name(range.node).to_owned()).filter(|_| range.node != node)
    });
    let message = match &elsewhere {
        Some(other) => {
            format!("{} is not {}'s but {other}'s: packets to it go there", address.ip, record.node)
        }
        None => format!("{} is in no range of {}: nobody finds it there", address.ip, record.node),
    };
    let ranges = cluster.ranges_of(node).iter().map(|range| {
        let what =
            range.prefix.map_or_else(|| "a list of addresses".to_owned(), |it| it.to_string());
        (format!("CiliumNode {}", record.node), format!("{}: {what}", range.field))
    });
    let own = (
        format!("Pod {}", record.path()),
        format!("status.podIPs: {} on {}", address.ip, record.node),
    );
    let finding = Finding::bad("ipam/pod-outside", record.path(), message);
    super::evidence(finding, std::iter::once(own).chain(ranges)).fix(recreate(cluster, pod))
}

/// `ipam/not-allocated`.
fn not_allocated(cluster: &Cluster, address: &Address, claims: &[Claim]) -> Finding {
    let pod = pod_of(address).unwrap_or_default();
    let record = &cluster.pods[pod as usize];
    let place = match cluster.agents.get(&*record.node).and_then(|agent| agent.ipam.known()) {
        Some(ipam) => (
            format!("{}: cilium-dbg status -o json", record.node),
            format!("ipam.status: {}; {} is not in ipam.allocations", ipam.summary, address.ip),
        ),
        None => (
            format!("CiliumNode {}", record.node),
            format!("status.ipam.used: has no {}", address.ip),
        ),
    };
    let finding = Finding::bad(
        "ipam/not-allocated",
        record.path(),
        format!("it uses {}, which is not handed out: another pod can get the same", address.ip),
    );
    with_claims(finding, cluster, claims).evidence(place.0, place.1).fix(recreate(cluster, pod))
}

/// `ipam/no-endpoint`.
fn no_endpoint(cluster: &Cluster, address: &Address) -> Finding {
    let pod = pod_of(address).unwrap_or_default();
    let record = &cluster.pods[pod as usize];
    let stale = cluster.endpoint_named(&record.namespace, &record.name);
    let (place, line) = match stale {
        Some(endpoint) => (
            format!("CiliumEndpoint {}", record.path()),
            format!(
                "is that of another pod: uid {}",
                endpoint.pod_uid.as_deref().unwrap_or("none")
            ),
        ),
        None => ("CiliumEndpoint".to_owned(), format!("none is named {}", record.path())),
    };
    Finding::bad(
        "ipam/no-endpoint",
        record.path(),
        "it runs and Cilium does not know it: no policy holds for it, and its identity is unknown",
    )
    .evidence(
        format!("Pod {}", record.path()),
        format!("status.podIPs: {}, uid {}, on {}", address.ip, record.uid, record.node),
    )
    .evidence(place, line)
    .fix(recreate(cluster, pod))
}

/// `ipam/suspect`: a leak, perhaps.
fn suspect(cluster: &Cluster, options: &Options, address: &Address, claims: &[Claim]) -> Finding {
    let has_cooled = options.cooled.contains(&address.ip);
    let (level, message) = if has_cooled {
        (
            Level::Warn,
            "handed out and held by nobody, again after a while: it has leaked, as it seems",
        )
    } else {
        (Level::Info, "handed out and held by nobody at this look: a pod may have ended just now")
    };
    let finding = Finding::new(level, "ipam/suspect", address.ip.to_string(), message);
    let mut finding = with_claims(finding, cluster, claims);
    if !has_cooled {
        finding = finding.fix("look again: kubectl lab ipam --deep --cooling 60s");
    }
    let endpoint = claims.iter().find_map(|claim| match claim.by {
        By::Endpoint(at) => Some(&cluster.endpoint_list[at as usize]),
        _ => None,
    });
    if let Some(endpoint) = endpoint {
        finding = finding.fix(format!(
            "kubectl --namespace {} delete ciliumendpoint {}",
            endpoint.namespace, endpoint.name
        ));
    }
    match address.node {
        Some(node) if address.sources.agent || address.sources.agent_endpoint => finding.fix(format!(
            "an agent forgets such addresses when it starts: kubectl --namespace kube-system delete pod \
             --selector k8s-app=cilium --field-selector spec.nodeName={}",
            cluster.node_name(node)
        )),
        _ => finding,
    }
}

/// `ipam/ended-counted`.
fn ended(cluster: &Cluster, address: &Address, claims: &[Claim]) -> Finding {
    let pod = pod_of(address).unwrap_or_default();
    let path = cluster.pods[pod as usize].path();
    let finding = Finding::warn(
        "ipam/ended-counted",
        path,
        format!("it has ended and {} is still counted as its own", address.ip),
    );
    with_claims(finding, cluster, claims).fix(recreate(cluster, pod))
}

/// Pods that run without any address are told as those without an endpoint.
fn without_address(cluster: &Cluster, found: &mut Vec<Finding>) {
    for (at, pod) in (0_u32..).zip(&cluster.pods) {
        let is_told = pod.host_network || !pod.ips.is_empty() || cluster.is_settling(at);
        if is_told || cluster.endpoint_of[at as usize] != NONE {
            continue;
        }
        found.push(
            Finding::bad(
                "ipam/no-endpoint",
                pod.path(),
                "it runs and has neither an address nor an endpoint",
            )
            .evidence(
                format!("Pod {}", pod.path()),
                format!("status.podIPs: none, on {}", pod.node),
            )
            .fix(recreate(cluster, at)),
        );
    }
}

/// `ipam/endpoint-node`: the endpoint is on another node than its pod.
fn endpoint_nodes(cluster: &Cluster, found: &mut Vec<Finding>) {
    let ips: Vec<Vec<IpAddr>> = cluster.nodes.iter().map(node_ips).collect();
    for (at, endpoint) in cluster.endpoint_list.iter().enumerate() {
        let pod_at = cluster.pod_of[at];
        let (Some(pod), Some(said)) = (cluster.pods.get(pod_at as usize), endpoint.node) else {
            continue;
        };
        let Some(own) = ips.get(cluster.node_of[pod_at as usize] as usize) else { continue };
        if own.is_empty() || own.contains(&said) || cluster.is_settling(pod_at) {
            continue;
        }
        found.push(
            Finding::bad(
                "ipam/endpoint-node",
                pod.path(),
                format!("its CiliumEndpoint says node {said}, and it runs on {}: packets to it go to the wrong node", pod.node),
            )
            .evidence(format!("CiliumEndpoint {}", pod.path()), format!("status.networking.node: {said}"))
            .evidence(format!("Pod {}", pod.path()), format!("spec.nodeName: {}", pod.node))
            .evidence(format!("Node {}", pod.node), format!("addresses: {}", super::list(own)))
            .fix(recreate(cluster, pod_at)),
        );
    }
}

fn node_ips(node: &Node) -> Vec<IpAddr> {
    let own = node.kubernetes.iter().flat_map(|node| node.internal.iter().copied());
    own.chain(node.cilium.iter().flat_map(|node| node.node_ips())).collect()
}
