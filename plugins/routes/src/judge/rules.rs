//! `routes/local-rule`: where the local table is looked up.
//!
//! The agent moves the kernel's rule from 0 to 100 when the L7 proxy is on, and leaves it alone
//! otherwise; older agents moved it always, so 100 alone is right in both cases.

use lab_forwarding::fixes;
use lab_model::AddressFamily;
use lab_model::iproute2::{IpRule, RuleAction, TableId};
use lab_plugin::Finding;

use super::Facts;

/// Adds the findings of every node's rules.
pub(super) fn check(facts: &Facts<'_, '_>, found: &mut Vec<Finding>) {
    for (_, node) in facts.view.cluster.nodes() {
        let Ok(fib) = &node.fib else { continue };
        if fib.has_assumed_rules(AddressFamily::V4) {
            continue;
        }
        let rules = fib.rules(AddressFamily::V4);
        let at = |priority: u32| rules.iter().find(|rule| is_local(rule, priority));
        let proxy = node.settings.as_ref().is_some_and(|settings| settings.l7_proxy);
        let quoted = |finding: Finding| {
            rules.iter().take(4).fold(finding, |finding, rule| {
                finding.evidence(
                    format!("{}: ip -j rule", node.name),
                    rule.to_string().replace('\t', " "),
                )
            })
        };
        if at(0).is_none() && at(100).is_none() {
            let any = rules.iter().any(|rule| rule.action == RuleAction::Lookup(TableId::LOCAL));
            if !any {
                let message = "no rule looks up the local table: the host refuses its own packets";
                found.push(
                    quoted(Finding::bad("routes/local-rule", node.name.clone(), message)).fix(
                        format!("on {}: ip rule add from all lookup local pref 100", node.name),
                    ),
                );
            }
        } else if proxy && at(0).is_some() {
            let message = "the local table is looked up at priority 0, before the proxy's rules";
            let mut finding =
                quoted(Finding::warn("routes/local-rule", node.name.clone(), message));
            if at(100).is_some() {
                finding = finding.fix(format!("on {}: ip rule del pref 0", node.name));
            }
            found.push(finding.fix(fixes::restart_agent(&node.name)));
        }
    }
}

fn is_local(rule: &IpRule, priority: u32) -> bool {
    rule.priority == priority && rule.action == RuleAction::Lookup(TableId::LOCAL)
}
