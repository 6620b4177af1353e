//! Reads packet filters and splits them into lines, some times: what the parser alone takes is
//! the difference between two of its commands.

use lab_netfilter::save::{Entry, lines};
use lab_plugin::hosts;
use lab_plugin::{Batch, Call, Card, Command, Failure, Place, Plugin, Table, row};

/// How many times `parser ten` splits a dump.
const TIMES: usize = 10;

/// The plugin.
pub struct Parser;

lab_plugin::export!(Parser);

row! {
    /// What was read.
    struct Read {
        /// Rules of all hosts, once for each time.
        rules: i64,
    }
}

impl Plugin for Parser {
    fn describe() -> Card {
        Card::new("Parse")
            .ask("hosts", &["host: iptables-save -c"], "what is parsed")
            .command(Command::new(&["parser", "none"], "Ask for the rules of every host"))
            .command(Command::new(&["parser", "ten"], "Also split them into lines, ten times"))
    }

    fn run(call: &Call) -> Result<(), Failure> {
        let times = if call.path().last() == Some(&"ten") { TIMES } else { 0 };
        let mut batch = Batch::new();
        for host in hosts::list()? {
            batch.add(&Place::host(&host.name), &["iptables-save", "-c"]);
        }
        let mut rules = 0;
        for (_, answer) in batch.as_they_come() {
            let outcome = answer?;
            let text = outcome.text();
            for _ in 0..times {
                let read = std::hint::black_box(&text);
                rules +=
                    lines(read).filter(|line| matches!(line.entry, Entry::Rule { .. })).count();
            }
        }
        let mut table = Table::new("read");
        table.push("", Read { rules: i64::try_from(rules).unwrap_or(i64::MAX) })?;
        table.commit()
    }
}
