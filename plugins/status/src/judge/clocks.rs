//! `status/clock-skew`: nodes whose clocks do not agree.

use lab_plugin::Finding;

use crate::model::Cluster;

/// Milliseconds that clocks may be apart: asking takes a while too.
const TOLERATED: i64 = 5_000;

/// Adds one finding for each node that is too far off.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    for (node, skew) in cluster.nodes.iter().zip(cluster.clock_skews()) {
        let Some(skew) = skew.known().copied().filter(|skew| skew.saturating_abs() > TOLERATED)
        else {
            continue;
        };
        let word = if skew > 0 { "ahead of" } else { "behind" };
        let seconds = skew.saturating_abs() / 1000;
        found.push(
            Finding::warn(
                "status/clock-skew",
                node.name.clone(),
                format!(
                    "its clock is {seconds} s {word} the others': leases, certificates and the order of \
                     flows go wrong"
                ),
            )
            .evidence(format!("{}: date +%s.%N", node.name), format!("{seconds} s {word} the middle of all nodes"))
            .fix("timedatectl status; systemctl restart chronyd or systemd-timesyncd (on the node)"),
        );
    }
}
