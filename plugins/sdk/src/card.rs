//! Builders for a plugin's card.

use lab_types::Ask;
use lab_types::Complete;
use lab_types::Example;
use lab_types::Explanation;
use lab_types::Kind;
use lab_types::Position;

/// A plugin's description of itself.
#[derive(Clone, Debug)]
pub struct Card(lab_types::Card);

impl Card {
    /// A card with its one line for lists.
    pub fn new(about: &str) -> Self {
        Self(lab_types::Card { about: about.to_owned(), ..lab_types::Card::default() })
    }
    /// Where bugs go.
    #[must_use]
    pub fn homepage(mut self, url: &str) -> Self {
        self.0.homepage = Some(url.to_owned());
        self
    }
    /// SPDX expression.
    #[must_use]
    pub fn license(mut self, spdx: &str) -> Self {
        self.0.license = Some(spdx.to_owned());
        self
    }
    /// Adds a command, in the order of help.
    #[must_use]
    pub fn command(mut self, command: Command) -> Self {
        self.0.commands.push(command.0);
        self
    }
    /// Says what will be asked of the host, and why: people read the reason.
    ///
    /// `capability` is `cluster` or `hosts`. A scope of `cluster` is `v1/Node`; one of `hosts`
    /// is `host: ip -j rule` or `agent: cilium-dbg status -o json`, where a word `*` stands
    /// for any one word, and a `&` at the end says that the command goes on until it is stopped.
    /// `**` at the end stands for any words: such a command runs if the host program knows it to
    /// only read, or after the user agreed to its exact words.
    #[must_use]
    pub fn ask(mut self, capability: &str, scope: &[&str], reason: &str) -> Self {
        self.0.asks.push(Ask {
            capability: capability.to_owned(),
            scope: scope.iter().map(|&word| word.to_owned()).collect(),
            reason: reason.to_owned(),
        });
        self
    }
    /// Questions that each have a reason of their own.
    #[must_use]
    pub fn asks(self, capability: &str, each: &[(&str, &str)]) -> Self {
        each.iter().fold(self, |card, (scope, reason)| card.ask(capability, &[scope], reason))
    }
    /// The long text behind `kubectl lab explain CODE`.
    #[must_use]
    pub fn explain(mut self, code: &str, text: &str) -> Self {
        self.0.explanations.push(Explanation { code: code.to_owned(), text: text.to_owned() });
        self
    }
    /// The card as stored.
    pub fn into_inner(self) -> lab_types::Card {
        self.0
    }
}

/// One command of a plugin.
#[derive(Clone, Debug)]
pub struct Command(lab_types::Command);

impl Command {
    /// Words after `kubectl lab`, and one imperative line without a stop.
    pub fn new(path: &[&str], about: &str) -> Self {
        Self(lab_types::Command {
            path: path.iter().map(|&word| word.to_owned()).collect(),
            about: about.to_owned(),
            ..lab_types::Command::default()
        })
    }
    /// The text of `--help`.
    #[must_use]
    pub fn long_about(mut self, text: &str) -> Self {
        self.0.long_about = Some(text.to_owned());
        self
    }
    /// A line to copy, and what it does.
    #[must_use]
    pub fn example(mut self, line: &str, about: &str) -> Self {
        self.0.examples.push(Example { line: line.to_owned(), about: about.to_owned() });
        self
    }
    /// Adds a flag or positional.
    #[must_use]
    pub fn argument(mut self, argument: Argument) -> Self {
        self.0.arguments.push(argument.0);
        self
    }
    /// Runs until stopped: the host shows a live view and sets no deadline.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.0.live = true;
        self
    }
}

/// One flag or positional of a command.
#[derive(Clone, Debug)]
pub struct Argument(lab_types::Argument);

impl Argument {
    fn new(position: Position, name: &str, kind: Kind, about: &str) -> Self {
        Self(lab_types::Argument {
            name: name.to_owned(),
            position,
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
        })
    }
    /// `--name VALUE`, or a switch.
    pub fn flag(name: &str, kind: Kind, about: &str) -> Self {
        Self::new(Position::Flag, name, kind, about)
    }
    /// By place.
    pub fn positional(name: &str, kind: Kind, about: &str) -> Self {
        Self::new(Position::Positional, name, kind, about)
    }
    /// One letter, such as `t` for `-t`.
    #[must_use]
    pub fn short(mut self, letter: char) -> Self {
        self.0.short = Some(letter);
        self
    }
    /// Must be given.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.0.required = true;
        self
    }
    /// May be given more than once.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.0.repeated = true;
        self
    }
    /// Used when not given.
    #[must_use]
    pub fn default(mut self, value: &str) -> Self {
        self.0.default = Some(value.to_owned());
        self
    }
    /// The only values allowed.
    #[must_use]
    pub fn choices(mut self, values: &[&str]) -> Self {
        self.0.choices = values.iter().map(|&value| value.to_owned()).collect();
        self
    }
    /// Takes a command to run, each word as it is typed, behind `--` or where nothing is
    /// ambiguous; the last positional of its command.
    #[must_use]
    pub fn command(mut self) -> Self {
        self.0.command = true;
        self.0.repeated = true;
        self
    }
    /// A [`Kind::Path`] that may also be `helm:NAME` or `helm:NAMESPACE/NAME`: the values that were
    /// set for this Helm release, as one JSON object, in place of a file's text.
    #[must_use]
    pub fn release(mut self) -> Self {
        self.0.release = true;
        self
    }
    /// Completed with names of live objects, such as `("v1", "Pod")`.
    #[must_use]
    pub fn objects(mut self, api_version: &str, kind: &str) -> Self {
        self.0.complete =
            Some(Complete::Objects { api_version: api_version.to_owned(), kind: kind.to_owned() });
        self
    }
    /// Completed with names of hosts.
    #[must_use]
    pub fn hosts(mut self) -> Self {
        self.0.complete = Some(Complete::Hosts);
        self
    }
}

/// Hands a card to the host's builder.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub fn hand_over(card: Card, to: &crate::bindings::lab::plugin::card::Card) {
    use crate::bindings::lab::plugin::card as wit;
    let card = card.into_inner();
    to.about(&card.about);
    if let Some(url) = &card.homepage {
        to.homepage(url);
    }
    if let Some(spdx) = &card.license {
        to.license(spdx);
    }
    for command in &card.commands {
        let made = wit::Command::new(&command.path, &command.about);
        if let Some(text) = &command.long_about {
            made.long_about(text);
        }
        for example in &command.examples {
            made.example(&example.line, &example.about);
        }
        for argument in &command.arguments {
            made.add(make_argument(argument));
        }
        if command.live {
            made.live();
        }
        to.add(made);
    }
    for ask in &card.asks {
        to.ask(&ask.capability, &ask.scope, &ask.reason);
    }
    for explanation in &card.explanations {
        to.explain(&explanation.code, &explanation.text);
    }
}

#[cfg(target_arch = "wasm32")]
fn make_argument(argument: &lab_types::Argument) -> crate::bindings::lab::plugin::card::Argument {
    use crate::bindings::lab::plugin::card as wit;
    let kind = match argument.kind {
        Kind::Text => wit::Kind::Text,
        Kind::Integer => wit::Kind::Integer,
        Kind::Decimal => wit::Kind::Decimal,
        Kind::Boolean => wit::Kind::Boolean,
        Kind::Duration => wit::Kind::Duration,
        Kind::Path => wit::Kind::Path,
    };
    let made = match argument.position {
        Position::Flag => wit::Argument::flag(&argument.name, kind, &argument.about),
        Position::Positional => wit::Argument::positional(&argument.name, kind, &argument.about),
    };
    if let Some(letter) = argument.short {
        made.short(letter);
    }
    if argument.required {
        made.required();
    }
    if argument.repeated {
        made.repeated();
    }
    if let Some(value) = &argument.default {
        made.default(value);
    }
    if !argument.choices.is_empty() {
        made.choices(&argument.choices);
    }
    match &argument.complete {
        Some(Complete::Objects { api_version, kind }) => made.objects(api_version, kind),
        Some(Complete::Hosts) => made.hosts(),
        Some(Complete::Dynamic) => made.dynamic(),
        None => {}
    }
    if argument.command {
        made.command();
    }
    if argument.release {
        made.release();
    }
    made
}
