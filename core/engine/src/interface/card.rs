//! `interface card`: a plugin describes itself through builders.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use lab_types::Argument;
use lab_types::Ask;
use lab_types::Card;
use lab_types::Command;
use lab_types::Complete;
use lab_types::Example;
use lab_types::Explanation;
use lab_types::Kind;
use lab_types::Position;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::lab::plugin::card as wit;
use crate::state::Phase;
use crate::state::State;

/// The card being built; its data is in the state, for there is only one.
pub struct CardHandle;
/// A command being built.
#[derive(Default)]
pub struct CommandHandle(Command);
/// An argument being built.
pub struct ArgumentHandle(Argument);

impl State {
    fn card(&mut self) -> Result<&mut Card> {
        match &mut self.phase {
            Phase::Describing(card) => Ok(card),
            Phase::Running(_) => Err(wasmtime::Error::msg("the card is closed while running")),
        }
    }

    fn argument(&mut self, argument: &Resource<ArgumentHandle>) -> Result<&mut Argument> {
        Ok(&mut self.resources.get_mut(argument)?.0)
    }

    fn command(&mut self, command: &Resource<CommandHandle>) -> Result<&mut Command> {
        Ok(&mut self.resources.get_mut(command)?.0)
    }

    fn new_argument(
        &mut self,
        position: Position,
        name: String,
        kind: wit::Kind,
        about: String,
    ) -> Result<Resource<ArgumentHandle>> {
        let kind = match kind {
            wit::Kind::Text => Kind::Text,
            wit::Kind::Integer => Kind::Integer,
            wit::Kind::Decimal => Kind::Decimal,
            wit::Kind::Boolean => Kind::Boolean,
            wit::Kind::Duration => Kind::Duration,
            wit::Kind::Path => Kind::Path,
        };
        Ok(self.resources.push(ArgumentHandle(Argument {
            name,
            position,
            kind,
            about,
            short: None,
            required: false,
            repeated: false,
            default: None,
            choices: Vec::new(),
            complete: None,
            command: false,
            release: false,
        }))?)
    }
}

impl wit::Host for State {}

impl wit::HostArgument for State {
    fn flag(
        &mut self,
        name: String,
        kind: wit::Kind,
        about: String,
    ) -> Result<Resource<ArgumentHandle>> {
        self.new_argument(Position::Flag, name, kind, about)
    }
    fn positional(
        &mut self,
        name: String,
        kind: wit::Kind,
        about: String,
    ) -> Result<Resource<ArgumentHandle>> {
        self.new_argument(Position::Positional, name, kind, about)
    }
    fn short(&mut self, this: Resource<ArgumentHandle>, letter: char) -> Result<()> {
        self.argument(&this)?.short = Some(letter);
        Ok(())
    }
    fn required(&mut self, this: Resource<ArgumentHandle>) -> Result<()> {
        self.argument(&this)?.required = true;
        Ok(())
    }
    fn repeated(&mut self, this: Resource<ArgumentHandle>) -> Result<()> {
        self.argument(&this)?.repeated = true;
        Ok(())
    }
    fn default(&mut self, this: Resource<ArgumentHandle>, value: String) -> Result<()> {
        self.argument(&this)?.default = Some(value);
        Ok(())
    }
    fn choices(&mut self, this: Resource<ArgumentHandle>, values: Vec<String>) -> Result<()> {
        self.argument(&this)?.choices = values;
        Ok(())
    }
    fn objects(
        &mut self,
        this: Resource<ArgumentHandle>,
        api_version: String,
        kind: String,
    ) -> Result<()> {
        self.argument(&this)?.complete = Some(Complete::Objects { api_version, kind });
        Ok(())
    }
    fn hosts(&mut self, this: Resource<ArgumentHandle>) -> Result<()> {
        self.argument(&this)?.complete = Some(Complete::Hosts);
        Ok(())
    }
    fn command(&mut self, this: Resource<ArgumentHandle>) -> Result<()> {
        self.argument(&this)?.command = true;
        Ok(())
    }
    fn release(&mut self, this: Resource<ArgumentHandle>) -> Result<()> {
        self.argument(&this)?.release = true;
        Ok(())
    }
    fn dynamic(&mut self, this: Resource<ArgumentHandle>) -> Result<()> {
        self.argument(&this)?.complete = Some(Complete::Dynamic);
        Ok(())
    }
    fn drop(&mut self, this: Resource<ArgumentHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl wit::HostCommand for State {
    fn new(&mut self, path: Vec<String>, about: String) -> Result<Resource<CommandHandle>> {
        Ok(self.resources.push(CommandHandle(Command { path, about, ..Command::default() }))?)
    }
    fn long_about(&mut self, this: Resource<CommandHandle>, text: String) -> Result<()> {
        self.command(&this)?.long_about = Some(text);
        Ok(())
    }
    fn example(
        &mut self,
        this: Resource<CommandHandle>,
        line: String,
        about: String,
    ) -> Result<()> {
        self.command(&this)?.examples.push(Example { line, about });
        Ok(())
    }
    fn add(
        &mut self,
        this: Resource<CommandHandle>,
        argument: Resource<ArgumentHandle>,
    ) -> Result<()> {
        let argument = self.resources.delete(argument)?.0;
        self.command(&this)?.arguments.push(argument);
        Ok(())
    }
    fn live(&mut self, this: Resource<CommandHandle>) -> Result<()> {
        self.command(&this)?.live = true;
        Ok(())
    }
    fn drop(&mut self, this: Resource<CommandHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl wit::HostCard for State {
    fn about(&mut self, _: Resource<CardHandle>, text: String) -> Result<()> {
        self.card()?.about = text;
        Ok(())
    }
    fn homepage(&mut self, _: Resource<CardHandle>, url: String) -> Result<()> {
        self.card()?.homepage = Some(url);
        Ok(())
    }
    fn license(&mut self, _: Resource<CardHandle>, spdx: String) -> Result<()> {
        self.card()?.license = Some(spdx);
        Ok(())
    }
    fn add(&mut self, _: Resource<CardHandle>, command: Resource<CommandHandle>) -> Result<()> {
        let command = self.resources.delete(command)?.0;
        self.card()?.commands.push(command);
        Ok(())
    }
    fn ask(
        &mut self,
        _: Resource<CardHandle>,
        capability: String,
        scope: Vec<String>,
        reason: String,
    ) -> Result<()> {
        self.card()?.asks.push(Ask { capability, scope, reason });
        Ok(())
    }
    fn explain(&mut self, _: Resource<CardHandle>, code: String, text: String) -> Result<()> {
        self.card()?.explanations.push(Explanation { code, text });
        Ok(())
    }
    fn drop(&mut self, this: Resource<CardHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}
