//! The native side: a [`TestHost`] that a test installs for its thread answers every call.

mod sources;

use std::cell::RefCell;
use std::rc::Rc;

use lab_types::PackedCell;
use lab_types::PackedReader;
use lab_types::Unreadable;

use crate::Cell;
use crate::Column;
use crate::Failure;
use crate::Finding;
use crate::Level;
use crate::ObjectRef;
use crate::PackedRows;
use crate::Place;
use crate::Selection;
use crate::bindings::lab::plugin::hosts;
use crate::bindings::lab::plugin::log as wit_log;

pub use crate::bindings::exports::lab::plugin::command::Value;
pub use crate::bindings::lab::plugin::cluster::Change;
pub use crate::bindings::lab::plugin::output::Row;

/// Answers of a batch: index and outcome, as they come.
pub type Answers = Box<dyn Iterator<Item = (u32, Result<hosts::Outcome, Failure>)>>;

/// Changes of a followed selection, as they come.
pub type Changes = Box<dyn Iterator<Item = Result<Change, Failure>>>;
/// Output of a running command, as it comes.
pub type Chunks = Box<dyn Iterator<Item = hosts::Chunk>>;

/// What a native host answers. `lab-plugin-test` has one over captures.
pub trait TestHost {
    /// Declares a table and returns its number.
    fn table(&self, name: &str, columns: &[Column]) -> usize;
    /// Takes rows.
    ///
    /// # Errors
    /// Rows that do not fit the columns.
    fn upsert(&self, table: usize, rows: Vec<Row>) -> Result<(), Failure>;
    /// Removes rows.
    fn remove(&self, table: usize, keys: &[String]);
    /// Takes a finding.
    fn finding(&self, finding: Finding);
    /// Takes a subject without an answer.
    fn partial(&self, subject: &str, why: &Failure);
    /// A page of objects.
    ///
    /// # Errors
    /// As the interface's `cluster.list`.
    fn list(
        &self,
        of: &Selection,
        more: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Failure>;
    /// One object.
    ///
    /// # Errors
    /// As the interface's `cluster.get`.
    fn get(&self, of: &Selection, name: &str) -> Result<String, Failure>;
    /// The version document.
    ///
    /// # Errors
    /// As the interface's `cluster.version`.
    fn version(&self) -> Result<String, Failure>;
    /// The last lines of a container's log.
    ///
    /// # Errors
    /// As the interface's `cluster.logs`.
    fn logs(
        &self,
        _namespace: &str,
        _pod: &str,
        _container: &str,
        _lines: u32,
        _previous: bool,
    ) -> Result<String, Failure> {
        Err(Failure::Unavailable("this host has no logs".to_owned()))
    }
    /// The hosts.
    ///
    /// # Errors
    /// As the interface's `hosts.list`.
    fn hosts(&self) -> Result<Vec<hosts::HostRef>, Failure>;
    /// Runs commands.
    fn batch(&self, commands: Vec<(Place, Vec<String>)>) -> Answers;
    /// A setting of the plugin.
    fn setting(&self, name: &str) -> Option<String>;
    /// Follows a selection.
    ///
    /// # Errors
    /// As the interface's `watch.start`.
    fn watch(&self, _of: &Selection) -> Result<Changes, Failure> {
        Err(Failure::Unavailable("this host follows no objects".to_owned()))
    }
    /// Starts a command.
    ///
    /// # Errors
    /// As the interface's `process.start`.
    fn start(&self, _place: &Place, _argv: Vec<String>) -> Result<Chunks, Failure> {
        Err(Failure::Unavailable("this host starts no commands".to_owned()))
    }
    /// When what is taken now has come; none when it was recorded.
    fn now(&self) -> Option<i64> {
        None
    }
    /// How often a wait with nothing but tickers goes on before the user stops it.
    fn ticks(&self) -> u32 {
        3
    }
}

thread_local! {
    static HOST: RefCell<Option<Rc<dyn TestHost>>> = const { RefCell::new(None) };
}

/// Runs `body` with `host` answering for this thread.
pub fn with_host<T>(host: Rc<dyn TestHost>, body: impl FnOnce() -> T) -> T {
    /// Puts the former host back, also when `body` panics.
    struct Former(Option<Rc<dyn TestHost>>);
    impl Drop for Former {
        fn drop(&mut self) {
            HOST.with(|slot| *slot.borrow_mut() = self.0.take());
        }
    }
    let _former = Former(HOST.with(|slot| slot.borrow_mut().replace(host)));
    body()
}

/// The thread's host.
///
/// # Panics
/// Outside [`with_host`]: a plugin was called natively without anybody to ask.
fn host() -> Rc<dyn TestHost> {
    HOST.with(|slot| slot.borrow().clone())
        .expect("a plugin runs natively only inside `lab_plugin::native::with_host`")
}

/// Rows as a test reads them.
fn unpack(rows: &PackedRows, n_columns: usize) -> Result<Vec<Row>, Unreadable> {
    let mut reader = PackedReader::new(&rows.texts, &rows.words);
    let mut unpacked = Vec::new();
    while !reader.is_at_end()? {
        let key = reader.row(n_columns)?.to_owned();
        let cells = (0..n_columns).map(|_| reader.cell().map(cell)).collect::<Result<_, _>>()?;
        unpacked.push(Row { key, cells });
    }
    Ok(unpacked)
}

fn cell(cell: PackedCell<'_>) -> Cell {
    match cell {
        PackedCell::Absent => Cell::Absent,
        PackedCell::Text(text) => Cell::Text(text.to_owned()),
        PackedCell::Integer(number) => Cell::Integer(number),
        PackedCell::Decimal(number) => Cell::Decimal(number),
        PackedCell::Boolean(on) => Cell::Boolean(on),
        PackedCell::Timestamp(milliseconds) => Cell::Timestamp(milliseconds),
        PackedCell::Duration(nanoseconds) => Cell::Duration(nanoseconds),
        PackedCell::Health(number, text) => Cell::Health((level(number), text.to_owned())),
        PackedCell::Object { api_version, kind, namespace, name } => Cell::Object(ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }),
        PackedCell::Json(document) => Cell::Json(document.to_owned()),
    }
}

fn level(number: u8) -> Level {
    match number {
        0 => Level::Good,
        1 => Level::Info,
        2 => Level::Warn,
        3 => Level::Bad,
        _ => Level::Unknown,
    }
}

pub(crate) mod calls {
    use super::Answers;
    use super::Column;
    use super::Failure;
    use super::PackedRows;
    use super::Place;
    use super::Selection;
    use super::host;
    use super::hosts;
    use super::unpack;
    use super::wit_log;

    pub(crate) struct Table {
        number: usize,
        n_columns: usize,
    }

    impl Table {
        pub(crate) fn new(name: &str, columns: &[Column]) -> Self {
            Self { number: host().table(name, columns), n_columns: columns.len() }
        }
        /// Everything is looked at in tests.
        pub(crate) fn needed(&self) -> Vec<bool> {
            vec![true; self.n_columns]
        }
        pub(crate) fn upsert(&self, rows: &mut PackedRows) -> Result<(), Failure> {
            let rows = unpack(rows, self.n_columns);
            host().upsert(self.number, rows.map_err(|why| Failure::Other(why.to_string()))?)
        }
        #[expect(clippy::unnecessary_wraps, reason = "one face for both bodies")]
        pub(crate) fn remove(&self, keys: &[String]) -> Result<(), Failure> {
            host().remove(self.number, keys);
            Ok(())
        }
        #[expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "one face for both bodies"
        )]
        pub(crate) fn commit(&self) -> Result<(), Failure> {
            Ok(())
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one face for both bodies")]
    pub(crate) fn finding(finding: crate::Finding) -> Result<(), Failure> {
        host().finding(finding);
        Ok(())
    }

    pub(crate) fn partial(subject: &str, why: &Failure) {
        host().partial(subject, why);
    }

    pub(crate) struct Progress;

    impl Progress {
        pub(crate) fn new(_label: &str) -> Self {
            Self
        }
        #[expect(clippy::unused_self, reason = "one face for both bodies")]
        pub(crate) fn set(&self, _done: u64, _total: Option<u64>) {}
    }

    pub(crate) fn list(
        of: &Selection,
        more: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Failure> {
        host().list(of, more)
    }

    pub(crate) fn get(of: &Selection, name: &str) -> Result<String, Failure> {
        host().get(of, name)
    }

    pub(crate) fn version() -> Result<String, Failure> {
        host().version()
    }

    pub(crate) fn logs(
        namespace: &str,
        pod: &str,
        container: &str,
        lines: u32,
        previous: bool,
    ) -> Result<String, Failure> {
        host().logs(namespace, pod, container, lines, previous)
    }

    pub(crate) fn hosts() -> Result<Vec<hosts::HostRef>, Failure> {
        host().hosts()
    }

    #[derive(Default)]
    pub(crate) struct Batch {
        commands: Vec<(Place, Vec<String>)>,
        answers: Option<Answers>,
    }

    impl Batch {
        pub(crate) fn add(&mut self, place: &Place, argv: &[&str]) -> u32 {
            let index = u32::try_from(self.commands.len()).expect("fewer than 2^32 commands");
            self.commands.push((place.clone(), argv.iter().map(|&word| word.to_owned()).collect()));
            index
        }
        pub(crate) fn next(&mut self) -> Option<(u32, Result<hosts::Outcome, Failure>)> {
            let commands = &mut self.commands;
            self.answers.get_or_insert_with(|| host().batch(std::mem::take(commands))).next()
        }
    }

    pub(crate) fn log(_level: wit_log::Level, _message: &str, _fields: &[(&str, &str)]) {}

    pub(crate) fn now() -> Option<i64> {
        host().now()
    }

    pub(crate) fn setting(name: &str) -> Option<String> {
        host().setting(name)
    }

    pub(crate) use super::sources::Process;
    pub(crate) use super::sources::Ticker;
    pub(crate) use super::sources::Watch;
    pub(crate) use super::sources::wait;
}
