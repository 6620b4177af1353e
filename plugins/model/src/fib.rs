//! What a lookup on one host would find: rules in order, then tables, longest prefix, lowest
//! metric.
//!
//! Apart from [`crate::iproute2`] because those records are what is configured, and this is what
//! a packet meets. It must not know Kubernetes, and nothing of more than one host.
//!
//! Semantics are those of Linux 6.x (`net/core/fib_rules.c`, `net/ipv4/fib_trie.c`,
//! `net/ipv6/route.c`), checked against a real kernel in `tests/kernel.rs`. Not modelled:
//!
//! - type of service: every lookup is for 0, so routes and rules for another one never match;
//! - the choice among the legs of an ECMP route, which the kernel makes by a hash of the flow;
//! - neighbor states, which let IPv6 prefer a router that answers;
//! - that a kernel which ever had a rule of its own keeps the tables local and main apart even
//!   after that rule is gone; with the default rules they are taken for one, as on most hosts;
//! - devices of a VRF and device groups: where they decide, the outcome is
//!   [`Outcome::Undecided`].

mod prefix_table;
mod query;
mod rules;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, net::IpAddr, rc::Rc};

pub use self::query::{Lookup, Outcome, Query};
use self::{
    prefix_table::Tables,
    rules::{CompiledRule, Match},
};
use crate::{
    AddressFamily, Prefix,
    iproute2::{IpRule, Leg, Route, RouteFlags, RouteType, RuleAction, TableId},
};

/// The forwarding information of one host: both families, all tables, all rules.
#[derive(Debug, Clone)]
pub struct Fib {
    routes: Vec<Rc<Route>>,
    tables: Vec<Tables>,
    table_indices: HashMap<TableId, u32>,
    v4: Rules,
    v6: Rules,
}

#[derive(Debug, Clone)]
struct Rules {
    by_priority: Vec<IpRule>,
    compiled: Vec<CompiledRule>,
    assumed: bool,
    /// Whether the tables local and main are searched as one.
    merged: bool,
}

/// What one table says about a query.
enum TableAnswer<'a> {
    /// No route, or a `throw` route: the next rule goes on.
    Nothing,
    Found(&'a Route),
    Discard(&'a Route),
}

impl Fib {
    /// Builds the lookup structure of one host.
    ///
    /// - Shape: rules and routes of both families, in the order in which `ip` printed them.
    ///   Where there is no rule at all for a family, the kernel's default rules are assumed, and
    ///   [`Fib::has_assumed_rules`] says so: the caller knows whether it asked.
    ///   Hosts may share records of routes.
    pub fn new(rules: Vec<IpRule>, routes: impl IntoIterator<Item = impl Into<Rc<Route>>>) -> Self {
        let routes: Vec<Rc<Route>> = routes.into_iter().map(Into::into).collect();
        let (tables, table_indices) = prefix_table::build(&routes);
        let (v4, v6) =
            rules.into_iter().partition(|rule: &IpRule| rule.family == AddressFamily::V4);
        let compile = |family, rules| Rules::new(family, rules, &table_indices);
        let (v4, v6) = (compile(AddressFamily::V4, v4), compile(AddressFamily::V6, v6));
        Self { routes, tables, table_indices, v4, v6 }
    }

    /// All routes, in the order they were given.
    pub fn routes(&self) -> impl ExactSizeIterator<Item = &Route> {
        self.routes.iter().map(|route| &**route)
    }

    /// The rules of one family by priority.
    pub fn rules(&self, family: AddressFamily) -> &[IpRule] {
        &self.rules_of(family).by_priority
    }

    /// Whether the rules of a family are the kernel's defaults because none were given.
    pub fn has_assumed_rules(&self, family: AddressFamily) -> bool {
        self.rules_of(family).assumed
    }

    const fn rules_of(&self, family: AddressFamily) -> &Rules {
        match family {
            AddressFamily::V4 => &self.v4,
            AddressFamily::V6 => &self.v6,
        }
    }

    /// Finds what the kernel would do with a packet; allocates nothing.
    pub fn lookup(&self, query: &Query<'_>) -> Lookup<'_> {
        let Rules { by_priority, compiled, merged, .. } =
            self.rules_of(AddressFamily::of(query.dst));
        let mut index = 0;
        while let (Some(rule), Some(plan)) = (by_priority.get(index), compiled.get(index)) {
            index += 1;
            let matched = if plan.matches_all { Match::Yes } else { rules::matches(rule, query) };
            if matched == Match::No {
                continue;
            }
            let end = |outcome| Lookup { rule: Some(rule), outcome };
            match rule.action {
                RuleAction::Lookup(_) => {
                    let answer = match self.tables.get(plan.table as usize) {
                        Some(table) => self.lookup_table(table, query),
                        None => TableAnswer::Nothing,
                    };
                    if *merged && index == 1 && self.is_longer_in_main(&answer, query) {
                        continue;
                    }
                    let outcome = match answer {
                        TableAnswer::Nothing => continue,
                        TableAnswer::Found(route) if rules::suppresses(rule, route) => continue,
                        TableAnswer::Found(route) => Outcome::Found(route),
                        TableAnswer::Discard(route) => {
                            Outcome::Discard(route.route_type, Some(route))
                        }
                    };
                    // A rule that may or may not match only matters where its table answers.
                    let found = matches!(outcome, Outcome::Found(_));
                    if matched == Match::Unknown || (found && rule.suppress_ifgroup.is_some()) {
                        return end(Outcome::Undecided(rule));
                    }
                    return end(outcome);
                }
                RuleAction::Nop => {}
                _ if matched == Match::Unknown => return end(Outcome::Undecided(rule)),
                RuleAction::Discard(kind) => return end(Outcome::Discard(kind, None)),
                // A target that is not there, or not ahead, makes the rule do nothing.
                RuleAction::Goto(_) => index = plan.target.map_or(index, |to| to as usize),
                RuleAction::LookupL3mdev => return end(Outcome::Undecided(rule)),
            }
        }
        Lookup { rule: None, outcome: Outcome::NoRoute }
    }

    /// Whether `main` has a longer prefix than the answer of the local table. Until somebody adds
    /// a rule, IPv4 keeps both tables in one (`fib_trie_unmerge` in `net/ipv4/fib_trie.c`), so
    /// that `127.5.0.0/16` in `main` takes packets from `127.0.0.0/8` in `local`.
    fn is_longer_in_main(&self, local: &TableAnswer<'_>, query: &Query<'_>) -> bool {
        let (TableAnswer::Found(local) | TableAnswer::Discard(local)) = local else { return false };
        let Some(main) = self.table(TableId::MAIN) else { return false };
        match self.lookup_table(main, query) {
            TableAnswer::Found(route) | TableAnswer::Discard(route) => {
                route.dst.len() > local.dst.len()
            }
            TableAnswer::Nothing => false,
        }
    }

    fn lookup_table<'a>(&'a self, table: &'a Tables, query: &Query<'_>) -> TableAnswer<'a> {
        let is_v6 = query.dst.is_ipv6();
        // Among equal routes IPv6 prefers the one by the device the packet came in by.
        let wish = query.oif.or(query.iif).filter(|_| is_v6);
        let mut is_first = true;
        for routes in table.matching(&Prefix::host(query.dst)) {
            // Source-specific routes come first among those to one prefix. Where there are any
            // and none is for the source, IPv6 begins with a shorter prefix, even if there is a
            // route for every source too (`fib6_node_lookup_1` in `net/ipv6/ip6_fib.c`). The
            // default route is where it ends up when it finds nothing, so that one counts.
            let mut all = routes.iter().map(|&route_idx| &*self.routes[route_idx as usize]);
            if is_first
                && all
                    .next()
                    .is_some_and(|route| source_of(route).is_some() && !route.dst.is_default())
            {
                let is_for_source = |&route_idx: &u32| {
                    let route = &*self.routes[route_idx as usize];
                    source_of(route).is_some() && applies(route, query)
                };
                if !routes.iter().any(is_for_source) {
                    continue;
                }
            }
            is_first = false;
            let mut best: Option<&Route> = None;
            for &route_idx in routes {
                let route = &*self.routes[route_idx as usize];
                // Among routes of one prefix, order is metric and preference, so the first that
                // can be used is it; only a wish for a device makes a later one of the same
                // rank better.
                if best.is_some_and(|best| !same_rank(best, route)) {
                    break;
                }
                if !applies(route, query) {
                    continue;
                }
                let error = route.route_type.discards() || route.route_type == RouteType::Throw;
                // IPv4 looks at the type before it looks for a leg; IPv6 the other way around,
                // and its discarding routes are routes by way of `lo`.
                if error && !is_v6 {
                    return answer(route);
                }
                if !route.legs().any(|leg| usable(&leg, query)) {
                    continue;
                }
                match wish {
                    Some(device) if !leaves_by(route, device) => best = best.or(Some(route)),
                    _ => return answer(route),
                }
            }
            if let Some(route) = best {
                return answer(route);
            }
        }
        TableAnswer::Nothing
    }

    fn table(&self, table: TableId) -> Option<&Tables> {
        self.tables.get(*self.table_indices.get(&table)? as usize)
    }

    /// All routes of a table whose destination holds the address, the longest prefix first: the
    /// first is what a lookup takes, the others are what it shadows.
    pub fn matching(&self, table: TableId, address: IpAddr) -> impl Iterator<Item = &Route> {
        self.covering(table, Prefix::host(address))
    }

    /// All routes of a table whose destination covers the prefix or equals it, longest first.
    pub fn covering(&self, table: TableId, prefix: Prefix) -> impl Iterator<Item = &Route> {
        let groups = self.table(table).into_iter().flat_map(move |table| table.matching(&prefix));
        groups.flatten().map(|&route_idx| &*self.routes[route_idx as usize])
    }

    /// The routes of a table with exactly this destination, by metric.
    pub fn exact(&self, table: TableId, prefix: Prefix) -> impl Iterator<Item = &Route> {
        self.covering(table, prefix).take_while(move |route| route.dst == prefix)
    }

    /// All routes of a table to a part of the prefix, not to the whole: what would take packets
    /// away from a route to the prefix. In the order of their destinations.
    pub fn within(&self, table: TableId, prefix: Prefix) -> impl Iterator<Item = &Route> {
        let routes = self.table(table).map(|table| table.within(&prefix)).unwrap_or_default();
        routes.iter().map(|&route_idx| &*self.routes[route_idx as usize])
    }

    /// Whether the address is one of this host's own: the local table delivers it here.
    pub fn is_local(&self, address: IpAddr) -> bool {
        self.matching(TableId::LOCAL, address)
            .next()
            .is_some_and(|route| route.route_type == RouteType::Local)
    }
}

/// What the table says once a route is chosen.
#[inline]
fn answer(route: &Route) -> TableAnswer<'_> {
    match route.route_type {
        RouteType::Throw => TableAnswer::Nothing,
        kind if kind.discards() => TableAnswer::Discard(route),
        _ => TableAnswer::Found(route),
    }
}

/// Whether two routes of one prefix differ only in their way out, as far as a lookup cares.
fn same_rank(a: &Route, b: &Route) -> bool {
    a.metric == b.metric && a.pref == b.pref && source_of(a) == source_of(b)
}

/// Whether the route is for this kind of packet at all.
#[inline]
fn applies(route: &Route, query: &Query<'_>) -> bool {
    let Some(extra) = route.extra.as_deref() else { return true };
    // A source that is not chosen yet is `::`, which some prefixes hold.
    let src = query.src.unwrap_or(AddressFamily::V6.unspecified());
    extra.tos.is_none() && extra.from.is_none_or(|from| from.contains(src))
}

/// The sources a route is for, `None` for all.
#[inline]
fn source_of(route: &Route) -> Option<Prefix> {
    route.extra.as_deref().and_then(|extra| extra.from)
}

/// Whether one of the route's legs uses the device.
fn leaves_by(route: &Route, device: &str) -> bool {
    route.legs().any(|leg| leg.device.is_some_and(|name| name == *device))
}

/// Whether the kernel would use the leg for the query.
#[inline]
fn usable(leg: &Leg, query: &Query<'_>) -> bool {
    if leg.flags.has(RouteFlags::DEAD)
        || (query.ignore_linkdown && leg.flags.has(RouteFlags::LINKDOWN))
    {
        return false;
    }
    match query.oif {
        Some(oif) if query.wants_only_oif() => leg.device.is_some_and(|name| name == *oif),
        _ => true,
    }
}

impl Rules {
    fn new(
        family: AddressFamily,
        mut rules: Vec<IpRule>,
        table_indices: &HashMap<TableId, u32>,
    ) -> Self {
        let assumed = rules.is_empty();
        if assumed {
            rules = IpRule::defaults(family);
        }
        // Stable: the kernel keeps rules of one priority in the order it prints them in.
        rules.sort_by_key(|rule| rule.priority);
        let compiled = (0..rules.len()).map(|index| rules::compile(&rules, index, table_indices));
        let is_default = |rule: &IpRule, plain: IpRule| {
            // Who installed it is only printed by `ip -d`.
            *rule == IpRule { protocol: rule.protocol, ..plain }
        };
        let defaults = IpRule::defaults(family);
        let merged = family == AddressFamily::V4
            && rules.len() == defaults.len()
            && rules.iter().zip(defaults).all(|(rule, plain)| is_default(rule, plain));
        Self { compiled: compiled.collect(), by_priority: rules, assumed, merged }
    }
}
