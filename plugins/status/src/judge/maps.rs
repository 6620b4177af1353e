//! `status/map-pressure`: BPF maps that are nearly full.

use std::collections::BTreeMap;

use lab_plugin::Finding;

use super::Options;
use crate::model::Cluster;

/// Full, or as good as full.
const FULL: f64 = 0.95;

/// Adds one finding for each map.
pub(super) fn check(cluster: &Cluster, options: Options, found: &mut Vec<Finding>) {
    let mut maps: BTreeMap<&str, Vec<(f64, &str)>> = BTreeMap::new();
    for node in &cluster.nodes {
        for (map, pressure) in node.map_pressures().unwrap_or_default() {
            if pressure > options.map_pressure {
                maps.entry(map).or_default().push((pressure, &node.name));
            }
        }
    }
    for (map, mut nodes) in maps {
        nodes.sort_by(|one, other| other.0.total_cmp(&one.0));
        let Some((most, _)) = nodes.first() else { continue };
        let names: Vec<&str> = nodes.iter().map(|(_, name)| *name).collect();
        let message = format!(
            "{:.0} % of its entries are in use on {}: {}",
            most * 100.0,
            super::some_of(&names),
            consequence(map)
        );
        let finding = if *most >= FULL {
            Finding::bad("status/map-pressure", map, message)
        } else {
            Finding::warn("status/map-pressure", map, message)
        };
        let lines = nodes.iter().map(|(pressure, name)| {
            (
                format!("{name}: cilium-dbg metrics list"),
                format!("cilium_bpf_map_pressure map_name={map} {pressure:.4}"),
            )
        });
        found.push(super::evidence(finding, lines).fix(fix(map)));
    }
}

/// What happens once a map is full.
fn consequence(map: &str) -> &'static str {
    match map {
        _ if map.starts_with("ct") => "old connections are thrown out once it is full",
        _ if map.contains("snat") || map.contains("nat") => {
            "new connections cannot be translated once it is full"
        }
        _ if map.starts_with("policy") || map.contains("policy") => {
            "rules that do not fit do not hold, and their packets are dropped"
        }
        _ if map.starts_with("lb") => "new Services and backends get no entry once it is full",
        _ if map.starts_with("ipcache") => "new addresses have no identity once it is full",
        _ if map.starts_with("lxc") => "new pods get no endpoint once it is full",
        _ => "what does not fit is lost",
    }
}

/// The setting that makes a map larger.
fn fix(map: &str) -> String {
    let value = match map {
        _ if map.starts_with("ct") || map.contains("nat") || map.contains("neigh") => {
            "bpf.mapDynamicSizeRatio=0.005"
        }
        _ if map.contains("policy") => "bpf.policyMapMax=32768",
        _ if map.starts_with("lb") => "bpf.lbMapMax=131072",
        _ => {
            return "kubectl lab status metrics 'bpf_map' shows sizes and use of all maps"
                .to_owned();
        }
    };
    format!(
        "helm upgrade cilium cilium/cilium --namespace kube-system --reuse-values --set {value}; then \
         kubectl --namespace kube-system rollout restart daemonset/cilium, one node at a time: maps of \
         another size are made anew"
    )
}
