//! Whether a capture is whole: every file that an index names is there and can be read, and
//! there is nothing in it that none names.

use std::collections::BTreeSet;

use super::reader::Capture;
use super::reader::Recorded;
use super::writer::lines;
use crate::files::path;
use crate::objects::Objects;
use crate::objects::metadata;
use crate::walk::lookup;

/// Something wrong with a file of a capture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// What is wrong, in a few words.
    pub what: String,
    /// What mends it.
    pub cure: String,
}

/// Cures; `capture add` writes everything anew that an index names.
const AGAIN: &str = "add the output again with `kubectl lab capture add`";
const OUT_AND_AGAIN: &str =
    "take the file out, then add the output again with `kubectl lab capture add`";
const OBJECTS_AGAIN: &str =
    "take the file out, then add the objects again with `kubectl lab capture add --objects`";
const DROPPED: &str = "the next `kubectl lab capture add` leaves it out";
const ANEW: &str = "make the capture again";

impl Capture {
    /// Everything that is wrong with it, by file; nothing is if the list is empty. That it
    /// could be opened already means that its head is right and that no name leaves it.
    pub fn verify(&self) -> Vec<Fault> {
        let names = self.files.names();
        let mut check = Check { capture: self, faults: Vec::new(), known: BTreeSet::new() };
        check.known.extend(["capture.json".to_owned(), "version.json".to_owned()]);
        if names.contains("version.json") {
            check.json("version.json");
        }
        for (folder, index, host) in self.indexes() {
            check.index(&folder, index, host);
        }
        for name in names.iter().filter(|name| name.starts_with("objects/")) {
            check.objects(name);
        }
        for name in &names {
            // `logs/<namespace>/<pod>/<container>.log`
            let is_log = name.starts_with("logs/")
                && name.matches('/').count() == 3
                && path::ends_in(name, "log");
            if is_log {
                if let Err(failure) = self.files.read(name) {
                    check.fault(name, failure.message, ANEW);
                }
            } else if !check.known.contains(name) {
                check.fault(name, "no index names it", DROPPED);
            }
        }
        for kind in self.head.selected.keys() {
            let name = format!("objects/{kind}.json");
            if !names.contains(&name) && !self.head.selected[kind].is_empty() {
                check.fault(
                    "capture.json",
                    format!("it selects {kind}, and there is no {name}"),
                    OBJECTS_AGAIN,
                );
            }
        }
        check.faults.sort();
        check.faults.dedup();
        check.faults
    }
}

struct Check<'a> {
    capture: &'a Capture,
    faults: Vec<Fault>,
    /// The files that something names.
    known: BTreeSet<String>,
}

impl Check<'_> {
    fn fault(&mut self, file: &str, what: impl Into<String>, cure: &str) {
        self.faults.push(Fault { file: file.to_owned(), what: what.into(), cure: cure.to_owned() });
    }

    /// Checks an index, and the files it names.
    fn index(&mut self, folder: &str, index: &str, host: Option<&str>) {
        let name = format!("{folder}{index}");
        self.known.insert(name.clone());
        let entries = match self.capture.entries(folder, index, host) {
            Ok(entries) => entries.unwrap_or_default(),
            Err(failure) => return self.fault(&name, failure.message, ANEW),
        };
        let mut seen = BTreeSet::new();
        for (question, recorded) in entries {
            let line = question.argv.join(" ");
            for file in recorded.entry.files() {
                if let Some(fault) = path::fault(file) {
                    self.fault(&name, format!("`{line}` names {file:?}: {fault}"), AGAIN);
                    continue;
                }
                let output = format!("{folder}{file}");
                self.known.insert(output.clone());
                match self.capture.files.read(&output) {
                    Ok(None) => {
                        self.fault(
                            &name,
                            format!("`{line}` names {file}, which is missing"),
                            AGAIN,
                        );
                    }
                    Ok(Some(bytes)) => {
                        let broken = path::ends_in(file, "json")
                            && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err();
                        if broken {
                            self.fault(&output, "it is not JSON", AGAIN);
                        }
                    }
                    Err(failure) => self.fault(&output, failure.message, OUT_AND_AGAIN),
                }
            }
            self.stamps(&recorded);
            if !seen.insert(question) {
                self.fault(&name, format!("`{line}` is in it twice"), "the first one counts; the next `kubectl lab capture add` leaves the others out");
            }
        }
    }

    /// Checks that there is a time for every line of a stream.
    fn stamps(&mut self, recorded: &Recorded) {
        let Some(file) = &recorded.entry.stamps else { return };
        let name = format!("{}{file}", recorded.folder);
        match (self.capture.stamps(recorded), self.capture.outcome(recorded)) {
            (Ok(Some(stamps)), Ok(outcome)) if stamps.len() != lines(&outcome.out) => {
                let (n_stamps, n_lines) = (stamps.len(), lines(&outcome.out));
                self.fault(
                    &name,
                    format!("it has {n_stamps} times for {n_lines} lines"),
                    OUT_AND_AGAIN,
                );
            }
            (Err(failure), _) if self.capture.files.has(&name) => {
                self.fault(&name, failure.message, OUT_AND_AGAIN);
            }
            _ => {}
        }
    }

    fn json(&mut self, name: &str) {
        let broken = self.capture.files.read_text(name).and_then(|text| {
            let text = text.unwrap_or_default();
            self.capture.files.parse::<serde::de::IgnoredAny>(name, &text)
        });
        if let Err(failure) = broken {
            self.fault(name, failure.message, OBJECTS_AGAIN);
        }
    }

    /// Checks a list of objects.
    fn objects(&mut self, name: &str) {
        self.known.insert(name.to_owned());
        let kind = name.strip_prefix("objects/").and_then(|name| name.strip_suffix(".json"));
        let Some((version, kind)) = kind.and_then(|kind| kind.rsplit_once('/')) else {
            return self.fault(name, "its name is not that of a kind", DROPPED);
        };
        if version.is_empty() || version.matches('/').count() > 1 {
            self.fault(name, "its name is not that of a kind", DROPPED);
        }
        let objects = self.capture.files.read_text(name).and_then(|text| {
            let text = text.unwrap_or_default();
            Objects::parse(text).map_err(|error| self.capture.files.malformed(name, &error))
        });
        let objects = match objects {
            Ok(objects) => objects,
            Err(failure) => return self.fault(name, failure.message, OBJECTS_AGAIN),
        };
        let mut seen = BTreeSet::new();
        for object in objects.all() {
            let own = lookup(object, &["kind".to_owned()]);
            if kind == "Secret" || own == Some("\"Secret\"") {
                self.fault(
                    name,
                    "there is a Secret in it",
                    "do not hand it on; the next `kubectl lab capture add` leaves the Secret out",
                );
            }
            let namespace = metadata(object, "namespace").unwrap_or_default();
            match metadata(object, "name") {
                None => self.fault(name, "an object in it has no name", OBJECTS_AGAIN),
                Some(own) if !seen.insert((namespace.clone(), own.clone())) => {
                    self.fault(name, format!("{namespace}/{own} is in it twice"), OBJECTS_AGAIN);
                }
                Some(_) => {}
            }
        }
    }
}
