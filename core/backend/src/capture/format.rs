//! The JSON documents of the format `lab-capture/1`, as they are written and read.
//!
//! Unknown keys are ignored, so that later programs may add some without a new format.

use std::collections::BTreeMap;

use lab_types::Failure;
use lab_types::FailureKind;
use serde::Deserialize;
use serde::Serialize;

use crate::HostKind;
use crate::Place;
use crate::Question;

/// The format that is written.
pub(crate) const FORMAT: &str = "lab-capture/1";

/// `capture.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<String>,
    #[serde(default)]
    pub(crate) versions: BTreeMap<String, Option<String>>,
    pub(crate) hosts: Vec<HeadHost>,
    /// Kinds of which only a part was asked, by `apiVersion/Kind`; a kind that is not named
    /// here was recorded whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) selected: BTreeMap<String, Vec<Selected>>,
    /// Questions that were asked and got no answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing: Vec<Missing>,
}

/// A host in `capture.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HeadHost {
    pub(crate) name: String,
    pub(crate) kind: HostKind,
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
}

/// A part of a kind that was asked: every object that fits all that is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Selected {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fields: Option<String>,
}

/// A question without an answer: a command (`place`, `argv`) or objects (`kind`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<PlaceKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pod: Option<PodName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) argv: Vec<String>,
    /// `apiVersion/Kind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(flatten)]
    pub(crate) selected: Selected,
    pub(crate) failure: FailureKind,
    pub(crate) why: String,
}

/// One line of `commands.json` or `pods.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) place: PlaceKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pod: Option<PodName>,
    pub(crate) argv: Vec<String>,
    #[serde(default)]
    pub(crate) code: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) out: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) err: Option<String>,
    /// A file with one line for each line of the output: when it came, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stamps: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) truncated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
}

impl Entry {
    /// The files it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &String> {
        self.out.iter().chain(&self.err).chain(&self.stamps)
    }
}

/// The word of a place in the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PlaceKind {
    Host,
    Agent,
    Pod,
    Relay,
}

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PodName {
    pub(crate) namespace: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) container: Option<String>,
}

/// A place in the words of the format: kind, host, pod.
pub(crate) fn split(place: &Place) -> (PlaceKind, Option<String>, Option<PodName>) {
    match place {
        Place::Host { host } => (PlaceKind::Host, Some(host.clone()), None),
        Place::Agent { host } => (PlaceKind::Agent, Some(host.clone()), None),
        Place::Pod { namespace, name, container } => {
            let pod = PodName {
                namespace: namespace.clone(),
                name: name.clone(),
                container: container.clone(),
            };
            (PlaceKind::Pod, None, Some(pod))
        }
        Place::Relay => (PlaceKind::Relay, None, None),
    }
}

/// The place that the words of the format mean; `None` when they do not fit together.
pub(crate) fn join(kind: PlaceKind, host: Option<&str>, pod: Option<&PodName>) -> Option<Place> {
    Some(match kind {
        PlaceKind::Host => Place::Host { host: host?.to_owned() },
        PlaceKind::Agent => Place::Agent { host: host?.to_owned() },
        PlaceKind::Pod => {
            let PodName { namespace, name, container } = pod?.clone();
            Place::Pod { namespace, name, container }
        }
        PlaceKind::Relay => Place::Relay,
    })
}

impl Missing {
    /// A question about a kind, or about what is no command.
    pub(crate) fn of_kind(kind: &str, selected: Selected, failure: &Failure) -> Self {
        Self {
            place: None,
            host: None,
            pod: None,
            argv: Vec::new(),
            kind: Some(kind.to_owned()),
            selected,
            failure: failure.kind,
            why: failure.message.clone(),
        }
    }

    /// A command.
    pub(crate) fn of_command(question: &Question, failure: &Failure) -> Self {
        let (place, host, pod) = split(&question.place);
        Self {
            place: Some(place),
            host,
            pod,
            argv: question.argv.clone(),
            kind: None,
            ..Self::of_kind("", Selected::default(), failure)
        }
    }

    /// What they are sorted by in `capture.json`.
    pub(crate) fn order(&self) -> impl Ord + '_ {
        let command = (self.place, &self.host, &self.pod, &self.argv);
        (&self.kind, &self.selected, command, self.failure.as_str(), &self.why)
    }

    /// The command that it was, if it was one.
    pub(crate) fn question(&self) -> Option<Question> {
        let place = join(self.place?, self.host.as_deref(), self.pod.as_ref())?;
        Some(Question { place, argv: self.argv.clone() })
    }
}

/// A command as people write it, with its place: `ip -j rule on k8s-w0`.
pub(crate) fn shown(question: &Question) -> String {
    let on = match &question.place {
        Place::Host { host } => format!("on {host}"),
        Place::Agent { host } => format!("in the agent on {host}"),
        place @ Place::Pod { .. } => format!("in {place}"),
        Place::Relay => "at the relay".to_owned(),
    };
    format!("{} {on}", question.argv.join(" "))
}
