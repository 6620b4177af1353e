//! What a shell may offer next.
//!
//! All shells, and kubectl's hook, ask the program itself (`kubectl-lab __complete`), so the
//! answers are always those of the installed version and its plugins, and one set of rules
//! serves them all. Answers come from the tree of commands, from cards, and from names in the
//! kubeconfig and the configuration file; no plugin is started and no cluster is asked.

mod candidates;
mod line;
mod scripts;

pub use scripts::{FILES, INSTALL, script};

use crate::settings::Environment;
use crate::tree::tree;
use candidates::Answer;
use lab_types::Card;
use std::fmt::Write;

/// cobra's directive, the language of kubectl's hook: the shell offers file names.
const FILES_WANTED: u8 = 0;
/// cobra's directive: no file names.
const NO_FILES: u8 = 4;

/// Answers a shell. `words` is what follows `__complete`:
///
/// - `-- WORDS…`: the words after the program's name, the one under the cursor last. A candidate
///   for `--flag=value` is the value alone, as in cobra.
/// - `--whole -- WORDS…`: the same, but a candidate is always the whole word. `--whole --new`
///   adds an empty last word, for shells that cannot pass one.
/// - `--line LINE BREAKS`: bash's line up to the cursor and its `COMP_WORDBREAKS`; a candidate
///   is what bash has to insert, with quotes where needed.
///
/// The answer has a line for each candidate, a tab and a description behind it, and `:4` at the
/// end, or `:0` where file names are wanted. Never fails: a TAB must not print errors.
pub fn answer(words: &[String], cards: &[(String, Card)], env: &dyn Environment) -> String {
    let root = tree(cards);
    let ask = |words: &[String]| candidates::answer(&root, words, cards, env);
    match words {
        [mode, line, breaks, ..] if mode == "--line" => {
            let typed = line::split(line, breaks);
            if typed.is_redirection {
                return show(&Answer::files());
            }
            let mut answer = ask(&typed.words);
            for (value, _) in &mut answer.candidates {
                *value = typed.insertion(&format!("{}{value}", answer.prefix));
            }
            show(&answer)
        }
        [mode, rest @ ..] if mode == "--whole" => {
            let (new, rest) = match rest {
                [flag, rest @ ..] if flag == "--new" => (true, rest),
                rest => (false, rest),
            };
            let mut words = after_dashes(rest).to_vec();
            if new {
                words.push(String::new());
            }
            let mut answer = ask(&words);
            for (value, _) in &mut answer.candidates {
                value.insert_str(0, &answer.prefix);
            }
            show(&answer)
        }
        words => show(&ask(after_dashes(words))),
    }
}

fn after_dashes(words: &[String]) -> &[String] {
    match words {
        [first, rest @ ..] if first == "--" => rest,
        words => words,
    }
}

fn show(answer: &Answer) -> String {
    let mut text = String::new();
    for (value, about) in &answer.candidates {
        text.push_str(value);
        if !about.is_empty() {
            text.push('\t');
            text.push_str(about);
        }
        text.push('\n');
    }
    let directive = if answer.files { FILES_WANTED } else { NO_FILES };
    let _ = writeln!(text, ":{directive}");
    text
}
