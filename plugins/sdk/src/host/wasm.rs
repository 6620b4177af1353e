//! Calls of a component to its host.

use crate::Column;
use crate::Failure;
use crate::PackedRows;
use crate::Place;
use crate::Selection;
use crate::bindings::lab::plugin::cluster;
use crate::bindings::lab::plugin::hosts;
use crate::bindings::lab::plugin::inbox;
use crate::bindings::lab::plugin::log as wit_log;
use crate::bindings::lab::plugin::output;
use crate::bindings::lab::plugin::settings;

pub(crate) struct Table(output::Table);

impl Table {
    pub(crate) fn new(name: &str, columns: &[Column]) -> Self {
        let made = output::Columns::new();
        for column in columns {
            made.add(&column.id, &column.title, column.kind);
            if column.wide {
                made.wide(&column.id);
            }
            if column.hidden {
                made.hidden(&column.id);
            }
            if column.lines {
                made.lines(&column.id);
            }
            if column.subject {
                made.subject(&column.id);
            }
            made.describe(&column.id, &column.about);
        }
        Self(output::Table::new(name, made))
    }
    pub(crate) fn needed(&self) -> Vec<bool> {
        self.0.needed()
    }
    pub(crate) fn upsert(&self, rows: &mut PackedRows) -> Result<(), Failure> {
        let packed = output::PackedRows {
            texts: std::mem::take(&mut rows.texts),
            words: std::mem::take(&mut rows.words),
        };
        let taken = self.0.upsert_packed(&packed);
        // Their room is used again.
        (rows.texts, rows.words) = (packed.texts, packed.words);
        taken
    }
    pub(crate) fn remove(&self, keys: &[String]) -> Result<(), Failure> {
        self.0.remove(keys)
    }
    pub(crate) fn commit(&self) -> Result<(), Failure> {
        self.0.commit()
    }
}

pub(crate) fn finding(finding: crate::Finding) -> Result<(), Failure> {
    let made =
        output::Finding::new(finding.level, &finding.code, &finding.subject, &finding.message);
    for (place, text) in &finding.evidence {
        made.evidence(place, text);
    }
    for fix in &finding.fixes {
        made.fix(fix);
    }
    made.report()
}

pub(crate) fn partial(subject: &str, why: &Failure) {
    output::partial(subject, why);
}

pub(crate) struct Progress(output::Progress);

impl Progress {
    pub(crate) fn new(label: &str) -> Self {
        Self(output::Progress::new(label))
    }
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        self.0.set(done, total);
    }
}

fn selection(of: &Selection) -> cluster::Selection {
    let made = cluster::Selection::new(&of.api_version, &of.kind);
    if let Some(name) = &of.namespace {
        made.namespace(name);
    }
    if let Some(selector) = &of.labels {
        made.labels(selector);
    }
    if let Some(selector) = &of.fields {
        made.fields(selector);
    }
    for path in &of.keep {
        made.keep(path);
    }
    made
}

pub(crate) fn list(
    of: &Selection,
    more: Option<&str>,
) -> Result<(Vec<String>, Option<String>), Failure> {
    cluster::list(&selection(of), 0, more).map(|page| (page.items, page.more))
}

pub(crate) fn get(of: &Selection, name: &str) -> Result<String, Failure> {
    cluster::get(&selection(of), name)
}

pub(crate) fn version() -> Result<String, Failure> {
    cluster::version()
}

pub(crate) fn logs(
    namespace: &str,
    pod: &str,
    container: &str,
    lines: u32,
    previous: bool,
) -> Result<String, Failure> {
    cluster::logs(namespace, pod, Some(container), lines, previous)
}

pub(crate) fn hosts() -> Result<Vec<hosts::HostRef>, Failure> {
    hosts::list()
}

fn at(place: &Place) -> hosts::Place {
    match place {
        Place::Host(name) => hosts::Place::host(name),
        Place::Agent(host) => hosts::Place::agent(host),
        Place::Pod { namespace, name, container } => {
            hosts::Place::pod(namespace, name, container.as_deref())
        }
        Place::Relay => hosts::Place::relay(),
    }
}

fn words(argv: &[&str]) -> Vec<String> {
    argv.iter().map(|&word| word.to_owned()).collect()
}

pub(crate) struct Batch {
    batch: hosts::Batch,
    added: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self { batch: hosts::Batch::new(), added: 0 }
    }
}

impl Batch {
    pub(crate) fn add(&mut self, place: &Place, argv: &[&str]) -> u32 {
        self.batch.add(&at(place), &words(argv));
        self.added += 1;
        self.added - 1
    }
    pub(crate) fn next(&mut self) -> Option<(u32, Result<hosts::Outcome, Failure>)> {
        self.batch.next().map(|answer| (answer.index, answer.outcome))
    }
}

pub(crate) fn log(level: wit_log::Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<(String, String)> =
        fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    wit_log::write(level, message, &fields);
}

pub(crate) fn setting(name: &str) -> Option<String> {
    settings::get(name)
}

pub(crate) fn wait() -> Option<Vec<u32>> {
    inbox::wait()
}

pub(crate) fn now() -> Option<i64> {
    inbox::now()
}

pub(crate) struct Ticker(inbox::Ticker);

impl Ticker {
    pub(crate) fn new(every_ms: u32) -> Self {
        Self(inbox::Ticker::new(every_ms))
    }
    pub(crate) fn source(&self) -> u32 {
        self.0.source()
    }
    pub(crate) fn take(&self) -> u32 {
        self.0.take()
    }
}

pub(crate) struct Watch(cluster::Watch);

impl Watch {
    pub(crate) fn start(of: &Selection) -> Result<Self, Failure> {
        cluster::Watch::start(&selection(of)).map(Self)
    }
    pub(crate) fn source(&self) -> u32 {
        self.0.source()
    }
    pub(crate) fn take(&self, max: u32) -> Result<Vec<cluster::Change>, Failure> {
        self.0.take(max)
    }
}

pub(crate) struct Process(hosts::Process);

impl Process {
    pub(crate) fn start(place: &Place, argv: &[&str]) -> Result<Self, Failure> {
        hosts::Process::start(&at(place), &words(argv)).map(Self)
    }
    pub(crate) fn source(&self) -> u32 {
        self.0.source()
    }
    pub(crate) fn take(&self, max_bytes: u32) -> Vec<hosts::Chunk> {
        self.0.take(max_bytes)
    }
}
