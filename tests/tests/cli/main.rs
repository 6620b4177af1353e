//! The program, started as a user starts it, over captures, a faked API server and terminals.

mod bad_input;
mod builtin;
mod cache;
mod captures;
mod doctor;
#[cfg(unix)]
mod each;
mod flags;
mod formats;
mod live;
mod pasted;
mod recorded;
mod releases;
mod settings;
mod streams;
mod sysdumps;
mod watch;
