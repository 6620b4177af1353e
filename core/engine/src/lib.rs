//! Runs plugins: WebAssembly components behind `wit/`, within limits and what their card asks.
//!
//! The rest of the program sees [`Engine`], [`Component`] and [`Run`]; how a guest call becomes
//! a question to a [`lab_backend::Backend`] or a row of a [`lab_output::Report`] is private.

mod bindings;
mod cache;
mod component;
mod engine;
mod inbox;
mod interface;
mod limits;
mod listener;
mod packed;
mod pages;
mod reader;
mod state;
mod timeline;

pub use cache::{ArtifactCache, CacheState};
pub use component::{Call, Component, Crash, Finished, Run, RunError};
pub use engine::Engine;
pub use limits::Limits;
pub use listener::{Listener, LogLevel, Silent};
pub use reader::{Flow, Reader};
