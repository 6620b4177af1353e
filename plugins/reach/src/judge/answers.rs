//! `reach/unpredicted-answer`, `reach/lossy`: what is answered, and not as it should be.

use lab_forwarding::words::some_of;
use lab_plugin::Finding;

use super::group::{Shared, groups};
use super::{Facts, Verdict};

/// Adds the findings of answers that should not come, or come in part.
pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Finding>) {
    for group in groups(facts.of(Verdict::UnpredictedAnswer)) {
        let (subject, others) = facts.names(&group);
        let others = some_of(&others);
        let message = match group.shared {
            Shared::Target(_) => format!("it answers {others}"),
            Shared::Source(_) => format!("it gets answers from {others}"),
        };
        let Some(first) = group.probes.first() else { continue };
        let lost = first.prediction.lost;
        let lost = lost.map(|lost| facts.cluster.hosts[lost.host].name.as_str());
        let lost = lost.map(|host| format!(" on {host}")).unwrap_or_default();
        let message =
            format!("{message}, although the routing tables say that packets are lost{lost}");
        let finding = Finding::warn("reach/unpredicted-answer", subject, message);
        let mut finding = facts.quote(&group.probes, finding);
        if let Some((place, line)) = first.prediction.lines.last() {
            finding = finding.evidence(place.clone(), line.clone());
        }
        found.push(
            finding.fix("ask again: tables that changed between two questions disagree once").fix(
                format!(
                    "find the host that the tables do not show: kubectl lab reach {} {} --mtu",
                    facts.from(first),
                    facts.to(first)
                ),
            ),
        );
    }
    for group in groups(facts.of(Verdict::Lossy)) {
        let (subject, others) = facts.names(&group);
        let others = some_of(&others);
        let (mut sent, mut received) = (0, 0);
        for probe in &group.probes {
            sent += probe.measured.sent;
            received += probe.measured.received;
        }
        let message = match group.shared {
            Shared::Target(_) => format!("{received} of {sent} answers came to {others}"),
            Shared::Source(_) => format!("{received} of {sent} answers came from {others}"),
        };
        let Some(first) = group.probes.first() else { continue };
        let reason = first.prediction.reason.as_deref();
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let finding = Finding::warn("reach/lossy", subject, format!("{message}{reason}"));
        found.push(facts.quote(&group.probes, finding).fix(format!(
            "count with more packets: kubectl lab reach {} {} --count 20 --interval 200ms",
            facts.from(first),
            facts.to(first)
        )));
    }
}
