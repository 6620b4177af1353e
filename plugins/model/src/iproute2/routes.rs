//! Routes from the JSON that `ip -j route` prints.
//!
//! Apart from the text form because the shapes differ; the words are read by the same
//! `route_builder`. It must not know the rest of the host's state.

use std::borrow::Cow;

use crate::{
    Problem,
    iproute2::{Route, route_builder::RouteBuilder, route_plain},
    scan::{Broken, Scanner},
};

/// Bytes of one entry, fewer than nearly all real ones have, to size the result once: growing
/// copies a thousand routes.
const ENTRY_BYTES: usize = 80;

/// Reads the routes of one host from `ip -j route show table all`.
///
/// - Shape: one JSON array of both families, also that of `ip -j -d route` and of
///   `ip -j -6 route`; unknown keys are ignored; `dst` is `default`, an address, or a prefix. A
///   route without `table` is in `main`, so the output for another single table
///   (`show table 2005`) must not be read with this, as it does not name the table either.
/// - Units: `metric` as the kernel counts, lower wins; `mtu` in bytes, absent when the device
///   decides.
/// - Errors: never fails. An entry without `dst`, or with a destination, type, table, metric,
///   gateway or device that cannot be read, becomes a [`Problem`] and the others are kept; an
///   unreadable scope, source or other metric is left out and reported. Text that is cut off
///   keeps what came before the cut.
/// - Source: output of iproute2 6.1.
pub fn parse_routes(text: &str) -> (Vec<Route>, Vec<Problem>) {
    parse_with(text, route_plain::read)
}

/// The same with a shortcut that is asked first for each entry: for a record, and how many bytes
/// the entry has.
pub(super) fn parse_with<R: From<Route>>(
    text: &str,
    mut shortcut: impl FnMut(&[u8]) -> Option<(R, usize)>,
) -> (Vec<R>, Vec<Problem>) {
    let mut routes = Vec::with_capacity(text.len() / ENTRY_BYTES);
    let mut problems = Vec::new();
    let mut scanner = Scanner::new(text);
    let mut n_entries = 0;
    if scanner.peek() == 0 && scanner.rest().is_empty() {
        problems.push(Problem::new("entry 1", text, "the output is empty"));
        return (routes, problems);
    }
    let mut start = 0;
    let read = scanner.array(|scanner| {
        scanner.peek();
        start = scanner.at();
        n_entries += 1;
        if let Some((route, n_bytes)) = shortcut(scanner.rest_bytes()) {
            scanner.advance(n_bytes);
            routes.push(route);
            return Ok(());
        }
        let (route, complaints) = read_route(scanner)?;
        for what in complaints {
            problems.push(Problem::new(format!("entry {n_entries}"), scanner.since(start), what));
        }
        match route {
            Ok(route) => routes.push(route.into()),
            // Empty objects stand for what a filter left out.
            Err(_) if scanner.since(start).len() <= 4 => {}
            Err(what) => {
                let line = scanner.since(start);
                problems.push(Problem::new(format!("entry {n_entries}"), line, what));
            }
        }
        Ok(())
    });
    let read = read.and_then(|()| match scanner.peek() {
        0 => Ok(()),
        _ => Err(Broken("there is text behind the array")),
    });
    if let Err(Broken(what)) = read {
        let line = text.get(start..).unwrap_or_default();
        problems.push(Problem::new(format!("entry {}", n_entries.max(1)), line, what));
    }
    // Kept as long as the host is known: of a thousand hosts the rest would be 20 MB.
    routes.shrink_to_fit();
    (routes, problems)
}

type Built = (Result<Route, String>, Vec<String>);

/// Reads an entry of any shape.
pub(super) fn read_route(scanner: &mut Scanner<'_>) -> Result<Built, Broken> {
    let mut builder = RouteBuilder::new();
    let mut has_via = false;
    scanner.object(|scanner, key| match key {
        "dst" => word(scanner, key, &mut builder, RouteBuilder::dst),
        "gateway" => word(scanner, key, &mut builder, RouteBuilder::gateway),
        "dev" => word(scanner, key, &mut builder, RouteBuilder::device),
        "protocol" => word(scanner, key, &mut builder, RouteBuilder::protocol),
        "scope" => word(scanner, key, &mut builder, RouteBuilder::scope),
        "prefsrc" => word(scanner, key, &mut builder, RouteBuilder::prefsrc),
        "type" => word(scanner, key, &mut builder, RouteBuilder::route_type),
        "table" => word(scanner, key, &mut builder, RouteBuilder::table),
        "metric" => word(scanner, key, &mut builder, RouteBuilder::metric),
        "pref" => word(scanner, key, &mut builder, RouteBuilder::pref),
        "flags" => words(scanner, |flag| {
            builder.flag(flag);
        }),
        "metrics" => read_metrics(scanner, &mut builder),
        "nexthops" => read_legs(scanner, &mut builder, &mut has_via),
        "via" => {
            has_via = true;
            read_via(scanner, |host| builder.gateway(host))
        }
        "from" => word(scanner, key, &mut builder, RouteBuilder::from),
        "nhid" => word(scanner, key, &mut builder, RouteBuilder::nhid),
        "tos" => word(scanner, key, &mut builder, RouteBuilder::tos),
        "encap" => word(scanner, key, &mut builder, RouteBuilder::encap),
        "expires" => word(scanner, key, &mut builder, RouteBuilder::expires),
        "flow" => read_realm(scanner, &mut builder),
        _ => scanner.skip(),
    })?;
    Ok(builder.finish(has_via))
}

/// Hands a scalar to the builder; an array or object in its place is what cannot be read.
#[inline]
fn word(
    scanner: &mut Scanner<'_>,
    key: &str,
    builder: &mut RouteBuilder,
    set: impl FnOnce(&mut RouteBuilder, &str),
) -> Result<(), Broken> {
    match scanner.scalar()? {
        Some(word) => set(builder, &word),
        // An empty word is none of the builder's, so it says which one it was.
        None if matches!(key, "dst" | "type" | "gateway" | "dev" | "metric" | "from") => {
            set(builder, "");
        }
        None => builder.complaints.push(format!("{key} cannot be read")),
    }
    Ok(())
}

/// Reads an array of words; another kind of value counts as none.
#[inline]
fn words(scanner: &mut Scanner<'_>, mut each: impl FnMut(&str)) -> Result<(), Broken> {
    if scanner.peek() != b'[' {
        return scanner.skip();
    }
    scanner.array(|scanner| {
        if let Some(word) = scanner.scalar()? {
            each(&word);
        }
        Ok(())
    })
}

/// Reads an array of objects; another kind of value counts as none.
fn objects<'a>(
    scanner: &mut Scanner<'a>,
    mut each: impl FnMut(&mut Scanner<'a>) -> Result<(), Broken>,
) -> Result<(), Broken> {
    if scanner.peek() != b'[' {
        return scanner.skip();
    }
    scanner.array(|scanner| if scanner.peek() == b'{' { each(scanner) } else { scanner.skip() })
}

fn read_metrics(scanner: &mut Scanner<'_>, builder: &mut RouteBuilder) -> Result<(), Broken> {
    objects(scanner, |scanner| {
        scanner.object(|scanner, key| {
            let Some(value) = scanner.scalar()? else { return Ok(()) };
            match key {
                "mtu" => builder.mtu(&value),
                // Names and units as in the text form.
                "ecn" | "tcp_usec_ts" => builder.other_metric(&format!("features {key}")),
                "congestion" => builder.other_metric(&format!("congctl {value}")),
                "rtt" | "rttvar" | "rto_min" => builder.other_metric(&format!("{key} {value}ms")),
                _ => builder.other_metric(&format!("{key} {value}")),
            }
            Ok(())
        })
    })
}

fn read_legs(
    scanner: &mut Scanner<'_>,
    builder: &mut RouteBuilder,
    has_via: &mut bool,
) -> Result<(), Broken> {
    objects(scanner, |scanner| {
        builder.start_leg();
        scanner.object(|scanner, key| match key {
            "gateway" => word(scanner, key, builder, RouteBuilder::leg_gateway),
            "dev" => word(scanner, key, builder, RouteBuilder::leg_device),
            "weight" => word(scanner, key, builder, RouteBuilder::leg_weight),
            "flags" => words(scanner, |flag| builder.leg_flag(flag)),
            "via" => {
                *has_via = true;
                read_via(scanner, |host| builder.leg_gateway(host))
            }
            _ => scanner.skip(),
        })
    })
}

/// Reads the gateway of the other family: `{"family":"inet6","host":"fe80::1"}`.
fn read_via(scanner: &mut Scanner<'_>, set: impl FnOnce(&str)) -> Result<(), Broken> {
    let mut host = None;
    if scanner.peek() == b'{' {
        scanner.object(|scanner, key| match key {
            "host" => scanner.scalar().map(|word| host = word),
            _ => scanner.skip(),
        })?;
    } else {
        host = scanner.scalar()?;
    }
    set(&host.unwrap_or(Cow::Borrowed("")));
    Ok(())
}

/// Reads `{"from":"1","to":"5"}`, printed as `realms 1/5`, or `realm 5` without the first.
fn read_realm(scanner: &mut Scanner<'_>, builder: &mut RouteBuilder) -> Result<(), Broken> {
    if scanner.peek() != b'{' {
        return scanner.skip();
    }
    let (mut from, mut to) = (None, None);
    scanner.object(|scanner, key| match key {
        "from" => scanner.scalar().map(|word| from = word),
        "to" => scanner.scalar().map(|word| to = word),
        _ => scanner.skip(),
    })?;
    match (from, to) {
        (Some(from), Some(to)) => builder.realm(&format!("realms {from}/{to}")),
        (None, Some(to)) => builder.realm(&format!("realm {to}")),
        _ => {}
    }
    Ok(())
}
