//! The tree of commands: what is built in, and what the cards of plugins add.
//!
//! Only names, texts and arguments. Reading words along the tree is `walk`, splitting them is
//! `typed`, showing a command is `help`.

use crate::choice::{Choice, Shell};
use crate::flags;
use lab_types::{Argument, Card, Example, Kind, Position};

/// A command that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    Plugins,
    Plugin,
    Capture,
    CaptureShow,
    CaptureVerify,
    CaptureAdd,
    Doctor,
    Explain,
    ConfigView,
    ConfigPath,
    Completion,
    Version,
    Options,
    Help,
}

/// What a command does when it is typed without a subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing: it needs one of its subcommands.
    Group,
    Builtin(Builtin),
    Plugin {
        name: String,
        path: Vec<String>,
    },
}

/// One word of the command line and what may follow it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) word: String,
    pub(crate) about: String,
    pub(crate) long_about: Option<String>,
    pub(crate) examples: Vec<Example>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) role: Role,
    pub(crate) children: Vec<Node>,
}

impl Node {
    fn new(word: &str, role: Role, about: &str) -> Self {
        Self {
            word: word.to_owned(),
            about: about.to_owned(),
            long_about: None,
            examples: Vec::new(),
            arguments: Vec::new(),
            role,
            children: Vec::new(),
        }
    }
    fn builtin(word: &str, builtin: Builtin, about: &str) -> Self {
        Self::new(word, Role::Builtin(builtin), about)
    }
    fn group(word: &str, about: &str, children: Vec<Self>) -> Self {
        Self { children, ..Self::new(word, Role::Group, about) }
    }
    fn long(mut self, text: &str) -> Self {
        self.long_about = Some(text.to_owned());
        self
    }
    fn example(mut self, line: &str, about: &str) -> Self {
        self.examples.push(Example { line: line.to_owned(), about: about.to_owned() });
        self
    }
    fn with(mut self, children: Vec<Self>) -> Self {
        self.children = children;
        self
    }
    fn takes(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// The subcommand with this word.
    pub(crate) fn child(&self, word: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.word == word)
    }
    /// The arguments that are written `--name`.
    pub(crate) fn flags(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|argument| argument.position == Position::Flag)
    }
    /// The arguments that are known by their place.
    pub(crate) fn positionals(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|argument| argument.position == Position::Positional)
    }
    /// The plugin that this command, or the first below it, belongs to.
    pub(crate) fn plugin(&self) -> Option<&str> {
        match &self.role {
            Role::Plugin { name, .. } => Some(name),
            Role::Builtin(_) => None,
            Role::Group => self.children.iter().find_map(Self::plugin),
        }
    }
    /// Whether its last positional is a command to run on hosts.
    pub(crate) fn runs_command(&self) -> bool {
        self.positionals().last().is_some_and(|argument| argument.command)
    }
    /// Whether this is the command that takes another one after `--`.
    pub(crate) fn takes_command(&self) -> bool {
        self.role == Role::Builtin(Builtin::Capture)
    }
}

/// The whole tree. What a card says wrongly ([`complaints`]) is left out.
pub(crate) fn tree(cards: &[(String, Card)]) -> Node {
    let mut root = Node::group(
        "",
        "One table from every host of a Kubernetes cluster with Cilium, and what is wrong with it",
        builtins(),
    );
    let n_builtins = root.children.len();
    for (plugin, card) in cards {
        for command in &card.commands {
            let Some(first) = command.path.first() else { continue };
            if is_builtin(&root, first) || !command.path.iter().all(|word| is_name(word)) {
                continue;
            }
            let node = command.path.iter().fold(&mut root, |node, word| {
                let idx = node.children.iter().position(|child| child.word == *word);
                let idx = idx.unwrap_or_else(|| {
                    node.children.push(Node::group(word, &card.about, Vec::new()));
                    node.children.len() - 1
                });
                &mut node.children[idx]
            });
            if node.role != Role::Group {
                continue;
            }
            node.role = Role::Plugin { name: plugin.clone(), path: command.path.clone() };
            node.about.clone_from(&command.about);
            node.long_about.clone_from(&command.long_about);
            node.examples.clone_from(&command.examples);
            for argument in &command.arguments {
                if let Some(argument) = fitting(argument, &node.arguments) {
                    node.arguments.push(argument);
                }
            }
        }
    }
    // Plugins first: they are what the program is for.
    root.children.rotate_left(n_builtins);
    root
}

/// What is wrong with a card, one line each, for the moment a plugin is built in or installed.
pub fn complaints(card: &Card) -> Vec<String> {
    let root = tree(&[]);
    let mut lines = Vec::new();
    let mut seen: Vec<&[String]> = Vec::new();
    for command in &card.commands {
        let shown = command.path.join(" ");
        match command.path.first() {
            None => lines.push("a command has an empty path".to_owned()),
            Some(first) if root.child(first).is_some() => {
                lines.push(format!("`{shown}`: `{first}` is a command of kubectl-lab itself"));
            }
            Some(_) if seen.contains(&command.path.as_slice()) => {
                lines.push(format!("`{shown}`: declared twice"));
            }
            Some(_) => {}
        }
        if !command.path.iter().all(|word| is_name(word)) {
            lines.push(format!("`{shown}`: words are of `a-z`, `0-9` and `-`, letter first"));
        }
        seen.push(&command.path);
        let mut taken: Vec<Argument> = Vec::new();
        for argument in &command.arguments {
            match fitting(argument, &taken) {
                Some(fit) => {
                    if fit.short != argument.short {
                        lines.push(format!("`{shown}`: `--{}`: letter is taken", argument.name));
                    }
                    taken.push(fit);
                }
                None => lines.push(format!(
                    "`{shown}`: argument `{}` is taken, misnamed, or behind one that takes the rest",
                    argument.name
                )),
            }
        }
    }
    lines
}

/// The argument as it can be offered beside `taken` ones and the shared flags.
fn fitting(argument: &Argument, taken: &[Argument]) -> Option<Argument> {
    let shared = argument.position == Position::Flag && flags::by_long(&argument.name).is_some();
    let behind_rest = argument.position == Position::Positional
        && taken.iter().any(|other| other.position == Position::Positional && other.repeated);
    let no_command =
        argument.command && (argument.position != Position::Positional || !argument.repeated);
    if !is_name(&argument.name)
        || shared
        || no_command
        || behind_rest
        || taken.iter().any(|other| other.name == argument.name)
    {
        return None;
    }
    let mut argument = argument.clone();
    argument.short = argument.short.filter(|letter| {
        letter.is_ascii_alphabetic()
            && flags::by_short(*letter).is_none()
            && taken.iter().all(|other| other.short != Some(*letter))
    });
    Some(argument)
}

fn is_builtin(root: &Node, word: &str) -> bool {
    root.child(word).is_some_and(|node| match &node.role {
        Role::Builtin(_) => true,
        Role::Group => node.children.iter().any(|child| matches!(child.role, Role::Builtin(_))),
        Role::Plugin { .. } => false,
    })
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn positional(name: &str, kind: Kind, about: &str) -> Argument {
    Argument {
        name: name.to_owned(),
        position: Position::Positional,
        kind,
        about: about.to_owned(),
        short: None,
        required: false,
        repeated: false,
        default: None,
        choices: Vec::new(),
        complete: None,
        command: false,
        release: false,
    }
}

fn flag(name: &str, kind: Kind, about: &str) -> Argument {
    Argument { position: Position::Flag, ..positional(name, kind, about) }
}

fn required(argument: Argument) -> Argument {
    Argument { required: true, ..argument }
}

fn repeated(argument: Argument) -> Argument {
    Argument { repeated: true, ..argument }
}

/// `capture FILE` is the command itself, so a file that is called like a command below it is
/// written with its folder: `./show`.
fn capture() -> Node {
    let redact = || {
        let about = "Write [redacted] where this regular expression matches";
        repeated(flag("redact", Kind::Text, about))
    };
    let file = || required(positional("file", Kind::Path, "The capture: a zip or a folder"));
    Node::builtin("capture", Builtin::Capture, "Save what the plugins ask, to read it later with --from")
        .long("Asks every host everything that the cards of the plugins name, and saves the answers \
               into FILE: a zip if the name ends in .zip, otherwise a folder. With a command behind \
               `--`, only what that command asks. Read it anywhere with --from FILE.\n\n\
               Secrets are never saved. What else has to stay out, the configuration file says:\n\n  \
               [capture]\n  redact = [\"[0-9a-f]{32}\"]\n\n\
               What got no answer is told at the end, and stands in the capture with its reason; the \
               exit code is 3 then. A FILE with the name of a command below is written with its \
               folder, such as ./show.")
        .example("kubectl lab capture before.zip", "Everything the plugins can ask")
        .example("kubectl lab capture before.zip --for 30s", "Also half a minute of what runs until stopped")
        .example("kubectl lab capture routes.zip -- routes", "Only what `routes` asks")
        .example("kubectl lab routes --from before.zip", "Read it again, without a cluster")
        .takes(required(positional("file", Kind::Path, "Where to write it")))
        .takes(repeated(flag("plugins", Kind::Text, "Ask only what these plugins ask, with commas between")))
        .takes(redact())
        .with(vec![
            Node::builtin("show", Builtin::CaptureShow, "Show what is in a capture")
                .long("Shows where a capture is from, its hosts, kinds of objects, commands and logs, with \
                       their sizes, and what got no answer when it was made. Nothing is sent anywhere.")
                .example("kubectl lab capture show before.zip", "All of it")
                .example("kubectl lab capture show before.zip --only commands --filter host=router",
                         "The commands of one host")
                .takes(file()),
            Node::builtin("verify", Builtin::CaptureVerify, "Check that a capture is whole and sound")
                .long("Checks every file of a capture: that it can be read, that an index names it, that it \
                       holds what it should, and no Secret. The exit code is 1 when something is wrong.")
                .example("kubectl lab capture verify before.zip", "Before it is handed on")
                .takes(file()),
            Node::builtin("add", Builtin::CaptureAdd, "Add pasted output or objects to a capture, or make one of them")
                .long("Adds what stands on the standard input to a capture, and makes the capture when \
                       there is none: so that output from a ticket, a blog or an ssh session can be asked \
                       with --from. Either the output of COMMAND on one host, or objects as `kubectl get` \
                       prints them in JSON or YAML. A later answer takes the place of an earlier one.\n\n\
                       Nodes among the objects become hosts. A list is taken for all there is of its \
                       kind, or, with --namespace, for all in that namespace; one object for itself alone.")
                .example("kubectl lab capture add t.zip --objects < nodes.json", "The nodes, from `kubectl get nodes -o json`")
                .example("kubectl lab capture add t.zip --host k8s-w0 -- ip route < pasted.txt", "What a node printed")
                .example("kubectl lab capture add t.zip --host router --extra -- ip route < r.txt",
                         "What a host beside the cluster printed")
                .takes(file())
                .takes(repeated(positional("command", Kind::Text, "The command, behind `--`, word for word")))
                .takes(flag("objects", Kind::Boolean, "The input is objects, not the output of a command"))
                .takes(flag("extra", Kind::Boolean, "The host is no node, such as a router"))
                .takes(flag("agent", Kind::Boolean, "The command ran in the Cilium agent's container of the node"))
                .takes(repeated(flag("address", Kind::Text, "An address by which others know the host")))
                .takes(redact()),
        ])
}

fn builtins() -> Vec<Node> {
    let shells = Shell::words().map(str::to_owned).collect();
    vec![
        capture(),
        Node::builtin("doctor", Builtin::Doctor, "Check the way to the cluster and to every host")
            .long("Checks everything that the other commands need and prints a line for each: the \
                   kubeconfig, the API server and its clock, your rights for each plugin, the agents, \
                   hosts over ssh, versions, cache and settings, and pods that were left behind. It \
                   changes nothing: rights are asked with SelfSubjectAccessReviews, which the API \
                   server answers and does not keep.\n\n\
                   With --rbac it asks no cluster and prints the least roles that make the plugins \
                   work, as YAML for `kubectl apply`.")
            .example("kubectl lab doctor", "Everything")
            .example("kubectl lab doctor routes -o wide", "The rights of one plugin, cures in the table")
            .example("kubectl lab doctor --filter result!=ok", "Only what is not as it should be")
            .example("kubectl lab doctor --from lab.zip", "What a capture can answer")
            .example("kubectl lab doctor --rbac routes --rbac-subject dev | kubectl apply -f -",
                     "Give user `dev` the rights for `routes`")
            .takes(Argument {
                repeated: true,
                ..positional("plugin", Kind::Text, "Only the rights and questions of these plugins")
            })
            .takes(flag("rbac", Kind::Boolean, "Print the least roles for the plugins, ask nothing"))
            .takes(flag("rbac-subject", Kind::Text, "With --rbac, also bind them to a user, \
                        `group:NAME` or `serviceaccount:NAMESPACE/NAME`")),
        Node::builtin("explain", Builtin::Explain, "Show what a finding means and what to do about it")
            .long("Shows the text behind a finding's code: what is checked, why it matters, how to see \
                   it for yourself and how to fix it. Without a code, lists all codes.")
            .takes(positional("code", Kind::Text, "Code of a finding, such as `routes/black-hole`")),
        Node::group("plugin", "List plugins and what they ask for", vec![
            Node::builtin("list", Builtin::Plugins, "List plugins"),
            Node::builtin("info", Builtin::Plugin, "Show a plugin's commands, questions and limits")
                .takes(required(positional("name", Kind::Text, "Name of a plugin"))),
        ]),
        Node::group("config", "Show the settings and where they come from", vec![
            Node::builtin("view", Builtin::ConfigView, "Show every setting and where it comes from")
                .long("Shows the settings in effect, as a configuration file. The comment behind each \
                       value names where it comes from: a flag, the environment, the file or the default."),
            Node::builtin("path", Builtin::ConfigPath, "Show where the configuration file is"),
        ]),
        Node::builtin("completion", Builtin::Completion, "Print a completion script for your shell")
            .long(crate::completion::INSTALL)
            .takes(Argument {
                choices: shells,
                ..required(positional("shell", Kind::Text, "Your shell"))
            }),
        Node::builtin("options", Builtin::Options, "Show the flags that every command takes"),
        Node::builtin("version", Builtin::Version, "Show the version"),
        Node::builtin("help", Builtin::Help, "Show help for a command").takes(Argument {
            repeated: true,
            ..positional("command", Kind::Text, "Words of the command")
        }),
    ]
}
