//! Waits for watched objects, running commands and ticks, as live commands do.

use std::time::Duration;

use lab_plugin::{Call, Card, Change, Chunk, Command, Failure, Place, Plugin, Process};
use lab_plugin::{Selection, Table, Ticker, inbox, log, row};
use serde_json::Value;

/// The plugin.
pub struct Follower;

lab_plugin::export!(Follower);

row! {
    /// One thing that came.
    struct Seen {
        /// What it was.
        what: &'static str,
        /// Its text.
        text: String,
    }
}

impl Plugin for Follower {
    fn describe() -> Card {
        Card::new("Follow")
            .command(Command::new(&["follower", "pods"], "Follow pods").live())
            .command(Command::new(&["follower", "command"], "Follow a command").live())
            .command(Command::new(&["follower", "both"], "Follow both").live())
            .command(Command::new(&["follower", "ticks"], "Take three ticks").live())
            .command(Command::new(&["follower", "forever"], "Tick until stopped").live())
            .ask("cluster", &["v1/Pod"], "they are what is followed")
            .ask("hosts", &["host: ip -j route show table all"], "its output is what is followed")
    }

    fn run(call: &Call) -> Result<(), Failure> {
        let mut table = Table::new("seen");
        match call.path().last() {
            Some(&"pods") => follow(&mut table, true, false)?,
            Some(&"command") => follow(&mut table, false, true)?,
            Some(&"both") => follow(&mut table, true, true)?,
            Some(&"ticks") => ticks(&mut table, 3)?,
            _ => ticks(&mut table, u32::MAX)?,
        }
        table.push("", Seen { what: "end", text: String::new() })?;
        table.commit()
    }
}

fn follow(table: &mut Table<Seen>, pods: bool, command: bool) -> Result<(), Failure> {
    let watch = pods
        .then(|| Selection::new("v1", "Pod").keep("metadata.name").watch::<Value>())
        .transpose()?;
    let argv = ["ip", "-j", "route", "show", "table", "all"];
    let process = command.then(|| Process::start(&Place::host("k8s-ctr"), &argv)).transpose()?;
    while let Some(ready) = inbox::wait() {
        if let Some(watch) = watch.as_ref().filter(|watch| ready.contains(&watch.source())) {
            for change in watch.take()? {
                table.push("", pod(change?))?;
            }
        }
        if let Some(process) = process.as_ref().filter(|it| ready.contains(&it.source())) {
            for chunk in process.take() {
                table.push("", output(chunk)?)?;
            }
        }
        table.commit()?;
    }
    Ok(())
}

fn pod(change: Change<Value>) -> Seen {
    let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    match change {
        Change::Added(pod) => Seen { what: "added", text: name(&pod) },
        Change::Modified(pod) => Seen { what: "modified", text: name(&pod) },
        Change::Deleted(pod) => Seen { what: "deleted", text: name(&pod) },
        Change::Synced => Seen { what: "synced", text: String::new() },
        Change::Restarted => Seen { what: "restarted", text: String::new() },
    }
}

fn output(chunk: Chunk) -> Result<Seen, Failure> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(match chunk {
        Chunk::Out(bytes) => Seen { what: "out", text: text(bytes) },
        Chunk::Err(bytes) => Seen { what: "err", text: text(bytes) },
        Chunk::Ended(code) => Seen { what: "ended", text: code?.to_string() },
    })
}

fn ticks(table: &mut Table<Seen>, count: u32) -> Result<(), Failure> {
    let ticker = Ticker::every(Duration::from_millis(20));
    let mut seen = 0_u32;
    while seen < count {
        let Some(ready) = inbox::wait() else { break };
        if ready == [ticker.source()] {
            seen = seen.saturating_add(ticker.take());
            table.push("ticks", Seen { what: "tick", text: String::new() })?;
            table.commit()?;
            log::debug("a tick was taken");
        }
    }
    Ok(())
}
