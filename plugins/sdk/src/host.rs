//! The calls to the host, with one face and two bodies: WebAssembly imports, or the native
//! test host.

#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::calls::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;
