//! What the tests that cross folders share.
//!
//! [`Lab`] starts the program as a user does and [`Run`] is what came of it; [`golden`] compares
//! with a reviewed file; [`guest`] builds components that misbehave and [`Guest`] runs them; [`ApiServer`] stands in for
//! a cluster, [`Fleet`] for hosts; [`Scratch`] is a folder that goes away.

pub mod captures;
#[cfg(unix)]
mod fleet;
mod golden;
mod guests;
mod program;
mod scratch;
mod server;
pub mod sources;
pub mod sysdump;
pub mod terminal;
pub mod texts;

#[cfg(unix)]
pub use fleet::Fleet;
pub use golden::golden;
pub use guests::{Guest, guest};
pub use program::{Lab, Run};
pub use scratch::Scratch;
pub use server::{ApiServer, Reply, Request, status};
