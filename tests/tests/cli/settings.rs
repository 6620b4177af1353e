//! Flags over environment over file over defaults, and mistakes in any of them.

use lab_tests::{Lab, golden};

#[test]
fn the_nearer_setting_wins_and_is_named() {
    let line = |lab: Lab| {
        let out = lab.run().exits(0).out;
        out.lines().find(|line| line.starts_with("output = ")).unwrap().to_owned()
    };
    let config = "output = \"wide\"\n";
    let found = line(Lab::line("config view"));
    assert!(found.starts_with("output = \"table\"") && found.ends_with("# default"), "{found}");
    let found = line(Lab::line("config view").config(config));
    assert!(found.contains("\"wide\"") && found.ends_with("config.toml:1"), "{found}");
    let found = line(Lab::line("config view").config(config).env("KUBECTL_LAB_OUTPUT", "json"));
    assert!(found.contains("\"json\"") && found.contains("KUBECTL_LAB_OUTPUT"), "{found}");
    let environment =
        Lab::line("config view -o csv").config(config).env("KUBECTL_LAB_OUTPUT", "json");
    let found = line(environment);
    assert!(found.contains("\"csv\"") && found.contains("--output"), "{found}");
}

#[test]
fn the_defaults_are_as_reviewed() {
    golden("settings/defaults.toml", &Lab::line("config view").run().exits(0).out);
}

#[test]
fn the_path_of_the_file_is_told() {
    let lab = Lab::line("config path");
    let expected = lab.home().join(".config/kubectl-lab/config.toml");
    assert_eq!(lab.run().exits(0).out, format!("{}\n", expected.display()));
    let named = Lab::line("config path").env("KUBECTL_LAB_CONFIG", "/x/y.toml");
    assert_eq!(named.run().exits(0).out, "/x/y.toml\n");
}

#[test]
fn a_mistake_in_the_file_has_its_line_and_a_near_key() {
    for (text, saying, hint) in [
        (
            "# mine\noutptu = \"wide\"\n",
            "config.toml:2: unknown key `outptu`",
            "did you mean `output`?",
        ),
        ("output = \"wied\"\n", "unknown value `wied`", "did you mean `wide`?"),
        ("output = wide\n", "config.toml:1", "quotes"),
        ("concurrency = \"none\"\n", "config.toml:1", ""),
        (
            "[extra-hosts.router]\nadress = \"x\"\n",
            "config.toml:2: unknown key `adress`",
            "addresses",
        ),
        ("[extra-hosts.router]\nport = 0\n", "config.toml:2", ""),
    ] {
        let run = Lab::line("routes --demo").config(text).run().fails(saying);
        assert!(run.err.contains(hint), "{text}: {}", run.err);
    }
    let gone = Lab::line("routes --demo").env("KUBECTL_LAB_CONFIG", "/nowhere/config.toml");
    gone.run().fails("/nowhere/config.toml does not exist");
    let variable = Lab::line("routes --demo").env("KUBECTL_LAB_OUTPUT", "nope");
    variable.run().fails("KUBECTL_LAB_OUTPUT");
}
