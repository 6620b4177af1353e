//! Serves a cluster of any size on loopback until it is ended.
#![expect(clippy::print_stdout, reason = "the program is a command")]

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use lab_benches::arguments::{Arguments, ended};
use lab_benches::crowd::{Crowd, kubeconfig};
use lab_benches::relay::Flows;

const HELP: &str = "\
Serve a cluster on loopback: nodes, their agents' pods, exec, and a relay of flows

Usage: crowd [flags] KUBECONFIG

  --nodes N     nodes, each with an agent; 1000 when not given
  --latency MS  how late a command's answer is; 20 when not given
  --events FILE lines that agents print on `cilium-dbg monitor`, over and over
  --rate N      of them each second from each agent; 1000 when not given
  --most N      of them from each agent in all; 60000 when not given
  --ends 1      their streams end then, and do not stay silent
  --relay 1     there is a relay too, which tells what Hubble makes of the same events, as many
                for each agent; of 10000 nodes at the most
  KUBECONFIG    the file that is written when it can be asked
";

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), String> {
    let args =
        Arguments::of_process(&["nodes", "latency", "events", "rate", "most", "ends", "relay"])?;
    if args.wants_help() {
        print!("{HELP}");
        return Ok(());
    }
    let [path] = args.words() else {
        return Err("name one kubeconfig to write; `--help` says more".to_owned());
    };
    let events = match args.text("events") {
        None => Vec::new(),
        Some(file) => {
            let content = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
            content.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
        }
    };
    let nodes = args.number("nodes", 1000)?;
    let relay = match args.number("relay", 0)? {
        0 => None,
        _ if nodes > 10_000 => return Err("a relay has 10000 nodes at the most".to_owned()),
        _ => {
            let flows = Flows::of(&events).map_err(|failure| failure.to_string())?;
            if flows.is_empty() {
                return Err("no flow can be made of the events".to_owned());
            }
            Some(flows)
        }
    };
    let crowd = Crowd {
        nodes,
        latency: Duration::from_millis(args.number("latency", 20)?.into()),
        events,
        rate: args.number("rate", 1000)?,
        most: args.number("most", 60_000)?,
        ends: args.number("ends", 0)? == 1,
        relay,
    };
    crowd
        .serve(|url| {
            // Whoever waits for the file must not find half of it.
            let part = format!("{path}.part");
            fs::write(&part, kubeconfig(url))?;
            fs::rename(&part, path)
        })
        .map_err(|error| format!("{path}: {error}"))
}
