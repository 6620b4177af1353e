//! `interface types`: failures and object references, in and out.

use lab_types::Failure;
use lab_types::FailureKind;
use lab_types::ObjectRef;

use crate::bindings::lab::plugin::types as wit;
use crate::state::State;

impl wit::Host for State {}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        // The guest sees one line: a hint belongs to it, for the plugin may show it as partial.
        let message = match failure.hint {
            Some(hint) => format!("{} (hint: {hint})", failure.message),
            None => failure.message,
        };
        match failure.kind {
            FailureKind::Denied => Self::Denied(message),
            FailureKind::NotFound => Self::NotFound(message),
            FailureKind::InvalidInput => Self::InvalidInput(message),
            FailureKind::Timeout => Self::Timeout(message),
            FailureKind::Unavailable => Self::Unavailable(message),
            FailureKind::Stopped => Self::Stopped,
            FailureKind::Other => Self::Other(message),
        }
    }
}

impl From<wit::Failure> for Failure {
    fn from(failure: wit::Failure) -> Self {
        let (kind, message) = match failure {
            wit::Failure::Denied(message) => (FailureKind::Denied, message),
            wit::Failure::NotFound(message) => (FailureKind::NotFound, message),
            wit::Failure::InvalidInput(message) => (FailureKind::InvalidInput, message),
            wit::Failure::Timeout(message) => (FailureKind::Timeout, message),
            wit::Failure::Unavailable(message) => (FailureKind::Unavailable, message),
            wit::Failure::Stopped => (FailureKind::Stopped, String::new()),
            wit::Failure::Other(message) => (FailureKind::Other, message),
        };
        // The hint travelled inside the message; give it its own line back.
        match message.split_once(" (hint: ").and_then(|(m, h)| Some((m, h.strip_suffix(')')?))) {
            Some((message, hint)) => Self::new(kind, message).hint(hint),
            None => Self::new(kind, message),
        }
    }
}

impl From<wit::ObjectRef> for ObjectRef {
    fn from(object: wit::ObjectRef) -> Self {
        Self {
            api_version: object.api_version,
            kind: object.kind,
            namespace: object.namespace,
            name: object.name,
        }
    }
}
