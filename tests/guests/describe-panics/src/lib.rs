//! Panics while it describes itself.

use lab_plugin::{Call, Card, Failure, Plugin};

/// The plugin.
pub struct Panicking;

lab_plugin::export!(Panicking);

impl Plugin for Panicking {
    fn describe() -> Card {
        panic!("no words for myself")
    }

    fn run(_: &Call) -> Result<(), Failure> {
        Ok(())
    }
}
