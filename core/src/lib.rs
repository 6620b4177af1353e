//! The program: from arguments to an exit code.
//!
//! `run` tells the story on one page, `capture` that of captures, `doctor` checks what they need;
//! `plugins` are the components inside the binary; `source` chooses who answers, `consent` who is
//! asked before something runs; `live` shows a command while it runs;
//! `terminal` is the only module that writes to the terminal.

mod capture;
mod consent;
mod contents;
mod doctor;
mod live;
mod named_files;
mod plugins;
mod run;
mod signals;
mod source;
mod terminal;
mod texts;
mod view;

use std::ffi::OsString;
use std::process::ExitCode;

pub use plugins::Builtin;
pub use plugins::builtin;

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    main_with(&argv, builtin())
}

/// The same with these arguments, of which the first is the program's name, and with other plugins
/// than those inside the binary: for tests and for figures.
pub fn main_with(argv: &[OsString], plugins: &'static [Builtin]) -> ExitCode {
    ExitCode::from(run::run(argv, plugins))
}
