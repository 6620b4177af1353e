//! What the routing tables say of a pair, before anything is sent.
//!
//! The walk is `lab-forwarding`'s, the one behind `routes trace`; here both of its ways become
//! one word, and the lines that decide are kept as text.

use std::net::IpAddr;

use lab_forwarding::collect::ROUTES;
use lab_forwarding::datapath::View;
use lab_forwarding::model::Cluster;
use lab_forwarding::trace::{Ends, Path};
use lab_forwarding::words::{health, line, not_known, say};
use lab_model::walk::{Branch, Disposition, HostIdx, Trace};
use lab_plugin::{Health, Level};

use crate::ends::{Source, Target};

/// Whether an answer should come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Request and answer both arrive.
    Arrives,
    /// One of them is lost, or refused.
    Lost,
    /// The tables do not say.
    Open,
}

/// Where packets end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LostAt {
    /// Last host that sees them.
    pub host: HostIdx,
    /// How they end there.
    pub end: Disposition,
    /// Where they were going.
    pub destination: IpAddr,
}

/// The prediction for a pair.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// In short.
    pub fate: Fate,
    /// The disposition that decides: of the request, or of the answer where only that is lost.
    pub word: Health,
    /// Why, where it is not delivered.
    pub reason: Option<String>,
    /// Where packets are lost.
    pub lost: Option<LostAt>,
    /// Largest packet that arrives without being cut.
    pub mtu: Option<u32>,
    /// The address that is probed; why there is none.
    pub address: Result<IpAddr, String>,
    /// Routes on the way that decides, each with its place; the last one ends it.
    pub lines: Vec<(String, String)>,
    /// The narrowest host: its device and MTU, with their place.
    pub narrowest: Option<(String, String)>,
}

/// Walks a pair there and back, to every end that may answer.
pub fn predict(cluster: &Cluster, source: &Source, target: &Target) -> Prediction {
    let ways = target.ends.iter().map(|end| {
        let view = View::new(cluster);
        let ends = Ends { source: source.end.clone(), destination: end.clone() };
        match ends.walk(&view) {
            Ok(path) => of_path(cluster, &path),
            Err(why) => open(not_known(), why.0.clone(), Err(why.0)),
        }
    });
    let mut ways: Vec<Prediction> = ways.collect();
    let mut made = match ways.len() {
        0 => {
            let why = "no endpoint of it is ready".to_owned();
            open(not_known(), why.clone(), Err(why))
        }
        1 => ways.remove(0),
        _ => of_many(ways),
    };
    if let Some(address) = target.address {
        made.address = Ok(address);
    }
    made
}

fn open(word: Health, reason: String, address: Result<IpAddr, String>) -> Prediction {
    Prediction {
        fate: Fate::Open,
        word,
        reason: Some(reason),
        lost: None,
        mtu: None,
        address,
        lines: Vec::new(),
        narrowest: None,
    }
}

/// One of several answers, and nobody can say which: the same for all, or open.
fn of_many(ways: Vec<Prediction>) -> Prediction {
    let n_ways = ways.len();
    let arrive = ways.iter().filter(|way| way.fate == Fate::Arrives).count();
    let lost = ways.iter().filter(|way| way.fate == Fate::Lost).count();
    let mtu = ways.iter().filter_map(|way| way.mtu).min();
    // The worst one says why.
    let rank = |way: &Prediction| match way.fate {
        Fate::Lost => 0,
        Fate::Open => 1,
        Fate::Arrives => 2,
    };
    let Some(mut worst) = ways.into_iter().min_by_key(rank) else {
        return open(not_known(), String::new(), Err(String::new()));
    };
    worst.mtu = mtu;
    if arrive < n_ways && lost < n_ways {
        worst.fate = Fate::Open;
        worst.word = Health(Level::Unknown, format!("{arrive} of {n_ways} arrive"));
    }
    worst
}

fn of_path(cluster: &Cluster, path: &Path<'_>) -> Prediction {
    let there = path.there.end();
    let address = Ok(path.packet.destination);
    let base = |fate, word, reason, trace: &Trace<'_>| Prediction {
        fate,
        word,
        reason,
        lost: (fate == Fate::Lost).then(|| place(trace)).flatten(),
        // Of a way that leads nowhere the width says nothing.
        mtu: path.mtu_there.filter(|_| fate != Fate::Lost),
        address: address.clone(),
        lines: lines(cluster, trace),
        narrowest: narrowest(cluster, &path.there),
    };
    if !there.disposition.is_success() {
        return base(fate(&path.there), health(there.disposition), say(there.reason), &path.there);
    }
    if there.disposition == Disposition::Exits {
        // Whoever has the address is not known, so no answer is promised.
        let why = say(there.reason).unwrap_or_else(|| "nobody known has the address".to_owned());
        return base(Fate::Open, health(there.disposition), Some(why), &path.there);
    }
    let back = match &path.back {
        Ok(back) => back,
        Err(why) => {
            let why = Some((*why).to_owned());
            return base(Fate::Open, health(there.disposition), why, &path.there);
        }
    };
    let end = back.end();
    if end.disposition == Disposition::Delivered {
        return base(Fate::Arrives, health(there.disposition), None, &path.there);
    }
    let why = say(end.reason).unwrap_or_else(|| end.disposition.to_string());
    base(fate(back), health(end.disposition), Some(format!("on the way back: {why}")), back)
}

/// What the ends of all branches say together. Leaving for the outside is no arrival here: an
/// answer that leaves is lost.
fn fate(trace: &Trace<'_>) -> Fate {
    let ends = || trace.branches.iter().map(|branch| branch.end.disposition);
    let is_lost = |end: Disposition| !end.is_unknown() && end != Disposition::Delivered;
    if ends().all(is_lost) { Fate::Lost } else { Fate::Open }
}

/// The branch that ends worst.
fn worst<'t, 'n>(trace: &'t Trace<'n>) -> Option<&'t Branch<'n>> {
    let end = trace.end();
    trace.branches.iter().find(|branch| branch.end == end)
}

fn place(trace: &Trace<'_>) -> Option<LostAt> {
    let branch = worst(trace)?;
    let last = branch.hops.last()?;
    let destination = last.packet.destination;
    Some(LostAt { host: last.host, end: branch.end.disposition, destination })
}

fn lines(cluster: &Cluster, trace: &Trace<'_>) -> Vec<(String, String)> {
    let hops = worst(trace).into_iter().flat_map(|branch| &branch.hops);
    // A host that hands the packet over without a lookup has no line.
    let with_route = hops.filter(|hop| hop.route.is_some());
    with_route
        .map(|hop| (format!("{}: {ROUTES}", cluster.hosts[hop.host].name), line(hop.route)))
        .collect()
}

fn narrowest(cluster: &Cluster, trace: &Trace<'_>) -> Option<(String, String)> {
    let hops = trace.branches.iter().flat_map(|branch| &branch.hops);
    let hop = hops.filter(|hop| hop.mtu.is_some()).min_by_key(|hop| hop.mtu)?;
    let device = hop.out_device?;
    let place = format!("{}: ip -j -d link", cluster.hosts[hop.host].name);
    Some((place, format!("{device} mtu {}", hop.mtu?)))
}

#[cfg(test)]
mod tests {
    use lab_forwarding::made::{Lab, ip, lab, with, without};
    use lab_forwarding::model::{PodInput, build};

    use super::*;
    use crate::services::Services;

    fn predicted(mut lab: Lab, from: &str, to: &str) -> Prediction {
        let pods = [("x/a", "a", "10.1.0.5"), ("x/b", "b", "10.1.1.5"), ("x/c", "c", "10.1.2.5")];
        lab.inputs.pods = Some(
            pods.iter()
                .map(|(name, node, at)| PodInput {
                    name: (*name).to_owned(),
                    node: (*node).to_owned(),
                    ips: vec![ip(at)],
                    host_network: false,
                })
                .collect(),
        );
        let cluster = build(lab.inputs);
        let source = Source::resolve(&cluster, from).unwrap();
        let target = Target::resolve(&cluster, &Services::default(), to).unwrap();
        predict(&cluster, &source, &target)
    }

    #[test]
    fn a_cluster_in_order_answers() {
        let made = predicted(lab(), "x/a", "x/c");
        assert_eq!((made.fate, made.mtu), (Fate::Arrives, Some(1500)));
        assert_eq!(made.address, Ok(ip("10.1.2.5")));
        assert_eq!(made.lost, None);
    }

    #[test]
    fn a_lost_request_names_the_host_and_its_route() {
        let made = predicted(lab().routes("r", without("10.1.2.0/24")), "x/a", "x/c");
        assert_eq!((made.fate, made.word.1.as_str()), (Fate::Lost, "black-hole"));
        let lost = made.lost.unwrap();
        assert_eq!((lost.end, lost.destination), (Disposition::BlackHole, ip("10.1.2.5")));
        let (place, route) = made.lines.last().unwrap();
        assert_eq!(place, "r: ip -j route show table all");
        assert_eq!(route, "default via 10.0.2.2 dev eth0");
    }

    #[test]
    fn a_lost_answer_is_lost_too() {
        let made = predicted(lab().routes("r", without("10.1.0.0/24")), "x/a", "x/c");
        assert_eq!((made.fate, made.word.1.as_str()), (Fate::Lost, "black-hole"));
        assert!(made.reason.unwrap().starts_with("on the way back: "));
        assert_eq!(made.lost.unwrap().destination, ip("10.1.0.5"));
    }

    #[test]
    fn a_host_that_is_not_known_leaves_it_open() {
        let mut silent = lab();
        silent.host("r").fib = Err("no answer".to_owned());
        let made = predicted(silent, "x/a", "x/c");
        assert_eq!((made.fate, made.lost), (Fate::Open, None));
        // Nor is anybody who is none of the known hosts, even on a link of theirs.
        for to in ["192.0.2.1", "192.168.1.77"] {
            let made =
                predicted(lab().routes("a", with("default via 192.168.1.200 dev eth1")), "a", to);
            assert_eq!((made.fate, made.word.1.as_str()), (Fate::Open, "exits"), "{to}");
        }
    }

    #[test]
    fn several_ends_are_one_prediction_only_when_they_agree() {
        let of = |word: Fate| Prediction {
            fate: word,
            mtu: Some(1500),
            ..open(not_known(), String::new(), Err(String::new()))
        };
        assert_eq!(of_many(vec![of(Fate::Arrives), of(Fate::Arrives)]).fate, Fate::Arrives);
        assert_eq!(of_many(vec![of(Fate::Lost), of(Fate::Lost)]).fate, Fate::Lost);
        let mixed = of_many(vec![of(Fate::Arrives), of(Fate::Lost), of(Fate::Arrives)]);
        assert_eq!((mixed.fate, mixed.word.1.as_str()), (Fate::Open, "2 of 3 arrive"));
    }
}
