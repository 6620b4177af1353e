//! `kubectl lab ipam`: whose addresses these are, how many are left, and what is wrong.
//!
//! The card, then the stages in order: collect, model, judge, rows.

pub mod collect;
pub mod cooling;
pub mod explain;
pub mod inputs;
pub mod judge;
pub mod model;
pub mod parse;
pub mod plan;
pub mod report_addresses;
pub mod report_ipam;
pub mod report_plan;
pub mod rows;
pub mod space;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use lab_model::Prefix;
use lab_plugin::{Argument, Call, Card, Command, Failure, Finding, Kind, Plugin, Table, TableRow};

use collect::Scope;
use cooling::Cooling;
use judge::Options;
use model::Cluster;
use model::build::build;
use plan::Ask;
use report_ipam::Filter;
use rows::{AddressRow, ChangeRow, PlanRow, PoolRow, RangeRow, WhoRow};

/// The plugin.
pub struct Ipam;

lab_plugin::export!(Ipam);

impl Plugin for Ipam {
    fn describe() -> Card {
        let card =
            Card::new("Show pods' addresses: whose they are, how many are left, what is wrong")
                .homepage("https://github.com/kubectl-lab/kubectl-lab")
                .license("MIT OR Apache-2.0")
                .command(
                    looking(Command::new(
                        &["ipam"],
                        "Show the ranges of every node and what is left of them",
                    ))
                    .argument(Argument::flag("pool", Kind::Text, "Only this pool"))
                    .argument(
                        Argument::flag(
                            "warn-at",
                            Kind::Decimal,
                            "Percent of use from which on a range is nearly full",
                        )
                        .default("85"),
                    )
                    .example("kubectl lab ipam", "ranges, use and what fits besides")
                    .example("kubectl lab ipam --deep", "beside it what every agent says")
                    .example(
                        "kubectl lab ipam --deep --cooling 60s",
                        "look twice: what nobody has both times has leaked",
                    ),
                )
                .command(
                    looking(Command::new(
                        &["ipam", "addresses"],
                        "Show every address and who has it",
                    ))
                    .example("kubectl lab ipam addresses", "one row for each address")
                    .example(
                        "kubectl lab ipam addresses --filter verdict!=ok",
                        "only what is wrong",
                    ),
                )
                .command(
                    Command::new(&["ipam", "who"], "Show what is known of one address")
                        .argument(
                            Argument::positional("address", Kind::Text, "The address").required(),
                        )
                        .argument(deep())
                        .example(
                            "kubectl lab ipam who 172.20.1.7",
                            "pod, Service, node, or not in the cluster",
                        ),
                )
                .command(
                    Command::new(
                        &["ipam", "plan"],
                        "Show whether so many nodes and pods would fit",
                    )
                    .argument(Argument::flag(
                        "mask-size",
                        Kind::Integer,
                        "Length of each node's range of IPv4; by default the one in force",
                    ))
                    .argument(Argument::flag(
                        "mask-size-ipv6",
                        Kind::Integer,
                        "Length of each node's range of IPv6; by default the one in force",
                    ))
                    .argument(Argument::flag(
                        "nodes",
                        Kind::Integer,
                        "How many nodes; by default as many as there are",
                    ))
                    .argument(Argument::flag(
                        "pods-per-node",
                        Kind::Integer,
                        "How many pods each runs; by default what most kubelets take",
                    ))
                    .argument(
                        Argument::flag(
                            "pool",
                            Kind::Text,
                            "A range in place of those in force; may be given several times",
                        )
                        .repeated(),
                    )
                    .example(
                        "kubectl lab ipam plan --mask-size 25 --nodes 200 --pods-per-node 110",
                        "would it fit",
                    )
                    .example(
                        "kubectl lab ipam plan --pool 10.100.0.0/14",
                        "another range: does it overlap anything",
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
            ["addresses"] => run_addresses(call),
            ["who"] => run_who(call),
            ["plan"] => run_plan(call),
            _ => run_ipam(call),
        }
    }
}

fn deep() -> Argument {
    Argument::flag("deep", Kind::Boolean, "Also ask every agent for its addresses and endpoints")
}

/// What both commands that look at addresses take.
fn looking(command: Command) -> Command {
    command
        .argument(deep())
        .argument(
            Argument::flag("watch", Kind::Boolean, "Ask again and again until stopped").short('w'),
        )
        .argument(
            Argument::flag("every", Kind::Duration, "Time between two looks with --watch")
                .default("15s"),
        )
        .argument(Argument::flag(
            "cooling",
            Kind::Duration,
            "How long nobody must have had an address before it counts as leaked; without --watch, \
             look again after it",
        ))
        .live()
}

/// Rows that are shown, so that those that go away are taken out of a live view.
struct Shown<R> {
    table: Table<R>,
    keys: BTreeSet<String>,
}

impl<R: TableRow> Shown<R> {
    fn new(name: &str) -> Self {
        Self { table: Table::new(name), keys: BTreeSet::new() }
    }

    fn draw(
        &mut self,
        is_live: bool,
        rows: impl Iterator<Item = (String, R)>,
    ) -> Result<(), Failure> {
        let mut now = BTreeSet::new();
        for (key, row) in rows {
            self.table.push(&key, row)?;
            // A single picture forgets nothing, so nothing has to be remembered for it.
            if is_live {
                now.insert(key);
            }
        }
        let gone: Vec<String> = self.keys.difference(&now).cloned().collect();
        if !gone.is_empty() {
            self.table.remove(&gone)?;
        }
        self.keys = now;
        self.table.commit()
    }
}

/// The times of one call.
struct Pace {
    every: Option<Duration>,
    cooling: Duration,
    looks_twice: bool,
}

impl Pace {
    fn of(call: &Call) -> Self {
        let every = call.duration("every").unwrap_or(Duration::from_secs(15));
        let cooling = call.duration("cooling");
        Self {
            every: call.flag("watch").then_some(every),
            cooling: cooling.unwrap_or(Duration::from_mins(1)),
            looks_twice: cooling.is_some() && !call.flag("watch"),
        }
    }
}

/// One look after another, each handed to `draw` with the addresses that have cooled.
fn look(
    call: &Call,
    mut draw: impl FnMut(&Cluster, BTreeSet<IpAddr>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let pace = Pace::of(call);
    let is_deep = call.flag("deep");
    let mut cooling = Cooling::default();
    collect::repeat(pace.every, || {
        let mut cluster = build(collect::collect(Scope::Addresses, is_deep));
        let mut unheld: Vec<IpAddr> = report_addresses::unheld(&cluster).collect();
        let mut cooled = cooling.look(cluster.now, unheld.iter().copied(), pace.cooling);
        if pace.looks_twice && !unheld.is_empty() && collect::pause(pace.cooling) {
            cluster = build(collect::collect(Scope::Addresses, is_deep));
            unheld = report_addresses::unheld(&cluster).collect();
            cooled = cooling.look(cluster.now, unheld, pace.cooling);
        }
        draw(&cluster, cooled)
    })
}

fn run_ipam(call: &Call) -> Result<(), Failure> {
    let filter = Filter { pool: call.text("pool").map(str::to_owned) };
    let warn_at = call.decimal("warn-at").unwrap_or(85.0);
    if !(0.0..=100.0).contains(&warn_at) {
        return Err(Failure::InvalidInput(format!(
            "`--warn-at {warn_at}`: it is a percentage, from 0 to 100"
        )));
    }
    let is_live = call.flag("watch");
    let mut ranges = Shown::<RangeRow>::new("ipam");
    let mut pools = Shown::<PoolRow>::new("pools");
    look(call, |cluster, cooled| {
        ranges.draw(is_live, report_ipam::range_rows(cluster, &filter).into_iter())?;
        pools.draw(is_live, report_ipam::pool_rows(cluster, &filter).into_iter())?;
        let options = Options { warn_at, cooled };
        judge::all(cluster, &options).into_iter().try_for_each(Finding::report)
    })
}

fn run_addresses(call: &Call) -> Result<(), Failure> {
    let is_live = call.flag("watch");
    let mut table = Shown::<AddressRow>::new("addresses");
    look(call, |cluster, cooled| {
        let rows = report_addresses::address_rows(cluster).map(|row| (row.ip.clone(), row));
        table.draw(is_live, rows)?;
        let options = Options { cooled, ..Options::default() };
        judge::of_addresses(cluster, &options).into_iter().try_for_each(Finding::report)
    })
}

fn run_who(call: &Call) -> Result<(), Failure> {
    let text = call.text("address").unwrap_or_default();
    let ip: IpAddr = text.trim().parse().map_err(|_| {
        Failure::InvalidInput(format!(
            "`{text}` is no address: give one such as 172.20.1.7 or fd00::1, without a length"
        ))
    })?;
    let cluster = build(collect::collect(Scope::Who, call.flag("deep")));
    let mut table = Table::<WhoRow>::new("who");
    for (at, row) in report_addresses::who_rows(&cluster, ip).into_iter().enumerate() {
        table.push(&format!("{}/{}/{at}", row.what, row.name), row)?;
    }
    table.commit()?;
    let ip = space::canonical(ip);
    let own = judge::of_address(&cluster, ip);
    own.into_iter().try_for_each(Finding::report)
}

fn run_plan(call: &Call) -> Result<(), Failure> {
    let ask = ask(call)?;
    let mut cluster = build(collect::collect(Scope::Plan, false));
    let plan = plan::plan(&cluster, &ask)?;
    let mut table = Table::<PlanRow>::new("plan");
    for (key, row) in report_plan::plan_rows(&plan) {
        table.push(&key, row)?;
    }
    table.commit()?;
    let mut table = Table::<ChangeRow>::new("changes");
    for (key, row) in report_plan::change_rows(&plan) {
        table.push(&key, row)?;
    }
    table.commit()?;
    let mut found = plan::findings(&cluster, &plan);
    cluster.pools = plan.pools;
    found.extend(judge::of_ranges(&cluster));
    found.into_iter().try_for_each(Finding::report)
}

fn ask(call: &Call) -> Result<Ask, Failure> {
    let number = |name: &str| -> Result<Option<u32>, Failure> {
        let Some(number) = call.integer(name) else { return Ok(None) };
        u32::try_from(number).map(Some).map_err(|_| {
            Failure::InvalidInput(format!("`--{name} {number}`: it is a number from 0 on"))
        })
    };
    let mask = |name: &str| -> Result<Option<u8>, Failure> {
        let Some(mask) = number(name)? else { return Ok(None) };
        u8::try_from(mask).map(Some).map_err(|_| {
            Failure::InvalidInput(format!("`--{name} {mask}`: a mask size is at most 128"))
        })
    };
    let pools = call.texts("pool").into_iter().flat_map(|text| text.split(','));
    let pools = pools.map(|text| {
        Prefix::parse(text.trim()).ok_or_else(|| {
            Failure::InvalidInput(format!(
                "`--pool {text}`: it is no range: give an address and a length, such as 10.0.0.0/16"
            ))
        })
    });
    Ok(Ask {
        mask4: mask("mask-size")?,
        mask6: mask("mask-size-ipv6")?,
        nodes: number("nodes")?.map(u128::from),
        pods: number("pods-per-node")?.map(u128::from),
        pools: pools.collect::<Result<_, _>>()?,
    })
}
