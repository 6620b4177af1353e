//! A program with two sample plugins that parses, completes and prints help, so that shells can
//! be tried on it without the real one.

#[path = "mod.rs"]
mod sample;

use lab_cli::settings::System;
use lab_cli::{Action, completion, parse};
use std::process::ExitCode;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for tests")]
fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    let cards = sample::cards();
    match parse(&words, &cards) {
        Ok(args) => match args.action {
            Action::Complete(words) => print!("{}", completion::answer(&words, &cards, &System)),
            Action::Completion(shell) => print!("{}", completion::script(shell)),
            Action::Help(text) => print!("{text}"),
            action => println!("{action:?}"),
        },
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(lab_cli::exit::FAILED);
        }
    }
    ExitCode::SUCCESS
}
