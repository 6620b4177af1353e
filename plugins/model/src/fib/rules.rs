//! Whether a rule matches, and what it refuses.
//!
//! Apart because selectors have nothing to do with prefixes in a table. It must not know how a
//! table is searched.

use std::{collections::HashMap, ops::RangeInclusive};

use super::Query;
use crate::iproute2::{IpRule, Route, RuleAction, TableId};

/// Whether a rule matches a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    No,
    /// It has a selector that the query says nothing about, or that is not known.
    Unknown,
}

/// What is worth knowing about a rule before the first lookup.
#[derive(Debug, Clone, Copy)]
pub(super) struct CompiledRule {
    /// Whether it has no selector: nearly all rules of most hosts.
    pub(super) matches_all: bool,
    /// Index of its table; beyond the end when no route is in it.
    pub(super) table: u32,
    /// Index of the rule a `goto` leads to, `None` if there is none ahead.
    pub(super) target: Option<u32>,
}

pub(super) fn compile(
    rules: &[IpRule],
    index: usize,
    table_indices: &HashMap<TableId, u32>,
) -> CompiledRule {
    let rule = &rules[index];
    let plain = IpRule {
        action: rule.action,
        table_name: rule.table_name.clone(),
        suppress_prefixlength: rule.suppress_prefixlength,
        suppress_ifgroup: rule.suppress_ifgroup.clone(),
        protocol: rule.protocol,
        ..IpRule::lookup(rule.family, rule.priority, TableId::MAIN)
    };
    let table = match rule.action {
        RuleAction::Lookup(table) => table_indices.get(&table).copied(),
        _ => None,
    };
    let target = match rule.action {
        RuleAction::Goto(priority) => {
            let target = rules.partition_point(|other| other.priority < priority);
            let is_there = rules.get(target).is_some_and(|other| other.priority == priority);
            u32::try_from(target).ok().filter(|_| is_there && target > index)
        }
        _ => None,
    };
    // Whether a VRF is meant depends on the devices, though that is not written as a selector.
    let matches_all = *rule == plain && rule.action != RuleAction::LookupL3mdev;
    CompiledRule { matches_all, table: table.unwrap_or(u32::MAX), target }
}

/// Weighs every selector of a rule; one that fails settles it, whatever is not known.
pub(super) fn matches(rule: &IpRule, query: &Query<'_>) -> Match {
    let mut unknown = !rule.unknown.is_empty();
    let mut weigh = |known: Option<bool>| {
        unknown |= known.is_none();
        known.unwrap_or(true)
    };
    let from = rule.from.is_none_or(|from| match (query.src, query.dst.is_ipv4()) {
        (Some(src), _) => from.contains(src),
        // IPv4 compares with the source 0.0.0.0 as with any other, IPv6 does not compare.
        (None, true) => from.contains(crate::AddressFamily::V4.unspecified()),
        (None, false) => false,
    });
    let all = weigh(Some(from))
        && weigh(Some(rule.to.is_none_or(|to| to.contains(query.dst))))
        && weigh(Some(rule.mark.is_none_or(|mark| (query.mark ^ mark.value) & mark.mask == 0)))
        && weigh(Some(rule.iif.is_none_or(|iif| iif == *query.iif.unwrap_or("lo"))))
        && weigh(Some(rule.oif.is_none_or(|oif| query.oif.is_some_and(|device| oif == *device))))
        // Lookups are for type of service 0, and a rule is only printed with another one.
        && weigh(Some(rule.tos.is_none()))
        && weigh(among(rule.ip_protocol.map(|wanted| wanted..=wanted).as_ref(), query.ip_protocol))
        && weigh(among(rule.sport.as_ref(), query.sport))
        && weigh(among(rule.dport.as_ref(), query.dport))
        // A packet that came in belongs to no socket, which the kernel takes for root's.
        && weigh(among(rule.uid_range.as_ref(), if query.iif.is_some() { Some(0) } else { query.uid }))
        && weigh(match rule.action {
            // Only a device can belong to a VRF, and which do is not known here.
            RuleAction::LookupL3mdev if query.iif.is_none() && query.oif.is_none() => Some(false),
            RuleAction::LookupL3mdev => None,
            _ => Some(true),
        });
    match (all, unknown) {
        (true, true) => Match::Unknown,
        (all, _) if all != rule.inverted => Match::Yes,
        _ => Match::No,
    }
}

/// Whether a value is in a range; `None` when it is not known and that matters.
fn among<T: PartialOrd + Copy>(
    range: Option<&RangeInclusive<T>>,
    value: Option<T>,
) -> Option<bool> {
    match (range, value) {
        (None, _) => Some(true),
        (Some(range), Some(value)) => Some(range.contains(&value)),
        (Some(_), None) => None,
    }
}

/// Whether the rule refuses a route as too short, so that the next rule goes on.
#[inline]
pub(super) fn suppresses(rule: &IpRule, route: &Route) -> bool {
    rule.suppress_prefixlength.is_some_and(|len| route.dst.len() <= len)
}
