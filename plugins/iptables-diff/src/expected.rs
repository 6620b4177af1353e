//! What Cilium ought to have installed on a host, and how the host's rules differ from it.
//!
//! Apart from `judge` because it is a comparison with a model, not a check. The model is data
//! (`expected/model.txt`); it must not know a host that it was not told.

pub mod config;
pub mod model;
pub mod verdicts;
