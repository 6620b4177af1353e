//! `nodes/etc-hosts`: names that a host resolves to other addresses than the API knows.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_plugin::{Fact, Finding};

use crate::model::{Cluster, Host};

/// One entry of a host's file as it stands to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// An address of that host.
    Agrees,
    /// An address that is not that host's.
    Differs,
    /// Nothing says whether it is.
    Unknown,
    /// A host's own name at a loopback address, as some installers write it.
    Own,
}

/// How one entry stands to what is known of its host.
fn entry(cluster: &Cluster, host: usize, name: usize, ip: IpAddr) -> Entry {
    let Some(known) = cluster.names.get(name) else { return Entry::Unknown };
    if ip.is_loopback() {
        return if known.host == Some(host) { Entry::Own } else { Entry::Differs };
    }
    if known.addresses.contains(&ip) {
        return Entry::Agrees;
    }
    let of_family = known.addresses.iter().any(|it| it.is_ipv4() == ip.is_ipv4());
    let target = known.host.and_then(|idx| cluster.hosts.get(idx));
    match target.and_then(|target| Some((target, target.is_local(ip)?))) {
        // Of an extra host any address will do; a node has the one that the API knows.
        Some((target, true)) if !target.is_node || !of_family => Entry::Agrees,
        Some(_) => Entry::Differs,
        None if of_family => Entry::Differs,
        None => Entry::Unknown,
    }
}

/// How many names of the cluster a host's file has right, wrong and not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Names with an address of theirs.
    pub agree: usize,
    /// Names with an address that is not theirs.
    pub differ: usize,
    /// Names of the cluster in all.
    pub of: usize,
}

/// Compares one host's file with the API.
pub fn agreement(cluster: &Cluster, idx: usize, host: &Host) -> Fact<Agreement> {
    host.hosts_file.map(|file| {
        let mut names = BTreeMap::<usize, Entry>::new();
        for (name, ip) in &file.entries {
            let entry = entry(cluster, idx, *name, *ip);
            let worst = names.entry(*name).or_insert(entry);
            let is_worse = matches!((*worst, entry), (Entry::Own | Entry::Unknown, Entry::Agrees))
                || entry == Entry::Differs;
            if is_worse {
                *worst = entry;
            }
        }
        let count = |wanted: Entry| names.values().filter(|entry| **entry == wanted).count();
        Agreement {
            agree: count(Entry::Agrees),
            differ: count(Entry::Differs),
            of: cluster.names.len(),
        }
    })
}

/// Adds one finding for each wrong entry, however many hosts have it.
pub(super) fn check(cluster: &Cluster, found: &mut Vec<Finding>) {
    let mut wrong = BTreeMap::<(usize, IpAddr), Vec<usize>>::new();
    for (idx, host) in cluster.hosts.iter().enumerate() {
        let Some(file) = host.hosts_file.known() else { continue };
        for (name, ip) in &file.entries {
            if entry(cluster, idx, *name, *ip) == Entry::Differs {
                wrong.entry((*name, *ip)).or_default().push(idx);
            }
        }
    }
    for ((name, ip), hosts) in wrong {
        let name = &cluster.names[name];
        let places: Vec<String> =
            hosts.iter().map(|idx| cluster.hosts[*idx].name.clone()).collect();
        let right = name.addresses.first();
        let knows = right.map_or_else(String::new, |right| format!(", the API says {right}"));
        let message = format!("{} resolves it to {ip}{knows}", super::some_of(&places));
        let first = &cluster.hosts[hosts[0]];
        let copy = match first.hosts_file.known() {
            Some(file) if file.is_copy => " (the copy of an agent's pod, as old as that pod)",
            _ => "",
        };
        let place = format!("{}: cat /etc/hosts{copy}", first.name);
        let mut finding = Finding::warn("nodes/etc-hosts", name.name.clone(), message)
            .evidence(place, format!("{ip} {}", name.name));
        if !name.addresses.is_empty() {
            let what = if name.host.is_some_and(|idx| !cluster.hosts[idx].is_node) {
                "host"
            } else {
                "Node"
            };
            finding =
                finding.evidence(format!("{what} {}", name.name), super::list(&name.addresses));
        }
        let right = right.map_or_else(|| "ITS-ADDRESS".to_owned(), ToString::to_string);
        found.push(finding.fix(format!(
            "in /etc/hosts on {}, give {} the address {right} instead of {ip}; then: getent ahosts {}",
            super::some_of(&places),
            name.name,
            name.name
        )));
    }
}
