//! Captures from the outside: reading what others made, surviving what they broke, writing,
//! recording.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod broken_bytes;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod support;
#[cfg(test)]
mod verbs;
#[cfg(test)]
mod writing;
