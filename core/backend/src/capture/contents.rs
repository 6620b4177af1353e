//! What is in a capture, for people who want to know before they ask it.

use std::collections::BTreeMap;

use lab_types::FailureKind;

use super::format::Missing;
use super::format::join;
use super::format::shown;
use super::reader::Capture;
use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Host;
use crate::Place;
use crate::objects::Objects;

/// What a capture holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Where it is from, when it was made, and of which versions.
    pub about: About,
    /// Hosts, nodes first.
    pub hosts: Vec<Host>,
    /// Kinds of objects by name.
    pub kinds: Vec<KindContents>,
    /// Commands, by host; those in pods of unknown hosts last.
    pub commands: Vec<CommandContents>,
    /// Logs by file, with their bytes.
    pub logs: BTreeMap<String, u64>,
    /// Questions that got no answer.
    pub missing: Vec<MissingContents>,
    /// How many files it has.
    pub n_files: usize,
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
}

/// The objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindContents {
    /// `v1/Node`.
    pub kind: String,
    /// How many there are.
    pub count: usize,
    /// Bytes of their file.
    pub bytes: u64,
    /// Only a part of the kind was asked.
    pub is_part: bool,
}

/// One recorded command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandContents {
    /// Where it ran.
    pub place: Place,
    /// Its words.
    pub argv: Vec<String>,
    /// Its exit status.
    pub code: i32,
    /// Bytes of its output and of its errors.
    pub bytes: u64,
    /// The output was cut.
    pub truncated: bool,
    /// How long it took.
    pub ms: Option<u64>,
}

/// A question without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingContents {
    /// What was asked.
    pub what: String,
    /// How it failed.
    pub failure: FailureKind,
    /// Why.
    pub why: String,
}

impl Capture {
    /// What is in it. Lists are read to count their objects, outputs are not.
    pub fn contents(&self) -> Answer<Contents> {
        let names = self.files.names();
        let size = |name: &str| self.files.size(name).unwrap_or(0);
        let mut contents = Contents {
            about: self.about(),
            hosts: self.head.listed(),
            missing: self.head.missing.iter().map(missing).collect(),
            n_files: names.len(),
            bytes: names.iter().map(|name| size(name)).sum(),
            ..Contents::default()
        };
        for name in &names {
            if let Some(kind) = name.strip_prefix("objects/").and_then(|n| n.strip_suffix(".json"))
            {
                let text = self.files.read_text(name)?.unwrap_or_default();
                let objects =
                    Objects::parse(text).map_err(|error| self.files.malformed(name, &error))?;
                contents.kinds.push(KindContents {
                    kind: kind.to_owned(),
                    count: objects.all().count(),
                    bytes: size(name),
                    is_part: self.head.selected.contains_key(kind),
                });
            } else if name.starts_with("logs/") {
                contents.logs.insert(name.clone(), size(name));
            }
        }
        for (folder, index, host) in self.indexes() {
            for (question, recorded) in self.entries(&folder, index, host)?.unwrap_or_default() {
                let entry = &recorded.entry;
                let outputs = entry.files();
                contents.commands.push(CommandContents {
                    place: question.place,
                    argv: question.argv,
                    code: entry.code,
                    bytes: outputs.map(|file| size(&format!("{folder}{file}"))).sum(),
                    truncated: entry.truncated,
                    ms: entry.ms,
                });
            }
        }
        Ok(contents)
    }

    /// Every index that there may be: its folder, its name, and the host it is of.
    pub(super) fn indexes(&self) -> impl Iterator<Item = (String, &'static str, Option<&str>)> {
        let hosts = self.head.hosts.iter().flat_map(|host| {
            let folder = format!("hosts/{}/", host.name);
            [
                (folder.clone(), "commands.json", Some(host.name.as_str())),
                (folder, "pods.json", None),
            ]
        });
        hosts.chain([("pods/".to_owned(), "pods.json", None)])
    }
}

fn missing(missing: &Missing) -> MissingContents {
    let place =
        missing.place.and_then(|kind| join(kind, missing.host.as_deref(), missing.pod.as_ref()));
    let what = match (place, &missing.kind) {
        (Some(place), _) => shown(&crate::Question { place, argv: missing.argv.clone() }),
        (None, Some(kind)) => {
            let parts = &missing.selected;
            let parts = [&parts.namespace, &parts.name, &parts.labels, &parts.fields];
            let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            if parts.is_empty() { kind.clone() } else { format!("{kind} ({})", parts.join(", ")) }
        }
        (None, None) => missing.argv.join(" "),
    };
    MissingContents { what, failure: missing.failure, why: missing.why.clone() }
}
