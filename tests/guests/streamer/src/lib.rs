//! Shows rows as live commands do: lines that only come, and a table that changes in place.

use std::time::Duration;

use lab_plugin::{Argument, Call, Card, Command, Failure, Finding, Kind, Plugin};
use lab_plugin::{Table, Ticker, inbox, log, partial, row};

/// The plugin.
pub struct Streamer;

lab_plugin::export!(Streamer);

row! {
    /// One event, about as wide as those of a network.
    struct Event {
        /// Which one.
        number: i64,
        /// Where it was seen.
        node: &'static str,
        /// What became of it.
        verdict: &'static str,
        /// Who sent it.
        source: String,
        /// Who was to get it.
        destination: String,
        /// Over which protocol.
        protocol: &'static str,
        /// With which flags.
        flags: &'static str,
        /// How large it was.
        bytes: i64,
        /// Which way it went.
        direction: &'static str,
        /// At which point it was seen.
        point: &'static str,
    }
}

row! {
    /// What was counted on a host.
    struct Counted {
        /// Which host.
        host: String,
        /// How much.
        count: i64,
        /// Words.
        note: &'static str,
    }
}

impl Plugin for Streamer {
    fn describe() -> Card {
        let count = |about| Argument::flag("count", Kind::Integer, about).default("0");
        let every =
            || Argument::flag("every", Kind::Duration, "Time between two of them").default("100ms");
        Card::new("Stream")
            .command(
                Command::new(&["streamer", "flood"], "Show events as fast as they can be made")
                    .argument(count("How many; 0 for no end"))
                    .live(),
            )
            .command(
                Command::new(&["streamer", "events"], "Show an event now and then")
                    .argument(count("How many; 0 for no end"))
                    .argument(every())
                    .live(),
            )
            .command(
                Command::new(&["streamer", "hosts"], "Show a table that changes in place")
                    .argument(count("How many hosts"))
                    .argument(every())
                    .live(),
            )
    }

    fn run(call: &Call) -> Result<(), Failure> {
        let count = call.integer("count").unwrap_or_default();
        let every = call.duration("every").unwrap_or(Duration::from_millis(100));
        match call.path().last() {
            Some(&"flood") => flood(count),
            Some(&"events") => events(count, every),
            _ => hosts(count, every),
        }
    }
}

fn event(number: i64) -> Event {
    Event {
        number,
        node: ["k8s-ctr", "k8s-w1", "k8s-w0"][usize::try_from(number % 3).unwrap_or_default()],
        verdict: "forwarded",
        source: format!("default/curl-pod:{}", 32_768 + number % 28_000),
        destination: "default/webpod-697b545f57-x2k4n:80".to_owned(),
        protocol: "TCP",
        flags: "ACK, PSH",
        bytes: 66 + number % 1_400,
        direction: "egress",
        point: "to-network",
    }
}

fn is_last(number: i64, count: i64) -> bool {
    count > 0 && number >= count
}

fn flood(count: i64) -> Result<(), Failure> {
    let mut table = Table::new("events");
    let mut number = 0;
    while !is_last(number, count) {
        number += 1;
        table.push("", event(number))?;
        if number % 1_024 == 0 {
            table.commit()?;
        }
    }
    table.commit()
}

fn events(count: i64, every: Duration) -> Result<(), Failure> {
    let mut table = Table::new("events");
    let ticker = Ticker::every(every);
    let mut number = 0;
    while !is_last(number, count) && inbox::wait().is_some() {
        for _ in 0..ticker.take() {
            number += 1;
            if !is_last(number - 1, count) {
                table.push("", event(number))?;
            }
        }
        table.commit()?;
    }
    Ok(())
}

fn hosts(count: i64, every: Duration) -> Result<(), Failure> {
    let mut table = Table::new("hosts");
    let ticker = Ticker::every(every);
    for round in 1.. {
        for host in 0..count {
            let note = if round % 2 == 0 { "even" } else { "odd" };
            let name = format!("host-{host}");
            table.push(&name.clone(), Counted { host: name, count: round * 10 + host, note })?;
        }
        // The first host comes and goes.
        if round % 2 == 0 {
            table.remove(&["host-0".to_owned()])?;
        }
        Finding::warn("streamer/even", "rounds", format!("round {round} was told"))
            .evidence("streamer", format!("round {round}"))
            .report()?;
        if round == 2 {
            partial("host-9", &Failure::Timeout("no answer within 10s".to_owned()));
            log::warn("host-9 is slow");
        }
        table.commit()?;
        if inbox::wait().is_none() {
            break;
        }
        ticker.take();
    }
    log::warn("told to stop");
    Ok(())
}
