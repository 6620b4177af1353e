//! What agents and hosts are asked.

use std::collections::BTreeMap;

use lab_model::cilium::parse_agent_config;
use lab_plugin::hosts::{self, Host, Kind};
use lab_plugin::{Batch, Fact, Failure, Place, log, partial};

use crate::inputs::{Inputs, Printed};
use crate::version::Version;

const VERSION: &str = "agent: cilium-dbg version";
const CONFIG: &str = "agent: cilium-dbg config --all -o json";
const ROUTES: &str = "host: ip -j route show table all";
const RULES: &str = "host: ip -j rule";
const ADDRESSES: &str = "host: ip -j addr";
const IPTABLES: &str = "host: iptables-save";

/// Commands with the reason for each, as the card declares them.
pub const COMMANDS: [(&str, &str); 6] = [
    (VERSION, "the agent's version, where its image does not say it"),
    (
        "agent: cilium-dbg config --all -o json | cilium-dbg config --all",
        "with --deep, whether agents run with the settings of cilium-config",
    ),
    (ROUTES, "routes of every host, for `upgrade-check diff`"),
    (RULES, "the same for rules of routing"),
    (ADDRESSES, "the same for addresses"),
    (IPTABLES, "the same for rules of the firewall"),
];

/// A host, the words of a command and what came of it.
type Answer = (Host, &'static str, Result<String, Failure>);

/// Versions of the agents.
pub(super) fn versions(inputs: &mut Inputs) {
    for (host, _, answer) in ask(Kind::Node, &[VERSION]) {
        let version = match answer {
            Ok(text) => {
                // `Client: 1.18.0 0f37b8e… go1.24…` and the same of the daemon, which counts.
                let lines = text.lines().filter_map(|line| line.split_once(": "));
                let mut versions = lines.filter_map(|(who, rest)| {
                    let word = rest.split_whitespace().next()?;
                    Some((who == "Daemon", word.parse::<Version>().ok()?))
                });
                let first = versions.next();
                let daemon = first.clone().filter(|(is_daemon, _)| *is_daemon);
                let found = daemon.or_else(|| versions.find(|(is_daemon, _)| *is_daemon));
                match found.or(first) {
                    Some((_, version)) => Fact::Known(version),
                    None => Fact::Unknown("`cilium-dbg version` says none".to_owned()),
                }
            }
            Err(failure) => Fact::Unknown(failure.message().to_owned()),
        };
        inputs.asked_versions.insert(host.name, version);
    }
}

/// Settings that the agents run with.
pub(super) fn settings(inputs: &mut Inputs) {
    let mut running = BTreeMap::new();
    let mut why = None;
    for (host, _, answer) in ask(Kind::Node, &[CONFIG]) {
        match answer {
            Ok(text) => {
                let (settings, problems) = parse_agent_config(&text);
                for problem in problems {
                    log::warn(&format!("{}: `cilium-dbg config --all`: {problem}", host.name));
                }
                running.insert(host.name, settings);
            }
            Err(failure) => {
                partial(&host.name, &failure);
                why.get_or_insert(failure.message().to_owned());
            }
        }
    }
    inputs.running = match why {
        Some(why) if running.is_empty() => Fact::Unknown(why),
        _ => Fact::Known(running),
    };
}

/// Routes, rules, addresses and firewall of every host, as printed.
pub fn host_state() -> Vec<Printed> {
    let mut answers = ask(Kind::Node, &[ROUTES, RULES, ADDRESSES, IPTABLES]);
    answers.extend(ask(Kind::Extra, &[ROUTES, RULES, ADDRESSES]));
    let printed = answers.into_iter().map(|(host, command, answer)| {
        let text = match answer {
            Ok(text) => Some(text),
            Err(failure) => {
                partial(&host.name, &failure.context(format!("`{command}`")));
                None
            }
        };
        Printed { host: host.name, command, text }
    });
    printed.collect()
}

fn ask(kind: Kind, questions: &[&'static str]) -> Vec<Answer> {
    let listed = match hosts::list() {
        Ok(listed) => listed,
        Err(failure) => {
            partial("hosts", &failure);
            return Vec::new();
        }
    };
    let mut batch = Batch::new();
    let mut asked = Vec::new();
    for host in listed.into_iter().filter(|host| host.kind == kind) {
        for question in questions {
            let (place, command) = question.split_once(": ").unwrap_or_default();
            let place = match place {
                "agent" => Place::agent(&host.name),
                _ => Place::host(&host.name),
            };
            batch.add(&place, &command.split(' ').collect::<Vec<_>>());
            asked.push((host.clone(), command));
        }
    }
    let answers = batch.in_order().map(|answer| {
        answer.and_then(|outcome| outcome.success().map(|_| outcome.text().into_owned()))
    });
    asked.into_iter().zip(answers).map(|((host, command), text)| (host, command, text)).collect()
}
