//! Drops by reason and by who speaks to whom.
//!
//! Apart from the columns because this counts and they show. It must not wait or ask.

use std::rc::Rc;

use lab_model::monitor::{Direction, Event, Protocol, Reason};
use lab_plugin::{Finding, Health, Level, Timestamp};

use crate::explain;
use crate::names::Names;
use crate::rows::DropRow;
use crate::show;
use crate::tally::Tally;
use crate::who::Who;

/// Drops that are one row. A sender's port is no part of it: each connection has another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    reason: usize,
    source: Who,
    destination: Who,
    port: Option<u16>,
    protocol: Protocol,
}

/// What else is known of a row.
#[derive(Debug, Default)]
pub struct Known {
    identities: (Option<u32>, Option<u32>),
    direction: Option<Direction>,
    file: Option<String>,
    policies: Vec<String>,
    bytes: u64,
}

/// One reason over all pairs.
#[derive(Debug)]
struct Cause {
    words: String,
    code: Option<u8>,
    count: u64,
    /// The first record of it and the node: evidence.
    first: (Rc<str>, String),
}

/// All drops.
#[derive(Debug)]
pub struct Drops {
    /// The rows.
    pub tally: Tally<Key, Known>,
    causes: Vec<Cause>,
}

impl Drops {
    /// With so many rows at most.
    pub fn new(max: usize) -> Self {
        Self { tally: Tally::new(max), causes: Vec::new() }
    }

    /// Counts a drop.
    pub fn add(&mut self, event: &Event<'_>, node: &Rc<str>, time: Option<i64>) {
        let Some(drop) = &event.drop else { return };
        let words = show::words(drop);
        let found = self.causes.iter().position(|cause| cause.words == words);
        let reason = found.unwrap_or_else(|| {
            let raw = event.raw.chars().take(1000).collect();
            let first = (node.clone(), raw);
            self.causes.push(Cause { words, code: drop.code, count: 0, first });
            self.causes.len() - 1
        });
        self.causes[reason].count += 1;
        let key = Key {
            reason,
            source: Who::of(&event.source, node),
            destination: Who::of(&event.destination, node),
            port: event.destination.port,
            protocol: event.protocol,
        };
        let known = self.tally.add(key, node, event.time.or(time), Known::default);
        known.identities = (event.source.identity, event.destination.identity);
        known.direction = event.direction.or(known.direction);
        known.bytes += u64::from(event.bytes.unwrap_or_default());
        if known.file.is_none() {
            known.file = show::file(drop);
        }
        for policy in &event.policies {
            if known.policies.len() < 8 && !known.policies.iter().any(|one| one == policy) {
                known.policies.push(policy.to_string());
            }
        }
    }

    /// The row of a key, and its key in the table.
    pub fn row(&self, key: &Key, names: &Names, is_live: bool) -> Option<(String, DropRow)> {
        let entry = self.tally.get(key)?;
        let cause = &self.causes[key.reason];
        let side = |who: &Who, port, identity| {
            let (party, node) = who.party(port, identity);
            let mut shown = String::new();
            names.show(&party, node, &mut shown);
            shown
        };
        let known = &entry.value;
        let row = DropRow {
            reason: Health(level(cause.code), cause.words.clone()),
            source: side(&key.source, None, known.identities.0),
            destination: side(&key.destination, key.port, known.identities.1),
            protocol: key.protocol.as_str().into_owned(),
            count: i64::try_from(entry.count).unwrap_or(i64::MAX),
            rate: is_live.then(|| self.tally.rate(entry)),
            last_seen: entry.last.map(Timestamp),
            nodes: entry.nodes.join(","),
            policies: (!known.policies.is_empty()).then(|| known.policies.join(",")),
            explain: explained(cause.code),
            code: cause.code.map(u32::from),
            direction: known.direction.map(Direction::as_str),
            file: known.file.clone(),
            bytes: i64::try_from(known.bytes).unwrap_or(i64::MAX),
        };
        // Sides by their keys: two pods may have had one name.
        let name = format!(
            "{}/{:?}/{:?}:{:?}/{}",
            cause.words, key.source, key.destination, key.port, row.protocol
        );
        Some((name, row))
    }

    /// One finding for each reason, the commonest first.
    pub fn findings(&self) -> Vec<Finding> {
        let mut causes: Vec<&Cause> = self.causes.iter().collect();
        causes.sort_by(|one, other| other.count.cmp(&one.count).then(one.words.cmp(&other.words)));
        let packets = |n: u64| if n == 1 { "1 packet".to_owned() } else { format!("{n} packets") };
        causes
            .into_iter()
            .map(|cause| {
                let code = explained(cause.code).unwrap_or_else(|| explain::UNKNOWN.to_owned());
                let level = match level(cause.code) {
                    Level::Bad => Level::Warn,
                    other => other,
                };
                let message = format!("{} dropped: {}", packets(cause.count), cause.words);
                let (node, raw) = &cause.first;
                let finding = Finding::new(level, &code, cause.words.as_str(), message)
                    .evidence(format!("{node}: {}", show::origin(raw)), raw.as_str());
                match cause.code.and_then(explain::cure) {
                    Some(cure) => finding.fix(cure),
                    None => finding,
                }
            })
            .collect()
    }
}

fn explained(code: Option<u8>) -> Option<String> {
    Some(format!("drop/{}", Reason::of(code?)?.name))
}

fn level(code: Option<u8>) -> Level {
    match code.and_then(Reason::of) {
        Some(reason) if reason.is_control_flow() => Level::Info,
        _ => Level::Bad,
    }
}
