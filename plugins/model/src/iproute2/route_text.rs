//! Routes from the text that `ip route` prints.
//!
//! Apart from the JSON form because the shapes differ; the words are read by the same
//! `route_builder`. It must not know the rest of the host's state.

use std::{iter::Peekable, str::SplitWhitespace};

use crate::{
    Problem,
    iproute2::{Route, RouteType, route_builder::RouteBuilder},
};

/// Metrics that have one value, in the words of `ip route`.
const METRICS: [&str; 14] = [
    "window",
    "rtt",
    "rttvar",
    "ssthresh",
    "cwnd",
    "advmss",
    "reordering",
    "hoplimit",
    "initcwnd",
    "features",
    "rto_min",
    "initrwnd",
    "quickack",
    "congctl",
];

/// Reads the routes of one host from the text of `ip route show table all`.
///
/// - Shape: one route for each line that is not indented; the indented `nexthop` lines behind it
///   are its legs. Words that are not known are passed over. As in the JSON form, a line without
///   `table` is in `main`.
/// - Errors: never fails; a line whose destination, type, metric, gateway or device cannot be
///   read becomes a [`Problem`].
/// - Source: output of iproute2 6.1.
pub fn parse_routes_text(text: &str) -> (Vec<Route>, Vec<Problem>) {
    let mut routes = Vec::new();
    let mut problems = Vec::new();
    let mut rest = text;
    let mut number = 1;
    while !rest.is_empty() {
        let (block, n_lines) = first_block(rest);
        routes.extend(read_block(block, number, &mut problems));
        rest = &rest[block.len()..];
        number += n_lines;
    }
    (routes, problems)
}

/// The lines of the first route of a text that is not empty, and how many they are; a line without
/// words is a block of its own.
pub(super) fn first_block(text: &str) -> (&str, usize) {
    let line = |from: usize| text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
    let mut end = line(0);
    let mut n_lines = 1;
    if !text[..end].trim().is_empty() {
        while text[end..].starts_with(['\t', ' ']) {
            end = line(end);
            n_lines += 1;
        }
    }
    (&text[..end], n_lines)
}

/// Reads one block, which begins on the line of this number.
pub(super) fn read_block(block: &str, number: usize, problems: &mut Vec<Problem>) -> Option<Route> {
    let mut lines = block.lines();
    let line = lines.next().filter(|line| !line.trim().is_empty())?;
    let mut builder = RouteBuilder::new();
    let mut has_via = read_route(line, &mut builder);
    for leg in lines {
        // `ip -d route` also prints the nexthop object, which says nothing new.
        if let Some(leg) = leg.trim_start().strip_prefix("nexthop ") {
            has_via |= read_leg(leg, &mut builder);
        }
    }
    let place = format!("line {number}");
    let (route, complaints) = builder.finish(has_via);
    for what in complaints {
        problems.push(Problem::new(place.clone(), line, what));
    }
    match route {
        Ok(route) => Some(route),
        Err(what) => {
            problems.push(Problem::new(place, line, what));
            None
        }
    }
}

type Words<'a> = Peekable<SplitWhitespace<'a>>;

/// Reads one line; returns whether it names a gateway of the other family.
fn read_route(line: &str, builder: &mut RouteBuilder) -> bool {
    let mut words = line.split_whitespace().peekable();
    let mut has_via = false;
    if let Some(word) = words.next_if(|word| RouteType::parse(word).is_some()) {
        builder.route_type(word);
    }
    builder.dst(words.next().unwrap_or_default());
    while let Some(word) = words.next() {
        let mut with = |set: fn(&mut RouteBuilder, &str)| {
            set(builder, words.next().unwrap_or_default());
        };
        match word {
            "via" => has_via |= read_gateway(&mut words, builder, RouteBuilder::gateway),
            "dev" => with(RouteBuilder::device),
            "proto" => with(RouteBuilder::protocol),
            "scope" => with(RouteBuilder::scope),
            "src" => with(RouteBuilder::prefsrc),
            "metric" => with(RouteBuilder::metric),
            "table" => with(RouteBuilder::table),
            "pref" => with(RouteBuilder::pref),
            "from" => with(RouteBuilder::from),
            "nhid" => with(RouteBuilder::nhid),
            "tos" => with(RouteBuilder::tos),
            "expires" => with(RouteBuilder::expires),
            "mtu" => read_mtu(&mut words, builder),
            "encap" => read_encap(&mut words, builder),
            "realm" | "realms" => {
                builder.realm(&format!("{word} {}", words.next().unwrap_or_default()));
            }
            _ if METRICS.contains(&word) => read_metric(word, &mut words, builder),
            _ => {
                builder.flag(word);
            }
        }
    }
    has_via
}

/// Reads what follows `nexthop`; returns whether it names a gateway of the other family.
fn read_leg(line: &str, builder: &mut RouteBuilder) -> bool {
    builder.start_leg();
    let mut words = line.split_whitespace().peekable();
    let mut has_via = false;
    while let Some(word) = words.next() {
        match word {
            "via" => has_via |= read_gateway(&mut words, builder, RouteBuilder::leg_gateway),
            "dev" => builder.leg_device(words.next().unwrap_or_default()),
            "weight" => builder.leg_weight(words.next().unwrap_or_default()),
            _ => builder.leg_flag(word),
        }
    }
    has_via
}

/// Reads `ADDRESS`, or `inet6 ADDRESS` for a gateway of the other family.
fn read_gateway(
    words: &mut Words<'_>,
    builder: &mut RouteBuilder,
    set: fn(&mut RouteBuilder, &str),
) -> bool {
    let has_via = words.next_if(|word| matches!(*word, "inet" | "inet6")).is_some();
    set(builder, words.next().unwrap_or_default());
    has_via
}

/// Reads `1400`, or `lock 1400` for an MTU that path MTU discovery must not lower.
fn read_mtu(words: &mut Words<'_>, builder: &mut RouteBuilder) {
    words.next_if_eq(&"lock");
    builder.mtu(words.next().unwrap_or_default());
}

fn read_metric(name: &str, words: &mut Words<'_>, builder: &mut RouteBuilder) {
    // As with the MTU, the JSON form does not say `lock`.
    words.next_if_eq(&"lock");
    builder.other_metric(&format!("{name} {}", words.next().unwrap_or_default()));
}

/// Reads the kind of a lightweight tunnel and passes over its parameters, which end where the
/// way out begins: their words (`src`, `dst`, `tos`) would be taken for the route's.
fn read_encap(words: &mut Words<'_>, builder: &mut RouteBuilder) {
    builder.encap(words.next().unwrap_or_default());
    while words.next_if(|word| !matches!(*word, "via" | "dev" | "proto" | "scope")).is_some() {}
}
