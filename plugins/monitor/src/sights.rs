//! Where the packets of a pair were seen, and where last.
//!
//! Apart from the prediction, which reads routing tables: this is what happened. It must not
//! conclude more than the events say.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lab_model::monitor::{Event, Kind, Point};
use lab_plugin::{Health, Level, Timestamp};

use crate::rows::SightRow;
use crate::show;

/// Kinds of packets that are told of one place.
const PACKETS: usize = 4;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the first of the pair to the second.
    There,
    /// And back.
    Back,
}

impl Way {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Back => "back",
        }
    }
}

/// A place on the way: in the order in which packets come by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    way: Way,
    stage: u8,
    node: Rc<str>,
    point: String,
    interface: String,
}

#[derive(Clone, Debug, Default)]
struct Sight {
    count: u64,
    packets: BTreeSet<String>,
    last: Option<i64>,
    raw: String,
    is_drop: bool,
}

/// Everything that was seen of a pair.
#[derive(Debug, Default)]
pub struct Sights {
    places: BTreeMap<Place, Sight>,
}

/// What the events say of one way.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// In one word.
    pub word: Health,
    /// Where last, in words.
    pub last: Option<String>,
    /// The node of it, and the record word for word.
    pub evidence: Option<(Rc<str>, String)>,
    /// Whether packets left a node and arrived nowhere.
    pub is_lost: bool,
}

/// Stages of a way; a packet that is seen at a later one came that far.
fn stage(event: &Event<'_>) -> u8 {
    match (event.kind, event.point) {
        (Kind::Drop, _) => 6,
        (_, Some(Point::FromEndpoint)) => 1,
        (
            _,
            Some(
                Point::ToProxy
                | Point::FromProxy
                | Point::ToHost
                | Point::FromHost
                | Point::ToStack
                | Point::FromStack
                | Point::ToCrypto
                | Point::FromCrypto,
            ),
        ) => 2,
        (_, Some(Point::ToOverlay | Point::ToNetwork)) => 3,
        (_, Some(Point::FromNetwork | Point::FromOverlay)) => 4,
        (_, Some(Point::ToEndpoint)) => 5,
        _ => 0,
    }
}

impl Sights {
    /// Takes an event of a packet that goes this way.
    pub fn add(&mut self, way: Way, event: &Event<'_>, node: &Rc<str>, time: Option<i64>) {
        let stage = stage(event);
        if !matches!(event.kind, Kind::Trace | Kind::Drop) || stage == 0 {
            return;
        }
        let point = match (&event.drop, event.point) {
            (Some(drop), _) => format!("dropped: {}", show::words(drop)),
            (None, Some(point)) => point.as_str().to_owned(),
            (None, None) => return,
        };
        let interface =
            if event.kind == Kind::Trace { event.interface.to_string() } else { String::new() };
        let sight = self
            .places
            .entry(Place { way, stage, node: node.clone(), point, interface })
            .or_default();
        sight.count += 1;
        sight.is_drop = event.kind == Kind::Drop;
        sight.last = event.time.or(time).or(sight.last);
        if sight.packets.len() < PACKETS {
            let flags = if event.flags.is_empty() {
                event.message.to_string()
            } else {
                event.flags.to_string()
            };
            sight.packets.insert(format!("{} {flags}", event.protocol.as_str()).trim().to_owned());
        }
        if sight.raw.is_empty() {
            sight.raw = event.raw.chars().take(1000).collect();
        }
    }

    /// A row for each place.
    pub fn rows(&self) -> Vec<SightRow> {
        self.places
            .iter()
            .map(|(place, sight)| SightRow {
                way: place.way.word(),
                node: place.node.to_string(),
                point: place.point.clone(),
                interface: place.interface.clone(),
                count: i64::try_from(sight.count).unwrap_or(i64::MAX),
                packets: sight.packets.iter().cloned().collect::<Vec<_>>().join(", "),
                last_seen: sight.last.map(Timestamp),
            })
            .collect()
    }

    /// What the events say of one way. `receiver` is the node of the one that is to get it.
    pub fn seen(&self, way: Way, receiver: Option<&str>) -> Seen {
        let of_way = || self.places.iter().filter(move |(place, _)| place.way == way);
        let nothing = Seen {
            word: Health(Level::Unknown, "not seen".to_owned()),
            last: None,
            evidence: None,
            is_lost: false,
        };
        let Some((place, sight)) = of_way().next_back() else { return nothing };
        let arrived = of_way().find(|(place, _)| place.stage == 5);
        let evidence = Some((place.node.clone(), sight.raw.clone()));
        if let (true, Some((arrived, _))) = (sight.is_drop, &arrived) {
            // Some arrive and some do not: another port, or another moment.
            let last =
                format!("arrives on {}, and {} on {}", arrived.node, place.point, place.node);
            let word = Health(Level::Warn, "partly dropped".to_owned());
            return Seen { word, last: Some(last), evidence, is_lost: false };
        }
        if sight.is_drop {
            let last = format!("{} on {}", place.point, place.node);
            let word = Health(Level::Bad, "dropped".to_owned());
            return Seen { word, last: Some(last), evidence, is_lost: false };
        }
        if let Some((arrived, _)) = arrived {
            let last = format!("reaches the endpoint on {}", arrived.node);
            let word = Health(Level::Good, "arrives".to_owned());
            return Seen { word, last: Some(last), evidence, is_lost: false };
        }
        let by = if place.interface.is_empty() {
            String::new()
        } else {
            format!(" by {}", place.interface)
        };
        let last = format!("leaves {}{by} ({})", place.node, place.point);
        let is_lost = place.stage == 3 && receiver.is_some_and(|node| *node != *place.node);
        let last = match receiver {
            Some(node) if is_lost => format!("{last}, never seen on {node}"),
            _ => last,
        };
        let word = if is_lost { (Level::Bad, "lost") } else { (Level::Unknown, "on its way") };
        Seen { word: Health(word.0, word.1.to_owned()), last: Some(last), evidence, is_lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_model::monitor::parse_text_line;

    const LEAVES: &str = "-> network flow 0x0 , identity 46329->8534 state new ifindex eth1 orig-ip 0.0.0.0: 172.20.0.148 -> 172.20.1.7 icmp EchoRequest";
    const ARRIVES: &str = "-> endpoint 775 flow 0x0 , identity 46329->8534 state new ifindex lxc1 orig-ip 172.20.0.148: 172.20.0.148 -> 172.20.1.7 icmp EchoRequest";
    const DENIED: &str = "xx drop (Policy denied) flow 0x0 to endpoint 775, ifindex 3, file bpf_lxc.c:2127, , identity 46329->8534: 172.20.0.148 -> 172.20.1.7 icmp EchoRequest";

    fn check(lines: &[(&str, &str)], word: &str, last: Option<&str>, is_lost: bool) {
        let mut sights = Sights::default();
        for (node, line) in lines {
            let event = parse_text_line(line).unwrap();
            sights.add(Way::There, &event, &Rc::from(*node), None);
        }
        let seen = sights.seen(Way::There, Some("k8s-w0"));
        assert_eq!(
            (seen.word.1.as_str(), seen.last.as_deref(), seen.is_lost),
            (word, last, is_lost)
        );
    }

    #[test]
    fn what_leaves_and_is_not_seen_again_is_lost() {
        let last = "leaves k8s-ctr by eth1 (to-network), never seen on k8s-w0";
        check(&[("k8s-ctr", LEAVES)], "lost", Some(last), true);
        let both = [("k8s-ctr", LEAVES), ("k8s-w0", ARRIVES)];
        check(&both, "arrives", Some("reaches the endpoint on k8s-w0"), false);
        let denied = [("k8s-ctr", LEAVES), ("k8s-w0", DENIED)];
        check(&denied, "dropped", Some("dropped: Policy denied on k8s-w0"), false);
        let partly = [("k8s-w0", ARRIVES), ("k8s-w0", DENIED)];
        let last = "arrives on k8s-w0, and dropped: Policy denied on k8s-w0";
        check(&partly, "partly dropped", Some(last), false);
        check(&[], "not seen", None, false);
    }

    #[test]
    fn without_the_receivers_node_nothing_is_called_lost() {
        let mut sights = Sights::default();
        sights.add(Way::There, &parse_text_line(LEAVES).unwrap(), &"k8s-ctr".into(), None);
        assert!(!sights.seen(Way::There, None).is_lost);
        assert!(!sights.seen(Way::There, Some("k8s-ctr")).is_lost);
    }
}
