//! Everything one run found.

use lab_types::Failure;

use crate::Finding;
use crate::Table;

/// One subject without an answer while the rest went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// A host, an object kind, a file.
    pub subject: String,
    /// Why there is no answer.
    pub why: Failure,
}

/// Tables, findings and partials of one run, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// One or more tables.
    pub tables: Vec<Table>,
    /// Sorted worst first by whoever draws them.
    pub findings: Vec<Finding>,
    /// Subjects without an answer.
    pub partials: Vec<Partial>,
}
