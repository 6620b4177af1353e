//! What a command shows while it runs: on a terminal a picture that is drawn again in place, in a
//! pipe lines as they come.
//!
//! Pure like the rest of this crate: the size of the terminal and the time since the start are
//! given, and bytes go into a buffer. Who asks the terminal and who writes is the program's
//! business.

mod clip;
mod picture;
mod screen;
mod stream;
mod throttle;

pub use picture::{Part, Picture, Scene, Status, picture};
pub use screen::{LEAVE, Screen};
pub use stream::Stream;
pub use throttle::Throttle;

/// Size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}
