//! Asks for hosts while it describes itself, which may ask for nothing.

use lab_plugin::{Call, Card, Failure, Plugin};

/// The plugin.
pub struct Asking;

lab_plugin::export!(Asking);

impl Plugin for Asking {
    fn describe() -> Card {
        let hosts = lab_plugin::hosts::list().map_or(0, |hosts| hosts.len());
        Card::new(&format!("Knows {hosts} hosts already"))
    }

    fn run(_: &Call) -> Result<(), Failure> {
        Ok(())
    }
}
