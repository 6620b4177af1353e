//! Sysdumps from the outside, made by the tests from real outputs in the layouts that the
//! collecting tools wrote.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod broken_bytes;
#[cfg(test)]
mod cluster_info;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod support;
