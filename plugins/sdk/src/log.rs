//! Lines for whoever looks for a fault (`-v`); never part of the output.

use crate::host;

pub use crate::bindings::lab::plugin::log::Level;

/// Writes one line with fields.
pub fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    host::log(level, message, fields);
}

/// One line at debug level.
pub fn debug(message: &str) {
    write(Level::Debug, message, &[]);
}

/// One line at warning level.
pub fn warn(message: &str) {
    write(Level::Warn, message, &[]);
}
