//! `kubectl lab monitor`: what every Cilium agent sees, as one live table; drops explained,
//! conversations, and packets that vanish.
//!
//! The card, then the stages: collect hands events to whoever shows or counts them.

pub mod collect;
pub mod counts;
pub mod drops;
pub mod explain;
pub mod filter;
pub mod flows;
pub mod lines;
pub mod lost;
pub mod merge;
pub mod names;
pub mod numerals;
pub mod objects;
pub mod rows;
pub mod show;
pub mod sights;
pub mod tally;
pub mod who;

use lab_forwarding::collect::Scope;
use lab_forwarding::datapath::View;
use lab_forwarding::trace::{Endpoint, Ends};
use lab_model::monitor::{Kind as EventKind, Protocol};
use lab_plugin::{Argument, Call, Card, Command, Failure, Finding, Kind, Plugin, Table};

use collect::{Ask, Format, Via, follow};
use counts::Counts;
use drops::Drops;
use filter::{Filter, Wanted};
use flows::Flows;
use lines::Lines;
use lost::Lost;
use show::Depth;

/// The plugin.
pub struct Monitor;

lab_plugin::export!(Monitor);

/// Rows that `drops` and `flows` keep when nothing else is said.
const MAX_ROWS: &str = "10000";

impl Plugin for Monitor {
    fn describe() -> Card {
        let max = || {
            Argument::flag("max-rows", Kind::Integer, "Rows to keep; the quietest go first")
                .default(MAX_ROWS)
        };
        let lines = filters(
            Command::new(&["monitor"], "Show what every Cilium agent sees, event by event")
                .argument(types())
                .argument(
                    Argument::flag(
                        "detail",
                        Kind::Integer,
                        "How deep the agents are asked: 1 and 2 are their own -v and -v -v",
                    )
                    .default("0"),
                )
                .argument(Argument::flag(
                    "hex",
                    Kind::Boolean,
                    "Every packet's bytes, as the agents' --hex",
                ))
                .argument(Argument::flag(
                    "last",
                    Kind::Integer,
                    "Only the last N, shown at the end",
                )),
        )
        .example(
            "kubectl lab monitor --related-to default/webpod",
            "everything about one pod, on all nodes",
        )
        .example("kubectl lab monitor --type drop --type policy-verdict -o ndjson", "for machines")
        .live();
        let drops = filters(
            Command::new(&["monitor", "drops"], "Count what is dropped: why, and between whom")
                .argument(max()),
        )
        .example("kubectl lab monitor drops", "reasons, pairs and rates, until stopped")
        .example(
            "kubectl lab explain drop/policy-denied",
            "what a reason means, and its usual cure",
        )
        .live();
        let flows = filters(
            Command::new(&["monitor", "flows"], "Count conversations: who speaks to whom")
                .argument(max()),
        )
        .example("kubectl lab monitor flows --sort bytes:desc --for 30s", "the loudest first")
        .live();
        let pod = |name, about| {
            Argument::positional(name, Kind::Text, about).objects("v1", "Pod").required()
        };
        let lost =
            Command::new(&["monitor", "lost"], "Find where the packets between two pods vanish")
                .argument(pod("first", "Who sends: namespace/pod or address"))
                .argument(pod("second", "Who is to get it: namespace/pod or address"))
                .example(
                    "kubectl lab monitor lost default/curl-pod default/webpod-x --for 30s",
                    "watches while packets are sent, then asks every host's routing tables why",
                )
                .argument(via())
                .live();
        let card = Card::new("Show what every Cilium agent sees")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(lines)
            .command(drops)
            .command(flows)
            .command(lost)
            .ask("hosts", &collect::COMMANDS[..7], "the agents' events, as each agent prints them")
            .ask(
                "hosts",
                &collect::COMMANDS[7..],
                "the same from the relay of all agents, or from each agent's own",
            )
            .asks("cluster", &collect::KINDS)
            .ask(
                "hosts",
                &lab_forwarding::collect::COMMANDS,
                "`monitor lost` asks every host's routing tables why",
            )
            .ask(
                "cluster",
                &lab_forwarding::collect::KINDS,
                "`monitor lost` needs who owns which address",
            );
        let card = explain::OTHERS.iter().fold(card, |card, (code, text)| card.explain(code, text));
        explain::reasons().fold(card, |card, (code, text)| card.explain(&code, &text))
    }

    fn run(call: &Call) -> Result<(), Failure> {
        match call.path().last() {
            Some(&"drops") => run_drops(call),
            Some(&"flows") => run_flows(call),
            Some(&"lost") => run_lost(call),
            _ => run_lines(call),
        }
    }
}

fn via() -> Argument {
    Argument::flag(
        "via",
        Kind::Text,
        "Who is asked: the relay of all nodes' flows if one answers, every agent, or only the relay",
    )
    .choices(&Via::WORDS)
    .default("auto")
}

fn asked_via(call: &Call) -> Via {
    call.text("via").and_then(Via::parse).unwrap_or_default()
}

fn types() -> Argument {
    let words: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    Argument::flag("type", Kind::Text, "Only events of this type")
        .short('t')
        .choices(&words)
        .repeated()
}

/// The filters that all commands have.
fn filters(command: Command) -> Command {
    let who = |name, about| Argument::flag(name, Kind::Text, about).objects("v1", "Pod").repeated();
    let text = |name, about| Argument::flag(name, Kind::Text, about).repeated();
    command
        .argument(who(
            "related-to",
            "Only with this pod, service, node, address or endpoint's number on either side",
        ))
        .argument(who("source", "Only sent by this one"))
        .argument(who("to", "Only sent to this one"))
        .argument(text(
            "pod-namespace",
            "Only with a pod or service of this namespace on either side",
        ))
        .argument(text("protocol", "Only this protocol: tcp, udp, icmp, http, dns …"))
        .argument(
            Argument::flag("port", Kind::Text, "Only with this port on either side").repeated(),
        )
        .argument(Argument::flag(
            "reason",
            Kind::Text,
            "Only reasons that this regular expression finds",
        ))
        .argument(Argument::flag(
            "not",
            Kind::Boolean,
            "Only what the other filters would leave out",
        ))
        .argument(via())
}

fn filter(call: &Call, kinds: Vec<EventKind>) -> Result<Filter, Failure> {
    let wanted = |name| call.texts(name).into_iter().map(Wanted::parse).collect();
    let owned = |name| call.texts(name).into_iter().map(str::to_owned).collect::<Vec<String>>();
    let invalid = |flag: &str, word: &str, what: &str| {
        Failure::InvalidInput(format!("--{flag} {word}: {what}"))
    };
    let ports = call
        .texts("port")
        .into_iter()
        .map(|word| {
            word.parse().map_err(|_| invalid("port", word, "a port is a number from 0 to 65535"))
        })
        .collect::<Result<_, _>>()?;
    let reason = call
        .text("reason")
        .map(|text| filter::pattern(text).map_err(|why| invalid("reason", text, &why)))
        .transpose()?;
    let protocol = |word: String| {
        let known = Protocol::parse(&word).map(|protocol| protocol.as_str().into_owned());
        known.unwrap_or_else(|| word.to_ascii_lowercase())
    };
    Ok(Filter {
        kinds,
        related: wanted("related-to"),
        sources: wanted("source"),
        destinations: wanted("to"),
        namespaces: owned("pod-namespace"),
        protocols: owned("protocol").into_iter().map(protocol).collect(),
        ports,
        reason,
        is_reversed: call.flag("not"),
    })
}

/// Types that the agents know; the others are made of what they print beside their events.
fn asked(kinds: &[EventKind]) -> Vec<&'static str> {
    let of_agent = |kind: &&EventKind| {
        !matches!(
            kind,
            EventKind::Lost
                | EventKind::Log
                | EventKind::Other
                | EventKind::TraceSock
                | EventKind::Recorder
        )
    };
    let all = kinds.iter().all(|kind| of_agent(&kind));
    if all { kinds.iter().map(|kind| kind.as_str()).collect() } else { Vec::new() }
}

fn run_lines(call: &Call) -> Result<(), Failure> {
    let kinds: Vec<EventKind> =
        call.texts("type").into_iter().filter_map(EventKind::parse).collect();
    let format = match (call.integer("detail").unwrap_or_default(), call.flag("hex")) {
        (_, true) => Format::Hex,
        (0, false) => Format::Json,
        (1, false) => Format::Debug,
        (2, false) => Format::Verbose,
        (other, false) => {
            return Err(Failure::InvalidInput(format!("--detail {other}: there are 0, 1 and 2")));
        }
    };
    let last = match call.integer("last").map(usize::try_from) {
        Some(Err(_)) => return Err(Failure::InvalidInput("--last: less than nothing".to_owned())),
        Some(Ok(n)) => Some(n),
        None => None,
    };
    let filter = filter(call, kinds.clone())?;
    // What is left out by `--not` has to come first.
    let types = if filter.is_reversed { Vec::new() } else { asked(&kinds) };
    let depth = Depth { with_record: format != Format::Json };
    let mut lines = Lines::new(filter, depth, last);
    let ended = follow(&Ask { types, format, via: asked_via(call) }, &mut lines)?;
    lines.finish(&ended.names)
}

fn max_rows(call: &Call) -> Result<usize, Failure> {
    let rows = call.integer("max-rows").unwrap_or_default();
    match usize::try_from(rows) {
        Ok(rows) if rows > 0 => Ok(rows),
        _ => Err(Failure::InvalidInput(format!("--max-rows {rows}: at least one row is kept"))),
    }
}

fn run_drops(call: &Call) -> Result<(), Failure> {
    let filter = filter(call, vec![EventKind::Drop])?;
    let mut counts = Counts::new(Drops::new(max_rows(call)?), "drops", filter);
    let ask = Ask { types: asked(&[EventKind::Drop]), via: asked_via(call), ..Ask::default() };
    let ended = follow(&ask, &mut counts)?;
    counts.finish(&ended.names)?;
    report_streams(ended.streams, counts.counted.tally.forgotten())?;
    counts.counted.findings().into_iter().try_for_each(Finding::report)
}

fn run_flows(call: &Call) -> Result<(), Failure> {
    let filter = filter(call, vec![EventKind::Drop, EventKind::Trace, EventKind::L7])?;
    let mut counts = Counts::new(Flows::new(max_rows(call)?), "flows", filter);
    let ask = Ask {
        types: asked(&[EventKind::Drop, EventKind::Trace, EventKind::L7]),
        via: asked_via(call),
        ..Ask::default()
    };
    let ended = follow(&ask, &mut counts)?;
    counts.finish(&ended.names)?;
    report_streams(ended.streams, counts.counted.tally.forgotten())
}

/// What came, and what is missing.
fn report_streams(streams: Vec<rows::StreamRow>, forgotten: u64) -> Result<(), Failure> {
    let mut table = Table::new("streams");
    for row in streams {
        table.push(&row.node.clone(), row)?;
    }
    table.commit()?;
    if forgotten == 0 {
        return Ok(());
    }
    Finding::info("monitor/rows", "the table", format!("{forgotten} quiet rows were given up"))
        .fix("keep more with --max-rows, or look at less with --related-to")
        .report()
}

fn run_lost(call: &Call) -> Result<(), Failure> {
    let name = |argument: &str| {
        call.text(argument)
            .ok_or_else(|| Failure::InvalidInput(format!("`{argument}` was not given")))
    };
    let (first, second) = (name("first")?, name("second")?);
    let cluster = lab_forwarding::model::build(lab_forwarding::collect::collect(Scope::Full)?);
    let resolve =
        |name| Endpoint::resolve(&cluster, name).map_err(|why| Failure::InvalidInput(why.0));
    let ends = Ends { source: resolve(first)?, destination: resolve(second)? };
    let view = View::new(&cluster);
    let mut lost = Lost::new(&ends);
    let ask = Ask {
        types: asked(&[EventKind::Drop, EventKind::Trace]),
        via: asked_via(call),
        ..Ask::default()
    };
    let ended = follow(&ask, &mut lost)?;
    let (rows, findings) = lost::conclude(&view, &ends, &lost.sights)?;
    let mut ways = Table::new("ways");
    for row in rows {
        ways.push(row.way, row)?;
    }
    ways.commit()?;
    lost.finish()?;
    report_streams(ended.streams, 0)?;
    findings.into_iter().try_for_each(Finding::report)
}
