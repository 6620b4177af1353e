//! `routes/conflict`, `routes/outside-native-cidr`, `routes/node-address`: what the objects say
//! against each other, before any table is looked at.

use lab_forwarding::fixes;
use lab_forwarding::settings::Mode;
use lab_forwarding::words::some_of;
use lab_plugin::Finding;

use super::Facts;

/// Adds the findings of ranges and addresses.
pub(super) fn check(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    conflicts(facts, found);
    outside(facts, found);
    addresses(facts, found);
}

fn conflicts(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    let cluster = facts.view.cluster;
    // Ordered by prefix: what overlaps stands side by side.
    for pair in cluster.cidrs.windows(2) {
        let [one, other] = pair else { continue };
        if one.host == other.host || !one.prefix.overlaps(&other.prefix) {
            continue;
        }
        let (first, second) = (&cluster.hosts[one.host].name, &cluster.hosts[other.host].name);
        let message = format!("{first} and {second} both claim pods of {}", other.prefix);
        let mut finding = Finding::bad("routes/conflict", other.prefix.to_string(), message);
        for (name, cidr) in [(first, one), (second, other)] {
            finding = finding.evidence(
                format!("CiliumNode {name}"),
                format!("spec.ipam.podCIDRs: {}", cidr.prefix),
            );
        }
        found.push(finding.fix(format!(
            "take the range away from the node that got it last: kubectl delete ciliumnode {second}, \
             then restart its agent and recreate its pods"
        )));
    }
}

fn outside(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    let cluster = facts.view.cluster;
    let mut ranges = Vec::new();
    let mut native = Vec::new();
    for cidr in &cluster.cidrs {
        let Some(settings) = &cluster.hosts[cidr.host].settings else { continue };
        let of_family = || {
            settings.native_cidrs.iter().filter(|native| native.family() == cidr.prefix.family())
        };
        let masquerades = settings.masquerades(cidr.prefix.address());
        if settings.mode != Mode::Native || !masquerades || of_family().next().is_none() {
            continue;
        }
        if !of_family().any(|native| native.covers(&cidr.prefix)) {
            ranges.push(format!("{} ({})", cidr.prefix, cluster.hosts[cidr.host].name));
            native = of_family().map(ToString::to_string).collect();
        }
    }
    if ranges.is_empty() {
        return;
    }
    let message = format!("packets to pods of {} get the sending node's address", some_of(&ranges));
    found.push(
        Finding::warn("routes/outside-native-cidr", "cilium-config", message)
            .evidence(
                "ConfigMap kube-system/cilium-config",
                format!("ipv4-native-routing-cidr: {}", native.join(", ")),
            )
            .fix("set ipv4NativeRoutingCIDR to a range that holds every podCIDR, and restart the agents"),
    );
}

fn addresses(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    for (_, node) in facts.view.cluster.nodes() {
        let known = |ip: &std::net::IpAddr| node.internal.contains(ip);
        if node.node_internal.is_empty()
            || node.internal.is_empty()
            || node.node_internal.iter().any(known)
        {
            continue;
        }
        let list = |ips: &[std::net::IpAddr]| {
            ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let message = format!(
            "its CiliumNode says {} and its Node {}",
            list(&node.internal),
            list(&node.node_internal)
        );
        found.push(
            Finding::warn("routes/node-address", node.name.clone(), message)
                .evidence(format!("CiliumNode {}", node.name), list(&node.internal))
                .evidence(format!("Node {}", node.name), list(&node.node_internal))
                .fix(fixes::restart_agent(&node.name)),
        );
    }
}
