//! Findings, partial answers and progress.

use crate::Failure;
use crate::Level;
use crate::host;

/// Something a person should know; it decides the exit code. Report it with
/// [`Finding::report`].
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// Stable for life: `routes/black-hole`.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// One terse line.
    pub message: String,
    /// Where and what was seen, word for word.
    pub evidence: Vec<(String, String)>,
    /// What to do; each entry is one way.
    pub fixes: Vec<String>,
}

impl Finding {
    /// A finding of a level.
    pub fn new(
        level: Level,
        code: &str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            level,
            code: code.to_owned(),
            subject: subject.into(),
            message: message.into(),
            evidence: Vec::new(),
            fixes: Vec::new(),
        }
    }
    /// Broken.
    pub fn bad(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Bad, code, subject, message)
    }
    /// Should be looked at.
    pub fn warn(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Warn, code, subject, message)
    }
    /// Worth knowing.
    pub fn info(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Info, code, subject, message)
    }
    /// What was seen, word for word, and where.
    #[must_use]
    pub fn evidence(mut self, place: impl Into<String>, text: impl Into<String>) -> Self {
        self.evidence.push((place.into(), text.into()));
        self
    }
    /// One way to cure it; a command where there is one.
    #[must_use]
    pub fn fix(mut self, text: impl Into<String>) -> Self {
        self.fixes.push(text.into());
        self
    }
    /// Hands it to the host.
    ///
    /// # Errors
    /// [`Failure::Stopped`] when nobody reads any more.
    pub fn report(self) -> Result<(), Failure> {
        host::finding(self)
    }
}

/// One part failed and the rest goes on, such as one host of fifty.
pub fn partial(subject: &str, why: &Failure) {
    host::partial(subject, why);
}

/// A line of progress on a terminal.
pub struct Progress(host::Progress);

impl Progress {
    /// Shows a label.
    pub fn new(label: &str) -> Self {
        Self(host::Progress::new(label))
    }
    /// Says how much is done, and of how much.
    pub fn set(&self, done: u64, total: Option<u64>) {
        self.0.set(done, total);
    }
}
