//! `reach/mtu`: large packets do not arrive, although every known device lets them through.

use lab_forwarding::words::some_of;
use lab_plugin::Finding;

use super::group::{Shared, groups};
use super::verdict::is_narrow;
use super::{Facts, Verdict};

/// Adds the findings of ways that are narrower than they look.
pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Finding>) {
    for group in groups(facts.of(Verdict::Mtu)) {
        let narrowest = group.probes.iter().filter_map(|probe| Some((probe, is_narrow(probe)?)));
        let Some((first, (measured, predicted))) =
            narrowest.min_by_key(|(_, (measured, _))| *measured)
        else {
            continue;
        };
        let (subject, others) = facts.names(&group);
        let others = some_of(&others);
        let way = match group.shared {
            Shared::Target(_) => format!("from {others}"),
            Shared::Source(_) => format!("to {others}"),
        };
        let message = format!(
            "packets of more than {measured} bytes are lost on the way {way}, and every known \
             device passes {predicted}"
        );
        let mut finding = Finding::warn("reach/mtu", subject, message);
        for (command, line) in first.path.iter().flat_map(|path| &path.seen) {
            finding = finding.evidence(format!("{}: {command}", facts.from(first)), line.clone());
        }
        if let Some((place, line)) = &first.prediction.narrowest {
            finding = finding.evidence(place.clone(), line.clone());
        }
        found.push(
            finding
                .fix(
                    "let the messages through by which routers say what is too big: ICMP type 3 \
                     code 4, ICMPv6 type 2",
                )
                .fix(format!(
                    "lower Cilium's MTU by {} (helm value MTU) and restart the agents",
                    predicted.saturating_sub(measured)
                )),
        );
    }
}
