//! Misbehaves in every way a plugin can while it runs. The argument says how.

mod rows;

use std::hint::black_box;
use std::time::Duration;

use lab_plugin::log;
use lab_plugin::{Argument, Batch, Call, Card, Command, Failure, Finding, Kind};
use lab_plugin::{Place, Plugin, Progress, Selection, Table};

use rows::{Note, TooManyCells, TwoOfOneName, WrongKind};

/// The plugin.
pub struct Hostile;

lab_plugin::export!(Hostile);

impl Plugin for Hostile {
    fn describe() -> Card {
        Card::new("Misbehave").command(
            Command::new(&["hostile"], "Misbehave")
                .argument(Argument::positional("how", Kind::Text, "In which way").required()),
        )
    }

    fn run(call: &Call) -> Result<(), Failure> {
        match call.text("how").unwrap_or_default() {
            "spin" => spin(),
            "allocate" => allocate(),
            "recurse" => {
                black_box(recurse(1));
            }
            "flood-rows" => return flood_rows(),
            "flood-findings" => return flood_findings(),
            "flood-log" => (0..1_000).for_each(|line| log::warn(&format!("line {line}"))),
            "flood-handles" => drop(flood_handles()),
            "too-many-cells" => return one(TooManyCells),
            "wrong-kind" => return one(WrongKind),
            "two-columns" => return one(TwoOfOneName),
            "two-tables" => {
                one(Note::new("first"))?;
                return one(Note::new("second"));
            }
            "huge-text" => return one(Note::new(&"x".repeat(20 << 20))),
            "controls" => return controls(),
            "panic" => return panics(),
            "exit" => std::process::exit(0),
            "unasked-command" => return unasked_command(),
            "unasked-objects" => return unasked_objects(),
            "sleep" => std::thread::sleep(Duration::from_hours(1)),
            "look-around" => return look_around(),
            how => return Err(Failure::InvalidInput(format!("no way `{how}`"))),
        }
        Ok(())
    }
}

fn one<R: lab_plugin::TableRow>(row: R) -> Result<(), Failure> {
    let mut table = Table::new("notes");
    table.push("", row)?;
    table.commit()
}

fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn allocate() {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "the point of it")]
fn recurse(depth: u64) -> u64 {
    black_box(depth) + black_box(recurse(depth + 1))
}

fn flood_rows() -> Result<(), Failure> {
    let mut table = Table::new("notes");
    loop {
        table.push("", Note::new("one more"))?;
    }
}

fn flood_findings() -> Result<(), Failure> {
    loop {
        Finding::info("hostile/flood", "nobody", "one more").report()?;
    }
}

fn flood_handles() -> Vec<Progress> {
    (0..100_000).map(|_| Progress::new("one more")).collect()
}

fn controls() -> Result<(), Failure> {
    Finding::warn("hostile/controls", "a\u{1b}]0;title\u{7}b", "\u{1b}[2Jcleared").report()?;
    one(Note::new("red \u{1b}[31m, back \u{202e}txet, bell \u{7}, line\nbreak"))
}

fn panics() -> Result<(), Failure> {
    let mut table = Table::new("notes");
    for note in ["first", "second", "third"] {
        table.push(note, Note::new(note))?;
    }
    table.commit()?;
    panic!("had enough");
}

fn unasked_command() -> Result<(), Failure> {
    let mut batch = Batch::new();
    batch.add(&Place::host("k8s-ctr"), &["cat", "/etc/shadow"]);
    batch.in_order().try_for_each(|answer| answer.map(drop))
}

fn unasked_objects() -> Result<(), Failure> {
    let secrets = Selection::new("v1", "Secret").list::<String>();
    secrets.into_iter().try_for_each(|secret| secret.map(drop))
}

/// What of the machine is in reach: nothing of it should be.
fn look_around() -> Result<(), Failure> {
    let mut table = Table::new("notes");
    let variables = std::env::vars().count();
    table.push("", Note::new(&format!("{variables} variables")))?;
    let found = |there: bool| if there { "in reach" } else { "out of reach" };
    let files = std::fs::read_dir("/").is_ok() || std::fs::read("/etc/passwd").is_ok();
    table.push("", Note::new(&format!("files {}", found(files))))?;
    let net = std::net::TcpStream::connect("127.0.0.1:22").is_ok()
        || std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    table.push("", Note::new(&format!("network {}", found(net))))?;
    table.commit()
}
