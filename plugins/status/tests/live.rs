//! A cluster that goes on while it is looked at: what recordings cannot show, for they have no
//! time.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use lab_plugin::native::{Answers, Row, TestHost, Value, with_host};
use lab_plugin::{
    Call, Cell as Value2, Column, Failure, Finding, Outcome, Place, Plugin, Selection, hosts,
};
use status::Status;

/// Each look is so many milliseconds after the last one.
const STEP: i64 = 10_000;

#[derive(Default)]
struct Going {
    looks: Cell<i64>,
    columns: RefCell<Vec<Vec<String>>>,
    rows: RefCell<Vec<Row>>,
    findings: RefCell<Vec<Finding>>,
}

impl Going {
    fn run(path: &[&str], values: &[(&str, Value)]) -> Rc<Self> {
        let going = Rc::new(Self::default());
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let call = Call::new(path.iter().map(|&word| word.to_owned()).collect(), values.collect());
        with_host(going.clone(), || Status::run(&call)).unwrap();
        going
    }

    fn cell(&self, key: &str, column: &str) -> Value2 {
        let at = self.columns.borrow()[0].iter().position(|id| id == column).unwrap();
        self.rows.borrow().iter().find(|row| row.key == key).unwrap().cells[at].clone()
    }
}

impl TestHost for Going {
    fn table(&self, _name: &str, columns: &[Column]) -> usize {
        let ids = columns.iter().map(|column| column.id.clone()).collect();
        self.columns.borrow_mut().push(ids);
        self.columns.borrow().len() - 1
    }
    fn upsert(&self, _table: usize, rows: Vec<Row>) -> Result<(), Failure> {
        self.rows.borrow_mut().extend(rows);
        Ok(())
    }
    fn remove(&self, _table: usize, _keys: &[String]) {}
    fn finding(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }
    fn partial(&self, _subject: &str, _why: &Failure) {}
    fn list(
        &self,
        _of: &Selection,
        _: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Failure> {
        Ok((Vec::new(), None))
    }
    fn get(&self, _of: &Selection, _name: &str) -> Result<String, Failure> {
        Ok("{}".to_owned())
    }
    fn version(&self) -> Result<String, Failure> {
        Ok("{}".to_owned())
    }
    fn hosts(&self) -> Result<Vec<hosts::Host>, Failure> {
        let host = |name: &str| hosts::Host {
            name: name.to_owned(),
            kind: hosts::Kind::Node,
            addresses: Vec::new(),
        };
        Ok(["n1", "n2", "n3"].map(host).to_vec())
    }
    fn batch(&self, commands: Vec<(Place, Vec<String>)>) -> Answers {
        let look = self.looks.get();
        let answer = move |(place, argv): (Place, Vec<String>)| {
            let (Place::Agent(host) | Place::Host(host)) = place else { panic!("no pod is asked") };
            let out = match argv.join(" ").as_str() {
                "cilium-dbg metrics list -o json" => {
                    format!(r#"[{{"name":"cilium_drop_count_total","value":{}}}]"#, 100 + look * 50)
                }
                // One clock is a minute behind.
                "date +%s.%N" => {
                    let seconds = 1_800_000_000 - if host == "n2" { 60 } else { 0 };
                    format!("{seconds}.500000000")
                }
                _ => return Err(Failure::NotFound("not there".to_owned())),
            };
            Ok(Outcome { code: 0, out: out.into_bytes(), err: Vec::new(), truncated: false })
        };
        Box::new((0_u32..).zip(commands.into_iter().map(answer).collect::<Vec<_>>()))
    }
    fn setting(&self, _name: &str) -> Option<String> {
        None
    }
    /// The time is asked for at the end of each look, and before a pause.
    fn now(&self) -> Option<i64> {
        let look = self.looks.get();
        self.looks.set(look + 1);
        Some(1_800_000_000_000 + look * STEP)
    }
}

#[test]
fn rates_are_of_two_looks() {
    let rate = [("rate", Value::Duration(10_000_000_000))];
    let going = Going::run(&["status", "metrics"], &rate);
    // First look at 0 s with 100, asked again before the pause, second look at 20 s with 200.
    let key = "cilium_drop_count_total{}/*";
    assert_eq!(going.cell(key, "value"), Value2::Decimal(600.0));
    assert_eq!(going.cell(key, "rate"), Value2::Decimal(15.0));
}

#[test]
fn clocks_are_told_only_where_time_is_known() {
    let going = Going::run(&["status"], &[]);
    // Time goes on here between the answers, ten seconds each; the one that is a minute behind is
    // the only one that a person would call wrong.
    assert!(matches!(going.cell("n2", "clockSkew"), Value2::Decimal(skew) if skew <= -50.0));
}
