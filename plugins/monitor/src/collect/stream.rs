//! One stream, of an agent or of the relay: started, read, started again when it ends.
//!
//! Apart from all of them together. Only here is known how an agent and how the relay is asked.

use std::rc::Rc;

use lab_model::monitor::{Event, Reader};
use lab_plugin::{Chunk, Failure, Health, Level, Place, Process, Source, partial};

use super::Ask;
use super::account::Account;

/// Commands, as the card declares them. Whatever was recorded of an agent will do: all forms
/// tell the same, and what is not wanted is left out here.
pub const COMMANDS: [&str; 19] = [
    "agent: cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor --type * -j | cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor --type * --type * -j | cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor --type * --type * --type * -j | cilium-dbg monitor -j | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | hubble observe -o jsonpb &",
    "agent: cilium-dbg monitor -v | cilium-dbg monitor | cilium-dbg monitor -v -v | cilium-dbg monitor -j &",
    "agent: cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -v | cilium-dbg monitor -j &",
    "agent: cilium-dbg monitor -v -v --hex | cilium-dbg monitor -v -v | cilium-dbg monitor | cilium-dbg monitor -j &",
    "relay: hubble observe --follow -o jsonpb --field-mask * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "relay: hubble observe --follow -o jsonpb --field-mask * --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "relay: hubble observe --follow -o jsonpb --field-mask * --type * --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "relay: hubble observe --follow -o jsonpb --field-mask * --type * --type * --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "relay: hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "relay: hubble observe --follow -o jsonpb --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "relay: hubble observe --follow -o jsonpb --type * --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "relay: hubble observe --follow -o jsonpb --type * --type * --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "agent: hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "agent: hubble observe --follow -o jsonpb --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "agent: hubble observe --follow -o jsonpb --type * --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
    "agent: hubble observe --follow -o jsonpb --type * --type * --type * | hubble observe --follow -o jsonpb | hubble observe -o jsonpb &",
];

/// Types that are passed on at most; more are all, and filtered here.
const TYPES: usize = 3;
/// Types that flows have.
const OF_FLOWS: [&str; 5] = ["drop", "trace", "policy-verdict", "l7", "capture"];
/// Fields of flows that events are made of. What else there is is most of a flow: the labels of
/// both sides and of the node, what runs the pods, names of services and of this very flow.
///
/// Source: `api/v1/flow/flow.proto`; all of them are in Cilium 1.17, the first release to be asked
/// for some fields by the name `field_mask`, and in 1.20.
const FIELDS: &str = "time,verdict,drop_reason,ethernet,IP.source,IP.destination,l4,source.ID,source.identity,source.namespace,source.pod_name,destination.ID,destination.identity,destination.namespace,destination.pod_name,Type,node_name,l7,event_type.type,traffic_direction,policy_match_type,trace_observation_point,drop_reason_desc,is_reply,interface,proxy_port,file,egress_allowed_by,ingress_allowed_by,egress_denied_by,ingress_denied_by,Summary";
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

/// Who is asked for events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// The relay where there is one and it answers, else every agent.
    #[default]
    Auto,
    /// Every agent, for all that it sees.
    Agent,
    /// The relay; every agent's own flows where there is none.
    Hubble,
}

impl Via {
    /// The words for it.
    pub const WORDS: [&str; 3] = ["auto", "agent", "hubble"];

    /// By its word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "auto" => Self::Auto,
            "agent" => Self::Agent,
            "hubble" => Self::Hubble,
            _ => return None,
        })
    }
}

impl Ask {
    /// Whether flows tell all that is asked.
    pub fn is_of_flows(&self) -> bool {
        self.format == Format::Json && self.types.iter().all(|kind| OF_FLOWS.contains(kind))
    }

    fn types(&self) -> impl Iterator<Item = &'static str> {
        // Filters by endpoint are not passed on, for a number means another pod on every node, and
        // none once the pod is made anew.
        let passed = if self.types.len() <= TYPES { self.types.as_slice() } else { &[] };
        passed.iter().flat_map(|kind| ["--type", *kind])
    }

    /// The command for an agent's monitor.
    pub(super) fn events(&self) -> Vec<&'static str> {
        let mut command = vec!["cilium-dbg", "monitor"];
        // Only JSON is asked narrowly: the deeper formats are for looking at everything.
        if self.format == Format::Json {
            command.extend(self.types());
        }
        command.extend(self.format.words());
        command
    }

    /// The command for flows.
    pub(super) fn flows(&self) -> Vec<&'static str> {
        let mut command = vec!["hubble", "observe", "--follow", "-o", "jsonpb"];
        command.extend(self.types());
        command
    }

    /// The command for a relay's flows, with no more of each than is read.
    pub(super) fn lean_flows(&self) -> Vec<&'static str> {
        let mut command =
            vec!["hubble", "observe", "--follow", "-o", "jsonpb", "--field-mask", FIELDS];
        command.extend(self.types());
        command
    }
}

/// A stream.
pub(super) struct Stream {
    /// The node, or another word for who is asked.
    pub(super) name: Rc<str>,
    place: Place,
    command: Vec<&'static str>,
    process: Option<Process>,
    reader: Reader,
    /// What it says on standard error, of which the last line explains an end.
    errors: Reader,
    last_error: String,
    pub(super) account: Account,
    /// Ticks until it is started again.
    pause: Option<u32>,
    next_pause: u32,
    /// In a recording what has ended has ended.
    is_live: bool,
}

impl Stream {
    pub(super) fn new(name: &str, place: Place, command: Vec<&'static str>, is_live: bool) -> Self {
        Self {
            name: name.into(),
            place,
            command,
            process: None,
            reader: Reader::new(),
            errors: Reader::new(),
            last_error: String::new(),
            account: Account::new(),
            pause: None,
            next_pause: FIRST_PAUSE,
            is_live,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.process.is_some()
    }

    /// Whether nothing is done to start it again.
    pub(super) fn is_idle(&self) -> bool {
        self.process.is_none() && self.pause.is_none()
    }

    pub(super) fn is_ready(&self, ready: &[Source]) -> bool {
        self.process.as_ref().is_some_and(|process| ready.contains(&process.source()))
    }

    /// Starts it.
    ///
    /// # Errors
    /// Why it does not; [`Stream::ended`] goes on from there.
    pub(super) fn start(&mut self) -> Result<(), Failure> {
        self.process = Some(Process::start(&self.place, &self.command)?);
        self.account.state = Health(Level::Good, "streaming".to_owned());
        Ok(())
    }

    /// It is not wanted any more.
    pub(super) fn stop(&mut self, state: Health) {
        self.process = None;
        self.pause = None;
        self.account.state = state;
    }

    /// It does not go on: told once, and tried again where there is somebody to ask.
    pub(super) fn ended(&mut self, why: &Failure) {
        self.process = None;
        self.account.state = Health(Level::Bad, why.message().to_owned());
        if !std::mem::replace(&mut self.account.is_told, true) {
            partial(&self.name, why);
        }
        if self.is_live {
            self.pause = Some(self.next_pause);
            self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A fifth of a second has passed.
    pub(super) fn tick(&mut self) {
        match self.pause {
            Some(0) => {
                self.pause = None;
                self.account.restarts += 1;
                if let Err(why) = self.start() {
                    self.ended(&why);
                }
            }
            Some(ticks) => self.pause = Some(ticks - 1),
            None => {}
        }
    }

    /// Hands over the events that have come, as many as fit; why it has ended, if it has.
    ///
    /// # Errors
    /// Those of `each`.
    pub(super) fn read(
        &mut self,
        each: &mut impl FnMut(&Event<'_>) -> Result<(), Failure>,
    ) -> Result<Option<Failure>, Failure> {
        let Some(process) = &self.process else { return Ok(None) };
        for chunk in process.take() {
            match chunk {
                Chunk::Out(bytes) => {
                    self.next_pause = FIRST_PAUSE;
                    let mut result = Ok(());
                    self.reader.feed(&bytes, |event| {
                        if result.is_ok() {
                            result = each(&event);
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
                    self.account.state = Health(Level::Info, "ended".to_owned());
                    return Ok(match status {
                        // A recording ends by a time limit mostly, and that is no fault.
                        Ok(_) if !self.is_live => None,
                        Ok(code) if self.last_error.is_empty() => Some(Failure::Unavailable(
                            format!("`{}` ended with code {code}", self.command.join(" ")),
                        )),
                        Ok(_) => Some(Failure::Unavailable(self.last_error.clone())),
                        Err(failure) => Some(failure),
                    });
                }
            }
        }
        Ok(None)
    }

    /// Hands over what has no end: it is over.
    ///
    /// # Errors
    /// Those of `each`.
    pub(super) fn finish(
        &mut self,
        each: &mut impl FnMut(&Event<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut result = Ok(());
        self.reader.finish(|event| {
            if result.is_ok() {
                result = each(&event);
            }
        });
        self.reader = Reader::new();
        self.errors = Reader::new();
        result
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
        let fits = |place: &str, command: &[&str]| {
            COMMANDS.iter().any(|scope| {
                let first = scope.split(" | ").next().and_then(|form| form.strip_prefix(place));
                let words: Vec<&str> = first.unwrap_or_default().split(' ').collect();
                words.len() == command.len()
                    && words.iter().zip(command).all(|(may, word)| *may == "*" || may == word)
            })
        };
        for format in [Format::Json, Format::Debug, Format::Verbose, Format::Hex] {
            for n_types in 0..=4 {
                let types = ["drop", "trace", "l7", "capture"][..n_types].to_vec();
                let ask = Ask { types, format, via: Via::Auto };
                assert!(fits("agent: ", &ask.events()), "{ask:?}");
                assert!(fits("agent: ", &ask.flows()), "{ask:?}");
                assert!(fits("relay: ", &ask.flows()), "{ask:?}");
                assert!(fits("relay: ", &ask.lean_flows()), "{ask:?}");
            }
        }
        assert!(COMMANDS.iter().all(|scope| scope.ends_with(" &")));
    }

    #[test]
    fn flows_do_not_tell_everything() {
        let ask = |types: &[&'static str], format| Ask {
            types: types.to_vec(),
            format,
            ..Ask::default()
        };
        assert!(ask(&[], Format::Json).is_of_flows());
        assert!(ask(&["drop", "l7"], Format::Json).is_of_flows());
        assert!(!ask(&["drop", "agent"], Format::Json).is_of_flows());
        assert!(!ask(&[], Format::Hex).is_of_flows());
    }

    #[test]
    fn banners_are_no_errors() {
        assert!(!is_error("Press Ctrl-C to quit"));
        assert!(!is_error(r#"time="x" level=info msg="Initializing dissection cache...""#));
        assert!(is_error(r#"time="x" level=warning msg="connection closed" error=EOF"#));
        assert!(is_error("Error: cannot open monitor socket"));
    }
}
