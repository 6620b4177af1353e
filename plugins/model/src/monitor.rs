//! What a Cilium agent saw, and the parsers of everything `cilium-dbg monitor` prints.
//!
//! Apart from [`crate::cilium`] because these are events, not objects: they come as a stream, by
//! the hundred thousand each second, in pieces cut anywhere. It must not know pods, nodes or
//! columns: whose an address is, is named by a plugin.
//!
//! One [`Event`] is made of each record, whatever its shape: JSON lines (`-j`, with the text
//! lines that the agent prints between them), the text of the default level, of `-v`, `-v -v`
//! and `--hex`, and the lines in which Hubble writes flows. What is none of these is an event
//! too, of the kind [`Kind::Other`], word for word: nothing is lost, and nothing fails.
//!
//! Reading order: [`Event`], [`Reader`] (bytes in, events out), then one file for each shape.

mod connection;
mod event;
mod files;
mod flags;
mod hubble;
mod identity;
mod json;
mod l7;
mod layers;
mod point;
mod reader;
mod reasons;
mod record;
mod text;
mod time;
mod verbose;

pub use event::{Direction, Drop, Event, Kind, Party, Protocol, SourceFile, Tunnel, Verdict};
pub use files::file_name;
pub use flags::TcpFlags;
pub use hubble::{NodeState, NodeStatus};
pub use identity::{reserved_identity, reserved_name};
pub use json::parse_json_line;
pub use point::Point;
pub use reader::Reader;
pub use reasons::{REASONS, Reason};
pub use text::parse_text_line;

pub(crate) use time::milliseconds;
