//! Plugins that misbehave, and plugins that wait: real components in the real engine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use lab_backend::Backend;
use lab_engine::{Component, Engine, Finished, Flow, Limits, Listener, LogLevel};
use lab_engine::{Reader, RunError, Silent};
use lab_output::{Cell, Change, Column, Finding, Partial, Report, Table, View};
use lab_tests::{Guest, guest};
use lab_types::FailureKind;
use tokio::sync::Notify;

/// Far above every cap: a run that takes longer does not end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Small caps, so that a flood is over soon.
fn tight() -> Limits {
    Limits {
        memory: 64 << 20,
        compute: Duration::from_millis(300),
        handles: 200,
        rows: 1_000,
        findings: 100,
        log_lines: 50,
        ..Limits::default()
    }
}

/// Runs a way to misbehave. Its time is bounded by the test's own patience, far above the caps.
async fn misbehave(how: &str) -> Finished {
    misbehave_before(how, Arc::new(Silent)).await
}

async fn misbehave_before(how: &str, listener: Arc<dyn Listener>) -> Finished {
    let engine = Engine::new().expect("this processor can run the engine");
    let hostile = guest(&engine, "hostile").expect("it is a component");
    let run = Guest { how: how.to_owned(), limits: tight(), listener, ..Guest::default() };
    let run = run.run(&hostile, &["hostile"]);
    let ended = tokio::time::timeout(PATIENCE, run).await;
    ended.unwrap_or_else(|_| panic!("`{how}` does not end"))
}

/// The one line that says how it broke.
#[track_caller]
fn crash(finished: Finished) -> (String, Report) {
    match finished.result {
        Err(RunError::Crashed(crash)) => {
            assert!(!crash.message.contains('\n'), "{}", crash.message);
            (crash.message, finished.report)
        }
        other => panic!("it did not break: {other:?}"),
    }
}

fn texts(report: &Report) -> Vec<&str> {
    let rows = report.tables.iter().flat_map(lab_output::Table::rows);
    let texts = rows.filter_map(|row| match row.cells.last() {
        Some(Cell::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_misdeed_is_one_line_that_names_it() {
    let mut wrong = Vec::new();
    for (how, expected) in [
        ("spin", "computed for more than 300ms"),
        ("allocate", "more memory than"),
        ("recurse", "call stack exhausted"),
        ("flood-rows", "more than 1000 rows"),
        ("flood-findings", "more than 100 findings"),
        ("flood-handles", "table has no free keys"),
        ("too-many-cells", "`notes`: a row has 2 cells"),
        ("wrong-kind", "count"),
        ("two-columns", "a second column `twin`"),
        ("two-tables", "a second table `notes`"),
        ("huge-text", "fuel"),
        ("panic", "panicked at"),
        ("exit", "exit"),
    ] {
        let line = match misbehave(how).await.result {
            Err(RunError::Crashed(crash)) => crash.message,
            other => format!("{other:?}"),
        };
        if !(line.starts_with("crashed: ") && line.contains(expected) && !line.contains('\n')) {
            wrong.push(format!("{how}: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_end_is_kept() {
    let (_, report) = crash(misbehave("panic").await);
    assert_eq!(texts(&report), ["first", "second", "third"]);
    let (_, report) = crash(misbehave("two-tables").await);
    assert_eq!(texts(&report), ["first"]);
    let (_, report) = crash(misbehave("flood-findings").await);
    assert_eq!(report.findings.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_the_card_does_not_name_is_denied() {
    for (how, question) in
        [("unasked-command", "`host: cat /etc/shadow`"), ("unasked-objects", "`v1/Secret`")]
    {
        let Err(RunError::Failed(failure)) = misbehave(how).await.result else {
            panic!("{how} was answered");
        };
        assert_eq!(failure.kind, FailureKind::Denied);
        assert!(failure.message.contains(question), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_machine_is_in_reach() {
    let finished = misbehave("look-around").await;
    assert_eq!(finished.result, Ok(()));
    let expected = ["0 variables", "files out of reach", "network out of reach"];
    assert_eq!(texts(&finished.report), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_log_are_counted_and_cut_off() {
    let heard = Arc::new(Heard::default());
    let finished = misbehave_before("flood-log", heard.clone()).await;
    assert_eq!(finished.result, Ok(()), "too many lines are no reason to end a run");
    let lines = heard.lines.lock().unwrap();
    assert_eq!(lines.len(), 51);
    assert_eq!((&*lines[0], &*lines[49]), ("line 0", "line 49"));
    assert_eq!(lines[50], "more than 50 log lines: the rest is not shown");
}

/// Keeps the log, and ends the run at its first line if it is asked to.
#[derive(Default)]
struct Heard {
    lines: Mutex<Vec<String>>,
    stop: Option<Arc<Notify>>,
}

impl Listener for Heard {
    fn log(&self, _: &str, _: LogLevel, message: &str, _: &[(String, String)]) {
        self.lines.lock().expect("no thread panics while it holds this").push(message.to_owned());
        if let Some(stop) = &self.stop {
            stop.notify_one();
        }
    }
    fn progress(&self, _: &str, _: u64, _: Option<u64>) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_reach_no_terminal() {
    let finished = misbehave("controls").await;
    assert_eq!(finished.result, Ok(()));
    let text = texts(&finished.report)[0];
    assert!(text.contains('\u{1b}'), "the report holds what was said: {text:?}");
    for format in [lab_render::Format::Table, lab_render::Format::Wide] {
        for width in [None, Some(40)] {
            let options = lab_render::Options {
                format,
                width,
                color: false,
                headers: true,
                absolute: false,
                now: 0,
                hosts: Vec::new(),
            };
            let (mut out, mut err) = (Vec::new(), Vec::new());
            lab_render::render(&finished.report, &options, &mut out, &mut err).unwrap();
            let drawn = String::from_utf8([out, err].concat()).unwrap();
            let bad = drawn.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
            assert_eq!(bad, None, "{drawn:?}");
            assert!(drawn.contains('␛'), "what was taken out can be seen: {drawn}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_made_without_help() {
    let engine = Engine::new().unwrap();
    let describe = async |name: &str| guest(&engine, name).unwrap().describe().await;
    let crash = describe("describe-panics").await.unwrap_err();
    assert!(crash.message.starts_with("broke while describing itself: "), "{}", crash.message);
    let crash = describe("describe-asks").await.unwrap_err();
    assert!(crash.message.ends_with("may use nothing but its card"), "{}", crash.message);
}

#[test]
fn what_is_no_component_is_refused() {
    let engine = Engine::new().unwrap();
    let cache = lab_engine::ArtifactCache::none();
    let modules = [&b""[..], b"not wasm", b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"];
    for (bytes, refused) in modules.into_iter().zip([true, true, true, false]) {
        let loaded = Component::load(&engine, &cache, "x", bytes);
        let message = loaded.as_ref().err().map(|crash| crash.message.as_str());
        assert_eq!(message.is_some(), refused, "{bytes:?}: {message:?}");
        assert!(message.is_none_or(|line| line.starts_with("cannot be loaded: ")), "{message:?}");
    }
}

/// Runs a command of the guest that follows things.
async fn follow(command: &str, run: Guest) -> Finished {
    let engine = Engine::new().expect("this processor can run the engine");
    let follower = guest(&engine, "follower").expect("it is a component");
    let path = ["follower", command];
    let ended = tokio::time::timeout(PATIENCE, run.run(&follower, &path)).await;
    ended.unwrap_or_else(|_| panic!("`{command}` does not end"))
}

/// What came, in order: the first column, and the texts of one kind.
fn seen(finished: &Finished, what: &str) -> Vec<String> {
    assert_eq!(finished.result, Ok(()));
    let rows = finished.report.tables[0].rows().iter();
    let texts = rows.filter_map(|row| match &row.cells[..] {
        [Cell::Text(kind), Cell::Text(text)] if kind == what => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

async fn pods_of_the_demo() -> Vec<String> {
    let of = lab_backend::Selection {
        api_version: "v1".into(),
        kind: "Pod".into(),
        ..lab_backend::Selection::default()
    };
    let page = lab_backend::demo::open()
        .expect("the demo is in order")
        .list(&of, 0, None)
        .await
        .expect("the demo has it");
    assert_eq!(page.more, None);
    let name = |pod: &String| {
        let pod: serde_json::Value = serde_json::from_str(pod).expect("objects are JSON");
        pod["metadata"]["name"].as_str().expect("pods have names").to_owned()
    };
    page.items.iter().map(name).collect()
}

async fn routes_of_the_demo() -> String {
    let argv = ["ip", "-j", "route", "show", "table", "all"].map(str::to_owned).to_vec();
    let place = lab_backend::Place::Host { host: "k8s-ctr".into() };
    let question = lab_backend::Question { place, argv };
    let outcome = lab_backend::demo::open()
        .expect("the demo is in order")
        .run(&question)
        .await
        .expect("the demo has it");
    String::from_utf8(outcome.out).expect("ip prints UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_a_capture_hands_over_everything_and_ends() {
    let finished = follow("pods", Guest::default()).await;
    let pods = pods_of_the_demo().await;
    assert!(pods.len() > 5, "the demo has pods");
    assert_eq!(seen(&finished, "added"), pods);
    assert_eq!(seen(&finished, "synced").len(), 1);
    assert_eq!(seen(&finished, "end").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_command_of_a_capture_prints_what_was_recorded() {
    let finished = follow("command", Guest::default()).await;
    assert_eq!(seen(&finished, "out").concat(), routes_of_the_demo().await);
    assert_eq!(seen(&finished, "ended"), ["0"]);
    assert_eq!(seen(&finished, "end").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sources_share_one_wait_and_none_starves() {
    let finished = follow("both", Guest::default()).await;
    assert_eq!(seen(&finished, "added"), pods_of_the_demo().await);
    assert_eq!(seen(&finished, "out").concat(), routes_of_the_demo().await);
    assert_eq!(seen(&finished, "ended"), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_nobody_looks_at_is_not_made() {
    let whole = follow("both", Guest::default()).await;
    let view = View { columns: Some(vec!["what".to_owned()]), ..View::default() };
    let run = Guest { needs: view.needs(|_| true), ..Guest::default() };
    let finished = follow("both", run).await;
    assert_eq!(finished.result, Ok(()));
    let kinds = |finished: &Finished| -> Vec<Cell> {
        let mut kinds: Vec<_> =
            finished.report.tables[0].rows().iter().map(|row| row.cells[0].clone()).collect();
        kinds.sort_by_key(|kind| kind.plain().into_owned());
        kinds
    };
    assert_eq!(kinds(&finished), kinds(&whole));
    let rows = finished.report.tables[0].rows();
    assert!(rows.iter().all(|row| row.cells[1] == Cell::Absent), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticker_ticks() {
    let finished = follow("ticks", Guest::default()).await;
    assert_eq!(seen(&finished, "tick").len(), 1, "rows of one key replace each other");
    assert_eq!(seen(&finished, "end").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_says_its_last_and_keeps_its_rows() {
    let stop = Arc::new(Notify::new());
    let listener = Arc::new(Heard { stop: Some(stop.clone()), ..Heard::default() });
    let run = Guest { stop, listener, ..Guest::default() };
    let finished = follow("forever", run).await;
    assert_eq!(seen(&finished, "tick").len(), 1);
    assert_eq!(seen(&finished, "end").len(), 1);
}

/// Puts together what is handed over, and answers each commit with the same wish.
struct Reading {
    tables: Mutex<Vec<Table>>,
    n_commits: AtomicUsize,
    wish: Flow,
}

impl Reading {
    fn new(wish: Flow) -> Arc<Self> {
        Arc::new(Self { tables: Mutex::default(), n_commits: AtomicUsize::new(0), wish })
    }
}

impl Reading {
    fn tables(&self) -> MutexGuard<'_, Vec<Table>> {
        self.tables.lock().expect("no thread panics while it holds this")
    }
}

impl Reader for Reading {
    fn table(&self, name: &str, columns: &[Column]) {
        self.tables().push(Table::new(name, columns.to_vec()));
    }
    fn commit(&self, table: usize, changes: Vec<Change>) -> Flow {
        self.n_commits.fetch_add(1, Ordering::Relaxed);
        let table = &mut self.tables()[table];
        for change in changes {
            table.change(change).expect("rows fit their columns");
        }
        self.wish
    }
    fn finding(&self, _: Finding) {}
    fn partial(&self, _: Partial) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_gets_every_row_and_nothing_is_kept() {
    let whole = follow("both", Guest::default()).await;
    let reader = Reading::new(Flow::On);
    let run = Guest { reader: Some(reader.clone()), ..Guest::default() };
    let finished = follow("both", run).await;
    assert_eq!(finished.result, Ok(()));
    assert_eq!(finished.report.tables[0].rows(), []);
    let tables = reader.tables();
    let texts = |table: &Table, what: &str| -> String {
        let cells = table.rows().iter().map(|row| (row.cells[0].plain(), row.cells[1].plain()));
        cells.filter(|(kind, _)| kind == what).map(|(_, text)| text.into_owned()).collect()
    };
    for what in ["added", "synced", "out", "ended", "end"] {
        assert_eq!(texts(&tables[0], what), texts(&whole.report.tables[0], what), "{what}");
    }
}

/// Runs the guest that shows rows without end, until its reader wants no more.
async fn flood(wish: Flow, limits: Limits) -> (Finished, Arc<Reading>) {
    let engine = Engine::new().expect("this processor can run the engine");
    let streamer = guest(&engine, "streamer").expect("it is a component");
    let reader = Reading::new(wish);
    let run = Guest { reader: Some(reader.clone()), limits, ..Guest::default() };
    let run = run.run(&streamer, &["streamer", "flood"]);
    let ended = tokio::time::timeout(PATIENCE, run).await;
    (ended.expect("it ends"), reader)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_a_flood() {
    let (finished, reader) = flood(Flow::Closed, Limits::default()).await;
    let Err(RunError::Failed(failure)) = finished.result else { panic!("{finished:?}") };
    assert_eq!(failure.kind, FailureKind::Stopped);
    assert_eq!(reader.n_commits.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_cannot_keep_ends_a_flood() {
    let (finished, _) = flood(Flow::Full, Limits::default()).await;
    assert_eq!(crash(finished).0, "crashed: more than 10000000 rows");
    // Nor may a plugin hold back what it does not commit.
    let (finished, reader) = flood(Flow::On, Limits { rows: 1_000, ..Limits::default() }).await;
    assert_eq!(crash(finished).0, "crashed: more than 1000 rows");
    assert_eq!(reader.tables()[0].rows().len(), 768, "what came is not lost");
}
