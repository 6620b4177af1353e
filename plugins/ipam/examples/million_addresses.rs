//! Prints what building and judging ten thousand ranges and a million addresses takes:
//! `cargo run --release -p ipam --example million_addresses`.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::process::ExitCode;
use std::time::Instant;

use ipam::judge::{Options, all};
use ipam::model::build::build;

#[path = "../tests/scale/generated.rs"]
mod generated;

fn main() -> ExitCode {
    let inputs = generated::generated(10_000, 100);
    let start = Instant::now();
    let cluster = build(inputs);
    let built = start.elapsed();
    let start = Instant::now();
    let found = all(&cluster, &Options::default());
    let judged = start.elapsed();
    println!("{} claims: built in {built:?}, judged in {judged:?}", cluster.claims.len());
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
