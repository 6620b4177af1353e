//! Commands on the cluster's hosts.

use std::collections::BTreeMap;

use crate::Failure;
use crate::host;

pub use crate::bindings::lab::plugin::hosts::HostRef as Host;
pub use crate::bindings::lab::plugin::hosts::Kind;
pub use crate::bindings::lab::plugin::hosts::Outcome;

/// Every host that can be asked, nodes first.
///
/// # Errors
/// The host program's failures.
pub fn list() -> Result<Vec<Host>, Failure> {
    host::hosts()
}

/// Where a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The network namespace of the host itself.
    Host(String),
    /// The container of the Cilium agent on that host.
    Agent(String),
    /// A container of a pod.
    Pod {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        name: String,
        /// The pod's only or first container when absent.
        container: Option<String>,
    },
    /// The relay that gathers what the agents of all hosts see, where there is one. It answers
    /// `hubble observe -o jsonpb` and runs nothing.
    Relay,
}

impl Place {
    /// The network namespace of a host.
    pub fn host(name: &str) -> Self {
        Self::Host(name.to_owned())
    }
    /// The Cilium agent's container on a host.
    pub fn agent(host: &str) -> Self {
        Self::Agent(host.to_owned())
    }
}

impl Outcome {
    /// Standard output as text; bytes that are not UTF-8 become `�`.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.out)
    }

    /// Standard output, if the command ended well; else a failure with its first line of
    /// standard error.
    ///
    /// # Errors
    /// A code other than 0, or output that was cut.
    pub fn success(&self) -> Result<&[u8], Failure> {
        if self.code != 0 {
            let err = String::from_utf8_lossy(&self.err);
            let line = err.lines().next().unwrap_or_default();
            let line = if line.is_empty() { "no message" } else { line };
            return Err(Failure::Other(format!("exit code {}: {line}", self.code)));
        }
        if self.truncated {
            return Err(Failure::Other("the output was cut at the size limit".to_owned()));
        }
        Ok(&self.out)
    }
}

/// Many commands at once. The host bounds how many run together, sets each one's deadline and
/// shows the progress; nothing runs before the first answer is taken.
#[derive(Default)]
pub struct Batch(host::Batch);

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command and returns its index, counted from 0.
    pub fn add(&mut self, place: &Place, argv: &[&str]) -> u32 {
        self.0.add(place, argv)
    }

    /// Answers as they come, each with the index of its command.
    pub fn as_they_come(self) -> impl Iterator<Item = (u32, Result<Outcome, Failure>)> {
        let mut batch = self.0;
        std::iter::from_fn(move || batch.next())
    }

    /// Answers in the order of the commands; those that come early wait.
    pub fn in_order(self) -> impl Iterator<Item = Result<Outcome, Failure>> {
        let mut batch = self.0;
        let mut early = BTreeMap::new();
        let mut due = 0;
        std::iter::from_fn(move || {
            loop {
                if let Some(outcome) = early.remove(&due) {
                    due += 1;
                    return Some(outcome);
                }
                let (index, outcome) = batch.next()?;
                early.insert(index, outcome);
            }
        })
    }
}
