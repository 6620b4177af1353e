//! What cards name is asked once, in the form that is there.

use std::sync::Mutex;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::About;
use lab_backend::Answer;
use lab_backend::Backend;
use lab_backend::Change;
use lab_backend::Chunk;
use lab_backend::Forms;
use lab_backend::Host;
use lab_backend::HostKind;
use lab_backend::Outcome;
use lab_backend::Page;
use lab_backend::Plan;
use lab_backend::Question;
use lab_backend::Selection;
use lab_types::Ask;
use lab_types::Card;
use lab_types::Failure;
use lab_types::FailureKind;

use crate::support::on_host;
use crate::support::run;

/// A node, a silent node, and a router that is no node; what they were asked is kept.
#[derive(Default)]
struct Faked {
    is_recorded: bool,
    no_hosts: bool,
    asked: Mutex<Vec<String>>,
}

impl Faked {
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

impl Backend for Faked {
    fn about(&self) -> About {
        About::default()
    }
    fn is_recorded(&self) -> bool {
        self.is_recorded
    }
    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        let host = |name: &str, kind| Host { name: name.into(), kind, addresses: Vec::new() };
        let hosts = [
            host("a", HostKind::Node),
            host("silent", HostKind::Node),
            host("router", HostKind::Extra),
        ];
        let answer = if self.no_hosts { Err(Failure::timeout("late")) } else { Ok(hosts.into()) };
        async move { answer }.boxed()
    }
    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        async { Err(Failure::timeout("late")) }.boxed()
    }
    fn get<'a>(&'a self, _: &'a Selection, _: &'a str) -> BoxFuture<'a, Answer<String>> {
        async { Err(Failure::timeout("late")) }.boxed()
    }
    fn list<'a>(
        &'a self,
        of: &'a Selection,
        _: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        self.asked.lock().unwrap().push(format!("{of} {}", more.as_deref().unwrap_or("first")));
        let answer = match (of.kind.as_str(), more) {
            ("Pod", None) => Ok(Page { items: Vec::new(), more: Some("second".into()) }),
            ("Pod" | "Node", _) => Ok(Page::default()),
            ("Denied", _) => Err(Failure::denied("forbidden")),
            _ => Err(Failure::not_found("no such kind")),
        };
        async move { answer }.boxed()
    }
    fn logs<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Option<&'a str>,
        _: u32,
        _: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        async { Err(Failure::timeout("late")) }.boxed()
    }
    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        let line = question.argv.join(" ");
        self.asked.lock().unwrap().push(format!("{}: {line}", question.place));
        let answer = match (question.place.host(), line.as_str()) {
            (Some("silent"), _) => Err(Failure::timeout("no answer in 10 s")),
            (_, "ip -j rule" | "lost") => Err(Failure::unavailable("not there")),
            _ => Ok(Outcome { out: line.into_bytes(), ..Outcome::default() }),
        };
        async move { answer }.boxed()
    }
    fn start(&self, _: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        async { Err(Failure::timeout("late")) }.boxed()
    }
    fn watch(&self, _: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        async { Err(Failure::timeout("late")) }.boxed()
    }
}

fn card(kinds: &[&str], commands: &[&str]) -> Card {
    let ask = |capability: &str, scope: &[&str]| Ask {
        capability: capability.into(),
        scope: scope.iter().map(|&word| word.to_owned()).collect(),
        reason: String::new(),
    };
    Card { asks: vec![ask("cluster", kinds), ask("hosts", commands)], ..Card::default() }
}

#[test]
fn everything_is_asked_once_on_every_host_that_it_fits() {
    let cards = [
        card(&["v1/Node", "v1/Pod", "x/v1/None"], &["host: uname", "agent: status -o json"]),
        card(&["v1/Pod", "v1/Denied", "v1/Secret"], &["host: uname", "agent: get *", "pod: ls"]),
    ];
    let plan = Plan::of(&cards);
    assert_eq!(plan.unknown(), ["agent: get *", "pod: ls"]);
    assert!(plan.names("v1/Denied") && !plan.names("v1/Secret"));
    let faked = Faked::default();
    let seen = Mutex::new(Vec::new());
    let progress = |done, total| seen.lock().unwrap().push((done, total));
    let collected = block_on(plan.collect(&faked, 2, &progress)).unwrap();
    assert_eq!(collected.hosts, ["a", "silent", "router"]);
    assert_eq!(
        faked.asked(),
        [
            "a: uname",
            "agent on a: status -o json",
            "agent on silent: status -o json",
            "router: uname",
            "silent: uname",
            "v1/Denied first",
            "v1/Node first",
            "v1/Pod first",
            "v1/Pod second",
            "x/v1/None first",
        ]
    );
    // A host that says nothing is named once; a kind that does not exist is an answer.
    let failures: Vec<_> =
        collected.failures.iter().map(|(subject, why)| (subject.as_str(), why.kind)).collect();
    assert_eq!(failures, [("v1/Denied", FailureKind::Denied), ("silent", FailureKind::Timeout)]);
    let seen = seen.into_inner().unwrap();
    assert_eq!((seen.first(), seen.last()), (Some(&(0, 3)), Some(&(3, 3))));
    let get = Question { argv: vec!["get".into(), "1".into()], ..on_host("a", "x") };
    let get = Question { place: lab_backend::Place::Agent { host: "a".into() }, ..get };
    assert_eq!(plan.unasked(&[get]), ["pod: ls"]);
}

#[test]
fn one_silent_question_is_not_a_silent_host() {
    let cards = [card(&[], &["host: lost", "host: uname"])];
    let collected = block_on(Plan::of(&cards).collect(&Faked::default(), 8, &|_, _| {})).unwrap();
    let subjects: Vec<_> = collected.failures.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["lost on a", "silent", "lost on router"]);
}

#[test]
fn hosts_that_cannot_be_listed_end_it() {
    let faked = Faked { no_hosts: true, ..Faked::default() };
    let failure = block_on(Plan::of(&[card(&["v1/Node"], &[])]).collect(&faked, 1, &|_, _| {}));
    assert_eq!(failure.unwrap_err().kind, FailureKind::Timeout);
    assert_eq!(faked.asked(), Vec::<String>::new());
}

#[test]
fn other_forms_are_for_what_was_recorded() {
    let card = card(&[], &["host: ip -j rule | ip -d rule | ip rule", "host: uname | other"]);
    for (is_recorded, expected) in [(true, Some("ip -d rule")), (false, None)] {
        let faked = std::sync::Arc::new(Faked { is_recorded, ..Faked::default() });
        let forms = Forms::around(faked.clone(), &card);
        let answer = run(&*forms, &on_host("a", "ip -j rule"));
        let out = answer.ok().map(|outcome| String::from_utf8(outcome.out).unwrap());
        assert_eq!(out.as_deref(), expected);
        // A host that is silent is not asked in other words.
        let failure = run(&*forms, &on_host("silent", "uname")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert!(!faked.asked().contains(&"silent: other".to_owned()));
        let plan = Plan::of([&card]);
        let collected = block_on(plan.collect(&*faked, 1, &|_, _| {})).unwrap();
        let is_missing = collected.failures.iter().any(|(subject, _)| subject == "ip -j rule on a");
        assert_eq!(is_missing, !is_recorded);
    }
}
