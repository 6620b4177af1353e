//! What was typed ([`parse`] → [`Args`]), what it means ([`Settings`]), how shells complete it
//! ([`completion`]) and how a run ends ([`exit`]).
//!
//! Plugins are known by their cards alone. Nothing here asks a cluster, starts a plugin or
//! writes to a terminal: text to show is returned. Only `settings` reads the environment and
//! files, behind one trait.

mod args;
mod choice;
pub mod completion;
mod error;
pub mod exit;
mod explanations;
mod flags;
mod globals;
mod help;
mod nearest;
pub mod settings;
mod tree;
mod typed;
mod values;
mod walk;

pub use args::{Action, Addition, Args, Capture, Captured, Doctor, Run, parse};
pub use choice::{Choice, Color, FailOn, Format, Shell, Transport};
pub use error::CliError;
pub use explanations::explanations;
pub use globals::Globals;
pub use nearest::nearest;
pub use settings::Settings;
pub use tree::complaints;
