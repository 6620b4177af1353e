//! Runs a plugin natively on a capture, in a plain `cargo test`: no cluster, no WebAssembly.
//!
//! The answers come through the same seam as in the program, and a question that the plugin's
//! card does not ask for is refused here as there.
//!
//! ```
//! use lab_plugin::{Call, Card, Command, Failure, Plugin, Table, hosts, row};
//!
//! row! {
//!     /// One host.
//!     pub struct HostRow {
//!         /// Its name.
//!         pub host: String,
//!     }
//! }
//!
//! struct Names;
//!
//! impl Plugin for Names {
//!     fn describe() -> Card {
//!         Card::new("List hosts").command(Command::new(&["names"], "List hosts"))
//!     }
//!     fn run(_: &Call) -> Result<(), Failure> {
//!         let mut table = Table::new("hosts");
//!         for host in hosts::list()? {
//!             table.push(&host.name, HostRow { host: host.name.clone() })?;
//!         }
//!         table.commit()
//!     }
//! }
//!
//! let demo = lab_backend::demo::open().expect("the demo is sound");
//! let run = lab_plugin_test::Lab::new(std::sync::Arc::new(demo)).run::<Names>(&["names"], &[]);
//! assert!(run.result.is_ok());
//! assert_eq!(run.report.tables[0].rows().len(), 4);
//! ```

mod card;
mod convert;
mod golden;
mod host;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use lab_backend::AnyConsent;
use lab_backend::Backend;
use lab_backend::Capture;
use lab_backend::Forms;
use lab_backend::Gate;
use lab_output::Report;
use lab_plugin::Call;
use lab_plugin::Failure;
use lab_plugin::Plugin;
use lab_types::Position;
use lab_types::Value;

pub use card::card;
pub use golden::draw;
pub use golden::golden;

/// A cluster to run plugins on.
pub struct Lab {
    backend: Arc<dyn Backend>,
    settings: BTreeMap<String, String>,
}

/// What a plugin found, and how it ended.
#[derive(Debug)]
pub struct Run {
    /// Tables, findings, partials.
    pub report: Report,
    /// What `run` returned.
    pub result: Result<(), Failure>,
}

impl Lab {
    /// A capture, as a folder or zip.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        match Capture::open(path) {
            Ok(capture) => Self::new(Arc::new(capture)),
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Anything that answers.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, settings: BTreeMap::new() }
    }

    /// Gives the plugin a setting, as its section of the configuration file does.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs a command of a plugin. Defaults of the card are filled in as the program does.
    ///
    /// # Panics
    /// The card has no such command.
    pub fn run<P: Plugin>(&self, path: &[&str], values: &[(&str, Value)]) -> Run {
        let card = P::describe().into_inner();
        let command = card
            .commands
            .iter()
            .find(|command| command.path == path)
            .unwrap_or_else(|| panic!("the card has no command `{}`", path.join(" ")));
        let mut given: Vec<(String, Value)> =
            values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        for argument in &command.arguments {
            if given.iter().any(|(name, _)| *name == argument.name) {
                continue;
            }
            if let Some(default) = &argument.default {
                given.push((argument.name.clone(), convert::default(argument, default)));
            } else if argument.position == Position::Positional && argument.required {
                panic!("`{}` needs `{}`", path.join(" "), argument.name);
            }
        }
        let call = Call::new(
            path.iter().map(|&word| word.to_owned()).collect(),
            given.into_iter().map(|(name, value)| (name, value.into())).collect(),
        );
        let backend = Forms::around(self.backend.clone(), &card);
        // The author of a test has agreed to what it runs.
        let gate = Gate::new(&card).asking(Arc::new(AnyConsent));
        let host = Rc::new(host::Host::new(backend, gate, self.settings.clone()));
        let result = lab_plugin::native::with_host(host.clone(), || P::run(&call));
        Run { report: host.report(), result }
    }
}
