//! `interface output`: rows and findings on their way into the report, checked as they come.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use lab_output::Change;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Evidence;
use lab_output::Finding;
use lab_output::Level;
use lab_output::Packed;
use lab_output::Partial;
use lab_output::Row;
use lab_output::Table;
use lab_types::PackedReader;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::Flow;
use crate::bindings::lab::plugin::output as wit;
use crate::bindings::lab::plugin::types::Failure;
use crate::interface::rows;
use crate::state::Running;
use crate::state::State;

/// Columns being declared.
#[derive(Default)]
pub struct ColumnsHandle(Vec<Column>);
/// Place of a table in the report.
pub struct TableHandle(usize);
/// A finding being written.
pub struct FindingHandle(Finding);
/// A line of progress.
pub struct ProgressHandle(String);

impl From<wit::Level> for Level {
    fn from(level: wit::Level) -> Self {
        match level {
            wit::Level::Good => Self::Good,
            wit::Level::Info => Self::Info,
            wit::Level::Warn => Self::Warn,
            wit::Level::Bad => Self::Bad,
            wit::Level::Unknown => Self::Unknown,
        }
    }
}

fn column_kind(kind: wit::Kind) -> ColumnKind {
    match kind {
        wit::Kind::Text => ColumnKind::Text,
        wit::Kind::Integer => ColumnKind::Integer,
        wit::Kind::Decimal => ColumnKind::Decimal,
        wit::Kind::Boolean => ColumnKind::Boolean,
        wit::Kind::Bytes => ColumnKind::Bytes,
        wit::Kind::Cores => ColumnKind::Cores,
        wit::Kind::Percent => ColumnKind::Percent,
        wit::Kind::Timestamp => ColumnKind::Timestamp,
        wit::Kind::Duration => ColumnKind::Duration,
        wit::Kind::Health => ColumnKind::Health,
        wit::Kind::Object => ColumnKind::Object,
        wit::Kind::Json => ColumnKind::Json,
    }
}

impl State {
    /// Counts rows, unless the run has more of them than anybody will read.
    fn count_rows(&mut self, new: usize) -> Result<&mut Running> {
        let allowed = self.limits.rows;
        let running = self.running()?;
        running.rows += new;
        if running.rows > allowed {
            return Err(too_many(allowed));
        }
        Ok(running)
    }

    /// Adds rows that fit their table.
    fn take_rows(
        &mut self,
        index: usize,
        new: Vec<Row>,
        add: fn(&mut Table, Vec<Row>),
    ) -> Result<Result<(), Failure>> {
        let running = self.count_rows(new.len())?;
        if running.reader.is_some() {
            running.pending[index].push(Change::Rows(new));
        } else {
            add(&mut running.report.tables[index], new);
        }
        Ok(Ok(()))
    }

    /// Adds rows that came one value at a time.
    fn take_plain_rows(
        &mut self,
        this: &Resource<TableHandle>,
        new: Vec<wit::Row>,
        add: fn(&mut Table, Vec<Row>),
    ) -> Result<Result<(), Failure>> {
        let index = self.resources.get(this)?.0;
        let new = rows::plain(new);
        let table = &self.running()?.report.tables[index];
        // A row that does not fit is a bug of the plugin, so the run ends with its name.
        new.iter().try_for_each(|row| table.check(row)).map_err(wasmtime::Error::new)?;
        self.take_rows(index, new, add)
    }
}

fn too_many(allowed: usize) -> wasmtime::Error {
    wasmtime::Error::msg(format!("more than {allowed} rows"))
}

impl wit::Host for State {
    fn partial(&mut self, subject: String, why: Failure) -> Result<()> {
        let allowed = self.limits.findings;
        let running = self.running()?;
        let partial = Partial { subject, why: why.into() };
        match &running.reader {
            Some(reader) => reader.partial(partial),
            None if running.report.partials.len() < allowed => {
                running.report.partials.push(partial);
            }
            None => {}
        }
        Ok(())
    }
}

impl wit::HostColumns for State {
    fn new(&mut self) -> Result<Resource<ColumnsHandle>> {
        Ok(self.resources.push(ColumnsHandle::default())?)
    }
    fn add(
        &mut self,
        this: Resource<ColumnsHandle>,
        id: String,
        title: String,
        kind: wit::Kind,
    ) -> Result<()> {
        let columns = &mut self.resources.get_mut(&this)?.0;
        if columns.iter().any(|column| column.id == id) {
            return Err(wasmtime::Error::msg(format!("a second column `{id}`")));
        }
        columns.push(Column {
            id,
            title,
            kind: column_kind(kind),
            wide: false,
            hidden: false,
            lines: false,
            subject: false,
            about: String::new(),
        });
        Ok(())
    }
    fn wide(&mut self, this: Resource<ColumnsHandle>, id: String) -> Result<()> {
        self.change(&this, &id, |column| column.wide = true)
    }
    fn lines(&mut self, this: Resource<ColumnsHandle>, id: String) -> Result<()> {
        self.change(&this, &id, |column| column.lines = true)
    }
    fn subject(&mut self, this: Resource<ColumnsHandle>, id: String) -> Result<()> {
        self.change(&this, &id, |column| column.subject = true)
    }
    fn hidden(&mut self, this: Resource<ColumnsHandle>, id: String) -> Result<()> {
        self.change(&this, &id, |column| column.hidden = true)
    }
    fn describe(&mut self, this: Resource<ColumnsHandle>, id: String, about: String) -> Result<()> {
        self.change(&this, &id, |column| column.about = about)
    }
    fn drop(&mut self, this: Resource<ColumnsHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl State {
    fn change(
        &mut self,
        columns: &Resource<ColumnsHandle>,
        id: &str,
        change: impl FnOnce(&mut Column),
    ) -> Result<()> {
        let columns = &mut self.resources.get_mut(columns)?.0;
        match columns.iter_mut().find(|column| column.id == id) {
            Some(column) => change(column),
            None => return Err(wasmtime::Error::msg(format!("no column `{id}` was added"))),
        }
        Ok(())
    }
}

impl wit::HostTable for State {
    fn new(
        &mut self,
        name: String,
        columns: Resource<ColumnsHandle>,
    ) -> Result<Resource<TableHandle>> {
        let columns = self.resources.delete(columns)?.0;
        let running = self.running()?;
        let tables = &mut running.report.tables;
        if tables.iter().any(|table| table.name() == name) {
            return Err(wasmtime::Error::msg(format!("a second table `{name}`")));
        }
        if let Some(reader) = &running.reader {
            reader.table(&name, &columns);
            running.pending.push(Vec::new());
        }
        tables.push(Table::new(name, columns));
        let index = tables.len() - 1;
        Ok(self.resources.push(TableHandle(index))?)
    }
    fn needed(&mut self, this: Resource<TableHandle>) -> Result<Vec<bool>> {
        let index = self.resources.get(&this)?.0;
        let running = self.running()?;
        Ok(running.needs.of(running.report.tables[index].columns()))
    }
    fn append(
        &mut self,
        this: Resource<TableHandle>,
        new: Vec<wit::Row>,
    ) -> Result<Result<(), Failure>> {
        self.take_plain_rows(&this, new, Table::append_checked)
    }
    fn upsert(
        &mut self,
        this: Resource<TableHandle>,
        new: Vec<wit::Row>,
    ) -> Result<Result<(), Failure>> {
        self.take_plain_rows(&this, new, Table::upsert_checked)
    }
    fn upsert_packed(
        &mut self,
        this: Resource<TableHandle>,
        new: wit::PackedRows,
    ) -> Result<Result<(), Failure>> {
        let index = self.resources.get(&this)?.0;
        let running = self.running()?;
        let table = &running.report.tables[index];
        if running.reader.is_some() {
            // A reader may have no need to take them apart.
            let new = Packed::of(table, new.texts, new.words).map_err(wasmtime::Error::new)?;
            let running = self.count_rows(new.len())?;
            running.pending[index].push(Change::Packed(new));
            return Ok(Ok(()));
        }
        let reader = PackedReader::new(&new.texts, &new.words);
        let new = table.unpack(reader).map_err(wasmtime::Error::new)?;
        self.take_rows(index, new, Table::upsert_checked)
    }
    fn remove(
        &mut self,
        this: Resource<TableHandle>,
        keys: Vec<String>,
    ) -> Result<Result<(), Failure>> {
        let index = self.resources.get(&this)?.0;
        let running = self.running()?;
        if running.reader.is_some() {
            running.pending[index].push(Change::Removed(keys));
            return Ok(Ok(()));
        }
        let table = &mut running.report.tables[index];
        let before = table.rows().len();
        table.remove(&keys);
        running.rows = running.rows.saturating_sub(before - table.rows().len());
        Ok(Ok(()))
    }
    fn commit(&mut self, this: Resource<TableHandle>) -> Result<Result<(), Failure>> {
        let index = self.resources.get(&this)?.0;
        let allowed = self.limits.rows;
        let running = self.running()?;
        match running.commit(index) {
            Flow::On => Ok(Ok(())),
            Flow::Closed => {
                running.inbox.stop();
                Ok(Err(Failure::Stopped))
            }
            Flow::Full => Err(too_many(allowed)),
        }
    }
    fn drop(&mut self, this: Resource<TableHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl wit::HostFinding for State {
    fn new(
        &mut self,
        level: wit::Level,
        code: String,
        subject: String,
        message: String,
    ) -> Result<Resource<FindingHandle>> {
        let level = level.into();
        Ok(self.resources.push(FindingHandle(Finding {
            level,
            code,
            subject,
            message,
            evidence: Vec::new(),
            fixes: Vec::new(),
        }))?)
    }
    fn evidence(
        &mut self,
        this: Resource<FindingHandle>,
        place: String,
        text: String,
    ) -> Result<()> {
        self.resources.get_mut(&this)?.0.evidence.push(Evidence { place, text });
        Ok(())
    }
    fn fix(&mut self, this: Resource<FindingHandle>, text: String) -> Result<()> {
        self.resources.get_mut(&this)?.0.fixes.push(text);
        Ok(())
    }
    fn report(&mut self, this: Resource<FindingHandle>) -> Result<Result<(), Failure>> {
        let finding = self.resources.get(&this)?.0.clone();
        let allowed = self.limits.findings;
        let running = self.running()?;
        if let Some(reader) = &running.reader {
            reader.finding(finding);
            return Ok(Ok(()));
        }
        let findings = &mut running.report.findings;
        if findings.len() >= allowed {
            return Err(wasmtime::Error::msg(format!("more than {allowed} findings")));
        }
        findings.push(finding);
        Ok(Ok(()))
    }
    fn drop(&mut self, this: Resource<FindingHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl wit::HostProgress for State {
    fn new(&mut self, label: String) -> Result<Resource<ProgressHandle>> {
        self.running()?;
        Ok(self.resources.push(ProgressHandle(label))?)
    }
    fn set(&mut self, this: Resource<ProgressHandle>, done: u64, total: Option<u64>) -> Result<()> {
        let label = &self.resources.get(&this)?.0;
        self.listener.progress(label, done, total);
        Ok(())
    }
    fn drop(&mut self, this: Resource<ProgressHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}
