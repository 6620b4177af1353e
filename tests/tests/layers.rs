//! The invariants of `ARCHITECTURE.md`, checked by reading the sources.
//!
//! A rule names words and where they may stand. It also fails when an exception is no longer
//! needed, so that the table stays as short as the truth.

use std::fs;

use lab_tests::sources::{self, Source, names};

/// Where words may stand.
struct Rule {
    /// What holds.
    what: &'static str,
    /// Folders that are read.
    within: &'static [&'static str],
    /// Words of the code, each whole.
    words: &'static [&'static str],
    /// Paths that may use them, by their beginning, and why.
    allowed: &'static [(&'static str, &'static str)],
}

const CORE: &[&str] = &[
    "core/src",
    "core/types/src",
    "core/cli/src",
    "core/output/src",
    "core/render/src",
    "core/backend/src",
    "core/live/src",
    "core/engine/src",
];

const RULES: &[Rule] = &[
    Rule {
        what: "one module writes to the terminal, and none ends the process",
        within: CORE,
        words: &[
            "io::stdout",
            "io::stderr",
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "dbg!",
            "process::exit",
            "process::abort",
        ],
        allowed: &[("core/src/terminal.rs", "it is that module")],
    },
    Rule {
        what: "only the settings read the environment",
        within: CORE,
        words: &["env::var", "env::var_os", "env::vars", "env::vars_os", "env::home_dir"],
        allowed: &[
            ("core/cli/src/settings/environment.rs", "it is the system behind the settings"),
            ("core/live/src/connect.rs", "the kubeconfig is chosen as kubectl chooses it"),
        ],
    },
    Rule {
        what: "only the settings read files that the user did not name as captures",
        within: CORE,
        words: &["fs::read", "fs::read_to_string", "File::open", "fs::read_dir"],
        allowed: &[
            ("core/cli/src/settings/environment.rs", "it is the system behind the settings"),
            ("core/backend/src/capture/", "captures are files"),
            ("core/backend/src/files/", "so are sysdumps"),
            ("core/engine/src/cache.rs", "artifacts are files"),
            ("core/engine/src/engine.rs", "the limits of the process itself"),
            ("core/live/src/ssh.rs", "ssh tells its reasons in a log of its own"),
            ("core/live/src/relay/tls.rs", "certificates that the settings name"),
            ("core/src/named_files.rs", "the user names them to a command"),
        ],
    },
    Rule {
        what: "only the live backend knows the client",
        within: CORE,
        words: &["kube::", "k8s_openapi::"],
        allowed: &[("core/live/src/", "it is the live backend")],
    },
    Rule {
        what: "only the engine knows the runtime",
        within: CORE,
        words: &["wasmtime::", "wasmtime_wasi::"],
        allowed: &[("core/engine/src/", "it is the engine")],
    },
    Rule {
        what: "only the renderer and the terminal know widths and escapes",
        within: CORE,
        words: &["unicode_width", "terminal_size", "u{1b}", "x1b"],
        allowed: &[
            ("core/render/src/", "it is the renderer"),
            ("core/src/terminal.rs", "it asks how wide the terminal is, and clears progress"),
        ],
    },
    Rule {
        what: "the core knows no product",
        within: CORE,
        words: &["cilium", "Cilium", "CiliumNode", "cilium_dbg", "hubble", "CILIUM"],
        allowed: &[
            ("core/live/src/agent.rs", "finds the agent of a host"),
            ("core/live/src/relay", "asks the product's relay"),
            ("core/backend/src/sysdump/", "knows the layout of the product's own dumps"),
            ("core/cli/src/flags.rs", "the help of `--from` names the captures that can be read"),
            ("core/cli/src/tree.rs", "the program's one line says what it is for"),
        ],
    },
    Rule {
        what: "in a plugin only the collecting stage asks the host",
        within: &[
            "plugins/forwarding/src",
            "plugins/routes/src",
            "plugins/reach/src",
            "plugins/each/src",
            "plugins/ipam/src",
            "plugins/status/src",
            "plugins/upgrade-check/src",
        ],
        words: &[
            "Batch",
            "Place",
            "Selection",
            "Process",
            "Watch",
            "Ticker",
            "inbox",
            "lab_plugin::hosts",
            "lab_plugin::cluster",
            "lab_plugin::settings",
        ],
        allowed: &[
            ("plugins/forwarding/src/collect.rs", "it is the collecting stage"),
            ("plugins/reach/src/collect.rs", "it is the collecting stage"),
            ("plugins/each/src/collect.rs", "it is the collecting stage"),
            ("plugins/ipam/src/collect.rs", "it is the collecting stage"),
            ("plugins/status/src/collect", "it is the collecting stage"),
            ("plugins/upgrade-check/src/collect", "it is the collecting stage"),
        ],
    },
    Rule {
        what: "in a plugin only the reporting stage sends rows and findings",
        within: &[
            "plugins/forwarding/src",
            "plugins/routes/src",
            "plugins/reach/src",
            "plugins/each/src",
            "plugins/ipam/src",
            "plugins/status/src",
            "plugins/upgrade-check/src",
        ],
        words: &["Table", "Finding::report", "partial", "Progress"],
        allowed: &[
            ("plugins/routes/src/lib.rs", "runs the stages"),
            ("plugins/reach/src/lib.rs", "runs the stages"),
            (
                "plugins/reach/src/collect.rs",
                "a Service that cannot be read is told where it is asked",
            ),
            (
                "plugins/forwarding/src/collect.rs",
                "a host without an answer is told where it is asked",
            ),
            ("plugins/each/src/lib.rs", "runs the stages"),
            ("plugins/each/src/collect.rs", "a host without an answer is told where it is asked"),
            ("plugins/ipam/src/lib.rs", "runs the stages"),
            ("plugins/ipam/src/collect.rs", "objects and agents without an answer, likewise"),
            ("plugins/status/src/lib.rs", "runs the stages"),
            ("plugins/status/src/collect", "objects and agents without an answer, likewise"),
            ("plugins/upgrade-check/src/lib.rs", "runs the stages"),
            ("plugins/upgrade-check/src/collect", "objects and agents without an answer, likewise"),
        ],
    },
];

/// What is wrong with the sources, or with the rule.
fn judge(rule: &Rule, sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut used = vec![false; rule.allowed.len()];
    for source in sources {
        for word in rule.words.iter().filter(|word| names(&source.code, word)) {
            let exception = rule.allowed.iter().position(|(path, _)| source.path.starts_with(path));
            if let Some(index) = exception {
                used[index] = true;
            } else {
                let line = source.code.lines().position(|line| names(line, word));
                let line = line.map_or(0, |line| line + 1);
                wrong.push(format!("{}:{line} names `{word}`", source.path));
            }
        }
    }
    for ((path, reason), _) in rule.allowed.iter().zip(used).filter(|(_, used)| !used) {
        wrong.push(format!("the exception `{path}` ({reason}) is not needed"));
    }
    wrong
}

#[test]
fn words_stand_only_where_they_may() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let sources: Vec<Source> =
            rule.within.iter().flat_map(|folder| sources::below(folder)).collect();
        for folder in rule.within {
            let there = sources.iter().any(|source| source.path.starts_with(folder));
            assert!(there, "no sources in {folder}: {} checks nothing", rule.what);
        }
        wrong.extend(judge(rule, &sources).into_iter().map(|it| format!("{}: {it}", rule.what)));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_broken_rule_is_noticed() {
    let source = |path: &str, code: &str| Source { path: path.into(), code: code.into() };
    let rule = Rule { what: "w", within: &[], words: &["kube::"], allowed: &[("core/live/", "r")] };
    let live = source("core/live/a.rs", "use kube::Client;");
    assert_eq!(judge(&rule, std::slice::from_ref(&live)), Vec::<String>::new());
    let other = source("core/b.rs", "mod a;\nuse kube::Client;");
    assert_eq!(judge(&rule, &[live, other]), ["core/b.rs:2 names `kube::`"]);
    assert_eq!(judge(&rule, &[]), ["the exception `core/live/` (r) is not needed"]);
}

/// Pure crates: what they may use is their whole list of dependencies.
#[test]
fn pure_crates_depend_on_data_alone() {
    for (package, expected) in [
        ("core/types", &["serde"][..]),
        ("core/output", &["lab-types", "serde", "serde_json", "smol_str"]),
        ("plugins/model", &["memchr", "serde", "serde_json"]),
        ("plugins/charts", &["serde", "serde_json"]),
    ] {
        let manifest = sources::root().join(package).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let found = dependencies(&manifest);
        assert_eq!(found, expected, "{package}");
        let io = [
            "std::fs",
            "std::process",
            "std::io",
            "std::env",
            "std::thread",
            "TcpStream",
            "UdpSocket",
            "ToSocketAddrs",
        ];
        let sources = sources::below(&format!("{package}/src"));
        assert!(!sources.is_empty(), "{package} has no sources");
        for source in sources {
            for word in io {
                assert!(!names(&source.code, word), "{} uses `{word}`", source.path);
            }
        }
    }
}

/// Names under `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<&str> {
    let after = manifest.split("[dependencies]\n").nth(1).unwrap_or_default();
    let section = after.split("\n[").next().unwrap_or_default();
    let lines = section.lines().filter(|line| !line.starts_with('#'));
    let mut names: Vec<&str> =
        lines.filter_map(|line| line.split(['.', ' ', '=']).next()).collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names
}

#[test]
fn dependencies_are_read_from_a_manifest() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nserde.workspace = true\n# why\n\
                    zip = { version = \"1\" }\n\n[dev-dependencies]\nproptest = \"1\"\n";
    assert_eq!(dependencies(manifest), ["serde", "zip"]);
}
