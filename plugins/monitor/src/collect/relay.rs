//! The relay as the one source of all nodes' flows.
//!
//! Apart from the streams of agents because one connection brings everybody's events: whose each is
//! stands in the event, and the relay says which nodes it hears.

use std::collections::HashMap;
use std::rc::Rc;

use lab_model::monitor::{Event, Kind, NodeState, NodeStatus};
use lab_plugin::{Failure, Health, Level, Place, Source, partial};

use super::Ask;
use super::account::Account;
use super::stream::Stream;
use crate::rows::StreamRow;

/// What it is called beside nodes.
pub(super) const NAME: &str = "relay";
/// Ticks in which a relay that answers has said which nodes it hears: three seconds.
const ANSWERS_WITHIN: u32 = 15;

/// The relay's stream and the accounts of the nodes behind it.
pub(super) struct Relay {
    stream: Stream,
    nodes: Vec<(Rc<str>, Account)>,
    by_name: HashMap<Rc<str>, usize>,
    /// Ticks left to say something; absent once it has.
    patience: Option<u32>,
    /// How whole flows are asked for, as long as that may be needed.
    whole: Option<Vec<&'static str>>,
    is_live: bool,
}

impl Relay {
    /// Asks the relay.
    ///
    /// # Errors
    /// There is none, or it cannot be reached.
    pub(super) fn start(ask: &Ask, is_live: bool, nodes: &[String]) -> Result<Self, Failure> {
        let mut relay = Self {
            stream: Stream::new(NAME, Place::Relay, ask.lean_flows(), is_live),
            nodes: Vec::new(),
            by_name: HashMap::new(),
            patience: Some(ANSWERS_WITHIN),
            whole: Some(ask.flows()),
            is_live,
        };
        relay.follow(nodes);
        relay.stream.start()?;
        Ok(relay)
    }

    pub(super) fn is_open(&self) -> bool {
        self.stream.is_open()
    }

    /// Whether it has answered.
    pub(super) fn has_answered(&self) -> bool {
        self.patience.is_none()
    }

    /// These nodes' flows are wanted, and no others.
    pub(super) fn follow(&mut self, wanted: &[String]) {
        for (name, account) in &mut self.nodes {
            if !wanted.iter().any(|node| **node == **name) {
                self.by_name.remove(name);
                account.state = Health(Level::Info, "gone".to_owned());
            }
        }
        for node in wanted {
            if self.by_name.contains_key(node.as_str()) {
                continue;
            }
            let known = self.nodes.iter().position(|(name, _)| **name == **node);
            let at = known.unwrap_or_else(|| {
                self.nodes.push((node.as_str().into(), Account::new()));
                self.nodes.len() - 1
            });
            self.by_name.insert(self.nodes[at].0.clone(), at);
        }
    }

    /// A fifth of a second has passed; false when a relay that should have answered has not.
    pub(super) fn tick(&mut self) -> bool {
        self.stream.tick();
        match &mut self.patience {
            Some(0) => false,
            Some(ticks) => {
                *ticks -= 1;
                true
            }
            None => true,
        }
    }

    pub(super) fn is_ready(&self, ready: &[Source]) -> bool {
        self.stream.is_ready(ready)
    }

    /// Hands over the events that have come; why there are no more, if there are none.
    ///
    /// # Errors
    /// Those of `each`.
    pub(super) fn read(
        &mut self,
        each: &mut impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<Option<Failure>, Failure> {
        let Self { stream, nodes, by_name, patience, whole, .. } = self;
        let name = stream.name.clone();
        let mut own = stream.account.clone();
        let mut is_refused = false;
        let read = stream.read(&mut |event| {
            *patience = None;
            if event.kind == Kind::Log && whole.is_some() && refuses_fields(&event.raw) {
                is_refused = true;
                return Ok(());
            }
            take(event, nodes, by_name, &mut own, &name, each)
        });
        let Account { events, lost, other, .. } = own;
        stream.account = Account { events, lost, other, ..stream.account.clone() };
        if is_refused && let Some(whole) = whole.take() {
            let account = stream.account.clone();
            self.stream = Stream::new(NAME, Place::Relay, whole, self.is_live);
            self.stream.account = account;
            return Ok(self.stream.start().err());
        }
        read
    }

    /// It has ended, and is asked again.
    pub(super) fn ended(&mut self, why: &Failure) {
        self.stream.ended(why);
    }

    /// Hands over what has no end: it is over.
    ///
    /// # Errors
    /// Those of `each`.
    pub(super) fn finish(
        &mut self,
        each: &mut impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Self { stream, nodes, by_name, .. } = self;
        let name = stream.name.clone();
        let mut own = stream.account.clone();
        stream.finish(&mut |event| take(event, nodes, by_name, &mut own, &name, each))?;
        stream.account = own;
        Ok(())
    }

    /// The accounts, the relay's own first: what it says of itself.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (&str, &Account)> {
        let own = std::iter::once((&*self.stream.name, &self.stream.account));
        own.chain(self.nodes.iter().map(|(name, account)| (&**name, account)))
    }

    pub(super) fn rows(&self) -> Vec<StreamRow> {
        self.accounts().map(|(name, account)| account.row(name)).collect()
    }
}

/// Takes one event to the account of its node.
fn take(
    event: &Event<'_>,
    nodes: &mut [(Rc<str>, Account)],
    by_name: &HashMap<Rc<str>, usize>,
    own: &mut Account,
    name: &Rc<str>,
    each: &mut impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // Flows, nearly all of what comes, say nothing of nodes.
    if event.kind == Kind::Log
        && let Some(status) = NodeStatus::read(&event.raw)
    {
        told(&status, nodes, by_name);
        own.count(event);
        return each(event, name);
    }
    if event.node.is_empty() {
        own.count(event);
        return each(event, name);
    }
    // Of a node that is not asked about, or of another cluster of a mesh.
    let Some(&at) = by_name.get(&*event.node) else { return Ok(()) };
    let (name, account) = &mut nodes[at];
    account.count(event);
    if account.state.0 == Level::Unknown {
        account.state = streaming();
    }
    each(event, name)
}

/// Whether a node says that its flows have not all of the fields that were asked for.
///
/// Source: `pkg/hubble/parser/fieldmask` of Cilium, whose error a relay passes on.
fn refuses_fields(line: &str) -> bool {
    let status = NodeStatus::read(line);
    status.is_some_and(|of| of.state == NodeState::Error && of.message.contains("fieldmask"))
}

fn streaming() -> Health {
    Health(Level::Good, "by the relay".to_owned())
}

/// The relay says what it hears of nodes.
fn told(status: &NodeStatus, nodes: &mut [(Rc<str>, Account)], by_name: &HashMap<Rc<str>, usize>) {
    for name in &status.nodes {
        let Some(&at) = by_name.get(name.as_str()) else { continue };
        let (name, account) = &mut nodes[at];
        let why = |what: &str| match status.message.as_str() {
            "" => format!("the relay {what}"),
            message => format!("the relay {what}: {message}"),
        };
        let why = match status.state {
            NodeState::Connected => {
                if account.is_told {
                    account.restarts += 1;
                }
                account.is_told = false;
                account.state = streaming();
                continue;
            }
            NodeState::Gone => {
                account.state = Health(Level::Info, "gone".to_owned());
                continue;
            }
            NodeState::Unavailable => why("does not hear it"),
            NodeState::Error => why("got an error of it"),
            NodeState::Unknown => continue,
        };
        account.state = Health(Level::Bad, why.clone());
        if !std::mem::replace(&mut account.is_told, true) {
            partial(name, &Failure::Unavailable(why));
        }
    }
}
