//! `kubectl lab status`: how the Cilium agents are, what they run with, and what is wrong.
//!
//! The card, then the stages in order: collect, model, judge, rows.

pub mod collect;
pub mod explain;
pub mod inputs;
pub mod judge;
pub mod known;
pub mod model;
pub mod parse;
pub mod report_config;
pub mod report_endpoints;
pub mod report_metrics;
pub mod report_status;
pub mod rows;

use std::time::Duration;

use lab_plugin::{
    Argument, Call, Card, Cell, Command, Fact, Failure, Finding, Kind, Plugin, Table, TableRow,
    log, partial,
};

use collect::Scope;
use judge::Options;
use model::build::build;
use model::defaults::Written;
use report_metrics::Filter;
use rows::{AgentRow, ComponentRow, EndpointRow, KeyRow, MetricRow, NodeSettingRow, SettingRow};

/// The plugin.
pub struct Status;

lab_plugin::export!(Status);

impl Plugin for Status {
    fn describe() -> Card {
        let card = Card::new("Show how the Cilium agents are, what they run with, what is wrong")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(
                Command::new(&["status"], "Show how every agent is, and what runs beside them")
                    .argument(
                        Argument::flag(
                            "map-pressure-at",
                            Kind::Decimal,
                            "Percent of use from which on a BPF map is nearly full",
                        )
                        .default("80"),
                    )
                    .example("kubectl lab status", "every agent in one row, and what is wrong")
                    .example(
                        "kubectl lab status -o wide",
                        "also clocks, drops, Hubble and the proxy",
                    )
                    .example(
                        "kubectl lab status --columns host,version,routing,masquerading --fold",
                        "nodes that are equal as one",
                    ),
            )
            .command(
                Command::new(
                    &["status", "config"],
                    "Show every setting as it is written and as it is in force",
                )
                .argument(Argument::positional(
                    "key",
                    Kind::Text,
                    "Only this setting, node by node",
                ))
                .argument(Argument::flag(
                    "changed",
                    Kind::Boolean,
                    "Only what the chart would not write by itself",
                ))
                .example("kubectl lab status config", "cilium-config beside what agents run with")
                .example("kubectl lab status config --changed", "what was chosen here")
                .example(
                    "kubectl lab status config enable-bpf-masquerade",
                    "what it is for, and its value on every node",
                )
                .example(
                    "kubectl lab status config --filter verdict=drift",
                    "what waits for a restart",
                ),
            )
            .command(
                Command::new(&["status", "metrics"], "Show metrics of all agents as one table")
                    .argument(Argument::positional(
                        "name",
                        Kind::Text,
                        "Part of a name, ~ and an expression over name and labels, or both",
                    ))
                    .argument(Argument::flag(
                        "rate",
                        Kind::Duration,
                        "Look twice, so long apart, and show the change in a second",
                    ))
                    .argument(Argument::flag(
                        "per-node",
                        Kind::Boolean,
                        "A row for each node in place of their sum",
                    ))
                    .argument(Argument::flag(
                        "top",
                        Kind::Boolean,
                        "What is dropped and what fails first, and nothing that is 0",
                    ))
                    .example("kubectl lab status metrics --top", "drops and errors first")
                    .example(
                        "kubectl lab status metrics drop --per-node",
                        "drops of each node by reason",
                    )
                    .example(
                        "kubectl lab status metrics 'drop~Policy' --rate 10s",
                        "as they happen",
                    )
                    .example(
                        "kubectl lab status metrics '~regeneration.*total'",
                        "quantiles of histograms",
                    ),
            )
            .command(
                Command::new(
                    &["status", "endpoints"],
                    "Show every endpoint with its policy, identity and state",
                )
                .example(
                    "kubectl lab status endpoints",
                    "one row for each, those of nodes included",
                )
                .example(
                    "kubectl lab status endpoints --filter 'ingress=open'",
                    "who is open to all",
                ),
            );
        explain::EXPLANATIONS
            .iter()
            .fold(card, |card, explained| card.explain(explained.code, explained.text))
            .asks("hosts", &collect::COMMANDS)
            .asks("cluster", &collect::KINDS)
    }

    fn run(call: &Call) -> Result<(), Failure> {
        match call.path().get(1..).unwrap_or_default() {
            ["config"] => run_config(call),
            ["metrics"] => run_metrics(call),
            ["endpoints"] => run_endpoints(),
            _ => run_status(call),
        }
    }
}

/// Rows under a name, all at once.
fn send<R: TableRow>(
    name: &str,
    rows: impl IntoIterator<Item = (String, R)>,
) -> Result<(), Failure> {
    let mut table = Table::<R>::new(name);
    for (key, row) in rows {
        table.push(&key, row)?;
    }
    table.commit()
}

/// The same where there are defaults in them: the header says of which release, `DEFAULT-1.18.0`.
fn send_with_default<R: TableRow>(
    name: &str,
    rows: impl IntoIterator<Item = (String, R)>,
    written: &Fact<Written>,
) -> Result<(), Failure> {
    let mut columns = R::columns();
    if let Fact::Known(written) = written {
        for column in columns.iter_mut().filter(|column| column.id == "default") {
            column.title = format!("{}-{}", column.title, written.release);
        }
    }
    let mut table = Table::<Vec<Cell>>::declare(name, &columns);
    for (key, row) in rows {
        table.push_cells(&key, &row.cells())?;
    }
    table.commit()
}

fn run_status(call: &Call) -> Result<(), Failure> {
    let percent = call.decimal("map-pressure-at").unwrap_or(80.0);
    if !(0.0..=100.0).contains(&percent) {
        return Err(Failure::InvalidInput(format!(
            "`--map-pressure-at {percent}`: it is a percentage, from 0 to 100"
        )));
    }
    let cluster = build(collect::collect(Scope::Status)?);
    send::<AgentRow>("status", report_status::agent_rows(&cluster))?;
    send::<ComponentRow>("components", report_status::component_rows(&cluster))?;
    let options = Options { map_pressure: percent / 100.0 };
    judge::all(&cluster, options).into_iter().try_for_each(Finding::report)
}

fn run_config(call: &Call) -> Result<(), Failure> {
    let cluster = build(collect::collect(Scope::Config)?);
    let written = Written::of(&cluster);
    let is_changed = call.flag("changed");
    if let Fact::Unknown(why) = &written {
        if is_changed {
            partial("defaults", &Failure::Other(why.clone()));
        } else {
            log::warn(why);
        }
    }
    let Some(word) = call.text("key") else {
        let rows = report_config::setting_rows(&cluster, &written, is_changed);
        send_with_default::<SettingRow>("config", rows, &written)?;
        return judge::of_settings(&cluster).into_iter().try_for_each(Finding::report);
    };
    let Some(row) = report_config::key_row(&cluster, &written, word) else {
        let similar = report_config::similar(&cluster, word);
        let hint = if similar.is_empty() {
            "`kubectl lab status config` shows all that are written".to_owned()
        } else {
            format!("did you mean {}?", similar.join(", "))
        };
        return Err(Failure::InvalidInput(format!(
            "`{word}`: it is no setting of cilium-config or of an agent: {hint}"
        )));
    };
    let key = row.key.clone();
    send_with_default::<KeyRow>("setting", [(key.clone(), row)], &written)?;
    let rows = report_config::node_rows(&cluster, &key);
    send::<NodeSettingRow>("nodes", rows.into_iter().map(|row| (row.host.clone(), row)))?;
    let found = judge::of_settings(&cluster).into_iter().filter(|finding| finding.subject == key);
    found.into_iter().try_for_each(Finding::report)
}

fn run_metrics(call: &Call) -> Result<(), Failure> {
    let mut filter = Filter::parse(call.text("name"))?;
    filter.per_node = call.flag("per-node");
    filter.top = call.flag("top");
    let first = collect::collect(Scope::Metrics)?;
    let (now, before) = match call.duration("rate") {
        None => (first, None),
        Some(time) => look_again(first, time)?,
    };
    let before = before.as_ref().and_then(|before| {
        #[expect(clippy::cast_precision_loss, reason = "seconds between two looks")]
        let seconds = now.now?.saturating_sub(before.now?) as f64 / 1000.0;
        Some((before, seconds))
    });
    send::<MetricRow>("metrics", report_metrics::metric_rows(&now, before, &filter))
}

/// A second look, and the first one behind it.
fn look_again(
    first: inputs::Inputs,
    time: Duration,
) -> Result<(inputs::Inputs, Option<inputs::Inputs>), Failure> {
    if time.is_zero() {
        return Err(Failure::InvalidInput(
            "`--rate 0s`: two looks need a time between them".to_owned(),
        ));
    }
    if collect::pause(time) {
        return Ok((collect::collect(Scope::Metrics)?, Some(first)));
    }
    if first.now.is_none() {
        let why = "--rate: what was recorded does not change, so there is one look and no rate";
        partial("metrics", &Failure::Unavailable(why.to_owned()));
    }
    Ok((first, None))
}

fn run_endpoints() -> Result<(), Failure> {
    let inputs = collect::collect(Scope::Endpoints)?;
    send::<EndpointRow>("endpoints", report_endpoints::endpoint_rows(&inputs))
}
