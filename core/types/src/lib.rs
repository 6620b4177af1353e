//! Words that every part of the host program shares, mirroring `interface types` and
//! `interface card` of `wit/lab-plugin.wit`. Plain data: no I/O, no engine, no terminal.

mod card;
mod failure;
mod value;

pub use card::{Argument, Ask, Card, Command, Complete, Example, Explanation, Kind, Position};
pub use failure::{Failure, FailureKind};
pub use value::{ObjectRef, Value};
