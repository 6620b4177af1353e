//! Words that every part of the host program shares, mirroring `interface types`,
//! `interface card` and what `interface output` packs in `wit/lab-plugin.wit`. Plain data: no I/O, no engine, no terminal.

mod card;
mod failure;
mod packed;
mod value;

pub use card::{Argument, Ask, Card, Command, Complete, Example, Explanation, Kind, Position};
pub use failure::{Failure, FailureKind};
pub use packed::{PackedCell, PackedReader, PackedRows, Unreadable};
pub use value::{ObjectRef, Value};
