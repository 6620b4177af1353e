//! The only way from this crate to the system: variables, files, folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// What settings and completion ask of the system.
pub trait Environment {
    /// An environment variable that is set and not empty.
    fn var(&self, name: &str) -> Option<OsString>;
    /// A whole file; `Ok(None)` if there is none.
    fn read(&self, path: &Path) -> io::Result<Option<String>>;
    /// The user's folder.
    fn home(&self) -> Option<PathBuf>;
}

/// The real system.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Environment for System {
    fn var(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn home(&self) -> Option<PathBuf> {
        std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
    }
}

/// A system of given variables and files, for tests. The user's folder is `HOME`.
#[derive(Clone, Debug, Default)]
pub struct Given {
    vars: BTreeMap<String, OsString>,
    files: BTreeMap<PathBuf, String>,
}

impl Given {
    /// With one more variable.
    #[must_use]
    pub fn with_var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.into());
        self
    }
    /// With one more file.
    #[must_use]
    pub fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }
}

impl Environment for Given {
    fn var(&self, name: &str) -> Option<OsString> {
        self.vars.get(name).filter(|value| !value.is_empty()).cloned()
    }
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        Ok(self.files.get(path).cloned())
    }
    fn home(&self) -> Option<PathBuf> {
        self.var("HOME").map(PathBuf::from)
    }
}
