//! Collects answers and makes a capture of them.
//!
//! What is written depends on what was collected and on nothing else: not on the order in
//! which it came, nor on the clock. So a capture that is read and written again has the same
//! bytes, and two captures can be compared with `diff`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lab_types::Failure;
use serde::Serialize;

use super::format::Entry;
use super::format::FORMAT;
use super::format::Head;
use super::format::HeadHost;
use super::format::Missing;
use super::format::PlaceKind;
use super::format::Selected;
use super::format::split;
use super::logs;
use super::naming::Names;
use super::save;
use crate::About;
use crate::Answer;
use crate::Host;
use crate::HostKind;
use crate::Outcome;
use crate::Question;
use crate::Redaction;
use crate::Selection;
use crate::files::path;
use crate::json::pretty;
use crate::objects::metadata;
use crate::project::members;

/// A capture in the making.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    pub(super) created: Option<String>,
    context: Option<String>,
    versions: BTreeMap<String, Option<String>>,
    pub(super) hosts: BTreeMap<(bool, String), Vec<String>>,
    /// By `apiVersion` and kind, then by namespace and name.
    pub(super) objects: BTreeMap<(String, String), BTreeMap<(String, String), String>>,
    pub(super) selected: BTreeMap<String, Vec<Selected>>,
    /// By folder, then by place and words.
    commands: BTreeMap<String, BTreeMap<CommandKey, Command>>,
    pub(super) missing: Vec<Missing>,
    logs: BTreeMap<String, String>,
    version: Option<String>,
    redaction: Redaction,
}

/// Where a command ran, as far as its folder does not say it, and its words.
type CommandKey = (PlaceKind, Option<super::format::PodName>, Vec<String>);

#[derive(Clone, Debug)]
struct Command {
    outcome: Arc<Outcome>,
    ms: Option<u64>,
    /// When each line of its output came, in Unix milliseconds.
    stamps: Option<Vec<u64>>,
}

impl Writer {
    /// A capture of what a backend says it is.
    ///
    /// `created` is RFC 3339 in UTC, such as `2026-11-23T03:10:20Z`. It is also the time of
    /// every file in a zip.
    pub fn new(created: impl Into<String>, about: &About) -> Self {
        Self {
            created: Some(created.into()),
            context: about.context.clone(),
            versions: about.versions.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect(),
            ..Self::default()
        }
    }

    /// Takes over the head of another capture as it stands.
    pub(super) fn with_head(head: &Head) -> Self {
        Self {
            created: head.created.clone(),
            context: head.context.clone(),
            versions: head.versions.clone(),
            selected: head.selected.clone(),
            missing: head.missing.clone(),
            ..Self::default()
        }
    }

    /// Adds a host. Errors: its name cannot be the name of a folder.
    pub fn host(&mut self, host: &Host) -> Answer<()> {
        checked("the name of a host", &host.name)?;
        let key = (host.kind == HostKind::Extra, host.name.clone());
        self.hosts.insert(key, host.addresses.clone());
        Ok(())
    }

    /// Adds the API server's version document.
    pub fn version(&mut self, document: impl Into<String>) {
        self.version = Some(document.into());
    }

    /// Says that a kind was asked, even if there is none of it.
    ///
    /// Errors: the kind is `Secret`, which never goes into a capture, or is no kind at all.
    pub fn kind(&mut self, of: &Selection) -> Answer<()> {
        self.items(of).map(|_| ())
    }

    /// Adds an object, in place of an earlier one of the same namespace and name.
    ///
    /// `metadata.managedFields` is dropped. Errors: as [`Writer::kind`]; or it has no name.
    pub fn object(&mut self, of: &Selection, object: &str) -> Answer<()> {
        let kind = members(object)
            .and_then(|members| members.into_iter().find(|(key, _)| key == "kind"))
            .map(|(_, value)| value.get());
        if kind == Some("\"Secret\"") {
            return Err(secret());
        }
        let (Some(name), Some(slim)) = (metadata(object, "name"), without_managed_fields(object))
        else {
            return Err(Failure::invalid(format!("an object of {of} has no name")));
        };
        let namespace = metadata(object, "namespace").unwrap_or_default();
        self.items(of)?.insert((namespace, name), slim);
        Ok(())
    }

    /// Takes an object out again, as when it was deleted while it was watched.
    pub fn remove(&mut self, of: &Selection, object: &str) -> Answer<()> {
        let name = metadata(object, "name").unwrap_or_default();
        let namespace = metadata(object, "namespace").unwrap_or_default();
        self.items(of)?.remove(&(namespace, name));
        Ok(())
    }

    fn items(&mut self, of: &Selection) -> Answer<&mut BTreeMap<(String, String), String>> {
        if of.kind == "Secret" {
            return Err(secret());
        }
        for part in of.api_version.split('/') {
            checked("an API version", part)?;
        }
        checked("a kind", &of.kind)?;
        Ok(self.objects.entry((of.api_version.clone(), of.kind.clone())).or_default())
    }

    /// Says that of a kind only some objects were asked: those of a selection, or one by name.
    /// Whole kinds need no word.
    pub(crate) fn only(&mut self, kind: String, parts: impl IntoIterator<Item = Selected>) {
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort();
        parts.dedup();
        self.selected.insert(kind, parts);
    }

    /// Adds a command and how it ended, in place of an earlier one with the same question.
    ///
    /// `host` is where a pod runs, when that is known. Errors: a host's name cannot be the name
    /// of a folder.
    pub fn command(
        &mut self,
        host: Option<&str>,
        question: &Question,
        outcome: impl Into<Arc<Outcome>>,
        ms: Option<u64>,
    ) -> Answer<()> {
        let (folder, key) = filed(host, question)?;
        let command = Command { outcome: outcome.into(), ms, stamps: None };
        self.commands.entry(folder).or_default().insert(key, command);
        Ok(())
    }

    /// Says when each line of a command's output came, in Unix milliseconds. Does nothing for a
    /// command that was not added.
    pub fn stamps(&mut self, host: Option<&str>, question: &Question, stamps: Vec<u64>) {
        let known = filed(host, question).ok();
        let command = known.and_then(|(folder, key)| self.commands.get_mut(&folder)?.get_mut(&key));
        if let Some(command) = command {
            command.stamps = Some(stamps);
        }
    }

    /// Adds a container's log.
    pub fn log(
        &mut self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        previous: bool,
        text: impl Into<String>,
    ) -> Answer<()> {
        for part in [Some(namespace), Some(pod), container].into_iter().flatten() {
            checked("the name of a pod", part)?;
        }
        let name = logs::file(namespace, pod, container.unwrap_or(logs::UNNAMED), previous);
        self.logs.insert(name, text.into());
        Ok(())
    }

    pub(super) fn log_file(&mut self, name: String, text: String) {
        self.logs.insert(name, text);
    }

    /// Adds a question that got no answer.
    pub(crate) fn missing(&mut self, missing: Missing) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    /// Takes out what patterns match, of all that was added and is going to be, when it is
    /// written.
    pub fn redact(&mut self, redaction: Redaction) {
        self.redaction = redaction;
    }

    /// Whether a capture could be written there, for whoever would collect for minutes first.
    ///
    /// Errors: as [`Writer::write`], as far as they can be known.
    pub fn check(path: impl AsRef<Path>) -> Answer<()> {
        save::check(path.as_ref())
    }

    /// Writes it: a zip when the path ends in `.zip`, a folder otherwise. A zip takes the place
    /// of an older one; a folder must be new or empty. On failure nothing is left behind.
    pub fn write(&self, path: impl AsRef<Path>) -> Answer<()> {
        save::save(path.as_ref(), &self.files()?, self.created.as_deref())
    }

    /// Every file of the capture, by name.
    pub(super) fn files(&self) -> Answer<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        files.insert("capture.json".to_owned(), document(&self.head())?);
        for ((api_version, kind), items) in &self.objects {
            let name = format!("objects/{api_version}/{kind}.json");
            let items = items.values().map(|item| self.redaction.json(item));
            files.insert(name, list(api_version, kind, items).into_bytes());
        }
        for (folder, commands) in &self.commands {
            add_commands(folder, commands, &self.redaction, &mut files)?;
        }
        for (name, text) in &self.logs {
            files.insert(name.clone(), self.redaction.text(text).into_bytes());
        }
        if let Some(version) = &self.version {
            let version = self.redaction.output(version.as_bytes());
            files.insert("version.json".to_owned(), version);
        }
        Ok(files)
    }

    fn head(&self) -> Head {
        let hosts = self.hosts.iter().map(|((extra, name), addresses)| HeadHost {
            name: name.clone(),
            kind: if *extra { HostKind::Extra } else { HostKind::Node },
            addresses: addresses.clone(),
        });
        let mut missing = self.missing.clone();
        for missing in &mut missing {
            missing.why = self.redaction.text(&missing.why);
        }
        missing.sort_by(|a, b| a.order().cmp(&b.order()));
        Head {
            format: FORMAT.to_owned(),
            created: self.created.clone(),
            context: self.context.as_deref().map(|context| self.redaction.text(context)),
            versions: self.versions.clone(),
            hosts: hosts.collect(),
            selected: self.selected.clone(),
            missing,
        }
    }
}

/// The folder of a command and its place in it.
fn filed(host: Option<&str>, question: &Question) -> Answer<(String, CommandKey)> {
    let (place, own_host, pod) = split(&question.place);
    let folder = match own_host.as_deref().or(host) {
        Some(host) => format!("hosts/{}/", checked("the name of a host", host)?),
        None => "pods/".to_owned(),
    };
    Ok((folder, (place, pod, question.argv.clone())))
}

fn secret() -> Failure {
    Failure::denied("Secrets are never written to a capture")
}

fn checked<'a>(what: &str, part: &'a str) -> Answer<&'a str> {
    if path::is_part(part) {
        Ok(part)
    } else {
        Err(Failure::invalid(format!("{part:?} cannot be {what} in a capture")))
    }
}

/// A document as the format has it: set apart over lines, with a last line end.
fn document(value: &impl Serialize) -> Answer<Vec<u8>> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::other(format!("cannot write a capture: {error}")))?;
    Ok((pretty(&text, 0) + "\n").into_bytes())
}

fn list(api_version: &str, kind: &str, items: impl Iterator<Item = String>) -> String {
    let mut text = format!(
        "{{\n \"apiVersion\": \"{api_version}\",\n \"kind\": \"{kind}List\",\n \"items\": ["
    );
    let mut separator = "";
    for item in items {
        text.push_str(separator);
        text.push_str("\n  ");
        text.push_str(&pretty(&item, 2));
        separator = ",";
    }
    text.push_str(if separator.is_empty() { "]\n}\n" } else { "\n ]\n}\n" });
    text
}

/// Adds the outputs of one folder, and its indexes.
fn add_commands(
    folder: &str,
    commands: &BTreeMap<CommandKey, Command>,
    redaction: &Redaction,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Answer<()> {
    let mut names = Names::new();
    let (mut entries, mut pods) = (Vec::new(), Vec::new());
    for ((place, pod, argv), Command { outcome, ms, stamps }) in commands {
        let stem = names.take(*place, pod.as_ref(), argv);
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(&outcome.out).is_ok();
        let out = format!("{stem}.{}", if json { "json" } else { "txt" });
        let output = redaction.output(&outcome.out);
        // What was taken out may have been whole lines.
        let stamps = stamps.as_ref().filter(|stamps| stamps.len() == lines(&output));
        let stamps = stamps.map(|stamps| {
            let name = format!("{stem}.stamps.txt");
            let mut text: String =
                stamps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            text.push('\n');
            files.insert(format!("{folder}{name}"), text.into_bytes());
            name
        });
        files.insert(format!("{folder}{out}"), output);
        let err = (!outcome.err.is_empty()).then(|| format!("{stem}.err.txt"));
        if let Some(err) = &err {
            files.insert(format!("{folder}{err}"), redaction.output(&outcome.err));
        }
        let entry = Entry {
            place: *place,
            pod: pod.clone(),
            argv: argv.clone(),
            code: outcome.code,
            out: Some(out),
            err,
            stamps,
            truncated: outcome.truncated,
            ms: *ms,
        };
        let is_of_pods = matches!(place, PlaceKind::Pod | PlaceKind::Relay);
        if is_of_pods { &mut pods } else { &mut entries }.push(entry);
    }
    for (name, entries) in [("commands.json", entries), ("pods.json", pods)] {
        if !entries.is_empty() {
            files.insert(format!("{folder}{name}"), document(&entries)?);
        }
    }
    Ok(())
}

/// Lines of an output, the last one also when it has no end.
pub(super) fn lines(output: &[u8]) -> usize {
    let ends = memchr::memchr_iter(b'\n', output).count();
    ends + usize::from(!output.is_empty() && !output.ends_with(b"\n"))
}

/// The object as it stands, but for the record of who set which field: long, and of no use
/// away from the cluster. `None` for what is no object.
fn without_managed_fields(object: &str) -> Option<String> {
    let mut out = String::with_capacity(object.len());
    let mut open = '{';
    for (key, value) in members(object)? {
        out.push(open);
        open = ',';
        out.push_str(&serde_json::to_string(&key).ok()?);
        out.push(':');
        let inner = if key == "metadata" { members(value.get()) } else { None };
        let Some(inner) = inner else {
            out.push_str(value.get());
            continue;
        };
        let mut open = '{';
        for (key, value) in inner.iter().filter(|(key, _)| key != "managedFields") {
            out.push(open);
            open = ',';
            out.push_str(&serde_json::to_string(key).ok()?);
            out.push(':');
            out.push_str(value.get());
        }
        out.push_str(if open == '{' { "{}" } else { "}" });
    }
    out.push_str(if open == '{' { "{}" } else { "}" });
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_go_and_the_rest_stays_as_it_stands() {
        let object =
            r#"{"metadata":{"managedFields":[{"a":1}],"name":"n" },"x":1.50,"managedFields":2}"#;
        let slim = r#"{"metadata":{"name":"n"},"x":1.50,"managedFields":2}"#;
        assert_eq!(without_managed_fields(object).as_deref(), Some(slim));
        assert_eq!(without_managed_fields("{}").as_deref(), Some("{}"));
        assert_eq!(without_managed_fields("[]"), None);
    }

    #[test]
    fn secrets_are_refused_however_they_come() {
        let mut writer = Writer::default();
        let secrets =
            Selection { api_version: "v1".into(), kind: "Secret".into(), ..Selection::default() };
        assert!(writer.kind(&secrets).is_err());
        assert!(writer.object(&secrets, r#"{"metadata":{"name":"n"}}"#).is_err());
        let other =
            Selection { api_version: "v1".into(), kind: "Node".into(), ..Selection::default() };
        let object = r#"{"kind" : "Secret","metadata":{"name":"n"}}"#;
        assert!(writer.object(&other, object).is_err());
    }

    #[test]
    fn names_that_would_leave_the_capture_are_refused() {
        let mut writer = Writer::default();
        let host = Host { name: "../x".into(), kind: HostKind::Extra, addresses: Vec::new() };
        assert!(writer.host(&host).is_err());
        let kind =
            Selection { api_version: "../v1".into(), kind: "Node".into(), ..Selection::default() };
        assert!(writer.kind(&kind).is_err());
        assert!(writer.log("kube-system", "..", None, false, "").is_err());
    }
}
