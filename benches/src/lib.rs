//! Speed, size and memory of the program, measured against named peers.
//!
//! Apart from the tests because a number depends on the machine: what is printed are ratios of
//! two things measured in turn in one run. `target/benches/bench
//! --help` says how. Nothing here is part of the program.
//!
//! In reading order: [`generate`] makes a capture of any size, and what a store holds of a large
//! cluster, [`events`] and [`filters`] a capture of many lines, [`crowd`] serves a cluster of any
//! size, [`relay`] what all its agents see, [`plane`] runs a real API server over a large one, [`peer`] and [`addresses`] are what a
//! native program would do with the capture's files, [`arguments`] reads a command line,
//! [`measure`] runs processes, [`table`] prints what came out.

pub mod addresses;
pub mod arguments;
pub mod crowd;
pub mod events;
pub mod filters;
pub mod generate;
pub mod measure;
pub mod peer;
pub mod plane;
pub mod relay;
pub mod table;
