//! Help texts, in kubectl's look and 80 columns wide.
//!
//! A command's help shows what is its own. The flags of every command are named in a few lines
//! below, because they are needed daily, and described once, by `kubectl lab options`.

use crate::flags::{FLAGS, Flag, Group, Takes};
use crate::tree::{Builtin, Node, Role};
use crate::values::placeholder;
use crate::walk::Walk;
use lab_types::{Argument, Example, Position};
use std::fmt::Write;

const WIDTH: usize = 80;
/// Where descriptions begin at the latest; longer names get a line of their own.
const INDENT_LIMIT: usize = 30;

/// The help of the command that a walk has found.
pub(crate) fn command(walk: &Walk<'_>, called: &str) -> String {
    let node = walk.node();
    let is_root = walk.nodes.len() == 1;
    let name = format!("{called} {}", walk.path()).trim_end().to_owned();
    let mut text = String::new();
    match &node.long_about {
        Some(long) => paragraphs(&mut text, long),
        None => paragraphs(&mut text, &node.about),
    }
    text.push_str("\nUsage:\n");
    for line in usage(node, &name) {
        let _ = writeln!(text, "  {line}");
    }
    let picked;
    let examples = if is_root {
        picked = first_examples(node);
        &picked
    } else {
        &node.examples
    };
    if !examples.is_empty() {
        text.push_str("\nExamples:\n");
        for (idx, example) in examples.iter().enumerate() {
            let gap = if idx == 0 { "" } else { "\n" };
            let _ = write!(text, "{gap}  # {}\n  {}\n", example.about, example.line);
        }
    }
    if is_root {
        let is_plugin = |child: &&Node| child.plugin().is_some();
        section(&mut text, "Commands of plugins", &commands(node, is_plugin));
        section(&mut text, "Commands built in", &commands(node, |child| !is_plugin(child)));
    } else {
        section(&mut text, "Commands", &commands(node, |_| true));
    }
    section(&mut text, "Arguments", &arguments(node, Position::Positional));
    section(&mut text, "Flags", &arguments(node, Position::Flag));
    if matches!(node.role, Role::Plugin { .. } | Role::Builtin(Builtin::Doctor))
        || node.takes_command()
    {
        text.push_str("\nFlags of every command (see `kubectl lab options`):\n");
        shared_summary(&mut text);
    } else if is_root {
        text.push('\n');
        let more = format!(
            "`{called} COMMAND --help` shows more about a command, `{called} options` shows the \
             flags that every command takes."
        );
        paragraphs(&mut text, &more);
    }
    text
}

/// The help of `kubectl lab options`.
pub(crate) fn options() -> String {
    let mut text =
        "These flags can be given to every command, before or after its words.\n".to_owned();
    for group in Group::ALL {
        let lines: Vec<_> = FLAGS
            .iter()
            .filter(|flag| flag.group == group)
            .map(|flag| (shared_name(flag), repeatable(flag.about, flag.repeats())))
            .collect();
        section(&mut text, group.heading(), &lines);
    }
    text
}

fn usage(node: &Node, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if node.role != Role::Group {
        let mut line = name.to_owned();
        for argument in node.positionals().filter(|argument| !argument.command) {
            let mut word = argument.name.to_uppercase();
            if argument.repeated {
                word.push('…');
            }
            let (open, close) = if argument.required { ("", "") } else { ("[", "]") };
            let _ = write!(line, " {open}{word}{close}");
        }
        for flag in node.flags().filter(|flag| flag.required) {
            let _ = write!(line, " --{} {}", flag.name, placeholder(flag));
        }
        line.push_str(" [flags]");
        if let Some(command) = node.positionals().find(|argument| argument.command) {
            let _ = write!(line, " -- {}…", command.name.to_uppercase());
        }
        if node.role == Role::Builtin(Builtin::Capture) {
            line.push_str(" [-- COMMAND…]");
        }
        lines.push(line);
    }
    if !node.children.is_empty() {
        lines.push(format!("{name} COMMAND [flags]"));
    }
    lines
}

/// One example of each plugin and one of capturing, for the first screen a new user sees.
fn first_examples(root: &Node) -> Vec<Example> {
    let plugins = root.children.iter().filter(|child| child.plugin().is_some());
    let mut examples: Vec<_> =
        plugins.filter_map(|node| node.examples.first()).take(4).cloned().collect();
    examples.extend(root.child("capture").and_then(|node| node.examples.first()).cloned());
    examples
}

fn commands(node: &Node, keep: impl Fn(&&Node) -> bool) -> Vec<(String, String)> {
    let kept = node.children.iter().filter(keep);
    kept.map(|child| (child.word.clone(), child.about.clone())).collect()
}

fn arguments(node: &Node, position: Position) -> Vec<(String, String)> {
    let own = node.arguments.iter().filter(|argument| argument.position == position);
    own.map(|argument| (own_name(argument), about(argument))).collect()
}

fn own_name(argument: &Argument) -> String {
    match argument.position {
        Position::Positional => argument.name.to_uppercase(),
        Position::Flag => flag_name(argument.short, &argument.name, &placeholder(argument)),
    }
}

fn shared_name(flag: &Flag) -> String {
    match flag.takes {
        Takes::Level => flag_name(flag.short, flag.long, ""),
        _ => flag_name(flag.short, flag.long, flag.value),
    }
}

fn flag_name(short: Option<char>, long: &str, value: &str) -> String {
    let short = short.map_or("    ".to_owned(), |letter| format!("-{letter}, "));
    format!("{short}--{long} {value}").trim_end().to_owned()
}

/// What help says of an argument: its line, its words, its default, whether it repeats.
pub(crate) fn about(argument: &Argument) -> String {
    let mut text = repeatable(&argument.about, argument.repeated);
    if !argument.choices.is_empty() {
        let _ = write!(text, ": {}", argument.choices.join(", "));
    }
    match &argument.default {
        Some(default) => {
            let _ = write!(text, " (default {default})");
        }
        None if argument.required && argument.position == Position::Flag => {
            text.push_str(" (required)");
        }
        None => {}
    }
    text
}

fn repeatable(about: &str, repeats: bool) -> String {
    if repeats { format!("{about} (repeatable)") } else { about.to_owned() }
}

fn shared_summary(text: &mut String) {
    for group in Group::ALL {
        let in_group = || FLAGS.iter().filter(|flag| flag.group == group);
        let mut flags: Vec<_> = in_group()
            .filter(|flag| !flag.rare)
            .map(|flag| match flag.short {
                Some(letter) => format!("-{letter}/--{}", flag.long),
                None => format!("--{}", flag.long),
            })
            .collect();
        if in_group().any(|flag| flag.rare) {
            flags.push("…".to_owned());
        }
        entry(text, group.heading(), &flags.join(" "), 9);
    }
}

fn section(text: &mut String, heading: &str, lines: &[(String, String)]) {
    if lines.is_empty() {
        return;
    }
    let names = lines.iter().map(|(name, _)| name.chars().count() + 2);
    let indent = names.filter(|width| *width <= INDENT_LIMIT).max().unwrap_or(4);
    let _ = writeln!(text, "\n{heading}:");
    for (name, about) in lines {
        entry(text, name, about, indent);
    }
}

/// A name and what it means, wrapped beside it.
fn entry(text: &mut String, name: &str, about: &str, indent: usize) {
    let start = 2 + indent;
    let mut lines = wrap(about, WIDTH - start).into_iter();
    if name.chars().count() + 2 > indent {
        let _ = writeln!(text, "  {name}");
    } else {
        let first = lines.next().unwrap_or_default();
        let _ = writeln!(text, "{}", format!("  {name:indent$}{first}").trim_end());
    }
    for line in lines {
        let _ = writeln!(text, "{:start$}{line}", "");
    }
}

/// Wraps each paragraph; lines that are indented stay as they are, being tables or commands.
fn paragraphs(text: &mut String, source: &str) {
    let mut paragraph = String::new();
    for line in source.trim_end().lines().chain([""]) {
        if line.is_empty() || line.starts_with([' ', '\t']) {
            for wrapped in wrap(&paragraph, WIDTH) {
                let _ = writeln!(text, "{wrapped}");
            }
            paragraph.clear();
            let _ = writeln!(text, "{}", line.trim_end());
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
        }
    }
    // The empty line that closed the last paragraph belongs to whatever follows.
    text.pop();
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
