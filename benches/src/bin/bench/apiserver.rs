//! What a real API server is asked, against curl, kubectl and a native reader.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab_benches::measure::{Costs, Running, Subject, in_turn};
use lab_benches::plane::Pages;
use lab_benches::table::Line;
use serde_json::Value;

use super::{Report, Setup, TWICE};

/// Pods of each node, and policies in all.
const PODS: u32 = 30;
const POLICIES: u32 = 500;
/// Part of what curl takes for the same pages.
const CURL: (f64, &str) = (1.3, "<= 1.3");
/// Part of what kubectl and jq take for the same answer.
const THIRD: (f64, &str) = (1.0 / 3.0, "<= 0.33");
/// Memory of the program.
const MEBIBYTES: f64 = 100.0;
/// How long filling and starting may take.
const PATIENCE: Duration = Duration::from_mins(30);
/// How the program names itself to servers.
const AGENT: &str = "kubectl-lab/";

/// Addresses in use on each node, of pods and endpoints alike; nodes are named by the pods, for
/// endpoints know only their addresses.
const JOIN: &str = r#"
  (reduce (.items[] | select(.kind == "Pod")) as $pod ({};
    .[$pod.status.hostIP] = $pod.spec.nodeName)) as $names
  | reduce (.items[]
      | if .kind == "Pod"
        then select((.spec.hostNetwork | not) and .status.phase == "Running")
          | {node: .spec.nodeName, ip: .status.podIPs[].ip}
        else {node: $names[.status.networking.node], ip: .status.networking.addressing[].ipv4}
        end) as $used ({}; .[$used.node][$used.ip] = true)
  | map_values(length)"#;

/// A control plane in a process of its own; it ends with this.
struct Served {
    child: Child,
    run: PathBuf,
}

impl Served {
    fn start(setup: &Setup, store: &Path) -> Result<Self, String> {
        let run = std::env::temp_dir().join(format!("plane-{}", std::process::id()));
        let mut command = Command::new(setup.room("plane"));
        command.arg("--programs").arg(setup.lab.join("bin"));
        command.arg("--definitions").arg(&setup.definitions);
        command.args(["--nodes", &setup.nodes.to_string(), "--pods", &PODS.to_string()]);
        command.args(["--policies", &POLICIES.to_string()]).arg(store).arg(&run);
        // Its input is what keeps it: it ends with this process, however that ends.
        command.stdin(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|error| format!("cannot run plane: {error}"))?;
        let mut served = Self { child, run };
        let start = Instant::now();
        while !served.run.join("ready").is_file() {
            let ended = served.child.try_wait().map_err(|error| error.to_string())?;
            if let Some(status) = ended {
                return Err(format!("plane: {status}"));
            }
            if start.elapsed() > PATIENCE {
                return Err("the control plane does not come up".to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(served)
    }

    fn kubeconfig(&self) -> OsString {
        self.run.join("kubeconfig.yaml").into_os_string()
    }

    /// The program with these words, against this server.
    fn lab(&self, setup: &Setup, name: &str, words: &[&str]) -> Subject {
        let own = words.iter().map(OsString::from);
        let at = [OsString::from("--kubeconfig"), self.kubeconfig()];
        Subject::new(name, &setup.program, own.chain(at))
    }

    /// curl for every page that a run of the program needs, each once.
    fn curl(&self, ours: &Subject, name: &str) -> Result<Subject, String> {
        Pages::forget(&self.run)?;
        ours.output()?;
        let asked = Pages::asked_by(&self.run, AGENT)?;
        let needed = asked.once();
        eprintln!(
            "{}: {} requests, {} of them needed: {}",
            ours.name,
            asked.len(),
            needed.len(),
            needed.kinds()
        );
        let config = needed.config(&self.run, name)?;
        let words = [OsString::from("--config"), config.into_os_string()];
        Ok(Subject::new(&format!("curl, {} pages", needed.len()), Path::new("curl"), words))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

pub(super) fn apiserver(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let programs = setup.lab.join("bin");
    if let Some(missing) =
        ["etcd", "kube-apiserver", "kubectl"].iter().find(|name| !programs.join(name).is_file())
    {
        eprintln!(
            "apiserver is left out: there is no {}; `tests/lab/build` makes it, and `--lab` or \
             LAB_DIR name its folder",
            programs.join(missing).display()
        );
        return Ok(());
    }
    if !setup.definitions.is_dir() {
        eprintln!("no definitions in {}: bare ones are made", setup.definitions.display());
    }
    fs::create_dir_all(&setup.captures).map_err(|error| error.to_string())?;
    let name = format!("plane-{}-nodes-{PODS}-pods-{POLICIES}-policies", setup.nodes);
    let store = setup.captures.join(&name);
    if !store.is_dir() {
        eprintln!("making {}", store.display());
    }
    let served = Served::start(setup, &store)?;
    let ipam = ipam(setup, &served, report)?;
    capture(setup, &served, &setup.captures.join(format!("{name}.capture")), report)?;
    upgrade_check(setup, &served, report)?;
    joined(setup, &served, &ipam, report)
}

/// The median, which is judged, and beside it the round that was least disturbed.
fn compare(report: &mut Report, name: &str, ours: &Costs, peer: &Costs, most: (f64, &str)) {
    let lines = &mut report.lines;
    lines.push(Line::at_most(&format!("apiserver: {name}"), ours.wall(), peer.wall(), Some(most)));
    let name = format!("apiserver: {name}, least");
    lines.push(Line::at_most(&name, ours.least(), peer.least(), None));
}

fn memory(report: &mut Report, name: &str, costs: &Costs) {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    let peak = costs.peak() as f64 / f64::from(1 << 20);
    let name = format!("apiserver: {name}, peak memory");
    report.lines.push(Line::below(&name, peak, "MiB", MEBIBYTES));
}

fn ipam(setup: &Setup, served: &Served, report: &mut Report) -> Result<Costs, String> {
    let ours = served.lab(setup, "ipam", &["ipam"]);
    let curl = served.curl(&ours, "ipam.curl")?;
    let subjects = [ours, curl];
    let mut costs = in_turn(&subjects, setup.rounds)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    compare(report, "ipam / curl, same pages", &costs[0], &costs[1], CURL);
    memory(report, "ipam", &costs[0]);
    Ok(costs.swap_remove(0))
}

/// The same answer by kubectl and jq; last, for it is by far the slowest.
fn joined(setup: &Setup, served: &Served, ours: &Costs, report: &mut Report) -> Result<(), String> {
    let line = format!(
        "'{}' --kubeconfig '{}' get pods,ciliumendpoints -A -o json | jq '{JOIN}'",
        setup.kubectl.display(),
        served.run.join("kubeconfig.yaml").display()
    );
    let joined = Subject::new("kubectl get | jq", Path::new("sh"), ["-c".to_owned(), line]);
    // Once, for it takes minutes, and gigabytes; into a file, so that this process stays small.
    let answer = served.run.join("joined.json");
    let file = fs::File::create(&answer).map_err(|error| error.to_string())?;
    let peer = Costs::once(Running::start(&joined, file.into())?.end()?);
    let answer = fs::read_to_string(&answer).map_err(|error| error.to_string())?;
    agree(&served.lab(setup, "ipam -o json", &["ipam", "-o", "json"]).output()?, &answer)?;
    report.detail(&joined.name, &peer);
    compare(report, "ipam / kubectl get | jq", ours, &peer, THIRD);
    Ok(())
}

/// Whether both count the same addresses on every node: the program counts the node's own too,
/// and says how many they are.
fn agree(ours: &str, theirs: &str) -> Result<(), String> {
    let unreadable = |error: serde_json::Error| format!("not to be compared: {error}");
    let tables: Value = serde_json::from_str(ours).map_err(unreadable)?;
    let theirs: BTreeMap<String, u64> = serde_json::from_str(theirs).map_err(unreadable)?;
    let rows = tables["ipam"].as_array().ok_or("there is no table `ipam`")?;
    let mut counted = BTreeMap::new();
    for row in rows.iter().filter(|row| row["host"] != "*") {
        let number = |name: &str| row[name].as_u64();
        let (Some(host), Some(used), Some(reserved)) =
            (row["host"].as_str(), number("used"), number("reserved"))
        else {
            return Err(format!("a row of `ipam` lacks a count: {row}"));
        };
        counted.insert(host.to_owned(), used - reserved);
    }
    match counted.iter().find(|(host, used)| theirs.get(*host) != Some(*used)) {
        Some((host, used)) => {
            Err(format!("{host} has {used} addresses, and jq counts {:?}", theirs.get(host)))
        }
        None if counted.len() == theirs.len() => Ok(()),
        None => Err(format!("{} nodes, and jq counts {}", counted.len(), theirs.len())),
    }
}

fn capture(
    setup: &Setup,
    served: &Served,
    folder: &Path,
    report: &mut Report,
) -> Result<(), String> {
    if !folder.join("capture.json").is_file() {
        drop(fs::remove_dir_all(folder));
        let path = folder.display().to_string();
        let kubeconfig = served.run.join("kubeconfig.yaml").display().to_string();
        let words = ["capture", &path, "--kubeconfig", &kubeconfig, "--", "ipam"];
        Subject::new("capture", &setup.program, words).output()?;
    }
    let words = ["ipam".into(), "--from".into(), folder.as_os_str().to_owned()];
    let subjects = [
        Subject::new("ipam, capture", &setup.program, words),
        Subject::new(
            "serde, the fields alone",
            &setup.room("baseline"),
            ["addresses".into(), folder.as_os_str().to_owned()],
        ),
    ];
    let costs = in_turn(&subjects, setup.rounds)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    compare(report, "ipam, capture / serde", &costs[0], &costs[1], TWICE);
    Ok(())
}

fn upgrade_check(setup: &Setup, served: &Served, report: &mut Report) -> Result<(), String> {
    let ours = served.lab(setup, "upgrade-check", &["upgrade-check", "--to", "1.18"]);
    let curl = served.curl(&ours, "upgrade.curl")?;
    let subjects = [ours, curl];
    // Seconds each, of which a neighbor's noise is a large part.
    let costs = in_turn(&subjects, setup.rounds * 3)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    compare(report, "upgrade-check / curl, same pages", &costs[0], &costs[1], CURL);
    memory(report, "upgrade-check", &costs[0]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_compared_node_by_node() {
        let ours = r#"{"ipam":[{"host":"*","used":7},{"host":"a","used":4,"reserved":1},{"host":"b","used":3,"reserved":2}]}"#;
        assert_eq!(agree(ours, r#"{"a":3,"b":1}"#), Ok(()));
        for theirs in [r#"{"a":3,"b":2}"#, r#"{"a":3}"#, r#"{"a":3,"b":1,"c":1}"#] {
            assert!(agree(ours, theirs).is_err(), "{theirs}");
        }
    }
}
