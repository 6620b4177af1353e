//! A terminal for the program, through util-linux's `script`, which every Debian has.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What stands on the screen after these bytes: lines without spaces at their ends.
pub fn screen(bytes: &[u8], columns: u16, rows: u16) -> String {
    let size = |cells: u16| cells.try_into().expect("a terminal has room for something");
    let mut parser = vt100::Parser::new(size(rows), size(columns), 0);
    parser.process(bytes);
    parser.screen().contents()
}

/// A terminal.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    /// Another size that it gets while the program runs.
    pub(crate) later: Option<(Duration, u16, u16)>,
}

/// A command that runs the program on a terminal and gives on stdout what is written to it, with
/// the program's exit code.
pub(crate) fn command(terminal: &Terminal, program: &Path, args: &[OsString]) -> Command {
    let words = std::iter::once(program.as_os_str()).chain(args.iter().map(OsString::as_os_str));
    let line: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    // `-echo`: the end of our input must not show up on the screen.
    let later = terminal.later.map_or(String::new(), |(after, columns, rows)| {
        // What runs in the background has no terminal on its own stdin.
        let after = after.as_secs_f64();
        format!("(sleep {after}; stty cols {columns} rows {rows} < /dev/tty) & ")
    });
    let Terminal { columns, rows, .. } = terminal;
    let line = format!("stty cols {columns} rows {rows} -echo; {later}exec {}", line.join(" "));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
    command
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
