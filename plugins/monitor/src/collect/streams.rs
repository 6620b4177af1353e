//! All streams: the relay's one, or one of each agent.
//!
//! Apart from what a stream is. Here it is decided who is asked, and it is said.

use std::rc::Rc;

use lab_model::monitor::Event;
use lab_plugin::{Failure, Finding, Health, Level, Place, Source, inbox, partial};

use super::Ask;
use super::relay::Relay;
use super::stream::{Stream, Via};
use crate::rows::StreamRow;

/// All streams.
pub(super) struct Streams {
    ask: Ask,
    relay: Option<Relay>,
    each: Vec<Stream>,
    /// The nodes as they were last told.
    nodes: Vec<String>,
    /// In a recording what has ended has ended.
    is_live: bool,
    /// Whether agents are asked for flows in place of events.
    has_flows: bool,
    /// Who is asked and why, where there was a choice.
    said: Option<String>,
}

impl Streams {
    /// Starts them.
    ///
    /// # Errors
    /// What is asked nobody could answer that may be asked.
    pub(super) fn start(ask: Ask, nodes: &[String]) -> Result<Self, Failure> {
        let is_live = inbox::now().is_some();
        let may_ask_relay = ask.via != Via::Agent && ask.is_of_flows();
        if ask.via == Via::Hubble && !may_ask_relay {
            return Err(Failure::InvalidInput(
                "--via hubble: flows have no --detail, no --hex, and none of the types agent and debug; \
                 --via agent asks the agents"
                    .to_owned(),
            ));
        }
        let mut streams = Self {
            relay: None,
            each: Vec::new(),
            nodes: nodes.to_vec(),
            is_live,
            has_flows: ask.via == Via::Hubble,
            said: None,
            ask,
        };
        if may_ask_relay {
            match Relay::start(&streams.ask, is_live, nodes) {
                Ok(relay) => streams.relay = Some(relay),
                Err(why) => streams.without_relay(&why),
            }
        }
        if streams.relay.is_none() {
            streams.follow_agents();
        }
        Ok(streams)
    }

    /// No relay answers: the agents are asked.
    fn without_relay(&mut self, why: &Failure) {
        self.relay = None;
        // That there is none is no news where nobody asked for one, nor is it in a recording.
        let is_news = self.ask.via == Via::Hubble || !matches!(why, Failure::NotFound(_));
        if self.is_live && is_news {
            self.said = Some(format!("every agent was asked, for {}", why.message()));
        }
    }

    /// Whether anything can still come.
    pub(super) fn are_open(&self) -> bool {
        self.is_live
            || self.relay.as_ref().is_some_and(Relay::is_open)
            || self.each.iter().any(Stream::is_open)
    }

    /// These nodes, and no others.
    pub(super) fn follow(&mut self, nodes: &[String]) {
        self.nodes = nodes.to_vec();
        match &mut self.relay {
            Some(relay) => relay.follow(nodes),
            None => self.follow_agents(),
        }
    }

    fn follow_agents(&mut self) {
        for stream in &mut self.each {
            if !self.nodes.iter().any(|node| **node == *stream.name) {
                stream.stop(Health(Level::Info, "gone".to_owned()));
            }
        }
        for node in &self.nodes {
            let known = self.each.iter().position(|stream| *stream.name == **node);
            let at = known.unwrap_or_else(|| {
                let command = if self.has_flows { self.ask.flows() } else { self.ask.events() };
                self.each.push(Stream::new(node, Place::agent(node), command, self.is_live));
                self.each.len() - 1
            });
            let stream = &mut self.each[at];
            if stream.is_idle()
                && (self.is_live || known.is_none())
                && let Err(why) = stream.start()
            {
                stream.ended(&why);
            }
        }
    }

    /// A fifth of a second has passed.
    pub(super) fn tick(&mut self) {
        if let Some(relay) = &mut self.relay
            && !relay.tick()
            && self.ask.via == Via::Auto
        {
            self.without_relay(&Failure::Timeout("the relay says nothing".to_owned()));
            self.follow_agents();
        }
        self.each.iter_mut().for_each(Stream::tick);
    }

    /// Hands over the events that have come.
    ///
    /// # Errors
    /// Those of `each`.
    pub(super) fn take(
        &mut self,
        ready: &[Source],
        mut each: impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(relay) = &mut self.relay
            && relay.is_ready(ready)
            && let Some(why) = relay.read(&mut each)?
        {
            if relay.has_answered() || self.ask.via == Via::Hubble {
                relay.ended(&why);
            } else {
                self.without_relay(&why);
                self.follow_agents();
            }
        }
        for stream in &mut self.each {
            if stream.is_ready(ready) {
                let node = stream.name.clone();
                let mut account = stream.account.clone();
                let ended = stream.read(&mut |event| {
                    account.count(event);
                    each(event, &node)
                });
                stream.account.events = account.events;
                stream.account.lost = account.lost;
                stream.account.other = account.other;
                if let Some(why) = ended? {
                    stream.ended(&why);
                }
            }
        }
        Ok(())
    }

    /// Hands over what has no end: it is over.
    ///
    /// # Errors
    /// Those of `each`.
    pub(super) fn finish(
        &mut self,
        mut each: impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(relay) = &mut self.relay {
            relay.finish(&mut each)?;
            for (name, account) in relay.accounts() {
                say_lost(name, account.lost);
            }
        }
        for stream in &mut self.each {
            let node = stream.name.clone();
            let mut account = stream.account.clone();
            stream.finish(&mut |event| {
                account.count(event);
                each(event, &node)
            })?;
            stream.account = account;
            say_lost(&stream.name, stream.account.lost);
        }
        Ok(())
    }

    /// Says who was asked, where there was a choice.
    ///
    /// # Errors
    /// As [`Finding::report`].
    pub(super) fn report(&self) -> Result<(), Failure> {
        let said = match (&self.relay, &self.said) {
            (Some(_), _) if self.is_live => "all flows came by the relay",
            (_, Some(said)) => said,
            _ => return Ok(()),
        };
        Finding::info("monitor/source", "the source", said)
            .fix("--via agent asks every agent, whose events also have bytes, marks and what agents do")
            .report()
    }

    pub(super) fn rows(&self) -> Vec<StreamRow> {
        let relay = self.relay.iter().flat_map(Relay::rows);
        relay.chain(self.each.iter().map(|stream| stream.account.row(&stream.name))).collect()
    }
}

fn say_lost(node: &str, lost: u64) {
    if lost > 0 {
        partial(node, &Failure::Other(format!("the agent lost {lost} events")));
    }
}
