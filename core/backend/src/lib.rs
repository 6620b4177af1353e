//! The seam that every question of a plugin passes, and the sides of it that need no cluster.
//!
//! A plugin asks for objects and for the output of commands; it cannot tell which
//! [`Backend`] answers. The live one is in `lab-live`; captures, sysdumps, the demo and the
//! recorder, which wraps any of them, are here.

mod backend;
mod capture;
mod collect;
mod consent;
pub mod demo;
mod files;
mod forms;
mod gate;
mod json;
mod narrow;
mod nodes;
mod objects;
mod open;
mod project;
mod question;
mod read_only;
mod record;
mod redact;
mod replay;
mod saved;
mod scope;
mod select;
mod spelling;
mod split;
mod sysdump;
mod walk;
mod yaml;

pub use backend::{About, Answer, Backend, Change, Chunk};
pub use capture::{
    Addition, Capture, CommandContents, Contents, Fault, KindContents, MissingContents, Writer,
};
pub use collect::{Collected, Plan};
pub use consent::{AnyConsent, Consent, NoConsent, Wish};
pub use files::Limits;
pub use forms::Forms;
pub use gate::{Gate, Permission};
pub use narrow::HostFilter;
pub use open::open_any;
pub use project::Projection;
pub use question::{Host, HostKind, Outcome, Page, Place, Question, Selection};
pub use read_only::READ_ONLY;
pub use record::Recorder;
pub use redact::Redaction;
pub use saved::SavedOutput;
pub use select::Selector;
pub use sysdump::{ClusterInfo, Sysdump};
