//! What was typed, as [`Args`]: the shape is checked, the meaning is not asked for.

mod capture;

use crate::choice::{Choice, Format, Shell};
use crate::error::CliError;
use crate::explanations::explanations;
use crate::globals::Globals;
use crate::help;
use crate::nearest::nearest;
use crate::tree::{Builtin, Node, Role, tree};
use crate::typed;
use crate::walk::Walk;
use lab_types::{Argument, Card, Command, Kind, Value};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A whole command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// What to do.
    pub action: Action,
    /// The flags that every command takes.
    pub globals: Globals,
}

/// One command of a plugin with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The plugin's name.
    pub plugin: String,
    /// The command's words, as on the card.
    pub path: Vec<String>,
    /// Given and default values by argument, in the order of the card; a switch is always
    /// there, anything else only with a value.
    pub values: Vec<(String, Value)>,
    /// It runs until stopped: its card says so, or it was asked to with its switch `--watch`.
    pub live: bool,
}

/// What is captured, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// Where to.
    pub file: PathBuf,
    /// What is asked.
    pub what: Captured,
    /// Regular expressions of what is taken out.
    pub redact: Vec<String>,
}

/// What is asked for a capture.
#[derive(Clone, Debug, PartialEq)]
pub enum Captured {
    /// What one command asks.
    Command(Run),
    /// What the cards of plugins ask.
    Cards {
        /// Names of plugins; never empty.
        plugins: Vec<String>,
        /// The commands of these plugins that need no further words: they know what their card
        /// does not name word for word.
        runs: Vec<Run>,
        /// The same of commands that run until stopped.
        live: Vec<Run>,
        /// How long these run.
        for_: Option<Duration>,
    },
}

/// What is added to a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    /// What a command printed.
    Output {
        /// The host.
        host: String,
        /// It is no node.
        is_extra: bool,
        /// It ran in the agent's container there.
        in_agent: bool,
        /// Addresses by which others know the host.
        addresses: Vec<String>,
        /// The words of the command.
        argv: Vec<String>,
    },
    /// Objects, of one namespace alone if that is named.
    Objects(Option<String>),
}

/// A check of the way to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doctor {
    /// Names of cards; all of them when none was typed. Never empty unless there are none.
    pub plugins: Vec<String>,
    /// Print the least roles instead.
    pub rbac: bool,
    /// Who the roles are bound to; only with `rbac`.
    pub subject: Option<String>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Run a plugin's command.
    Run(Run),
    /// Save what plugins ask.
    Capture(Capture),
    /// Show what is in a capture.
    CaptureShow(PathBuf),
    /// Check a capture.
    CaptureVerify(PathBuf),
    /// Add the standard input to a capture.
    CaptureAdd {
        /// The capture; made when it is not there.
        file: PathBuf,
        /// What the input is.
        addition: Addition,
        /// Regular expressions of what is taken out.
        redact: Vec<String>,
    },
    /// Check the way to the cluster.
    Doctor(Doctor),
    /// List the plugins.
    PluginList,
    /// Show one plugin; the name is one of the cards'.
    PluginInfo(String),
    /// Show the text of a code that is among [`crate::explanations`], or list all codes.
    Explain(Option<String>),
    /// Print a completion script.
    Completion(Shell),
    /// Answer a shell: see [`crate::completion::answer`].
    Complete(Vec<String>),
    /// Show the settings with their origins.
    ConfigView,
    /// Show where the configuration file is.
    ConfigPath,
    /// Show the version.
    Version,
    /// Print this text on stdout and end well.
    Help(String),
}

impl Action {
    /// Whether it works with settings; the others must work even with a broken file.
    pub fn needs_settings(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Capture(_)
                | Self::CaptureShow(_)
                | Self::CaptureVerify(_)
                | Self::CaptureAdd { .. }
                | Self::ConfigView
        )
    }
}

/// Reads a command line. `argv` begins with the program's name.
///
/// Errors: whatever is wrong with the words, in one line and a hint; the exit code is 2.
pub fn parse(argv: &[OsString], cards: &[(String, Card)]) -> Result<Args, CliError> {
    let (program, words) = match argv.split_first() {
        Some((program, words)) => (file_stem(program), words),
        None => (String::new(), argv),
    };
    // kubectl asks a file of this name for completions; a link to the program will do.
    if program == "kubectl_complete-lab" {
        let words = [vec!["--".to_owned()], lossy(words)].concat();
        return Ok(plain(Action::Complete(words)));
    }
    if words.first().is_some_and(|word| word == "__complete") {
        return Ok(plain(Action::Complete(lossy(&words[1..]))));
    }
    let parser = Parser { called: called(&program), root: &tree(cards), cards };
    parser.line(words)
}

fn plain(action: Action) -> Args {
    Args { action, globals: Globals::default() }
}

fn lossy(words: &[OsString]) -> Vec<String> {
    words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

fn file_stem(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

/// How the program is called in help and messages. kubectl gives a plugin no sign that it
/// started it, so a name made for kubectl is always shown as kubectl's.
fn called(program: &str) -> String {
    match program.strip_prefix("kubectl-") {
        Some(plugin) => format!("kubectl {plugin}"),
        None if program.is_empty() => "kubectl lab".to_owned(),
        None => program.to_owned(),
    }
}

struct Parser<'a> {
    called: String,
    root: &'a Node,
    cards: &'a [(String, Card)],
}

impl Parser<'_> {
    fn line(&self, words: &[OsString]) -> Result<Args, CliError> {
        let walk = Walk::new(self.root, words);
        if walk.help {
            // Help for a word that is no command would be help for something else.
            self.refuse_stranger(&walk)?;
            return Ok(plain(Action::Help(self.help(&walk))));
        }
        if walk.nodes.len() == 1 {
            if words.is_empty() {
                return Ok(plain(Action::Help(self.help(&walk))));
            }
            if words.iter().any(|word| word == "--version" || word == "-V") {
                return Ok(plain(Action::Version));
            }
        }
        self.refuse_stranger(&walk)?;
        let called = self.called_for(&walk);
        if walk.node().role == Role::Group {
            // A mistyped flag explains a missing command better than the missing command.
            typed::read(&walk, &called)?;
            let what = if walk.nodes.len() == 1 { "command" } else { "subcommand" };
            return Err(CliError::new(format!("`{called}` needs a {what}"))
                .hint(list_of_commands(walk.node())));
        }
        let (globals, values) = typed::read(&walk, &called)?;
        let args = self.act(&walk, globals, values, &called)?;
        refuse_conflicts(&args)?;
        Ok(args)
    }

    fn called_for(&self, walk: &Walk<'_>) -> String {
        format!("{} {}", self.called, walk.path()).trim_end().to_owned()
    }

    fn help(&self, walk: &Walk<'_>) -> String {
        help::command(walk, &self.called)
    }

    fn refuse_stranger(&self, walk: &Walk<'_>) -> Result<(), CliError> {
        let Some(word) = &walk.stranger else { return Ok(()) };
        if walk.unknown_flag {
            typed::read(walk, &self.called_for(walk))?;
        }
        let word = word.to_string_lossy();
        let node = walk.node();
        let message = if walk.nodes.len() == 1 {
            format!("unknown command `{word}`")
        } else {
            format!("`{}`: unknown subcommand `{word}`", self.called_for(walk))
        };
        let list = list_of_commands(node);
        Err(CliError::new(message).hint(
            match nearest(&word, node.children.iter().map(|child| child.word.as_str())) {
                Some(near) => format!("did you mean `{near}`? {list}"),
                None => list,
            },
        ))
    }

    fn act(
        &self,
        walk: &Walk<'_>,
        globals: Globals,
        mut values: typed::Values,
        called: &str,
    ) -> Result<Args, CliError> {
        let action = match &walk.node().role {
            Role::Plugin { name, path } => {
                let live = self.is_live(name, path, &values);
                if !live {
                    refuse_live_flags(&globals, watch(walk.node()).is_some(), called)?;
                }
                let mut path = path.clone();
                if globals.output == Some(Format::Diff)
                    && let Some(diff) = self.diff_of(name, &path)
                {
                    values.retain(|(name, _)| diff.arguments.iter().any(|it| it.name == *name));
                    path.clone_from(&diff.path);
                }
                Action::Run(Run { plugin: name.clone(), path, live, values })
            }
            Role::Builtin(builtin) => match builtin {
                Builtin::Plugins => Action::PluginList,
                Builtin::Plugin => Action::PluginInfo(self.plugin(text(&mut values, "name"))?),
                Builtin::Doctor => Action::Doctor(self.doctor(values)?),
                Builtin::Explain => Action::Explain(self.code(text(&mut values, "code"))?),
                Builtin::ConfigView => Action::ConfigView,
                Builtin::ConfigPath => Action::ConfigPath,
                Builtin::Completion => {
                    let shell = text(&mut values, "shell").and_then(|word| Shell::from_word(&word));
                    Action::Completion(shell.unwrap_or(Shell::Bash))
                }
                Builtin::Version => Action::Version,
                Builtin::Options => Action::Help(help::options()),
                Builtin::Help => {
                    let words = match values.pop() {
                        Some((_, Value::Texts(words))) => words,
                        _ => Vec::new(),
                    };
                    let words: Vec<_> = words.into_iter().map(OsString::from).collect();
                    let walk = Walk::new(self.root, &words);
                    self.refuse_stranger(&walk)?;
                    Action::Help(self.help(&walk))
                }
                Builtin::Capture => return self.capture(values, walk, globals, called),
                Builtin::CaptureShow => Action::CaptureShow(file_of(&mut values, called)?),
                Builtin::CaptureVerify => Action::CaptureVerify(file_of(&mut values, called)?),
                Builtin::CaptureAdd => capture::addition(values, &globals, called)?,
            },
            Role::Group => Action::Help(self.help(walk)),
        };
        Ok(Args { action, globals })
    }

    /// A command with a switch `--watch` is live when that is given; any other when its card
    /// says so.
    fn is_live(&self, plugin: &str, path: &[String], values: &typed::Values) -> bool {
        let watched = values.iter().find(|(name, _)| name == WATCH);
        if let Some((_, Value::Boolean(is_watched))) = watched {
            return *is_watched;
        }
        let mut commands = self
            .cards
            .iter()
            .filter(|(name, _)| name == plugin)
            .flat_map(|(_, card)| card.commands.iter());
        commands.any(|command| command.path == path && command.live)
    }

    /// The command that shows as unified diffs what the command of this path shows as a table: its
    /// subcommand `diff`.
    fn diff_of(&self, plugin: &str, path: &[String]) -> Option<&Command> {
        let (_, card) = self.cards.iter().find(|(name, _)| name == plugin)?;
        card.commands.iter().find(|command| {
            matches!(command.path.split_last(), Some((last, of)) if last == "diff" && of == path)
                && !command.arguments.iter().any(|argument| argument.required)
        })
    }

    fn plugin(&self, name: Option<String>) -> Result<String, CliError> {
        let name = name.unwrap_or_default();
        let mut names = self.cards.iter().map(|(name, _)| name.as_str());
        if names.clone().any(|known| known == name) {
            return Ok(name);
        }
        let error = CliError::new(format!("unknown plugin `{name}`"));
        Err(match nearest(&name, names.clone()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if names.next().is_none() => error.hint("no plugin is installed"),
            None => error.hint(format!("`{} plugin list` shows all", self.called)),
        })
    }

    fn doctor(&self, values: typed::Values) -> Result<Doctor, CliError> {
        let mut doctor = Doctor::default();
        for (name, value) in values {
            match (name.as_str(), value) {
                ("plugin", Value::Texts(names)) => {
                    for name in names {
                        let name = self.plugin(Some(name))?;
                        if !doctor.plugins.contains(&name) {
                            doctor.plugins.push(name);
                        }
                    }
                }
                ("rbac", Value::Boolean(rbac)) => doctor.rbac = rbac,
                (_, Value::Text(subject)) => doctor.subject = Some(subject),
                _ => {}
            }
        }
        if doctor.subject.is_some() && !doctor.rbac {
            return Err(CliError::new("--rbac-subject binds roles, but none are printed")
                .hint("add --rbac"));
        }
        if doctor.plugins.is_empty() {
            doctor.plugins = self.cards.iter().map(|(name, _)| name.clone()).collect();
        }
        Ok(doctor)
    }

    fn code(&self, code: Option<String>) -> Result<Option<String>, CliError> {
        let Some(code) = code else { return Ok(None) };
        let codes = explanations(self.cards).map(|(code, _)| code);
        if codes.clone().any(|known| known == code) {
            return Ok(Some(code));
        }
        let error = CliError::new(format!("unknown code `{code}`"));
        // The part behind the slash is what people remember.
        let near = nearest(&code, codes.clone()).or_else(|| {
            codes.clone().find(|known| known.rsplit('/').next() == Some(code.as_str()))
        });
        Err(match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("`{} explain` lists all codes", self.called)),
        })
    }
}

/// Takes a text out of the values.
fn text(values: &mut typed::Values, name: &str) -> Option<String> {
    let idx = values.iter().position(|(known, _)| known == name)?;
    match values.swap_remove(idx).1 {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Takes the name of a file out of the values.
fn file_of(values: &mut typed::Values, called: &str) -> Result<PathBuf, CliError> {
    match text(values, "file") {
        Some(file) if !file.is_empty() => Ok(PathBuf::from(file)),
        _ => Err(CliError::new(format!("`{called}`: the name of the file is empty"))),
    }
}

/// The switch that makes a command live.
const WATCH: &str = "watch";

fn watch(node: &Node) -> Option<&Argument> {
    node.flags().find(|argument| argument.name == WATCH && argument.kind == Kind::Boolean)
}

/// `--once` and `--for` say when a live command ends; any other ends by itself. What could have
/// been watched shows one picture anyway.
fn refuse_live_flags(globals: &Globals, is_watchable: bool, called: &str) -> Result<(), CliError> {
    let flag = match (globals.once, globals.run_for) {
        (_, Some(_)) => "--for",
        (true, None) if !is_watchable => "--once",
        _ => return Ok(()),
    };
    let hint = if is_watchable {
        format!("`{called} --watch` runs until it is stopped")
    } else {
        format!("leave out {flag}")
    };
    Err(CliError::new(format!("`{called}` ends by itself: {flag} is for commands that do not"))
        .hint(hint))
}

fn list_of_commands(node: &Node) -> String {
    let words: Vec<_> = node.children.iter().map(|child| child.word.as_str()).collect();
    format!("commands: {}", words.join(", "))
}

/// Flags that contradict each other.
fn refuse_conflicts(args: &Args) -> Result<(), CliError> {
    let globals = &args.globals;
    let source = match (&globals.from, globals.demo) {
        (Some(_), true) => {
            return Err(
                CliError::new("--from and --demo name two sources").hint("leave one of them out")
            );
        }
        (Some(_), false) => Some("--from"),
        (None, true) => Some("--demo"),
        (None, false) => None,
    };
    if let (Some(source), Some(cluster)) = (source, globals.first_cluster_flag()) {
        return Err(CliError::new(format!(
            "{cluster} chooses a cluster, but {source} reads no cluster"
        ))
        .hint(format!("leave out {source} to ask the cluster, or {cluster} to read the capture")));
    }
    if let (Action::Capture(_), Some(_)) = (&args.action, &globals.record) {
        return Err(CliError::new("capture already records: --record would do it twice")
            .hint("leave out --record"));
    }
    if matches!(args.action, Action::Doctor(_)) {
        let flags = [("--record", &globals.record), ("--against", &globals.against)];
        if let Some((flag, _)) = flags.into_iter().find(|(_, path)| path.is_some()) {
            return Err(CliError::new(format!("{flag}: a check-up is not recorded or compared"))
                .hint(format!("leave out {flag}")));
        }
    }
    if globals.quiet && globals.verbosity > 0 {
        return Err(CliError::new("--quiet and --verbose contradict each other")
            .hint("leave one of them out"));
    }
    Ok(())
}
