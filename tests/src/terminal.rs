//! A terminal for the program, through util-linux's `script`, which every Debian has.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// A command that runs the program on a terminal of that many columns and gives on stdout what
/// would be on the screen, with the program's exit code.
pub(crate) fn command(columns: u16, program: &Path, args: &[OsString]) -> Command {
    let words = std::iter::once(program.as_os_str()).chain(args.iter().map(OsString::as_os_str));
    let line: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    // `-echo`: the end of our input must not show up on the screen.
    let line = format!("stty cols {columns} rows 24 -echo; exec {}", line.join(" "));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
    command
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
