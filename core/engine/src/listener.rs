//! What a run tells while it runs, besides its result.

/// Level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// Worth a line.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

/// Hears of progress and log lines. Nothing of it is part of the result.
pub trait Listener: Send + Sync {
    /// A line of the plugin, with its fields.
    fn log(&self, plugin: &str, level: LogLevel, message: &str, fields: &[(String, String)]);
    /// How much is done, and of how much.
    fn progress(&self, label: &str, done: u64, total: Option<u64>);
}

/// Hears and tells nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Listener for Silent {
    fn log(&self, _: &str, _: LogLevel, _: &str, _: &[(String, String)]) {}
    fn progress(&self, _: &str, _: u64, _: Option<u64>) {}
}
