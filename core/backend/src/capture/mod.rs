//! Captures: answers that were recorded, in the format `lab-capture/1`.
//!
//! A capture is a folder, or a zip of it, that ordinary tools can read, compare and redact.
//! [`Capture`] answers questions from one; [`Writer`] makes one. Nothing here asks a cluster.
//!
//! ```text
//! capture.json                         format, created, context, versions, hosts, and optionally
//!   "selected": {"v1/Pod": [{"namespace": "kube-system"}]}       kinds that were asked in parts only
//!   "missing": [{"place": "host", "host": "w0", "argv": ["ip", "-j", "rule"],
//!                "failure": "timeout", "why": "no answer in 10 s"},
//!               {"kind": "v1/Pod", "namespace": "x", "failure": "denied", "why": …}]
//!                                      questions without an answer; "kind" is also `hosts`,
//!                                      `version.json`, or `log of NAMESPACE/POD CONTAINER`
//! version.json                         the API server's /version document
//! objects/<apiVersion>/<Kind>.json     a List; managedFields dropped; never Secrets
//! hosts/<host>/commands.json           [{"place": "host" | "agent", "argv", "code", "out": file,
//!                                        "err": file, "stamps": file, "truncated": true,
//!                                        "ms": 12}, …]
//!                                      stamps: one line for each line of a stream's output: when
//!                                        it came, in Unix milliseconds
//! hosts/<host>/pods.json               the same for commands in pods that run there; adds
//!                                        "pod": {"namespace", "name", "container"}
//! pods/pods.json                       the same for pods whose host is not known, and for the
//!                                        relay of all agents: "place": "relay"
//! logs/<namespace>/<pod>/<container>.log, .previous.log    `_` is the container that was not named
//! ```

mod add;
mod again;
mod amend;
mod contents;
mod cover;
pub(crate) mod format;
mod head;
mod kinds;
mod list;
mod logs;
mod naming;
mod reader;
mod save;
mod verify;
mod writer;

pub use add::Addition;
pub use contents::{CommandContents, Contents, KindContents, MissingContents};
pub(crate) use format::shown;
pub(crate) use head::root;
pub(crate) use logs::last_lines;
pub(crate) use logs::shown as log_name;
pub use reader::Capture;
pub use verify::Fault;
pub use writer::Writer;
