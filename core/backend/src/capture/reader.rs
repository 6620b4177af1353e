//! A capture as a [`Backend`]: answers what was recorded, and says so when it was not.
//!
//! Opening reads `capture.json` alone. An index of commands is read when the first question
//! for its host comes, an output when it is asked for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use futures::stream::BoxStream;
use lab_types::Failure;
use lab_types::FailureKind;

use super::format::Entry;
use super::format::Head;
use super::format::Missing;
use super::format::PlaceKind;
use super::format::join;
use super::format::shown;
use super::head;
use super::list::List;
use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Change;
use crate::Chunk;
use crate::Host;
use crate::Outcome;
use crate::Page;
use crate::Question;
use crate::Selection;
use crate::files::Files;
use crate::files::Limits;
use crate::files::path;
use crate::objects;
use crate::replay::replay;
use crate::replay::replay_file;
use crate::spelling;

/// A recorded cluster.
///
/// Every method may be called from many tasks at once: no lock is held while a file is read
/// or inflated.
#[derive(Debug)]
pub struct Capture {
    pub(super) files: Arc<Files>,
    pub(super) head: Head,
    /// What the line about the source calls it.
    source: String,
    /// One index per host of the head, read once.
    indexes: HashMap<String, OnceLock<Answer<Index>>>,
    /// The commands in pods, of all hosts together: a question for a pod names no host.
    pods: OnceLock<PodIndex>,
    pub(super) objects: Mutex<HashMap<String, Kind>>,
}

type Index = HashMap<Question, Arc<Recorded>>;
/// The lines of an index in their order.
type Entries = Vec<(Question, Arc<Recorded>)>;
pub(super) type Kind = Arc<OnceLock<Answer<Option<List>>>>;

/// Bytes from which an output is not read whole before it is replayed.
const LONG: u64 = 1 << 20;

/// A recorded command: the folder of its files, and its line in the index.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) folder: String,
    pub(super) entry: Entry,
}

#[derive(Debug, Default)]
struct PodIndex {
    entries: Index,
    /// Indexes that could not be read; the answer to what is found in none of the others.
    fault: Option<Failure>,
}

impl Capture {
    /// Opens a folder or a zip.
    pub fn open(path: impl AsRef<Path>) -> Answer<Self> {
        Self::open_with(path, Limits::default())
    }

    /// Opens a folder or a zip, with limits of one's own.
    pub fn open_with(path: impl AsRef<Path>, limits: Limits) -> Answer<Self> {
        Self::from_files(Files::open(path.as_ref(), limits)?)
    }

    /// Opens what was found to be a capture.
    pub(crate) fn from_files(files: Files) -> Answer<Self> {
        let source = format!("capture {}", files.short);
        Self::new(files, source)
    }

    /// Opens a zip that is part of the program.
    pub fn from_bytes(bytes: &'static [u8]) -> Answer<Self> {
        let name = "the built-in capture";
        Self::new(Files::from_bytes(name, bytes, Limits::default())?, name.to_owned())
    }

    /// Gives it another name in [`About::source`].
    #[must_use]
    pub fn named(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    fn new(mut files: Files, source: String) -> Answer<Self> {
        files.strict()?;
        if let Some(root) = head::root(&files) {
            files.enter(root);
        }
        let head = head::read(&files)?;
        let indexes = head.hosts.iter().map(|host| (host.name.clone(), OnceLock::new())).collect();
        let files = Arc::new(files);
        Ok(Self { files, head, source, indexes, pods: OnceLock::new(), objects: Mutex::default() })
    }

    /// Finds the record of a command.
    fn find(&self, question: &Question) -> Answer<Arc<Recorded>> {
        let found = if let Some(host) = question.place.host() {
            look_up(self.index(host)?, question)
        } else {
            let pods = self.pods.get_or_init(|| self.read_pods());
            match (look_up(&pods.entries, question), &pods.fault) {
                (None, Some(fault)) => return Err(fault.clone()),
                (found, _) => found,
            }
        };
        found.cloned().ok_or_else(|| {
            let why = self.head.missing.iter().find(|m| m.question().as_ref() == Some(question));
            unanswered(&shown(question), why)
        })
    }

    fn index(&self, host: &str) -> Answer<&Index> {
        let slot = self
            .indexes
            .get(host)
            .ok_or_else(|| Failure::unavailable(format!("not in this capture: host {host}")))?;
        let read = slot.get_or_init(|| {
            let entries = self.entries(&format!("hosts/{host}/"), "commands.json", Some(host))?;
            Ok(entries.unwrap_or_default().into_iter().rev().collect())
        });
        read.as_ref().map_err(Clone::clone)
    }

    fn read_pods(&self) -> PodIndex {
        let mut pods = PodIndex::default();
        for folder in self.pod_folders() {
            match self.entries(&folder, "pods.json", None) {
                Ok(entries) => pods.entries.extend(entries.unwrap_or_default().into_iter().rev()),
                Err(fault) => pods.fault = Some(fault),
            }
        }
        pods
    }

    /// The folders that may have a `pods.json`: each host's, and the one for pods whose host is
    /// not known.
    pub(super) fn pod_folders(&self) -> impl Iterator<Item = String> {
        let hosts = self.head.hosts.iter().map(|host| format!("hosts/{}/", host.name));
        hosts.chain(["pods/".to_owned()])
    }

    /// Reads an index of commands; `None` when there is none. Of the same question the first
    /// line counts.
    pub(super) fn entries(
        &self,
        folder: &str,
        name: &str,
        host: Option<&str>,
    ) -> Answer<Option<Entries>> {
        let name = format!("{folder}{name}");
        let Some(text) = self.files.read_text(&name)? else { return Ok(None) };
        let entries: Vec<Entry> = self.files.parse(&name, &text)?;
        let mut known = Vec::with_capacity(entries.len());
        for entry in entries {
            let place = match (entry.place, host) {
                (PlaceKind::Pod | PlaceKind::Relay, Some(_)) => None,
                (kind, host) => join(kind, host, entry.pod.as_ref()),
            };
            let Some(place) = place else {
                let cause =
                    format!("`{}` is in the wrong index, or names no pod", entry.argv.join(" "));
                return Err(self.files.unreadable(&name, &cause));
            };
            let question = Question { place, argv: entry.argv.clone() };
            known.push((question, Arc::new(Recorded { folder: folder.to_owned(), entry })));
        }
        Ok(Some(known))
    }

    /// Something that is no command and no object, and is not there.
    pub(super) fn lacks(&self, what: &str) -> Failure {
        unanswered(what, self.head.missing.iter().find(|m| m.kind.as_deref() == Some(what)))
    }

    /// When the lines of a stream came, in Unix milliseconds.
    pub(super) fn stamps(&self, recorded: &Recorded) -> Answer<Option<Vec<u64>>> {
        let Some(file) = &recorded.entry.stamps else { return Ok(None) };
        let bytes = self.output(recorded, file)?;
        let stamps = std::str::from_utf8(&bytes).ok().and_then(|text| {
            text.lines().map(|line| line.parse().ok()).collect::<Option<Vec<u64>>>()
        });
        let name = format!("{}{file}", recorded.folder);
        stamps.map(Some).ok_or_else(|| self.files.unreadable(&name, "a line is not a number"))
    }

    fn output(&self, recorded: &Recorded, file: &str) -> Answer<Vec<u8>> {
        let name = self.name(recorded, file)?;
        self.files.read(&name)?.ok_or_else(|| self.files.unreadable(&name, "no such file"))
    }

    /// The whole name of an output's file.
    fn name(&self, recorded: &Recorded, file: &str) -> Answer<String> {
        let name = format!("{}{file}", recorded.folder);
        match path::fault(file) {
            Some(fault) => Err(self.files.unreadable(&format!("{name:?}"), fault)),
            None => Ok(name),
        }
    }

    /// What a command printed, piece by piece. A long one is read while it is taken.
    fn replayed(&self, recorded: &Recorded) -> Answer<BoxStream<'static, Chunk>> {
        let entry = &recorded.entry;
        let stamps = self.stamps(recorded)?.unwrap_or_default();
        if let Some(out) = &entry.out {
            let name = self.name(recorded, out)?;
            if self.files.size(&name).is_some_and(|size| size > LONG) {
                let err = entry.err.as_ref().map(|file| self.output(recorded, file)).transpose()?;
                return Ok(replay_file(
                    self.files.clone(),
                    name,
                    err.unwrap_or_default(),
                    entry.code,
                    stamps,
                ));
            }
        }
        Ok(replay(self.outcome(recorded)?, stamps))
    }

    /// Reads what a command printed.
    pub(super) fn outcome(&self, recorded: &Recorded) -> Answer<Outcome> {
        let entry = &recorded.entry;
        let read = |file: Option<&String>| -> Answer<Vec<u8>> {
            file.map_or_else(|| Ok(Vec::new()), |file| self.output(recorded, file))
        };
        Ok(Outcome {
            code: entry.code,
            out: read(entry.out.as_ref())?,
            err: read(entry.err.as_ref())?,
            truncated: entry.truncated,
        })
    }
}

/// The record of a question, or of another spelling of it.
fn look_up<'i>(index: &'i Index, question: &Question) -> Option<&'i Arc<Recorded>> {
    index.get(question).or_else(|| {
        let same = index.iter().filter(|(recorded, _)| {
            recorded.place == question.place && spelling::is_same(&recorded.argv, &question.argv)
        });
        // Of several the same one every time.
        same.min_by(|(one, _), (other, _)| one.argv.cmp(&other.argv)).map(|(_, found)| found)
    })
}

/// A question that the capture does not answer, with the reason if it was recorded. What the
/// cluster did not have is not there either when a capture is asked.
pub(super) fn unanswered(what: &str, why: Option<&Missing>) -> Failure {
    match why {
        Some(missing) if missing.failure == FailureKind::NotFound => {
            Failure::not_found(missing.why.clone())
        }
        // Recorded from a capture or a sysdump that did not have it either.
        Some(missing)
            if missing.failure == FailureKind::Unavailable
                && missing.why.starts_with("not in this ") =>
        {
            Failure::unavailable(missing.why.clone())
        }
        Some(missing) => {
            let kind = missing.failure.as_str();
            let why =
                if missing.why.is_empty() { String::new() } else { format!(": {}", missing.why) };
            Failure::unavailable(format!(
                "not in this capture: {what}: {kind} when it was made{why}"
            ))
        }
        None => Failure::unavailable(format!("not in this capture: {what}")),
    }
}

impl Backend for Capture {
    fn about(&self) -> About {
        let versions = self.head.versions.iter();
        About {
            source: self.source.clone(),
            created: self.head.created.clone(),
            context: self.head.context.clone(),
            versions: versions.filter_map(|(of, v)| Some((of.clone(), v.clone()?))).collect(),
            parts: self.head.selected.keys().cloned().collect(),
        }
    }

    fn is_recorded(&self) -> bool {
        true
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        let hosts = self.head.listed();
        let unlisted = self.head.missing.iter().any(|m| m.kind.as_deref() == Some("hosts"));
        Box::pin(async move { if unlisted { Err(self.lacks("hosts")) } else { Ok(hosts) } })
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        Box::pin(async move {
            let version = self.files.read_text("version.json")?;
            version.ok_or_else(|| self.lacks("version.json"))
        })
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async move {
            let found = |list: &List| objects::get(of, name, |place| list.nth(place));
            self.ask(of, Some(name), |list, covered| match found(list)? {
                Some(object) => Ok(object),
                None if covered => Err(Failure::not_found(format!("{of} {name} not found"))),
                None => Err(self.no_objects(of, Some(name))),
            })
        })
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        Box::pin(async move { self.page(of, limit, more.as_deref()) })
    }

    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async move { self.log(namespace, pod, container, lines, previous) })
    }

    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        Box::pin(async move { self.outcome(&*self.find(question)?) })
    }

    /// Replays what was recorded as fast as it is taken: first the output, cut at ends of
    /// lines, then the errors.
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        Box::pin(async move { self.replayed(&*self.find(&question)?) })
    }

    /// Hands over everything that was recorded; nothing can change afterwards.
    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        Box::pin(async move {
            let added = self.everything(&of)?.into_iter().map(Change::Added);
            let changes: Vec<_> = added.chain([Change::Synced]).map(Ok).collect();
            Ok(stream::iter(changes).boxed())
        })
    }
}
