//! What every host does with a packet: asked for once, modelled, walked there and back.
//!
//! Apart from the plugins because several rest on it: whoever predicts where a packet goes asks
//! here, so that two plugins cannot disagree. It must not know what a route ought to be, which
//! findings there are, or a column.
//!
//! Reading order: [`collect`] asks (the only file that does), [`parse`] and [`model`] make the
//! cluster of it, [`settings`] and [`datapath`] are Cilium's part, [`trace`] walks from name to
//! name, [`matrix`] between all nodes' pods; [`fixes`] and [`words`] say it to people.

pub mod collect;
pub mod datapath;
pub mod direct;
pub mod fixes;
#[cfg(any(test, feature = "made"))]
pub mod made;
pub mod matrix;
pub mod model;
pub mod owner;
pub mod parse;
pub mod reach;
pub mod settings;
pub mod tables;
pub mod trace;
pub mod words;
