//! Files and Helm releases that a command names: read here, because a plugin sees no files and no
//! Secrets.
//!
//! Apart because it is the one place where a word of the command line is opened. A plugin gets
//! what is in the file in place of its name, and the name beside it.

use std::io::Read;
use std::path::Path;

use lab_cli::Run as Command;
use lab_cli::Settings;
use lab_cli::nearest;
use lab_cli::settings::Source;
use lab_live::NoRelease;
use lab_types::{Argument, Card, Failure, Kind, Value};

use crate::source::Clusters;

/// Larger files are refused: a plugin has less memory than that.
const LARGEST: u64 = 64 << 20;
/// What a Helm release is written with, where an argument may be one.
const RELEASE: &str = "helm:";
/// Longer lists of releases are cut.
const MOST_SHOWN: usize = 12;

/// What the argument is called that has the names of an argument's files.
fn beside(argument: &str) -> String {
    format!("{argument} name")
}

/// A command of which files are read, and releases are still to be.
#[derive(Debug)]
pub(crate) struct Named {
    command: Command,
    wanted: Vec<Wanted>,
}

/// A release, and where its values belong.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    argument: String,
    /// Which of the texts of the argument.
    place: usize,
    namespace: Option<String>,
    name: String,
}

/// Puts what is in the files in place of their names; `-` is standard input. Releases are taken
/// note of.
///
/// - Errors: a file that cannot be read, is too large, or is no text; a release that has no name,
///   or that is to come out of a recording.
pub(crate) fn read(card: &Card, command: Command, settings: &Settings) -> Result<Named, Failure> {
    let known = card.commands.iter().find(|known| known.path == command.path);
    let files: Vec<&Argument> = known
        .iter()
        .flat_map(|known| &known.arguments)
        .filter(|argument| argument.kind == Kind::Path)
        .collect();
    let mut wanted = Vec::new();
    let mut values = Vec::with_capacity(command.values.len());
    for (name, value) in command.values {
        let Some(argument) = files.iter().find(|argument| argument.name == name) else {
            values.push((name, value));
            continue;
        };
        let names = match value {
            Value::Texts(names) => names,
            Value::Text(one) => vec![one],
            other => {
                values.push((name, other));
                continue;
            }
        };
        let mut texts = Vec::with_capacity(names.len());
        for (place, word) in names.iter().enumerate() {
            match word.strip_prefix(RELEASE).filter(|_| argument.release) {
                Some(release) => {
                    let (namespace, release) = release_of(word, release, settings)?;
                    let argument = name.clone();
                    wanted.push(Wanted { argument, place, namespace, name: release });
                    texts.push(String::new());
                }
                None => texts.push(text(word)?),
            }
        }
        values.push((beside(&name), Value::Texts(names)));
        values.push((name, Value::Texts(texts)));
    }
    Ok(Named { command: Command { values, ..command }, wanted })
}

impl Named {
    /// Puts the values that were set for the releases in their places.
    ///
    /// - Errors: there is no such release, or it cannot be read.
    pub(crate) async fn with_releases(self, clusters: &Clusters) -> Result<Command, Failure> {
        let Self { mut command, wanted } = self;
        for Wanted { argument, place, namespace, name } in wanted {
            let live = clusters.connected().ok_or_else(|| {
                Failure::unavailable(format!("Helm release `{name}`: no cluster is connected to"))
            })?;
            let values = live.release_values(namespace.as_deref(), &name).await?;
            let text = values.map_err(|none| no_release(&name, &none))?;
            let texts = command.values.iter_mut().find(|(known, _)| *known == argument);
            if let Some((_, Value::Texts(texts))) = texts
                && let Some(empty) = texts.get_mut(place)
            {
                *empty = text;
            }
        }
        Ok(command)
    }
}

/// Namespace and name of a release.
fn release_of(
    word: &str,
    release: &str,
    settings: &Settings,
) -> Result<(Option<String>, String), Failure> {
    let (namespace, name) = match release.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, release),
    };
    if name.is_empty() || name.contains('/') || namespace.is_some_and(str::is_empty) {
        let failure = Failure::invalid(format!("`{word}` names no Helm release"));
        return Err(failure.hint("write helm:NAME or helm:NAMESPACE/NAME; a file is ./helm:NAME"));
    }
    if settings.source != Source::Live {
        let set = settings.hosts.agent_namespace.value.as_deref();
        let place = namespace.or(set).unwrap_or(lab_live::AGENT_NAMESPACE);
        return Err(Failure::unavailable(format!(
            "`{word}`: a release is kept in a Secret, and no capture has any"
        ))
        .hint(format!(
            "name a file with what `helm get values {name} -n {place} -o yaml` prints"
        )));
    }
    Ok((namespace.map(str::to_owned), name.to_owned()))
}

fn no_release(name: &str, none: &NoRelease) -> Failure {
    let NoRelease { namespace, others } = none;
    let failure =
        Failure::not_found(format!("there is no Helm release `{name}` in namespace {namespace}"));
    // Where it may be instead: nothing is looked up there.
    let elsewhere = "`helm list -A` shows the others, for helm:NAMESPACE/NAME; what Helm keeps \
                     elsewhere than in Secrets (HELM_DRIVER) comes as a file, by `helm get values`";
    if others.is_empty() {
        return failure.hint(format!("there is none at all: {elsewhere}"));
    }
    let mut list: Vec<&str> = others.iter().take(MOST_SHOWN).map(String::as_str).collect();
    if others.len() > list.len() {
        list.push("…");
    }
    let list = list.join(", ");
    failure.hint(match nearest(name, others.iter().map(String::as_str)) {
        Some(near) => format!("did you mean helm:{namespace}/{near}? there are: {list}"),
        None => format!("there are: {list}; {elsewhere}"),
    })
}

fn text(name: &str) -> Result<String, Failure> {
    let broken = |error: std::io::Error| {
        Failure::invalid(format!("cannot read `{name}`: {error}"))
            .hint("name a file of text, or `-` for standard input")
    };
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes).map_err(broken)?;
    } else {
        let file = std::fs::File::open(Path::new(name)).map_err(broken)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(broken)?;
    }
    if bytes.len() as u64 > LARGEST {
        let message = format!("`{name}` is larger than {} MiB", LARGEST >> 20);
        return Err(Failure::invalid(message).hint("is it the file that was meant?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let text = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = text.split(|byte| *byte == b'\n').count();
        Failure::invalid(format!("`{name}` is no text: line {line} is not UTF-8"))
            .hint("is it packed, or the wrong file?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<&str, &str>) {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("kubectl-lab-named-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let name = path.to_str().unwrap();
        let found = text(name).map_err(|failure| failure.message.replace(name, "FILE"));
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_is_read_and_one_that_is_no_text_is_named_with_its_line() {
        check(b"*filter\nCOMMIT\n", Ok("*filter\nCOMMIT\n"));
        check(b"", Ok(""));
        check(b"a\nb\xff\n", Err("`FILE` is no text: line 2 is not UTF-8"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = text("/no/such/file").unwrap_err();
        assert!(failure.message.starts_with("cannot read `/no/such/file`: "), "{failure:?}");
    }
}
