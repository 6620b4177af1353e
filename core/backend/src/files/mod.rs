//! The files of a capture or of a sysdump, whether in a folder or in a zip. Knows nothing of
//! their meaning, and trusts none of them: they come from other people.

mod archive;
mod folder;
mod limits;
pub(crate) mod path;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;

use lab_types::Failure;
use serde::Deserialize;

use crate::Answer;
use archive::Archive;
pub(crate) use archive::describe;
use folder::Folder;
pub use limits::Limits;

/// Bytes that show whether a file is text.
const PEEK: u64 = 4096;

/// The files of one capture or sysdump.
#[derive(Debug)]
pub(crate) struct Files {
    /// What messages call it: the path as the user gave it.
    pub(crate) name: String,
    /// The last part of that path.
    pub(crate) short: String,
    pub(crate) limits: Limits,
    /// The folder in it that names begin at, with its slash; empty when that is the top.
    root: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Folder(Folder),
    Zip(Archive),
}

impl Files {
    /// Opens a folder or a zip on disk.
    pub(crate) fn open(path: &Path, limits: Limits) -> Answer<Self> {
        let name = path.display().to_string();
        let short = path.file_name().map_or_else(|| name.clone(), |n| n.to_string_lossy().into());
        let found = fs::metadata(path).map_err(|error| {
            Failure::invalid(format!("cannot read {name}: {}", describe(&error)))
                .hint("name a capture: a folder with a capture.json, or a zip of one")
        })?;
        let kind = if found.is_dir() {
            Kind::Folder(Folder::new(path, limits))
        } else if found.is_file() {
            Kind::Zip(Archive::open(path, limits).map_err(|cause| unreadable_zip(&name, &cause))?)
        } else {
            return Err(Failure::invalid(format!(
                "cannot read {name}: neither a file nor a folder"
            )));
        };
        Ok(Self { name, short, limits, root: String::new(), kind })
    }

    /// Reads a file that is neither a folder nor a zip, if it is text: somebody saved what a
    /// command printed.
    pub(crate) fn text(path: &Path, limits: Limits) -> Option<Answer<Vec<u8>>> {
        let mut file = fs::File::open(path).ok().filter(|_| path.is_file())?;
        let mut start = Vec::new();
        file.by_ref().take(PEEK).read_to_end(&mut start).ok()?;
        // Every packed file has a byte in its head that no text has.
        if start.is_empty() || start.contains(&0) || start.starts_with(b"PK") {
            return None;
        }
        let name = path.display();
        let mut bytes = start;
        let read = file.take(limits.file_bytes).read_to_end(&mut bytes);
        Some(match read {
            Err(error) => {
                Err(Failure::invalid(format!("cannot read {name}: {}", describe(&error))))
            }
            Ok(_) if bytes.len() as u64 > limits.file_bytes => Err(Failure::invalid(format!(
                "cannot read {name}: more than {} MB",
                limits.file_bytes >> 20
            ))),
            Ok(_) => Ok(bytes),
        })
    }

    /// Opens a zip inside the program.
    pub(crate) fn from_bytes(name: &str, bytes: &'static [u8], limits: Limits) -> Answer<Self> {
        let archive =
            Archive::from_bytes(bytes, limits).map_err(|cause| unreadable_zip(name, &cause))?;
        let kind = Kind::Zip(archive);
        Ok(Self {
            name: name.to_owned(),
            short: name.to_owned(),
            limits,
            root: String::new(),
            kind,
        })
    }

    /// Whether it is a zip.
    pub(crate) fn is_zip(&self) -> bool {
        matches!(self.kind, Kind::Zip(_))
    }

    /// Refuses what no capture has: see [`Archive::strict`].
    pub(crate) fn strict(&self) -> Answer<()> {
        match &self.kind {
            Kind::Zip(archive) => {
                archive.strict().map_err(|cause| unreadable_zip(&self.name, &cause))
            }
            Kind::Folder(_) => Ok(()),
        }
    }

    /// Lets names begin at a folder inside; it is empty or ends with a slash.
    pub(crate) fn enter(&mut self, root: String) {
        self.root = root;
    }

    /// Every file, sorted. Of a folder this walks it; links and what is no file are left out.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let below = |name: String| Some(name.strip_prefix(&self.root)?.to_owned());
        match &self.kind {
            Kind::Zip(archive) => archive.names().filter_map(below).collect(),
            Kind::Folder(folder) => folder.names().into_iter().filter_map(below).collect(),
        }
    }

    /// The name with the folder that it begins at.
    fn whole(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        path::fault(name).is_none()
            && match &self.kind {
                Kind::Zip(archive) => archive.has(&self.whole(name)),
                Kind::Folder(folder) => folder.size(&self.whole(name)).is_some(),
            }
    }

    /// Bytes of a file, as its folder or zip declares them.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        match &self.kind {
            Kind::Zip(archive) => archive.size(&self.whole(name)),
            Kind::Folder(folder) => folder.size(&self.whole(name)),
        }
    }

    /// Reads one file whole; `None` when there is none of that name.
    pub(crate) fn read(&self, name: &str) -> Answer<Option<Vec<u8>>> {
        if let Some(fault) = path::fault(name) {
            return Err(self.unreadable(&format!("{name:?}"), fault));
        }
        let whole = self.whole(name);
        match &self.kind {
            Kind::Zip(archive) => archive.read(&whole),
            Kind::Folder(folder) => folder.read(&whole),
        }
        .map_err(|cause| self.unreadable(name, &cause))
    }

    /// Hands one file over piece by piece; `None` when there is none of that name. An answer
    /// counts only when the whole file was sound.
    pub(crate) fn stream<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, String>,
    ) -> Answer<Option<T>> {
        if let Some(fault) = path::fault(name) {
            return Err(self.unreadable(&format!("{name:?}"), fault));
        }
        let whole = self.whole(name);
        match &self.kind {
            Kind::Zip(archive) => archive.stream(&whole, read),
            Kind::Folder(folder) => folder.stream(&whole, read),
        }
        .map_err(|cause| self.unreadable(name, &cause))
    }

    /// Reads one file that is text; `None` when there is none of that name.
    pub(crate) fn read_text(&self, name: &str) -> Answer<Option<String>> {
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
    pub(crate) fn parse<'a, T: Deserialize<'a>>(&self, name: &str, text: &'a str) -> Answer<T> {
        serde_json::from_str(text).map_err(|error| self.malformed(name, &error))
    }

    /// A file whose JSON is not what it should be.
    pub(crate) fn malformed(&self, name: &str, error: &serde_json::Error) -> Failure {
        self.unreadable(name, &json_fault(error))
    }

    /// A file that cannot be read or understood.
    pub(crate) fn unreadable(&self, name: &str, cause: &str) -> Failure {
        Failure::invalid(format!("cannot read {name} in {}: {cause}", self.name))
            .hint("it is damaged or was edited: copy or record it again")
    }
}

fn unreadable_zip(name: &str, cause: &str) -> Failure {
    Failure::invalid(format!("cannot read {name}: {cause}")).hint(
        "name a folder or a zip of a capture or a sysdump; a zip that was cut off has to be copied again",
    )
}

/// `line 3, column 7: expected value`.
pub(crate) fn json_fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cause = text.rsplit_once(" at line ").map_or(text.as_str(), |(cause, _)| cause);
    format!("line {}, column {}: {cause}", error.line(), error.column())
}
