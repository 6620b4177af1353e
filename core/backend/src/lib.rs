//! The seam that every question of a plugin passes, and the sides of it that need no cluster.
//!
//! A plugin asks for objects and for the output of commands; it cannot tell which
//! [`Backend`] answers. The live one is in `lab-live`; a capture, the demo and the recorder,
//! which wraps any of them, are here.

mod backend;
mod capture;
pub mod demo;
mod gate;
mod json;
mod narrow;
mod project;
mod question;
mod record;
mod select;

pub use backend::{About, Answer, Backend, Change, Chunk};
pub use capture::{Capture, Limits, Writer};
pub use gate::Gate;
pub use narrow::HostFilter;
pub use project::Projection;
pub use question::{Host, HostKind, Outcome, Page, Place, Question, Selection};
pub use record::Recorder;
pub use select::Selector;
