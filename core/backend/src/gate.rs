//! What a plugin may ask: one function for every question, so that no path forgets it.
//!
//! A plugin's card names its questions. Built-in plugins are granted what their card asks by
//! being built in; a question that the card does not name is refused, whoever the plugin is.
//! A card that names any command (`**`) gets commands that are known to only read; for every
//! other one the user is asked, by the program and not by the plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::lock::Mutex;
use lab_types::Card;
use lab_types::Failure;

use crate::Answer;
use crate::Consent;
use crate::NoConsent;
use crate::Question;
use crate::Selection;
use crate::Wish;
use crate::read_only::only_reads;
use crate::scope;
use crate::scope::CommandScope;
use crate::scope::PlaceWord;

/// The questions that a card allows, and the user's word on those that it leaves open.
#[derive(Clone)]
pub struct Gate {
    kinds: Vec<String>,
    commands: Vec<CommandScope>,
    consent: Arc<dyn Consent>,
    /// What the user said of each command, so that nobody is asked twice.
    told: Arc<Mutex<Told>>,
}

type Told = BTreeMap<(PlaceWord, Vec<String>), Answer<()>>;

/// What a card says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may run: the card has it word for word, or it is known to only read.
    Granted,
    /// It may run if the user agrees to exactly these words.
    WithConsent,
}

impl Gate {
    /// Reads the asks of a card. Scopes that are not understood allow nothing. Nobody is there
    /// to be asked until [`Gate::asking`] says who.
    pub fn new(card: &Card) -> Self {
        Self {
            kinds: scope::kinds(card).map(|of| of.to_string()).collect(),
            commands: scope::commands(card).collect(),
            consent: Arc::new(NoConsent),
            told: Arc::default(),
        }
    }

    /// Says who is asked for consent.
    #[must_use]
    pub fn asking(self, consent: Arc<dyn Consent>) -> Self {
        Self { consent, ..self }
    }

    /// The kinds that may be read, as `v1/Node`.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(String::as_str)
    }

    /// The commands that may run: `host`, `agent`, `pod` or `relay`, and the words, of which `*` is any,
    /// and `**` any number of them.
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

    /// Whether a command may run: word for word, where `*` stands for any one word and `**` at
    /// the end for any more. What fits only the latter has to be known to only read, or needs
    /// consent.
    ///
    /// # Errors
    /// As [`Gate::objects`].
    pub fn command(&self, question: &Question) -> Answer<Permission> {
        let fitting = || self.commands.iter().filter(|command| command.covers(question));
        if fitting().any(|command| !command.is_open()) {
            return Ok(Permission::Granted);
        }
        if fitting().next().is_none() {
            return Err(Failure::denied(format!(
                "the plugin's card does not ask for `{}: {}`",
                PlaceWord::of(&question.place).as_str(),
                question.argv.join(" ")
            )));
        }
        let reads = only_reads(&question.argv);
        Ok(if reads { Permission::Granted } else { Permission::WithConsent })
    }

    /// The questions that may be asked, each or why not, after the user was asked once for every
    /// command that needs it. Until this is done nothing may run.
    ///
    /// # Errors
    /// The user refuses a command, or cannot be asked: then none of them may run.
    pub async fn admit(&self, questions: Vec<Question>) -> Answer<Vec<Answer<Question>>> {
        let permissions: Vec<Answer<Permission>> =
            questions.iter().map(|question| self.command(question)).collect();
        let mut wishes: BTreeMap<(PlaceWord, &[String]), usize> = BTreeMap::new();
        for (question, permission) in questions.iter().zip(&permissions) {
            if matches!(permission, Ok(Permission::WithConsent)) {
                *wishes.entry((PlaceWord::of(&question.place), &question.argv)).or_default() += 1;
            }
        }
        if !wishes.is_empty() {
            // Held while the user thinks: two questions at once would read each other's answer.
            let mut told = self.told.lock().await;
            for ((place, argv), places) in wishes {
                let argv = argv.to_vec();
                let wish = Wish { place: place.as_str(), argv: argv.clone(), places };
                let answer = match told.get(&(place, argv.clone())) {
                    Some(answer) => answer.clone(),
                    None => self.consent.ask(&wish).await,
                };
                told.insert((place, argv), answer.clone());
                answer?;
            }
        }
        let admitted = questions.into_iter().zip(permissions);
        Ok(admitted.map(|(question, permission)| permission.map(|_| question)).collect())
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
                ask("hosts", &["pod: **", "pod: ls *", "pod: crictl **"]),
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

    fn pod() -> Place {
        Place::Pod { namespace: "n".into(), name: "p".into(), container: None }
    }

    /// Notes what it is asked, and answers as it is told.
    #[derive(Default)]
    struct Notes {
        asked: std::sync::Mutex<Vec<Wish>>,
        refuses: bool,
    }

    impl Consent for Notes {
        fn ask<'a>(&'a self, wish: &'a Wish) -> futures::future::BoxFuture<'a, Answer<()>> {
            self.asked.lock().unwrap().push(wish.clone());
            let refusal = Failure::denied("no");
            Box::pin(async move { if self.refuses { Err(refusal) } else { Ok(()) } })
        }
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

    #[test]
    fn any_command_is_granted_if_it_only_reads_and_else_needs_consent() {
        let ask = |argv: &[&str]| gate().command(&question(pod(), argv));
        assert_eq!(ask(&["ip", "addr"]), Ok(Permission::Granted));
        assert_eq!(ask(&["ip", "addr", "add", "10.0.0.1/8"]), Ok(Permission::WithConsent));
        assert_eq!(ask(&["rm", "-rf", "/"]), Ok(Permission::WithConsent));
        // Named beside it, so granted whatever it does.
        assert_eq!(ask(&["ls", "/tmp"]), Ok(Permission::Granted));
        assert_eq!(ask(&["ls", "-l", "/tmp"]), Ok(Permission::WithConsent));
        assert!(ask(&[]).is_err(), "no command at all");
        // Only where the card says so.
        assert!(gate().command(&question(host(), &["ip", "addr"])).is_err());
    }

    #[test]
    fn words_in_front_of_any_others_have_to_fit() {
        let card = |scope: &str| Card {
            asks: vec![Ask {
                capability: "hosts".into(),
                scope: vec![scope.into()],
                reason: String::new(),
            }],
            ..Card::default()
        };
        let may = |scope: &str, argv: &[&str]| {
            Gate::new(&card(scope)).command(&question(host(), argv)).ok()
        };
        assert_eq!(may("host: crictl **", &["crictl", "rm", "x"]), Some(Permission::WithConsent));
        assert_eq!(may("host: crictl **", &["crictl"]), None);
        assert_eq!(may("host: crictl **", &["ctr", "rm", "x"]), None);
        // A double star is special at the end alone.
        assert_eq!(may("host: a ** b", &["a", "x", "b"]), None);
        assert_eq!(may("host: a ** b", &["a", "x", "y", "b"]), None);
    }

    #[test]
    fn consent_is_asked_once_for_each_command_with_the_number_of_places() {
        let notes = Arc::new(Notes::default());
        let gate = gate().asking(notes.clone());
        let questions = || {
            vec![
                question(pod(), &["reboot"]),
                question(pod(), &["ip", "addr"]),
                question(pod(), &["reboot"]),
                question(host(), &["reboot"]),
            ]
        };
        let admitted = futures::executor::block_on(gate.admit(questions())).unwrap();
        let may: Vec<bool> = admitted.iter().map(Result::is_ok).collect();
        assert_eq!(may, [true, true, true, false], "the card has no `host: reboot`");
        futures::executor::block_on(gate.admit(questions())).unwrap();
        let argv = vec!["reboot".to_owned()];
        assert_eq!(*notes.asked.lock().unwrap(), [Wish { place: "pod", argv, places: 2 }]);
    }

    #[test]
    fn a_refusal_holds_for_all_and_is_remembered() {
        let notes = Arc::new(Notes { refuses: true, ..Notes::default() });
        let gate = gate().asking(notes.clone());
        for _ in 0..2 {
            let questions = vec![question(pod(), &["ip", "addr"]), question(pod(), &["reboot"])];
            assert!(futures::executor::block_on(gate.admit(questions)).is_err());
        }
        assert_eq!(notes.asked.lock().unwrap().len(), 1);
    }

    #[test]
    fn nobody_to_ask_is_a_refusal() {
        let questions = vec![question(pod(), &["reboot"])];
        assert!(futures::executor::block_on(gate().admit(questions)).is_err());
    }
}
