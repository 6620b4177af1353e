//! The outputs of one agent's bugtool, unpacked or not.

use std::sync::OnceLock;

use super::body;
use super::commands;
use super::layout::Found;
use super::packed::Packed;
use crate::Answer;
use crate::Outcome;
use crate::files::Files;

/// One bugtool folder or archive.
#[derive(Debug)]
pub(super) struct Bugtool {
    found: Found,
    packed: OnceLock<Answer<Packed>>,
}

impl Bugtool {
    pub(super) fn new(found: Found) -> Self {
        Self { found, packed: OnceLock::new() }
    }

    /// The pod whose container ran it.
    pub(super) fn pod(&self) -> &str {
        &self.found.pod
    }

    /// The output of a command; the inner error is why it is not there.
    pub(super) fn run(&self, files: &Files, argv: &[String]) -> Answer<Result<Outcome, String>> {
        for name in commands::files(argv) {
            if let Some(bytes) = self.read(files, &name)? {
                return Ok(body::read(&bytes, argv));
            }
        }
        // Tables are found by their numbers in `ip route show table all`, so that one without
        // a file, where others were looked for, has no routes.
        if commands::numbered_table(argv).is_some() && self.has_tables(files)? {
            return Ok(Ok(Outcome::default()));
        }
        let fault = self.packed(files)?.and_then(|(_, packed)| packed.fault.as_ref());
        Ok(Err(fault.map(|fault| format!("its archive is damaged: {fault}")).unwrap_or_default()))
    }

    /// One file of `cmd/`.
    pub(super) fn read(&self, files: &Files, name: &str) -> Answer<Option<Vec<u8>>> {
        if let Some(path) = self.found.files.get(name) {
            return files.read(path);
        }
        match self.packed(files)? {
            Some((archive, packed)) => packed.read(files, archive, name),
            None => Ok(None),
        }
    }

    fn has_tables(&self, files: &Files) -> Answer<bool> {
        let is_table = |name: &str| name.starts_with(commands::TABLES);
        if self.found.files.keys().any(|name| is_table(name)) {
            return Ok(true);
        }
        let packed = self.packed(files)?;
        // Of a damaged archive nobody knows what was in the rest.
        Ok(packed.is_some_and(|(_, packed)| packed.fault.is_none() && packed.names().any(is_table)))
    }

    fn packed(&self, files: &Files) -> Answer<Option<(&str, &Packed)>> {
        let Some(archive) = &self.found.packed else { return Ok(None) };
        let packed = self.packed.get_or_init(|| Packed::open(files, archive));
        packed.as_ref().map(|packed| Some((archive.as_str(), packed))).map_err(Clone::clone)
    }
}
