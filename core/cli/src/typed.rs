//! Splits the words of one command into shared flags and the command's own values.
//!
//! The parser below sees one command at a time, already found by `walk`, so a flag means the
//! same before and after the command's words, and repeated ones add up wherever they stand.

use crate::choice::Choice;
use crate::error::CliError;
use crate::flags::{FLAGS, Flag, Takes};
use crate::globals::Globals;
use crate::nearest::nearest;
use crate::tree::Node;
use crate::values::{DURATION_HINT, parse_duration, parse_value};
use crate::walk::Walk;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use lab_types::{Argument, Kind, Position, Value};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// What stands for the value of a switch or a level that has none attached.
const BARE: &str = "+";

/// Values of a command's own arguments, by name, in the order of its card.
pub(crate) type Values = Vec<(String, Value)>;

/// Reads what belongs to the command a walk has found. `called` is how it is called in messages.
pub(crate) fn read(walk: &Walk<'_>, called: &str) -> Result<(Globals, Values), CliError> {
    let node = walk.node();
    if let Some(word) = &walk.ambiguous {
        return Err(ambiguous(word, walk, called));
    }
    let mut words = walk.rest.clone();
    if let (Some(tail), false) = (&walk.tail, node.takes_command()) {
        words.push("--".into());
        words.extend(tail.iter().cloned());
    }
    let matches =
        parser(node).try_get_matches_from(words).map_err(|error| refuse(&error, walk, called))?;
    let mut values = Vec::new();
    for argument in &node.arguments {
        if let Some(value) = own_value(argument, &matches, called)? {
            values.push((argument.name.clone(), value));
        }
    }
    Ok((globals(&matches)?, values))
}

fn parser(node: &Node) -> Command {
    let mut command = Command::new("lab")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .args(FLAGS.iter().map(shared_arg));
    for argument in &node.arguments {
        command = command.arg(own_arg(argument));
    }
    command
}

fn os_arg(id: String) -> Arg {
    Arg::new(id).value_parser(clap::value_parser!(OsString))
}

fn bare_or_attached(arg: Arg) -> Arg {
    arg.num_args(0..=1).require_equals(true).default_missing_value(BARE)
}

fn shared_arg(flag: &Flag) -> Arg {
    let mut arg = Arg::new(flag.long).value_parser(clap::value_parser!(OsString)).long(flag.long);
    if let Some(letter) = flag.short {
        arg = arg.short(letter);
    }
    match flag.takes {
        Takes::Switch => bare_or_attached(arg).action(ArgAction::Set),
        Takes::Level => bare_or_attached(arg).action(ArgAction::Append),
        Takes::One(_) => arg.action(ArgAction::Set),
        Takes::Each(_) | Takes::List(_) => arg.action(ArgAction::Append),
    }
}

/// A name of its own, because a positional may be called like a shared flag.
fn own_id(argument: &Argument) -> String {
    format!("own {}", argument.name)
}

fn own_arg(argument: &Argument) -> Arg {
    let mut arg = os_arg(own_id(argument));
    if matches!(argument.kind, Kind::Integer | Kind::Decimal) {
        arg = arg.allow_negative_numbers(true);
    }
    if argument.position == Position::Flag {
        arg = arg.long(argument.name.clone());
        if let Some(letter) = argument.short {
            arg = arg.short(letter);
        }
        if argument.kind == Kind::Boolean {
            arg = bare_or_attached(arg);
        }
    } else if argument.repeated {
        arg = arg.num_args(0..);
    }
    arg.action(if argument.repeated { ArgAction::Append } else { ArgAction::Set })
}

fn written(argument: &Argument) -> String {
    match argument.position {
        Position::Flag => format!("--{}", argument.name),
        Position::Positional => argument.name.to_uppercase(),
    }
}

fn own_value(
    argument: &Argument,
    matches: &ArgMatches,
    called: &str,
) -> Result<Option<Value>, CliError> {
    let name = written(argument);
    let mut words = Vec::new();
    for word in matches.get_many::<OsString>(&own_id(argument)).into_iter().flatten() {
        words.push(text(&name, word)?);
    }
    if words.is_empty() {
        words.extend(argument.default.clone());
    }
    if argument.kind == Kind::Boolean && argument.position == Position::Flag {
        let word = words.last().map_or("false", |word| if word == BARE { "true" } else { word });
        return checked(argument, &name, word).map(Some);
    }
    if argument.required && words.is_empty() {
        return Err(CliError::new(format!("`{called}` needs {name}"))
            .hint(format!("{name} is: {}", argument.about)));
    }
    let values =
        words.iter().map(|word| checked(argument, &name, word)).collect::<Result<Vec<_>, _>>()?;
    Ok(if argument.repeated {
        (!words.is_empty()).then_some(Value::Texts(words))
    } else {
        values.into_iter().next_back()
    })
}

fn checked(argument: &Argument, name: &str, word: &str) -> Result<Value, CliError> {
    if !argument.choices.is_empty() && !argument.choices.iter().any(|choice| choice == word) {
        return Err(not_one_of(name, word, argument.choices.iter().map(String::as_str)));
    }
    parse_value(argument.kind, word).map_err(|what| {
        let error = CliError::new(format!("{name}: `{word}` is {what}"));
        if argument.kind == Kind::Duration { error.hint(DURATION_HINT) } else { error }
    })
}

fn not_one_of<'a>(
    name: &str,
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> CliError {
    let list = known.clone().collect::<Vec<_>>().join(", ");
    let hint = match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`? {name} takes {list}"),
        None => format!("{name} takes {list}"),
    };
    CliError::new(format!("{name}: unknown value `{word}`")).hint(hint)
}

fn text(name: &str, word: &OsStr) -> Result<String, CliError> {
    word.to_str().map(str::to_owned).ok_or_else(|| {
        CliError::new(format!("{name}: `{}` is not valid UTF-8", word.to_string_lossy()))
    })
}

/// Typed access to the shared flags of one parse.
struct Shared<'a>(&'a ArgMatches);

impl Shared<'_> {
    fn word(&self, long: &str) -> Option<&OsString> {
        self.0.get_one::<OsString>(long)
    }
    fn one(&self, long: &str) -> Result<Option<String>, CliError> {
        self.word(long).map(|word| text(&format!("--{long}"), word)).transpose()
    }
    fn path(&self, long: &str) -> Result<Option<PathBuf>, CliError> {
        match self.word(long) {
            Some(word) if word.is_empty() => {
                Err(CliError::new(format!("--{long}: the path is empty")))
            }
            word => Ok(word.map(PathBuf::from)),
        }
    }
    fn each(&self, long: &str) -> Result<Vec<String>, CliError> {
        let words = self.0.get_many::<OsString>(long).into_iter().flatten();
        words.map(|word| text(&format!("--{long}"), word)).collect()
    }
    fn list(&self, long: &str) -> Result<Vec<String>, CliError> {
        let words = self.each(long)?;
        let parts = words.iter().flat_map(|word| word.split(',')).map(str::trim);
        Ok(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }
    fn switch(&self, long: &str) -> Result<bool, CliError> {
        match self.one(long)?.as_deref() {
            None | Some("false") => Ok(false),
            Some(BARE | "true") => Ok(true),
            Some(other) => Err(CliError::new(format!("--{long}: `{other}` is not a switch"))
                .hint(format!("write `--{long}` alone"))),
        }
    }
    fn number(&self, long: &str, least: usize) -> Result<Option<usize>, CliError> {
        let Some(word) = self.one(long)? else { return Ok(None) };
        match word.parse::<usize>() {
            Ok(number) if number >= least => Ok(Some(number)),
            _ => Err(CliError::new(format!(
                "--{long}: `{word}` is not a whole number of at least {least}"
            ))),
        }
    }
    fn duration(&self, long: &str) -> Result<Option<Duration>, CliError> {
        let Some(word) = self.one(long)? else { return Ok(None) };
        let duration = parse_duration(&word).or_else(|| {
            // kubectl reads a bare number as seconds here, and only here.
            let seconds = word.parse::<u32>().ok().filter(|_| long == "request-timeout")?;
            Some(Duration::from_secs(u64::from(seconds)))
        });
        match duration {
            Some(Duration::ZERO) if matches!(long, "timeout" | "for") => {
                Err(CliError::new(format!("--{long}: zero leaves no time for any answer"))
                    .hint(DURATION_HINT))
            }
            Some(duration) => Ok(Some(duration)),
            None => {
                Err(CliError::new(format!("--{long}: `{word}` is not a duration"))
                    .hint(DURATION_HINT))
            }
        }
    }
    fn choice<C: Choice>(&self, long: &str) -> Result<Option<C>, CliError> {
        let Some(word) = self.one(long)? else { return Ok(None) };
        C::from_word(&word).map(Some).ok_or_else(|| {
            let words: Vec<_> = C::words().collect();
            not_one_of(&format!("--{long}"), &word, words.into_iter())
        })
    }
    fn level(&self) -> Result<u8, CliError> {
        let mut level: u8 = 0;
        for word in self.each("verbose")? {
            level = if word == BARE {
                if level < 4 { 4 } else { level.saturating_add(2).min(10) }
            } else {
                word.parse().map_err(|_| {
                    CliError::new(format!("--verbose: `{word}` is not a level"))
                        .hint("write `-v`, `-vv`, `-vvv`, or a level as kubectl's `-v=6`")
                })?
            };
        }
        Ok(level)
    }
}

fn globals(matches: &ArgMatches) -> Result<Globals, CliError> {
    let shared = Shared(matches);
    let globals = Globals {
        hosts: shared.list("host")?,
        concurrency: shared.number("concurrency", 1)?,
        timeout: shared.duration("timeout")?,
        debug_pods: shared.word("debug-pods").map(|_| shared.switch("debug-pods")).transpose()?,
        yes: shared.switch("yes")?,
        from: shared.path("from")?,
        demo: shared.switch("demo")?,
        record: shared.path("record")?,
        against: shared.path("against")?,
        once: shared.switch("once")?,
        run_for: shared.duration("for")?,
        output: shared.choice("output")?,
        only: shared.one("only")?,
        sort: shared.one("sort")?,
        filters: shared.each("filter")?,
        columns: shared.list("columns")?,
        limit: shared.number("limit", 0)?,
        no_headers: shared.switch("no-headers")?,
        fold: shared.switch("fold")?,
        color: shared.choice("color")?,
        fail_on: shared.choice("fail-on")?,
        kubeconfig: shared.path("kubeconfig")?,
        context: shared.one("context")?,
        cluster: shared.one("cluster")?,
        user: shared.one("user")?,
        namespace: shared.one("namespace")?,
        all_namespaces: shared.switch("all-namespaces")?,
        selector: shared.one("selector")?,
        request_timeout: shared.duration("request-timeout")?,
        as_user: shared.one("as")?,
        as_groups: shared.each("as-group")?,
        as_uid: shared.one("as-uid")?,
        server: shared.one("server")?,
        client_certificate: shared.path("client-certificate")?,
        client_key: shared.path("client-key")?,
        certificate_authority: shared.path("certificate-authority")?,
        tls_server_name: shared.one("tls-server-name")?,
        disable_compression: shared.switch("disable-compression")?,
        token: shared.one("token")?,
        insecure_skip_tls_verify: shared.switch("insecure-skip-tls-verify")?,
        verbosity: shared.level()?,
        quiet: shared.switch("quiet")?,
    };
    Ok(globals)
}

/// Turns the parser's error into ours: one line, and what to type instead.
fn refuse(error: &clap::Error, walk: &Walk<'_>, called: &str) -> CliError {
    let word = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) => word.clone(),
        Some(ContextValue::Strings(words)) => words.join(" "),
        _ => String::new(),
    };
    // The parser shows `--name <own name>`; the flag alone is what the user knows.
    let flag = word.split([' ', '[', '<', '=']).next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with('-') => unknown_flag(flag, walk, called),
        ErrorKind::UnknownArgument if walk.node().takes_command() => {
            CliError::new(format!("`{called}`: unexpected `{word}`"))
                .hint("put the command to capture after `--`: `kubectl lab capture FILE -- routes`")
        }
        ErrorKind::UnknownArgument => CliError::new(format!("`{called}`: unexpected `{word}`"))
            .hint(format!("see `{called} --help`")),
        ErrorKind::InvalidValue | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            CliError::new(format!("{flag} needs a value"))
                .hint(format!("a value that begins with `-` is written `{flag}=-…`"))
        }
        _ => CliError::new(format!("`{called}`: cannot read `{}`", walk_words(walk)))
            .hint(format!("see `{called} --help`")),
    }
}

/// A word behind the first one of a command to run, that the program takes too.
fn ambiguous(word: &OsStr, walk: &Walk<'_>, called: &str) -> CliError {
    let command = walk.tail.iter().flatten().map(|word| word.to_string_lossy());
    let command = command.collect::<Vec<_>>().join(" ");
    CliError::new(format!(
        "`{called}`: `{}` could be meant for `{called}` or for the command",
        word.to_string_lossy()
    ))
    .hint(format!("put the command behind `--`: `{called} -- {command}`"))
}

fn walk_words(walk: &Walk<'_>) -> String {
    let words: Vec<_> = walk.rest.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn unknown_flag(flag: &str, walk: &Walk<'_>, called: &str) -> CliError {
    let error = CliError::new(format!("`{called}`: unknown flag `{flag}`"));
    let name = flag.trim_start_matches('-');
    let node = walk.node();
    if let Some(parent) = walk.nodes.iter().find(|parent| parent.flags().any(|f| f.name == name)) {
        return error.hint(format!("`{flag}` belongs to `{}` alone", parent.word));
    }
    let known =
        FLAGS.iter().map(|f| f.long).chain(node.flags().map(|argument| argument.name.as_str()));
    match nearest(name, known).filter(|_| flag.starts_with("--")) {
        Some(near) => error.hint(format!("did you mean `--{near}`?")),
        None => error.hint(format!("see `{called} --help` and `kubectl lab options`")),
    }
}
