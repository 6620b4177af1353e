//! Checked-in texts equal what the program makes. `LAB_BLESS=1` rewrites them.

#[path = "sample/mod.rs"]
mod sample;

use lab_cli::{Action, completion, parse};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn check(path: &Path, actual: &str) {
    if std::env::var_os("LAB_BLESS").is_some() {
        fs::write(path, actual).expect("the folder is there");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs: LAB_BLESS=1 rewrites it", path.display());
}

#[test]
fn completion_scripts_are_up_to_date() {
    for (name, text) in completion::FILES {
        let path = here("../../completions").join(name);
        check(&path, text);
        #[cfg(unix)]
        if name == "kubectl_complete-lab" {
            use std::os::unix::fs::PermissionsExt;
            if std::env::var_os("LAB_BLESS").is_some() {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_ne!(mode & 0o100, 0, "kubectl runs it, so it must be executable");
        }
    }
}

#[test]
fn help_is_as_reviewed() {
    for (name, words) in [
        ("root", &["--help"][..]),
        ("routes", &["routes", "--help"]),
        ("routes-trace", &["routes", "trace", "-h"]),
        ("ipam", &["help", "ipam"]),
        ("capture", &["capture", "--help"]),
        ("capture-show", &["capture", "show", "--help"]),
        ("capture-verify", &["help", "capture", "verify"]),
        ("capture-add", &["capture", "add", "-h"]),
        ("completion", &["completion", "--help"]),
        ("plugin", &["plugin", "--help"]),
        ("options", &["options"]),
    ] {
        let argv: Vec<_> =
            ["/usr/local/bin/kubectl-lab"].iter().chain(words).map(OsString::from).collect();
        let action = parse(&argv, &sample::cards()).unwrap().action;
        let Action::Help(text) = action else { panic!("{words:?} gave {action:?}") };
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{name}: longer than 80 columns: {line}");
            assert_eq!(line.trim_end(), line, "{name}: spaces at the end");
        }
        check(&here("tests/golden").join(format!("{name}.txt")), &text);
    }
}
