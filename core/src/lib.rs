//! The program: from arguments to an exit code.
//!
//! `run` tells the story on one page, `capture` that of captures; `plugins` are the components inside the binary;
//! `source` chooses who answers; `terminal` is the only module that writes to the terminal.

mod capture;
mod contents;
mod plugins;
mod run;
mod source;
mod terminal;
mod texts;
mod view;

use std::process::ExitCode;

pub use plugins::Builtin;
pub use plugins::builtin;

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    ExitCode::from(run::run(&argv))
}
