//! What can be waited for, natively: streams that have everything at once, and tickers that
//! tick at every wait.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::iter::Peekable;

use super::Changes;
use super::Chunks;
use super::host;
use crate::Failure;
use crate::Place;
use crate::Selection;
use crate::bindings::lab::plugin::cluster::Change;
use crate::bindings::lab::plugin::hosts::Chunk;

#[derive(Default)]
struct Sources {
    next: u32,
    streams: BTreeSet<u32>,
    tickers: BTreeSet<u32>,
    /// Waits that had nothing but tickers.
    idle: u32,
}

thread_local! {
    static SOURCES: RefCell<Sources> = RefCell::default();
}

fn with<T>(body: impl FnOnce(&mut Sources) -> T) -> T {
    SOURCES.with(|sources| body(&mut sources.borrow_mut()))
}

fn open(list: impl FnOnce(&mut Sources) -> &mut BTreeSet<u32>) -> u32 {
    with(|sources| {
        let source = sources.next;
        sources.next += 1;
        list(sources).insert(source);
        source
    })
}

fn close(source: u32) {
    with(|sources| {
        sources.streams.remove(&source);
        sources.tickers.remove(&source);
        if sources.tickers.is_empty() {
            sources.idle = 0;
        }
    });
}

pub(crate) fn wait() -> Option<Vec<u32>> {
    let ticks = host().ticks();
    with(|sources| {
        if sources.streams.is_empty() {
            if sources.tickers.is_empty() || sources.idle >= ticks {
                return None;
            }
            sources.idle += 1;
        }
        Some(sources.streams.union(&sources.tickers).copied().collect())
    })
}

pub(crate) struct Ticker(u32);

impl Ticker {
    pub(crate) fn new(_every_ms: u32) -> Self {
        Self(open(|sources| &mut sources.tickers))
    }
    pub(crate) fn source(&self) -> u32 {
        self.0
    }
    #[expect(clippy::unused_self, reason = "one face for both bodies")]
    pub(crate) fn take(&self) -> u32 {
        1
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        close(self.0);
    }
}

struct Stream<I: Iterator> {
    source: u32,
    items: RefCell<Peekable<I>>,
}

impl<I: Iterator> Stream<I> {
    fn new(items: I) -> Self {
        let source = open(|sources| &mut sources.streams);
        Self { source, items: RefCell::new(items.peekable()) }
    }

    fn take(&self, max: u32) -> Vec<I::Item> {
        let mut items = self.items.borrow_mut();
        let taken = items.by_ref().take(max as usize).collect();
        if items.peek().is_none() {
            close(self.source);
        }
        taken
    }
}

impl<I: Iterator> Drop for Stream<I> {
    fn drop(&mut self) {
        close(self.source);
    }
}

pub(crate) struct Watch(Stream<Changes>);

impl Watch {
    pub(crate) fn start(of: &Selection) -> Result<Self, Failure> {
        host().watch(of).map(Stream::new).map(Self)
    }
    pub(crate) fn source(&self) -> u32 {
        self.0.source
    }
    pub(crate) fn take(&self, max: u32) -> Result<Vec<Change>, Failure> {
        self.0.take(max).into_iter().collect()
    }
}

pub(crate) struct Process(Stream<Chunks>);

impl Process {
    pub(crate) fn start(place: &Place, argv: &[&str]) -> Result<Self, Failure> {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        host().start(place, argv).map(Stream::new).map(Self)
    }
    pub(crate) fn source(&self) -> u32 {
        self.0.source
    }
    /// Natively a chunk is taken whole, whatever its size.
    pub(crate) fn take(&self, _max_bytes: u32) -> Vec<Chunk> {
        self.0.take(u32::MAX)
    }
}
