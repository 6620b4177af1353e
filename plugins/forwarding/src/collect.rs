//! Asks: objects of the cluster and commands on every host, all at once.
//!
//! The only file that waits. An answer becomes records the moment it comes and its text is
//! dropped, so that a thousand hosts' tables never lie in memory as text. A failed answer stays
//! a value; it never ends the run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::string::FromUtf8Error;

use lab_model::cilium::CiliumNode;
use lab_model::fib::Fib;
use lab_model::iproute2::{
    DeviceName, IpRule, NeighborState, Route, RouteReader, TableId, local_routes, read_addresses,
    read_links, read_neighbors, read_rules,
};
use lab_model::kubernetes::{ConfigMap, Node, Pod};
use lab_model::{AddressFamily, Problem};
use lab_plugin::hosts::{self, Kind};
use lab_plugin::{Batch, Failure, Outcome, Place, Selection, log, partial};

use crate::model::{Agent, HostInput, Inputs, Link};
use crate::parse::{self, DaemonSet, NodeConfig};
use crate::tables;

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything: tables, devices, neighbors, filters, agents, pods.
    Full,
    /// What ways between nodes need: tables, rules, addresses, settings.
    Pairs,
}

/// One command and where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Routes,
    Routes6,
    Rules,
    Rules6,
    Addresses,
    Links,
    Neighbors,
    Filter,
    AgentStatus,
    AgentConfig,
}

/// The command whose output is quoted as evidence of a route.
pub const ROUTES: &str = "ip -j route show table all";

/// The commands, as the card declares them: first the form that is asked, behind it those in
/// which captures and sysdumps may have the same answer.
pub const COMMANDS: [&str; 10] = [
    "host: ip -j route show table all | ip route show table all | ip -4 route show table all | ip route",
    "host: ip -j -6 route show table all | ip -6 route show table all | ip -6 route",
    "host: ip -j rule | ip -d rule | ip rule",
    "host: ip -j -6 rule | ip -6 -d rule | ip -6 rule",
    "host: ip -j addr | ip addr",
    "host: ip -j -d link | ip -d link | ip link | ip -d -s -s link | ip -d -s link | ip addr",
    "host: ip -j neigh | ip neigh | ip -4 neigh",
    "host: iptables-save | iptables-save -c",
    "agent: cilium-dbg status -o json | cilium-dbg status --verbose | cilium-dbg status",
    "agent: cilium-dbg config --all -o json | cilium-dbg config --all",
];

/// The kinds of objects, as the card declares them.
pub const KINDS: [&str; 6] = [
    "v1/Node",
    "v1/Pod",
    "v1/ConfigMap",
    "apps/v1/DaemonSet",
    "cilium.io/v2/CiliumNode",
    "cilium.io/v2/CiliumNodeConfig",
];

const EVERY: [Question; 10] = [
    Question::Routes,
    Question::Routes6,
    Question::Rules,
    Question::Rules6,
    Question::Addresses,
    Question::Links,
    Question::Neighbors,
    Question::Filter,
    Question::AgentStatus,
    Question::AgentConfig,
];

impl Question {
    fn command(self) -> &'static str {
        let forms = COMMANDS[EVERY.iter().position(|known| *known == self).unwrap_or(0)];
        forms.split_once(" | ").map_or(forms, |(first, _)| first)
    }

    /// One line for a failed answer.
    fn failed(self, failure: &Failure) -> String {
        format!("`{}`: {}", self.command(), failure.message())
    }

    fn is_asked(self, scope: Scope, kind: Kind) -> bool {
        match self {
            Self::Routes | Self::Rules | Self::Addresses => true,
            Self::Routes6 | Self::Rules6 | Self::Links | Self::Neighbors => scope == Scope::Full,
            // On a node Cilium's own chain accepts what belongs to pods.
            Self::Filter => scope == Scope::Full && kind == Kind::Extra,
            Self::AgentStatus | Self::AgentConfig => scope == Scope::Full && kind == Kind::Node,
        }
    }

    /// Hosts can live without the answer; its absence is only noted in the log.
    fn is_optional(self) -> bool {
        matches!(self, Self::Routes6 | Self::Rules6 | Self::Links | Self::Neighbors | Self::Filter)
    }
}

/// Asks everything and hands over what came.
///
/// # Errors
/// Only when the hosts themselves cannot be listed.
pub fn collect(scope: Scope) -> Result<Inputs, Failure> {
    // First, because a cluster that cannot be reached then costs one timeout and not one for
    // every kind of object.
    let listed = hosts::list()?;
    let mut inputs = Inputs::default();
    objects(scope, &mut inputs);
    let mut batch = Batch::new();
    let mut asked = Vec::new();
    let mut drafts = Vec::with_capacity(listed.len());
    for (idx, host) in listed.iter().enumerate() {
        for question in EVERY {
            if !question.is_asked(scope, host.kind) {
                continue;
            }
            let words: Vec<&str> = question.command().split(' ').collect();
            let place = match words.first() {
                Some(&"agent:") => Place::agent(&host.name),
                _ => Place::host(&host.name),
            };
            batch.add(&place, words.get(1..).unwrap_or_default());
            asked.push((idx, question));
        }
        drafts.push(Draft::new(host, scope));
    }
    let mut reader = RouteReader::default();
    for (index, answer) in batch.as_they_come() {
        let Some(&(host, question)) = asked.get(index as usize) else { continue };
        let text = answer.and_then(text_of);
        drafts[host].take(question, text, &mut reader, &mut inputs.version);
    }
    inputs.hosts = drafts.into_iter().map(Draft::finish).collect();
    Ok(inputs)
}

/// The output as text, without a copy unless it has to be mended: of a million routes the copy
/// alone took an eighth of all time.
fn text_of(outcome: Outcome) -> Result<String, Failure> {
    outcome.success()?;
    let mended = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    Ok(String::from_utf8(outcome.out).unwrap_or_else(mended))
}

/// One host's answers while they come.
struct Draft {
    input: HostInput,
    routes: Option<Vec<Rc<Route>>>,
    routes6: Option<Vec<Rc<Route>>>,
    rules: Vec<IpRule>,
    /// Routes of an output that leaves the table local out; which of them are needed with it is
    /// known when every answer has come.
    without_local: Option<Vec<Rc<Route>>>,
    due: usize,
    missing: Vec<(Question, Failure)>,
}

impl Draft {
    fn new(host: &hosts::Host, scope: Scope) -> Self {
        let pending = "no answer came";
        let is_node = host.kind == Kind::Node;
        let input = HostInput {
            name: host.name.clone(),
            is_node,
            known: host.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()).collect(),
            fib: Err(pending.to_owned()),
            addresses: Err(pending.to_owned()),
            links: Err(pending.to_owned()),
            neighbors: Err(pending.to_owned()),
            forward_drops: None,
            in_force: None,
            agent: Agent::NotAsked,
        };
        let tables = [Question::Routes, Question::Routes6, Question::Rules, Question::Rules6];
        let due = tables.iter().filter(|table| table.is_asked(scope, host.kind)).count();
        Self {
            input,
            routes: None,
            routes6: None,
            rules: Vec::new(),
            without_local: None,
            due,
            missing: Vec::new(),
        }
    }

    fn take(
        &mut self,
        question: Question,
        text: Result<String, Failure>,
        reader: &mut RouteReader,
        version: &mut Option<String>,
    ) {
        let text = match text {
            Ok(text) => text,
            Err(failure) => {
                self.fail(question, &failure);
                self.settle_tables(question);
                return;
            }
        };
        match question {
            Question::Routes => self.routes = self.read_whole(question, reader.read(&text)),
            Question::Routes6 => self.routes6 = self.read_whole(question, reader.read(&text)),
            Question::Rules | Question::Rules6 => {
                let v6 = question == Question::Rules6;
                let family = if v6 { AddressFamily::V6 } else { AddressFamily::V4 };
                let rules = self.read_whole(question, read_rules(&text, family));
                self.rules.extend(rules.unwrap_or_default());
            }
            Question::Addresses => {
                let parsed = self.read(question, read_addresses(&text));
                self.input.addresses = Ok(parsed.iter().filter_map(parse::address).collect());
            }
            Question::Links => {
                let parsed = self.read(question, read_links(&text));
                let links = parsed.iter().filter_map(|link| {
                    let known = Link { mtu: link.mtu, is_down: !link.is_up() };
                    Some((DeviceName::new(&link.name)?, known))
                });
                self.input.links = Ok(links.collect());
            }
            Question::Neighbors => {
                let parsed = self.read(question, read_neighbors(&text));
                let dead = parsed.iter().filter_map(|neighbor| {
                    let state = neighbor.states.iter().find_map(|state| match state {
                        NeighborState::Failed => Some("FAILED"),
                        NeighborState::Incomplete => Some("INCOMPLETE"),
                        _ => None,
                    })?;
                    Some((neighbor.device?, neighbor.dst, state.to_owned()))
                });
                self.input.neighbors = Ok(dead.collect());
            }
            Question::Filter => self.input.forward_drops = Some(parse::forward_drops(&text)),
            Question::AgentConfig => self.input.in_force = Some(text),
            Question::AgentStatus => {
                let (agent, running) = parse::agent(&text);
                self.input.agent = agent;
                if version.is_none() {
                    *version = running;
                }
            }
        }
        self.settle_tables(question);
    }

    /// Builds the tables once the last answer they need has come, and drops the records.
    fn settle_tables(&mut self, question: Question) {
        let tables = [Question::Routes, Question::Routes6, Question::Rules, Question::Rules6];
        if !tables.contains(&question) {
            return;
        }
        self.due = self.due.saturating_sub(1);
        if self.due > 0 {
            return;
        }
        let Some(mut routes) = self.routes.take() else {
            let why = self.main_failure().map(|(question, why)| question.failed(why));
            self.input.fib = Err(why.unwrap_or_else(|| "no routing table".to_owned()));
            return;
        };
        if let Some(routes6) = self.routes6.take().filter(|routes| !routes.is_empty()) {
            // `table all` prints both families, the other command one of them again.
            routes.retain(|route| route.dst.family() == AddressFamily::V4);
            routes.extend(routes6);
        }
        if routes.iter().any(|route| route.table == TableId::LOCAL) {
            let rules = std::mem::take(&mut self.rules);
            self.input.fib = Ok(Fib::new(rules, routes));
        } else {
            self.without_local = Some(routes);
        }
    }

    fn fail(&mut self, question: Question, failure: &Failure) {
        let what = question.failed(failure);
        match question {
            Question::AgentStatus => self.input.agent = Agent::Silent(what.clone()),
            Question::Addresses => self.input.addresses = Err(what.clone()),
            _ => {}
        }
        log::debug(&format!("{}: {what}", self.input.name));
        if !question.is_optional() {
            self.missing.push((question, failure.clone()));
        }
    }

    /// Why there are no tables: the answer that should have had them, whichever came first.
    fn main_failure(&self) -> Option<&(Question, Failure)> {
        let order =
            |(question, _): &&(Question, Failure)| EVERY.iter().position(|known| known == question);
        self.missing.iter().min_by_key(order)
    }

    /// Records of which none may be missing: a route that could not be read is not a missing
    /// route, so a table with a problem counts as not read.
    fn read_whole<T>(
        &mut self,
        question: Question,
        (records, problems): (T, Vec<Problem>),
    ) -> Option<T> {
        let Some(problem) = problems.first() else { return Some(records) };
        self.fail(question, &Failure::Other(format!("cannot be read: {problem}")));
        None
    }

    fn read<T>(&self, question: Question, (records, problems): (T, Vec<Problem>)) -> T {
        for problem in problems {
            log::warn(&format!("{}: `{}`: {problem}", self.input.name, question.command()));
        }
        records
    }

    /// Tells what is missing: a host without tables in one line, however many of its answers
    /// are; of one that has them, each question.
    fn tell_missing(&self) {
        if self.input.fib.is_err() {
            if let Some((_, failure)) = self.main_failure() {
                partial(&self.input.name, failure);
            }
            return;
        }
        for (question, failure) in &self.missing {
            let (_, command) = question.command().split_once(": ").unwrap_or_default();
            partial(&format!("{command} on {}", self.input.name), failure);
        }
    }

    fn finish(mut self) -> HostInput {
        if let Some(mut routes) = self.without_local.take() {
            if self.input.addresses.is_err() {
                // Not all, but true.
                let own = tables::addresses_of(&self.input.known, &routes);
                self.input.addresses = if own.is_empty() { self.input.addresses } else { Ok(own) };
            }
            let own = self.input.addresses.iter().flatten();
            let local = local_routes(own.map(|own| (own.device, own.ip, own.network)));
            routes.extend(local.into_iter().map(Rc::new));
            self.input.fib = Ok(Fib::new(std::mem::take(&mut self.rules), routes));
        }
        self.tell_missing();
        self.input
    }
}

/// Objects, in the order of their use; a kind that cannot be read is noted and left out.
fn objects(scope: Scope, inputs: &mut Inputs) {
    let nodes = list::<Node>(
        Selection::new("v1", "Node").keep("metadata").keep("spec").keep("status.addresses"),
        inputs,
    );
    inputs.nodes = nodes.unwrap_or_default().iter().map(parse::node).collect();
    let kept = Selection::new("cilium.io/v2", "CiliumNode").keep("metadata.name").keep("spec");
    inputs.cilium_nodes = list::<CiliumNode>(kept, inputs)
        .map(|nodes| nodes.iter().map(parse::cilium_node).collect());
    if scope == Scope::Full {
        let kept = Selection::new("v1", "Pod")
            .keep("metadata.name")
            .keep("metadata.namespace")
            .keep("spec.nodeName")
            .keep("spec.hostNetwork")
            .keep("status.phase")
            .keep("status.podIP")
            .keep("status.podIPs");
        let pods = list::<Pod>(kept, inputs);
        inputs.pods = pods.map(|pods| pods.iter().filter_map(parse::pod).collect());
    }
    inputs.config = config_map("cilium-config", inputs);
    let kubeadm = config_map("kubeadm-config", inputs);
    inputs.service_cidrs = kubeadm.as_ref().map(parse::service_cidrs).unwrap_or_default();
    let agents = Selection::new("apps/v1", "DaemonSet")
        .namespace("kube-system")
        .keep("spec.template.spec.containers");
    // Only for the commands of cures; without it they name no version.
    inputs.version = agents.get::<DaemonSet>("cilium").ok().as_ref().and_then(DaemonSet::version);
    let configs = Selection::new("cilium.io/v2", "CiliumNodeConfig").keep("metadata").keep("spec");
    // Absent in most clusters, and unknown to older ones: no answer is no news.
    for config in configs.list::<NodeConfig>().map_while(Result::ok) {
        inputs.node_configs.push(config.into());
    }
}

/// The keys of one `ConfigMap` of kube-system. Not every cluster has each, so only other failures
/// are told.
fn config_map(name: &str, inputs: &mut Inputs) -> Option<BTreeMap<String, String>> {
    let of =
        Selection::new("v1", "ConfigMap").namespace("kube-system").keep("metadata").keep("data");
    match of.get::<ConfigMap>(name) {
        Ok(map) => Some(map.data),
        Err(Failure::NotFound(_)) => None,
        Err(failure) => {
            partial(name, &failure);
            inputs.absent.push((name.to_owned(), failure.message().to_owned()));
            None
        }
    }
}

fn list<T: serde::de::DeserializeOwned>(of: Selection, inputs: &mut Inputs) -> Option<Vec<T>> {
    let subject = of.kind.clone();
    let mut all = Vec::new();
    for object in of.list::<T>() {
        match object {
            Ok(object) => all.push(object),
            Err(failure) => {
                partial(&subject, &failure);
                inputs.absent.push((subject, failure.message().to_owned()));
                // What came before stays true for nodes and pods alike.
                return (!all.is_empty()).then_some(all);
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_its_own_command() {
        for (question, command) in EVERY.into_iter().zip(COMMANDS) {
            assert_eq!(question.command(), command.split(" | ").next().unwrap());
        }
    }
}
