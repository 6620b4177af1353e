//! One stream of each agent: started, read, started again when it ends.
//!
//! Apart from the names, which come another way. Only here is known how an agent is asked.

use std::rc::Rc;

use lab_model::monitor::{Event, Kind, Reader};
use lab_plugin::{Chunk, Failure, Health, Level, Place, Process, Source, inbox, partial};

use super::Ask;
use crate::rows::StreamRow;

/// Commands, as the card declares them. Whatever was recorded of an agent will do: all forms
/// tell the same, and what is not wanted is left out here.
pub const COMMANDS: [&str; 7] = [
    "agent: cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor --type * -j | cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor --type * --type * -j | cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor --type * --type * --type * -j | cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor -v | cilium-dbg monitor | cilium-dbg monitor -v -v | cilium-dbg monitor -j &",
    "agent: cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | cilium-dbg monitor -j &",
    "agent: cilium-dbg monitor -v -v --hex | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -j &",
];

/// Types that are passed to the agent at most; more are all, and filtered here.
const TYPES: usize = 3;
/// Ticks before a stream that has ended is started again: one second, and twice as many each
/// time, up to half a minute.
const FIRST_PAUSE: u32 = 5;
const LONGEST_PAUSE: u32 = 150;

/// How deep the agent is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object for each event.
    #[default]
    Json,
    /// Text with debugging and sockets, as `-v`.
    Debug,
    /// Every packet's layers, as `-v -v`.
    Verbose,
    /// Every packet's bytes, as `-v -v --hex`.
    Hex,
}

impl Format {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["-j"],
            Self::Debug => &["-v"],
            Self::Verbose => &["-v", "-v"],
            Self::Hex => &["-v", "-v", "--hex"],
        }
    }
}

impl Ask {
    /// The command.
    fn command(&self) -> Vec<&'static str> {
        let mut command = vec!["cilium-dbg", "monitor"];
        // Only JSON is asked narrowly: the deeper formats are for looking at everything. Filters
        // by endpoint are not passed on, for a number means another pod on every node, and none
        // once the pod is made anew.
        if self.format == Format::Json && self.types.len() <= TYPES {
            command.extend(self.types.iter().flat_map(|kind| ["--type", *kind]));
        }
        command.extend(self.format.words());
        command
    }
}

/// A node's stream.
struct Stream {
    node: Rc<str>,
    process: Option<Process>,
    reader: Reader,
    /// What it says on standard error, of which the last line explains an end.
    errors: Reader,
    last_error: String,
    events: u64,
    lost: u64,
    other: u64,
    restarts: u64,
    /// Ticks until it is started again.
    pause: Option<u32>,
    next_pause: u32,
    /// Whether its end was told: once is enough.
    is_told: bool,
    state: Health,
}

/// All streams.
pub(super) struct Streams {
    ask: Ask,
    each: Vec<Stream>,
    /// In a recording what has ended has ended.
    is_live: bool,
}

impl Streams {
    pub(super) fn start(ask: Ask, nodes: &[String]) -> Self {
        let mut streams = Self { ask, each: Vec::new(), is_live: inbox::now().is_some() };
        streams.follow(nodes);
        streams
    }

    /// Whether anything can still come.
    pub(super) fn are_open(&self) -> bool {
        self.is_live || self.each.iter().any(|stream| stream.process.is_some())
    }

    /// The agents of these nodes, and of no others.
    pub(super) fn follow(&mut self, nodes: &[String]) {
        for stream in &mut self.each {
            if !nodes.iter().any(|node| **node == *stream.node) {
                stream.process = None;
                stream.pause = None;
                stream.state = Health(Level::Info, "gone".to_owned());
            }
        }
        for node in nodes {
            let known = self.each.iter().position(|stream| *stream.node == **node);
            let at = known.unwrap_or_else(|| {
                self.each.push(Stream::new(node));
                self.each.len() - 1
            });
            let stream = &mut self.each[at];
            if stream.process.is_none()
                && stream.pause.is_none()
                && (self.is_live || known.is_none())
            {
                stream.start(&self.ask, self.is_live);
            }
        }
    }

    /// A fifth of a second has passed.
    pub(super) fn tick(&mut self) {
        for stream in &mut self.each {
            match stream.pause {
                Some(0) => {
                    stream.pause = None;
                    stream.restarts += 1;
                    stream.start(&self.ask, self.is_live);
                }
                Some(ticks) => stream.pause = Some(ticks - 1),
                None => {}
            }
        }
    }

    /// Hands over the events that have come.
    pub(super) fn take(
        &mut self,
        ready: &[Source],
        mut each: impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for stream in &mut self.each {
            let Some(process) = &stream.process else { continue };
            if ready.contains(&process.source()) {
                let chunks = process.take();
                stream.read(chunks, self.is_live, &mut each)?;
            }
        }
        Ok(())
    }

    /// Hands over what has no end: it is over.
    pub(super) fn finish(
        &mut self,
        mut each: impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for stream in &mut self.each {
            stream.finish(&mut each)?;
            if stream.lost > 0 {
                let why = format!("the agent lost {} events", stream.lost);
                partial(&stream.node, &Failure::Other(why));
            }
        }
        Ok(())
    }

    pub(super) fn rows(&self) -> Vec<StreamRow> {
        let number = |of: u64| i64::try_from(of).unwrap_or(i64::MAX);
        let row = |stream: &Stream| StreamRow {
            node: stream.node.to_string(),
            state: stream.state.clone(),
            events: number(stream.events),
            lost: number(stream.lost),
            other: number(stream.other),
            restarts: number(stream.restarts),
        };
        self.each.iter().map(row).collect()
    }
}

impl Stream {
    fn new(node: &str) -> Self {
        Self {
            node: node.into(),
            process: None,
            reader: Reader::new(),
            errors: Reader::new(),
            last_error: String::new(),
            events: 0,
            lost: 0,
            other: 0,
            restarts: 0,
            pause: None,
            next_pause: FIRST_PAUSE,
            is_told: false,
            state: Health(Level::Unknown, "waiting".to_owned()),
        }
    }

    fn start(&mut self, ask: &Ask, is_live: bool) {
        match Process::start(&Place::agent(&self.node), &ask.command()) {
            Ok(process) => {
                self.process = Some(process);
                self.state = Health(Level::Good, "streaming".to_owned());
            }
            Err(failure) => self.ended(&failure, is_live),
        }
    }

    /// It does not go on: told once, and tried again where there is somebody to ask.
    fn ended(&mut self, why: &Failure, is_live: bool) {
        self.process = None;
        self.state = Health(Level::Bad, why.message().to_owned());
        if !std::mem::replace(&mut self.is_told, true) {
            partial(&self.node, why);
        }
        if is_live {
            self.pause = Some(self.next_pause);
            self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn read(
        &mut self,
        chunks: Vec<Chunk>,
        is_live: bool,
        each: &mut impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for chunk in chunks {
            match chunk {
                Chunk::Out(bytes) => {
                    let Self { node, reader, events, lost, other, next_pause, .. } = self;
                    *next_pause = FIRST_PAUSE;
                    let mut result = Ok(());
                    reader.feed(&bytes, |event| {
                        count(&event, events, lost, other);
                        if result.is_ok() {
                            result = each(&event, node);
                        }
                    });
                    result?;
                }
                Chunk::Err(bytes) => {
                    let last = &mut self.last_error;
                    self.errors.feed(&bytes, |event| {
                        if is_error(&event.raw) {
                            last.clear();
                            last.extend(event.raw.chars().take(300));
                        }
                    });
                }
                Chunk::Ended(status) => {
                    self.finish(each)?;
                    self.process = None;
                    self.state = Health(Level::Info, "ended".to_owned());
                    let why = match status {
                        // A recording ends by a time limit mostly, and that is no fault.
                        Ok(_) if !is_live => return Ok(()),
                        Ok(code) if self.last_error.is_empty() => Failure::Unavailable(format!(
                            "the agent's monitor ended with code {code}"
                        )),
                        Ok(_) => Failure::Unavailable(self.last_error.clone()),
                        Err(failure) => failure,
                    };
                    self.ended(&why, is_live);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn finish(
        &mut self,
        each: &mut impl FnMut(&Event<'_>, &Rc<str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Self { node, reader, events, lost, other, .. } = self;
        let mut result = Ok(());
        reader.finish(|event| {
            count(&event, events, lost, other);
            if result.is_ok() {
                result = each(&event, node);
            }
        });
        *reader = Reader::new();
        self.errors = Reader::new();
        result
    }
}

fn count(event: &Event<'_>, events: &mut u64, lost: &mut u64, other: &mut u64) {
    *events += 1;
    match event.kind {
        Kind::Lost => *lost += event.count.unwrap_or(1),
        Kind::Other => *other += 1,
        _ => {}
    }
}

/// Whether a line of standard error says why something went wrong, and is no banner.
fn is_error(line: &str) -> bool {
    ![
        "Listening for events",
        "Press Ctrl-C",
        "Received an interrupt",
        "time=",
        "command terminated",
    ]
    .iter()
    .any(|start| line.starts_with(start))
        || line.contains("level=error")
        || line.contains("level=warning")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_one_that_the_card_asks_for() {
        let fits = |command: &[&str]| {
            COMMANDS.iter().any(|scope| {
                let first = scope.split(" | ").next().and_then(|form| form.strip_prefix("agent: "));
                let words: Vec<&str> = first.unwrap_or_default().split(' ').collect();
                words.len() == command.len()
                    && words.iter().zip(command).all(|(may, word)| *may == "*" || may == word)
            })
        };
        for format in [Format::Json, Format::Debug, Format::Verbose, Format::Hex] {
            for n_types in 0..=4 {
                let types = ["drop", "trace", "l7", "agent"][..n_types].to_vec();
                let command = Ask { types, format }.command();
                assert!(fits(&command), "{command:?}");
            }
        }
        assert!(COMMANDS.iter().all(|scope| scope.ends_with(" &")));
    }

    #[test]
    fn banners_are_no_errors() {
        assert!(!is_error("Press Ctrl-C to quit"));
        assert!(!is_error(r#"time="x" level=info msg="Initializing dissection cache...""#));
        assert!(is_error(r#"time="x" level=warning msg="connection closed" error=EOF"#));
        assert!(is_error("Error: cannot open monitor socket"));
    }
}
