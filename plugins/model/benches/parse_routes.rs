//! Nanoseconds for each route read, built and looked up, next to serde's reading of the same.
//!
//! `cargo bench -p lab-model`; for wasm, run the built file with any runtime.
#![expect(clippy::print_stdout, reason = "the numbers are its output")]

use std::{
    borrow::Cow,
    fmt::Write as _,
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use lab_model::{
    Prefix,
    fib::{Fib, Query},
    iproute2::{IpRule, Route, TableId, parse_routes},
};
use serde::Deserialize;

const N_ROUTES: u32 = 1000;
const ROUNDS: u32 = 300;

/// What a plain deserialisation would look like: as borrowed as serde can.
#[derive(Deserialize)]
struct Peer<'a> {
    #[serde(borrow)]
    dst: Cow<'a, str>,
    #[serde(borrow, default, rename = "type")]
    route_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    gateway: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    dev: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    table: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    protocol: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    scope: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    prefsrc: Option<Cow<'a, str>>,
    #[serde(default)]
    metric: Option<u32>,
    #[serde(borrow, default)]
    flags: Vec<Cow<'a, str>>,
}

/// The same record out of the peer's fields, so that both end with the same thing.
fn convert(peer: &Peer<'_>) -> Route {
    let mut route = Route::to(Prefix::parse(&peer.dst).unwrap_or(Prefix::DEFAULT_V4));
    route.gateway = peer.gateway.as_deref().and_then(|text| text.parse().ok());
    route.prefsrc = peer.prefsrc.as_deref().and_then(|text| text.parse().ok());
    route.device = peer.dev.as_deref().and_then(lab_model::iproute2::DeviceName::new);
    route.table = peer.table.as_deref().map_or(TableId::MAIN, TableId::parse);
    route.protocol = peer
        .protocol
        .as_deref()
        .map_or_else(Default::default, lab_model::iproute2::Protocol::parse);
    route.scope =
        peer.scope.as_deref().and_then(lab_model::iproute2::Scope::parse).unwrap_or_default();
    route.route_type = peer
        .route_type
        .as_deref()
        .and_then(lab_model::iproute2::RouteType::parse)
        .unwrap_or_default();
    route.metric = peer.metric.unwrap_or_default();
    black_box(peer.flags.len());
    route
}

/// A node of a large cluster with direct routes: one for each other node.
fn output() -> String {
    let mut text = String::from("[");
    for i in 0..N_ROUTES {
        let (a, b) = (i / 250, i % 250);
        write!(
            text,
            r#"{{"dst":"172.{}.{b}.0/24","gateway":"192.168.{a}.{b}","dev":"eth1","protocol":"kernel","flags":[]}},"#,
            20 + a
        )
        .unwrap_or_default();
    }
    text.push_str(r#"{"type":"local","dst":"192.168.10.100","dev":"eth1","table":"local","protocol":"kernel","scope":"host","prefsrc":"192.168.10.100","flags":[]},{"dst":"default","gateway":"10.0.2.2","dev":"eth0","flags":[]}]"#);
    text
}

/// Best nanoseconds for each item over some batches: the least disturbed one.
fn measure(items: u32, mut once: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        for _ in 0..ROUNDS / 10 {
            once();
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / f64::from(items * (ROUNDS / 10))
}

fn main() {
    let text = output();
    println!("{} bytes, {} a route", text.len(), text.len() / N_ROUTES as usize);
    let ours = measure(N_ROUTES, || {
        black_box(parse_routes(black_box(&text)));
    });
    let serde = measure(N_ROUTES, || {
        let peers: Vec<Peer<'_>> = serde_json::from_str(black_box(&text)).unwrap_or_default();
        black_box(peers.iter().map(convert).collect::<Vec<_>>());
    });
    println!("parse  {ours:7.1} ns a route; serde {serde:.1} ns, {:.2} times ours", serde / ours);

    let (routes, problems) = parse_routes(&text);
    println!(
        "{} routes of {} bytes, {} problems",
        routes.len(),
        size_of::<Route>(),
        problems.len()
    );
    let clone = measure(N_ROUTES, || {
        black_box(routes.clone());
    });
    let build = measure(N_ROUTES, || {
        black_box(Fib::new(Vec::new(), black_box(routes.clone())));
    });
    println!("build  {:7.1} ns a route", build - clone);

    let queries: Vec<IpAddr> = (0..N_ROUTES)
        .map(|i| i.wrapping_mul(2_654_435_761) % N_ROUTES)
        .map(|i| {
            Ipv4Addr::new(
                172,
                20 + u8::try_from(i / 250).unwrap_or(0),
                u8::try_from(i % 250).unwrap_or(0),
                7,
            )
            .into()
        })
        .collect();
    let mut cilium = IpRule::defaults(lab_model::AddressFamily::V4);
    cilium.insert(
        1,
        IpRule {
            mark: Some(lab_model::iproute2::Mark { value: 0x200, mask: 0xf00 }),
            ..IpRule::lookup(lab_model::AddressFamily::V4, 9, TableId(2004))
        },
    );
    for (name, rules) in [("default rules", Vec::new()), ("one rule more", cilium)] {
        let fib = Fib::new(rules, routes.clone());
        let lookup = measure(N_ROUTES, || {
            for dst in &queries {
                black_box(fib.lookup(&Query::to(black_box(*dst))).route());
            }
        });
        println!("lookup {lookup:7.1} ns with {name}");
    }
}
