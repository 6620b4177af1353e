//! A plugin natively: the same source as the component, without the engine.
//!
//! Prints for each run the microseconds from opening the capture to the finished report.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the program is a command")]

use std::process::ExitCode;
use std::time::Instant;

use guest_parser::Parser;
use iptables_diff::IptablesDiff;
use lab_plugin_test::Lab;
use monitor::Monitor;
use routes::Routes;

const HELP: &str = "\
Run a plugin natively: `routes`, `monitor`, `iptables-diff` or the guest `parser`, over a
capture, several times in one process

Usage: native CAPTURE RUNS [WORD…]

  WORD…   the command, `routes matrix` when none is given

Prints the microseconds of each run, one a line.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [capture, runs, words @ ..] = args.as_slice() else {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    };
    let Ok(runs) = runs.parse::<u32>() else {
        eprintln!("error: `{runs}` is no number of runs");
        return ExitCode::from(2);
    };
    let mut path: Vec<&str> = words.iter().map(String::as_str).collect();
    if path.is_empty() {
        path = vec!["routes", "matrix"];
    }
    for _ in 0..runs {
        let start = Instant::now();
        let run = Lab::open(capture);
        let run = match path[0] {
            "monitor" => run.run::<Monitor>(&path, &[]),
            "parser" => run.run::<Parser>(&path, &[]),
            "iptables-diff" => run.run::<IptablesDiff>(&path, &[]),
            _ => run.run::<Routes>(&path, &[]),
        };
        let took = start.elapsed();
        if let Err(failure) = &run.result {
            eprintln!("error: {}", failure.message());
            return ExitCode::from(2);
        }
        println!("{}", took.as_micros());
    }
    ExitCode::SUCCESS
}
