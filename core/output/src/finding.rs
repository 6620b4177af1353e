//! Something a person should know; findings decide the exit code.

use crate::Level;

/// What was seen, word for word, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Host and command: `router: ip -j route show table all`.
    pub place: String,
    /// The very line.
    pub text: String,
}

/// One thing that is wrong, or worth knowing, with its evidence and its cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// Stable for life: `routes/black-hole`.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// One terse line.
    pub message: String,
    /// In the order in which a reader understands it.
    pub evidence: Vec<Evidence>,
    /// What to do; a command where there is one. Alternatives are separate entries.
    pub fixes: Vec<String>,
}
