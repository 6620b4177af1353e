//! What a card asks of hosts and of the cluster, read from its scopes: the one place that knows
//! how they are written.
//!
//! ```text
//! v1/Node                                          a kind
//! host: ip -j rule                                 a command, word for word
//! agent: cilium-dbg endpoint get *                 `*` stands for any one word
//! host: **                                         any command: what is not known to only read
//!                                                  needs the user's consent
//! host: ip -j rule | ip -d rule | ip rule          forms of one question, best first
//! agent: cilium-dbg monitor -j &                   a command that goes on until it is stopped
//! relay: hubble observe --follow -o jsonpb &       a question to the relay of all agents
//! ```
//!
//! A plugin asks the first form alone. The others are for captures: who has only pasted text, or
//! a sysdump, has it in another form, and the plugin reads every form that its card names.

use futures::stream::BoxStream;
use lab_types::Card;
use lab_types::FailureKind;

use crate::Answer;
use crate::Backend;
use crate::Chunk;
use crate::Outcome;
use crate::Place;
use crate::Question;
use crate::Selection;

/// Which kind of place a command runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PlaceWord {
    Host,
    Agent,
    Pod,
    Relay,
}

impl PlaceWord {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "host" => Self::Host,
            "agent" => Self::Agent,
            "pod" => Self::Pod,
            "relay" => Self::Relay,
            _ => return None,
        })
    }

    pub(crate) fn of(place: &Place) -> Self {
        match place {
            Place::Host { .. } => Self::Host,
            Place::Agent { .. } => Self::Agent,
            Place::Pod { .. } => Self::Pod,
            Place::Relay => Self::Relay,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Agent => "agent",
            Self::Pod => "pod",
            Self::Relay => "relay",
        }
    }
}

/// One command that a card asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CommandScope {
    pub(crate) place: PlaceWord,
    /// Its words, best form first; never empty, and no form is.
    forms: Vec<Vec<String>>,
    /// Whether it goes on until it is stopped, so that nobody can wait for its end.
    pub(crate) is_stream: bool,
}

impl CommandScope {
    pub(crate) fn parse(scope: &str) -> Option<Self> {
        let (place, commands) = scope.split_once(": ")?;
        let (commands, is_stream) = match commands.strip_suffix(" &") {
            Some(commands) => (commands, true),
            None => (commands, false),
        };
        let words = |form: &str| form.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let forms: Vec<Vec<String>> = commands.split(" | ").map(words).collect();
        let whole = forms.iter().all(|form| !form.is_empty());
        whole.then_some(Self { place: PlaceWord::parse(place)?, forms, is_stream })
    }

    /// The words that the plugin asks.
    pub(crate) fn argv(&self) -> &[String] {
        &self.forms[0]
    }

    /// Whether any words may follow those it names.
    pub(crate) fn is_open(&self) -> bool {
        self.argv().last().is_some_and(|word| word == "**")
    }

    /// Whether it names every word, so that it can be asked without the plugin.
    pub(crate) fn is_whole(&self) -> bool {
        let named = self.argv().iter().all(|word| word != "*");
        !matches!(self.place, PlaceWord::Pod | PlaceWord::Relay) && named && !self.is_open()
    }

    /// Whether a question is this one.
    pub(crate) fn covers(&self, question: &Question) -> bool {
        let named = &self.argv()[..self.argv().len() - usize::from(self.is_open())];
        let n_words = question.argv.len();
        let enough = if self.is_open() { n_words > named.len() } else { n_words == named.len() };
        self.place == PlaceWord::of(&question.place)
            && enough
            && named.iter().zip(&question.argv).all(|(may, word)| may == "*" || may == word)
    }

    /// The other forms of a question that it covers, best first.
    pub(crate) fn others(&self, question: &Question) -> impl Iterator<Item = Question> {
        let stars = self.argv().iter().zip(&question.argv).filter(|(may, _)| *may == "*");
        let stars: Vec<&String> = stars.map(|(_, word)| word).collect();
        self.forms[1..].iter().map(move |form| {
            let mut stars = stars.iter();
            let word = |word: &String| match word.as_str() {
                "*" => stars.next().map_or_else(|| word.clone(), |star| (*star).clone()),
                _ => word.clone(),
            };
            Question { place: question.place.clone(), argv: form.iter().map(word).collect() }
        })
    }
}

impl CommandScope {
    /// Starts a command that it covers; of what was recorded also its other forms.
    pub(crate) async fn start(
        &self,
        backend: &dyn Backend,
        question: Question,
    ) -> Answer<BoxStream<'static, Chunk>> {
        let first = backend.start(question.clone()).await;
        let is_absent =
            first.as_ref().is_err_and(|failure| failure.kind == FailureKind::Unavailable);
        if backend.is_recorded() && is_absent {
            for other in self.others(&question) {
                if let Ok(stream) = backend.start(other).await {
                    return Ok(stream);
                }
            }
        }
        first
    }

    /// Asks a question that it covers; of what was recorded also its other forms.
    pub(crate) async fn ask(&self, backend: &dyn Backend, question: &Question) -> Answer<Outcome> {
        let first = backend.run(question).await;
        let is_absent = |answer: &Answer<Outcome>| {
            answer.as_ref().is_err_and(|failure| failure.kind == FailureKind::Unavailable)
        };
        if backend.is_recorded() && is_absent(&first) {
            for other in self.others(question) {
                if let Ok(outcome) = backend.run(&other).await {
                    return Ok(outcome);
                }
            }
        }
        // What was asked is named, not the last of its forms.
        first
    }
}

impl std::fmt::Display for CommandScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place.as_str(), self.argv().join(" "))
    }
}

/// The commands of a card; what is not understood is left out.
pub(crate) fn commands(card: &Card) -> impl Iterator<Item = CommandScope> {
    scopes(card, "hosts").filter_map(CommandScope::parse)
}

/// The kinds of a card, Secrets never.
pub(crate) fn kinds(card: &Card) -> impl Iterator<Item = Selection> {
    scopes(card, "cluster").filter_map(|scope| {
        let (api_version, kind) = scope.rsplit_once('/')?;
        // The interface is for reading a cluster's shape.
        (kind != "Secret").then(|| Selection {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            ..Selection::default()
        })
    })
}

fn scopes<'c>(card: &'c Card, capability: &'static str) -> impl Iterator<Item = &'c str> {
    let asks = card.asks.iter().filter(move |ask| ask.capability == capability);
    asks.flat_map(|ask| ask.scope.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(line: &str) -> Question {
        let argv = line.split(' ').map(str::to_owned).collect();
        Question { place: Place::Host { host: "a".into() }, argv }
    }

    fn others(scope: &str, line: &str) -> Vec<String> {
        let scope = CommandScope::parse(scope).unwrap();
        assert!(scope.covers(&question(line)), "{scope}");
        scope.others(&question(line)).map(|other| other.argv.join(" ")).collect()
    }

    #[test]
    fn forms_are_read_in_their_order() {
        assert_eq!(others("host: ip -j rule | ip -d rule | ip rule", "ip -j rule").len(), 2);
        assert_eq!(
            others(
                "host: ip -j route show table * | ip route show table *",
                "ip -j route show table 9"
            ),
            ["ip route show table 9"]
        );
        assert_eq!(others("host: a * * | b * x *", "a 1 2"), ["b 1 x 2"]);
        assert_eq!(others("host: a | b *", "a"), ["b *"]);
    }

    #[test]
    fn only_the_first_form_is_asked() {
        let scope = CommandScope::parse("host: ip -j rule | ip rule").unwrap();
        assert!(!scope.covers(&question("ip rule")));
        assert_eq!(scope.to_string(), "host: ip -j rule");
    }

    #[test]
    fn an_open_scope_covers_whatever_follows_its_words() {
        let covers =
            |scope: &str, line: &str| CommandScope::parse(scope).unwrap().covers(&question(line));
        assert!(covers("host: **", "reboot") && covers("host: **", "ip -j rule"));
        assert!(covers("host: crictl **", "crictl ps -a"));
        assert!(!covers("host: crictl **", "ctr ps") && !covers("host: crictl **", "crictl"));
        assert!(!covers("agent: **", "reboot"));
        // Special at the end alone.
        assert!(!covers("host: a ** b", "a x b"));
        assert!(!CommandScope::parse("host: **").unwrap().is_whole());
    }

    #[test]
    fn scopes_that_make_no_sense_ask_nothing() {
        for scope in ["", "host", "host: ", "host: a | ", "moon: ip rule", "host:ip rule"] {
            assert_eq!(CommandScope::parse(scope), None, "{scope}");
        }
    }

    #[test]
    fn what_goes_on_is_marked_and_has_forms_too() {
        let scope = CommandScope::parse("agent: cilium-dbg monitor -j | cilium-dbg monitor &");
        let scope = scope.unwrap();
        assert!(scope.is_stream);
        assert_eq!(scope.argv().join(" "), "cilium-dbg monitor -j");
        assert!(!CommandScope::parse("agent: a b").unwrap().is_stream);
        assert_eq!(CommandScope::parse("agent:  &"), None);
    }

    #[test]
    fn holes_and_pods_need_the_plugin() {
        let is_whole = |scope: &str| CommandScope::parse(scope).unwrap().is_whole();
        assert!(is_whole("host: ip rule") && is_whole("agent: x | y *"));
        assert!(!is_whole("agent: x get *") && !is_whole("pod: ip addr"));
    }
}
