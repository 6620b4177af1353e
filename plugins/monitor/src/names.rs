//! Whose an address, an endpoint's number or an identity is.
//!
//! Apart because it is asked for every event and changes all the while. It must not ask the
//! cluster: changes are handed to it. Bounded: what does not fit is not known by name.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

use lab_model::monitor::{Party, reserved_name};
use rustc_hash::FxHashMap;

use crate::numerals;

/// Facts that are kept at most; a cluster of ten thousand pods has about forty thousand.
const MAX: usize = 1_000_000;
/// Seconds for which the name of a deleted object stays: events of its last packets come later.
const STAYS: u64 = 120;

/// What kind of object a name comes from; where several have an address, the first of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A pod with an address of its own.
    Pod,
    /// Its endpoint.
    Endpoint,
    /// A service.
    Service,
    /// A node.
    Node,
    /// Addresses that Cilium gives a node: its router's and its health endpoint's.
    CiliumNode,
    /// A host beside the cluster.
    Host,
    /// A security identity.
    Identity,
}

/// What an object says of names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// It has this address.
    Address(IpAddr),
    /// It has this number on the node with that address.
    Endpoint(IpAddr, u32),
    /// It is this identity.
    Identity(u32),
}

/// Somebody's claim to a fact.
#[derive(Clone, Debug)]
struct Claim {
    is_gone: bool,
    origin: Origin,
    name: Rc<str>,
}

/// An object that is known.
#[derive(Debug)]
struct Object {
    name: Rc<str>,
    facts: Vec<Fact>,
    generation: u32,
}

/// Names by address, endpoint and identity.
#[derive(Debug, Default)]
pub struct Names {
    claims: FxHashMap<Fact, Vec<Claim>>,
    /// By origin and `namespace/name`.
    objects: HashMap<(Origin, Box<str>), Object>,
    /// Addresses of nodes by their names, for endpoints' numbers.
    nodes: HashMap<Rc<str>, Vec<IpAddr>>,
    /// Deleted objects whose names still stay: until when.
    gone: VecDeque<(u64, Fact, Origin, Rc<str>)>,
    /// How often each kind came from its beginning.
    generations: HashMap<Origin, u32>,
    seconds: u64,
    version: u64,
    refused: u64,
}

impl Names {
    /// Counts changes: what was named before may be named otherwise now.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Objects that found no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes a new object or a changed one.
    pub fn upsert(&mut self, origin: Origin, key: &str, name: &str, facts: Vec<Fact>) {
        self.version += 1;
        let generation = self.generation(origin);
        let id = (origin, Box::from(key));
        if let Some(known) = self.objects.get_mut(&id) {
            known.generation = generation;
            if known.facts == facts && &*known.name == name {
                return;
            }
        }
        self.remove(origin, key);
        if self.claims.len() + facts.len() > MAX {
            self.refused += 1;
            return;
        }
        let name: Rc<str> = name.into();
        if origin == Origin::Node {
            let addresses = facts.iter().filter_map(|fact| match fact {
                Fact::Address(address) => Some(*address),
                _ => None,
            });
            self.nodes.insert(name.clone(), addresses.collect());
        }
        for fact in &facts {
            let claims = self.claims.entry(fact.clone()).or_default();
            claims.retain(|claim| claim.origin != origin || claim.name != name);
            claims.push(Claim { is_gone: false, origin, name: name.clone() });
            claims.sort_by_key(|claim| (claim.is_gone, claim.origin));
        }
        self.objects.insert(id, Object { name, facts, generation });
    }

    /// An object is gone; its name stays for a while, unless another one takes its address.
    pub fn remove(&mut self, origin: Origin, key: &str) {
        let Some(object) = self.objects.remove(&(origin, Box::from(key))) else { return };
        self.version += 1;
        if origin == Origin::Node {
            self.nodes.remove(&object.name);
        }
        for fact in object.facts {
            for claim in self.claims.get_mut(&fact).into_iter().flatten() {
                claim.is_gone |= claim.origin == origin && claim.name == object.name;
            }
            if let Some(claims) = self.claims.get_mut(&fact) {
                claims.sort_by_key(|claim| (claim.is_gone, claim.origin));
            }
            self.gone.push_back((self.seconds + STAYS, fact, origin, object.name.clone()));
        }
    }

    /// Changes of a kind were lost: whatever does not come again is gone.
    pub fn restart(&mut self, origin: Origin) {
        *self.generations.entry(origin).or_default() += 1;
    }

    fn generation(&self, origin: Origin) -> u32 {
        self.generations.get(&origin).copied().unwrap_or_default()
    }

    /// Everything of a kind has come again.
    pub fn synced(&mut self, origin: Origin) {
        let generation = self.generation(origin);
        let old: Vec<Box<str>> = self
            .objects
            .iter()
            .filter(|((of, _), object)| *of == origin && object.generation < generation)
            .map(|((_, key), _)| key.clone())
            .collect();
        for key in old {
            self.remove(origin, &key);
        }
    }

    /// Time goes on: names of what has long been gone are forgotten.
    pub fn at(&mut self, seconds: u64) {
        self.seconds = seconds;
        while self.gone.front().is_some_and(|(until, ..)| *until <= seconds) {
            let Some((_, fact, origin, name)) = self.gone.pop_front() else { return };
            if let Some(claims) = self.claims.get_mut(&fact) {
                claims.retain(|c| !(c.is_gone && c.origin == origin && c.name == name));
                if claims.is_empty() {
                    self.claims.remove(&fact);
                }
                self.version += 1;
            }
        }
    }

    fn best(&self, fact: &Fact) -> Option<&Claim> {
        let claims = self.claims.get(fact)?;
        let first = claims.first()?;
        let rank = |claim: &Claim| (claim.is_gone, claim.origin);
        // An address that every node has tells nothing.
        match claims.get(1) {
            Some(next) if rank(next) == rank(first) && next.name != first.name => None,
            _ => Some(first),
        }
    }

    /// Whose an address is.
    pub fn of_address(&self, address: IpAddr) -> Option<&str> {
        self.best(&Fact::Address(address)).map(|claim| &*claim.name)
    }

    /// Whose a number of an endpoint is, on a node.
    pub fn of_endpoint(&self, node: &str, id: u32) -> Option<&str> {
        let addresses = self.nodes.get(node)?;
        let found = addresses.iter().find_map(|address| self.best(&Fact::Endpoint(*address, id)));
        found.map(|claim| &*claim.name)
    }

    /// Words for an identity; none for the one that means that nobody knows.
    pub fn of_identity(&self, identity: u32) -> Option<&str> {
        if identity == 0 {
            return None;
        }
        reserved_name(identity)
            .or_else(|| self.best(&Fact::Identity(identity)).map(|claim| &*claim.name))
    }

    /// The name of one side of an event without its port: a pod, service, node or host; none
    /// when nobody is known by what the event says.
    pub fn of_party<'n>(&'n self, party: &'n Party<'_>, node: &str) -> Option<&'n str> {
        if party.name.contains('/') {
            return Some(&party.name);
        }
        match party.address {
            Some(address) => self.of_address(address),
            None => party.endpoint.and_then(|id| self.of_endpoint(node, id)),
        }
    }

    /// One side of an event for people: `namespace/pod:port`, and where there is no name the
    /// address with the words of the identity.
    pub fn show(&self, party: &Party<'_>, node: &str, into: &mut String) {
        let identity = party.identity.and_then(|identity| self.of_identity(identity));
        match (self.of_party(party, node), party.address) {
            (Some(name), _) => {
                into.push_str(name);
                port(party, into);
            }
            (None, Some(address)) => {
                let is_bracketed = address.is_ipv6() && party.port.is_some();
                into.push_str(if is_bracketed { "[" } else { "" });
                numerals::address(address, into);
                into.push_str(if is_bracketed { "]" } else { "" });
                port(party, into);
                if let Some(identity) = identity {
                    into.push_str(" (");
                    into.push_str(identity);
                    into.push(')');
                }
            }
            (None, None) if !party.name.is_empty() => into.push_str(&party.name),
            (None, None) => {
                let labels = || labels(party.labels.iter().map(AsRef::as_ref));
                let words = identity.map_or_else(labels, str::to_owned);
                into.push_str(&words);
                if let Some(id) = party.endpoint.filter(|_| words.is_empty()) {
                    into.push_str("endpoint ");
                    numerals::decimal(id, into);
                }
            }
        }
    }
}

fn port(party: &Party<'_>, into: &mut String) {
    if let Some(port) = party.port {
        into.push(':');
        numerals::decimal(port.into(), into);
    }
}

/// Labels of an identity in words: `app=curl in default`, without those that all pods have.
pub fn labels<'l>(all: impl Iterator<Item = &'l str>) -> String {
    const NAMESPACE: &str = "io.kubernetes.pod.namespace=";
    let (mut own, mut namespace) = (Vec::new(), None);
    for label in all {
        let label = label.split_once(':').map_or(label, |(source, rest)| match source {
            "k8s" | "reserved" | "any" | "container" | "cidr" => rest,
            _ => label,
        });
        if let Some(found) = label.strip_prefix(NAMESPACE) {
            namespace = Some(found);
        } else if !label.starts_with("io.cilium.k8s") {
            own.push(label);
        }
    }
    own.sort_unstable();
    let own = own.join(",");
    match namespace {
        Some(namespace) if own.is_empty() => format!("a pod in {namespace}"),
        Some(namespace) => format!("{own} in {namespace}"),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn names() -> Names {
        let mut names = Names::default();
        let pod = vec![Fact::Address(ip("172.20.0.148"))];
        names.upsert(Origin::Pod, "default/curl-pod", "default/curl-pod", pod);
        let endpoint = vec![Fact::Endpoint(ip("192.168.10.100"), 12)];
        names.upsert(Origin::Endpoint, "default/curl-pod", "default/curl-pod", endpoint);
        for (node, address) in [("k8s-ctr", "192.168.10.100"), ("k8s-w1", "192.168.10.101")] {
            let facts = vec![Fact::Address(ip(address)), Fact::Address(ip("10.0.2.15"))];
            names.upsert(Origin::Node, node, node, facts);
        }
        names.upsert(Origin::Identity, "46329", "app=curl in default", vec![Fact::Identity(46329)]);
        names
    }

    fn check(names: &Names, party: &Party<'_>, expected: &str) {
        let mut shown = String::new();
        names.show(party, "k8s-ctr", &mut shown);
        assert_eq!(shown, expected);
    }

    fn at(address: &str, port: Option<u16>) -> Party<'static> {
        Party { address: Some(ip(address)), port, ..Party::default() }
    }

    #[test]
    fn sides_are_shown_by_the_best_name_there_is() {
        let names = names();
        check(&names, &at("172.20.0.148", Some(80)), "default/curl-pod:80");
        check(&names, &at("192.168.10.101", None), "k8s-w1");
        // Every node has this one.
        check(&names, &at("10.0.2.15", Some(1)), "10.0.2.15:1");
        check(
            &names,
            &Party { identity: Some(2), ..at("8.8.8.8", Some(53)) },
            "8.8.8.8:53 (world)",
        );
        check(&names, &Party { identity: Some(0), ..at("fd00::1", Some(53)) }, "[fd00::1]:53");
        check(&names, &Party { endpoint: Some(12), ..Party::default() }, "default/curl-pod");
        check(&names, &Party { endpoint: Some(13), ..Party::default() }, "endpoint 13");
        check(&names, &Party { identity: Some(46329), ..Party::default() }, "app=curl in default");
        check(&names, &Party::default(), "");
    }

    #[test]
    fn a_deleted_pod_keeps_its_name_until_another_takes_the_address() {
        let mut names = names();
        names.at(1000);
        names.remove(Origin::Pod, "default/curl-pod");
        assert_eq!(names.of_address(ip("172.20.0.148")), Some("default/curl-pod"));
        names.at(1000 + STAYS - 1);
        assert_eq!(names.of_address(ip("172.20.0.148")), Some("default/curl-pod"));
        let facts = vec![Fact::Address(ip("172.20.0.148"))];
        names.upsert(Origin::Pod, "default/next", "default/next", facts);
        assert_eq!(names.of_address(ip("172.20.0.148")), Some("default/next"));
        names.remove(Origin::Pod, "default/next");
        names.at(1000 + 3 * STAYS);
        assert_eq!(names.of_address(ip("172.20.0.148")), None);
        assert!(names.gone.is_empty());
    }

    #[test]
    fn what_does_not_come_again_after_a_restart_is_gone() {
        let mut names = names();
        names.synced(Origin::Node);
        names.restart(Origin::Node);
        let facts = vec![Fact::Address(ip("192.168.10.100"))];
        names.upsert(Origin::Node, "k8s-ctr", "k8s-ctr", facts);
        names.at(5);
        names.synced(Origin::Node);
        names.at(5 + STAYS);
        assert_eq!(names.of_address(ip("192.168.10.101")), None);
        assert_eq!(names.of_address(ip("192.168.10.100")), Some("k8s-ctr"));
        assert_eq!(names.of_address(ip("172.20.0.148")), Some("default/curl-pod"));
    }

    #[test]
    fn labels_are_told_without_those_that_every_pod_has() {
        let all = [
            "k8s:app=webpod",
            "k8s:io.kubernetes.pod.namespace=default",
            "k8s:io.cilium.k8s.policy.cluster=default",
        ];
        assert_eq!(labels(all.into_iter()), "app=webpod in default");
        assert_eq!(labels(["reserved:host"].into_iter()), "host");
    }
}
