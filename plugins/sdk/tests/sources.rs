//! Waiting natively: everything comes, and then the wait ends, as on a capture.

use std::rc::Rc;

use lab_plugin::bindings::lab::plugin::cluster::Change as RawChange;
use lab_plugin::hosts::Host;
use lab_plugin::native::{Answers, Changes, Chunks, Row, TestHost, with_host};
use lab_plugin::{
    Change, Chunk, Column, Failure, Finding, Place, Process, Selection, Ticker, inbox,
};

/// Two pods, and a command that prints twice.
struct Small;

impl TestHost for Small {
    fn watch(&self, _: &Selection) -> Result<Changes, Failure> {
        let added = ["\"a\"", "7"].map(|text| Ok(RawChange::Added(text.to_owned())));
        Ok(Box::new(added.into_iter().chain([Ok(RawChange::Synced)])))
    }
    fn start(&self, _: &Place, _: Vec<String>) -> Result<Chunks, Failure> {
        let out = |text: &str| Chunk::Out(text.into());
        Ok(Box::new([out("x"), out("y"), Chunk::Ended(Ok(0))].into_iter()))
    }
    fn table(&self, _: &str, _: &[Column]) -> usize {
        0
    }
    fn upsert(&self, _: usize, _: Vec<Row>) -> Result<(), Failure> {
        Ok(())
    }
    fn remove(&self, _: usize, _: &[String]) {}
    fn finding(&self, _: Finding) {}
    fn partial(&self, _: &str, _: &Failure) {}
    fn list(
        &self,
        _: &Selection,
        _: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Failure> {
        Err(Failure::Stopped)
    }
    fn get(&self, _: &Selection, _: &str) -> Result<String, Failure> {
        Err(Failure::Stopped)
    }
    fn version(&self) -> Result<String, Failure> {
        Err(Failure::Stopped)
    }
    fn hosts(&self) -> Result<Vec<Host>, Failure> {
        Err(Failure::Stopped)
    }
    fn batch(&self, _: Vec<(Place, Vec<String>)>) -> Answers {
        Box::new(std::iter::empty())
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
}

#[test]
fn every_source_is_drained_and_then_the_wait_ends() {
    with_host(Rc::new(Small), || {
        let pods = Selection::new("v1", "Pod").watch::<String>().unwrap();
        let command = Process::start(&Place::host("a"), &["x"]).unwrap();
        let (mut changes, mut chunks) = (Vec::new(), Vec::new());
        while let Some(ready) = inbox::wait() {
            if ready.contains(&pods.source()) {
                changes.extend(pods.take().unwrap());
            }
            if ready.contains(&command.source()) {
                chunks.extend(command.take());
            }
        }
        assert_eq!(changes[0], Ok(Change::Added("a".to_owned())));
        let Err(Failure::Other(why)) = &changes[1] else { panic!("7 is no string") };
        assert!(why.contains("v1/Pod"), "{why}");
        assert_eq!(changes[2..], [Ok(Change::Synced)]);
        assert_eq!(chunks.len(), 3);
        assert_eq!(chunks[2], Chunk::Ended(Ok(0)));
    });
}

#[test]
fn tickers_alone_are_stopped_by_the_host() {
    with_host(Rc::new(Small), || {
        let ticker = Ticker::every(std::time::Duration::from_secs(1));
        let mut ticks = 0;
        while let Some(ready) = inbox::wait() {
            assert_eq!(ready, [ticker.source()]);
            ticks += ticker.take();
        }
        assert_eq!(ticks, 3);
    });
}
