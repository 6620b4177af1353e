//! What happens to the rows of a table while a command runs.

use crate::{Packed, Row};

/// A step from one picture of a table to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Rows that replace those of the same key, or come at the end.
    Rows(Vec<Row>),
    /// The same, not yet unpacked.
    Packed(Packed),
    /// Keys of rows that are gone.
    Removed(Vec<String>),
}
