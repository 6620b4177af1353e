//! The few arguments of these programs: `--name VALUE`, and words.
//!
//! By hand because a parser for three programs of this room would be one more feature set of a
//! shared dependency, and so another build of the program that is measured.

use std::collections::BTreeMap;
use std::process::ExitCode;

/// Ends a program: with 2, and why, where it could not do its work.
#[expect(clippy::print_stderr, reason = "programs say it there")]
pub fn ended(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

/// A command line, taken apart.
#[derive(Debug, Default)]
pub struct Arguments {
    words: Vec<String>,
    flags: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads the arguments of this process.
    ///
    /// - Errors: a flag that is not among `known`, or has no value.
    pub fn of_process(known: &[&str]) -> Result<Self, String> {
        Self::read(std::env::args().skip(1), known)
    }

    fn read(args: impl Iterator<Item = String>, known: &[&str]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut args = args;
        while let Some(arg) = args.next() {
            let Some(flag) = arg.strip_prefix("--") else {
                read.words.push(arg);
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            if name == "help" {
                read.flags.insert(name.to_owned(), String::new());
                continue;
            }
            if !known.contains(&name) {
                return Err(format!("no flag `--{name}`; `--help` lists them"));
            }
            let value =
                value.or_else(|| args.next()).ok_or_else(|| format!("`--{name}` has no value"))?;
            read.flags.insert(name.to_owned(), value);
        }
        Ok(read)
    }

    /// Whether the help was asked for.
    pub fn wants_help(&self) -> bool {
        self.flags.contains_key("help")
    }

    /// What is no flag, in order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The value of a flag.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.flags.get(name).map(String::as_str)
    }

    /// A number; `default` when the flag was not given.
    pub fn number(&self, name: &str, default: u32) -> Result<u32, String> {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().map_err(|_| format!("`--{name} {text}` is no whole number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        Arguments::read(line.split_whitespace().map(str::to_owned), &["nodes", "broken"])
    }

    #[test]
    fn flags_take_the_next_word_or_what_is_behind_the_sign() {
        let args = read("--nodes 7 a --broken=3 b").unwrap();
        assert_eq!(args.number("nodes", 1), Ok(7));
        assert_eq!(args.number("broken", 0), Ok(3));
        assert_eq!(args.words(), ["a", "b"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(read("--hosts 7").is_err());
        assert!(read("--nodes").is_err());
        assert!(read("--nodes x").unwrap().number("nodes", 1).is_err());
        assert!(read("--help").unwrap().wants_help());
    }
}
