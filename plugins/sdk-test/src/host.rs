//! The native host: answers from a backend, results into a report.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use futures::executor::block_on_stream;
use lab_backend::Backend;
use lab_backend::Gate;
use lab_backend::HostKind;
use lab_backend::Place as BackendPlace;
use lab_backend::Question;
use lab_backend::Selection as BackendSelection;
use lab_output::Evidence;
use lab_output::Finding as OutputFinding;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Table;
use lab_plugin::Column;
use lab_plugin::Failure;
use lab_plugin::Finding;
use lab_plugin::Outcome;
use lab_plugin::Place;
use lab_plugin::Selection;
use lab_plugin::hosts;
use lab_plugin::native::Answers;
use lab_plugin::native::Changes;
use lab_plugin::native::Chunks;
use lab_plugin::native::Row;
use lab_plugin::native::TestHost;

use crate::convert;

pub(crate) struct Host {
    backend: Arc<dyn Backend>,
    gate: Gate,
    report: RefCell<Report>,
    settings: BTreeMap<String, String>,
}

impl Host {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        gate: Gate,
        settings: BTreeMap<String, String>,
    ) -> Self {
        Self { backend, gate, report: RefCell::default(), settings }
    }

    pub(crate) fn report(&self) -> Report {
        self.report.take()
    }

    fn allowed(&self, of: &Selection) -> Result<BackendSelection, Failure> {
        let of = BackendSelection {
            api_version: of.api_version.clone(),
            kind: of.kind.clone(),
            namespace: of.namespace.clone(),
            labels: of.labels.clone(),
            fields: of.fields.clone(),
            keep: of.keep.clone(),
        };
        self.gate.objects(&of).map_err(convert::failure)?;
        Ok(of)
    }
}

fn question(place: Place, argv: Vec<String>) -> Question {
    let place = match place {
        Place::Host(host) => BackendPlace::Host { host },
        Place::Agent(host) => BackendPlace::Agent { host },
        Place::Pod { namespace, name, container } => {
            BackendPlace::Pod { namespace, name, container }
        }
        Place::Relay => BackendPlace::Relay,
    };
    Question { place, argv }
}

impl TestHost for Host {
    fn table(&self, name: &str, columns: &[Column]) -> usize {
        let tables = &mut self.report.borrow_mut().tables;
        tables.push(Table::new(name, columns.iter().map(convert::column).collect()));
        tables.len() - 1
    }

    fn upsert(&self, table: usize, rows: Vec<Row>) -> Result<(), Failure> {
        let tables = &mut self.report.borrow_mut().tables;
        tables[table]
            .upsert(rows.into_iter().map(convert::row))
            .map_err(|error| Failure::Other(error.to_string()))
    }

    fn remove(&self, table: usize, keys: &[String]) {
        self.report.borrow_mut().tables[table].remove(keys);
    }

    fn finding(&self, finding: Finding) {
        self.report.borrow_mut().findings.push(OutputFinding {
            level: convert::level(finding.level),
            code: finding.code,
            subject: finding.subject,
            message: finding.message,
            evidence: finding
                .evidence
                .into_iter()
                .map(|(place, text)| Evidence { place, text })
                .collect(),
            fixes: finding.fixes,
        });
    }

    fn partial(&self, subject: &str, why: &Failure) {
        let why = convert::lab_failure(why);
        self.report.borrow_mut().partials.push(Partial { subject: subject.to_owned(), why });
    }

    fn list(
        &self,
        of: &Selection,
        more: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Failure> {
        let of = self.allowed(of)?;
        block_on(self.backend.list(&of, 0, more.map(str::to_owned)))
            .map(|page| (page.items, page.more))
            .map_err(convert::failure)
    }

    fn get(&self, of: &Selection, name: &str) -> Result<String, Failure> {
        let of = self.allowed(of)?;
        block_on(self.backend.get(&of, name)).map_err(convert::failure)
    }

    fn version(&self) -> Result<String, Failure> {
        block_on(self.backend.version()).map_err(convert::failure)
    }

    fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        lines: u32,
        previous: bool,
    ) -> Result<String, Failure> {
        self.allowed(&Selection::new("v1", "Pod/log"))?;
        block_on(self.backend.logs(namespace, pod, Some(container), lines, previous))
            .map_err(convert::failure)
    }

    fn hosts(&self) -> Result<Vec<hosts::Host>, Failure> {
        let hosts = block_on(self.backend.hosts()).map_err(convert::failure)?;
        Ok(hosts
            .into_iter()
            .map(|host| hosts::Host {
                name: host.name,
                kind: match host.kind {
                    HostKind::Node => hosts::Kind::Node,
                    HostKind::Extra => hosts::Kind::Extra,
                },
                addresses: host.addresses,
            })
            .collect())
    }

    fn batch(&self, commands: Vec<(Place, Vec<String>)>) -> Answers {
        let backend = self.backend.clone();
        let n_commands = commands.len();
        let questions = commands.into_iter().map(|(place, argv)| question(place, argv)).collect();
        let admitted = block_on(self.gate.admit(questions))
            .unwrap_or_else(|refusal| vec![Err(refusal); n_commands]);
        Box::new(admitted.into_iter().zip(0..).map(move |(question, index)| {
            let outcome = question.and_then(|question| block_on(backend.run(&question)));
            let outcome = outcome
                .map(|outcome| Outcome {
                    code: outcome.code,
                    out: outcome.out,
                    err: outcome.err,
                    truncated: outcome.truncated,
                })
                .map_err(convert::failure);
            (index, outcome)
        }))
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    fn watch(&self, of: &Selection) -> Result<Changes, Failure> {
        let of = self.allowed(of)?;
        let changes = block_on(self.backend.watch(of)).map_err(convert::failure)?;
        Ok(Box::new(
            block_on_stream(changes)
                .map(|change| change.map(convert::change).map_err(convert::failure)),
        ))
    }

    fn start(&self, place: &Place, argv: Vec<String>) -> Result<Chunks, Failure> {
        let question = question(place.clone(), argv);
        let admitted = block_on(self.gate.admit(vec![question])).map_err(convert::failure)?;
        let question = admitted.into_iter().next().ok_or(Failure::Stopped)?;
        let question = question.map_err(convert::failure)?;
        let chunks = block_on(self.backend.start(question)).map_err(convert::failure)?;
        Ok(Box::new(block_on_stream(chunks).filter_map(convert::chunk)))
    }
}
