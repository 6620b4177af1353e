//! Every cap on a plugin in one struct.

use std::time::Duration;

/// What one run of a plugin may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory, in bytes.
    pub memory: usize,
    /// Elements of a table of functions.
    pub table_elements: usize,
    /// Core instances: a component is many (an interpreted guest needs about 40).
    pub instances: usize,
    /// Live resource handles.
    pub handles: usize,
    /// Bytes that one call may copy into the host.
    pub hostcall_bytes: usize,
    /// Time spent computing in the guest; waiting for answers does not count. Live commands
    /// have no such limit.
    pub compute: Duration,
    /// Rows of all tables together.
    pub rows: usize,
    /// Findings.
    pub findings: usize,
    /// Log lines; more are counted and dropped.
    pub log_lines: u32,
    /// Commands that may be running or unread at once.
    pub concurrency: usize,
    /// Items that a stream may hold unread before its source is paused.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            table_elements: 200_000,
            instances: 1_000,
            handles: 10_000,
            hostcall_bytes: 16 << 20,
            compute: Duration::from_mins(1),
            rows: 10_000_000,
            findings: 100_000,
            log_lines: 10_000,
            concurrency: 32,
            queue: 1_024,
        }
    }
}
