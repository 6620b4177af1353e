//! A cluster that goes on while it is looked at: what recordings cannot show, for they have no
//! time. Each look is half a minute after the last one.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use ipam::Ipam;
use lab_plugin::native::{Answers, Row, TestHost, Value, with_host};
use lab_plugin::{Call, Column, Failure, Finding, Level, Place, Plugin, Selection, hosts};
use serde_json::{Value as Json, json};

/// The objects of each kind at a look, counted from 0.
type Objects = fn(look: u32) -> BTreeMap<&'static str, Vec<Json>>;

struct Going {
    objects: Objects,
    looks: Cell<u32>,
    rows: RefCell<Vec<BTreeMap<String, Row>>>,
    findings: RefCell<Vec<Finding>>,
}

impl Going {
    fn run(objects: Objects, path: &[&str], values: &[(&str, Value)]) -> Rc<Self> {
        let going = Rc::new(Self {
            objects,
            looks: Cell::new(0),
            rows: RefCell::default(),
            findings: RefCell::default(),
        });
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let call = Call::new(path.iter().map(|&word| word.to_owned()).collect(), values.collect());
        with_host(going.clone(), || Ipam::run(&call)).unwrap();
        going
    }

    fn levels(&self, code: &str) -> Vec<Level> {
        let findings = self.findings.borrow();
        findings.iter().filter(|it| it.code == code).map(|it| it.level).collect()
    }
}

impl TestHost for Going {
    fn table(&self, _name: &str, _columns: &[Column]) -> usize {
        let mut rows = self.rows.borrow_mut();
        rows.push(BTreeMap::new());
        rows.len() - 1
    }
    fn upsert(&self, table: usize, rows: Vec<Row>) -> Result<(), Failure> {
        self.rows.borrow_mut()[table].extend(rows.into_iter().map(|row| (row.key.clone(), row)));
        Ok(())
    }
    fn remove(&self, table: usize, keys: &[String]) {
        self.rows.borrow_mut()[table].retain(|key, _| !keys.contains(key));
    }
    fn finding(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }
    fn partial(&self, subject: &str, why: &Failure) {
        panic!("{subject}: {why:?}");
    }
    fn list(
        &self,
        of: &Selection,
        _: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Failure> {
        let objects = (self.objects)(self.looks.get());
        let own = objects.get(of.kind.as_str()).filter(|_| of.labels.is_none());
        Ok((own.into_iter().flatten().map(ToString::to_string).collect(), None))
    }
    fn get(&self, of: &Selection, name: &str) -> Result<String, Failure> {
        let config = json!({"metadata": {"name": name}, "data": {"ipam": "cluster-pool",
            "cluster-pool-ipv4-cidr": "10.100.0.0/16", "enable-ipv6": "false"}});
        match (of.kind.as_str(), name) {
            ("ConfigMap", "cilium-config") => Ok(config.to_string()),
            _ => Err(Failure::NotFound(name.to_owned())),
        }
    }
    fn version(&self) -> Result<String, Failure> {
        Ok("{}".to_owned())
    }
    fn hosts(&self) -> Result<Vec<hosts::Host>, Failure> {
        Ok(vec![hosts::Host {
            name: "n1".to_owned(),
            kind: hosts::Kind::Node,
            addresses: Vec::new(),
        }])
    }
    fn batch(&self, commands: Vec<(Place, Vec<String>)>) -> Answers {
        assert!(commands.is_empty(), "no agent was to be asked: {commands:?}");
        Box::new(std::iter::empty())
    }
    fn setting(&self, _name: &str) -> Option<String> {
        None
    }
    /// The time is asked for at the end of each look, and before a pause.
    fn now(&self) -> Option<i64> {
        let look = self.looks.get();
        self.looks.set(look + 1);
        Some(1_800_000_000_000 + i64::from(look) * 30_000)
    }
}

fn objects(pods: &[&str], endpoints: &[&str]) -> BTreeMap<&'static str, Vec<Json>> {
    let ip = |name: &str| format!("10.100.0.{}", name.trim_start_matches('p'));
    let pod = |name: &&str| {
        json!({"metadata": {"name": name, "namespace": "n", "uid": name}, "spec": {"nodeName": "n1"},
            "status": {"phase": "Running", "podIPs": [{"ip": ip(name)}]}})
    };
    let endpoint = |name: &&str| {
        json!({"metadata": {"name": name, "namespace": "n", "ownerReferences": [{"kind": "Pod", "uid": name}]},
            "status": {"networking": {"addressing": [{"ipv4": ip(name)}]}}})
    };
    [
        ("Node", vec![json!({"metadata": {"name": "n1"}})]),
        ("CiliumNode", vec![json!({"metadata": {"name": "n1"}, "spec": {"ipam": {"podCIDRs": ["10.100.0.0/24"]}}})]),
        ("Pod", pods.iter().map(pod).collect()),
        ("CiliumEndpoint", endpoints.iter().map(endpoint).collect()),
    ]
    .into()
}

fn seconds(seconds: u64) -> Value {
    Value::Duration(Duration::from_secs(seconds).as_nanos().try_into().unwrap())
}

#[test]
fn one_look_proves_nothing() {
    let going = Going::run(|_| objects(&["p5"], &["p5", "p6"]), &["ipam"], &[]);
    assert_eq!(going.levels("ipam/suspect"), [Level::Info]);
}

#[test]
fn what_nobody_has_twice_has_leaked() {
    let values = [("cooling", seconds(60))];
    let going = Going::run(|_| objects(&["p5"], &["p5", "p6"]), &["ipam"], &values);
    assert_eq!(going.levels("ipam/suspect"), [Level::Warn]);
    // One that was released in between is told no more.
    let going = Going::run(
        |look| if look < 2 { objects(&["p5"], &["p5", "p6"]) } else { objects(&["p5"], &["p5"]) },
        &["ipam"],
        &values,
    );
    assert_eq!(going.levels("ipam/suspect"), []);
    // Where everything has a holder nobody waits.
    let going = Going::run(|_| objects(&["p5"], &["p5"]), &["ipam"], &values);
    assert_eq!(going.looks.get(), 1);
}

#[test]
fn watching_tells_after_the_cooling_and_takes_away_what_is_gone() {
    let values = [("watch", Value::Boolean(true)), ("cooling", seconds(60))];
    let going = Going::run(|_| objects(&["p5"], &["p5", "p6"]), &["ipam"], &values);
    // Looks at 0, 30, 60 and 90 seconds.
    assert_eq!(going.levels("ipam/suspect"), [Level::Info, Level::Info, Level::Warn, Level::Warn]);
    let going = Going::run(
        |look| {
            if look < 2 { objects(&["p5", "p7"], &["p5", "p7"]) } else { objects(&["p5"], &["p5"]) }
        },
        &["ipam", "addresses"],
        &values,
    );
    let rows = going.rows.borrow();
    let keys: Vec<&str> = rows[0].keys().map(String::as_str).collect();
    assert_eq!(keys, ["10.100.0.5"]);
}
