//! `status/rp-filter`: devices on which the kernel drops packets that come another way than their
//! answers go.

use lab_plugin::Finding;

use crate::model::{Cluster, Node};
use crate::parse::reverse_path::ReversePath;

/// Strict: only the way that answers would go.
const STRICT: u8 = 1;

/// Devices of Cilium and of pods: their packets come in on one and leave on another.
fn is_own(device: &str) -> bool {
    device.starts_with("lxc") || device.starts_with("cilium_")
}

/// Adds one finding for each node.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    for node in &cluster.nodes {
        let Some(values) = node.answers.reverse_path.known() else { continue };
        let strict = |(_, own): &&(String, u8)| values.in_force(*own) == STRICT;
        let own: Vec<&(String, u8)> =
            values.devices.iter().filter(|(device, _)| is_own(device)).filter(strict).collect();
        if !own.is_empty() {
            found.push(finding(node, values, &own));
        }
        let status = node.answers.status.known();
        let Some(device) = status.and_then(|status| status.dsr_device.as_deref()) else { continue };
        let on_device = values.devices.iter().find(|(known, _)| known == device);
        if let Some((_, value)) = on_device.filter(strict) {
            found.push(dsr(node, values, device, *value));
        }
    }
}

/// With several devices a client's packets may come in by another one than its answers leave by.
fn dsr(node: &Node, values: &ReversePath, device: &str, value: u8) -> Finding {
    let place = |device: &str| format!("{}: /proc/sys/net/ipv4/conf/{device}/rp_filter", node.name);
    Finding::warn(
        "status/rp-filter",
        node.name.clone(),
        format!(
            "rp_filter is strict on {device}, which answers of NodePorts leave by (DSR): requests that \
             another device would answer are dropped"
        ),
    )
    .evidence(place("all"), values.all.to_string())
    .evidence(place(device), value.to_string())
    .fix(format!("sudo sysctl --write net.ipv4.conf.{device}.rp_filter=2 (on the node)"))
}

fn finding(node: &Node, values: &ReversePath, own: &[&(String, u8)]) -> Finding {
    let names: Vec<&str> = own.iter().map(|(device, _)| device.as_str()).collect();
    let message = format!(
        "rp_filter is strict on {}: packets of pods are dropped there without a word",
        super::some_of(&names)
    );
    let place = |device: &str| format!("{}: /proc/sys/net/ipv4/conf/{device}/rp_filter", node.name);
    let finding = Finding::bad("status/rp-filter", node.name.clone(), message)
        .evidence(place("all"), values.all.to_string());
    let lines = own.iter().map(|(device, value)| (place(device), value.to_string()));
    super::evidence(finding, lines)
        .fix(
            "printf 'net.ipv4.conf.all.rp_filter = 0\\nnet.ipv4.conf.lxc*.rp_filter = 0\\n' | sudo tee \
             /etc/sysctl.d/99-cilium.conf && sudo sysctl --system (on the node; the greater of both \
             values counts)",
        )
        .fix("let no other file in /etc/sysctl.d or /usr/lib/sysctl.d set it again after that")
}
