//! The commands that come with the program: none of them needs a cluster or starts a plugin.

use lab_tests::{Lab, golden, sources};

#[test]
fn help_lists_what_there_is() {
    for line in ["", "--help", "help", "-h"] {
        let run = Lab::line(line).run().exits(0);
        for word in ["routes", "capture", "explain", "plugin", "config", "completion"] {
            assert!(
                run.out.contains(&format!("\n  {word} ")),
                "`{line}` lacks {word}: {}",
                run.out
            );
        }
        assert_eq!(run.err, "");
    }
    for (name, line) in [
        ("routes", "routes --help"),
        ("routes-trace", "help routes trace"),
        ("routes-matrix", "routes matrix -h"),
    ] {
        golden(&format!("help/{name}.txt"), &Lab::line(line).run().exits(0).out);
    }
}

#[test]
fn version_is_one_line() {
    let run = Lab::line("version").run().exits(0);
    assert_eq!(run.out, format!("kubectl-lab {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(Lab::line("--version").run().exits(0).out, run.out);
}

#[test]
fn plugins_are_listed_with_what_they_ask() {
    let list = Lab::line("plugin list").run().exits(0).out;
    assert!(list.starts_with("NAME"), "{list}");
    for plugin in kubectl_lab::builtin() {
        assert!(list.contains(&format!("\n{} ", plugin.name)), "{list}");
        let info = Lab::line("plugin info").arg(plugin.name).run().exits(0).out;
        golden(&format!("plugins/{}.info", plugin.name), &info);
    }
    Lab::line("plugin info nope").run().fails("unknown plugin `nope`");
    Lab::line("plugin nope").run().fails("nope");
}

#[test]
fn every_code_of_every_card_is_explained() {
    let list = Lab::line("explain").run().exits(0).out;
    let mut codes = 0;
    for plugin in kubectl_lab::builtin() {
        let card: lab_types::Card = serde_json::from_str(plugin.card).unwrap();
        for explanation in &card.explanations {
            assert!(list.contains(&explanation.code), "{list}");
            let text = Lab::line("explain").arg(&explanation.code).run().exits(0).out;
            assert!(text.starts_with(&format!("{}\n\n", explanation.code)), "{text}");
            codes += 1;
        }
    }
    assert!(codes > 0, "no plugin explains anything");
    Lab::line("explain routes/nope").run().fails("unknown code `routes/nope`");
}

#[test]
fn completion_scripts_are_those_checked_in() {
    for (shell, file) in [
        ("bash", "kubectl-lab.bash"),
        ("zsh", "_kubectl-lab"),
        ("fish", "kubectl-lab.fish"),
        ("powershell", "kubectl-lab.ps1"),
    ] {
        let script = Lab::line("completion").arg(shell).run().exits(0).out;
        let checked_in = sources::root().join("completions").join(file);
        assert_eq!(script, std::fs::read_to_string(checked_in).unwrap(), "{shell}");
    }
    Lab::line("completion csh").run().fails("csh");
}

#[test]
fn words_are_completed_without_a_cluster() {
    let complete = |words: &[&str]| Lab::new(["__complete"].iter().chain(words)).run().exits(0).out;
    assert!(complete(&["rou"]).contains("routes"));
    let commands = complete(&["routes", ""]);
    assert!(commands.contains("trace") && commands.contains("matrix"), "{commands}");
    let formats = complete(&["routes", "-o", ""]);
    assert!(formats.contains("ndjson"), "{formats}");
}
