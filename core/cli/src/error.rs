//! The one shape of an error of the command line: what failed, and what to do about it.

use lab_types::Failure;

/// A mistake in what was typed or configured. Always exit code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// One lower-case line without a final stop.
    pub message: String,
    /// What the user can do: the exact flag or command.
    pub hint: Option<String>,
}

impl CliError {
    /// An error without a cure we know of.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// `error: …`, and `hint: …` on a second line where there is one; no line break at the end.
impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CliError {}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        let failure = Self::invalid(error.message);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
