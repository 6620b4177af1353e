//! Files below a folder. Symbolic links are refused on the way: a capture from somebody else
//! does not get to show files of this machine.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use super::archive::describe;
use super::limits::Limits;

/// How deep folders are walked; those of a sysdump are five deep.
const DEEPEST: usize = 32;

/// A folder whose files are read.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    limits: Limits,
}

impl Folder {
    pub(super) fn new(root: &Path, limits: Limits) -> Self {
        Self { root: root.to_owned(), limits }
    }

    /// Every file below it; links and what is no file are left out.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        walk(&self.root, "", DEEPEST, &mut names);
        names
    }

    /// Bytes of a file; `None` when there is none, or only behind a link.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        self.find(name).ok().flatten().map(|(_, len)| len)
    }

    /// Reads one file whole; `None` when there is none of that name.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let Some((path, len)) = self.find(name)? else { return Ok(None) };
        let mut file = opened(&path, len, self.limits.file_bytes)?;
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        file.read_to_end(&mut bytes).map_err(|error| describe(&error))?;
        Ok(Some(bytes))
    }

    /// Hands one file to a reader.
    pub(super) fn stream<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let Some((path, len)) = self.find(name)? else { return Ok(None) };
        read(&mut opened(&path, len, self.limits.stream_bytes)?).map(Some)
    }

    /// Where a file is, and its length.
    fn find(&self, name: &str) -> Result<Option<(PathBuf, u64)>, String> {
        let mut path = self.root.clone();
        let mut parts = name.split('/').peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            let found = match fs::symlink_metadata(&path) {
                Ok(found) => found,
                Err(error) => match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => return Ok(None),
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
                return Ok(Some((path, found.len())));
            }
        }
        Ok(None)
    }
}

fn opened(path: &Path, len: u64, limit: u64) -> Result<impl Read, String> {
    if len > limit {
        return Err(format!("{len} bytes are more than the limit of {} MiB", limit >> 20));
    }
    let file = fs::File::open(path).map_err(|error| describe(&error))?;
    Ok(file.take(limit))
}

fn walk(folder: &Path, prefix: &str, deeper: usize, names: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        if kind.is_dir() && deeper > 0 {
            walk(&entry.path(), &format!("{prefix}{name}/"), deeper - 1, names);
        } else if kind.is_file() {
            names.insert(format!("{prefix}{name}"));
        }
    }
}
