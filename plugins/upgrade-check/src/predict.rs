//! What an upgrade is going to change, worked out before it: settings and definitions.
//!
//! Pure, from what the charts write and what Cilium's sources define. Routes, rules and addresses
//! are no part of it: no minor up to 1.19 writes others than the one before.

pub mod config;
pub mod crds;
pub mod values;
