//! What rules of users cost `upgrade-check`: two thousand of them, beside a run without.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lab_benches::measure::{Subject, in_turn};
use lab_benches::table::Line;

use super::{Report, Setup};

/// Rules that are added.
const RULES: u32 = 2000;
/// Milliseconds that they may take.
const MILLISECONDS: f64 = 50.0;
/// The recording of the lab before an upgrade.
const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../plugins/upgrade-check/tests/fixtures/upgrade-before.zip"
);

/// Reading the rules is in the difference, besides evaluating them as a component.
pub(super) fn rules(setup: &Setup, report: &mut Report) -> Result<(), String> {
    let file = setup.captures.join(format!("{RULES}-rules.toml"));
    fs::create_dir_all(&setup.captures).map_err(|error| error.to_string())?;
    fs::write(&file, text()).map_err(|error| format!("{}: {error}", file.display()))?;
    let words = ["upgrade-check", "--to", "1.18", "--fail-on", "never", "--from", RECORDED];
    let subject = |name: &str, rules: Option<&Path>| {
        let rules = rules.map(|file| ["--rules".into(), file.as_os_str().to_owned()]);
        let words = words.iter().map(OsString::from).chain(rules.into_iter().flatten());
        Subject::new(&format!("upgrade-check, {name}"), &setup.program, words)
    };
    let subjects = [subject("with 2000 rules more", Some(&file)), subject("as it is", None)];
    let costs = in_turn(&subjects, setup.rounds * 5)?;
    for (subject, costs) in subjects.iter().zip(&costs) {
        report.detail(&subject.name, costs);
    }
    let more = costs[0].wall().saturating_sub(costs[1].wall()).as_secs_f64() * 1e3;
    report.lines.push(Line::below("rules: 2000 rules more", more, "ms", MILLISECONDS));
    Ok(())
}

/// Rules of the kinds that are usual, about keys that clusters have.
fn text() -> String {
    let mut text = String::new();
    for number in 0..RULES {
        let condition = match number % 4 {
            0 => r#"all = [{ config = "debug", equals = true }]"#,
            1 => r#"all = [{ kernel-below = "5.10" }]"#,
            2 => r#"any = [{ config = "labels", not-in = [""] }, { mark = "bgp/local-port" }]"#,
            _ => r#"all = [{ config = "tunnel-protocol", contains = "gen[e]ve" }]"#,
        };
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "[[rule]]\nid = \"own-{number}\"\ntitle = \"Rule {number} of a user\"\nseverity = \"warn\"\n{condition}\n\
             why = \"It is ours.\"\ntodo = \"Nothing.\"\nlink = \"https://example.org/{number}\"\n\n"
        );
    }
    text
}
