//! Makes a capture of what a backend answers while it is used.

mod kept;
mod recorder;
mod tape;
mod time;

pub use recorder::Recorder;
pub(crate) use time::now;
