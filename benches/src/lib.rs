//! Speed, size and memory of the program, measured against named peers.
//!
//! Apart from the tests because a number depends on the machine: what is printed are ratios of
//! two things measured in turn in one run. `cargo run --release -p lab-benches --bin bench --
//! --help` says how. Nothing here is part of the program.
//!
//! In reading order: [`generate`] makes a cluster of any size, [`peer`] is what a native program
//! would do with its files, [`arguments`] reads a command line, [`measure`] runs processes,
//! [`table`] prints what came out.

pub mod arguments;
pub mod events;
pub mod generate;
pub mod measure;
pub mod peer;
pub mod table;
