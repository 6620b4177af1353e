//! What a recorder remembers, and how it becomes a capture.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use lab_types::Failure;
use lab_types::FailureKind;

use crate::About;
use crate::Answer;
use crate::Host;
use crate::HostKind;
use crate::Outcome;
use crate::Place;
use crate::Question;
use crate::Selection;
use crate::capture::Writer;
use crate::capture::format::Missing;
use crate::capture::format::Selected;
use crate::walk::lookup;

/// The answers so far. Of the same question the last answer counts, but a failure never takes
/// the place of an answer.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) hosts: Option<Answer<Vec<Host>>>,
    pub(super) version: Option<Answer<String>>,
    kinds: BTreeMap<(String, String), KindKept>,
    commands: BTreeMap<Question, (Answer<Arc<Outcome>>, u64)>,
    /// When the lines of streams came, in Unix milliseconds.
    stamps: BTreeMap<Question, Vec<u64>>,
    logs: BTreeMap<LogKey, Answer<String>>,
}

/// Namespace, pod, container, previous.
pub(super) type LogKey = (String, String, Option<String>, bool);

#[derive(Debug, Default)]
struct KindKept {
    /// By namespace and name.
    objects: BTreeMap<(String, String), String>,
    /// What was asked and answered to the end.
    answered: BTreeSet<Selected>,
    failed: BTreeMap<Selected, Failure>,
}

impl Kept {
    /// Remembers one more object.
    pub(super) fn object(&mut self, of: &Selection, object: &str) {
        if let Some(key) = key(object) {
            self.kind(of).objects.insert(key, object.to_owned());
        }
    }

    /// Forgets an object that is gone.
    pub(super) fn gone(&mut self, of: &Selection, object: &str) {
        if let Some(key) = key(object) {
            self.kind(of).objects.remove(&key);
        }
    }

    /// Remembers that a question about objects was asked, and how it ended.
    pub(super) fn asked(&mut self, of: &Selection, name: Option<&str>, answer: Answer<()>) {
        let asked = selected(of, name);
        let kind = self.kind(of);
        match answer {
            Ok(()) => {
                kind.failed.remove(&asked);
                kind.answered.insert(asked);
            }
            Err(failure) if !kind.answered.contains(&asked) => {
                kind.failed.insert(asked, failure);
            }
            Err(_) => {}
        }
    }

    fn kind(&mut self, of: &Selection) -> &mut KindKept {
        self.kinds.entry((of.api_version.clone(), of.kind.clone())).or_default()
    }

    /// Remembers a command.
    pub(super) fn command(&mut self, question: &Question, answer: Answer<Arc<Outcome>>, ms: u64) {
        let known = self.commands.get(question).is_some_and(|(answer, _)| answer.is_ok());
        if answer.is_ok() || !known {
            self.stamps.remove(question);
            self.commands.insert(question.clone(), (answer, ms));
        }
    }

    /// Remembers a command that went on, with the time of each line.
    pub(super) fn stream(
        &mut self,
        question: &Question,
        outcome: Arc<Outcome>,
        stamps: Vec<u64>,
        ms: u64,
    ) {
        self.command(question, Ok(outcome), ms);
        self.stamps.insert(question.clone(), stamps);
    }

    /// The commands that were asked.
    pub(super) fn questions(&self) -> impl Iterator<Item = &Question> {
        self.commands.keys()
    }

    /// How a command was answered, if it was.
    pub(super) fn answer(&self, question: &Question) -> Option<Outcome> {
        let (answer, _) = self.commands.get(question)?;
        answer.as_ref().ok().map(|outcome| Outcome::clone(outcome))
    }

    /// Remembers a log; of several the longest, because each is the end of the same text.
    pub(super) fn log(&mut self, key: LogKey, answer: &Answer<String>) {
        let longer = match (self.logs.get(&key), answer) {
            (Some(Ok(old)), Ok(new)) => new.len() >= old.len(),
            (Some(Ok(_)), Err(_)) => false,
            (Some(Err(_)) | None, _) => true,
        };
        if longer {
            self.logs.insert(key, answer.clone());
        }
    }

    /// Makes a capture of everything.
    pub(super) fn writer(&self, created: &str, about: &About) -> Answer<Writer> {
        let mut writer = Writer::new(created, about);
        let hosts = self.write_hosts(&mut writer)?;
        match &self.version {
            Some(Ok(version)) => writer.version(version.clone()),
            Some(Err(failure)) => {
                writer.missing(Missing::of_kind("version.json", Selected::default(), failure));
            }
            None => {}
        }
        for ((api_version, kind), kept) in &self.kinds {
            let of = Selection {
                api_version: api_version.clone(),
                kind: kind.clone(),
                ..Selection::default()
            };
            kept.write(&of, &mut writer);
        }
        self.write_commands(&hosts, &mut writer)?;
        for ((namespace, pod, container, previous), answer) in &self.logs {
            match answer {
                Ok(text) => writer.log(namespace, pod, container.as_deref(), *previous, text)?,
                Err(failure) => {
                    let what =
                        crate::capture::log_name(namespace, pod, container.as_deref(), *previous);
                    writer.missing(Missing::of_kind(&what, Selected::default(), failure));
                }
            }
        }
        Ok(writer)
    }

    /// Adds the hosts. When they could not be listed, those that were asked take their place
    /// in the capture, and the reason says that there may be more.
    fn write_hosts(&self, writer: &mut Writer) -> Answer<Vec<String>> {
        let hosts = match &self.hosts {
            Some(Ok(hosts)) => hosts.clone(),
            other => {
                if let Some(Err(failure)) = other {
                    writer.missing(Missing::of_kind("hosts", Selected::default(), failure));
                }
                let names: BTreeSet<_> =
                    self.commands.keys().filter_map(|q| q.place.host()).collect();
                let host = |name: &str| Host {
                    name: name.to_owned(),
                    kind: HostKind::Node,
                    addresses: Vec::new(),
                };
                names.into_iter().map(host).collect()
            }
        };
        for host in &hosts {
            writer.host(host)?;
        }
        Ok(hosts.into_iter().map(|host| host.name).collect())
    }

    fn write_commands(&self, hosts: &[String], writer: &mut Writer) -> Answer<()> {
        for (question, (answer, ms)) in &self.commands {
            match answer {
                Ok(outcome) => {
                    let node = self.node(&question.place).filter(|node| hosts.contains(node));
                    let node = node.as_deref();
                    writer.command(node, question, Arc::clone(outcome), Some(*ms))?;
                    if let Some(stamps) = self.stamps.get(question) {
                        writer.stamps(node, question, stamps.clone());
                    }
                }
                Err(failure) => {
                    writer.missing(Missing::of_command(question, failure));
                }
            }
        }
        Ok(())
    }

    /// The node of a pod, if the pod itself was recorded.
    fn node(&self, place: &Place) -> Option<String> {
        let Place::Pod { namespace, name, .. } = place else { return None };
        let pods = self.kinds.get(&("v1".to_owned(), "Pod".to_owned()))?;
        let pod = pods.objects.get(&(namespace.clone(), name.clone()))?;
        let path = ["spec".to_owned(), "nodeName".to_owned()];
        serde_json::from_str(lookup(pod, &path)?).ok()
    }
}

impl KindKept {
    fn write(&self, of: &Selection, writer: &mut Writer) {
        let kind = of.to_string();
        let mut written = Ok(());
        // A kind that was never answered gets no file: an empty list would be a lie.
        if !self.answered.is_empty() || !self.objects.is_empty() {
            written = writer.kind(of);
            for object in self.objects.values() {
                written = written.and_then(|()| writer.object(of, object));
            }
            if !self.answered.contains(&Selected::default()) {
                writer.only(kind.clone(), self.answered.iter().cloned());
            }
        }
        if let Err(failure) = written {
            // What is there is true, but it is not all.
            writer.only(kind.clone(), []);
            writer.missing(Missing::of_kind(&kind, Selected::default(), &failure));
        }
        for (selected, failure) in &self.failed {
            writer.missing(Missing::of_kind(&kind, selected.clone(), failure));
        }
    }
}

/// Namespace and name of an object; `None` for what has no name.
fn key(object: &str) -> Option<(String, String)> {
    let text = |key: &str| -> Option<String> {
        serde_json::from_str(lookup(object, &["metadata".to_owned(), key.to_owned()])?).ok()
    };
    Some((text("namespace").unwrap_or_default(), text("name")?))
}

fn selected(of: &Selection, name: Option<&str>) -> Selected {
    let full = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    Selected {
        namespace: of.namespace.clone(),
        name: name.map(str::to_owned),
        // One object by name is whole, whatever selectors came along.
        labels: if name.is_some() { None } else { full(&of.labels) },
        fields: if name.is_some() { None } else { full(&of.fields) },
    }
}

/// Whether a failure says something about the cluster. A run that was stopped does not.
pub(super) fn tells(failure: &Failure) -> bool {
    failure.kind != FailureKind::Stopped
}
