//! Bytes out: what a run found, as people and programs read it.
//!
//! The only crate that knows formats, widths and colors. It takes a finished
//! [`Report`](lab_output::Report) and two writers, one for data and one for remarks about it, and
//! knows neither a terminal nor a clock: width, color and the time of day are given to it.

mod age;
mod csv;
mod diff;
mod document;
mod error;
mod findings;
mod format;
mod json;
pub mod live;
mod name;
mod ndjson;
mod node;
mod paint;
mod partials;
mod plural;
mod quantity;
mod quote;
mod record;
mod render;
mod sanitize;
mod table;
mod value;
mod width;
mod wrap;
mod yaml;

pub use error::{RenderError, render_failure};
pub use findings::render_findings;
pub use format::Format;
pub use partials::render_partials;
pub use plural::count;
pub use quote::quote;
pub use render::{Options, render};
pub use sanitize::clean;
