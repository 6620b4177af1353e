//! What packet filters cost: many rules, and many hosts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab_benches::measure::{Subject, in_turn};
use lab_benches::table::Line;

use super::{Report, Setup, TWICE, inner_times};

/// Hosts, and rules of each.
const SHAPES: [(u32, u32); 2] = [(10, 40_000), (1000, 1000)];
/// Seconds that the answer may take.
const SECONDS: f64 = 5.0;
/// Memory that it may take.
const MEBIBYTES: f64 = 256.0;
/// Megabytes a second that are parsed on one core.
const PARSED_NATIVE: f64 = 200.0;
const PARSED_WASM: f64 = 130.0;

pub(super) fn filters(setup: &Setup, report: &mut Report) -> Result<(), String> {
    for (hosts, rules) in SHAPES {
        let capture = capture(setup, hosts, rules)?;
        let files = dumps(&capture)?;
        let words = ["iptables-diff".into(), "--from".into(), capture.into_os_string()];
        let name = format!("{hosts} hosts with {rules} rules");
        let ours = Subject::new(&format!("iptables-diff, {name}"), &setup.program, words);
        // Its lines would fill this program, whose size the kernel counts for what it starts.
        let words = ["-u", "-o", "/dev/null"].map(str::to_owned);
        let sort = words.into_iter().chain(files);
        let sort = Subject::new(&format!("sort -u, {name}"), Path::new("sort"), sort);
        let subjects = [ours, sort];
        let costs = in_turn(&subjects, setup.rounds)?;
        for (subject, costs) in subjects.iter().zip(&costs) {
            report.detail(&subject.name, costs);
        }
        let (ours, peer) = (costs[0].wall(), costs[1].wall());
        let line = format!("filters: {name} / sort -u");
        report.lines.push(Line::at_most(&line, ours, peer, Some(TWICE)));
        let seconds = ours.as_secs_f64();
        report.lines.push(Line::below(&format!("filters: {name}"), seconds, "s", SECONDS));
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        let peak = costs[0].peak() as f64 / f64::from(1 << 20);
        report.lines.push(Line::below(&format!("filters: {name}, peak"), peak, "MiB", MEBIBYTES));
    }
    parser(setup, report)
}

/// What the parser takes: the time of a guest that splits every dump ten times, less that of one
/// that only has them read.
fn parser(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let (hosts, rules) = SHAPES[0];
    let capture = capture(setup, hosts, rules)?;
    let mut bytes = 0;
    for file in dumps(&capture)? {
        bytes += fs::metadata(&file).map_err(|error| format!("{file}: {error}"))?.len();
    }
    let capture = capture.display().to_string();
    let wasm = setup.parser.display().to_string();
    let words = |command: &str| ["3", "parser", command].map(str::to_owned);
    for (name, megabytes) in [("a component", PARSED_WASM), ("native", PARSED_NATIVE)] {
        let subject = |command: &str| {
            let head = std::iter::once(capture.clone()).chain(words(command));
            if name == "native" {
                Subject::new("parser", &setup.room("native"), head)
            } else {
                let head = std::iter::once(wasm.clone()).chain(head);
                Subject::new("parser", &setup.room("component"), head)
            }
        };
        let [with, without] = inner_times([&subject("ten"), &subject("none")], setup.rounds)?;
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        let parsed = 10.0 * bytes as f64 / 1e6 / with.saturating_sub(without).as_secs_f64();
        report.lines.push(Line {
            name: format!("filters: parser as {name}"),
            ours: format!("{parsed:.0} MB/s"),
            peer: String::new(),
            ratio: format!("{:.2}", parsed / megabytes),
            target: format!(">= {megabytes} MB/s"),
            met: Some(parsed >= megabytes),
        });
    }
    Ok(())
}

/// The folder of a generated capture, made when it is not there yet.
fn capture(setup: &Setup, hosts: u32, rules: u32) -> Result<PathBuf, String> {
    let path = setup.captures.join(format!("{hosts}-hosts-{rules}-rules"));
    if path.join("capture.json").is_file() {
        return Ok(path);
    }
    fs::create_dir_all(&setup.captures).map_err(|error| error.to_string())?;
    let mut command = Command::new(setup.room("generate"));
    command.args(["--nodes", &hosts.to_string(), "--filters", &rules.to_string()]).arg(&path);
    let status = command.status().map_err(|error| format!("cannot run generate: {error}"))?;
    if status.success() { Ok(path) } else { Err(format!("generate: {status}")) }
}

/// The rules of every host of a capture.
fn dumps(capture: &Path) -> Result<Vec<String>, String> {
    let hosts = capture.join("hosts");
    let entries = fs::read_dir(&hosts).map_err(|error| format!("{}: {error}", hosts.display()))?;
    let mut files: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path().join("iptables-save-c.txt").display().to_string())
        .collect();
    files.sort_unstable();
    Ok(files)
}
