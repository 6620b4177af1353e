//! The host's side of `wit/`: one file for each interface that a plugin imports.

pub(crate) mod card;
pub(crate) mod cluster;
pub(crate) mod hosts;
mod inbox;
mod log;
pub(crate) mod output;
mod rows;
mod settings;
mod types;
