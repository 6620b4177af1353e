//! Adds to a capture what somebody has pasted: the output of a command, or objects. So a
//! ticket or an ssh session becomes something that can be asked.

use std::path::Path;

use lab_types::Failure;
use serde_json::Value;

use super::format::Selected;
use super::reader::Capture;
use super::writer::Writer;
use crate::About;
use crate::Answer;
use crate::Host;
use crate::HostKind;
use crate::Outcome;
use crate::Place;
use crate::Question;
use crate::Redaction;
use crate::Selection;
use crate::nodes::hosts_of;
use crate::record::now;
use crate::yaml;
use crate::yaml::Keep;
use crate::yaml::Part;

/// Longest text of objects; a list of 20,000 pods is about 150 MB.
const LONGEST: u64 = 256 << 20;

/// Something to add to a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    /// What a command printed.
    Command {
        /// The host. One that the capture knows keeps its addresses when none are given here.
        host: Host,
        /// It ran in the container of the agent there.
        in_agent: bool,
        /// Its words.
        argv: Vec<String>,
        /// What it printed.
        out: Vec<u8>,
    },
    /// A list or one object, as kubectl prints them: JSON or YAML.
    Objects {
        /// The text.
        text: String,
        /// The list is of this namespace alone. Without it a list is all there is of its kinds;
        /// one object is never taken for all.
        namespace: Option<String>,
    },
}

impl Capture {
    /// Adds to the capture at a path, or makes one there. A zip when the path ends in `.zip`, a
    /// folder otherwise.
    ///
    /// - Errors: what is there is no capture, the addition is not understood, or it holds a
    ///   Secret; the capture is then as it was.
    pub fn add_to(
        path: impl AsRef<Path>,
        additions: &[Addition],
        redaction: Option<Redaction>,
    ) -> Answer<()> {
        let path = path.as_ref();
        let exists = path.symlink_metadata().is_ok();
        let mut writer = if exists {
            Self::open(path)?.to_writer()?
        } else {
            Writer::new(now(), &About::default())
        };
        for addition in additions {
            match addition {
                Addition::Command { host, in_agent, argv, out } => {
                    add_command(&mut writer, host, *in_agent, argv, out)?;
                }
                Addition::Objects { text, namespace } => {
                    add_objects(&mut writer, text, namespace.as_deref())?;
                }
            }
        }
        if let Some(redaction) = redaction {
            writer.redact(redaction);
        }
        if exists { writer.rewrite(path) } else { writer.write(path) }
    }
}

fn add_command(
    writer: &mut Writer,
    host: &Host,
    in_agent: bool,
    argv: &[String],
    out: &[u8],
) -> Answer<()> {
    if argv.is_empty() {
        return Err(Failure::invalid("no command was named")
            .hint("name it behind `--`, such as `-- ip route`"));
    }
    writer.expected_host(host)?;
    writer.known_host(host)?;
    let name = host.name.clone();
    if in_agent && host.kind == HostKind::Extra {
        return Err(Failure::invalid(format!("{name} is no node: there is no agent on it")));
    }
    let place = if in_agent { Place::Agent { host: name } } else { Place::Host { host: name } };
    let question = Question { place, argv: argv.to_vec() };
    let outcome = Outcome { out: out.to_vec(), ..Outcome::default() };
    writer.command(None, &question, outcome, None)?;
    writer.answered(&question);
    Ok(())
}

fn add_objects(writer: &mut Writer, text: &str, namespace: Option<&str>) -> Answer<()> {
    let not_understood = |cause: &str| {
        Failure::invalid(format!("the objects are not understood: {cause}"))
            .hint("paste what `kubectl get … -o json` or `-o yaml` printed")
    };
    let mut found = Pasted::default();
    if text.trim_start().starts_with(['{', '[']) {
        let value =
            serde_json::from_str(text).map_err(|error| not_understood(&error.to_string()))?;
        found.take(value);
    } else {
        yaml::read(&mut text.as_bytes(), LONGEST, &mut |part| {
            let json = yaml::to_json(&part, Keep::Object(None))?;
            let value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
            match part {
                Part::Item(_) => {
                    found.is_list = true;
                    found.objects.push(value);
                }
                Part::Document(_) => found.take(value),
            }
            Ok(())
        })
        .map_err(|cause| not_understood(&cause))?;
    }
    let kinds = found.kinds();
    if kinds.is_empty() {
        return Err(not_understood("there is no object in it that says its kind"));
    }
    for kind in kinds {
        // Of a kind of which parts were known, or nothing, this is a part or all.
        let part = match (found.is_list, namespace) {
            (true, None) => None,
            (true, Some(namespace)) => {
                Some(Selected { namespace: Some(namespace.to_owned()), ..Selected::default() })
            }
            (false, _) => found.objects.first().map(one),
        };
        writer.known_part(&kind, part)?;
    }
    add_hosts(writer, &found)?;
    for object in &found.objects {
        let kind = found.kind_of(object).ok_or_else(|| {
            not_understood("an object in it says neither its apiVersion nor its kind")
        })?;
        writer.object(&kind, &object.to_string())?;
    }
    Ok(())
}

/// Every node is a host, as it is when a cluster is asked.
fn add_hosts(writer: &mut Writer, found: &Pasted) -> Answer<()> {
    let is_node = |object: &&Value| {
        found.kind_of(object).is_some_and(|kind| kind.api_version == "v1" && kind.kind == "Node")
    };
    let nodes: Vec<String> =
        found.objects.iter().filter(is_node).map(ToString::to_string).collect();
    hosts_of(nodes.iter().map(String::as_str)).iter().try_for_each(|host| writer.known_host(host))
}

/// The objects of a text, and what the list around them said.
#[derive(Default)]
struct Pasted {
    objects: Vec<Value>,
    is_list: bool,
    /// `v1` and `Node` of a `NodeList`.
    of_list: Option<(String, String)>,
}

impl Pasted {
    fn take(&mut self, value: Value) {
        match value {
            Value::Object(mut map) if map.get("items").is_some_and(Value::is_array) => {
                let word = |key: &str| Some(map.get(key)?.as_str()?.to_owned());
                if let (Some(version), Some(kind)) = (word("apiVersion"), word("kind"))
                    && let Some(kind) = kind.strip_suffix("List").filter(|kind| !kind.is_empty())
                {
                    self.of_list = Some((version, kind.to_owned()));
                }
                self.is_list = true;
                if let Some(Value::Array(items)) = map.remove("items") {
                    self.objects.extend(items);
                }
            }
            Value::Array(items) => {
                self.is_list = true;
                self.objects.extend(items);
            }
            object => self.objects.push(object),
        }
    }

    fn kind_of(&self, object: &Value) -> Option<Selection> {
        let word = |key: &str| Some(object.get(key)?.as_str()?.to_owned());
        let own = word("apiVersion").zip(word("kind"));
        let (api_version, kind) = own.or_else(|| self.of_list.clone())?;
        Some(Selection { api_version, kind, ..Selection::default() })
    }

    /// Every kind in it, also that of an empty list.
    fn kinds(&self) -> Vec<Selection> {
        let mut kinds: Vec<Selection> =
            self.objects.iter().filter_map(|object| self.kind_of(object)).collect();
        if let (true, Some((api_version, kind))) = (kinds.is_empty(), self.of_list.clone()) {
            kinds.push(Selection { api_version, kind, ..Selection::default() });
        }
        kinds.sort_by_key(Selection::to_string);
        kinds.dedup();
        kinds
    }
}

/// The part of a kind that one object is.
fn one(object: &Value) -> Selected {
    let word = |key: &str| Some(object.get("metadata")?.get(key)?.as_str()?.to_owned());
    Selected { namespace: word("namespace"), name: word("name"), ..Selected::default() }
}
