//! What a plugin may ask: one function for every question, so that no path forgets it.
//!
//! A plugin's card names its questions. Built-in plugins are granted what their card asks by
//! being built in; a question that the card does not name is refused, whoever the plugin is.

use crate::Question;
use crate::Selection;
use crate::scope;
use crate::scope::CommandScope;
use crate::scope::PlaceWord;
use lab_types::Card;
use lab_types::Failure;

/// The questions that a card allows.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    kinds: Vec<String>,
    commands: Vec<CommandScope>,
}

impl Gate {
    /// Reads the asks of a card. Scopes that are not understood allow nothing.
    pub fn new(card: &Card) -> Self {
        Self {
            kinds: scope::kinds(card).map(|of| of.to_string()).collect(),
            commands: scope::commands(card).collect(),
        }
    }

    /// The kinds that may be read, as `v1/Node`.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(String::as_str)
    }

    /// The commands that may run: `host`, `agent` or `pod`, and the words, of which `*` is any.
    pub fn commands(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.commands.iter().map(|command| (command.place.as_str(), command.argv()))
    }

    /// Whether objects of a kind may be read.
    ///
    /// # Errors
    /// `denied`, saying what the card would have to name.
    pub fn objects(&self, of: &Selection) -> Result<(), Failure> {
        let wanted = of.to_string();
        // Secrets are never covered, whatever the card says.
        if of.kind != "Secret" && self.kinds.contains(&wanted) {
            return Ok(());
        }
        Err(Failure::denied(format!("the plugin's card does not ask for `{wanted}`")))
    }

    /// Whether a command may run: word for word, where `*` stands for any one word.
    ///
    /// # Errors
    /// As [`Gate::objects`].
    pub fn command(&self, question: &Question) -> Result<(), Failure> {
        let allowed = self.commands.iter().any(|command| command.covers(question));
        if allowed {
            return Ok(());
        }
        Err(Failure::denied(format!(
            "the plugin's card does not ask for `{}: {}`",
            PlaceWord::of(&question.place).as_str(),
            question.argv.join(" ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use lab_types::Ask;

    fn gate() -> Gate {
        let ask = |capability: &str, scope: &[&str]| Ask {
            capability: capability.into(),
            scope: scope.iter().map(|&word| word.to_owned()).collect(),
            reason: String::new(),
        };
        Gate::new(&Card {
            asks: vec![
                ask("cluster", &["v1/Node", "v1/Secret"]),
                ask("hosts", &["host: ip -j rule", "agent: cilium-dbg endpoint get *"]),
            ],
            ..Card::default()
        })
    }

    fn question(place: Place, argv: &[&str]) -> Question {
        Question { place, argv: argv.iter().map(|&word| word.to_owned()).collect() }
    }

    fn host() -> Place {
        Place::Host { host: "a".into() }
    }

    fn agent() -> Place {
        Place::Agent { host: "a".into() }
    }

    fn kind(api_version: &str, kind: &str) -> Selection {
        Selection { api_version: api_version.into(), kind: kind.into(), ..Selection::default() }
    }

    #[test]
    fn named_questions_pass() {
        assert!(gate().objects(&kind("v1", "Node")).is_ok());
        assert!(gate().command(&question(host(), &["ip", "-j", "rule"])).is_ok());
        let get = question(agent(), &["cilium-dbg", "endpoint", "get", "12"]);
        assert!(gate().command(&get).is_ok());
    }

    #[test]
    fn anything_else_is_denied_with_its_name() {
        let failure = gate().objects(&kind("v1", "Pod")).unwrap_err();
        assert!(failure.message.contains("`v1/Pod`"), "{failure}");
        for bad in [
            question(host(), &["ip", "-j", "rule", "flush"]),
            question(host(), &["ip", "-j"]),
            question(agent(), &["ip", "-j", "rule"]),
            question(agent(), &["cilium-dbg", "endpoint", "get", "12", "13"]),
        ] {
            assert!(gate().command(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_are_never_covered() {
        assert!(gate().objects(&kind("v1", "Secret")).is_err());
        assert_eq!(gate().kinds().collect::<Vec<_>>(), ["v1/Node"]);
    }
}
