//! What authors do with a [`Failure`] besides matching on it.

use crate::Failure;

impl Failure {
    /// The case in words and the message, as people read it.
    pub fn message(&self) -> &str {
        match self {
            Self::Denied(message)
            | Self::NotFound(message)
            | Self::InvalidInput(message)
            | Self::Timeout(message)
            | Self::Unavailable(message)
            | Self::Other(message) => message,
            Self::Stopped => "stopped",
        }
    }

    /// Puts the subject in front of the message.
    #[must_use]
    pub fn context(self, subject: impl std::fmt::Display) -> Self {
        let with = |message: String| format!("{subject}: {message}");
        match self {
            Self::Denied(message) => Self::Denied(with(message)),
            Self::NotFound(message) => Self::NotFound(with(message)),
            Self::InvalidInput(message) => Self::InvalidInput(with(message)),
            Self::Timeout(message) => Self::Timeout(with(message)),
            Self::Unavailable(message) => Self::Unavailable(with(message)),
            Self::Other(message) => Self::Other(with(message)),
            Self::Stopped => Self::Stopped,
        }
    }
}
