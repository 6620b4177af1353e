//! `kubectl lab iptables-diff`: what differs between the packet filters of hosts, between two
//! moments, and from what Cilium should have installed.
//!
//! The card, then the stages in order: collect, model, groups and expected, judge, rows.

pub mod collect;
pub mod expected;
pub mod explain;
pub mod groups;
pub mod judge;
pub mod model;
pub mod report;
pub mod rows;

use std::net::IpAddr;

use lab_netfilter::canonical::Fold;
use lab_netfilter::walk::Packet;
use lab_plugin::{Argument, Call, Card, Command, Failure, Finding, Kind, Plugin, Table, TableRow};
use regex::Regex;

use collect::{Beside, Scope};
use groups::Groups;
use model::Fleet;
use report::{Chosen, Counting};
use rows::{
    DiffRow, DifferenceRow, ExpectedRow, GroupRow, HostRow, RuleRow, ShowRow, StepRow, VerdictRow,
};

/// The plugin.
pub struct IptablesDiff;

lab_plugin::export!(IptablesDiff);

impl Plugin for IptablesDiff {
    fn describe() -> Card {
        let card = Card::new("Compare the packet filters of hosts, of two moments, and with what Cilium installs")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(main_command())
            .command(
                Command::new(&["iptables-diff", "diff"], "Show the differences as unified diffs")
                    .argument(base())
        .argument(base_file())
                    .argument(all())
                    .argument(literal())
                    .example(
                        "kubectl lab iptables-diff diff -o json | jq -r '.diff[].diff' | delta",
                        "for tools that read diffs",
                    ),
            )
            .command(
                Command::new(&["iptables-diff", "expected"], "Compare nodes with what Cilium should have installed")
                    .long_about(
                        "Compares Cilium's chains and feeders with a model of what the agent's release installs with \
                         the cluster's configuration. The model of 1.17 and 1.18 was compared with dumps; those of \
                         1.14 to 1.16, 1.19 and 1.20 were not, which is told.",
                    )
                    .example("kubectl lab iptables-diff expected", "missing, unexpected and stale rules"),
            )
            .command(
                Command::new(&["iptables-diff", "hosts"], "Show backends, versions and numbers of rules of every host")
                    .example("kubectl lab iptables-diff hosts", "also tables that only nft shows"),
            )
            .command(show_command())
            .command(path_command());
        let card = explain::EXPLANATIONS
            .iter()
            .fold(card, |card, explained| card.explain(explained.code, explained.text));
        let card = collect::COMMANDS
            .iter()
            .fold(card, |card, (command, reason)| card.ask("hosts", &[command], reason));
        collect::KINDS
            .iter()
            .fold(card, |card, (kind, reason)| card.ask("cluster", &[kind], reason))
    }

    fn run(call: &Call) -> Result<(), Failure> {
        match call.path().get(1..).unwrap_or_default() {
            ["diff"] => run_diff(call),
            ["expected"] => run_expected(),
            ["hosts"] => run_hosts(),
            ["show"] => run_show(call),
            ["path"] => run_path(call),
            _ => run_groups(call),
        }
    }
}

fn base() -> Argument {
    Argument::flag("base", Kind::Text, "Compare with this host instead of what most hosts have")
        .hosts()
}

fn base_file() -> Argument {
    let about = "Compare with the rules in this file, as iptables-save prints them";
    Argument::flag("base-file", Kind::Path, about)
}

fn all() -> Argument {
    Argument::flag("all", Kind::Boolean, "Compare hosts that are no nodes too")
}

fn literal() -> Argument {
    Argument::flag(
        "literal",
        Kind::Boolean,
        "Keep each host's own addresses, podCIDRs and proxy ports",
    )
}

fn main_command() -> Command {
    Command::new(&["iptables-diff"], "Group hosts by equal rules and show what differs")
        .long_about(
            "Compares IPv4 and IPv6 rules of all nodes. Counters, the order of chains, spellings, and values that are \
             each node's own ($NODE_IP, $POD_CIDR, $ROUTER_IP, $PROXY_PORT) do not count; the order of rules in a \
             chain does. With --rules --against CAPTURE each changed rule of each host is one row.",
        )
        .argument(base())
        .argument(base_file())
        .argument(all())
        .argument(literal())
        .argument(Argument::flag("rules", Kind::Boolean, "Also list every rule as it is compared; made for --against"))
        .argument(Argument::flag("counters", Kind::Boolean, "With packets and bytes of every rule; implies --rules"))
        .example("kubectl lab iptables-diff", "which nodes are alike, and what the others have")
        .example("kubectl lab iptables-diff --base k8s-ctr", "against one node")
        .example("kubectl lab iptables-diff --rules --against before.zip", "what changed on each node since then")
}

fn show_command() -> Command {
    Command::new(&["iptables-diff", "show"], "Show rules with what they match, do and are for")
        .argument(
            Argument::positional(
                "shown",
                Kind::Text,
                "Host whose rules are shown; all when not given",
            )
            .hosts(),
        )
        .argument(
            Argument::flag("table", Kind::Text, "Only this table")
                .choices(&["filter", "nat", "mangle", "raw", "security"]),
        )
        .argument(Argument::flag(
            "chain",
            Kind::Text,
            "Only chains whose name this regular expression finds",
        ))
        .argument(Argument::flag(
            "grep",
            Kind::Text,
            "Only rules whose line this regular expression finds",
        ))
        .example("kubectl lab iptables-diff show k8s-w1 --table nat", "one table of one host")
        .example("kubectl lab iptables-diff show --grep DROP", "every rule that drops")
}

fn path_command() -> Command {
    Command::new(&["iptables-diff", "path"], "Show which rules a packet meets on each host, and what becomes of it")
        .long_about(
            "Walks the rules as they were printed, without a packet. What rules alone cannot tell (rates, sockets, \
             devices that were not named) is said. What BPF programs do with the packet before the rules is not part of \
             it: with BPF host routing packets of pods meet few of them.",
        )
        .argument(Argument::positional("source", Kind::Text, "Address, or name of a host").required())
        .argument(Argument::positional("destination", Kind::Text, "Address, or name of a host").required())
        .argument(Argument::flag("protocol", Kind::Text, "Protocol").default("tcp").choices(&["tcp", "udp", "icmp", "sctp"]))
        .argument(Argument::flag("dport", Kind::Integer, "Destination port"))
        .argument(Argument::flag("sport", Kind::Integer, "Source port"))
        .argument(Argument::flag("in", Kind::Text, "Device by which it comes in"))
        .argument(Argument::flag("out", Kind::Text, "Device by which it leaves"))
        .argument(
            Argument::flag("state", Kind::Text, "What conntrack thinks of it")
                .default("NEW")
                .choices(&["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"]),
        )
        .example("kubectl lab iptables-diff path 172.20.0.5 172.20.1.9 --dport 80", "from pod to pod")
        .example("kubectl lab iptables-diff path 10.10.1.200 k8s-w1 --dport 30003 --in eth1", "from outside")
}

fn fold(call: &Call) -> Fold {
    if call.flag("literal") { Fold::Literal } else { Fold::Names }
}

/// Sends rows of a table.
fn send<R: TableRow>(
    name: &str,
    rows: impl IntoIterator<Item = (String, R)>,
) -> Result<(), Failure> {
    let mut table = Table::<R>::new(name);
    rows.into_iter().try_for_each(|(key, row)| table.push(&key, row))?;
    table.commit()
}

fn grouped(call: &Call) -> Result<(Fleet, Vec<usize>, Groups), Failure> {
    let beside = match call.text("base") {
        _ if call.flag("all") => Beside::All,
        Some(name) => Beside::Named(name),
        None => Beside::None,
    };
    let mut fleet = collect::collect(Scope::Compare, fold(call), beside)?;
    let mut compared = fleet.compared();
    if call.flag("all") {
        compared = (0..fleet.hosts.len()).collect();
    }
    let base = match (call.text("base"), call.files("base-file").first()) {
        (None, None) => None,
        (Some(name), None) => Some(base_of(&fleet, name)?),
        (None, Some((name, text))) => Some(collect::add_file(&mut fleet, name, text)),
        (Some(_), Some(_)) => {
            let message = "--base and --base-file: there is one base; leave one of them out";
            return Err(Failure::InvalidInput(message.to_owned()));
        }
    };
    if let Some(base) = base.filter(|base| !compared.contains(base)) {
        compared.push(base);
    }
    let groups = groups::group(&fleet, &compared, base);
    Ok((fleet, compared, groups))
}

fn base_of(fleet: &Fleet, name: &str) -> Result<usize, Failure> {
    let place = fleet.hosts.iter().position(|host| host.name == name);
    let Some(place) = place else {
        let names: Vec<&str> = fleet.hosts.iter().map(|host| host.name.as_str()).collect();
        return Err(Failure::InvalidInput(format!(
            "--base: there is no host `{name}`; hosts are {}",
            judge::some_of(&names)
        )));
    };
    if let Some(why) = fleet.hosts[place].why(model::Family::V4) {
        return Err(Failure::Unavailable(format!(
            "--base: the rules of `{name}` are not known: {why}"
        )));
    }
    Ok(place)
}

fn run_groups(call: &Call) -> Result<(), Failure> {
    let (fleet, compared, groups) = grouped(call)?;
    send::<GroupRow>("groups", report::group_rows(&fleet, &groups))?;
    send::<DifferenceRow>("differences", report::difference_rows(&fleet, &groups))?;
    let counting = if call.flag("counters") { Counting::Shown } else { Counting::Hidden };
    if call.flag("rules") || counting == Counting::Shown {
        send::<RuleRow>("rules", report::rule_rows(&fleet, &compared, counting))?;
    }
    judge::hosts(&fleet, &groups).into_iter().try_for_each(Finding::report)
}

fn run_diff(call: &Call) -> Result<(), Failure> {
    let (fleet, _, groups) = grouped(call)?;
    send::<DiffRow>("diff", report::diff_rows(&fleet, &groups))?;
    judge::hosts(&fleet, &groups).into_iter().try_for_each(Finding::report)
}

fn run_expected() -> Result<(), Failure> {
    let mut fleet = collect::collect(Scope::Expected, Fold::Literal, Beside::None)?;
    let outcome = judge::expected(&mut fleet);
    send::<ExpectedRow>("expected", report::expected_rows(&fleet, &outcome.verdicts))?;
    outcome.findings.into_iter().try_for_each(Finding::report)?;
    judge::tools(&fleet).into_iter().try_for_each(Finding::report)
}

fn run_hosts() -> Result<(), Failure> {
    let fleet = collect::collect(Scope::Tools, Fold::Names, Beside::All)?;
    send::<HostRow>("hosts", report::host_rows(&fleet))?;
    judge::tools(&fleet).into_iter().try_for_each(Finding::report)
}

fn run_show(call: &Call) -> Result<(), Failure> {
    let pattern = |name: &str| match call.text(name) {
        None => Ok(None),
        Some(text) => Regex::new(text).map(Some).map_err(|error| {
            Failure::InvalidInput(format!("--{name}: `{text}` is no regular expression: {error}"))
        }),
    };
    let chosen = Chosen {
        host: call.text("shown").map(str::to_owned),
        table: call.text("table").map(str::to_owned),
        chain: pattern("chain")?,
        grep: pattern("grep")?,
    };
    let beside = call.text("shown").map_or(Beside::None, Beside::Named);
    let fleet = collect::collect(Scope::Show, Fold::Literal, beside)?;
    if let Some(name) = &chosen.host
        && !fleet.hosts.iter().any(|host| host.name == *name)
    {
        let names: Vec<&str> = fleet.hosts.iter().map(|host| host.name.as_str()).collect();
        let message = format!("there is no host `{name}`; hosts are {}", judge::some_of(&names));
        return Err(Failure::InvalidInput(message));
    }
    send::<ShowRow>("show", report::show_rows(&fleet, &chosen))
}

fn run_path(call: &Call) -> Result<(), Failure> {
    let fleet = collect::collect(Scope::Path, Fold::Literal, Beside::All)?;
    let end = |name: &str| address(&fleet, name, call.text(name).unwrap_or_default());
    let (source, destination) = (end("source")?, end("destination")?);
    if source.is_ipv4() != destination.is_ipv4() {
        let message = format!("`{source}` and `{destination}` are of different families");
        return Err(Failure::InvalidInput(message));
    }
    let packet = Packet {
        source,
        destination,
        protocol: call.text("protocol").unwrap_or("tcp").to_owned(),
        source_port: port(call, "sport")?,
        destination_port: port(call, "dport")?,
        input: call.text("in").map(str::to_owned),
        output: call.text("out").map(str::to_owned),
        state: call.text("state").unwrap_or("NEW").to_owned(),
    };
    let (ends, steps) = report::path_rows(&fleet, &packet);
    send::<VerdictRow>("verdicts", ends.into_iter().map(|row| (row.host.clone(), row)))?;
    send::<StepRow>(
        "path",
        steps.into_iter().map(|row| (format!("{}/{}", row.host, row.step), row)),
    )
}

/// An address, or the first one of a host.
fn address(fleet: &Fleet, what: &str, text: &str) -> Result<IpAddr, Failure> {
    if let Ok(ip) = text.parse() {
        return Ok(ip);
    }
    let host = fleet.hosts.iter().find(|host| host.name == text);
    host.and_then(|host| host.addresses.first().copied()).ok_or_else(|| {
        Failure::InvalidInput(format!(
            "{what}: `{text}` is neither an address nor the name of a host"
        ))
    })
}

fn port(call: &Call, name: &str) -> Result<Option<u16>, Failure> {
    let Some(number) = call.integer(name) else { return Ok(None) };
    u16::try_from(number).map(Some).map_err(|_| {
        Failure::InvalidInput(format!("--{name}: {number} is no port; ports are 0 to 65535"))
    })
}
