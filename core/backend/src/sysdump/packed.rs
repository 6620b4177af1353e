//! Reads a bugtool archive that was left packed. It is inflated from its beginning to its end
//! once; what plugins ask for most is kept, the rest is looked up again when it is asked.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use tar::Archive;
use tar::EntryType;

use super::commands::LIKELY;
use super::layout::command_of;
use crate::Answer;
use crate::files::Files;
use crate::files::path::ends_in;

/// Most bytes that are kept of one archive; the files meant are some hundred kilobytes.
const KEPT: u64 = 16 << 20;

/// What is known of an archive.
#[derive(Debug, Default)]
pub(super) struct Packed {
    names: BTreeSet<String>,
    kept: BTreeMap<String, Vec<u8>>,
    /// Why the archive could not be read to its end.
    pub(super) fault: Option<String>,
}

impl Packed {
    /// Reads an archive through.
    pub(super) fn open(files: &Files, name: &str) -> Answer<Self> {
        let mut packed = Self::default();
        let mut room = KEPT;
        let fault = walk(files, name, &mut |command, size, reader| {
            if LIKELY.iter().any(|likely| command.starts_with(likely)) && size <= room {
                let mut bytes = Vec::new();
                reader.take(size).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
                room -= size;
                packed.kept.insert(command.to_owned(), bytes);
            }
            packed.names.insert(command.to_owned());
            Ok(true)
        })?;
        packed.fault = fault;
        Ok(packed)
    }

    /// Whether there is such a file of `cmd/`.
    pub(super) fn has(&self, command: &str) -> bool {
        self.names.contains(command)
    }

    /// The names of `cmd/`.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// One file of `cmd/`, from memory or from the archive once more.
    pub(super) fn read(&self, files: &Files, name: &str, wanted: &str) -> Answer<Option<Vec<u8>>> {
        if let Some(bytes) = self.kept.get(wanted) {
            return Ok(Some(bytes.clone()));
        }
        if !self.has(wanted) {
            return Ok(None);
        }
        let mut found = None;
        let limit = files.limits.file_bytes;
        walk(files, name, &mut |command, size, reader| {
            if command != wanted {
                return Ok(true);
            }
            if size > limit {
                return Err(format!("{wanted} is longer than the limit of {} MiB", limit >> 20));
            }
            let mut bytes = Vec::new();
            reader.take(size).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            found = Some(bytes);
            Ok(false)
        })?;
        Ok(found)
    }
}

type Visit<'v> = dyn FnMut(&str, u64, &mut dyn Read) -> Result<bool, String> + 'v;

/// Goes through the files of `cmd/` until `visit` has had enough. Hands out why the archive
/// ended early, if it did: what came before is sound all the same.
fn walk(files: &Files, name: &str, visit: &mut Visit<'_>) -> Answer<Option<String>> {
    let limits = files.limits;
    let packed = files.size(name).unwrap_or(0);
    let most = packed.saturating_mul(limits.ratio).max(limits.ratio_from_bytes);
    let most = most.min(limits.stream_bytes);
    let fault = files.stream(name, |reader| {
        let mut inflated: Box<dyn Read + '_> = if ends_in(name, "tar") {
            Box::new(reader)
        } else {
            Box::new(MultiGzDecoder::new(reader))
        };
        let mut limited = Ended { inner: inflated.by_ref().take(most), ended: false };
        let fault = entries(&mut limited, visit);
        Ok(match fault {
            _ if limited.inner.limit() == 0 => Some(format!("it becomes more than {most} bytes")),
            Ok(()) if limited.ended => Some("it is cut off".to_owned()),
            fault => fault.err(),
        })
    })?;
    Ok(fault.unwrap_or_else(|| Some("no such file".into())))
}

/// Knows whether a reader came to its end. An archive says itself where it ends, before that.
struct Ended<R> {
    inner: R,
    ended: bool,
}

impl<R: Read> Read for Ended<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(into)?;
        self.ended |= n == 0 && !into.is_empty();
        Ok(n)
    }
}

fn entries(reader: &mut dyn Read, visit: &mut Visit<'_>) -> Result<(), String> {
    let describe = |error: std::io::Error| error.to_string();
    let mut archive = Archive::new(reader);
    for entry in archive.entries().map_err(describe)? {
        let mut entry = entry.map_err(describe)?;
        if !matches!(entry.header().entry_type(), EntryType::Regular | EntryType::Continuous) {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let size = entry.size();
        if let Some(command) = command_of(&path)
            && !visit(command, size, &mut entry)?
        {
            break;
        }
    }
    Ok(())
}
