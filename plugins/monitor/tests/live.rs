//! What goes wrong while agents are followed: each with a host that does just that.

use std::cell::{Cell as Slot, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use lab_plugin::native::{Answers, Change, Changes, Chunks, Row, TestHost, Value, with_host};
use lab_plugin::{Call, Cell, Chunk, Column, Failure, Finding, Place, Plugin, Selection, hosts};
use monitor::Monitor;

/// What the relay's script is called.
/// Columns of the table of events.
const SOURCE: usize = 3;
const DESTINATION: usize = 4;
const REASON: usize = 7;
const TYPE: usize = 8;

const RELAY: &str = "relay";

type Script = VecDeque<Result<Vec<Chunk>, Failure>>;

/// A cluster of nodes whose agents follow a script: what each start of their stream gives.
#[derive(Default)]
struct Fake {
    nodes: Vec<&'static str>,
    scripts: RefCell<BTreeMap<String, Script>>,
    objects: BTreeMap<&'static str, Vec<Change>>,
    starts: RefCell<Vec<(String, Vec<String>)>>,
    rows: RefCell<BTreeMap<String, Vec<Row>>>,
    tables: RefCell<Vec<String>>,
    partials: RefCell<Vec<(String, String)>>,
    findings: RefCell<Vec<Finding>>,
    clock: Slot<i64>,
}

impl TestHost for Fake {
    fn table(&self, name: &str, _: &[Column]) -> usize {
        self.tables.borrow_mut().push(name.to_owned());
        self.tables.borrow().len() - 1
    }
    fn upsert(&self, table: usize, rows: Vec<Row>) -> Result<(), Failure> {
        let name = self.tables.borrow()[table].clone();
        let mut all = self.rows.borrow_mut();
        let kept = all.entry(name).or_default();
        for row in rows {
            kept.retain(|known| row.key.is_empty() || known.key != row.key);
            kept.push(row);
        }
        Ok(())
    }
    fn remove(&self, table: usize, keys: &[String]) {
        let name = self.tables.borrow()[table].clone();
        self.rows.borrow_mut().entry(name).or_default().retain(|row| !keys.contains(&row.key));
    }
    fn finding(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }
    fn partial(&self, subject: &str, why: &Failure) {
        self.partials.borrow_mut().push((subject.to_owned(), why.message().to_owned()));
    }
    fn list(
        &self,
        _: &Selection,
        _: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Failure> {
        Ok((Vec::new(), None))
    }
    fn get(&self, _: &Selection, _: &str) -> Result<String, Failure> {
        Err(Failure::NotFound(String::new()))
    }
    fn version(&self) -> Result<String, Failure> {
        Err(Failure::NotFound(String::new()))
    }
    fn hosts(&self) -> Result<Vec<hosts::Host>, Failure> {
        let host = |name: &&str| hosts::Host {
            name: (*name).to_owned(),
            kind: hosts::Kind::Node,
            addresses: Vec::new(),
        };
        Ok(self.nodes.iter().map(host).collect())
    }
    fn batch(&self, _: Vec<(Place, Vec<String>)>) -> Answers {
        Box::new(std::iter::empty())
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn watch(&self, of: &Selection) -> Result<Changes, Failure> {
        let changes = self.objects.get(of.kind.as_str()).cloned().unwrap_or_default();
        let (first, later) =
            match changes.iter().position(|change| matches!(change, Change::Synced)) {
                Some(at) => changes.split_at(at),
                None => (changes.as_slice(), &[][..]),
            };
        let all =
            first.iter().cloned().chain([Change::Synced]).chain(later.iter().skip(1).cloned());
        Ok(Box::new(all.map(Ok).collect::<Vec<_>>().into_iter()))
    }
    fn start(&self, place: &Place, argv: Vec<String>) -> Result<Chunks, Failure> {
        let node = match place {
            Place::Agent(node) => node,
            // Asked first wherever it may be; it is part of a test only with a script of its own.
            Place::Relay if !self.scripts.borrow().contains_key(RELAY) => {
                return Err(Failure::NotFound("no relay".to_owned()));
            }
            Place::Relay => &RELAY.to_owned(),
            _ => panic!("{place:?}"),
        };
        self.starts.borrow_mut().push((node.clone(), argv));
        let next = self.scripts.borrow_mut().get_mut(node).and_then(VecDeque::pop_front);
        let chunks = next.unwrap_or_else(|| Err(Failure::Unavailable("no agent".to_owned())))?;
        Ok(Box::new(chunks.into_iter()))
    }
    fn now(&self) -> Option<i64> {
        self.clock.set(self.clock.get() + 10);
        Some(self.clock.get())
    }
    fn ticks(&self) -> u32 {
        100
    }
}

fn out(text: &str) -> Chunk {
    Chunk::Out(text.as_bytes().to_vec())
}

fn script(starts: impl IntoIterator<Item = Result<Vec<Chunk>, Failure>>) -> Script {
    starts.into_iter().collect()
}

fn fake(node: &'static str, starts: Script) -> Fake {
    Fake {
        nodes: vec![node],
        scripts: RefCell::new(BTreeMap::from([(node.to_owned(), starts)])),
        ..Fake::default()
    }
}

fn run(fake: Fake, path: &[&str], values: &[(&str, Value)]) -> Rc<Fake> {
    let fake = Rc::new(fake);
    let mut given: Vec<(String, Value)> = vec![("max-rows".to_owned(), Value::Integer(10_000))];
    given.extend(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let call = Call::new(path.iter().map(|&word| word.to_owned()).collect(), given);
    let result = with_host(fake.clone(), || Monitor::run(&call));
    assert_eq!(result, Ok(()));
    fake
}

/// Kind and reason of every event.
fn events(fake: &Fake) -> Vec<(String, String)> {
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        _ => String::new(),
    };
    let rows = fake.rows.borrow();
    let rows = rows.get("events").cloned().unwrap_or_default();
    rows.iter().map(|row| (text(&row.cells[TYPE]), text(&row.cells[REASON]))).collect()
}

const DROP: &str = r#"{"cpu":"CPU 01:","type":"drop","mark":"0x0","reason":"Policy denied","source":7,"bytes":98,"srcLabel":46329,"dstLabel":8534,"dstID":7,"Line":2127,"File":2,"ExtError":0,"Ifindex":9,"summary":{"l3":{"src":"10.0.0.1","dst":"10.0.0.2"}}}"#;

fn ended() -> Chunk {
    Chunk::Ended(Err(Failure::Unavailable("the agent went away".to_owned())))
}

#[test]
fn half_lines_and_text_between_objects_are_put_together() {
    let (head, tail) = DROP.split_at(100);
    let chunks = vec![
        out(head),
        out(tail),
        out("\nCPU 03: Unknown event: 77\nwhat is this\n{\"type\":\"later\"}\n{\"ty"),
        ended(),
    ];
    let fake = run(fake("a", script([Ok(chunks)])), &["monitor"], &[]);
    let found = events(&fake);
    let kinds: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["drop", "other", "other", "other"]);
    assert_eq!(found[1].1, "what is this");
    assert_eq!(found[3].1, "{\"ty");
}

#[test]
fn a_code_that_nobody_knows_is_shown_with_its_number() {
    let drop = DROP.replace("Policy denied", "217, 5").replace("\"ExtError\":0", "\"ExtError\":5");
    let chunks = vec![out(&format!("{drop}\n"))];
    let fake = run(fake("a", script([Ok(chunks)])), &["monitor", "drops"], &[]);
    let rows = fake.rows.borrow();
    let reason = &rows["drops"][0].cells[0];
    assert!(matches!(reason, Cell::Health((_, text)) if text == "code 217, error 5"), "{reason:?}");
    assert_eq!(fake.findings.borrow()[0].code, "drop/unknown");
}

#[test]
fn an_agent_that_restarts_is_followed_again_and_said() {
    let line = format!("{DROP}\n");
    let warning = "time=x level=warning msg=\"connection closed\" error=EOF\n";
    let first = vec![out(&line), Chunk::Err(warning.as_bytes().to_vec()), Chunk::Ended(Ok(0))];
    let starts =
        script([Ok(first), Err(Failure::Unavailable("not ready".into())), Ok(vec![out(&line)])]);
    let fake = run(fake("a", starts), &["monitor"], &[]);
    assert_eq!(events(&fake).len(), 2);
    assert_eq!(fake.starts.borrow().len(), 3);
    let partials = fake.partials.borrow();
    assert_eq!(partials.len(), 1, "{partials:?}");
    assert!(partials[0].1.contains("connection closed"), "{partials:?}");
}

#[test]
fn an_agent_that_refuses_costs_only_itself() {
    let mut both = fake("a", script([Ok(vec![out(&format!("{DROP}\n"))])]));
    both.nodes.push("b");
    let refused = std::iter::repeat_with(|| Err(Failure::Denied("no right to exec".to_owned())));
    both.scripts.get_mut().insert("b".to_owned(), refused.take(50).collect());
    let fake = run(both, &["monitor"], &[]);
    assert_eq!(events(&fake).len(), 1);
    let partials = fake.partials.borrow();
    assert_eq!(*partials, [("b".to_owned(), "no right to exec".to_owned())]);
}

#[test]
fn lost_events_are_one_line_for_each_node_and_interval() {
    let lines = "CPU 01: Lost 5 events\n".repeat(100);
    let fake = run(fake("a", script([Ok(vec![out(&lines)])])), &["monitor"], &[]);
    assert_eq!(events(&fake), [("lost".to_owned(), "500 events lost by the agent".to_owned())]);
    assert_eq!(*fake.partials.borrow(), [("a".to_owned(), "the agent lost 500 events".to_owned())]);
}

#[test]
fn a_pod_deleted_while_its_events_come_keeps_its_name() {
    let pod = r#"{"metadata":{"name":"x","namespace":"shop"},"status":{"podIP":"10.0.0.2"}}"#;
    let mut fake = fake("a", script([Ok(vec![out(&format!("{DROP}\n"))])]));
    let changes = vec![Change::Added(pod.into()), Change::Synced, Change::Deleted(pod.into())];
    fake.objects.insert("Pod", changes);
    let fake = run(fake, &["monitor"], &[]);
    let rows = fake.rows.borrow();
    let destination = &rows["events"][0].cells[DESTINATION];
    assert!(matches!(destination, Cell::Text(text) if text == "shop/x"), "{destination:?}");
}

#[test]
fn an_object_that_cannot_be_read_costs_its_name_alone() {
    let mut fake = fake("a", script([Ok(vec![out(&format!("{DROP}\n"))])]));
    let pod = r#"{"metadata":{"name":"x","namespace":"shop"},"status":{"podIP":"10.0.0.1"}}"#;
    fake.objects
        .insert("Pod", vec![Change::Added("{\"metadata\":7}".into()), Change::Added(pod.into())]);
    let fake = run(fake, &["monitor"], &[]);
    let rows = fake.rows.borrow();
    assert!(matches!(&rows["events"][0].cells[SOURCE], Cell::Text(text) if text == "shop/x"));
    assert_eq!(fake.partials.borrow().len(), 1);
}

#[test]
fn ten_thousand_endpoints_have_their_names() {
    let mut fake = fake(
        "a",
        script([Ok((0..10_000)
            .step_by(500)
            .map(|n| {
                let drop = DROP.replace("10.0.0.2", &format!("10.1.{}.{}", n / 250, n % 250));
                out(&format!("{drop}\n"))
            })
            .collect())]),
    );
    let pods = (0..10_000).map(|n| {
        let address = format!("10.1.{}.{}", n / 250, n % 250);
        Change::Added(format!(
            r#"{{"metadata":{{"name":"p{n}","namespace":"n"}},"status":{{"podIP":"{address}"}}}}"#
        ))
    });
    fake.objects.insert("Pod", pods.collect());
    let fake = run(fake, &["monitor"], &[]);
    let rows = fake.rows.borrow();
    let named = rows["events"].iter().filter(
        |row| matches!(&row.cells[DESTINATION], Cell::Text(text) if text.starts_with("n/p")),
    );
    assert_eq!(named.count(), 20);
}

#[test]
fn only_the_wanted_types_are_asked_of_the_agent() {
    let starts = |values: &[(&str, Value)]| {
        let fake = run(fake("a", script([Ok(Vec::new())])), &["monitor"], values);
        let starts = fake.starts.borrow();
        starts[0].1.join(" ")
    };
    let types = |words: &[&str]| Value::Texts(words.iter().map(|&word| word.to_owned()).collect());
    assert_eq!(starts(&[]), "cilium-dbg monitor -j");
    assert_eq!(starts(&[("type", types(&["drop"]))]), "cilium-dbg monitor --type drop -j");
    assert_eq!(
        starts(&[("type", types(&["drop", "l7"]))]),
        "cilium-dbg monitor --type drop --type l7 -j"
    );
    // The agent has no such type: lost events are told whatever is asked.
    assert_eq!(starts(&[("type", types(&["drop", "lost"]))]), "cilium-dbg monitor -j");
    assert_eq!(
        starts(&[("type", types(&["drop"])), ("not", Value::Boolean(true))]),
        "cilium-dbg monitor -j"
    );
    assert_eq!(starts(&[("hex", Value::Boolean(true))]), "cilium-dbg monitor -v -v --hex");
}

/// Nodes, and what each start of the relay's stream gives.
fn with_relay(nodes: &[&'static str], starts: Script) -> Fake {
    Fake {
        nodes: nodes.to_vec(),
        scripts: RefCell::new(BTreeMap::from([(RELAY.to_owned(), starts)])),
        ..Fake::default()
    }
}

fn flow(node: &str) -> String {
    format!(
        r#"{{"flow":{{"verdict":"DROPPED","drop_reason":133,"IP":{{"source":"10.0.0.1","destination":"10.0.0.2"}},"event_type":{{"type":1}},"node_name":"default/{node}"}},"node_name":"default/{node}"}}
"#
    )
}

fn heard(state: &str, nodes: &str) -> String {
    format!(
        r#"{{"node_status":{{"state_change":"{state}","node_names":[{nodes}],"message":"why"}}}}
"#
    )
}

/// Node, state, events, lost and restarts.
fn streams(fake: &Fake) -> Vec<(String, String, i64, i64, i64)> {
    let text = |cell: &Cell| match cell {
        Cell::Text(text) | Cell::Health((_, text)) => text.clone(),
        _ => String::new(),
    };
    let number = |cell: &Cell| if let Cell::Integer(number) = cell { *number } else { -1 };
    let rows = fake.rows.borrow();
    let row = |row: &Row| {
        let cells = &row.cells;
        (text(&cells[0]), text(&cells[1]), number(&cells[2]), number(&cells[3]), number(&cells[5]))
    };
    rows["streams"].iter().map(row).collect()
}

/// What was asked; `…` stands for the fields that flows are to have.
fn asked(fake: &Fake) -> Vec<String> {
    let starts = fake.starts.borrow();
    let words = |argv: &[String]| -> Vec<String> {
        let fields = argv.iter().position(|word| word == "--field-mask").map(|at| at + 1);
        let word = |(at, word): (usize, &String)| match fields {
            Some(fields) if fields == at => "…".to_owned(),
            _ => word.clone(),
        };
        argv.iter().enumerate().map(word).collect()
    };
    starts.iter().map(|(of, argv)| format!("{of}: {}", words(argv).join(" "))).collect()
}

fn via(word: &str) -> [(&'static str, Value); 1] {
    [("via", Value::Text(word.to_owned()))]
}

#[test]
fn a_relay_that_answers_is_asked_in_place_of_the_agents() {
    let lost = r#"{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"12"},"node_name":"default/b"}
"#;
    let chunks = vec![
        out(&heard("NODE_CONNECTED", r#""default/a","default/b""#)),
        out(&flow("a")),
        out(&flow("b").repeat(2)),
        out(&flow("of-another-cluster")),
        out(lost),
    ];
    let relay = with_relay(&["a", "b"], script([Ok(chunks)]));
    let fake = run(relay, &["monitor", "drops"], &[]);
    assert_eq!(
        asked(&fake)[0],
        "relay: hubble observe --follow -o jsonpb --field-mask … --type drop"
    );
    assert!(asked(&fake).iter().all(|start| start.starts_with("relay: ")));
    let by_relay = "by the relay".to_owned();
    assert_eq!(
        streams(&fake)[1..],
        [("a".to_owned(), by_relay.clone(), 1, 0, 0), ("b".to_owned(), by_relay, 3, 12, 0),]
    );
    assert_eq!(streams(&fake)[0].2, 1, "what the relay says of nodes is its own");
    let findings = fake.findings.borrow();
    let told: Vec<_> =
        findings.iter().map(|one| (one.code.as_str(), one.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("monitor/source", "all flows came by the relay"),
            ("drop/policy-denied", "3 packets dropped: Policy denied")
        ]
    );
    assert_eq!(findings[1].evidence[0].0, "a: hubble observe");
    assert!(fake.partials.borrow().contains(&("b".into(), "the agent lost 12 events".into())));
}

#[test]
fn nodes_that_the_relay_does_not_hear_are_said_once_and_come_back() {
    let not = heard("NODE_UNAVAILABLE", r#""a""#);
    let chunks = vec![out(&not.repeat(2)), out(&heard("NODE_CONNECTED", r#""a""#))];
    let fake = run(with_relay(&["a", "b"], script([Ok(chunks)])), &["monitor", "drops"], &[]);
    let partials = fake.partials.borrow();
    assert_eq!(*partials, [("a".to_owned(), "the relay does not hear it: why".to_owned())]);
    let found = streams(&fake);
    assert_eq!((found[1].1.as_str(), found[1].4), ("by the relay", 1));
    assert_eq!(found[2].1, "waiting", "nothing is known of b");
}

#[test]
fn a_relay_that_fails_before_it_answers_costs_nothing_but_a_line() {
    for starts in [
        script([Err(Failure::Denied("no right to forward ports".into()))]),
        script([Ok(vec![Chunk::Ended(Err(Failure::Unavailable("connection refused".into())))])]),
        // Nothing, for three seconds.
        script([Ok(Vec::new())]),
    ] {
        let mut both = with_relay(&["a"], starts);
        both.scripts
            .get_mut()
            .insert("a".to_owned(), script([Ok(vec![out(&format!("{DROP}\n"))])]));
        let fake = run(both, &["monitor", "drops"], &[]);
        assert_eq!(
            asked(&fake)[..2],
            [
                "relay: hubble observe --follow -o jsonpb --field-mask … --type drop",
                "a: cilium-dbg monitor --type drop -j"
            ]
        );
        assert_eq!(streams(&fake)[0].2, 1);
        assert_eq!(*fake.partials.borrow(), []);
        let findings = fake.findings.borrow();
        assert!(findings[0].message.starts_with("every agent was asked, for "), "{findings:?}");
    }
}

#[test]
fn nodes_that_lack_a_field_are_asked_for_whole_flows() {
    let refusal = heard("NODE_ERROR", r#""a""#)
        .replace(r#""why""#, r#""rpc error: code = Unknown desc = invalid fieldmask""#);
    assert!(refusal.contains("fieldmask"), "{refusal}");
    let first = vec![out(&refusal.repeat(2))];
    let relay = with_relay(&["a"], script([Ok(first), Ok(vec![out(&flow("a"))])]));
    let fake = run(relay, &["monitor", "drops"], &[]);
    assert_eq!(
        asked(&fake),
        [
            "relay: hubble observe --follow -o jsonpb --field-mask … --type drop",
            "relay: hubble observe --follow -o jsonpb --type drop"
        ]
    );
    assert_eq!(streams(&fake)[1].2, 1);
    assert_eq!(*fake.partials.borrow(), []);
}

#[test]
fn a_relay_that_has_answered_is_followed_again() {
    let first = vec![out(&flow("a")), ended()];
    let relay = with_relay(&["a"], script([Ok(first), Ok(vec![out(&flow("a"))])]));
    let fake = run(relay, &["monitor", "drops"], &[]);
    assert_eq!(asked(&fake).len(), 2);
    assert_eq!((streams(&fake)[0].4, streams(&fake)[1].2), (1, 2));
    assert_eq!(*fake.partials.borrow(), [("relay".into(), "the agent went away".into())]);
}

#[test]
fn who_is_asked_can_be_said() {
    let relay = || with_relay(&["a"], script([Ok(vec![out(&flow("a"))])]));
    let agents = run(relay(), &["monitor", "drops"], &via("agent"));
    assert_eq!(asked(&agents)[0], "a: cilium-dbg monitor --type drop -j");
    let only = run(relay(), &["monitor", "drops"], &via("hubble"));
    assert_eq!(
        asked(&only),
        ["relay: hubble observe --follow -o jsonpb --field-mask … --type drop"]
    );
    // Where there is none, every agent has flows of its own.
    let none = run(fake("a", script([Ok(Vec::new())])), &["monitor", "flows"], &via("hubble"));
    assert_eq!(
        asked(&none)[0],
        "a: hubble observe --follow -o jsonpb --type drop --type trace --type l7"
    );
    // What flows do not have is asked of the agents.
    let hex = [("hex", Value::Boolean(true))];
    assert_eq!(asked(&run(relay(), &["monitor"], &hex))[0], "a: cilium-dbg monitor -v -v --hex");
    let types = [("type", Value::Texts(vec!["agent".to_owned()]))];
    assert_eq!(
        asked(&run(relay(), &["monitor"], &types))[0],
        "a: cilium-dbg monitor --type agent -j"
    );
}

#[test]
fn flows_of_a_quiet_cluster_are_shown_before_the_window_is_full() {
    let at = |seconds: u32, kind: u32| {
        let time = format!(r#""flow":{{"time":"2026-11-23T03:03:{seconds}Z","#);
        let line = flow("a").replace("\"flow\":{", &time);
        line.replace("\"event_type\":{\"type\":1}", &format!("\"event_type\":{{\"type\":{kind}}}"))
    };
    // The second start comes a second later, when nobody waits for an earlier event any more.
    let starts = script([Ok(vec![out(&at(20, 1)), ended()]), Ok(vec![out(&at(10, 4))])]);
    let fake = run(with_relay(&["a"], starts), &["monitor"], &[]);
    let found = events(&fake);
    let kinds: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["drop", "trace"]);
}
