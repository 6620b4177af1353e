//! Measures everything that the program promises in numbers, and prints one table of ratios.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the program is a command")]

mod apiserver;
mod filters;
mod live;
mod rules;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use lab_benches::arguments::Arguments;
use lab_benches::measure::{Costs, Subject, in_turn, median};
use lab_benches::table::{self, Line, ms};

const HELP: &str = "\
Measure kubectl-lab against named peers, and print the ratios

  cargo build --release
  cargo build --profile benches --workspace --bins
  cargo build --profile plugin --target wasm32-wasip2 --target-dir target/plugins -p guest-streamer -p guest-parser
  target/benches/bench

Usage: bench [flags] [start] [scale] [linear] [sysdump] [wasm] [monitor] [stream] [each] [filters] [fanout] [soak] [peer] [apiserver] [rules] [size]

  --program PATH   kubectl-lab; the release when not given
  --kubectl PATH   kubectl; from PATH when not given
  --captures DIR   where generated captures are kept; a folder of the system's temporary one
  --wasm PATH      the component of `routes`; where the build of kubectl-lab leaves it
  --guest PATH     the component of the guest `streamer`; where the command above leaves it
  --parser PATH    the component of the guest `parser`; beside it
  --each PATH      the component of `each`; beside it
  --nodes N        nodes of the large capture, 1000 when not given
  --rows N         rows of a live command, 3000000 when not given
  --lab DIR        the lab's folder, with etcd and kube-apiserver in its `bin`; LAB_DIR, or
                   cilium-lab in the user's cache folder, when not given
  --definitions DIR  Cilium's definitions; those of 1.17.6 in Go's module cache when not given
  --rounds N       rounds of every comparison, 5 when not given; five times as many for starts

What is measured:
  start    whole processes: `--help` and `routes --demo` against `kubectl version --client`
  scale    whole processes: `routes matrix --fold` over N nodes and N×N routes, against a native
           program that only reads the same files into structs, and against `jq length`;
           and the largest resident size
  linear   the same over a quarter and half as many nodes: time for each route
  sysdump  whole processes: `routes --from` a sysdump of about 1 GB with 30000 pods on 300 nodes,
           against the time in which one thread inflates the files that it needs
  wasm     the plugin as a component and natively, each several times in one process of its own:
           from opening the capture to the finished report. Start and compiling are left out.
           The program reads files in other threads while the component computes; the native
           host reads them one after the other
  stream   whole processes: a guest that only appends rows of ten columns, read from a pipe by
           `cat`: lines in a second, and the largest resident size with N rows and with a tenth
  each     1000 hosts that answer 1 MB each, folded by the component in the program's engine and
           drawn: the largest resident size, with three different answers and with 1000
  filters  whole processes: `iptables-diff` over 10 hosts with 40000 rules each and over 1000 with
           1000 each, against `sort -u` over the same files; and the largest resident size. Then
           the parser alone, as a component and natively: megabytes a second
  monitor  E real events of agents, parsed, named and counted by `monitor flows` as a component
           and natively; and every one as a line of `monitor -o ndjson` by the whole program
  fanout   whole processes, against N nodes on loopback that answer after 20 ms: one command on all
           by `each`, against the waiting alone and against 32 `kubectl exec` at a time
  soak     100 agents that each send 1000 events a second for a minute through exec, every one a
           line of `monitor -o ndjson` and counted by `monitor flows`: lines, cores, memory. The
           same as flows of a relay, through a forwarded port: a call of gRPC with a frame for each
  peer     ten agents' events for ten seconds: `monitor -o ndjson`, against ten `kubectl exec`
           each with a `jq`: the time of all threads
  apiserver  a real etcd and kube-apiserver on loopback with N nodes, 30 pods on each, their
           CiliumEndpoints and 500 policies: `ipam` and `upgrade-check --to 1.18` against curl for
           the pages that they need, one after the other over one connection; `ipam` against
           `kubectl get pods,ciliumendpoints | jq` for the same counts, and over a capture against
           a native program that only reads the same fields; the largest resident size
  rules    whole processes: `upgrade-check` over a recording with 2000 rules of a user, less the same
           without them
  size     the program's file

Every peer runs once to warm up, then all run in turn; the median of the rounds counts. A second
table has the least wall time, the time of all threads and the largest resident size.
";

/// Part of `kubectl version --client` that a start may take.
const QUARTER: (f64, &str) = (0.25, "<= 0.25");
/// Part of the native reader that a judged matrix may take.
const TWICE: (f64, &str) = (2.0, "<= 2");
/// Part of the native plugin that the component may take.
const WASM: (f64, &str) = (1.5, "<= 1.5");
/// How many times as long `jq length` has to take.
const JQ: f64 = 10.0;
/// How much longer a route of the large capture may take than one of the small: linear growth,
/// and some room for caches that do not hold a million of them.
const LINEAR: (f64, &str) = (1.25, "<= 1.25");
/// Part of the time to inflate the files it needs that a question to a sysdump may take.
const INFLATE: (f64, &str) = (1.5, "<= 1.5");
/// Nodes and pods of the generated sysdump.
const SYSDUMP: (u32, u32) = (300, 30_000);
/// Lines that a live command has to write in a second.
const LINES: f64 = 150_000.0;
/// How much larger a process may get with ten times as many rows: what was written is not kept.
const FLAT: (f64, &str) = (1.1, "<= 1.1");
/// Routes that are broken in every generated capture, so that there is something to find.
const BROKEN: u32 = 20;
/// Events that are counted; about a kilobyte each.
const EVENTS: u32 = 300_000;
/// Events each second that one core has to count, and that have to be written as lines.
const COUNTED: f64 = 300_000.0;
const WRITTEN: f64 = 150_000.0;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

/// What was measured so far.
#[derive(Default)]
struct Report {
    lines: Vec<Line>,
    details: Vec<[String; 5]>,
}

impl Report {
    fn detail(&mut self, name: &str, costs: &Costs) {
        let cpu = costs.cpu();
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        let peak = costs.peak() as f64 / f64::from(1 << 20);
        let peak = format!("{peak:.0} MiB");
        self.details.push([name.to_owned(), ms(costs.wall()), ms(costs.least()), ms(cpu), peak]);
    }
}

struct Setup {
    program: PathBuf,
    kubectl: PathBuf,
    captures: PathBuf,
    wasm: PathBuf,
    guest: PathBuf,
    rows: u32,
    parser: PathBuf,
    each: PathBuf,
    lab: PathBuf,
    definitions: PathBuf,
    /// This room's other programs.
    room: PathBuf,
    nodes: u32,
    rounds: u32,
}

type Section = fn(&Setup, &mut Report) -> Result<(), String>;

const SECTIONS: [(&str, Section); 15] = [
    ("start", start),
    ("scale", scale),
    ("linear", linear),
    ("sysdump", sysdump),
    ("wasm", wasm),
    ("monitor", monitor),
    ("stream", stream),
    ("each", each),
    ("filters", filters::filters),
    ("fanout", live::fan_out),
    ("soak", live::soak),
    ("peer", live::peer),
    ("apiserver", apiserver::apiserver),
    ("rules", rules::rules),
    ("size", size),
];

fn run() -> Result<ExitCode, String> {
    let flags = [
        "program",
        "kubectl",
        "captures",
        "wasm",
        "guest",
        "parser",
        "each",
        "nodes",
        "rows",
        "rounds",
        "lab",
        "definitions",
    ];
    let args = Arguments::of_process(&flags)?;
    if args.wants_help() {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(word) =
        args.words().iter().find(|word| SECTIONS.iter().all(|(name, _)| name != word))
    {
        return Err(format!("nothing here is called `{word}`; `--help` lists the figures"));
    }
    let setup = setup(&args)?;
    let mut report = Report::default();
    let mut failed = false;
    for (name, section) in SECTIONS {
        if !args.words().is_empty() && !args.words().iter().any(|word| word == name) {
            continue;
        }
        if let Err(why) = section(&setup, &mut report) {
            eprintln!("{name} was not measured: {why}");
            failed = true;
        }
    }
    print!("{}", table::print(&report.lines));
    let head = ["PROCESS", "MEDIAN", "LEAST", "THREADS", "PEAK"].map(str::to_owned);
    let details = std::iter::once(head).chain(report.details);
    print!("\n{}", table::columns(details, &[1, 2, 3, 4]));
    if let Some(load) = load() {
        println!("\n{load}");
    }
    Ok(if failed { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// How busy the machine is besides: without it nobody can judge the figures.
fn load() -> Option<String> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let cores = std::thread::available_parallelism().ok()?;
    Some(format!("load {} on {cores} cores", load.join(" ")))
}

fn setup(args: &Arguments) -> Result<Setup, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let room = own.parent().ok_or("this program is in no folder")?.to_owned();
    let path = |flag: &str, default: PathBuf| args.text(flag).map_or(default, PathBuf::from);
    let program = format!("kubectl-lab{}", std::env::consts::EXE_SUFFIX);
    let plugins = room.join("../plugins/wasm32-wasip2/plugin");
    Ok(Setup {
        program: path("program", room.join("../release").join(program)),
        kubectl: path("kubectl", PathBuf::from("kubectl")),
        captures: path("captures", std::env::temp_dir().join("kubectl-lab-benches")),
        wasm: path("wasm", plugins.join("routes.wasm")),
        guest: path("guest", plugins.join("guest_streamer.wasm")),
        parser: path("parser", plugins.join("guest_parser.wasm")),
        each: path("each", plugins.join("each.wasm")),
        lab: path("lab", lab()),
        definitions: path("definitions", definitions()),
        nodes: args.number("nodes", 1000)?,
        rows: args.number("rows", 3_000_000)?.max(10),
        rounds: args.number("rounds", 5)?.max(1),
        room,
    })
}

/// A folder that a variable names, else one in another, else one in the user's own.
fn folder(variable: &str, or: (&str, &str), home: &str) -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match (named(variable), named(or.0)) {
        (Some(path), _) => PathBuf::from(path),
        (None, Some(path)) => PathBuf::from(path).join(or.1),
        (None, None) => std::env::home_dir().unwrap_or_default().join(home),
    }
}

/// Where the lab keeps its programs.
fn lab() -> PathBuf {
    folder("LAB_DIR", ("XDG_CACHE_HOME", "cilium-lab"), ".cache/cilium-lab")
}

/// Where Go has Cilium's definitions, of the version that the generated cluster runs.
fn definitions() -> PathBuf {
    let modules = folder("GOMODCACHE", ("GOPATH", "pkg/mod"), "go/pkg/mod");
    modules.join("github.com/cilium/cilium@v1.17.6/pkg/k8s/apis/cilium.io/client/crds")
}

impl Setup {
    fn room(&self, name: &str) -> PathBuf {
        self.room.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The folder of a generated capture, made when it is not there yet. By a process of its
    /// own: what this one once used would count for every process it starts.
    fn capture(&self, nodes: u32) -> Result<PathBuf, String> {
        let path = self.captures.join(format!("{nodes}-nodes-{BROKEN}-broken"));
        if path.join("capture.json").is_file() {
            return Ok(path);
        }
        fs::create_dir_all(&self.captures).map_err(|error| error.to_string())?;
        eprintln!("making {}", path.display());
        let mut command = Command::new(self.room("generate"));
        command.args(["--nodes", &nodes.to_string(), "--broken", &BROKEN.to_string()]).arg(&path);
        let status = command.status().map_err(|error| format!("cannot run generate: {error}"))?;
        if status.success() { Ok(path) } else { Err(format!("generate: {status}")) }
    }

    /// The folder of a capture of many events, made when it is not there yet.
    fn events(&self) -> Result<PathBuf, String> {
        let path = self.captures.join(format!("{EVENTS}-events"));
        if path.join("capture.json").is_file() {
            return Ok(path);
        }
        fs::create_dir_all(&self.captures).map_err(|error| error.to_string())?;
        let mut command = Command::new(self.room("generate"));
        let status = command.args(["--events", &EVENTS.to_string()]).arg(&path).status();
        let status = status.map_err(|error| format!("cannot run generate: {error}"))?;
        if status.success() { Ok(path) } else { Err(format!("generate: {status}")) }
    }

    fn matrix(&self, nodes: u32) -> Result<Subject, String> {
        let capture = self.capture(nodes)?;
        let words = ["routes", "matrix", "--fold", "--from"].map(OsString::from);
        let args = words.into_iter().chain([capture.into_os_string()]);
        Ok(Subject::new(&format!("routes matrix --fold, {nodes} nodes"), &self.program, args))
    }
}

/// The routes of every host of a capture: the files that are compared on.
fn route_files(capture: &Path) -> Result<Vec<String>, String> {
    let hosts = capture.join("hosts");
    let entries = fs::read_dir(&hosts).map_err(|error| format!("{}: {error}", hosts.display()))?;
    let mut files: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path().join("ip-j-route-show-table-all.json").display().to_string())
        .collect();
    files.sort_unstable();
    Ok(files)
}

fn start(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let subjects = [
        Subject::new("kubectl version --client", &setup.kubectl, ["version", "--client"]),
        Subject::new("kubectl-lab --help", &setup.program, ["--help"]),
        Subject::new("kubectl-lab routes --demo", &setup.program, ["routes", "--demo"]),
    ];
    let costs = in_turn(&subjects, setup.rounds * 5)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    let [kubectl, help, demo] = costs.as_slice() else { return Ok(()) };
    let peer = kubectl.wall();
    let lines = &mut report.lines;
    lines.push(Line::at_most("start: --help / kubectl version", help.wall(), peer, Some(QUARTER)));
    lines.push(Line::at_most(
        "start: routes --demo / kubectl version",
        demo.wall(),
        peer,
        Some(QUARTER),
    ));
    let warm = demo.wall().as_secs_f64() * 1e3;
    lines.push(Line::below("start: routes --demo, warm", warm, "ms", 15.0));
    Ok(())
}

fn scale(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let nodes = setup.nodes;
    let files = route_files(&setup.capture(nodes)?)?;
    let baseline = |name: &str, way: &str| {
        let args = std::iter::once(way.to_owned()).chain(files.iter().cloned());
        Subject::new(name, &setup.room("baseline"), args)
    };
    let mut subjects = vec![
        setup.matrix(nodes)?,
        baseline("serde, owned strings", "strings"),
        baseline("serde, then the structs of lab-model", "typed"),
        baseline("the parser of lab-model", "model"),
    ];
    let jq = std::iter::once("length".to_owned()).chain(files.iter().cloned());
    let jq = Subject::new("jq length", Path::new("jq"), jq);
    match jq.output() {
        Ok(_) => subjects.push(jq),
        Err(why) => eprintln!("{why}"),
    }
    let costs = in_turn(&subjects, setup.rounds)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    let lines = &mut report.lines;
    let ours = costs[0].wall();
    let titles = [
        (1, "scale: matrix / serde, owned strings", Some(TWICE)),
        (2, "scale: matrix / serde, same structs", Some(TWICE)),
        (3, "scale: matrix / own parser", None),
    ];
    for (at, title, target) in titles {
        lines.push(Line::at_most(title, ours, costs[at].wall(), target));
    }
    if let Some(jq) = costs.get(4) {
        let ratio = jq.wall().as_secs_f64() / ours.as_secs_f64();
        lines.push(Line {
            name: "scale: jq length / matrix".to_owned(),
            ours: ms(ours),
            peer: ms(jq.wall()),
            ratio: format!("{ratio:.2}"),
            target: format!(">= {JQ}"),
            met: Some(ratio >= JQ),
        });
    }
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    let peak = costs[0].peak() as f64 / f64::from(1 << 20);
    lines.push(Line::below("scale: peak memory", peak, "MiB", 512.0));
    Ok(())
}

fn linear(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let sizes = [setup.nodes / 4, setup.nodes / 2, setup.nodes].map(|nodes| nodes.max(2));
    let mut subjects = Vec::new();
    let mut routes = Vec::new();
    for nodes in sizes {
        subjects.push(setup.matrix(nodes)?);
        let files = route_files(&setup.capture(nodes)?)?;
        let count = std::iter::once("model".to_owned()).chain(files);
        let count = Subject::new("baseline model", &setup.room("baseline"), count).output()?;
        routes.push(count.trim().parse::<u32>().map_err(|_| format!("not a count: {count}"))?);
    }
    let costs = in_turn(&subjects, setup.rounds)?;
    let mut each = Vec::new();
    for ((subject, costs), n_routes) in subjects.iter().zip(&costs).zip(&routes) {
        report.detail(&format!("{}, {n_routes} routes", subject.name), costs);
        each.push(costs.wall() / *n_routes);
    }
    let nanoseconds = |time: Duration| format!("{} ns", time.as_nanos());
    for (at, nodes) in sizes.iter().enumerate().skip(1) {
        let mut line = Line::at_most(
            &format!("linear: a route of {nodes} / of {} nodes", sizes[0]),
            each[at],
            each[0],
            Some(LINEAR),
        );
        (line.ours, line.peer) = (nanoseconds(each[at]), nanoseconds(each[0]));
        report.lines.push(line);
    }
    Ok(())
}

fn sysdump(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let (nodes, pods) = SYSDUMP;
    let path = setup.captures.join(format!("sysdump-{nodes}-nodes-{pods}-pods.zip"));
    if !path.is_file() {
        fs::create_dir_all(&setup.captures).map_err(|error| error.to_string())?;
        eprintln!("making {}", path.display());
        let part = path.with_extension("part");
        let numbers =
            ["--nodes", &nodes.to_string(), "--sysdump", &pods.to_string()].map(str::to_owned);
        let made = Command::new(setup.room("generate")).args(numbers).arg(&part).status();
        let made = made.map_err(|error| format!("cannot run generate: {error}"))?;
        if !made.success() {
            return Err(format!("generate: {made}"));
        }
        fs::rename(&part, &path).map_err(|error| error.to_string())?;
    }
    let name = path.display().to_string();
    let words = ["routes", "--from", &name].map(OsString::from);
    let subjects = [
        Subject::new("routes, sysdump of 30000 pods", &setup.program, words),
        Subject::new("inflate what it needs", &setup.room("baseline"), ["inflate", &name]),
        Subject::new("and write its routes as lines", &setup.room("baseline"), ["lines", &name]),
    ];
    let costs = in_turn(&subjects, setup.rounds)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    let (ours, inflate) = (costs[0].wall(), costs[1].wall());
    let title = "sysdump: routes / inflate what it needs";
    report.lines.push(Line::at_most(title, ours, inflate, Some(INFLATE)));
    let title = "sysdump: lines, unjudged / inflate what they need";
    report.lines.push(Line::at_most(title, costs[2].wall(), inflate, None));
    Ok(())
}

/// Runs two programs in turn that print the microseconds of their own runs: the median of each.
/// The first run of each process warms it up and does not count.
fn inner_times(subjects: [&Subject; 2], rounds: u32) -> Result<[Duration; 2], String> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (subject, times) in subjects.iter().zip(&mut times) {
            let text = subject.output()?;
            let micros = text.lines().skip(1).map(|line| line.trim().parse::<u64>());
            let micros: Vec<u64> =
                micros.collect::<Result<_, _>>().map_err(|_| format!("not times: {text}"))?;
            times.extend(micros.into_iter().map(Duration::from_micros));
        }
    }
    Ok(times.map(|times| median(times.into_iter())))
}

fn wasm(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let capture = setup.capture(setup.nodes)?.display().to_string();
    // The first run of each process warms it up.
    let runs = "3".to_owned();
    let wasm = setup.wasm.display().to_string();
    let component = [wasm, capture.clone(), runs.clone()];
    let component = Subject::new("routes as a component", &setup.room("component"), component);
    let native = Subject::new("routes, native", &setup.room("native"), [capture, runs]);
    let [with, without] = inner_times([&component, &native], setup.rounds.div_ceil(2))?;
    report.lines.push(Line::at_most("wasm: component / native", with, without, Some(WASM)));
    Ok(())
}

fn stream(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let program = setup.room("kubectl-lab-with-guests");
    for file in [&program, &setup.guest] {
        fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let (program, guest) = (program.display(), setup.guest.display());
    let subject = |format: &str, rows: u32| {
        let line = format!(
            "LAB_GUESTS='{guest}' '{program}' streamer flood --count {rows} -o {format} --demo \
             | cat > /dev/null"
        );
        Subject::new(&format!("{rows} rows as {format}"), Path::new("sh"), ["-c".to_owned(), line])
    };
    let formats = ["ndjson", "table", "csv"];
    let mut subjects: Vec<Subject> = formats.map(|format| subject(format, setup.rows)).into();
    subjects.push(subject("ndjson", setup.rows / 10));
    let costs = in_turn(&subjects, setup.rounds)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    for (format, costs) in formats.iter().zip(&costs) {
        let each_second = f64::from(setup.rows) / costs.wall().as_secs_f64();
        report.lines.push(Line {
            name: format!("stream: lines in a second, {format}"),
            ours: format!("{:.0} k/s", each_second / 1e3),
            peer: String::new(),
            ratio: format!("{:.2}", each_second / LINES),
            target: format!(">= {LINES}/s"),
            met: Some(each_second >= LINES),
        });
    }
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    let peak = |costs: &Costs| costs.peak() as f64 / f64::from(1 << 20);
    let (many, few) = (peak(&costs[0]), peak(&costs[3]));
    report.lines.push(Line {
        name: "stream: peak memory, all / a tenth of the rows".to_owned(),
        ours: format!("{many:.1} MiB"),
        peer: format!("{few:.1} MiB"),
        ratio: format!("{:.2}", many / few),
        target: FLAT.1.to_owned(),
        met: Some(many / few <= FLAT.0),
    });
    Ok(())
}

fn each(setup: &Setup, report: &mut Report) -> Result<(), String> {
    const HOSTS: u32 = 1000;
    let (wasm, cache) = (setup.each.display(), setup.captures.join("components"));
    let subject = |different: u32| {
        let bytes = 1 << 20;
        let numbers = [HOSTS, bytes, different].map(|number| number.to_string());
        let args = [wasm.to_string(), cache.display().to_string()].into_iter().chain(numbers);
        let name = format!("each, {HOSTS} answers of 1 MiB, {different} different");
        Subject::new(&name, &setup.room("answers"), args)
    };
    let subjects = [subject(3), subject(HOSTS)];
    for (subject, rows) in subjects.iter().zip([3, HOSTS]) {
        let output = subject.output()?;
        if output.trim() != rows.to_string() {
            return Err(format!("{}: {} rows", subject.name, output.trim()));
        }
    }
    let costs = in_turn(&subjects, setup.rounds.div_ceil(2))?;
    for ((subject, costs), what) in subjects.iter().zip(&costs).zip(["alike", "all different"]) {
        report.detail(&subject.name, costs);
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        let peak = costs.peak() as f64 / f64::from(1 << 20);
        report.lines.push(Line::below(&format!("each: peak memory, {what}"), peak, "MiB", 256.0));
    }
    Ok(())
}

fn monitor(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let capture = setup.events()?.display().to_string();
    let wasm = setup.wasm.with_file_name("monitor.wasm").display().to_string();
    let words = |first: &[&str]| {
        let rest = [capture.as_str(), "3", "monitor", "flows"];
        let all = first.iter().chain(&rest);
        all.map(|&word| word.to_owned()).collect::<Vec<_>>()
    };
    let component = Subject::new("flows, component", &setup.room("component"), words(&[&wasm]));
    let native = Subject::new("flows, native", &setup.room("native"), words(&[]));
    let [with, without] = inner_times([&component, &native], setup.rounds.div_ceil(2))?;
    let args = ["monitor", "-o", "ndjson", "--from", &capture].map(OsString::from);
    let lines = Subject::new("monitor -o ndjson", &setup.program, args);
    let costs = in_turn(std::slice::from_ref(&lines), setup.rounds)?;
    report.detail(&lines.name, &costs[0]);
    report.lines.push(Line::at_most("monitor: component / native", with, without, Some(WASM)));
    for (name, time, least) in [
        ("monitor: events counted as wasm", with, COUNTED),
        ("monitor: events written as ndjson", costs[0].wall(), WRITTEN),
    ] {
        let rate = f64::from(EVENTS) / time.as_secs_f64();
        report.lines.push(Line {
            name: name.to_owned(),
            ours: format!("{rate:.0}/s"),
            peer: format!("{least:.0}/s"),
            ratio: format!("{:.2}", rate / least),
            target: ">= 1".to_owned(),
            met: Some(rate >= least),
        });
    }
    Ok(())
}

fn size(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let file = fs::metadata(&setup.program)
        .map_err(|error| format!("{}: {error}", setup.program.display()))?;
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    let megabytes = file.len() as f64 / 1e6;
    report.lines.push(Line::below("size: the program", megabytes, "MB", 25.0));
    Ok(())
}
