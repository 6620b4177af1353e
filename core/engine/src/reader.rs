//! Who reads along while a live command runs. Everything is handed over and nothing is copied:
//! what is kept, and for how long, is the reader's business.

use lab_output::Change;
use lab_output::Column;
use lab_output::Finding;
use lab_output::Partial;

/// What a reader wants after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More.
    On,
    /// Nobody looks any more: the run is to end.
    Closed,
    /// More rows were kept than there may be.
    Full,
}

/// Takes what a live command shows, as it shows it.
pub trait Reader: Send + Sync {
    /// A table was declared. Its number is how many were declared before it.
    fn table(&self, name: &str, columns: &[Column]);
    /// A consistent picture of a table: everything that changed since its last commit, in order.
    /// The rows fit the columns.
    fn commit(&self, table: usize, changes: Vec<Change>) -> Flow;
    /// Something a person should know.
    fn finding(&self, finding: Finding);
    /// A subject without an answer.
    fn partial(&self, partial: Partial);
}
