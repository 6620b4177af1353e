//! The demo: a capture of a real lab inside the program, for a first look without a cluster.
//! `demo/make` says how it is cut down from the recorded one.

use crate::Answer;
use crate::Capture;

/// The zip, as `demo/make` wrote it.
static ZIP: &[u8] = include_bytes!("../demo/demo.zip");

/// Opens the demo.
pub fn open() -> Answer<Capture> {
    Ok(Capture::from_bytes(ZIP)?.named("demo"))
}
