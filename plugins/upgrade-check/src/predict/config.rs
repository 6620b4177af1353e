//! What becomes of each key of `cilium-config` when the chart of another version is rendered with
//! the values of the release.
//!
//! The values are not known, so they are read off: a setting that the chart writes by itself
//! follows the chart, every other one was set by somebody and stays, as long as the new chart can
//! write it.

use std::collections::{BTreeMap, BTreeSet};

use crate::chart::Chart;
use crate::version::Version;

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It stays as it is.
    Kept,
    /// It goes on under another name.
    Renamed,
    /// The chart no longer writes it.
    Removed,
    /// The chart writes another value for it.
    Changed,
    /// The chart begins to write it.
    New,
    /// No chart writes it: it comes from extraConfig, and stays.
    Unknown,
}

impl Fate {
    /// As the table says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Renamed => "renamed",
            Self::Removed => "removed",
            Self::Changed => "default changed",
            Self::New => "new",
            Self::Unknown => "unknown",
        }
    }
}

/// One key, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub key: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Its value now.
    pub now: Option<String>,
    /// Its value afterwards.
    pub then: Option<String>,
    /// A word more, where there is one.
    pub note: Option<String>,
}

/// Keys that another one took the place of: the old one, the new one, and the first minor with it.
///
/// - Source: the upgrade notes of each minor; the first pair of 1.16 from cilium/cilium#42781.
const RENAMED: [(&str, &str, u32); 15] = [
    ("derive-masquerade-ip-addr-from-device", "derive-masq-ip-addr-from-device", 16),
    ("clustermesh-ip-identities-sync-timeout", "clustermesh-sync-timeout", 17),
    ("kvstore-connectivity-timeout", "identity-allocation-timeout", 18),
    ("kvstore-periodic-sync", "identity-allocation-sync-interval", 18),
    ("enable-ipv4-egress-gateway", "enable-egress-gateway", 19),
    ("l2-pod-announcements-interface", "l2-pod-announcements-interface-pattern", 19),
    ("node-port-algorithm", "bpf-lb-algorithm", 20),
    ("node-port-mode", "bpf-lb-mode", 20),
    ("k8s-api-server", "k8s-api-server-urls", 20),
    ("enable-encryption-strict-mode", "enable-encryption-strict-mode-egress", 20),
    ("encryption-strict-mode-cidr", "encryption-strict-egress-cidr", 20),
    (
        "encryption-strict-mode-allow-remote-node-identities",
        "encryption-strict-egress-allow-remote-node-identities",
        20,
    ),
    ("hubble-prefer-ipv6", "prefer-ipv6", 20),
    ("prepend-iptables-chain", "prepend-iptables-chains", 15),
    ("tunnel", "tunnel-protocol and routing-mode", 15),
];

/// The name that a key goes on under, if it gets another one between two versions.
pub fn new_name(key: &str, from: &Version, to: &Version) -> Option<&'static str> {
    let renamed = RENAMED.iter().find(|(old, _, _)| *old == key)?;
    (from.minor < renamed.2 && renamed.2 <= to.minor).then_some(renamed.1)
}

/// Works out every key; `None` where one of the charts is not known.
pub fn predict(
    current: &BTreeMap<String, String>,
    from: &Version,
    to: &Version,
) -> Option<Vec<Key>> {
    let (old_chart, new_chart) = (Chart::of(from)?, Chart::of(to)?);
    let old = old_chart.written(from, current);
    let new = new_chart.written_next(to, current, (old_chart, from));
    let mut keys = Vec::with_capacity(current.len());
    let mut taken_over = BTreeSet::new();
    for (key, now) in current {
        let mut entry = Key {
            key: key.clone(),
            fate: Fate::Kept,
            now: Some(now.clone()),
            then: Some(now.clone()),
            note: None,
        };
        let is_default = old.get(key) == Some(now);
        match new.get(key) {
            Some(then) if is_default && then != now => {
                entry.fate = Fate::Changed;
                entry.then = Some(then.clone());
            }
            Some(then) if then != now => {
                if old.get(key).is_some_and(|old| old != then) {
                    entry.note = Some(format!("set by somebody; the default is now {then}"));
                }
            }
            Some(_) => {}
            None => after_the_default(&mut entry, is_default, old_chart, new_chart, from, to),
        }
        if entry.fate == Fate::Renamed {
            taken_over.extend(new_name(key, from, to));
        }
        keys.push(entry);
    }
    for (key, then) in &new {
        // What the old chart would have written and is not there was left out by somebody.
        let is_new = !current.contains_key(key) && !old.contains_key(key);
        if is_new && !taken_over.contains(key.as_str()) {
            keys.push(Key {
                key: key.clone(),
                fate: Fate::New,
                now: None,
                then: Some(then.clone()),
                note: None,
            });
        }
    }
    keys.sort_by(|one, other| (one.fate, &one.key).cmp(&(other.fate, &other.key)));
    Some(keys)
}

/// A key that the new chart does not write with its defaults.
fn after_the_default(
    entry: &mut Key,
    is_default: bool,
    old: &Chart,
    new: &Chart,
    from: &Version,
    to: &Version,
) {
    if let Some(name) = new_name(&entry.key, from, to) {
        entry.fate = Fate::Renamed;
        entry.note = Some(format!("now {name}"));
        entry.then = None;
    } else if is_default || (old.can_write(&entry.key) && !new.can_write(&entry.key)) {
        entry.fate = Fate::Removed;
        entry.then = None;
        if !is_default {
            entry.note = Some("was set by somebody, and has no effect any more".to_owned());
        }
    } else if !old.can_write(&entry.key) && !new.can_write(&entry.key) {
        entry.fate = Fate::Unknown;
        entry.note = Some("no chart writes it: it comes from extraConfig or by hand".to_owned());
    }
}
