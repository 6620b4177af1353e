//! Why an answer is missing. The cases are the interface's `failure`; a denied or missing
//! answer is always one of these and never an empty success.

use serde::Deserialize;
use serde::Serialize;

/// The case of a [`Failure`], for callers that act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Somebody refused: the cluster's RBAC, a grant that is missing, a host's login.
    Denied,
    /// The thing asked for does not exist.
    NotFound,
    /// The question itself is malformed.
    InvalidInput,
    /// No answer within the deadline.
    Timeout,
    /// The thing may exist, but cannot be asked now or here (such as a capture without it).
    Unavailable,
    /// The run was stopped: by the user, or because the reader went away.
    Stopped,
    /// Anything else.
    Other,
}

impl FailureKind {
    /// The word shown to people, as in `k8s-w0 (timeout)`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotFound => "not found",
            Self::InvalidInput => "invalid input",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Stopped => "stopped",
            Self::Other => "failed",
        }
    }
}

/// A question that got no answer, with one line saying what failed and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The case.
    pub kind: FailureKind,
    /// One lower-case line without a final stop; empty for [`FailureKind::Stopped`].
    pub message: String,
    /// What the user can do about it, where we know: one line with the exact flag or command.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of a given kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }
    /// Somebody refused.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Denied, message)
    }
    /// The thing does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotFound, message)
    }
    /// The question is malformed.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidInput, message)
    }
    /// No answer in time.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Timeout, message)
    }
    /// Cannot be asked now or here.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unavailable, message)
    }
    /// The run was stopped.
    pub fn stopped() -> Self {
        Self::new(FailureKind::Stopped, "")
    }
    /// Anything else.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Other, message)
    }
    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// Puts the subject in front of the message, once, where it is known.
    #[must_use]
    pub fn context(mut self, subject: impl std::fmt::Display) -> Self {
        self.message = if self.message.is_empty() {
            subject.to_string()
        } else {
            format!("{subject}: {}", self.message)
        };
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.message.is_empty() {
            f.write_str(self.kind.as_str())
        } else {
            f.write_str(&self.message)
        }
    }
}

impl std::error::Error for Failure {}
