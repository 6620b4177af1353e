//! One probe: the command it is, and what its answer means.
//!
//! Pure; asking is `collect`'s. A probe that could not be made is unknown, never lost.

use std::net::IpAddr;
use std::time::Duration;

use lab_plugin::{Failure, Outcome};

use crate::parse::connect::{Connected, parse_curl, parse_nc};
use crate::parse::ping::{PingError, PingReport, parse_ping};

/// Seconds that an answer is waited for.
pub const WAIT: u32 = 1;
/// The same for a connection, which is tried again after a second.
pub const CONNECT_WAIT: u32 = 3;

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// At least one answer came.
    Answered,
    /// Nothing came.
    Lost,
    /// Somebody refused.
    Refused,
    /// Somebody knows no way.
    Unreachable,
    /// It was not made.
    Unknown,
}

impl State {
    /// The word people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
        }
    }
}

/// What a pair's probe says.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// In short.
    pub state: State,
    /// Packets sent, or connections tried.
    pub sent: u32,
    /// Answers.
    pub received: u32,
    /// Smallest and mean round trip.
    pub rtt: Option<(Duration, Duration)>,
    /// TTL that was left in an answer.
    pub ttl: Option<u8>,
    /// The command, word for word.
    pub command: String,
    /// The lines of its output that matter.
    pub lines: Vec<String>,
    /// Why it is unknown.
    pub failure: Option<Failure>,
}

impl Measurement {
    /// A probe that was not made.
    pub fn unknown(command: String, failure: Failure) -> Self {
        Self {
            state: State::Unknown,
            sent: 0,
            received: 0,
            rtt: None,
            ttl: None,
            command,
            lines: Vec::new(),
            failure: Some(failure),
        }
    }

    /// Share of packets without an answer, 0 to 1.
    pub fn loss(&self) -> Option<f64> {
        let lost = self.sent.saturating_sub(self.received);
        (self.sent > 0).then(|| f64::from(lost) / f64::from(self.sent))
    }

    /// Hosts that an answer passed, the receiver counted: hosts start at 64, 128 or 255.
    pub fn hops_back(&self) -> Option<u32> {
        let left = self.ttl?;
        let start = [64, 128, 255].into_iter().find(|start| *start >= left)?;
        Some(u32::from(start - left) + 1)
    }
}

/// `ping`, with an interval only where it is not a second: so one shape serves every `ping`.
pub fn ping(count: u32, interval: Duration, address: IpAddr) -> Vec<String> {
    let mut argv = vec!["ping".to_owned(), "-c".to_owned(), count.to_string()];
    if interval != Duration::from_secs(1) {
        argv.extend(["-i".to_owned(), interval.as_secs_f64().to_string()]);
    }
    argv.extend(["-W".to_owned(), WAIT.to_string(), address.to_string()]);
    argv
}

/// A connection by curl, over which nothing is sent.
pub fn curl(address: IpAddr, port: u16) -> Vec<String> {
    let to = std::net::SocketAddr::new(address, port);
    let fixed = ["curl", "-sv", "-o", "/dev/null", "-w", "%{time_connect}", "--max-time"];
    let own = [CONNECT_WAIT.to_string(), format!("telnet://{to}")];
    fixed.map(str::to_owned).into_iter().chain(own).collect()
}

/// A connection by netcat.
pub fn netcat(address: IpAddr, port: u16) -> Vec<String> {
    let wait = CONNECT_WAIT.to_string();
    let words = ["nc", "-v", "-z", "-w", &wait, &address.to_string(), &port.to_string()];
    words.map(str::to_owned).to_vec()
}

/// The answer as text, unless the program is not there.
pub fn answer_of(
    argv: &[String],
    answer: &Result<Outcome, Failure>,
) -> Result<(i32, String, String), Failure> {
    let outcome = answer.as_ref().map_err(Clone::clone)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&outcome.out), text(&outcome.err));
    // A shell's words for a program that is not there, or may not run.
    if matches!(outcome.code, 126 | 127) {
        let program = argv.first().map(String::as_str).unwrap_or_default();
        let why = err.lines().next().unwrap_or("no message");
        return Err(Failure::NotFound(format!("`{program}` is not there: {why}")));
    }
    Ok((outcome.code, out, err))
}

/// What a run of `ping` says.
pub fn of_ping(argv: &[String], answer: &Result<Outcome, Failure>) -> Measurement {
    let command = argv.join(" ");
    let (code, out, err) = match answer_of(argv, answer) {
        Ok(said) => said,
        Err(failure) => return Measurement::unknown(command, failure),
    };
    let report = parse_ping(&out, &err);
    let Some(state) = state_of(&report) else {
        let line = err.lines().chain(out.lines()).find(|line| !line.trim().is_empty());
        let line = line.unwrap_or("no message");
        let why = Failure::Other(format!("`{command}`: exit code {code}: {line}"));
        return Measurement::unknown(command, why);
    };
    let PingReport { sent, received, rtt, ttl, lines, .. } = report;
    let sent = sent.unwrap_or(received);
    Measurement { state, sent, received, rtt, ttl, command, lines, failure: None }
}

/// Unknown without an answer, statistics or an error that says something about the way.
fn state_of(report: &PingReport) -> Option<State> {
    if report.received > 0 {
        return Some(State::Answered);
    }
    match report.error {
        Some(PingError::Unreachable) => Some(State::Unreachable),
        Some(PingError::Refused) => Some(State::Refused),
        Some(PingError::NoSuchOption) => None,
        _ => report.sent.filter(|sent| *sent > 0).map(|_| State::Lost),
    }
}

/// What one attempt to connect says.
pub fn of_connect(
    argv: &[String],
    answer: &Result<Outcome, Failure>,
) -> Result<Connected, Failure> {
    let (code, out, err) = answer_of(argv, answer)?;
    let connected = match argv.first().map(String::as_str) {
        Some("curl") => parse_curl(code, &out, &err),
        _ => parse_nc(code, &err),
    };
    match connected {
        Connected::NotTried(why) => Err(Failure::Other(format!("`{}`: {why}", argv.join(" ")))),
        connected => Ok(connected),
    }
}

/// Several attempts to connect as one measurement.
pub fn of_connects(argv: &[String], attempts: &[Result<Connected, Failure>]) -> Measurement {
    let command = argv.join(" ");
    let tried: Vec<&Connected> = attempts.iter().filter_map(|it| it.as_ref().ok()).collect();
    let Some(first) = tried.first() else {
        let why = attempts.iter().find_map(|it| it.as_ref().err().cloned());
        let why = why.unwrap_or_else(|| Failure::Other("it was not tried".to_owned()));
        return Measurement::unknown(command, why);
    };
    let open = || tried.iter().filter(|it| matches!(it, Connected::Yes(_)));
    let took: Vec<Duration> =
        open().filter_map(|it| if let Connected::Yes(took) = it { *took } else { None }).collect();
    let received = count(open().count());
    let mean = |all: &[Duration]| all.iter().sum::<Duration>() / count(all.len()).max(1);
    let state = match first {
        _ if received > 0 => State::Answered,
        Connected::Refused(_) => State::Refused,
        Connected::Unreachable(_) => State::Unreachable,
        _ => State::Lost,
    };
    let said = |it: &&Connected| match it {
        Connected::Refused(line) | Connected::Unreachable(line) => line.clone(),
        Connected::Silence => "no answer".to_owned(),
        _ => "connected".to_owned(),
    };
    Measurement {
        state,
        sent: count(tried.len()),
        received,
        rtt: took.iter().min().map(|least| (*least, mean(&took))),
        ttl: None,
        command,
        lines: tried.iter().map(said).collect(),
        failure: None,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
