//! What a plugin may ask: one function for every question, so that no path forgets it.
//!
//! A plugin's card names its questions. Built-in plugins are granted what their card asks by
//! being built in; a question that the card does not name is refused, whoever the plugin is.

use crate::Place;
use crate::Question;
use crate::Selection;
use lab_types::Card;
use lab_types::Failure;

/// The questions that a card allows.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    kinds: Vec<String>,
    commands: Vec<Command>,
}

#[derive(Clone, Debug)]
struct Command {
    place: String,
    argv: Vec<String>,
}

impl Gate {
    /// Reads the asks of a card. Scopes that are not understood allow nothing.
    pub fn new(card: &Card) -> Self {
        let mut gate = Self::default();
        for ask in &card.asks {
            match ask.capability.as_str() {
                "cluster" => gate.kinds.extend(ask.scope.iter().cloned()),
                "hosts" => gate.commands.extend(ask.scope.iter().filter_map(|scope| {
                    let (place, command) = scope.split_once(": ")?;
                    let argv = command.split_whitespace().map(str::to_owned).collect();
                    Some(Command { place: place.to_owned(), argv })
                })),
                _ => {}
            }
        }
        gate
    }

    /// Whether objects of a kind may be read.
    ///
    /// # Errors
    /// `denied`, saying what the card would have to name.
    pub fn objects(&self, of: &Selection) -> Result<(), Failure> {
        let wanted = of.to_string();
        // Secrets are never covered, whatever the card says: the interface is for reading a
        // cluster's shape.
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
        let place = match &question.place {
            Place::Host { .. } => "host",
            Place::Agent { .. } => "agent",
            Place::Pod { .. } => "pod",
        };
        let allowed = self.commands.iter().any(|command| {
            command.place == place
                && command.argv.len() == question.argv.len()
                && command
                    .argv
                    .iter()
                    .zip(&question.argv)
                    .all(|(may, word)| may == "*" || may == word)
        });
        if allowed {
            return Ok(());
        }
        Err(Failure::denied(format!(
            "the plugin's card does not ask for `{place}: {}`",
            question.argv.join(" ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    }
}
