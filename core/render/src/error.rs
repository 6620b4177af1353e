//! What goes wrong while drawing, and how a failure is told: one `error:` line, one `hint:` line.

use std::io;
use std::io::Write;

use lab_types::Failure;

use crate::clean;

/// Why a report was not drawn.
#[derive(Debug)]
pub enum RenderError {
    /// A writer failed; a broken pipe only means that the reader has seen enough.
    Write(io::Error),
    /// The report cannot be drawn in this format; nothing was written.
    Unsuited(Failure),
}

impl std::fmt::Display for RenderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write(error) => write!(f, "cannot write: {error}"),
            Self::Unsuited(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for RenderError {}

impl From<io::Error> for RenderError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<Failure> for RenderError {
    fn from(failure: Failure) -> Self {
        Self::Unsuited(failure)
    }
}

/// Writes `error: …` and, where there is one, `hint: …`; for stderr.
pub fn render_failure(failure: &Failure, err: &mut dyn Write) -> io::Result<()> {
    writeln!(err, "error: {}", clean(&failure.to_string()))?;
    match &failure.hint {
        Some(hint) => writeln!(err, "hint: {}", clean(hint)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(failure: &Failure, expected: &str) {
        let mut written = Vec::new();
        render_failure(failure, &mut written).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn a_failure_is_one_line_and_its_hint_another() {
        check(&Failure::other("x: broke"), "error: x: broke\n");
        check(&Failure::denied("no").hint("ask"), "error: no\nhint: ask\n");
        check(&Failure::stopped(), "error: stopped\n");
        check(&Failure::other("a\nb\u{1b}[2J"), "error: a␤b␛[2J\n");
    }
}
