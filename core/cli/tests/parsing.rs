//! What words mean: one table of lines and what they parse to.

#[path = "sample/mod.rs"]
mod sample;

use lab_cli::{
    Action, Addition, Args, Capture, Captured, Color, Doctor, FailOn, Format, Globals, Run, Shell,
    parse,
};
use lab_types::Value;
use proptest::prelude::*;
use std::ffi::OsString;
use std::time::Duration;

fn typed(line: &str) -> Result<Args, String> {
    words(line.split_whitespace().map(OsString::from).collect())
}

fn words(words: Vec<OsString>) -> Result<Args, String> {
    let argv = [vec![OsString::from("/usr/bin/kubectl-lab")], words].concat();
    parse(&argv, &sample::cards()).map_err(|error| error.to_string())
}

fn action(line: &str) -> Action {
    typed(line).unwrap_or_else(|error| panic!("{line}: {error}")).action
}

fn globals(line: &str) -> Globals {
    typed(line).unwrap_or_else(|error| panic!("{line}: {error}")).globals
}

fn run(path: &[&str], values: &[(&str, Value)]) -> Run {
    Run {
        plugin: path[0].to_owned(),
        path: path.iter().map(|word| (*word).to_owned()).collect(),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        live: path == ["ipam", "holders"],
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn texts(list: &[&str]) -> Value {
    Value::Texts(list.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn values_of_plugins_are_checked_against_the_card() {
    let quiet = ("kernel", Value::Boolean(false));
    let tcp = ("protocol", text("tcp"));
    let ends = [("source", text("a")), ("target", text("b"))];
    for (line, expected) in [
        ("routes", run(&["routes"], std::slice::from_ref(&quiet))),
        ("routes --kernel", run(&["routes"], &[("kernel", Value::Boolean(true))])),
        ("routes --kernel=false", run(&["routes"], std::slice::from_ref(&quiet))),
        (
            "routes -t a --table=b -tc",
            run(&["routes"], &[("table", texts(&["a", "b", "c"])), quiet.clone()]),
        ),
        (
            "routes --newer-than 1h30m --weight -1.5 --rules ./x",
            run(
                &["routes"],
                &[
                    quiet.clone(),
                    ("newer-than", Value::Duration(5_400_000_000_000)),
                    ("weight", Value::Decimal(-1.5)),
                    ("rules", text("./x")),
                ],
            ),
        ),
        (
            "routes trace a b",
            run(&["routes", "trace"], &[ends[0].clone(), ends[1].clone(), tcp.clone()]),
        ),
        (
            "-o json routes --demo trace a b",
            run(&["routes", "trace"], &[ends[0].clone(), ends[1].clone(), tcp.clone()]),
        ),
        (
            "routes trace a -p 80 b --protocol udp",
            run(
                &["routes", "trace"],
                &[
                    ends[0].clone(),
                    ends[1].clone(),
                    ("protocol", text("udp")),
                    ("port", Value::Integer(80)),
                ],
            ),
        ),
        (
            "routes trace -- -a b",
            run(&["routes", "trace"], &[("source", text("-a")), ends[1].clone(), tcp.clone()]),
        ),
        (
            "routes trace trace routes",
            run(
                &["routes", "trace"],
                &[("source", text("trace")), ("target", text("routes")), tcp],
            ),
        ),
        ("ipam blocks", run(&["ipam", "blocks"], &[])),
        ("ipam holders", run(&["ipam", "holders"], &[])),
        ("ipam holders 1 2", run(&["ipam", "holders"], &[("address", texts(&["1", "2"]))])),
    ] {
        assert_eq!(action(line), Action::Run(expected), "{line}");
    }
}

#[test]
fn built_in_commands_are_recognized() {
    let doctor = |plugins: &[&str], rbac, subject: Option<&str>| {
        let plugins = plugins.iter().map(|&name| name.to_owned()).collect();
        Action::Doctor(Doctor { plugins, rbac, subject: subject.map(str::to_owned) })
    };
    for (line, expected) in [
        ("plugin list", Action::PluginList),
        ("plugin info routes", Action::PluginInfo("routes".into())),
        ("doctor", doctor(&["routes", "ipam"], false, None)),
        ("doctor ipam ipam", doctor(&["ipam"], false, None)),
        ("doctor --rbac ipam", doctor(&["ipam"], true, None)),
        ("doctor --rbac --rbac-subject dev", doctor(&["routes", "ipam"], true, Some("dev"))),
        ("explain", Action::Explain(None)),
        ("explain doctor/api", Action::Explain(Some("doctor/api".into()))),
        ("explain routes/black-hole", Action::Explain(Some("routes/black-hole".into()))),
        ("config view --context x", Action::ConfigView),
        ("config path", Action::ConfigPath),
        ("completion zsh", Action::Completion(Shell::Zsh)),
        ("version", Action::Version),
        ("--version", Action::Version),
        ("-V", Action::Version),
        (
            "__complete -- routes --x",
            Action::Complete(vec!["--".into(), "routes".into(), "--x".into()]),
        ),
        ("capture show x.zip", Action::CaptureShow("x.zip".into())),
        ("capture verify ./show", Action::CaptureVerify("./show".into())),
    ] {
        assert_eq!(action(line), expected, "{line}");
    }
}

#[test]
fn captures_are_of_cards_or_of_one_command() {
    let routes = run(&["routes"], &[("kernel", Value::Boolean(false))]);
    let blocks = run(&["ipam", "blocks"], &[]);
    let holders = run(&["ipam", "holders"], &[]);
    let cards = |plugins: &[&str], runs: &[&Run], live: &[&Run], for_| Captured::Cards {
        plugins: plugins.iter().map(|name| (*name).to_owned()).collect(),
        runs: runs.iter().map(|run| (*run).clone()).collect(),
        live: live.iter().map(|run| (*run).clone()).collect(),
        for_,
    };
    let all = ["routes", "ipam"];
    for (line, file, what) in [
        ("capture x.zip", "x.zip", cards(&all, &[&routes, &blocks], &[&holders], None)),
        ("capture ./show", "./show", cards(&all, &[&routes, &blocks], &[&holders], None)),
        ("capture x.zip --plugins ipam", "x.zip", cards(&["ipam"], &[&blocks], &[&holders], None)),
        (
            "capture --for 30s x.zip --plugins ipam,routes,ipam",
            "x.zip",
            cards(
                &["ipam", "routes"],
                &[&routes, &blocks],
                &[&holders],
                Some(Duration::from_secs(30)),
            ),
        ),
        ("capture x.zip -- routes", "x.zip", Captured::Command(routes.clone())),
        ("capture --host a x.zip -- ipam blocks", "x.zip", Captured::Command(blocks.clone())),
        ("capture x.zip --", "x.zip", cards(&all, &[&routes, &blocks], &[&holders], None)),
    ] {
        let expected = Capture { file: file.into(), what, redact: Vec::new() };
        assert_eq!(action(line), Action::Capture(expected), "{line}");
    }
    let Action::Capture(capture) = action("capture x --redact a,b --redact=c") else { panic!() };
    assert_eq!(capture.redact, ["a,b", "c"]);
}

#[test]
fn additions_are_outputs_or_objects() {
    let output =
        |host: &str, is_extra, in_agent, addresses: &[&str], line: &str| Addition::Output {
            host: host.to_owned(),
            is_extra,
            in_agent,
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
            argv: line.split(' ').map(str::to_owned).collect(),
        };
    for (line, addition) in [
        ("capture add x --host a -- ip -j rule", output("a", false, false, &[], "ip -j rule")),
        ("capture add x --host a ip rule", output("a", false, false, &[], "ip rule")),
        (
            "capture add x --extra --address 10.0.0.1,fd00::1 --host r -- ip r",
            output("r", true, false, &["10.0.0.1", "fd00::1"], "ip r"),
        ),
        ("capture add --agent --host a x -- b", output("a", false, true, &[], "b")),
        ("capture add x --objects", Addition::Objects(None)),
        ("capture add x --objects -n y", Addition::Objects(Some("y".to_owned()))),
        ("capture add x --objects -n y -A", Addition::Objects(None)),
    ] {
        let expected = Action::CaptureAdd { file: "x".into(), addition, redact: Vec::new() };
        assert_eq!(action(line), expected, "{line}");
    }
    for (line, what) in [
        ("capture add x", "it is not said whose output it is"),
        ("capture add x -- ip r", "it is not said whose output it is"),
        ("capture add x --host a,b -- ip r", "an output is of one host"),
        ("capture add x --host k8s-* -- ip r", "the host is named, not matched"),
        ("capture add x --host a", "no command was named"),
        ("capture add x --objects --host a", "objects are of the cluster, not of a host"),
        ("capture add x --objects -- ip r", "objects are of the cluster, not of a host"),
        ("capture add x --host a --extra --agent -- b", "there is no agent on a host beside"),
        ("capture add x --host a --address nowhere -- b", "--address: `nowhere` is not an address"),
        ("capture x --for 1s -- routes", "--for is for commands that do not end by themselves"),
        ("capture x --plugins routes -- routes", "--plugins is for everything"),
        ("capture x --plugins rotues", "unknown plugin `rotues`"),
        ("capture x --for soon", "--for: `soon` is not a duration"),
        ("capture show", "`kubectl lab capture show` needs FILE"),
        ("capture add", "`kubectl lab capture add` needs FILE"),
    ] {
        let error = typed(line).unwrap_err();
        assert!(error.contains(what), "{line}: {error}");
    }
}

#[test]
fn shared_flags_mean_the_same_wherever_they_stand() {
    let none = Globals::default;
    for (line, expected) in [
        ("routes", none()),
        ("-n a routes -n b", Globals { namespace: Some("b".into()), ..none() }),
        (
            "--filter a=1 routes --filter b=2",
            Globals { filters: vec!["a=1".into(), "b=2".into()], ..none() },
        ),
        (
            "--host a, routes --host=b,k8s-*",
            Globals { hosts: vec!["a".into(), "b".into(), "k8s-*".into()], ..none() },
        ),
        (
            "routes -o=wide --color never",
            Globals { output: Some(Format::Wide), color: Some(Color::Never), ..none() },
        ),
        (
            "routes -ojson -qA",
            Globals { output: Some(Format::Json), quiet: true, all_namespaces: true, ..none() },
        ),
        ("routes -A=false --fold=true", Globals { fold: true, ..none() }),
        ("routes -v", Globals { verbosity: 4, ..none() }),
        ("routes -vvv", Globals { verbosity: 8, ..none() }),
        ("-v routes -v", Globals { verbosity: 6, ..none() }),
        ("routes -v=6", Globals { verbosity: 6, ..none() }),
        ("-v 9 routes", Globals { verbosity: 9, ..none() }),
        ("routes --verbose 2", Globals { verbosity: 2, ..none() }),
        ("routes --request-timeout 0", Globals { request_timeout: Some(Duration::ZERO), ..none() }),
        (
            "routes --request-timeout 5",
            Globals { request_timeout: Some(Duration::from_secs(5)), ..none() },
        ),
        (
            "routes --timeout 1m --concurrency 4",
            Globals { timeout: Some(Duration::from_mins(1)), concurrency: Some(4), ..none() },
        ),
        ("routes --limit 0 --no-headers", Globals { limit: Some(0), no_headers: true, ..none() }),
        (
            "routes --fail-on never --against x",
            Globals { fail_on: Some(FailOn::Never), against: Some("x".into()), ..none() },
        ),
        (
            "capture --host a f -- routes --host b",
            Globals { hosts: vec!["a".into(), "b".into()], ..none() },
        ),
        (
            "routes --from x --request-timeout 1s -n y",
            Globals {
                from: Some("x".into()),
                request_timeout: Some(Duration::from_secs(1)),
                namespace: Some("y".into()),
                ..none()
            },
        ),
    ] {
        assert_eq!(globals(line), expected, "{line}");
    }
}

#[test]
fn mistakes_say_what_to_type() {
    for (line, expected) in [
        (
            "rotues",
            "error: unknown command `rotues`\nhint: did you mean `routes`? commands: routes, ipam, capture, doctor, explain, plugin, config, completion, options, version, help",
        ),
        (
            "nodes",
            "error: unknown command `nodes`\nhint: commands: routes, ipam, capture, doctor, explain, plugin, config, completion, options, version, help",
        ),
        (
            "routes trase",
            "error: `kubectl lab routes`: unknown subcommand `trase`\nhint: did you mean `trace`? commands: trace",
        ),
        ("ipam", "error: `kubectl lab ipam` needs a subcommand\nhint: commands: blocks, holders"),
        (
            "-q",
            "error: `kubectl lab` needs a command\nhint: commands: routes, ipam, capture, doctor, explain, plugin, config, completion, options, version, help",
        ),
        (
            "routes --tabel 1",
            "error: `kubectl lab routes`: unknown flag `--tabel`\nhint: did you mean `--table`?",
        ),
        (
            "routes --xyz",
            "error: `kubectl lab routes`: unknown flag `--xyz`\nhint: see `kubectl lab routes --help` and `kubectl lab options`",
        ),
        (
            "routes --table 1 trace a b",
            "error: `kubectl lab routes trace`: unknown flag `--table`\nhint: `--table` belongs to `routes` alone",
        ),
        (
            "routes trace a",
            "error: `kubectl lab routes trace` needs TARGET\nhint: TARGET is: Where it goes",
        ),
        (
            "routes trace a b c",
            "error: `kubectl lab routes trace`: unexpected `c`\nhint: see `kubectl lab routes trace --help`",
        ),
        ("routes trace a b -p x", "error: --port: `x` is not a whole number"),
        (
            "routes trace a b --protocol tpc",
            "error: --protocol: unknown value `tpc`\nhint: did you mean `tcp`? --protocol takes tcp, udp, icmp",
        ),
        (
            "routes --newer-than 5",
            "error: --newer-than: `5` is not a duration\nhint: a duration looks like `10s`, `5m`, `1h30m` or `500ms`",
        ),
        (
            "routes --filter",
            "error: --filter needs a value\nhint: a value that begins with `-` is written `--filter=-…`",
        ),
        (
            "routes --filter --demo",
            "error: --filter needs a value\nhint: a value that begins with `-` is written `--filter=-…`",
        ),
        (
            "routes -o jsn",
            "error: --output: unknown value `jsn`\nhint: did you mean `json`? --output takes table, wide, json, yaml, csv, ndjson, name, diff",
        ),
        ("routes --concurrency 0", "error: --concurrency: `0` is not a whole number of at least 1"),
        (
            "routes --timeout 0",
            "error: --timeout: zero leaves no time for any answer\nhint: a duration looks like `10s`, `5m`, `1h30m` or `500ms`",
        ),
        ("routes --from= ", "error: --from: the path is empty"),
        (
            "routes --from x --demo",
            "error: --from and --demo name two sources\nhint: leave one of them out",
        ),
        (
            "routes --demo --context x",
            "error: --context chooses a cluster, but --demo reads no cluster\nhint: leave out --demo to ask the cluster, or --context to read the capture",
        ),
        (
            "--as me routes --from x",
            "error: --as chooses a cluster, but --from reads no cluster\nhint: leave out --from to ask the cluster, or --as to read the capture",
        ),
        (
            "routes -q -v",
            "error: --quiet and --verbose contradict each other\nhint: leave one of them out",
        ),
        ("capture", "error: `kubectl lab capture` needs FILE\nhint: FILE is: Where to write it"),
        (
            "capture x routes",
            "error: `kubectl lab capture`: unexpected `routes`\nhint: put the command to capture after `--`: `kubectl lab capture FILE -- routes`",
        ),
        (
            "capture x -- version",
            "error: `kubectl lab capture`: only a plugin's command can be captured\nhint: for example `kubectl lab capture FILE -- routes`",
        ),
        (
            "capture x --demo -- routes --context y",
            "error: --context chooses a cluster, but --demo reads no cluster\nhint: leave out --demo to ask the cluster, or --context to read the capture",
        ),
        (
            "capture x --record y",
            "error: capture already records: --record would do it twice\nhint: leave out --record",
        ),
        (
            "completion tcsh",
            "error: SHELL: unknown value `tcsh`\nhint: SHELL takes bash, zsh, fish, powershell",
        ),
        ("plugin info route", "error: unknown plugin `route`\nhint: did you mean `routes`?"),
        (
            "explain black-hole",
            "error: unknown code `black-hole`\nhint: did you mean `routes/black-hole`?",
        ),
        ("explain zzz", "error: unknown code `zzz`\nhint: `kubectl lab explain` lists all codes"),
        (
            "help rotues",
            "error: unknown command `rotues`\nhint: did you mean `routes`? commands: routes, ipam, capture, doctor, explain, plugin, config, completion, options, version, help",
        ),
    ] {
        assert_eq!(typed(line).map(|args| args.action), Err(expected.to_owned()), "{line}");
    }
}

#[test]
fn help_wins_over_mistakes_and_names_the_program_as_it_is_called() {
    for (line, start) in [
        ("routes trace --help", "Follow one packet"),
        ("routes trace a b c d --port x -h", "Follow one packet"),
        ("help routes trace", "Follow one packet"),
        ("capture x -- routes trace -h", "Follow one packet"),
        ("", "One table from every host"),
        ("plugin -h", "List plugins"),
    ] {
        let Action::Help(text) = action(line) else { panic!("{line} is no help") };
        assert!(text.starts_with(start), "{line}: {text}");
    }
    for (program, called) in [
        ("kubectl-lab", "kubectl lab"),
        ("C:kubectl-lab.exe", "C:kubectl-lab"),
        ("lab", "lab"),
        ("", "kubectl lab"),
    ] {
        let argv = [OsString::from(program), "ipam".into()];
        let error = parse(&argv, &sample::cards()).unwrap_err();
        assert_eq!(error.message, format!("`{called} ipam` needs a subcommand"));
    }
}

#[test]
fn cards_that_do_not_fit_are_named_and_do_no_harm() {
    let mut cards = sample::cards();
    assert_eq!(lab_cli::complaints(&cards[0].1), Vec::<String>::new());
    let routes = &mut cards[0].1.commands;
    let mut clash = routes[0].arguments[0].clone();
    clash.name = "output".into();
    routes[0].arguments.push(clash.clone());
    clash.name = "other".into();
    clash.short = Some('o');
    routes[0].arguments.push(clash);
    for path in [&["version"][..], &[], &["Bad Word"], &["routes"]] {
        let path = path.iter().map(|word| (*word).to_owned()).collect();
        routes.push(lab_types::Command { path, ..routes[1].clone() });
    }
    assert_eq!(
        lab_cli::complaints(&cards[0].1),
        [
            "`routes`: argument `output` is taken, misnamed, or behind one that takes the rest",
            "`routes`: `--other`: letter is taken",
            "`version`: `version` is a command of kubectl-lab itself",
            "a command has an empty path",
            "`Bad Word`: words are of `a-z`, `0-9` and `-`, letter first",
            "`routes`: declared twice",
        ]
    );
    let argv: Vec<_> = ["kubectl-lab", "version"].map(OsString::from).to_vec();
    assert_eq!(parse(&argv, &cards).unwrap().action, Action::Version);
    let argv: Vec<_> = ["kubectl-lab", "routes", "-o", "json"].map(OsString::from).to_vec();
    assert_eq!(parse(&argv, &cards).unwrap().globals.output, Some(Format::Json));
}

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "routes",
            "trace",
            "ipam",
            "holders",
            "capture",
            "--",
            "-",
            "-v",
            "6",
            "-vq",
            "--host",
            "--host=",
            "-o",
            "json",
            "--table",
            "--help",
            "help",
            "explain",
            "--kernel=x",
            "-A=",
            "__complete",
            "--line",
            "--whole",
            "-t",
            "--weight",
            "-1",
            "x",
            "",
            "=",
            "--=",
            "-=",
        ])
        .prop_map(str::to_owned),
        "[-=a-z,é\u{1b}]{0,6}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn no_words_make_it_panic(line in prop::collection::vec(any_word(), 0..8)) {
        let env = lab_cli::settings::Given::default();
        if let Ok(args) = words(line.iter().map(OsString::from).collect()) {
            let _ = lab_cli::Settings::load(&args.globals, &env);
        }
        let answer = lab_cli::completion::answer(&line, &sample::cards(), &env);
        prop_assert!(answer.ends_with(":4\n") || answer.ends_with(":0\n"));
    }
}

#[cfg(unix)]
#[test]
fn words_that_are_not_utf8_are_paths_or_errors() {
    use std::os::unix::ffi::OsStringExt;
    let bad = OsString::from_vec(b"caf\xe9".to_vec());
    let args = words(vec!["routes".into(), "--from".into(), bad.clone()]).unwrap();
    assert_eq!(args.globals.from, Some(bad.clone().into()));
    let error = words(vec!["routes".into(), "--sort".into(), bad.clone()]).unwrap_err();
    assert_eq!(error, "error: --sort: `caf\u{fffd}` is not valid UTF-8");
    assert!(words(vec![bad]).is_err());
}
