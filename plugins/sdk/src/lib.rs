//! Write a kubectl-lab plugin.
//!
//! Implement [`Plugin`] for a type, name it in [`export!`], and build the crate for
//! `wasm32-wasip2`: that is a component which `kubectl lab` runs. The same source also runs
//! natively against the test host of `lab-plugin-test`, in a plain `cargo test`.
//!
//! ```
//! use lab_plugin::{Call, Card, Command, Failure, Plugin, Table, row};
//!
//! row! {
//!     /// One host and its kernel.
//!     pub struct KernelRow {
//!         /// Host that was asked.
//!         pub host: String,
//!         /// What `uname -r` printed there.
//!         pub kernel: Option<String>,
//!     }
//! }
//!
//! struct Kernels;
//!
//! impl Plugin for Kernels {
//!     fn describe() -> Card {
//!         Card::new("Show every host's kernel")
//!             .command(Command::new(&["kernels"], "Show every host's kernel"))
//!             .ask("hosts", &["host: uname -r"], "the kernel's release is asked on every host")
//!     }
//!     fn run(_call: &Call) -> Result<(), Failure> {
//!         let mut table = Table::<KernelRow>::new("kernels");
//!         let hosts = lab_plugin::hosts::list()?;
//!         let mut batch = lab_plugin::Batch::new();
//!         for host in &hosts {
//!             batch.add(&lab_plugin::Place::host(&host.name), &["uname", "-r"]);
//!         }
//!         for (host, answer) in hosts.iter().zip(batch.in_order()) {
//!             let kernel = answer.ok().map(|outcome| outcome.text().trim().to_owned());
//!             table.push(&host.name, KernelRow { host: host.name.clone(), kernel })?;
//!         }
//!         table.commit()
//!     }
//! }
//!
//! lab_plugin::export!(Kernels);
//! ```

#[doc(hidden)]
pub mod bindings;
mod call;
mod card;
pub mod cluster;
mod fact;
mod failure;
mod finding;
pub mod findings;
mod host;
pub mod hosts;
pub mod inbox;
pub mod log;
mod process;
mod row;
pub mod settings;
mod table;
mod watch;

#[cfg(not(target_arch = "wasm32"))]
pub use host::native;

pub use bindings::lab::plugin::output::Cell;
pub use bindings::lab::plugin::output::Kind as ColumnKind;
pub use bindings::lab::plugin::output::Level;
pub use bindings::lab::plugin::types::Failure;
pub use bindings::lab::plugin::types::ObjectRef;
pub use call::Call;
pub use card::Argument;
pub use card::Card;
pub use card::Command;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use card::hand_over;
pub use cluster::Selection;
pub use fact::Fact;
pub use finding::Finding;
pub use finding::Progress;
pub use finding::partial;
pub use hosts::Batch;
pub use hosts::Outcome;
pub use hosts::Place;
pub use inbox::Source;
pub use inbox::Ticker;
pub use lab_types::Kind;
pub use lab_types::PackedRows;
pub use process::Chunk;
pub use process::Process;
pub use row::Bytes;
pub use row::Column;
pub use row::Cores;
pub use row::Health;
pub use row::IntoCell;
pub use row::Json;
pub use row::Percent;
pub use row::Shown;
pub use row::TableRow;
pub use row::Timestamp;
#[doc(hidden)]
pub use row::column_id;
pub use table::Table;
pub use watch::Change;
pub use watch::Watch;

/// A plugin: what it is, and what it does when one of its commands is called.
pub trait Plugin {
    /// Describes the plugin. Pure: called once, at build or install, with nothing to ask.
    fn describe() -> Card;

    /// Runs one of the card's commands.
    ///
    /// # Errors
    /// A failure ends the run with exit code 2. One host without an answer is not a failure
    /// but a [`partial`].
    fn run(call: &Call) -> Result<(), Failure>;
}

/// Makes a component of a [`Plugin`]. Does nothing in a native build.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            impl $crate::bindings::exports::lab::plugin::command::Guest for Component {
                fn describe(card: &$crate::bindings::lab::plugin::card::Card) {
                    $crate::hand_over(<$plugin as $crate::Plugin>::describe(), card);
                }
                fn run(
                    path: Vec<String>,
                    values: Vec<(String, $crate::bindings::exports::lab::plugin::command::Value)>,
                ) -> Result<(), $crate::Failure> {
                    <$plugin as $crate::Plugin>::run(&$crate::Call::new(path, values))
                }
            }
    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };
    };
}
