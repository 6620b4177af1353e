//! Answers into records: text and objects in, values out.
//!
//! Pure and apart from the questions: which answer belongs to which host is collect's business,
//! and what follows from a value is judge's.

pub mod devices;
pub mod hosts_file;
pub mod objects;
pub mod quantity;
pub mod release;
pub mod version;
