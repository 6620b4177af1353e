//! What probes print, and the objects behind a Service, into records.
//!
//! Pure, and never fails as a whole: text that is not understood leaves fields empty.

pub mod connect;
pub mod objects;
pub mod ping;
pub mod tracepath;
