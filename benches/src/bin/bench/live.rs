//! Figures that need a cluster that answers: one is served on loopback meanwhile.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab_benches::crowd::{Crowd, NAMESPACE};
use lab_benches::measure::{Running, Subject, in_turn};
use lab_benches::table::{Line, ms};

use crate::{Report, Setup};

/// How late the nodes answer.
const LATENCY: Duration = Duration::from_millis(20);
/// Commands at a time: what the program does when it is not told otherwise.
const CONCURRENCY: u32 = 32;
/// Part of the waiting alone that one command on all nodes may take.
const FAN_OUT: (f64, &str) = (1.2, "<= 1.2");
/// Parts of what `kubectl exec` takes.
const QUARTER: (f64, &str) = (0.25, "<= 0.25");
const FIFTH: (f64, &str) = (0.2, "<= 0.2");
const TENTH: (f64, &str) = (0.1, "<= 0.1");
/// Agents of the soak, the events of each in a second, and the seconds.
const SOAK: (u32, u32, u32) = (100, 1000, 60);
/// The same for the comparison with kubectl.
const PEER: (u32, u32, u32) = (10, 1000, 10);
/// Counts what agents saw; what the relay says of its nodes is no event of theirs.
const COUNT: &str = r#"grep '^{"kind":"events"' | grep -vc '"type":"log"' || true"#;
/// Size that a live command may have in the middle and at the end.
const FLAT: f64 = 128.0;

/// A served cluster; it ends with this.
struct Served {
    child: Child,
    kubeconfig: PathBuf,
}

impl Served {
    fn start(setup: &Setup, flags: &[(&str, String)]) -> Result<Self, String> {
        let kubeconfig = std::env::temp_dir().join(format!("crowd-{}.yaml", std::process::id()));
        drop(fs::remove_file(&kubeconfig));
        let mut command = Command::new(setup.room("crowd"));
        for (name, value) in flags {
            command.arg(format!("--{name}")).arg(value);
        }
        let child = command.arg(&kubeconfig).spawn();
        let child = child.map_err(|error| format!("cannot run crowd: {error}"))?;
        let served = Self { child, kubeconfig };
        let start = Instant::now();
        while !served.kubeconfig.is_file() {
            if start.elapsed() > Duration::from_secs(10) {
                return Err("the crowd does not serve".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(served)
    }

    fn path(&self) -> String {
        self.kubeconfig.display().to_string()
    }

    fn lab(&self, setup: &Setup, name: &str, line: &str) -> Subject {
        let words = line.split(' ').map(OsString::from);
        let at = ["--kubeconfig".into(), self.kubeconfig.clone().into_os_string()];
        // What follows `--` is the command that the hosts run.
        let (own, command): (Vec<_>, Vec<_>) = match line.split(' ').position(|word| word == "--") {
            Some(dashes) => (words.clone().take(dashes).collect(), words.skip(dashes).collect()),
            None => (words.collect(), Vec::new()),
        };
        Subject::new(name, &setup.program, own.into_iter().chain(at).chain(command))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_file(&self.kubeconfig));
    }
}

pub(crate) fn fan_out(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let nodes = setup.nodes;
    let served = Served::start(
        setup,
        &[("nodes", nodes.to_string()), ("latency", LATENCY.as_millis().to_string())],
    )?;
    let each = served.lab(setup, &format!("each, {nodes} nodes"), "each -- ip -br addr");
    let line = format!(
        "seq -f '{}' 0 {} | xargs -P{CONCURRENCY} -I@ '{}' --kubeconfig '{}' -n {NAMESPACE} \
         exec @ -c cilium-agent -- ip -br addr; true",
        Crowd::agent(0).replace("0000", "%04g"),
        nodes - 1,
        setup.kubectl.display(),
        served.path(),
    );
    let kubectl = Subject::new("xargs -P32 kubectl exec", Path::new("sh"), ["-c".to_owned(), line]);
    let folded = each.output()?;
    if !folded.contains(&format!("{nodes}")) && !folded.contains(&Crowd::node(nodes - 1)) {
        return Err(format!("not all {nodes} nodes answered: {folded}"));
    }
    let answers = kubectl.output()?.matches("10.0.2.15/24").count();
    // On a busy machine kubectl drops an answer that comes before it is ready to read one.
    if answers * 100 < nodes as usize * 98 {
        return Err(format!("kubectl had {answers} answers"));
    }
    let ours = in_turn(std::slice::from_ref(&each), setup.rounds)?;
    let theirs = in_turn(std::slice::from_ref(&kubectl), 1)?;
    report.detail(&each.name, &ours[0]);
    report.detail(&kubectl.name, &theirs[0]);
    let waiting = LATENCY * nodes.div_ceil(CONCURRENCY);
    let lines = &mut report.lines;
    let (wall, cpu) = (ours[0].wall(), ours[0].cpu());
    lines.push(Line::at_most("fanout: each / waiting alone", wall, waiting, Some(FAN_OUT)));
    let (peer, peer_cpu) = (theirs[0].wall(), theirs[0].cpu());
    lines.push(Line::at_most("fanout: each / kubectl exec", wall, peer, Some(FIFTH)));
    lines.push(Line::at_most("fanout: each / kubectl exec, cpu", cpu, peer_cpu, Some(QUARTER)));
    Ok(())
}

/// Lines of a real agent's `monitor -j`, in a file.
fn events(setup: &Setup) -> Result<PathBuf, String> {
    let capture = setup.events()?;
    let host = fs::read_dir(capture.join("hosts")).map_err(|error| error.to_string())?;
    let files = host.flatten().flat_map(|host| fs::read_dir(host.path()).into_iter().flatten());
    let largest = files.flatten().max_by_key(|file| file.metadata().map_or(0, |of| of.len()));
    let largest = largest.ok_or("no file of a host")?.path();
    let text = fs::read(&largest).map_err(|error| format!("{}: {error}", largest.display()))?;
    let some: Vec<u8> = text
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| line.first() == Some(&b'{'))
        .take(5000)
        .flatten()
        .copied()
        .collect();
    let path = setup.captures.join("events.ndjson");
    fs::write(&path, some).map_err(|error| error.to_string())?;
    Ok(path)
}

fn flags(
    (agents, rate, seconds): (u32, u32, u32),
    events: &Path,
    ends: bool,
) -> Vec<(&'static str, String)> {
    vec![
        ("nodes", agents.to_string()),
        ("latency", "0".to_owned()),
        ("events", events.display().to_string()),
        ("rate", rate.to_string()),
        ("most", (rate * seconds).to_string()),
        ("ends", u32::from(ends).to_string()),
    ]
}

pub(crate) fn soak(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let (agents, rate, seconds) = SOAK;
    let events = events(setup)?;
    let sent = f64::from(agents) * f64::from(rate) * f64::from(seconds);
    for (title, words, is_relay) in [
        ("ndjson", "monitor -o ndjson", false),
        ("flows", "monitor flows -o json", false),
        ("relay, ndjson", "monitor --via hubble -o ndjson", true),
        ("relay, flows", "monitor flows --via hubble -o json", true),
    ] {
        let relay = ("relay", u32::from(is_relay).to_string());
        let served = Served::start(setup, &[flags(SOAK, &events, false), vec![relay]].concat())?;
        let line = format!("{words} --for {}s", seconds + 5);
        let subject = served.lab(setup, &format!("monitor, {agents} agents, {title}"), &line);
        let mut counter = Command::new("sh")
            .args(["-c", COUNT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot count: {error}"))?;
        let to = counter.stdin.take().ok_or("no pipe")?;
        let running = Running::start(&subject, to.into())?;
        std::thread::sleep(Duration::from_secs(u64::from(seconds / 2)));
        let middle = running.resident();
        std::thread::sleep(Duration::from_secs(u64::from(seconds - seconds / 2)));
        let end = running.resident();
        let cost = running.end()?;
        let mut text = String::new();
        counter
            .stdout
            .take()
            .ok_or("no pipe")?
            .read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
        drop(counter.wait());
        let seen: f64 = text.trim().parse().map_err(|_| format!("not a count: {text}"))?;
        // The others have a row for each conversation.
        if words.ends_with("ndjson") {
            report.lines.push(Line {
                name: format!("soak: events seen / sent, {title}"),
                ours: format!("{seen}"),
                peer: format!("{sent}"),
                ratio: format!("{:.4}", seen / sent),
                target: "1".to_owned(),
                met: Some((seen - sent).abs() < 0.5),
            });
        }
        let cores = cost.cpu.as_secs_f64() / f64::from(seconds);
        report.lines.push(Line::below(&format!("soak: cores, {title}"), cores, "", 1.0));
        for (when, bytes) in [("middle", middle), ("end", end)] {
            #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
            let size = bytes.ok_or("no resident size")? as f64 / f64::from(1 << 20);
            let name = format!("soak: memory, {title}, {when}");
            report.lines.push(Line::below(&name, size, "MiB", FLAT));
        }
    }
    Ok(())
}

pub(crate) fn peer(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let (agents, _, seconds) = PEER;
    let events = events(setup)?;
    let quiet = Served::start(setup, &flags(PEER, &events, false))?;
    let line = format!("monitor -o ndjson --for {}s", seconds + 1);
    let ours = quiet.lab(setup, &format!("monitor -o ndjson, {agents} agents"), &line);
    let ours_costs = in_turn(std::slice::from_ref(&ours), 1)?;
    drop(quiet);
    let ending = Served::start(setup, &flags(PEER, &events, true))?;
    let line = format!(
        "for at in $(seq -f '{}' 0 {}); do '{}' --kubeconfig '{}' -n {NAMESPACE} exec $at \
         -c cilium-agent -- cilium-dbg monitor -j | jq -c . & done; wait",
        Crowd::agent(0).replace("0000", "%04g"),
        agents - 1,
        setup.kubectl.display(),
        ending.path(),
    );
    let theirs = Subject::new(
        &format!("{agents} x kubectl exec | jq"),
        Path::new("sh"),
        ["-c".to_owned(), line],
    );
    let theirs_costs = in_turn(std::slice::from_ref(&theirs), 1)?;
    report.detail(&ours.name, &ours_costs[0]);
    report.detail(&theirs.name, &theirs_costs[0]);
    let (cpu, peer) = (ours_costs[0].cpu(), theirs_costs[0].cpu());
    let mut line = Line::at_most("peer: monitor / kubectl exec | jq, cpu", cpu, peer, Some(TENTH));
    (line.ours, line.peer) = (ms(cpu), ms(peer));
    report.lines.push(line);
    Ok(())
}
