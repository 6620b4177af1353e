//! The files of a capture, whether in a folder or in a zip. Knows nothing of their meaning.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use lab_types::Failure;
use serde::Deserialize;

use super::archive::Archive;
use super::archive::describe;
use super::limits::Limits;
use super::path;
use crate::Answer;

/// The files of one capture.
#[derive(Debug)]
pub(super) struct Files {
    /// What messages call it: the path as the user gave it.
    pub(super) name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Folder { root: PathBuf, limits: Limits },
    Zip(Archive),
}

impl Files {
    /// Opens a folder or a zip on disk.
    pub(super) fn open(path: &Path, limits: Limits) -> Answer<Self> {
        let name = path.display().to_string();
        let kind = fs::metadata(path).map_err(|error| {
            Failure::invalid(format!("cannot read {name}: {}", describe(&error)))
                .hint("name a capture: a folder with a capture.json, or a zip of one")
        })?;
        if kind.is_dir() {
            return Ok(Self { name, kind: Kind::Folder { root: path.to_owned(), limits } });
        }
        if !kind.is_file() {
            return Err(Failure::invalid(format!(
                "cannot read {name}: neither a file nor a folder"
            )));
        }
        match Archive::open(path, limits) {
            Ok(archive) => Ok(Self { name, kind: Kind::Zip(archive) }),
            Err(cause) => Err(unreadable_zip(&name, &cause)),
        }
    }

    /// Opens a zip inside the program.
    pub(super) fn from_bytes(name: &str, bytes: &'static [u8], limits: Limits) -> Answer<Self> {
        match Archive::from_bytes(bytes, limits) {
            Ok(archive) => Ok(Self { name: name.to_owned(), kind: Kind::Zip(archive) }),
            Err(cause) => Err(unreadable_zip(name, &cause)),
        }
    }

    /// Every file, sorted. Of a folder this walks it; links and what is no file are left out.
    pub(super) fn names(&self) -> BTreeSet<String> {
        match &self.kind {
            Kind::Zip(archive) => archive.names(),
            Kind::Folder { root, .. } => {
                let mut names = BTreeSet::new();
                walk(root, "", &mut names);
                names
            }
        }
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, name: &str) -> bool {
        path::fault(name).is_none()
            && match &self.kind {
                Kind::Zip(archive) => archive.has(name),
                Kind::Folder { root, .. } => root.join(name).is_file(),
            }
    }

    /// Reads one file whole; `None` when there is none of that name.
    pub(super) fn read(&self, name: &str) -> Answer<Option<Vec<u8>>> {
        if let Some(fault) = path::fault(name) {
            return Err(self.unreadable(&format!("{name:?}"), fault));
        }
        match &self.kind {
            Kind::Zip(archive) => archive.read(name),
            Kind::Folder { root, limits } => read_in_folder(root, name, *limits),
        }
        .map_err(|cause| self.unreadable(name, &cause))
    }

    /// Reads one file that is text; `None` when there is none of that name.
    pub(super) fn read_text(&self, name: &str) -> Answer<Option<String>> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                Err(self.unreadable(name, &format!("byte {at} is not UTF-8")))
            }
        }
    }

    /// Understands the JSON text of a file.
    pub(super) fn parse<'a, T: Deserialize<'a>>(&self, name: &str, text: &'a str) -> Answer<T> {
        serde_json::from_str(text).map_err(|error| self.malformed(name, &error))
    }

    /// A file of this capture whose JSON is not what it should be.
    pub(super) fn malformed(&self, name: &str, error: &serde_json::Error) -> Failure {
        self.unreadable(name, &json_fault(error))
    }

    /// A file of this capture that cannot be read or understood.
    pub(super) fn unreadable(&self, name: &str, cause: &str) -> Failure {
        Failure::invalid(format!("cannot read {name} in {}: {cause}", self.name))
            .hint("the capture is damaged or was edited: copy or record it again")
    }
}

fn unreadable_zip(name: &str, cause: &str) -> Failure {
    Failure::invalid(format!("cannot read {name}: {cause}"))
        .hint("name a capture: a folder with a capture.json, or a zip of one; a zip that was cut off has to be copied again")
}

/// `line 3, column 7: expected value`.
fn json_fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cause = text.rsplit_once(" at line ").map_or(text.as_str(), |(cause, _)| cause);
    format!("line {}, column {}: {cause}", error.line(), error.column())
}

/// Reads a file below a folder. Symbolic links are refused on the way: a capture from
/// somebody else does not get to show files of this machine.
fn read_in_folder(root: &Path, name: &str, limits: Limits) -> Result<Option<Vec<u8>>, String> {
    let mut path = root.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) => match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                    return Ok(None);
                }
                _ => return Err(describe(&error)),
            },
        };
        if found.is_symlink() {
            return Err("it is a symbolic link, or lies behind one".into());
        }
        if parts.peek().is_none() {
            if !found.is_file() {
                return Err("it is not a file".into());
            }
            if found.len() > limits.file_bytes {
                let limit = limits.file_bytes >> 20;
                return Err(format!(
                    "{} bytes are more than the limit of {limit} MiB",
                    found.len()
                ));
            }
            let file = fs::File::open(&path).map_err(|error| describe(&error))?;
            let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
            file.take(limits.file_bytes)
                .read_to_end(&mut bytes)
                .map_err(|error| describe(&error))?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn walk(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        if kind.is_dir() {
            walk(&entry.path(), &format!("{prefix}{name}/"), names);
        } else if kind.is_file() {
            names.insert(format!("{prefix}{name}"));
        }
    }
}
