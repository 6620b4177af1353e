//! Follows words along the tree of commands: which command is meant, which words belong to it,
//! and what the next word would be. Parsing, help and completion all start here.

use crate::flags;
use crate::flags::{Flag, Takes};
use crate::tree::Node;
use lab_types::{Argument, Kind};
use std::ffi::OsString;

/// A flag in reach of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Known<'t> {
    Shared(&'static Flag),
    Own(&'t Argument),
}

impl Known<'_> {
    fn takes_next(self) -> bool {
        match self {
            Self::Shared(flag) => flag.takes_next(),
            Self::Own(argument) => argument.kind != Kind::Boolean,
        }
    }
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Shared(flag) => flag.long,
            Self::Own(argument) => &argument.name,
        }
    }
    pub(crate) fn repeats(&self) -> bool {
        match self {
            Self::Shared(flag) => flag.repeats(),
            Self::Own(argument) => argument.repeated,
        }
    }
}

/// Where a line of words leads.
#[derive(Debug)]
pub(crate) struct Walk<'t> {
    /// From the root to the command that is meant.
    pub(crate) nodes: Vec<&'t Node>,
    /// Flags, their values and positionals, in order.
    pub(crate) rest: Vec<OsString>,
    /// Everything behind `--`, or from the first word of a command to run.
    pub(crate) tail: Option<Vec<OsString>>,
    /// The first flag among the words of a command to run that this program takes as well.
    pub(crate) ambiguous: Option<OsString>,
    /// `-h` or `--help` was among the words.
    pub(crate) help: bool,
    /// The first word that is no command where only a command could be.
    pub(crate) stranger: Option<OsString>,
    /// A flag was there that nothing takes, so the word behind it may have been its value.
    pub(crate) unknown_flag: bool,
    /// The flag whose value the next word is.
    pub(crate) awaiting: Option<Known<'t>>,
    /// How many positionals of the command are there.
    pub(crate) positionals: usize,
    /// Names of the flags that are there.
    pub(crate) given: Vec<String>,
}

impl<'t> Walk<'t> {
    /// Follows words (without the program's name) from a tree's root.
    pub(crate) fn new(root: &'t Node, words: &[OsString]) -> Self {
        let mut walk = Self {
            nodes: vec![root],
            rest: Vec::new(),
            tail: None,
            ambiguous: None,
            help: false,
            stranger: None,
            unknown_flag: false,
            awaiting: None,
            positionals: 0,
            given: Vec::new(),
        };
        for (idx, word) in words.iter().enumerate() {
            if word == "--" {
                walk.tail.get_or_insert_default().extend_from_slice(&words[idx + 1..]);
                break;
            }
            match &mut walk.tail {
                Some(command) => {
                    command.push(word.clone());
                    if walk.ambiguous.is_none() && walk.knows(word) {
                        walk.ambiguous = Some(word.clone());
                    }
                }
                None => walk.step(word),
            }
        }
        walk
    }

    /// The command that is meant.
    pub(crate) fn node(&self) -> &'t Node {
        self.nodes[self.nodes.len() - 1]
    }

    /// The words of the command: `routes trace`.
    pub(crate) fn path(&self) -> String {
        let words: Vec<_> = self.nodes.iter().skip(1).map(|node| node.word.as_str()).collect();
        words.join(" ")
    }

    fn step(&mut self, word: &OsString) {
        let text = word.to_str();
        let is_flag = text.is_some_and(is_flag);
        if let Some(known) = self.awaiting.take()
            && !is_flag
        {
            return self.value(known, word);
        }
        match text {
            Some(text) if is_flag => match text.strip_prefix("--") {
                Some(long) => self.long(long),
                None => self.letters(&text[1..]),
            },
            _ => return self.plain(word),
        }
        self.rest.push(word.clone());
    }

    fn value(&mut self, known: Known<'t>, word: &OsString) {
        if let (Known::Shared(Flag { takes: Takes::Level, .. }), Some(text)) =
            (known, word.to_str())
        {
            // `-v 6` of kubectl; any other word is not the level's.
            if !text.is_empty() && text.len() < 3 && text.bytes().all(|b| b.is_ascii_digit()) {
                if let Some(flag) = self.rest.last_mut() {
                    flag.push("=");
                    flag.push(word);
                }
                return;
            }
            return self.plain(word);
        }
        self.rest.push(word.clone());
    }

    fn plain(&mut self, word: &OsString) {
        let node = self.node();
        let child = word.to_str().and_then(|text| node.child(text));
        match child {
            Some(child) if self.positionals == 0 && self.stranger.is_none() => {
                self.nodes.push(child);
            }
            _ if node.runs_command() => {
                self.positionals += 1;
                self.tail = Some(vec![word.clone()]);
            }
            _ => {
                self.positionals += 1;
                let needs_command =
                    !node.children.is_empty() && node.positionals().next().is_none();
                if needs_command && self.stranger.is_none() {
                    self.stranger = Some(word.clone());
                }
                self.rest.push(word.clone());
            }
        }
    }

    fn long(&mut self, long: &str) {
        let (name, attached) = match long.split_once('=') {
            Some((name, _)) => (name, true),
            None => (long, false),
        };
        self.help |= long == "help";
        let known = self.long_flag(name);
        self.note(known, attached);
    }

    fn letters(&mut self, letters: &str) {
        for (idx, letter) in letters.char_indices() {
            self.help |= letter == 'h';
            let known = self.short_flag(letter);
            let after = &letters[idx + letter.len_utf8()..];
            self.note(known, !after.is_empty());
            if after.starts_with('=') || known.is_none_or(Known::takes_next) {
                break;
            }
        }
    }

    /// Whether a word is a flag of this command, written with whatever behind it.
    fn knows(&self, word: &OsString) -> bool {
        let Some(text) = word.to_str().filter(|text| is_flag(text)) else { return false };
        match text.strip_prefix("--") {
            Some(long) => self.long_flag(long.split('=').next().unwrap_or(long)).is_some(),
            None => text[1..].chars().next().is_some_and(|it| self.short_flag(it).is_some()),
        }
    }

    fn note(&mut self, known: Option<Known<'t>>, attached: bool) {
        self.unknown_flag |= known.is_none();
        if let Some(known) = known {
            self.given.push(known.name().to_owned());
            let level = matches!(known, Known::Shared(Flag { takes: Takes::Level, .. }));
            if !attached && (known.takes_next() || level) {
                self.awaiting = Some(known);
            }
        }
    }

    /// The flag with this name that the command takes.
    pub(crate) fn long_flag(&self, name: &str) -> Option<Known<'t>> {
        let own = self.node().flags().find(|argument| argument.name == name);
        flags::by_long(name).map(Known::Shared).or(own.map(Known::Own))
    }

    /// The flag with this letter that the command takes.
    pub(crate) fn short_flag(&self, letter: char) -> Option<Known<'t>> {
        let own = self.node().flags().find(|argument| argument.short == Some(letter));
        flags::by_short(letter).map(Known::Shared).or(own.map(Known::Own))
    }
}

/// Whether a word is written as a flag; a lone `-` and negative numbers are values.
pub(crate) fn is_flag(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_digit()))
}
