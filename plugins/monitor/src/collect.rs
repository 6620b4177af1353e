//! Asks: the relay, or one stream of each agent, and the objects that give names; then waits for
//! all of them.
//!
//! The only file that waits. What comes is handed on at once and nothing of it is kept.

mod account;
mod relay;
mod stream;
mod streams;

use std::rc::Rc;
use std::time::Duration;

use lab_model::cilium::{CiliumEndpoint, CiliumNode};
use lab_model::kubernetes::{Node, Pod, Service};
use lab_model::monitor::Event;
use lab_plugin::hosts::{self, Kind};
use lab_plugin::{Change, Failure, Selection, Source, Ticker, Watch, inbox, partial};
use serde::de::DeserializeOwned;

use crate::names::{Fact, Names, Origin};
use crate::objects::{Identity, Naming};
use crate::rows::StreamRow;
use streams::Streams;

pub use stream::{COMMANDS, Format, Via};

/// Ticks of a fifth of a second: a terminal shows no more pictures, and rates need a beat.
const TICK: Duration = Duration::from_millis(200);
/// Ticks for which the first names are waited for; a cluster that answers has sent them by then.
const NAMES_WITHIN: u32 = 50;

/// Kinds of objects with the reason for each, as the card declares them.
pub const KINDS: [(&str, &str); 6] = [
    ("v1/Pod", "the addresses of pods"),
    ("v1/Service", "the addresses of services"),
    ("v1/Node", "the addresses of nodes, and which agents come and go"),
    (
        "cilium.io/v2/CiliumEndpoint",
        "the numbers of endpoints, which events have in place of addresses",
    ),
    ("cilium.io/v2/CiliumNode", "the addresses that Cilium gives to nodes"),
    ("cilium.io/v2/CiliumIdentity", "the labels of identities"),
];

/// What is asked of the agents.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Kinds of events in the agent's words; all when empty. Who asks filters again.
    pub types: Vec<&'static str>,
    /// How deep.
    pub format: Format,
    /// Who is asked.
    pub via: Via,
}

/// Where and when an event was seen.
pub struct Seen<'s> {
    /// The node.
    pub node: &'s Rc<str>,
    /// When it came; none in a recording.
    pub time: Option<i64>,
    /// Names as of now.
    pub names: &'s Names,
}

/// Whoever takes events.
pub trait Sink {
    /// Takes an event.
    ///
    /// # Errors
    /// [`Failure::Stopped`] when nobody reads any more.
    fn event(&mut self, event: &Event<'_>, seen: &Seen<'_>) -> Result<(), Failure>;

    /// Everything that has come so far was handed over; `is_tick` when a fifth of a second has
    /// passed.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn show(&mut self, names: &Names, is_tick: bool) -> Result<(), Failure>;
}

/// What is left when all streams have ended, or the user has stopped them.
pub struct Ended {
    /// Names as of the end.
    pub names: Names,
    /// The streams, by node.
    pub streams: Vec<StreamRow>,
}

/// Follows the agents of all nodes, until nothing more can come or the user stops it.
///
/// # Errors
/// Only when the hosts cannot be listed, or nobody reads any more.
pub fn follow(ask: &Ask, sink: &mut impl Sink) -> Result<Ended, Failure> {
    let ticker = Ticker::every(TICK);
    let mut clock = Clock::default();
    let mut names = Names::default();
    for host in hosts::list()?.iter().filter(|host| host.kind == Kind::Extra) {
        let addresses = host.addresses.iter().filter_map(|text| text.parse().ok());
        let facts = addresses.map(Fact::Address).collect();
        names.upsert(Origin::Host, &host.name, &host.name, facts);
    }
    let mut watches = Watches::start();
    while !watches.are_synced() && clock.ticks < NAMES_WITHIN {
        let Some(ready) = inbox::wait() else { break };
        clock.take(&ready, &ticker);
        watches.take(&ready, &mut names);
    }
    let mut streams = Streams::start(ask.clone(), &nodes()?)?;
    while streams.are_open() {
        let Some(ready) = inbox::wait() else { break };
        let is_tick = clock.take(&ready, &ticker);
        names.at(clock.seconds());
        if watches.take(&ready, &mut names) {
            streams.follow(&nodes()?);
        }
        streams.take(&ready, |event, node| {
            sink.event(event, &Seen { node, time: inbox_time(&clock), names: &names })
        })?;
        if is_tick {
            streams.tick();
            clock.now = inbox::now();
        }
        sink.show(&names, is_tick)?;
    }
    streams.finish(|event, node| {
        sink.event(event, &Seen { node, time: inbox_time(&clock), names: &names })
    })?;
    sink.show(&names, false)?;
    streams.report()?;
    Ok(Ended { names, streams: streams.rows() })
}

fn inbox_time(clock: &Clock) -> Option<i64> {
    clock.now
}

fn nodes() -> Result<Vec<String>, Failure> {
    let all = hosts::list()?;
    Ok(all.into_iter().filter(|host| host.kind == Kind::Node).map(|host| host.name).collect())
}

/// Time in ticks, and the moment that events of this wait came.
#[derive(Default)]
struct Clock {
    ticks: u32,
    now: Option<i64>,
}

impl Clock {
    /// A wait has ended; true when it has ticked.
    fn take(&mut self, ready: &[Source], ticker: &Ticker) -> bool {
        self.now = inbox::now();
        let is_tick = ready.contains(&ticker.source());
        if is_tick {
            self.ticks = self.ticks.saturating_add(ticker.take());
        }
        is_tick
    }

    fn seconds(&self) -> u64 {
        u64::from(self.ticks / 5)
    }
}

/// Everything that gives names.
struct Watches {
    pods: Option<Named<Pod>>,
    services: Option<Named<Service>>,
    nodes: Option<Named<Node>>,
    endpoints: Option<Named<CiliumEndpoint>>,
    cilium_nodes: Option<Named<CiliumNode>>,
    identities: Option<Named<Identity>>,
}

/// One kind that is followed.
struct Named<T> {
    watch: Watch<T>,
    is_synced: bool,
}

impl Watches {
    fn start() -> Self {
        let select = |kind: &str, keep: &[&str]| {
            let (api_version, kind) = kind.rsplit_once('/').unwrap_or(("v1", kind));
            keep.iter().fold(Selection::new(api_version, kind), |of, path| of.keep(path))
        };
        let pod = ["status.podIP", "status.podIPs", "status.phase", "spec.hostNetwork"];
        let endpoint = ["status.id", "status.networking"];
        Self {
            pods: Named::start(select("v1/Pod", &pod)),
            services: Named::start(select("v1/Service", &["spec.clusterIP", "spec.clusterIPs"])),
            nodes: Named::start(select("v1/Node", &["status.addresses"])),
            endpoints: Named::start(select("cilium.io/v2/CiliumEndpoint", &endpoint)),
            cilium_nodes: Named::start(select(
                "cilium.io/v2/CiliumNode",
                &["spec.addresses", "spec.health"],
            )),
            identities: Named::start(select("cilium.io/v2/CiliumIdentity", &["security-labels"])),
        }
    }

    fn are_synced(&self) -> bool {
        fn is<T>(of: Option<&Named<T>>) -> bool {
            of.is_none_or(|named| named.is_synced)
        }
        is(self.pods.as_ref())
            && is(self.services.as_ref())
            && is(self.nodes.as_ref())
            && is(self.endpoints.as_ref())
            && is(self.cilium_nodes.as_ref())
            && is(self.identities.as_ref())
    }

    /// Takes what has come; true when there are other nodes than before.
    fn take(&mut self, ready: &[Source], names: &mut Names) -> bool {
        take(&mut self.pods, ready, names);
        take(&mut self.services, ready, names);
        take(&mut self.endpoints, ready, names);
        take(&mut self.cilium_nodes, ready, names);
        take(&mut self.identities, ready, names);
        take(&mut self.nodes, ready, names)
    }
}

impl<T: DeserializeOwned + Naming> Named<T> {
    /// Without this kind there are fewer names, which is said and no reason to stop.
    fn start(of: Selection) -> Option<Self> {
        let kind = of.kind.clone();
        match of.watch() {
            Ok(watch) => Some(Self { watch, is_synced: false }),
            Err(failure) => {
                partial(&kind, &failure);
                None
            }
        }
    }
}

/// Takes the changes of a kind; true when objects came or went after the first ones.
fn take<T: DeserializeOwned + Naming>(
    slot: &mut Option<Named<T>>,
    ready: &[Source],
    names: &mut Names,
) -> bool {
    let Some(kind) = slot else { return false };
    if !ready.contains(&kind.watch.source()) {
        return false;
    }
    let changes = match kind.watch.take() {
        Ok(changes) => changes,
        Err(failure) => {
            partial(&format!("{:?}", T::ORIGIN), &failure);
            *slot = None;
            return false;
        }
    };
    let mut has_changed = false;
    for change in changes {
        match change {
            Ok(Change::Added(object)) => {
                object.upsert(names);
                has_changed |= kind.is_synced;
            }
            Ok(Change::Modified(object)) => object.upsert(names),
            Ok(Change::Deleted(object)) => {
                object.remove(names);
                has_changed = true;
            }
            Ok(Change::Synced) => {
                names.synced(T::ORIGIN);
                kind.is_synced = true;
            }
            Ok(Change::Restarted) => names.restart(T::ORIGIN),
            // One object that cannot be read costs its name.
            Err(failure) => partial(&format!("{:?}", T::ORIGIN), &failure),
        }
    }
    has_changed
}
