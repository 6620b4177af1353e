//! Candidates for the word under the cursor.

use crate::choice::{Choice, Color, FailOn, Format};
use crate::explanations::explanations;
use crate::flags::{FLAGS, Flag, Takes, Values};
use crate::settings::{Environment, context_names, extra_host_names};
use crate::tree::{Builtin, Node, Role};
use crate::walk::{Known, Walk, is_flag};
use lab_types::{Argument, Card, Complete, Kind};
use std::ffi::OsString;
use std::path::PathBuf;

/// What a shell may offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Values that begin with what is typed, each with a description.
    pub(super) candidates: Vec<(String, String)>,
    /// What stands before the value in the same word, such as `--output=`.
    pub(super) prefix: String,
    /// File names fit here.
    pub(super) files: bool,
}

impl Answer {
    pub(super) fn files() -> Self {
        Self { files: true, ..Self::default() }
    }
}

/// Everything that fits at the last word, the others being what stands before it.
pub(super) fn answer(
    root: &Node,
    words: &[String],
    cards: &[(String, Card)],
    env: &dyn Environment,
) -> Answer {
    let (current, before) = match words.split_last() {
        Some((current, before)) => (current.as_str(), before),
        None => ("", words),
    };
    let before: Vec<_> = before.iter().map(OsString::from).collect();
    let asker = Asker { root, cards, env };
    let mut answer = asker.after(&before, current, true);
    answer.candidates.retain_mut(|(value, about)| {
        *about = one_line(about);
        value.starts_with(&current[answer.prefix.len()..]) && !value.contains(char::is_control)
    });
    answer
}

/// Cards are written by strangers: a description stays on its line and sends nothing to a terminal.
fn one_line(about: &str) -> String {
    about.lines().next().unwrap_or_default().replace(char::is_control, " ")
}

struct Asker<'a> {
    root: &'a Node,
    cards: &'a [(String, Card)],
    env: &'a dyn Environment,
}

impl Asker<'_> {
    /// `outermost` is false behind `capture FILE --`, where only a plugin's command fits.
    fn after(&self, before: &[OsString], current: &str, outermost: bool) -> Answer {
        let walk = Walk::new(self.root, before);
        if walk.stranger.is_some() {
            return Answer::default();
        }
        if let Some(tail) = &walk.tail {
            return if walk.node().takes_command() && outermost {
                self.after(tail, current, false)
            } else {
                self.positional(&walk, walk.positionals + tail.len())
            };
        }
        if is_flag(current) || current == "-" {
            return match current.split_once('=') {
                Some((word, value)) => {
                    let mut answer = match flag(&walk, word) {
                        Some(known) => self.values(&walk, known, value),
                        None => Answer::default(),
                    };
                    answer.prefix = format!("{word}=");
                    answer
                }
                None => flags(&walk, current),
            };
        }
        match walk.awaiting {
            Some(Known::Shared(Flag { takes: Takes::Level, .. })) | None => {}
            Some(known) => return self.values(&walk, known, current),
        }
        let mut answer = self.positional(&walk, walk.positionals);
        if walk.positionals == 0 {
            let children = walk.node().children.iter();
            let children = children.filter(|node| outermost || node.plugin().is_some());
            answer
                .candidates
                .splice(0..0, children.map(|child| (child.word.clone(), child.about.clone())));
        }
        answer
    }

    fn values(&self, walk: &Walk<'_>, known: Known<'_>, typed: &str) -> Answer {
        match known {
            Known::Own(argument)
                if argument.name == "plugins"
                    && walk.node().role == Role::Builtin(Builtin::Capture) =>
            {
                in_list(self.plugins(), typed)
            }
            Known::Own(argument) => self.own_values(argument),
            Known::Shared(flag) => match flag.takes {
                Takes::Switch => switch(),
                Takes::Level => Answer::default(),
                Takes::One(values) | Takes::Each(values) => self.shared_values(walk, values),
                Takes::List(values) => in_list(self.shared_values(walk, values), typed),
            },
        }
    }

    fn shared_values(&self, walk: &Walk<'_>, values: Values) -> Answer {
        match values {
            Values::Text | Values::Duration | Values::Number => Answer::default(),
            Values::Path => Answer::files(),
            Values::Contexts => named(context_names(self.env, typed_kubeconfig(walk))),
            Values::Hosts => named(extra_host_names(self.env)),
            Values::Format => words::<Format>(),
            Values::Color => words::<Color>(),
            Values::FailOn => words::<FailOn>(),
        }
    }

    fn own_values(&self, argument: &Argument) -> Answer {
        if !argument.choices.is_empty() {
            return named(argument.choices.clone());
        }
        match (&argument.complete, argument.kind) {
            (Some(Complete::Hosts), _) => named(extra_host_names(self.env)),
            (_, Kind::Path) => Answer::files(),
            (_, Kind::Boolean) => switch(),
            _ => Answer::default(),
        }
    }

    fn plugins(&self) -> Answer {
        let plugins = self.cards.iter();
        let plugins = plugins.map(|(name, card)| (name.clone(), card.about.clone()));
        Answer { candidates: plugins.collect(), ..Answer::default() }
    }

    fn positional(&self, walk: &Walk<'_>, idx: usize) -> Answer {
        let node = walk.node();
        match node.role {
            Role::Builtin(Builtin::Help) => {
                let words: Vec<_> =
                    walk.rest.iter().filter(|word| word.to_str() != Some("--")).cloned().collect();
                let walk = Walk::new(self.root, &words);
                let children = walk.node().children.iter().filter(|_| walk.stranger.is_none());
                let children = children.map(|child| (child.word.clone(), child.about.clone()));
                Answer { candidates: children.collect(), ..Answer::default() }
            }
            Role::Builtin(Builtin::Plugin) if idx == 0 => self.plugins(),
            Role::Builtin(Builtin::Doctor) => self.plugins(),
            Role::Builtin(Builtin::Explain) if idx == 0 => {
                let codes = explanations(self.cards);
                let codes = codes.map(|(code, text)| (code.to_owned(), text.to_owned()));
                Answer { candidates: codes.collect(), ..Answer::default() }
            }
            _ => {
                let places = node.positionals();
                let argument = at_place(places, idx);
                argument.map_or_else(Answer::default, |argument| self.own_values(argument))
            }
        }
    }
}

/// The flag that a word such as `--output` or `-o` names.
fn flag<'t>(walk: &Walk<'t>, word: &str) -> Option<Known<'t>> {
    match word.strip_prefix("--") {
        Some(long) => walk.long_flag(long),
        None => walk.short_flag(word.strip_prefix('-')?.chars().next_back()?),
    }
}

/// The argument at a place, where the last one may take all that follow.
fn at_place<'t>(places: impl Iterator<Item = &'t Argument>, idx: usize) -> Option<&'t Argument> {
    let mut last = None;
    for (place, argument) in places.enumerate() {
        if place == idx {
            return Some(argument);
        }
        last = Some(argument);
    }
    last.filter(|argument| argument.repeated)
}

/// Flags that can still be given: the command's own before those of every command.
fn flags(walk: &Walk<'_>, current: &str) -> Answer {
    let open = |known: &Known<'_>| {
        known.repeats() || !walk.given.iter().any(|given| given == known.name())
    };
    let own = walk
        .node()
        .flags()
        .map(|argument| (Known::Own(argument), argument.short, crate::help::about(argument)));
    let shared = FLAGS.iter().map(|flag| (Known::Shared(flag), flag.short, flag.about.to_owned()));
    let mut candidates = Vec::new();
    for (known, short, about) in own.chain(shared).filter(|(known, ..)| open(known)) {
        candidates.push((format!("--{}", known.name()), about.clone()));
        // Letters are of use to one who looks for them, and noise to one who types a name.
        if let (Some(letter), "-") = (short, current) {
            candidates.push((format!("-{letter}"), about));
        }
    }
    if walk.nodes.len() == 1 {
        candidates.push(("--version".to_owned(), "Show the version".to_owned()));
    }
    Answer { candidates, ..Answer::default() }
}

/// A `--kubeconfig` among the words decides whose contexts are offered.
fn typed_kubeconfig(walk: &Walk<'_>) -> Option<PathBuf> {
    let mut found = None;
    for (idx, word) in walk.rest.iter().enumerate() {
        let Some(word) = word.to_str() else { continue };
        if word == "--kubeconfig" {
            found = walk.rest.get(idx + 1).map(PathBuf::from);
        } else if let Some(path) = word.strip_prefix("--kubeconfig=") {
            found = Some(PathBuf::from(path));
        }
    }
    found
}

fn in_list(mut answer: Answer, typed: &str) -> Answer {
    if let Some((before, _)) = typed.rsplit_once(',') {
        let taken: Vec<_> = before.split(',').collect();
        answer.candidates.retain(|(value, _)| !taken.contains(&value.as_str()));
        for (value, _) in &mut answer.candidates {
            *value = format!("{before},{value}");
        }
    }
    answer
}

fn named(names: Vec<String>) -> Answer {
    let candidates = names.into_iter().map(|name| (name, String::new())).collect();
    Answer { candidates, ..Answer::default() }
}

fn switch() -> Answer {
    named(vec!["true".to_owned(), "false".to_owned()])
}

fn words<C: Choice>() -> Answer {
    let all = C::ALL.iter().map(|(word, _, about)| ((*word).to_owned(), (*about).to_owned()));
    Answer { candidates: all.collect(), ..Answer::default() }
}
