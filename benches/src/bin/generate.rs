//! Writes the capture or the sysdump of a generated cluster.
#![expect(clippy::print_stdout, reason = "the program is a command")]

use std::path::Path;
use std::process::ExitCode;

use lab_benches::arguments::{Arguments, ended};
use lab_benches::generate::{self, Size};
use lab_benches::{events, filters};

const HELP: &str = "\
Write the capture of a generated cluster: every node has a direct route to every other one

Usage: generate [--nodes N] [--broken K] [--sysdump PODS] [--events E] [--filters R] PATH

  --nodes N    nodes, 1000 when not given; N×N routes between them
  --broken K   routes that are missing or have a wrong next hop, in turn; 0 when not given
  --sysdump P  a Cilium sysdump instead, with so many pods: 30000 make about 1 GB, unpacked
  --events E   the demo instead, its agents' events repeated until there are so many
  --filters R  N hosts with R rules of iptables each instead
  PATH         a file ending in .zip, or a new folder

The same numbers give the same bytes.
";

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), String> {
    let args = Arguments::of_process(&["nodes", "broken", "sysdump", "events", "filters"])?;
    if args.wants_help() {
        print!("{HELP}");
        return Ok(());
    }
    let [path] = args.words() else {
        return Err("name one path to write to; `--help` says more".to_owned());
    };
    let size = Size { nodes: args.number("nodes", 1000)?, broken: args.number("broken", 0)? };
    match args.number("events", 0)? {
        0 => {}
        n_events => return events::write(n_events, Path::new(path)).map_err(|why| why.to_string()),
    }
    match args.number("filters", 0)? {
        0 => {}
        rules => {
            return filters::write(size.nodes, rules, Path::new(path))
                .map_err(|why| why.to_string());
        }
    }
    match args.number("sysdump", 0)? {
        0 => {}
        pods => return generate::write_sysdump(size, pods, Path::new(path)),
    }
    generate::write(size, Path::new(path)).map_err(|failure| failure.to_string())
}
