//! Asks: objects of the cluster and commands on every host, all at once.
//!
//! The only stage that waits. A dump becomes numbers the moment it comes and its text is dropped,
//! so that a thousand hosts' dumps never sit in memory together. A failed answer stays a value.

mod objects;

use std::net::IpAddr;

use lab_model::iproute2;
use lab_netfilter::canonical::Fold;
use lab_netfilter::ipset;
use lab_netfilter::nft;
use lab_netfilter::ruleset::{self, Store, TroubleKind};
use lab_plugin::hosts::{self, Kind, Outcome};
use lab_plugin::{Batch, Failure, Place, log, partial};

use crate::model::{Dump, Family, Fleet, Host};

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Rules and what is folded in them.
    Compare,
    /// Also both backends and tables that only nft shows.
    Tools,
    /// Also sets.
    Show,
    /// Also the hosts' own addresses.
    Path,
    /// Also the configuration of Cilium.
    Expected,
}

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Rules(Family),
    Legacy(Family),
    Nft(Family),
    Version,
    Sets,
    NftTables,
    Addresses,
}

const EVERY: [Question; 10] = [
    Question::Rules(Family::V4),
    Question::Rules(Family::V6),
    Question::Legacy(Family::V4),
    Question::Legacy(Family::V6),
    Question::Nft(Family::V4),
    Question::Nft(Family::V6),
    Question::Version,
    Question::Sets,
    Question::NftTables,
    Question::Addresses,
];

/// Which hosts that are no nodes are asked.
#[derive(Clone, Copy, Debug)]
pub enum Beside<'a> {
    /// None.
    None,
    /// The one of this name.
    Named(&'a str),
    /// All.
    All,
}

/// Commands with the reason for each, as the card declares them: first the form that is asked,
/// behind it those in which captures and sysdumps may have the same answer.
pub const COMMANDS: [(&str, &str); 12] = [
    ("host: iptables-save -c | iptables-save", "the rules of every host, with their counters"),
    ("host: ip6tables-save -c | ip6tables-save", "the same for IPv6"),
    (
        "host: iptables-legacy-save -c | iptables-legacy-save",
        "whether the legacy backend holds rules too",
    ),
    ("host: ip6tables-legacy-save -c | ip6tables-legacy-save", "the same for IPv6"),
    ("host: iptables-nft-save -c | iptables-nft-save", "whether the nft backend holds rules too"),
    ("host: ip6tables-nft-save -c | ip6tables-nft-save", "the same for IPv6"),
    ("host: iptables --version", "versions of the tools and their backends are compared"),
    ("host: ipset save | ipset list", "members of the sets that rules ask"),
    ("host: nft -j list ruleset", "tables that iptables cannot show"),
    ("host: ip -j addr | ip addr", "which packets are for the host itself"),
    (
        "agent: iptables-save -c | iptables-save",
        "the rules of a node that has no tool of its own: the agent sees the same kernel",
    ),
    ("agent: ip6tables-save -c | ip6tables-save", "the same for IPv6"),
];

/// Kinds of objects with the reason for each, as the card declares them.
pub const KINDS: [(&str, &str); 4] = [
    ("v1/Node", "addresses and podCIDRs that are folded to names"),
    ("v1/Pod", "versions of the agents, and where kube-proxy runs"),
    ("v1/ConfigMap", "cilium-config: which rules ought to be there"),
    ("cilium.io/v2/CiliumNode", "podCIDRs and router addresses that are folded to names"),
];

impl Question {
    /// The words of the command.
    fn command(self) -> &'static str {
        let (forms, _) = COMMANDS[EVERY.iter().position(|known| *known == self).unwrap_or(0)];
        let first = forms.split_once(" | ").map_or(forms, |(first, _)| first);
        first.split_once(": ").map_or(first, |(_, command)| command)
    }

    fn is_asked(self, scope: Scope) -> bool {
        match self {
            Self::Rules(_) | Self::Version => true,
            Self::Legacy(_) | Self::Nft(_) => matches!(scope, Scope::Compare | Scope::Tools),
            Self::NftTables => scope == Scope::Tools,
            Self::Sets => matches!(scope, Scope::Show | Scope::Path),
            Self::Addresses => scope == Scope::Path,
        }
    }

    /// Whether a host without an answer is told as one.
    fn is_needed(self) -> bool {
        self == Self::Rules(Family::V4)
    }
}

/// Asks and hands over what came. Hosts beside the cluster are asked where `wanted` says so, and
/// where there are no others: one that answers to nobody but root would make every run partial.
///
/// # Errors
/// Only when the hosts themselves cannot be listed.
pub fn collect(scope: Scope, fold: Fold, wanted: Beside<'_>) -> Result<Fleet, Failure> {
    let mut listed = hosts::list()?;
    if listed.iter().any(|host| host.kind == Kind::Node) {
        listed.retain(|host| {
            host.kind == Kind::Node
                || match wanted {
                    Beside::All => true,
                    Beside::Named(name) => host.name == name,
                    Beside::None => false,
                }
        });
    }
    let mut fleet = Fleet { store: Store::new(fold), ..Fleet::default() };
    fleet.hosts = listed
        .iter()
        .map(|host| Host {
            name: host.name.clone(),
            is_node: host.kind == Kind::Node,
            addresses: host.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()).collect(),
            ..Host::default()
        })
        .collect();
    objects::objects(&mut fleet, scope == Scope::Expected);

    let mut batch = Batch::new();
    let mut asked = Vec::new();
    for (idx, host) in listed.iter().enumerate() {
        for question in EVERY.into_iter().filter(|it| it.is_asked(scope)) {
            let words: Vec<&str> = question.command().split(' ').collect();
            batch.add(&Place::host(&host.name), &words);
            asked.push((idx, question));
        }
    }
    let mut silent: Vec<(usize, Question, Failure)> = Vec::new();
    for (index, answer) in batch.as_they_come() {
        let Some(&(host, question)) = asked.get(index as usize) else { continue };
        let place = format!("{}: {}", fleet.hosts[host].name, question.command());
        match answer.and_then(|outcome| output(&outcome).map(|()| outcome)) {
            Ok(outcome) => take(&mut fleet, host, question, &place, &outcome),
            Err(failure) => silent.push((host, question, failure)),
        }
    }
    ask_agents(&mut fleet, &mut silent);
    ask_nft(&mut fleet, &mut silent);
    for (host, question, failure) in silent {
        refuse(&mut fleet.hosts[host], question, &failure);
    }
    Ok(fleet)
}

/// Takes rules from a file of the user's in as if another host had them, and says where it is in
/// the fleet. A file that was made on one of the nodes is read with that node's values.
pub fn add_file(fleet: &mut Fleet, name: &str, text: &str) -> usize {
    let is_named = |ip: &IpAddr| {
        let ip = ip.to_string();
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').any(|word| word == ip)
    };
    let owner = fleet.hosts.iter().find(|host| {
        host.routers.iter().flatten().any(is_named) || host.addresses.iter().any(is_named)
    });
    let literals = owner.map(|host| host.literals.clone()).unwrap_or_default();
    let set = fleet.store.read(text, &literals, None);
    let dump = Dump { place: name.to_owned(), set };
    fleet.hosts.push(Host {
        name: name.to_owned(),
        literals,
        rules: [Some(Ok(dump)), None],
        ..Host::default()
    });
    fleet.hosts.len() - 1
}

/// The output of a command that ended well; else what it said.
fn output(outcome: &Outcome) -> Result<(), Failure> {
    let Err(failure) = outcome.success() else { return Ok(()) };
    // Tools that are not there are told of on either output.
    if outcome.err.is_empty() && !outcome.truncated {
        let text = outcome.text();
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message");
        return Err(Failure::Other(format!("exit code {}: {line}", outcome.code)));
    }
    Err(failure)
}

/// Nodes that could not say it themselves, through their agents.
fn ask_agents(fleet: &mut Fleet, silent: &mut Vec<(usize, Question, Failure)>) {
    let mut batch = Batch::new();
    let mut asked = Vec::new();
    for (at, (host, question, _)) in silent.iter().enumerate() {
        if matches!(question, Question::Rules(_)) && fleet.hosts[*host].is_node {
            let words: Vec<&str> = question.command().split(' ').collect();
            batch.add(&Place::agent(&fleet.hosts[*host].name), &words);
            asked.push((at, *host, *question));
        }
    }
    if asked.is_empty() {
        return;
    }
    let mut answered = Vec::new();
    for (index, answer) in batch.as_they_come() {
        let Some(&(at, host, question)) = asked.get(index as usize) else { continue };
        let place = format!("agent on {}: {}", fleet.hosts[host].name, question.command());
        match answer.and_then(|outcome| output(&outcome).map(|()| outcome)) {
            Ok(outcome) => {
                take(fleet, host, question, &place, &outcome);
                answered.push(at);
            }
            Err(failure) => log::debug(&format!("{place}: {}", failure.message())),
        }
    }
    answered.sort_unstable();
    for at in answered.into_iter().rev() {
        silent.remove(at);
    }
}

/// Hosts that have neither, through nft: as far as it knows what iptables made.
fn ask_nft(fleet: &mut Fleet, silent: &mut Vec<(usize, Question, Failure)>) {
    let is_rules = |question: &Question| matches!(question, Question::Rules(_));
    let mut hosts: Vec<usize> =
        silent.iter().filter(|(_, question, _)| is_rules(question)).map(|it| it.0).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.is_empty() {
        return;
    }
    let words: Vec<&str> = Question::NftTables.command().split(' ').collect();
    let mut batch = Batch::new();
    for host in &hosts {
        batch.add(&Place::host(&fleet.hosts[*host].name), &words);
    }
    for (index, answer) in batch.as_they_come() {
        let Some(&host) = hosts.get(index as usize) else { continue };
        let place = format!("{}: {}", fleet.hosts[host].name, Question::NftTables.command());
        let outcome = match answer.and_then(|outcome| output(&outcome).map(|()| outcome)) {
            Ok(outcome) => outcome,
            Err(failure) => {
                log::debug(&format!("{place}: {}", failure.message()));
                continue;
            }
        };
        let (text, _) = ruleset::decode(&outcome.out);
        silent.retain(|(of, question, _)| {
            let Question::Rules(family) = question else { return true };
            if *of != host {
                return true;
            }
            let printed = match nft::dump(&text, if *family == Family::V4 { "ip" } else { "ip6" }) {
                Ok(printed) => printed,
                Err(why) => {
                    log::debug(&format!("{place}: {why}"));
                    return true;
                }
            };
            let mut set = fleet.store.read(&printed, &fleet.hosts[host].literals, None);
            // Of every other rule a part is not known, which is said once.
            set.troubles.retain(|trouble| trouble.kind != TroubleKind::Unsupported);
            let rules = format!("{} rules of {}", set.n_rules(), family.tool());
            set.trouble(TroubleKind::OnlyNft, 0, &rules);
            fleet.hosts[host].rules[*family as usize] =
                Some(Ok(Dump { place: place.clone(), set }));
            false
        });
    }
}

fn take(fleet: &mut Fleet, host: usize, question: Question, place: &str, outcome: &Outcome) {
    let (text, trouble) = ruleset::decode(&outcome.out);
    let store = &mut fleet.store;
    let host = &mut fleet.hosts[host];
    let mut dump = |host: &Host| {
        let mut set = store.read(&text, &host.literals, None);
        set.troubles.extend(trouble.clone());
        set.warnings(&String::from_utf8_lossy(&outcome.err));
        for trouble in &set.troubles {
            log::debug(&format!(
                "{place}: line {}: {}: `{}`",
                trouble.line,
                trouble.kind.what(),
                trouble.text
            ));
        }
        Some(Ok(Dump { place: place.to_owned(), set }))
    };
    match question {
        Question::Rules(family) => host.rules[family as usize] = dump(host),
        Question::Legacy(family) => host.legacy[family as usize] = dump(host),
        Question::Nft(family) => host.nft[family as usize] = dump(host),
        Question::Version => {
            host.tool = Some(
                ruleset::tool(&text)
                    .ok_or_else(|| format!("`{}`: no version in its output", question.command())),
            );
        }
        Question::Sets => host.sets = Some(Ok(ipset::parse_sets(&text))),
        Question::NftTables => {
            host.nft_tables = Some(
                nft::parse_tables(&text).map_err(|why| format!("`{}`: {why}", question.command())),
            );
        }
        Question::Addresses => {
            let (addresses, _) = iproute2::read_addresses(&text);
            for address in addresses {
                if !host.addresses.contains(&address.address) {
                    host.addresses.push(address.address);
                }
            }
        }
    }
}

fn refuse(host: &mut Host, question: Question, failure: &Failure) {
    let why = format!("`{}`: {}", question.command(), failure.message());
    if question.is_needed() {
        partial(&host.name, failure);
    } else {
        log::debug(&format!("{}: {why}", host.name));
    }
    match question {
        Question::Rules(family) => host.rules[family as usize] = Some(Err(why)),
        // A backend whose tool is not there, or was not recorded, is not known to hold rules.
        // Its own addresses are then those that objects tell.
        Question::Legacy(_) | Question::Nft(_) | Question::Addresses => {}
        Question::Version => host.tool = Some(Err(why)),
        Question::Sets => host.sets = Some(Err(why)),
        Question::NftTables => host.nft_tables = Some(Err(why)),
    }
}
