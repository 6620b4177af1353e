//! What may not be read: the checks that need it are unknown and say so, the others go on, and
//! the exit code tells it.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{
    About, Answer, Backend, Capture, Change, Chunk, Host, Outcome, Page, Question, Selection,
};
use lab_output::Cell;
use lab_plugin_test::Lab;
use lab_types::Failure;
use support::{Cluster, text};
use upgrade_check::UpgradeCheck;

/// A cluster that refuses one kind, as RBAC does.
struct Denying {
    inner: Capture,
    kind: &'static str,
}

impl Denying {
    fn refusal(&self, of: &Selection) -> Option<Failure> {
        let plural = format!("{}s", of.kind.to_lowercase());
        (of.kind == self.kind)
            .then(|| Failure::denied(format!("{plural} is forbidden: User \"dev\" cannot list it")))
    }
}

impl Backend for Denying {
    fn about(&self) -> About {
        self.inner.about()
    }
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        self.inner.hosts()
    }
    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        self.inner.version()
    }
    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        match self.refusal(of) {
            Some(refusal) => Box::pin(async { Err(refusal) }),
            None => self.inner.get(of, name),
        }
    }
    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        match self.refusal(of) {
            Some(refusal) => Box::pin(async { Err(refusal) }),
            None => self.inner.list(of, limit, more),
        }
    }
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        self.inner.logs(namespace, pod, container, lines, previous)
    }
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        self.inner.run(question)
    }
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        self.inner.start(question)
    }
    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        self.inner.watch(of)
    }
}

#[test]
fn each_check_that_needs_it_is_unknown() {
    let folder = Cluster::good("1.17.18").write("denied");
    for (kind, id) in [
        ("Node", "118-kernel"),
        ("CustomResourceDefinition", "crd-stored-gone"),
        ("CiliumNetworkPolicy", "118-mesh-policies"),
        ("ConfigMap", "118-l2-neighbours"),
        ("PrometheusRule", "118-metrics"),
        ("Deployment", "operator-none"),
    ] {
        let inner = Capture::open(&folder).unwrap();
        let lab = Lab::new(Arc::new(Denying { inner, kind }));
        let run = lab.run::<UpgradeCheck>(&["upgrade-check"], &[text("to", "1.18")]);
        assert_eq!(run.result, Ok(()), "{kind}");
        assert!(!run.report.partials.is_empty(), "{kind}");
        let table = &run.report.tables[0];
        let at = |id: &str| table.columns().iter().position(|it| it.id == id).unwrap();
        let row = table.rows().iter().find(|row| row.key == id);
        // Without a mesh nobody needs to know whether there are policies.
        if kind == "CiliumNetworkPolicy" {
            assert!(row.is_none());
            continue;
        }
        let row = row.unwrap_or_else(|| panic!("{id} is not shown without {kind}"));
        assert!(matches!(&row.cells[at("result")], Cell::Health(_, word) if word == "unknown"));
        let seen = row.cells[at("seen")].plain().into_owned();
        assert!(seen.contains("not allowed to read it"), "{kind}: {seen}");
        assert!(run.report.findings.iter().all(|it| !it.code.ends_with(id)), "{kind}");
    }
}
